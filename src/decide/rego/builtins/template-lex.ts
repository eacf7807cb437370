import { isLetterOrDigit } from '../regex/unicode.ts'
import { BuiltinError } from './builtin.ts'

/** A piece of a template. Actions lie between `left` and `right`. */
export type Token = { readonly kind: TokenKind; readonly text: string }

export type TokenKind =
  | 'assign'
  | 'bool'
  | 'char'
  | 'comma'
  | 'declare'
  | 'dot'
  | 'end'
  | 'field'
  | 'identifier'
  | 'keyword'
  | 'left'
  | 'number'
  | 'paren-close'
  | 'paren-open'
  | 'pipe'
  | 'right'
  | 'space'
  | 'string'
  | 'text'
  | 'variable'

/**
 * Cuts a template into tokens, as Go's text/template/parse does; comments and trimmed space are left out.
 *
 * @throws {BuiltinError}
 */
export function lexTemplate(template: string): readonly Token[] {
  const lexer: Lexer = { template, at: 0, tokens: [], parens: 0 }
  while (lexer.at < template.length) {
    lexText(lexer)
    if (lexer.at < template.length) lexAction(lexer)
  }
  lexer.tokens.push({ kind: 'end', text: 'EOF' })
  return lexer.tokens
}

/** Refuses a template. */
export function templateError(reason: string): BuiltinError {
  return new BuiltinError(`template: ${reason}`)
}

type Lexer = {
  readonly template: string
  at: number
  readonly tokens: Token[]
  parens: number
}

const KEYWORDS: ReadonlySet<string> = new Set([
  'block',
  'break',
  'continue',
  'define',
  'else',
  'end',
  'if',
  'nil',
  'range',
  'template',
  'with',
])

/** Text up to the next action, whose left marker may trim the end of it. */
function lexText(lexer: Lexer): void {
  const { template, at } = lexer
  const found = template.indexOf('{{', at)
  const end = found < 0 ? template.length : found
  let text = template.slice(at, end)
  if (found >= 0 && trimsLeft(template, found)) text = trimSpace(text, 'end')
  if (text !== '') lexer.tokens.push({ kind: 'text', text })
  lexer.at = end
}

function trimsLeft(template: string, at: number): boolean {
  return template[at + 2] === '-' && isSpace(template[at + 3])
}

function isSpace(character: string | undefined): boolean {
  return character === ' ' || character === '\t' || character === '\r' || character === '\n'
}

function trimSpace(text: string, side: 'start' | 'end'): string {
  let [start, end] = [0, text.length]
  while (side === 'start' && isSpace(text[start])) start++
  while (side === 'end' && isSpace(text[end - 1])) end--
  return text.slice(start, end)
}

function lexAction(lexer: Lexer): void {
  const { template } = lexer
  const start = lexer.at + (trimsLeft(template, lexer.at) ? 4 : 2)
  if (template.startsWith('/*', start)) {
    lexComment(lexer, start)
    return
  }
  lexer.at = start
  lexer.tokens.push({ kind: 'left', text: '{{' })
  lexer.parens = 0
  while (!lexRight(lexer)) lexToken(lexer)
}

function lexComment(lexer: Lexer, start: number): void {
  const end = lexer.template.indexOf('*/', start + 2)
  if (end < 0) throw templateError('unclosed comment')
  lexer.at = end + 2
  if (!passRight(lexer)) throw templateError('comment ends before closing delimiter')
}

/** Passes `}}`, or ` -}}` and the space behind it. */
function passRight(lexer: Lexer): boolean {
  const { template, at } = lexer
  const trims = isSpace(template[at]) && template.startsWith('-}}', at + 1)
  if (!trims && !template.startsWith('}}', at)) return false
  lexer.at = at + (trims ? 4 : 2)
  if (trims) while (isSpace(template[lexer.at])) lexer.at++
  return true
}

function lexRight(lexer: Lexer): boolean {
  if (!passRight(lexer)) return false
  if (lexer.parens > 0) throw templateError('unclosed left paren')
  lexer.tokens.push({ kind: 'right', text: '}}' })
  return true
}

function lexToken(lexer: Lexer): void {
  const { template, at } = lexer
  const next = template[at]
  if (next === undefined) throw templateError('unclosed action')
  if (isSpace(next)) {
    // The last space may belong to the right marker.
    do lexer.at++
    while (isSpace(template[lexer.at]))
    if (template.startsWith('-}}', lexer.at)) lexer.at--
    if (lexer.at > at) lexer.tokens.push({ kind: 'space', text: ' ' })
    return
  }
  const single = SINGLE.get(next)
  if (single !== undefined) {
    if (single === 'paren-open') lexer.parens++
    if (single === 'paren-close' && --lexer.parens < 0)
      throw templateError('unexpected right paren')
    push(lexer, single, at + 1)
    return
  }
  if (next === ':') {
    if (template[at + 1] !== '=') throw templateError('expected :=')
    push(lexer, 'declare', at + 2)
  } else if (next === '"' || next === "'") {
    push(lexer, next === '"' ? 'string' : 'char', quotedEnd(template, at, next))
  } else if (next === '`') {
    const end = template.indexOf('`', at + 1)
    if (end < 0) throw templateError('unterminated raw quoted string')
    push(lexer, 'string', end + 1)
  } else if (next === '$' || (next === '.' && !isDigit(template[at + 1]))) {
    lexName(lexer, next === '$' ? 'variable' : 'field')
  } else if (next === '.' || next === '+' || next === '-' || isDigit(next)) {
    const number = /^[+-]?[0-9A-Za-z_.]+/.exec(template.slice(at, at + NUMBER_LENGTH_MAX))
    push(lexer, 'number', at + Math.max(1, number?.[0].length ?? 0))
  } else {
    lexName(lexer, 'identifier')
  }
}

const NUMBER_LENGTH_MAX = 100

const SINGLE: ReadonlyMap<string, TokenKind> = new Map([
  ['=', 'assign'],
  ['|', 'pipe'],
  ['(', 'paren-open'],
  [')', 'paren-close'],
  [',', 'comma'],
])

function push(lexer: Lexer, kind: TokenKind, end: number): void {
  lexer.tokens.push({ kind, text: lexer.template.slice(lexer.at, end) })
  lexer.at = end
}

function isDigit(character: string | undefined): boolean {
  return character !== undefined && character >= '0' && character <= '9'
}

function quotedEnd(template: string, start: number, quote: string): number {
  for (let at = start + 1; at < template.length && template[at] !== '\n'; at++) {
    if (template[at] === '\\') {
      at++
      if (template[at] === '\n') break
    } else if (template[at] === quote) return at + 1
  }
  throw templateError('unterminated quoted string')
}

/** A word, a `.field` or a `$variable`; nothing but an end of words may follow. */
function lexName(lexer: Lexer, kind: 'field' | 'identifier' | 'variable'): void {
  const { template, at } = lexer
  let end = at + (kind === 'identifier' ? 0 : 1)
  const start = end
  while (end < template.length) {
    const point = template.codePointAt(end) ?? 0
    if (point !== UNDERSCORE && !isLetterOrDigit(point)) break
    end += point > 0xffff ? 2 : 1
  }
  const next = template[end]
  const ended = next === undefined || isSpace(next) || '.,|:)('.includes(next)
  if ((kind === 'identifier' && end === at) || (!ended && !template.startsWith('}}', end))) {
    throw templateError('bad character in action')
  }
  const word = template.slice(at, end)
  if (kind === 'field') push(lexer, end === start ? 'dot' : 'field', end)
  else if (kind === 'variable') push(lexer, 'variable', end)
  else if (KEYWORDS.has(word)) push(lexer, 'keyword', end)
  else push(lexer, word === 'true' || word === 'false' ? 'bool' : 'identifier', end)
}

const UNDERSCORE = 0x5f
