import type { Value } from '../values/value.ts'
import { isObject, isSet, objectGet } from '../values/value.ts'
import type { PlanFunction } from './plan.ts'
import { createTree } from './rule-index-tree.ts'
import type { IndexKey, IndexPath, RuleUnit } from './rule-index-units.ts'
import { unitsOf } from './rule-index-units.ts'

export type { IndexKey, IndexPath, RuleUnit } from './rule-index-units.ts'

/** How to run a function without trying every rule of it. */
export type RuleIndex = {
  readonly units: readonly RuleUnit[]
  /** Covers all units in order. */
  readonly steps: readonly IndexStep[]
}

/**
 * Units from `first` to `last`: to be run all, in order (`node` is null), or those that {@link selectUnits} names. What
 * it leaves out is undefined, and would have neither failed nor done anything that can be seen.
 */
export type IndexStep = {
  readonly first: number
  readonly last: number
  readonly node: IndexNode | null
}

/** Units to run, as indexes into {@link RuleIndex.units}, ascending; or where to look for them. */
export type IndexNode = { readonly units: readonly number[] } | IndexBranch

export type IndexBranch = {
  readonly path: IndexPath
  /** By the value at the path. */
  readonly byValue: ReadonlyMap<IndexKey, IndexNode>
  /** Units that have no condition on the path, and so run beside those under the value. Null for none. */
  readonly rest: IndexNode | null
}

/**
 * Finds the rules of a function that the beginning of their bodies restricts to some scalars at some path of the
 * input, the data or an argument. Null where nothing would be gained.
 */
export function indexBlocks(fn: PlanFunction): RuleIndex | null {
  const units = unitsOf(fn)
  const steps: IndexStep[] = []
  let plain = 0
  let indexed = false
  for (let at = 0; at < units.length; ) {
    const { first, last } = runFrom(units, at)
    const node = last - first + 1 >= GROUP_MIN ? createTree(units, first, last) : null
    at = last + 1
    if (node === null) continue
    indexed = true
    if (plain < first) steps.push({ first: plain, last: first - 1, node: null })
    steps.push({ first, last, node })
    plain = at
  }
  if (!indexed) return null
  if (plain < units.length) steps.push({ first: plain, last: units.length - 1, node: null })
  return { units, steps }
}

/**
 * The units of a group to run, ascending.
 *
 * @param values - the function's parameters as they are now, the input first
 */
export function selectUnits(
  node: IndexNode,
  values: readonly (Value | undefined)[],
): readonly number[] {
  if ('units' in node) return node.units
  let value = values[node.path.parameter]
  for (const name of node.path.names) {
    value = member(value, name)
    if (value === undefined) break
  }
  // Composites and Decimals are in no Map: an object is found by identity only.
  const branch = value === undefined ? undefined : node.byValue.get(value as IndexKey)
  const { rest } = node
  if (branch === undefined) return rest === null ? NONE : selectUnits(rest, values)
  const chosen = selectUnits(branch, values)
  return rest === null ? chosen : merge(chosen, selectUnits(rest, values))
}

const NONE: readonly number[] = []

/** Fewer rules are tried faster than chosen. */
const GROUP_MIN = 3

/** The next run of separate units that begins and ends with a condition, at or after `from`; empty where none is. */
function runFrom(
  units: readonly RuleUnit[],
  from: number,
): { readonly first: number; readonly last: number } {
  let first = from
  while (first < units.length && !isConditional(units[first])) first += 1
  let last = first - 1
  for (let at = first; units[at]?.separate === true; at++) if (isConditional(units[at])) last = at
  return last < first ? { first: units.length, last: units.length - 1 } : { first, last }
}

function isConditional(unit: RuleUnit | undefined): boolean {
  return unit?.separate === true && unit.conditions.size > 0
}

/** As a `dot` with a name does. */
function member(value: Value | undefined, name: string): Value | undefined {
  if (value === undefined) return undefined
  if (isSet(value)) return value.has(name) ? name : undefined
  return isObject(value) ? objectGet(value, name) : undefined
}

function merge(a: readonly number[], b: readonly number[]): readonly number[] {
  if (a.length === 0) return b
  if (b.length === 0) return a
  const merged: number[] = []
  for (let x = 0, y = 0; x < a.length || y < b.length; ) {
    const [left, right] = [a[x] ?? Number.POSITIVE_INFINITY, b[y] ?? Number.POSITIVE_INFINITY]
    merged.push(Math.min(left, right))
    if (left <= right) x += 1
    if (right <= left) y += 1
  }
  return merged
}
