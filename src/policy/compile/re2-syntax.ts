import { RE2JS } from 're2js'
import { PATTERN_POSITIONS_MAX } from '../../base/limits.ts'

/** A pattern's structure, as far as a search for ambiguity needs it. Spans are UTF-16 offsets into the pattern. */
export type RegexNode =
  | { readonly kind: 'empty' }
  /** One character of the class that this source text names. */
  | { readonly kind: 'class'; readonly source: string }
  | { readonly kind: 'concat'; readonly parts: readonly RegexNode[] }
  | { readonly kind: 'alternation'; readonly parts: readonly RegexNode[] }
  | {
      readonly kind: 'repeat'
      readonly body: RegexNode
      readonly least: number
      readonly most: number
      readonly start: number
      readonly end: number
    }

/** A parsed pattern, and whether case is ignored in it, or in any part of it. */
export type RegexSyntax = { readonly node: RegexNode; readonly foldCase: boolean }

/**
 * The structure of a pattern that re2js has accepted (https://github.com/google/re2/wiki/Syntax). Anchors and word
 * boundaries count as empty: they could only make a pattern less ambiguous.
 */
export function parseRegex(pattern: string): RegexSyntax {
  const reader: Reader = { pattern, at: 0, foldCase: false, atoms: 0 }
  return { node: readAlternation(reader), foldCase: reader.foldCase }
}

/** Whether one character is in a class as {@link RegexNode} names it. */
export function classTest(source: string, foldCase: boolean): (character: string) => boolean {
  // Most atoms are one letter, digit or space; an engine for each would be most of the work.
  if (PLAIN.test(source)) {
    if (!foldCase) return (character) => character === source
    const lower = source.toLowerCase()
    return (character) => character.toLowerCase() === lower
  }
  // With `s`, because a class that misses the line end is still the same class to a search for ambiguity.
  const pattern = RE2JS.compile(`${foldCase ? '(?si)' : '(?s)'}${source}`)
  return (character) => pattern.matches(character)
}

const PLAIN = /^[A-Za-z0-9 _-]$/

type Reader = { readonly pattern: string; at: number; foldCase: boolean; atoms: number }

const EMPTY: RegexNode = { kind: 'empty' }

function readAlternation(reader: Reader): RegexNode {
  const parts = [readConcat(reader)]
  while (reader.pattern[reader.at] === '|') {
    reader.at += 1
    parts.push(readConcat(reader))
  }
  return parts.length === 1 ? (parts[0] ?? EMPTY) : { kind: 'alternation', parts }
}

function readConcat(reader: Reader): RegexNode {
  const parts: RegexNode[] = []
  while (reader.at < reader.pattern.length) {
    const next = reader.pattern[reader.at]
    if (next === '|' || next === ')') break
    const start = reader.at
    const atoms = readAtoms(reader)
    const last = atoms.pop()
    parts.push(...atoms)
    if (last !== undefined) parts.push(readRepeats(reader, last, start))
  }
  return parts.length === 1 ? (parts[0] ?? EMPTY) : { kind: 'concat', parts }
}

const COUNT = /\{([0-9]+)(?:(,)([0-9]*))?\}/y

function readRepeats(reader: Reader, atom: RegexNode, start: number): RegexNode {
  let node = atom
  for (;;) {
    const bounds = readBounds(reader)
    if (bounds === null) return node
    // Lazy or greedy: both try every way before they give up.
    if (reader.pattern[reader.at] === '?') reader.at += 1
    node = { kind: 'repeat', body: node, ...bounds, start, end: reader.at }
  }
}

function readBounds(reader: Reader): { readonly least: number; readonly most: number } | null {
  const next = reader.pattern[reader.at]
  if (next === '*' || next === '+' || next === '?') {
    reader.at += 1
    return { least: next === '+' ? 1 : 0, most: next === '?' ? 1 : Number.POSITIVE_INFINITY }
  }
  if (next !== '{') return null
  const count = match(reader, COUNT)
  if (count === null) return null
  const least = Number(count[1])
  if (count[2] === undefined) return { least, most: least }
  return { least, most: count[3] === '' ? Number.POSITIVE_INFINITY : Number(count[3]) }
}

const GROUP = /\((?:\?(?:P?<[^>]*>|([a-zA-Z-]*)([:)])))?/y

/** One atom, or the several characters of a `\Q...\E`, of which only the last can be repeated. */
function readAtoms(reader: Reader): RegexNode[] {
  const next = reader.pattern[reader.at]
  if (next === '(') return [readGroup(reader)]
  if (next === '^' || next === '$') {
    reader.at += 1
    return [EMPTY]
  }
  if (next === '[') return [readClass(reader)]
  if (reader.pattern.startsWith('\\Q', reader.at)) return readQuoted(reader)
  if (next === '\\') return [readEscape(reader)]
  const character = String.fromCodePoint(reader.pattern.codePointAt(reader.at) ?? 0)
  reader.at += character.length
  return [atom(reader, character === '{' ? '\\{' : character)]
}

function readGroup(reader: Reader): RegexNode {
  const group = match(reader, GROUP)
  const flags = group?.[1] ?? ''
  if (flags.split('-')[0]?.includes('i') === true) reader.foldCase = true
  if (group?.[2] === ')') return EMPTY
  const node = readAlternation(reader)
  reader.at += 1
  return node
}

const CLASS = /\[\^?\]?(?:\[:\^?[a-z]+:\]|\\Q|\\.|[^\]\\])*\]/suy

function readClass(reader: Reader): RegexNode {
  const found = match(reader, CLASS)
  if (found === null) reader.at += 1
  return atom(reader, found === null ? '\\[' : found[0])
}

const ESCAPE = /\\(?:x\{[0-9A-Fa-f]+\}|x[0-9A-Fa-f]{2}|[pP]\{[^}]*\}|[pP].|[0-7]{1,3}|.)/suy
const EMPTY_ESCAPES = new Set(['\\A', '\\z', '\\b', '\\B', '\\Z'])

function readEscape(reader: Reader): RegexNode {
  const found = match(reader, ESCAPE)
  if (found === null) {
    reader.at += 1
    return EMPTY
  }
  return EMPTY_ESCAPES.has(found[0]) ? EMPTY : atom(reader, found[0])
}

function readQuoted(reader: Reader): RegexNode[] {
  const start = reader.at + 2
  const found = reader.pattern.indexOf('\\E', start)
  const end = found < 0 ? reader.pattern.length : found
  reader.at = found < 0 ? end : end + 2
  return [...reader.pattern.slice(start, end)].map((character) =>
    atom(reader, RE2JS.quote(character)),
  )
}

function atom(reader: Reader, source: string): RegexNode {
  reader.atoms += 1
  if (reader.atoms > PATTERN_POSITIONS_MAX)
    throw new RangeError('more atoms than a pattern may have')
  return { kind: 'class', source }
}

function match(reader: Reader, pattern: RegExp): RegExpExecArray | null {
  pattern.lastIndex = reader.at
  const found = pattern.exec(reader.pattern)
  if (found !== null) reader.at += found[0].length
  return found
}
