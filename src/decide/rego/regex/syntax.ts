import type { Ranges } from './ranges.ts'

/** A pattern's structure. Spans of repetitions are UTF-16 offsets into the pattern. */
export type RegexNode =
  | { readonly kind: 'empty' }
  /** One code point out of these; case is already folded in. */
  | { readonly kind: 'class'; readonly ranges: Ranges }
  | { readonly kind: 'assertion'; readonly assertion: Assertion }
  | { readonly kind: 'concat'; readonly parts: readonly RegexNode[] }
  | { readonly kind: 'alternation'; readonly parts: readonly RegexNode[] }
  | RepeatNode
  | { readonly kind: 'group'; readonly index: number; readonly body: RegexNode }

export type RepeatNode = {
  readonly kind: 'repeat'
  readonly body: RegexNode
  readonly least: number
  /** Infinity where there is no bound. */
  readonly most: number
  readonly greedy: boolean
  readonly start: number
  readonly end: number
}

/** What a place in the text must be; the bits of what an evaluation finds there. */
export type Assertion = (typeof ASSERTION)[keyof typeof ASSERTION]

export const ASSERTION = {
  beginText: 1,
  endText: 2,
  beginLine: 4,
  endLine: 8,
  wordBoundary: 16,
  noWordBoundary: 32,
} as const

/** A parsed pattern. */
export type RegexSyntax = {
  readonly node: RegexNode
  /** Names of the groups by number; the empty text for group 0 and for those without a name. */
  readonly groups: readonly string[]
}

/** Hears how much work is about to be done, in units of 10 to 50 ns, and may end it by throwing. */
export type Meter = { work(units: number): void }

/** Counts nothing. */
export const UNMETERED: Meter = { work: () => {} }

/** A text that is no pattern. The message is Go's, with what it names cut short. */
export class RegexError extends Error {
  override readonly name = 'RegexError'
  readonly reason: string
  /** Of the pattern, the part that is at fault. */
  readonly part: string

  constructor(reason: string, part: string) {
    const shown = part.length > PART_LENGTH_MAX ? `${part.slice(0, PART_LENGTH_MAX)}...` : part
    super(`error parsing regexp: ${reason}: \`${shown.toWellFormed()}\``)
    this.reason = reason
    this.part = part
  }
}

const PART_LENGTH_MAX = 64
