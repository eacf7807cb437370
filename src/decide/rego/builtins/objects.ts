import { isWhole } from '../values/number.ts'
import type { AnyObject, Value } from '../values/value.ts'
import {
  copyObject,
  isArray,
  isObject,
  isSet,
  objectGet,
  objectKeys,
  objectSize,
  RegoObject,
  RegoSet,
  typeOf,
} from '../values/value.ts'
import type { BuiltinFamily, Call } from './builtin.ts'
import { arrayOperand, BuiltinError, mismatch, objectOperand } from './builtin.ts'
import { isSubset } from './objects-subset.ts'
import { tooDeep, WALK_DEPTH_MAX, weigh, weighMembers } from './objects-weight.ts'

/** OPA's built-ins on objects. https://www.openpolicyagent.org/docs/policy-reference/builtins/object */
export const OBJECTS: BuiltinFamily = {
  'object.get': (call, value, path, otherwise) => {
    const object = objectOperand(value, 1)
    const found = isArray(path) ? follow(call, object, path) : member(call, object, path as Value)
    // Not `??`: null is a value.
    return found === undefined ? otherwise : found
  },

  'object.keys': (call, value) => {
    const keys = objectKeys(objectOperand(value, 1))
    const set = new RegoSet()
    for (const key of keys) {
      if (typeof key !== 'string') weigh(call, key)
      set.add(key)
    }
    return set
  },

  'object.remove': (call, value, names) => {
    const object = objectOperand(value, 1)
    const removed = keysOperand(call, names)
    if (removed.size === 0) return object
    const rest = new RegoObject()
    for (const key of weighKeys(call, object)) {
      if (!removed.has(key)) rest.set(key, objectGet(object, key) as Value)
    }
    return rest
  },

  'object.filter': (call, value, names) => {
    const object = objectOperand(value, 1)
    const kept = keysOperand(call, names)
    const rest = new RegoObject()
    for (const key of kept.values()) {
      const found = objectGet(object, key)
      if (found !== undefined) rest.set(key, found)
    }
    return rest
  },

  'object.union': (call, a, b) => {
    const [left, right] = [objectOperand(a, 1), objectOperand(b, 2)]
    if (objectSize(left) === 0) return right
    return objectSize(right) === 0 ? left : unite(call, left, [right])
  },

  'object.union_n': (call, objects) => {
    const [first, ...rest] = arrayOperand(objects, 1).map((part) =>
      isObject(part) ? part : notObject(part),
    )
    if (first === undefined) return new RegoObject()
    return rest.length === 0 ? first : unite(call, first, rest)
  },

  'object.subset': (call, whole, part) => isSubset(call, whole as Value, part as Value),
}

const ENTRY_BYTES = 64
/** Units that a new object costs, however small: its table. */
const COPY_WORK = 16

/** What lies under a key: a member of an array by index, of a set by itself. */
function member(call: Call, value: Value, key: Value): Value | undefined {
  if (isArray(value)) {
    return typeof key === 'number' && isWhole(key) && key >= 0 ? value[key] : undefined
  }
  if (typeof key !== 'string') weigh(call, key)
  if (isSet(value)) return value.has(key) ? key : undefined
  return isObject(value) ? objectGet(value, key) : undefined
}

function follow(call: Call, object: AnyObject, path: readonly Value[]): Value | undefined {
  call.work(path.length)
  let value: Value | undefined = object
  for (const key of path) {
    if (value === undefined) return undefined
    value = member(call, value, key)
  }
  return value
}

/** Keys given as an array, a set or an object that has them. */
function keysOperand(call: Call, value: Value | undefined): RegoSet {
  if (isSet(value)) {
    weighMembers(call, value)
    return value
  }
  const keys = isArray(value) ? value : isObject(value) ? objectKeys(value) : notKeys(value)
  call.work(keys.length)
  const set = new RegoSet()
  for (const key of keys) {
    if (typeof key !== 'string') weigh(call, key)
    set.add(key)
  }
  return set
}

function notKeys(value: Value | undefined): never {
  return mismatch(value, 2, 'object', 'set', 'array')
}

function weighKeys(call: Call, object: AnyObject): readonly Value[] {
  const keys = objectKeys(object)
  call.work(keys.length * 2)
  for (const key of keys) if (typeof key !== 'string') weigh(call, key)
  return keys
}

/** From the left: the last to name a key counts, and what an earlier one held is gone once overwritten. */
function unite(call: Call, first: AnyObject, rest: readonly AnyObject[]): RegoObject {
  const ours = new Set<AnyObject>()
  const united = copyOf(call, first, ours)
  for (const object of rest) absorb(call, united, object, ours, 0)
  return united
}

/**
 * Takes an object's members into another; where both hold an object under a key, those are united, else the second
 * counts. Objects that are `ours` are changed, others copied first.
 */
function absorb(
  call: Call,
  united: RegoObject,
  object: AnyObject,
  ours: Set<AnyObject>,
  depth: number,
): void {
  if (depth >= WALK_DEPTH_MAX) throw tooDeep()
  call.output(objectSize(object) * ENTRY_BYTES)
  for (const key of weighKeys(call, object)) {
    const after = objectGet(object, key) as Value
    const before = isObject(after) ? united.get(key) : undefined
    if (!isObject(after) || !isObject(before)) {
      united.set(key, after)
      continue
    }
    const inner = ours.has(before) ? (before as RegoObject) : copyOf(call, before, ours)
    united.set(key, inner)
    absorb(call, inner, after, ours, depth + 1)
  }
}

function copyOf(call: Call, object: AnyObject, ours: Set<AnyObject>): RegoObject {
  call.work(COPY_WORK + objectSize(object))
  call.output(objectSize(object) * ENTRY_BYTES)
  const copy = copyObject(object)
  ours.add(copy)
  return copy
}

function notObject(value: Value): never {
  throw new BuiltinError(
    `operand 1 must be array of objects but got array containing ${typeOf(value)}`,
    'eval_type_error',
  )
}
