import type { BuiltinError } from './builtin.ts'
import type { Token, TokenKind } from './template-lex.ts'
import { lexTemplate, templateError } from './template-lex.ts'
import { readNumber, unquote } from './template-literals.ts'

/** A template and those it defines, by name; the one that is run is the main one. */
export type Templates = { readonly main: List; readonly named: ReadonlyMap<string, List> }

export type List = readonly Node[]

export type Node =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'action'; readonly pipe: Pipe }
  | { readonly kind: 'break' | 'continue' }
  | Control
  | { readonly kind: 'template'; readonly name: string; readonly pipe: Pipe | undefined }

export type Control = {
  readonly kind: 'if' | 'range' | 'with'
  readonly pipe: Pipe
  readonly list: List
  readonly otherwise: List | undefined
}

/** Commands, each taking the value of the one before, and the variables that the last value is given to. */
export type Pipe = {
  readonly variables: readonly string[]
  readonly assigns: boolean
  readonly commands: readonly (readonly Operand[])[]
}

export type Operand =
  | { readonly kind: 'dot' }
  | { readonly kind: 'nil' }
  | { readonly kind: 'boolean'; readonly value: boolean }
  | { readonly kind: 'number'; readonly value: number }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'function'; readonly name: string }
  | { readonly kind: 'field'; readonly names: readonly string[] }
  | { readonly kind: 'variable'; readonly name: string; readonly names: readonly string[] }
  | { readonly kind: 'chain'; readonly of: Operand; readonly names: readonly string[] }
  | { readonly kind: 'pipe'; readonly pipe: Pipe }

/** Functions of Go's text/template, but for `call`, `js`, `printf` and `slice`. */
export const FUNCTION_NAMES: ReadonlySet<string> = new Set([
  'and',
  'eq',
  'ge',
  'gt',
  'html',
  'index',
  'le',
  'len',
  'lt',
  'ne',
  'not',
  'or',
  'print',
  'println',
  'urlquery',
])

/**
 * Reads a template of Go's text/template (https://pkg.go.dev/text/template): text, comments, trimmed space, pipelines,
 * variables, `if`, `range`, `with`, `else`, `break`, `continue`, `define`, `template`, `block`. Numbers are whole, and
 * of the functions `call`, `js`, `printf` and `slice` are left out.
 *
 * @throws {BuiltinError}
 */
export function parseTemplate(template: string): Templates {
  const parser: Parser = {
    tokens: lexTemplate(template),
    at: 0,
    variables: ['$'],
    loops: 0,
    depth: 0,
    named: new Map(),
  }
  const main: Node[] = []
  while (peek(parser).kind !== 'end') {
    if (isDefinition(parser)) parseDefinition(parser)
    else main.push(nodeOf(parseNode(parser)))
  }
  define(parser, MAIN_NAME, main)
  return { main: parser.named.get(MAIN_NAME) ?? main, named: parser.named }
}

/** The name that OPA gives to the template it is asked to render. */
const MAIN_NAME = 'template'

/** Nesting of actions and of parentheses, each. */
const DEPTH_MAX = 200

type Parser = {
  readonly tokens: readonly Token[]
  at: number
  variables: string[]
  /** `range` actions around this place, in this template. */
  loops: number
  depth: number
  readonly named: Map<string, List>
}

/** What ends a list of nodes. */
type Ending = { readonly kind: 'end' } | { readonly kind: 'else' }

function isEnding(node: Node | Ending): node is Ending {
  return node.kind === 'end' || node.kind === 'else'
}

function nodeOf(node: Node | Ending): Node {
  if (isEnding(node)) throw templateError(`unexpected {{${node.kind}}}`)
  return node
}

function peek(parser: Parser, ahead = 0): Token {
  return parser.tokens[Math.min(parser.at + ahead, parser.tokens.length - 1)] ?? END
}

const END: Token = { kind: 'end', text: 'EOF' }

function next(parser: Parser): Token {
  const token = peek(parser)
  parser.at++
  return token
}

function skipSpace(parser: Parser): Token {
  if (peek(parser).kind === 'space') parser.at++
  return peek(parser)
}

function expect(parser: Parser, kind: TokenKind, context: string): Token {
  const token = skipSpace(parser)
  if (token.kind !== kind) throw unexpected(token, context)
  return next(parser)
}

function unexpected(token: Token, context: string): BuiltinError {
  return templateError(`unexpected ${JSON.stringify(token.text.slice(0, 20))} in ${context}`)
}

function isDefinition(parser: Parser): boolean {
  if (peek(parser).kind !== 'left') return false
  const after = peek(parser, peek(parser, 1).kind === 'space' ? 2 : 1)
  return after.kind === 'keyword' && after.text === 'define'
}

function parseDefinition(parser: Parser): void {
  next(parser)
  skipSpace(parser)
  next(parser)
  const name = unquote(expect(parser, 'string', 'define clause').text)
  expect(parser, 'right', 'define clause')
  define(parser, name, parseBody(parser, 'define clause'))
}

/** A list with variables and loops of its own, up to its `{{end}}`. */
function parseBody(parser: Parser, context: string): List {
  const { variables, loops } = parser
  parser.variables = ['$']
  parser.loops = 0
  const { list, ending } = parseList(parser)
  if (ending.kind !== 'end') throw templateError(`unexpected {{else}} in ${context}`)
  parser.variables = variables
  parser.loops = loops
  return list
}

/** A name may be taken twice if what it stands for at first, or then, is empty. */
function define(parser: Parser, name: string, list: List): void {
  const before = parser.named.get(name)
  if (before === undefined || isBlank(before)) parser.named.set(name, list)
  else if (!isBlank(list)) throw templateError(`multiple definition of template "${name}"`)
}

function isBlank(list: List): boolean {
  return list.every((node) => node.kind === 'text' && /^[\s\u0085]*$/.test(node.text))
}

function parseList(parser: Parser): { readonly list: List; readonly ending: Ending } {
  const list: Node[] = []
  nest(parser)
  while (peek(parser).kind !== 'end') {
    const node = parseNode(parser)
    if (isEnding(node)) {
      parser.depth--
      return { list, ending: node }
    }
    list.push(node)
  }
  throw templateError('unexpected EOF')
}

function nest(parser: Parser): void {
  parser.depth++
  if (parser.depth > DEPTH_MAX) throw templateError('it nests too deeply')
}

function parseNode(parser: Parser): Node | Ending {
  const token = next(parser)
  if (token.kind === 'text') return { kind: 'text', text: token.text }
  if (token.kind !== 'left') throw unexpected(token, 'input')
  const word = skipSpace(parser)
  if (word.kind !== 'keyword' || word.text === 'nil') {
    return { kind: 'action', pipe: parsePipe(parser, 'command') }
  }
  next(parser)
  switch (word.text) {
    case 'if':
    case 'range':
    case 'with':
      return parseControl(parser, word.text)
    case 'end':
      expect(parser, 'right', 'end')
      return { kind: 'end' }
    case 'else':
      return parseElse(parser)
    case 'break':
    case 'continue':
      expect(parser, 'right', `{{${word.text}}}`)
      if (parser.loops === 0) throw templateError(`{{${word.text}}} outside {{range}}`)
      return { kind: word.text }
    case 'template':
      return parseInvocation(parser)
    case 'block':
      return parseBlock(parser)
    default:
      throw unexpected(word, 'command')
  }
}

/** Leaves `if` or `with` behind `else` for whoever reads on. */
function parseElse(parser: Parser): Ending {
  const token = skipSpace(parser)
  if (token.kind !== 'keyword' || (token.text !== 'if' && token.text !== 'with')) {
    expect(parser, 'right', 'else')
  }
  return { kind: 'else' }
}

function parseControl(parser: Parser, kind: Control['kind']): Control {
  const variables = parser.variables.length
  const pipe = parsePipe(parser, kind)
  if (kind === 'range') parser.loops++
  const { list, ending } = parseList(parser)
  if (kind === 'range') parser.loops--
  let otherwise: List | undefined
  if (ending.kind === 'else') otherwise = parseOtherwise(parser, kind)
  parser.variables.length = variables
  return { kind, pipe, list, otherwise }
}

function parseOtherwise(parser: Parser, kind: Control['kind']): List {
  const token = peek(parser)
  if (token.kind === 'keyword' && token.text === kind && kind !== 'range') {
    // `else if` shares the end of the action it belongs to.
    next(parser)
    nest(parser)
    const control = parseControl(parser, kind)
    parser.depth--
    return [control]
  }
  // Behind `else` of another action: not closed, so that it ends in an error as in Go.
  if (token.kind === 'keyword') throw unexpected(token, 'input')
  const { list, ending } = parseList(parser)
  if (ending.kind !== 'end') throw templateError('expected end; found {{else}}')
  return list
}

function parseInvocation(parser: Parser): Node {
  const name = unquote(expect(parser, 'string', 'template clause').text)
  if (skipSpace(parser).kind === 'right') {
    next(parser)
    return { kind: 'template', name, pipe: undefined }
  }
  return { kind: 'template', name, pipe: parsePipe(parser, 'template clause') }
}

function parseBlock(parser: Parser): Node {
  const name = unquote(expect(parser, 'string', 'block clause').text)
  const pipe = parsePipe(parser, 'block clause')
  define(parser, name, parseBody(parser, 'block clause'))
  return { kind: 'template', name, pipe }
}

/** Reads a pipeline and what closes it: the end of the action, or a parenthesis. */
function parsePipe(parser: Parser, context: string, end: TokenKind = 'right'): Pipe {
  const { variables, assigns } = parseVariables(parser, context)
  const commands: (readonly Operand[])[] = []
  while (skipSpace(parser).kind !== end) commands.push(parseCommand(parser, context))
  next(parser)
  if (commands.length === 0) throw templateError(`missing value for ${context}`)
  commands.slice(1).forEach(([first], at) => {
    if (first === undefined || !VALUE_KINDS.has(first.kind)) return
    throw templateError(`non executable command in pipeline stage ${at + 2}`)
  })
  return { variables, assigns, commands }
}

const VALUE_KINDS: ReadonlySet<Operand['kind']> = new Set([
  'boolean',
  'dot',
  'nil',
  'number',
  'string',
])

/** `$x :=`, `$x =`, and in a range `$i, $x :=`. */
function parseVariables(
  parser: Parser,
  context: string,
): { readonly variables: readonly string[]; readonly assigns: boolean } {
  const variables: string[] = []
  for (;;) {
    const token = skipSpace(parser)
    if (token.kind !== 'variable') break
    const after = peek(parser, peek(parser, 1).kind === 'space' ? 2 : 1)
    if (after.kind !== 'assign' && after.kind !== 'declare' && after.kind !== 'comma') break
    next(parser)
    skipSpace(parser)
    next(parser)
    variables.push(token.text)
    parser.variables.push(token.text)
    if (after.kind !== 'comma') return { variables, assigns: after.kind === 'assign' }
    if (context !== 'range' || variables.length > 1) {
      throw templateError(`too many declarations in ${context}`)
    }
    const following = skipSpace(parser).kind
    if (!['variable', 'right', 'paren-close'].includes(following)) {
      throw templateError('range can only initialize variables')
    }
  }
  return { variables, assigns: false }
}

function parseCommand(parser: Parser, context: string): readonly Operand[] {
  const operands: Operand[] = []
  for (;;) {
    skipSpace(parser)
    const operand = parseOperand(parser, context)
    if (operand !== undefined) operands.push(operand)
    const { kind } = peek(parser)
    if (kind === 'space') continue
    if (kind === 'pipe') next(parser)
    else if (kind !== 'right' && kind !== 'paren-close') throw unexpected(peek(parser), 'operand')
    break
  }
  if (operands.length === 0) throw templateError('empty command')
  return operands
}

function parseOperand(parser: Parser, context: string): Operand | undefined {
  const term = parseTerm(parser, context)
  if (term === undefined) return undefined
  const names: string[] = []
  while (peek(parser).kind === 'field') names.push(next(parser).text.slice(1))
  if (names.length === 0) return term
  if (term.kind === 'field' || term.kind === 'variable') {
    return { ...term, names: [...term.names, ...names] }
  }
  if (VALUE_KINDS.has(term.kind)) throw templateError('unexpected . after term')
  return { kind: 'chain', of: term, names }
}

function parseTerm(parser: Parser, context: string): Operand | undefined {
  const { kind, text } = peek(parser)
  parser.at++
  switch (kind) {
    case 'identifier':
      if (!FUNCTION_NAMES.has(text)) throw templateError(`function "${text}" not defined`)
      return { kind: 'function', name: text }
    case 'dot':
      return { kind: 'dot' }
    case 'variable':
      if (!parser.variables.includes(text)) throw templateError(`undefined variable "${text}"`)
      return { kind: 'variable', name: text, names: [] }
    case 'field':
      return { kind: 'field', names: [text.slice(1)] }
    case 'bool':
      return { kind: 'boolean', value: text === 'true' }
    case 'number':
    case 'char':
      return { kind: 'number', value: readNumber(text) }
    case 'string':
      return { kind: 'string', value: unquote(text) }
    case 'keyword':
      if (text === 'nil') return { kind: 'nil' }
      break
    case 'paren-open': {
      nest(parser)
      const pipe = parsePipe(parser, 'parenthesized pipeline', 'paren-close')
      parser.depth--
      return { kind: 'pipe', pipe }
    }
  }
  parser.at--
  if (kind === 'end') throw unexpected(peek(parser), context)
  return undefined
}
