import { Decimal } from '../values/number.ts'
import type { AnyObject, RegoSet, Value } from '../values/value.ts'
import { isArray, isSet, objectGet, objectKeys } from '../values/value.ts'
import { chargeLong } from './arithmetic.ts'
import type { Call } from './builtin.ts'
import { BuiltinError } from './builtin.ts'

/** Levels of a value that a built-in walks: JSON has at most 512, and every walk must end far from the stack's end. */
export const WALK_DEPTH_MAX = 600

/**
 * Charges what comparing or hashing a value costs: a unit for each of its nodes, more for long text. A value may hold
 * the same part many times over, so that it has far more nodes than memory cells; this ends such walks, too.
 *
 * @throws {BuiltinError} beyond WALK_DEPTH_MAX levels
 */
export function weigh(call: Call, value: Value, depth = 0): void {
  if (typeof value === 'string') {
    if (value.length >= TEXT_PER_UNIT) call.work(Math.ceil(value.length / TEXT_PER_UNIT))
    return
  }
  if (typeof value === 'bigint' || value instanceof Decimal) {
    // Its digits are what it is told apart by.
    chargeLong(call, value)
    return
  }
  if (typeof value !== 'object' || value === null) return
  if (depth >= WALK_DEPTH_MAX) throw tooDeep()
  if (isArray(value)) weighAll(call, value, depth + 1)
  else if (isSet(value)) weighAll(call, value.values(), depth + 1)
  else weighMap(call, value as AnyObject, depth + 1)
}

/** Members of a set in Rego's order, each charged for what finding it in another set or object costs. */
export function weighMembers(call: Call, set: RegoSet): readonly Value[] {
  const members = set.values()
  weighAll(call, members, 0)
  return members
}

/** The refusal of a value that nests beyond WALK_DEPTH_MAX levels. */
export function tooDeep(): BuiltinError {
  return new BuiltinError(`expected values of at most ${WALK_DEPTH_MAX} levels`)
}

const NODE_UNITS = 12

/** Characters that cost as much as a node. */
const TEXT_PER_UNIT = 32

function weighMap(call: Call, object: AnyObject, depth: number): void {
  const keys = objectKeys(object)
  // Each is looked up, too.
  call.work(keys.length)
  weighAll(call, keys, depth)
  for (const key of keys) weigh(call, objectGet(object, key) as Value, depth)
}

function weighAll(call: Call, members: readonly Value[], depth: number): void {
  call.work(NODE_UNITS + members.length)
  for (const member of members) weigh(call, member, depth)
}
