import type { IndexBranch, IndexNode } from './rule-index.ts'
import type { IndexKey, IndexPath, RuleUnit } from './rule-index-units.ts'

/** A tree that finds the units from `first` to `last` by their conditions; null where it would find most of them. */
export function createTree(
  units: readonly RuleUnit[],
  first: number,
  last: number,
): IndexBranch | null {
  const members = Array.from({ length: last - first + 1 }, (_, at) => first + at)
  const entriesLeft = members.length * ENTRIES_PER_UNIT
  const tree = split({ units, used: new Set(), entriesLeft }, members, DEPTH_MAX)
  return 'units' in tree ? null : tree
}

type Growth = {
  readonly units: readonly RuleUnit[]
  /** Paths that were looked at on the way here. */
  readonly used: ReadonlySet<string>
  /** Places in leaves that may still be filled: a unit under many values stands in many. */
  entriesLeft: number
}

/** So few units are tried faster than looked up once more. */
const LEAF_MAX = 2
/** Lookups one below the other; each may double them, by what has no condition on its path. */
const DEPTH_MAX = 3
/** A path must take part in one unit of so many, so that one lookup is worth it. */
const SHARE = 8
const ENTRIES_PER_UNIT = 64

function split(growth: Growth, members: readonly number[], depth: number): IndexNode {
  const text = members.length > LEAF_MAX && depth > 0 ? bestPath(growth, members) : undefined
  const path = text === undefined ? undefined : pathNamed(growth, members, text)
  if (text === undefined || path === undefined) return { units: members }
  const { byValue, rest } = distribute(growth, members, text)
  for (const under of byValue.values()) growth.entriesLeft -= under.length
  if (growth.entriesLeft < 0) return { units: members }
  const below: Growth = { ...growth, used: new Set([...growth.used, text]) }
  const branch: IndexBranch = {
    path,
    byValue: new Map([...byValue].map(([value, under]) => [value, split(below, under, depth - 1)])),
    rest: rest.length === 0 ? null : split(below, rest, depth - 1),
  }
  growth.entriesLeft = below.entriesLeft
  return branch
}

function pathNamed(
  { units }: Growth,
  members: readonly number[],
  text: string,
): IndexPath | undefined {
  for (const at of members) {
    const condition = units[at]?.conditions.get(text)
    if (condition !== undefined) return condition.path
  }
  return undefined
}

function distribute(
  { units }: Growth,
  members: readonly number[],
  text: string,
): {
  readonly byValue: ReadonlyMap<IndexKey, readonly number[]>
  readonly rest: readonly number[]
} {
  const byValue = new Map<IndexKey, number[]>()
  const rest: number[] = []
  for (const at of members) {
    const condition = units[at]?.conditions.get(text)
    if (condition === undefined) {
      rest.push(at)
      continue
    }
    for (const value of condition.values) {
      const under = byValue.get(value)
      if (under === undefined) byValue.set(value, [at])
      else under.push(at)
    }
  }
  return { byValue, rest }
}

/**
 * The path that leaves the fewest units to try, where every other input has a value that some unit names: undefined
 * where no path leaves out a quarter.
 */
function bestPath({ units, used }: Growth, members: readonly number[]): string | undefined {
  const counts = new Map<string, { covered: number; values: Map<IndexKey, number> }>()
  for (const at of members) {
    for (const [text, { values }] of units[at]?.conditions ?? []) {
      if (used.has(text)) continue
      const count = counts.get(text) ?? { covered: 0, values: new Map() }
      counts.set(text, count)
      count.covered += 1
      for (const value of values) count.values.set(value, (count.values.get(value) ?? 0) + 1)
    }
  }
  let best: string | undefined
  let least = members.length * 0.75
  for (const [text, { covered, values }] of counts) {
    if (covered * SHARE < members.length) continue
    let found = 0
    let squares = 0
    for (const count of values.values()) {
      found += count
      squares += count * count
    }
    const left = members.length - covered + (found === 0 ? 0 : squares / found / 2)
    if (left <= least) {
      best = text
      least = left
    }
  }
  return best
}
