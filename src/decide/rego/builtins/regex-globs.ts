import type { Ranges } from '../regex/ranges.ts'
import { normalizeRanges, rangesOverlap } from '../regex/ranges.ts'
import type { Call } from './builtin.ts'
import { BuiltinError } from './builtin.ts'

/**
 * Whether two patterns of characters, dots, `[...]`, `+` and `*` match a common text that is not empty, as far as OPA
 * sees it (https://github.com/yashtewari/glob-intersection): its search takes the repetitions of one side as they are
 * and those of the other for single characters in places, so that it misses some common texts. It takes exponential
 * time; here each pair of places is looked at once.
 *
 * @throws {BuiltinError} where one is no such pattern
 */
export function globsIntersect(call: Call, one: string, other: string): boolean {
  const [a, b] = [tokensOf(call, one), tokensOf(call, other)]
  const trimmed = trimEnds(a, b)
  if (trimmed === null) return false
  const [left, right] = trimmed
  call.work(2 * (left.length + 1) * (right.length + 1))
  call.output(4 * (left.length + 1) * (right.length + 1))
  return intersect(left, right)
}

type Token = {
  readonly kind: 'character' | 'dot' | 'set'
  readonly members: Ranges
  repeat: '' | '+' | '*'
}

function tokensOf(call: Call, pattern: string): readonly Token[] {
  call.work(4 * pattern.length)
  const tokens: Token[] = []
  const reader: Reader = { pattern, at: 0 }
  while (reader.at < pattern.length) {
    const token = readToken(reader)
    const last = tokens.at(-1)
    if (
      last !== undefined &&
      last.repeat !== '' &&
      token.repeat !== '' &&
      sameMembers(last, token)
    ) {
      if (token.repeat === '+') last.repeat = '+'
    } else {
      tokens.push(token)
    }
  }
  return tokens
}

type Reader = { readonly pattern: string; at: number }

type Character = { readonly point: number; readonly escaped: boolean }

function readToken(reader: Reader): Token {
  const { point, escaped } = readCharacter(reader)
  const sign = escaped ? '' : String.fromCodePoint(point)
  if (sign === ']' || sign === '+' || sign === '*') {
    throw invalid(`'${sign}' has nothing before it that it belongs to`)
  }
  const kind = sign === '.' ? 'dot' : sign === '[' ? 'set' : 'character'
  const members = kind === 'set' ? readSet(reader) : [point, point]
  const next = reader.pattern[reader.at]
  const repeat = next === '+' || next === '*' ? next : ''
  reader.at += repeat.length
  return { kind, members, repeat }
}

function readCharacter(reader: Reader): Character {
  const { pattern } = reader
  const escaped = pattern[reader.at] === '\\'
  if (escaped) reader.at += 1
  if (reader.at >= pattern.length) throw invalid('it ends too early')
  const point = pattern.codePointAt(reader.at) ?? 0
  reader.at += point > 0xffff ? 2 : 1
  return { point, escaped }
}

function readSet(reader: Reader): Ranges {
  const pairs: number[] = []
  let before: number | undefined
  for (;;) {
    if (reader.at >= reader.pattern.length) throw invalid("found '[' without matching ']'")
    const { point, escaped } = readCharacter(reader)
    if (!escaped && point === 0x5d) return normalizeRanges(pairs)
    if (escaped || point !== 0x2d) {
      pairs.push(point, point)
      before = point
      continue
    }
    if (before === undefined) throw invalid("'-' must be preceded by a character")
    const last = readCharacter(reader)
    const special = !last.escaped && (last.point === 0x5d || last.point === 0x2d)
    if (special || last.point < before) throw invalid('a range is out of order')
    pairs.push(before, last.point)
    before = undefined
  }
}

function invalid(reason: string): BuiltinError {
  return new BuiltinError(`the input provided is invalid: ${reason}`)
}

function sameMembers(a: Token, b: Token): boolean {
  return a.kind === b.kind && (a.kind === 'dot' || a.members.join() === b.members.join())
}

/** Whether one character goes with both; a dot goes with anything, even with a set of nothing. */
function matches(a: Token | undefined, b: Token | undefined): boolean {
  if (a === undefined || b === undefined) return false
  return a.kind === 'dot' || b.kind === 'dot' || rangesOverlap(a.members, b.members)
}

type Tokens = readonly Token[]

function isSingle(a: Token | undefined, b: Token | undefined): boolean {
  return a?.repeat === '' && b?.repeat === ''
}

/** Takes off what stands for single characters on both sides, all but one at each end; null where they do not match. */
function trimEnds(a: Tokens, b: Tokens): readonly [Tokens, Tokens] | null {
  let start = 0
  for (; isSingle(a[start], b[start]); start++) if (!matches(a[start], b[start])) return null
  if (start > 0) start--
  let end = 0
  for (;;) {
    const [x, y] = [a.length - 1 - end, b.length - 1 - end]
    if (x < start || y < start || !isSingle(a[x], b[y])) break
    if (!matches(a[x], b[y])) return null
    end++
  }
  if (end > 0) end--
  return [a.slice(start, a.length - end), b.slice(start, b.length - end)]
}

/** What is known of the rests behind a pair of places. */
const REST = {
  /** They intersect, if the first pattern is looked at first; the second. */
  firstLeads: 1,
  secondLeads: 2,
  /** They do, if the repetition before the first rest goes on; before the second. */
  firstRepeats: 4,
  secondRepeats: 8,
} as const

type Table = {
  readonly a: Tokens
  readonly b: Tokens
  readonly width: number
  readonly rests: Uint8Array
}

function intersect(a: Tokens, b: Tokens): boolean {
  const width = b.length + 1
  const table: Table = { a, b, width, rests: new Uint8Array((a.length + 1) * width) }
  table.rests[a.length * width + b.length] = REST.firstLeads | REST.secondLeads
  for (let x = a.length; x >= 0; x--) {
    for (let y = b.length; y >= 0; y--) {
      const at = x * width + y
      const goesWith = matches(a[x], b[y])
      let rest = table.rests[at] ?? 0
      if (repeatsOn(table, { x, y, first: true, goesWith })) rest |= REST.firstRepeats
      if (repeatsOn(table, { x, y, first: false, goesWith })) rest |= REST.secondRepeats
      table.rests[at] = rest
      if (leads(table, { x, y, first: true, goesWith })) rest |= REST.firstLeads
      if (leads(table, { x, y, first: false, goesWith })) rest |= REST.secondLeads
      table.rests[at] = rest
    }
  }
  return holds(table, 0, 0, REST.firstLeads)
}

function holds({ rests, width }: Table, x: number, y: number, what: number): boolean {
  return ((rests[x * width + y] ?? 0) & what) !== 0
}

type Place = {
  readonly x: number
  readonly y: number
  /** Whether it is the first pattern that repeats, or leads. */
  readonly first: boolean
  /** Whether the two tokens here have a character in common. */
  readonly goesWith: boolean
}

/** Whether the rests intersect when a repetition that stands here takes whole tokens of the other side, or none. */
function repeatsOn(table: Table, { x, y, first, goesWith }: Place): boolean {
  const { a, b } = table
  const [mine, other] = first ? [a[x], b[y]] : [b[y], a[x]]
  if (mine === undefined) return false
  const next = first ? a[x + 1] : b[y + 1]
  if (other === undefined) return next === undefined
  const ends = first
    ? holds(table, x + 1, y, REST.firstLeads)
    : holds(table, x, y + 1, REST.secondLeads)
  if (matches(other, next) && ends) return true
  if (!goesWith) return false
  return first
    ? holds(table, x, y + 1, REST.firstRepeats)
    : holds(table, x + 1, y, REST.secondRepeats)
}

/** Whether the rests intersect; where both begin with a repetition, that of the side that leads is looked at. */
function leads(table: Table, { x, y, first, goesWith }: Place): boolean {
  const { a, b } = table
  const [one, other] = [a[x], b[y]]
  if (one === undefined || other === undefined) return one === other
  const leader = first ? one : other
  if (one.repeat === '' && other.repeat === '') {
    return goesWith && holds(table, x + 1, y + 1, first ? REST.firstLeads : REST.secondLeads)
  }
  const mine = leader.repeat !== '' ? first : !first
  const repeated = mine ? one : other
  const opposite = mine ? other : one
  if (repeated.repeat === '*') {
    return holds(table, x, y, mine ? REST.firstRepeats : REST.secondRepeats)
  }
  if (!goesWith) return false
  if (
    mine ? holds(table, x, y + 1, REST.firstRepeats) : holds(table, x + 1, y, REST.secondRepeats)
  ) {
    return true
  }
  if (opposite.repeat === '') return false
  return mine ? holds(table, x + 1, y, REST.firstLeads) : holds(table, x, y + 1, REST.secondLeads)
}
