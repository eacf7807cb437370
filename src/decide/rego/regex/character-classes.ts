import type { Ranges } from './ranges.ts'
import type { Meter } from './syntax.ts'
import { ASSERTION, RegexError } from './syntax.ts'

/**
 * Code points in classes that no set of a pattern tells apart, so that a machine looks at a class where a pattern
 * looks at characters.
 */
export type CharacterClasses = {
  readonly count: number
  /** Of each code point below 256. */
  readonly latin: Uint16Array
  /** First code points of the runs above, ascending, and the class of each. */
  readonly starts: Int32Array
  readonly runs: Uint16Array
  /** By set: its only class, or -1. */
  readonly single: Int32Array
  /** By set: where its row in `rows` starts, or -1. A row has 1 for each class that the set holds. */
  readonly row: Int32Array
  readonly rows: Uint8Array
  /** By class, where the pattern asks for it: whether it holds characters of words, the line end. */
  readonly word: Uint8Array
  readonly lineEnd: Uint8Array
}

/** @throws {RegexError} where the sets tell too many classes apart */
export function characterClasses(
  sets: readonly Ranges[],
  {
    assertions,
    meter,
    pattern,
  }: { readonly assertions: number; readonly meter: Meter; readonly pattern: string },
): CharacterClasses {
  const all = [...sets]
  if ((assertions & WORDS) !== 0) all.push(WORD)
  if ((assertions & LINES) !== 0) all.push(LINE_END)
  const { starts, runs, members } = partition(all, meter)
  const latin = new Uint16Array(256)
  for (let point = 0; point < 256; point++) latin[point] = runs[runAt(starts, point)] ?? 0
  const held = all.map((): number[] => [])
  members.forEach((holders, kind) => {
    for (const set of holders) held[set]?.push(kind)
  })
  const wide = held.filter((kinds) => kinds.length !== 1).length
  if (wide * members.length > ROWS_LENGTH_MAX || members.length > CLASSES_MAX) {
    throw new RegexError('expression too large', pattern)
  }
  const single = new Int32Array(all.length).fill(-1)
  const row = new Int32Array(all.length).fill(-1)
  const rows = new Uint8Array(wide * members.length)
  let next = 0
  held.forEach((kinds, set) => {
    const [only] = kinds
    if (only !== undefined && kinds.length === 1) {
      single[set] = only
      return
    }
    row[set] = next
    for (const kind of kinds) rows[next + kind] = 1
    next += members.length
  })
  const holdsOf = (set: number): Uint8Array =>
    Uint8Array.from(members, (holders) => (holders.includes(set) ? 1 : 0))
  return {
    count: members.length,
    latin,
    starts,
    runs,
    single,
    row,
    rows,
    word: holdsOf((assertions & WORDS) === 0 ? -1 : sets.length),
    lineEnd: holdsOf((assertions & LINES) === 0 ? -1 : all.length - 1),
  }
}

/** The class of a code point. */
export function classOf(classes: CharacterClasses, point: number): number {
  if (point < 256) return classes.latin[point] ?? 0
  return classes.runs[runAt(classes.starts, point)] ?? 0
}

/** What \b looks at: ASCII only, as in RE2. */
export const WORD: Ranges = [0x30, 0x39, 0x41, 0x5a, 0x5f, 0x5f, 0x61, 0x7a]

const LINE_END: Ranges = [10, 10]
const WORDS = ASSERTION.wordBoundary | ASSERTION.noWordBoundary
const LINES = ASSERTION.beginLine | ASSERTION.endLine

/** Bytes of the table that says which set of several classes holds which class. */
const ROWS_LENGTH_MAX = 1_000_000

/** What an unsigned 16-bit number tells apart, less what a machine adds. */
const CLASSES_MAX = 65_000

type Partition = {
  readonly starts: Int32Array
  readonly runs: Uint16Array
  /** By class, the sets that hold it. */
  readonly members: readonly (readonly number[])[]
}

function partition(sets: readonly Ranges[], meter: Meter): Partition {
  const changes: { readonly at: number; readonly set: number; readonly enters: boolean }[] = []
  sets.forEach((ranges, set) => {
    for (let i = 0; i < ranges.length; i += 2) {
      changes.push({ at: ranges[i] ?? 0, set, enters: true })
      changes.push({ at: (ranges[i + 1] ?? 0) + 1, set, enters: false })
    }
  })
  meter.work(16 * changes.length)
  changes.sort((a, b) => a.at - b.at)
  const starts = [0]
  const members: (readonly number[])[] = [[]]
  const runs = [0]
  const known = new Map<string, number>([['', 0]])
  const active = new Set<number>()
  for (let i = 0; i < changes.length; ) {
    const at = changes[i]?.at ?? 0
    for (; changes[i]?.at === at; i++) {
      const { set, enters } = changes[i] ?? { set: 0, enters: false }
      if (enters) active.add(set)
      else active.delete(set)
    }
    meter.work(4 + 4 * active.size)
    const holders = [...active].sort((a, b) => a - b)
    const key = holders.join()
    const kind = known.get(key) ?? members.length
    if (kind === members.length) {
      known.set(key, kind)
      members.push(holders)
    }
    if (at === 0) runs[0] = kind
    else {
      starts.push(at)
      runs.push(kind)
    }
  }
  return { starts: Int32Array.from(starts), runs: Uint16Array.from(runs), members }
}

function runAt(starts: Int32Array, point: number): number {
  let [low, high] = [0, starts.length - 1]
  while (low < high) {
    const middle = (low + high + 1) >> 1
    if ((starts[middle] ?? 0) <= point) low = middle
    else high = middle - 1
  }
  return low
}
