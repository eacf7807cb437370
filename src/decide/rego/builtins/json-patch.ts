import type { AnyObject, RegoSet, Value } from '../values/value.ts'
import {
  copyObject,
  equalValues,
  isArray,
  isObject,
  isSet,
  objectGet,
  objectKeys,
  objectSize,
  RegoObject,
  setOf,
  typeOf,
} from '../values/value.ts'
import type { BuiltinFamily, Call } from './builtin.ts'
import { arrayOperand, BuiltinError } from './builtin.ts'
import { pathSteps } from './json-paths.ts'
import { tooDeep, WALK_DEPTH_MAX, weigh, weighMembers } from './objects-weight.ts'

/**
 * `json.patch`: RFC 6902 on any Rego value. OPA adds to the standard that a path may be an array of steps of any type,
 * and that a member of a set is found, added and removed under itself.
 * https://www.openpolicyagent.org/docs/policy-reference/builtins/object
 *
 * OPA 1.22 loses its place in arrays that an earlier operation made longer or shorter: it reads or brings back members
 * of the original, or crashes. Here every operation sees what the one before left, as the standard says.
 */
export const JSON_PATCH: BuiltinFamily = {
  'json.patch': (call, document, operations) => {
    const patch: Patch = { call, document: document as Value, ours: new Set() }
    for (const operation of arrayOperand(operations, 2)) {
      if (!isObject(operation)) {
        throw new BuiltinError(
          'must be an array of JSON-Patch objects, but at least one element is not an object',
        )
      }
      apply(patch, operation)
    }
    if (patch.document === undefined) throw new BuiltinError('the patch removes the whole document')
    return patch.document
  },
}

type Patch = {
  readonly call: Call
  /** Undefined once its root is removed. */
  document: Value | undefined
  /** Containers that this patch made and nothing else holds: they are changed in place. None lies in a set. */
  readonly ours: Set<Value>
}

/** Gives the container with a change at the key: the same one where it is ours, a copy where not. */
type Change = (patch: Patch, container: Value, key: Value) => Value

const ENTRY_BYTES = 64
const OPERATION_UNITS = 16

type Operation = (patch: Patch, steps: readonly Value[], operation: AnyObject) => void

const OPERATIONS: Readonly<Record<string, Operation>> = {
  add: (patch, steps, operation) => place(patch, steps, attribute(operation, 'value')),
  remove: (patch, steps) => void take(patch, steps),
  replace: (patch, steps, operation) => overwrite(patch, steps, attribute(operation, 'value')),
  move: (patch, steps, operation) => place(patch, steps, take(patch, from(patch, operation))),
  copy: (patch, steps, operation) => duplicate(patch, steps, from(patch, operation)),
  test: (patch, steps, operation) => test(patch, steps, attribute(operation, 'value')),
}

/** Whole numbers as OPA reads them: a sign and a fraction of zeros are taken, an exponent is not. */
const INDEX = /^[+-]?[0-9]*(?:\.0*)?$/

function apply(patch: Patch, operation: AnyObject): void {
  patch.call.work(OPERATION_UNITS)
  const path = attribute(operation, 'path')
  const op = attribute(operation, 'op')
  if (typeof op !== 'string') {
    throw new BuiltinError(`attribute 'op' must be a string but found: ${typeOf(op)}`)
  }
  const perform = Object.hasOwn(OPERATIONS, op) ? OPERATIONS[op] : undefined
  const steps = pathSteps(patch.call, path)
  if (perform === undefined) throw unrecognized()
  perform(patch, steps, operation)
}

function attribute(operation: AnyObject, name: string): Value {
  const value = objectGet(operation, name)
  if (value === undefined) throw new BuiltinError(`missing required attribute '${name}'`)
  return value
}

function from(patch: Patch, operation: AnyObject): readonly Value[] {
  return pathSteps(patch.call, attribute(operation, 'from'))
}

function place(patch: Patch, steps: readonly Value[], value: Value): void {
  if (steps.length === 0) patch.document = value
  else patch.document = change(patch, rootOf(patch), steps, 0, inserting(value))
}

/** What was there. */
function take(patch: Patch, steps: readonly Value[]): Value {
  const value = read(patch, steps)
  patch.document = steps.length === 0 ? undefined : change(patch, rootOf(patch), steps, 0, without)
  return value
}

function overwrite(patch: Patch, steps: readonly Value[], value: Value): void {
  let container = rootOf(patch)
  for (const step of steps.slice(0, -1)) {
    // To replace is to remove and to add (RFC 6902 section 4.3): once removed from, a member of a set is another member.
    if (isSet(container)) throw new BuiltinError('nothing is replaced within a member of a set')
    container = memberOf(patch, container, step)
  }
  const last = steps.at(-1)
  if (last === undefined) {
    patch.document = value
    return
  }
  memberOf(patch, container, last)
  patch.document = change(patch, rootOf(patch), steps, 0, replacing(value))
}

function duplicate(patch: Patch, steps: readonly Value[], source: readonly Value[]): void {
  const value = read(patch, source)
  // From here on it lies in two places.
  patch.ours.clear()
  place(patch, steps, value)
}

function test(patch: Patch, steps: readonly Value[], wanted: Value): void {
  const value = read(patch, steps)
  weigh(patch.call, wanted)
  if (!equalValues(wanted, value)) throw new BuiltinError('a test found another value at its path')
}

function rootOf(patch: Patch): Value {
  if (patch.document === undefined) throw new BuiltinError('the whole document was removed before')
  return patch.document
}

function read(patch: Patch, steps: readonly Value[]): Value {
  patch.call.work(steps.length)
  let value = rootOf(patch)
  for (const step of steps) value = memberOf(patch, value, step)
  return value
}

/** @throws {BuiltinError} where nothing is */
function memberOf(patch: Patch, container: Value, key: Value): Value {
  if (isArray(container))
    return container[indexWithin(container.length - 1, key, container.length)] as Value
  if (typeof key === 'object' || typeof key === 'bigint') weigh(patch.call, key)
  const found = isObject(container)
    ? objectGet(container, key)
    : isSet(container) && container.has(key)
      ? key
      : undefined
  if (found === undefined) throw new BuiltinError('a path does not exist')
  return found
}

function change(
  patch: Patch,
  container: Value,
  steps: readonly Value[],
  depth: number,
  end: Change,
): Value {
  if (depth >= WALK_DEPTH_MAX) throw tooDeep()
  patch.call.work(1)
  const key = steps[depth] as Value
  if (depth === steps.length - 1) return end(patch, container, key)
  const member = memberOf(patch, container, key)
  const changed = change(patch, member, steps, depth + 1, end)
  if (!isSet(container)) {
    return changed === member ? container : replacing(changed)(patch, container, key)
  }
  const rest = without(patch, container, key) as RegoSet
  weigh(patch.call, changed)
  rest.add(changed)
  return rest
}

function inserting(value: Value): Change {
  return (patch, container, key) => {
    if (isArray(container)) {
      const index = indexWithin(container.length, key, container.length)
      const members = ownedArray(patch, container)
      patch.call.work(members.length >>> 6)
      members.splice(index, 0, value)
      return members
    }
    if (isSet(container)) return withMember(patch, container, key, value)
    if (isObject(container)) return withEntry(patch, container, key, value)
    throw noContainer(container)
  }
}

/** For a key that is there. */
function replacing(value: Value): Change {
  return (patch, container, key) => {
    if (isArray(container)) {
      const members = ownedArray(patch, container)
      members[indexWithin(members.length - 1, key, members.length)] = value
      return members
    }
    if (isSet(container)) return withMember(patch, container, key, value)
    return withEntry(patch, container as AnyObject, key, value)
  }
}

/** Without a key that is there. */
function without(patch: Patch, container: Value, key: Value): Value {
  if (isArray(container)) {
    const members = ownedArray(patch, container)
    patch.call.work(members.length >>> 6)
    members.splice(indexWithin(members.length - 1, key, members.length), 1)
    return members
  }
  if (isSet(container)) {
    patch.ours.clear()
    const members = weighMembers(patch.call, container)
    patch.call.output(members.length * ENTRY_BYTES)
    return setOf(members.filter((member) => !equalValues(member, key)))
  }
  const object = container as AnyObject
  patch.call.work(objectSize(object))
  patch.call.output(objectSize(object) * ENTRY_BYTES)
  const rest = new RegoObject()
  for (const name of objectKeys(object)) {
    if (typeof name === 'object') weigh(patch.call, name)
    if (!equalValues(name, key)) rest.set(name, objectGet(object, name) as Value)
  }
  patch.ours.add(rest)
  return rest
}

function withMember(patch: Patch, set: RegoSet, key: Value, value: Value): RegoSet {
  weigh(patch.call, key)
  if (!equalValues(key, value)) {
    throw new BuiltinError('a value is added to a set under itself: expected it as the last step')
  }
  // The value may be ours, and what lies in a set must never change.
  patch.ours.clear()
  const members = weighMembers(patch.call, set)
  patch.call.output(members.length * ENTRY_BYTES)
  const more = setOf(members)
  more.add(value)
  return more
}

function withEntry(patch: Patch, object: AnyObject, key: Value, value: Value): RegoObject {
  if (typeof key === 'object' || typeof key === 'bigint') weigh(patch.call, key)
  const copy = patch.ours.has(object) ? (object as RegoObject) : copied(patch, object)
  copy.set(key, value)
  return copy
}

function copied(patch: Patch, object: AnyObject): RegoObject {
  patch.call.work(objectSize(object))
  patch.call.output(objectSize(object) * ENTRY_BYTES)
  const copy = copyObject(object)
  patch.ours.add(copy)
  return copy
}

function ownedArray(patch: Patch, members: readonly Value[]): Value[] {
  if (patch.ours.has(members)) return members as Value[]
  patch.call.work(members.length >>> 4)
  patch.call.output(members.length * 16)
  const copy = [...members]
  patch.ours.add(copy)
  return copy
}

/** An index from 0 to `last`; `-` is the length. */
function indexWithin(last: number, key: Value, length: number): number {
  const index = indexOf(key, length)
  if (index < 0 || index > last) throw new BuiltinError('an index lies outside its array')
  return index
}

function indexOf(key: Value, length: number): number {
  if (typeof key === 'number' && Number.isInteger(key)) return key
  if (typeof key !== 'string') throw new BuiltinError('expected an integer as index')
  if (key === '-') return length
  const digits = /^[+-]/.test(key) ? key.slice(1) : key
  if (digits === '' || !INDEX.test(key)) throw new BuiltinError('expected an integer as index')
  if (key !== '0' && key.startsWith('0')) {
    throw new BuiltinError('leading zeros are not allowed in JSON paths')
  }
  return Number.parseInt(digits, 10) * (key.startsWith('-') ? -1 : 1) || 0
}

function unrecognized(): BuiltinError {
  return new BuiltinError('unrecognized op: expected add, remove, replace, move, copy or test')
}

function noContainer(value: Value): BuiltinError {
  return new BuiltinError(`expected an array, an object or a set at a path, found ${typeOf(value)}`)
}
