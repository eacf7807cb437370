import type { Ranges } from './ranges.ts'
import { CODE_POINT_MAX, negateRanges, normalizeRanges } from './ranges.ts'
import type { Meter } from './syntax.ts'
import { RegexError } from './syntax.ts'
import { foldRanges, unicodeClass } from './unicode.ts'

/** Where the reading of a pattern stands. */
export type ClassReader = { readonly pattern: string; readonly meter: Meter; at: number }

/**
 * Reads `[...]`; the reader stands before the bracket.
 *
 * @param fold - whether the class takes case variants of its members, too
 * @throws {RegexError}
 */
export function readClass(reader: ClassReader, fold: boolean): Ranges {
  const { pattern, at: start } = reader
  reader.at += 1
  const negated = pattern[reader.at] === '^'
  if (negated) reader.at += 1
  const pairs: number[] = []
  for (let first = true; first || pattern[reader.at] !== ']'; first = false) {
    const named = readNamedClass(reader, fold) ?? readEscapedClass(reader, fold)
    if (named !== undefined) for (const bound of named) pairs.push(bound)
    else readMembers(reader, { start, fold, pairs })
    reader.meter.work((named?.length ?? 0) >> 1)
  }
  reader.at += 1
  const ranges = normalizeRanges(pairs)
  return negated ? negateRanges(ranges) : ranges
}

/**
 * Reads `\d`, `\pL` and the like, outside of brackets or inside; undefined where another escape or none stands.
 *
 * @throws {RegexError} where `\p` names no class
 */
export function readEscapedClass(reader: ClassReader, fold: boolean): Ranges | undefined {
  const { pattern, at } = reader
  if (pattern[at] !== '\\') return undefined
  const letter = pattern[at + 1] ?? ''
  if (letter === 'p' || letter === 'P') return readUnicodeClass(reader, fold)
  const ranges = PERL_CLASSES.get(letter.toLowerCase())
  if (ranges === undefined) return undefined
  reader.at += 2
  return finished(reader, ranges, { fold, negated: letter !== letter.toLowerCase() })
}

const ESCAPE = /\\(?:([0-7]{2,3}|0)|x([0-9A-Fa-f]{2})|x\{([0-9A-Fa-f]+)\}|([afnrtv])|([\0-\x7f]))/y

/**
 * Reads an escape that stands for one code point.
 *
 * @throws {RegexError}
 */
export function readEscape(reader: ClassReader): number {
  const { pattern, at } = reader
  if (at + 1 >= pattern.length) {
    throw new RegexError('trailing backslash at end of expression', '')
  }
  ESCAPE.lastIndex = at
  const [whole = '', octal, short, long, control, other] = ESCAPE.exec(pattern) ?? []
  reader.at += whole.length
  if (octal !== undefined) return Number.parseInt(octal, 8)
  if (short !== undefined) return Number.parseInt(short, 16)
  const point = long === undefined ? Infinity : Number.parseInt(long, 16)
  if (point <= CODE_POINT_MAX) return point
  if (control !== undefined) return CONTROLS.get(control) ?? 0
  if (other !== undefined && !/[0-9A-Za-z]/.test(other)) return other.charCodeAt(0)
  const escaped = String.fromCodePoint(pattern.codePointAt(at + 1) ?? 0)
  const end = Math.max(reader.at, at + 1 + escaped.length)
  throw new RegexError('invalid escape sequence', pattern.slice(at, end))
}

const CONTROLS: ReadonlyMap<string, number> = new Map([
  ['a', 7],
  ['t', 9],
  ['n', 10],
  ['v', 11],
  ['f', 12],
  ['r', 13],
])

function readMembers(
  reader: ClassReader,
  { start, fold, pairs }: { readonly start: number; readonly fold: boolean; pairs: number[] },
): void {
  const { pattern, at } = reader
  const first = readMember(reader, start)
  let last = first
  if (
    pattern[reader.at] === '-' &&
    reader.at + 1 < pattern.length &&
    pattern[reader.at + 1] !== ']'
  ) {
    reader.at += 1
    last = readMember(reader, start)
    if (last < first) {
      throw new RegexError('invalid character class range', pattern.slice(at, reader.at))
    }
  }
  if (!fold) pairs.push(first, last)
  else
    for (const bound of finished(reader, [first, last], { fold, negated: false })) pairs.push(bound)
}

function readMember(reader: ClassReader, start: number): number {
  const { pattern } = reader
  if (reader.at >= pattern.length) {
    throw new RegexError('missing closing ]', pattern.slice(start))
  }
  if (pattern[reader.at] === '\\') return readEscape(reader)
  const point = pattern.codePointAt(reader.at) ?? 0
  reader.at += point > 0xffff ? 2 : 1
  return point
}

function readNamedClass(reader: ClassReader, fold: boolean): Ranges | undefined {
  const { pattern, at } = reader
  if (!pattern.startsWith('[:', at)) return undefined
  const end = pattern.indexOf(':]', at + 2)
  if (end < 0) return undefined
  const name = pattern.slice(at + 2, end)
  const negated = name.startsWith('^')
  const ranges = POSIX_CLASSES.get(negated ? name.slice(1) : name)
  if (ranges === undefined) {
    throw new RegexError('invalid character class range', pattern.slice(at, end + 2))
  }
  reader.at = end + 2
  return finished(reader, ranges, { fold, negated })
}

const UNICODE_CLASS = /\\[pP](?:\{([^}]*)\}|([^{]))/uy

function readUnicodeClass(reader: ClassReader, fold: boolean): Ranges {
  const { pattern, at } = reader
  UNICODE_CLASS.lastIndex = at
  const found = UNICODE_CLASS.exec(pattern)
  const written = found?.[1] ?? found?.[2] ?? ''
  const inverted = written.startsWith('^')
  const named = found === null ? undefined : unicodeClass(inverted ? written.slice(1) : written)
  if (found === null || named === undefined) {
    throw new RegexError('invalid character class range', found?.[0] ?? pattern.slice(at))
  }
  reader.at += found[0].length
  const negated = inverted !== (pattern[at + 1] === 'P')
  return finished(reader, named.ranges, { fold: fold && named.folds, negated })
}

function finished(
  reader: ClassReader,
  ranges: Ranges,
  { fold, negated }: { readonly fold: boolean; readonly negated: boolean },
): Ranges {
  const folded = fold ? foldRanges(ranges) : ranges
  // Letters of some 2,800 have variants; what a range adds is at most that.
  reader.meter.work(fold ? 1 + 4 * Math.min(2800, spanOf(ranges)) : ranges.length >> 1)
  return negated ? negateRanges(folded) : folded
}

function spanOf(ranges: Ranges): number {
  let span = 0
  for (let at = 0; at < ranges.length; at += 2)
    span += (ranges[at + 1] ?? 0) - (ranges[at] ?? 0) + 1
  return span
}

const DIGITS: Ranges = [0x30, 0x39]
const UPPER: Ranges = [0x41, 0x5a]
const LOWER: Ranges = [0x61, 0x7a]
const WORD: Ranges = [...DIGITS, ...UPPER, 0x5f, 0x5f, ...LOWER]

const PERL_CLASSES: ReadonlyMap<string, Ranges> = new Map([
  ['d', DIGITS],
  ['s', [9, 10, 12, 13, 32, 32]],
  ['w', WORD],
])

const POSIX_CLASSES: ReadonlyMap<string, Ranges> = new Map([
  ['alnum', [...DIGITS, ...UPPER, ...LOWER]],
  ['alpha', [...UPPER, ...LOWER]],
  ['ascii', [0, 0x7f]],
  ['blank', [9, 9, 32, 32]],
  ['cntrl', [0, 0x1f, 0x7f, 0x7f]],
  ['digit', DIGITS],
  ['graph', [0x21, 0x7e]],
  ['lower', LOWER],
  ['print', [0x20, 0x7e]],
  ['punct', [0x21, 0x2f, 0x3a, 0x40, 0x5b, 0x60, 0x7b, 0x7e]],
  ['space', [9, 13, 32, 32]],
  ['upper', UPPER],
  ['word', WORD],
  ['xdigit', [...DIGITS, 0x41, 0x46, 0x61, 0x66]],
])
