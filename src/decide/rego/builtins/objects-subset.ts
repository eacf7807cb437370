import type { AnyObject, RegoSet, Value } from '../values/value.ts'
import { equalValues, isArray, isObject, isSet, objectGet, objectKeys } from '../values/value.ts'
import type { Call } from './builtin.ts'
import { BuiltinError } from './builtin.ts'
import { tooDeep, WALK_DEPTH_MAX, weigh, weighMembers } from './objects-weight.ts'

/**
 * Whether all of `part` is in `whole`: members of a set, a run of an array, members of an object with values that are
 * equal or subsets themselves.
 *
 * @throws {BuiltinError} unless both are objects, sets or arrays, or an array and a set
 */
export function isSubset(call: Call, whole: Value, part: Value): boolean {
  const answer = compare(call, whole, part, 0)
  if (answer !== undefined) return answer
  if (isArray(whole) && isSet(part)) return coversSet(call, whole, part)
  throw new BuiltinError(
    'both operands must be objects, sets or arrays, or an array and a set',
    'eval_type_error',
  )
}

/** Undefined where no subset is defined between the two types. */
function compare(call: Call, whole: Value, part: Value, depth: number): boolean | undefined {
  if (isObject(whole) && isObject(part)) return coversObject(call, whole, part, depth)
  if (isSet(whole) && isSet(part)) {
    return weighMembers(call, part).every((member) => whole.has(member))
  }
  return isArray(whole) && isArray(part) ? coversRun(call, whole, part) : undefined
}

function coversObject(call: Call, whole: AnyObject, part: AnyObject, depth: number): boolean {
  if (depth >= WALK_DEPTH_MAX) throw tooDeep()
  const keys = objectKeys(part)
  call.work(keys.length * 3)
  return keys.every((key) => {
    if (typeof key !== 'string') weigh(call, key)
    const [wanted, found] = [objectGet(part, key) as Value, objectGet(whole, key)]
    if (found === undefined) return false
    // Of two of a type that has subsets, equal ones are subsets, too.
    const answer = compare(call, found, wanted, depth + 1)
    return answer ?? equalValues(wanted, found)
  })
}

/** Whether `part` stands in `whole` as a run, found as Knuth, Morris and Pratt do: no member is compared anew. */
function coversRun(call: Call, whole: readonly Value[], part: readonly Value[]): boolean {
  if (part.length > whole.length) return false
  weigh(call, part)
  weigh(call, whole)
  const borders = bordersOf(part)
  let matched = 0
  for (const member of whole) {
    if (matched === part.length) return true
    matched = extend(part, borders, matched, member)
  }
  return matched === part.length
}

/** For each prefix of the run, how long its longest proper prefix is that also ends it. */
function bordersOf(run: readonly Value[]): readonly number[] {
  const borders: number[] = [0]
  for (let at = 1; at < run.length; at++) {
    borders.push(extend(run, borders, borders[at - 1] as number, run[at] as Value))
  }
  return borders
}

function extend(
  run: readonly Value[],
  borders: readonly number[],
  matched: number,
  member: Value,
): number {
  let length = matched
  while (length > 0 && !equalValues(run[length] as Value, member)) {
    length = borders[length - 1] as number
  }
  return equalValues(run[length] as Value, member) ? length + 1 : length
}

/** As OPA counts: a member that stands in the array twice counts twice, and an empty array covers nothing. */
function coversSet(call: Call, whole: readonly Value[], part: RegoSet): boolean {
  weigh(call, whole)
  let missing = part.size
  return whole.some((member) => {
    if (part.has(member)) missing -= 1
    return missing === 0
  })
}
