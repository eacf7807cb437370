import type { ClassReader } from './parse-class.ts'
import { readClass, readEscape, readEscapedClass } from './parse-class.ts'
import type { Piece } from './pieces.ts'
import { alternate, concatenate, group, leaf, literal, repeat } from './pieces.ts'
import { ALL_RANGES } from './ranges.ts'
import type { Assertion, Meter, RegexSyntax } from './syntax.ts'
import { ASSERTION, RegexError, UNMETERED } from './syntax.ts'

/**
 * Reads a pattern in the syntax of Go's package regexp (https://pkg.go.dev/regexp/syntax, its Perl flags), which is
 * RE2's. Takes what Go 1.26 takes and refuses what it refuses. Time is linear in the length and what classes hold.
 *
 * @throws {RegexError} for anything else
 */
export function parseRegex(pattern: string, meter: Meter = UNMETERED): RegexSyntax {
  // Some 100 ns for each character, and memory as for a few.
  meter.work(4 * pattern.length)
  const reader: Reader = {
    pattern,
    meter,
    at: 0,
    flags: { fold: false, lines: false, dotAll: false, lazy: false },
    scope: newScope(null, -1),
    groups: [''],
    repeatAt: -1,
  }
  while (reader.at < pattern.length) {
    const start = reader.at
    const repeated = readNext(reader)
    reader.repeatAt = repeated ? start : -1
  }
  if (reader.scope.outer !== null) throw new RegexError('missing closing )', pattern)
  return { node: finish(reader, reader.scope).node, groups: reader.groups }
}

/** Go's bound on one count and on the product of nested ones. */
const REPEATS_MAX = 1000

type Flags = {
  readonly fold: boolean
  readonly lines: boolean
  readonly dotAll: boolean
  readonly lazy: boolean
}

/** What lies between two parentheses, as far as it has been read. */
type Scope = {
  readonly outer: Scope | null
  /** Of the group; -1 for one that captures nothing. */
  readonly index: number
  /** Of its parenthesis in the pattern. */
  readonly start: number
  /** As they were before it. */
  readonly flags: Flags | null
  readonly alternatives: Piece[]
  parts: Piece[]
  /** Where each of the parts starts in the pattern. */
  starts: number[]
}

type Reader = ClassReader & {
  flags: Flags
  scope: Scope
  readonly groups: string[]
  /** Where the repetition just before this place starts; -1 when it is none. */
  repeatAt: number
}

function newScope(reader: Pick<Reader, 'at' | 'flags' | 'scope'> | null, index: number): Scope {
  const { scope: outer = null, flags = null, at: start = 0 } = reader ?? {}
  return { outer, index, start, flags, alternatives: [], parts: [], starts: [] }
}

function push(scope: Scope, piece: Piece, start: number): void {
  scope.parts.push(piece)
  scope.starts.push(start)
}

/** Reads one item; says whether it was a repetition. */
function readNext(reader: Reader): boolean {
  const { pattern, scope, at: start } = reader
  const next = pattern[reader.at] ?? ''
  switch (next) {
    case '(':
      openGroup(reader)
      return false
    case ')':
      closeGroup(reader)
      return false
    case '|':
      reader.at += 1
      scope.alternatives.push(concatenate(scope.parts, pattern))
      scope.parts = []
      scope.starts = []
      return false
    case '*':
    case '+':
    case '?':
    case '{':
      if (readRepeat(reader)) return true
      break
    case '\\':
      readBackslash(reader)
      return false
    case '[':
      push(scope, leaf({ kind: 'class', ranges: readClass(reader, reader.flags.fold) }), start)
      return false
    case '.':
      reader.at += 1
      push(scope, reader.flags.dotAll ? ANY : ANY_BUT_LINE_END, start)
      return false
    case '^':
      return readAssertion(reader, reader.flags.lines ? ASSERTION.beginLine : ASSERTION.beginText)
    case '$':
      return readAssertion(reader, reader.flags.lines ? ASSERTION.endLine : ASSERTION.endText)
  }
  const point = pattern.codePointAt(reader.at) ?? 0
  reader.at += point > 0xffff ? 2 : 1
  push(scope, literal(point, reader.flags.fold), start)
  return false
}

const ANY = leaf({ kind: 'class', ranges: ALL_RANGES })
const ANY_BUT_LINE_END = leaf({ kind: 'class', ranges: [0, 9, 11, 0x10ffff] })

function readAssertion(reader: Reader, assertion: Assertion, length = 1): false {
  push(reader.scope, leaf({ kind: 'assertion', assertion }), reader.at)
  reader.at += length
  return false
}

function readBackslash(reader: Reader): void {
  const { pattern, at, scope, flags } = reader
  switch (pattern[at + 1]) {
    case 'A':
      readAssertion(reader, ASSERTION.beginText, 2)
      return
    case 'z':
      readAssertion(reader, ASSERTION.endText, 2)
      return
    case 'b':
      readAssertion(reader, ASSERTION.wordBoundary, 2)
      return
    case 'B':
      readAssertion(reader, ASSERTION.noWordBoundary, 2)
      return
    case 'C':
      throw new RegexError('invalid escape sequence', '\\C')
    case 'Q': {
      const found = pattern.indexOf('\\E', at + 2)
      const end = found < 0 ? pattern.length : found
      let start = at + 2
      for (const character of pattern.slice(start, end)) {
        push(scope, literal(character.codePointAt(0) ?? 0, flags.fold), start)
        start += character.length
      }
      reader.at = found < 0 ? end : end + 2
      return
    }
  }
  const ranges = readEscapedClass(reader, flags.fold)
  if (ranges !== undefined) push(scope, leaf({ kind: 'class', ranges }), at)
  else push(scope, literal(readEscape(reader), flags.fold), at)
}

const COUNT = /\{(0|[1-9][0-9]*)(?:(,)(0|[1-9][0-9]*)?)?\}/y

/** Reads `*`, `+`, `?` or a count; a brace that is no count is itself, and is left alone. */
function readRepeat(reader: Reader): boolean {
  const { pattern, at: start, scope } = reader
  const bounds = readBounds(reader)
  if (bounds === undefined) return false
  const { least, most, counted } = bounds
  const lazy = pattern[reader.at] === '?'
  if (lazy) reader.at += 1
  if (reader.repeatAt >= 0) {
    const part = pattern.slice(reader.repeatAt, reader.at)
    throw new RegexError('invalid nested repetition operator', part)
  }
  const body = scope.parts.pop()
  const bodyStart = scope.starts.pop() ?? 0
  const part = pattern.slice(start, reader.at)
  if (body === undefined) throw new RegexError('missing argument to repetition operator', part)
  const greedy = lazy === reader.flags.lazy
  const span = { start: bodyStart, end: reader.at }
  const piece = repeat(body, { least, most, greedy, counted, ...span }, pattern)
  // Products above the bound would unfold to what no one wants to run.
  if (counted && piece.repeats > REPEATS_MAX) throw new RegexError('invalid repeat count', part)
  push(scope, piece, bodyStart)
  return true
}

type Bounds = { readonly least: number; readonly most: number; readonly counted: boolean }

function readBounds(reader: Reader): Bounds | undefined {
  const { pattern, at } = reader
  const next = pattern[at]
  if (next !== '{') {
    reader.at += 1
    const most = next === '?' ? 1 : Number.POSITIVE_INFINITY
    return { least: next === '+' ? 1 : 0, most, counted: false }
  }
  COUNT.lastIndex = at
  const count = COUNT.exec(pattern)
  if (count === null) return undefined
  reader.at += count[0].length
  const least = Number(count[1])
  const last = count[2] === undefined ? least : Number(count[3] ?? least)
  if (least > REPEATS_MAX || last > REPEATS_MAX || least > last) {
    throw new RegexError('invalid repeat count', count[0])
  }
  const unbounded = count[2] !== undefined && count[3] === undefined
  return { least, most: unbounded ? Infinity : last, counted: true }
}

const NAME = /\(\?P?<([^>]*)>/y

function openGroup(reader: Reader): void {
  const { pattern, at } = reader
  if (pattern[at + 1] !== '?') {
    openCapture(reader, '', 1)
    return
  }
  const rest = pattern.length - at
  if ((pattern.startsWith('(?P<', at) && rest > 4) || (pattern.startsWith('(?<', at) && rest > 3)) {
    NAME.lastIndex = at
    const found = NAME.exec(pattern)
    const name = found?.[1] ?? ''
    if (!/^[0-9A-Za-z_]+$/.test(name)) {
      throw new RegexError('invalid named capture', found?.[0] ?? pattern.slice(at))
    }
    openCapture(reader, name, found?.[0].length ?? 0)
    return
  }
  readFlags(reader)
}

function openCapture(reader: Reader, name: string, length: number): void {
  reader.scope = newScope(reader, reader.groups.length)
  reader.groups.push(name)
  reader.at += length
}

/** `(?flags)`, `(?flags:`, with `i`, `m`, `s`, `U`, and behind one hyphen those that end. */
function readFlags(reader: Reader): void {
  const { pattern, at } = reader
  const flags = { ...reader.flags }
  let on = true
  let seen = true
  let next = at + 2
  for (; next < pattern.length; next++) {
    const letter = pattern[next] ?? ''
    if (letter === ':' || letter === ')') {
      if (!seen) break
      if (letter === ':') reader.scope = newScope(reader, -1)
      reader.flags = flags
      reader.at = next + 1
      return
    }
    if (letter === '-' && on) {
      on = false
      seen = false
      continue
    }
    const flag = FLAGS.get(letter)
    if (flag === undefined) break
    flags[flag] = on
    seen = true
  }
  const end = next + ((pattern.codePointAt(next) ?? 0) > 0xffff ? 2 : 1)
  throw new RegexError('invalid or unsupported Perl syntax', pattern.slice(at, end))
}

const FLAGS: ReadonlyMap<string, keyof Flags> = new Map([
  ['i', 'fold'],
  ['m', 'lines'],
  ['s', 'dotAll'],
  ['U', 'lazy'],
])

function closeGroup(reader: Reader): void {
  const { scope, pattern } = reader
  const { outer, flags, start } = scope
  if (outer === null || flags === null) throw new RegexError('unexpected )', pattern)
  reader.at += 1
  const body = finish(reader, scope)
  push(outer, scope.index < 0 ? body : group(body, scope.index, pattern), start)
  reader.scope = outer
  reader.flags = flags
}

function finish(reader: Reader, scope: Scope): Piece {
  scope.alternatives.push(concatenate(scope.parts, reader.pattern))
  return alternate(scope.alternatives, reader.pattern)
}
