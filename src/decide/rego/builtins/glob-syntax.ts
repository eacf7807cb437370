import type { Piece } from '../regex/pieces.ts'
import { alternate, concatenate, leaf, literal, repeat } from '../regex/pieces.ts'
import type { Ranges } from '../regex/ranges.ts'
import { ALL_RANGES, negateRanges, normalizeRanges } from '../regex/ranges.ts'
import type { Meter, RegexSyntax } from '../regex/syntax.ts'
import { ASSERTION } from '../regex/syntax.ts'
import { BuiltinError } from './builtin.ts'

/**
 * Reads a glob in the syntax that OPA takes (https://pkg.go.dev/github.com/gobwas/glob): `*` and `?` stand for
 * characters that are no separators, `**` for any, with `[abc]`, `[a-c]`, `[!abc]`, `{one,other}` and backslashes. What
 * it gives matches a whole text.
 *
 * @param separators - code points
 * @throws {BuiltinError} for what is no glob
 */
export function parseGlob(glob: string, separators: readonly number[], meter: Meter): RegexSyntax {
  meter.work(4 * glob.length + 4 * separators.length)
  const within = negateRanges(normalizeRanges(separators.flatMap((point) => [point, point])))
  const one = leaf({ kind: 'class', ranges: within })
  const reader: Reader = {
    glob,
    at: 0,
    one,
    some: anyNumber(one),
    any: anyNumber(leaf({ kind: 'class', ranges: ALL_RANGES })),
    list: { outer: null, alternatives: [], parts: [BEGIN] },
  }
  while (reader.at < glob.length) readNext(reader)
  if (reader.list.outer !== null) throw invalid(reader, "unclosed '{'")
  reader.list.parts.push(END)
  return { node: concatenate(reader.list.parts, glob).node, groups: [''] }
}

const BEGIN = leaf({ kind: 'assertion', assertion: ASSERTION.beginText })
const END = leaf({ kind: 'assertion', assertion: ASSERTION.endText })

/** What lies between two braces, as far as it has been read. */
type List = {
  readonly outer: List | null
  readonly alternatives: Piece[]
  parts: Piece[]
}

type Reader = {
  readonly glob: string
  at: number
  /** What `?`, `*` and `**` stand for. */
  readonly one: Piece
  readonly some: Piece
  readonly any: Piece
  list: List
}

function anyNumber(piece: Piece): Piece {
  const bounds = { least: 0, most: Infinity, greedy: true, counted: false, start: 0, end: 0 }
  return repeat(piece, bounds, '')
}

function invalid({ at }: { readonly at: number }, reason: string): BuiltinError {
  return new BuiltinError(`glob: syntax error at ${at}: ${reason}`)
}

function readNext(reader: Reader): void {
  const { glob, list } = reader
  const next = glob[reader.at]
  if (next === '*') {
    const wide = glob[reader.at + 1] === '*'
    reader.at += wide ? 2 : 1
    pushStar(reader, wide)
    return
  }
  const nested = list.outer !== null
  if (next === '{') {
    reader.at += 1
    reader.list = { outer: list, alternatives: [], parts: [] }
  } else if (next === ',' && nested) {
    reader.at += 1
    list.alternatives.push(concatenate(list.parts, glob))
    list.parts = []
  } else if (next === '}' && nested) {
    closeList(reader, list)
  } else if (next === '[') {
    list.parts.push(leaf({ kind: 'class', ranges: readClass(reader) }))
  } else if (next === '?') {
    reader.at += 1
    list.parts.push(reader.one)
  } else {
    list.parts.push(literal(readCharacter(reader), false))
  }
}

/** Two stars side by side are as one, of the two the wider: a search has fewer ways to go. */
function pushStar({ list, some, any }: Reader, wide: boolean): void {
  const last = list.parts.at(-1)
  if (last === any) return
  if (last === some) list.parts.pop()
  list.parts.push(wide ? any : some)
}

function closeList(reader: Reader, list: List): void {
  reader.at += 1
  list.alternatives.push(concatenate(list.parts, reader.glob))
  if (list.outer === null) return
  list.outer.parts.push(alternate(list.alternatives, reader.glob))
  reader.list = list.outer
}

function readCharacter(reader: Reader): number {
  const { glob } = reader
  if (glob[reader.at] === '\\') {
    reader.at += 1
    if (reader.at >= glob.length) throw invalid(reader, 'trailing backslash')
  }
  return nextPoint(reader)
}

function nextPoint(reader: Reader): number {
  const point = reader.glob.codePointAt(reader.at) ?? 0
  reader.at += point > 0xffff ? 2 : 1
  return point
}

/** `[a-c]` with any two characters, or `[abc]` with backslashes; either behind `!`. */
function readClass(reader: Reader): Ranges {
  const { glob } = reader
  reader.at += 1
  const negated = glob[reader.at] === '!'
  if (negated) reader.at += 1
  const pairs: number[] = []
  if (reader.at < glob.length && glob[reader.at + widthAt(glob, reader.at)] === '-') {
    const first = nextPoint(reader)
    reader.at += 1
    if (reader.at >= glob.length) throw invalid(reader, 'unexpected end of input')
    const last = nextPoint(reader)
    if (last < first) throw invalid(reader, 'range hi character is less than lo')
    pairs.push(first, last)
  } else {
    while (reader.at < glob.length && glob[reader.at] !== ']') {
      const point = readCharacter(reader)
      pairs.push(point, point)
    }
  }
  if (reader.at >= glob.length) throw invalid(reader, 'unexpected end of input')
  if (glob[reader.at] !== ']') throw invalid(reader, 'expected close range character')
  reader.at += 1
  if (pairs.length === 0) throw invalid(reader, 'could not parse range')
  const ranges = normalizeRanges(pairs)
  return negated ? negateRanges(ranges) : ranges
}

function widthAt(text: string, at: number): number {
  return (text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1
}
