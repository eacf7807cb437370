import type { Ranges } from './ranges.ts'
import type { RegexNode } from './syntax.ts'
import { RegexError } from './syntax.ts'
import { caseVariants } from './unicode.ts'

/** A node together with what bounds it: Go's measures of depth, of size, and of how often counts repeat it. */
export type Piece = {
  readonly node: RegexNode
  /** The most that counts nested in it multiply to. */
  readonly repeats: number
  /** Instructions that Go would unfold it to, about. */
  readonly size: number
  readonly height: number
}

export function leaf(node: RegexNode): Piece {
  return { node, repeats: 1, size: 1, height: 1 }
}

/** One code point as itself, or as any case variant of itself. */
export function literal(point: number, fold: boolean): Piece {
  const variants = fold ? caseVariants(point) : undefined
  if (variants !== undefined) return leaf({ kind: 'class', ranges: singles(variants) })
  if (point >= LITERALS.length) return leaf({ kind: 'class', ranges: [point, point] })
  const known = LITERALS[point]
  if (known !== undefined) return known
  const piece = leaf({ kind: 'class', ranges: [point, point] })
  LITERALS[point] = piece
  return piece
}

export function concatenate(parts: readonly Piece[], pattern: string): Piece {
  const [first] = parts
  if (first === undefined) return NOTHING
  if (parts.length === 1) return first
  const node: RegexNode = { kind: 'concat', parts: parts.map((part) => part.node) }
  // To Go a run of characters is as flat as one.
  const flat = parts.every((part) => part.node.kind === 'class')
  return checked(combined(node, parts, flat ? 0 : 1, 0), pattern)
}

export function alternate(alternatives: readonly Piece[], pattern: string): Piece {
  const [first] = alternatives
  if (first === undefined) return NOTHING
  if (alternatives.length === 1) return first
  const node: RegexNode = { kind: 'alternation', parts: alternatives.map((part) => part.node) }
  return checked(combined(node, alternatives, 1, alternatives.length - 1), pattern)
}

export function group(body: Piece, index: number, pattern: string): Piece {
  return checked(combined({ kind: 'group', index, body: body.node }, [body], 1, 2), pattern)
}

/** @param counted - whether it is written as a count, and so takes part in the bound on counts */
export function repeat(
  body: Piece,
  span: {
    readonly least: number
    readonly most: number
    readonly greedy: boolean
    readonly counted: boolean
    readonly start: number
    readonly end: number
  },
  pattern: string,
): Piece {
  const { counted, ...bounds } = span
  const { least, most } = bounds
  const node: RegexNode = { kind: 'repeat', body: body.node, ...bounds }
  const times = most === Infinity ? least : most
  const repeats = !counted ? body.repeats : most === 0 ? 1 : Math.max(1, times) * body.repeats
  const copies =
    most === Infinity ? 2 + Math.max(1, least) * body.size : most * body.size + (most - least)
  return checked({ node, repeats, size: Math.max(1, copies), height: body.height + 1 }, pattern)
}

const NOTHING: Piece = leaf({ kind: 'empty' })

const LITERALS: (Piece | undefined)[] = new Array(256)

/** Go's bounds (regexp/syntax, maxHeight and maxSize). */
const HEIGHT_MAX = 1000
const SIZE_MAX = 3_355_443

function singles(points: readonly number[]): Ranges {
  const pairs: number[] = []
  for (const point of points) {
    if (pairs.at(-1) === point - 1) pairs[pairs.length - 1] = point
    else pairs.push(point, point)
  }
  return pairs
}

function combined(node: RegexNode, parts: readonly Piece[], deeper: number, more: number): Piece {
  let [repeats, size, height] = [1, more, 0]
  for (const part of parts) {
    repeats = Math.max(repeats, part.repeats)
    size += part.size
    height = Math.max(height, part.height)
  }
  return { node, repeats, size, height: height + deeper }
}

function checked(piece: Piece, pattern: string): Piece {
  if (piece.height > HEIGHT_MAX) throw new RegexError('expression nests too deeply', pattern)
  if (piece.size > SIZE_MAX) throw new RegexError('expression too large', pattern)
  return piece
}
