import { PolicyError } from '../../../base/errors.ts'
import { parseValue } from '../values/json.ts'
import type { RegoNumber } from '../values/number.ts'
import { isNumber } from '../values/number.ts'
import { jsonText } from '../values/text.ts'
import type { AnyObject, Value } from '../values/value.ts'
import { isArray, isObject, isSet, objectGet, objectKeys, RegoObject } from '../values/value.ts'
import type { Call } from './builtin.ts'
import { BuiltinError } from './builtin.ts'
import { weigh } from './objects-weight.ts'

/** JSON of a schema. Each object is one of its own, its members sorted, so that places can be told apart by identity. */
export type Node = null | boolean | string | RegoNumber | readonly Node[] | NodeMap

export type NodeMap = ReadonlyMap<string, Node>

/**
 * What a schema or a document is given as: text holds JSON, an object or an array is the JSON itself. Sets in it are
 * arrays, keys that are no strings their JSON text.
 *
 * @throws {BuiltinError} for text that is no JSON, and for any other value
 */
export function readJson(call: Call, value: Value | undefined): Value {
  if (typeof value === 'string') {
    chargeParsing(call, value)
    return parseJson(value)
  }
  if (!isArray(value) && !isObject(value)) {
    throw new BuiltinError('wrong type, expected string or object')
  }
  weigh(call, value)
  return plain(call, value)
}

/** Charges what reading JSON text costs. */
export function chargeParsing(call: Call, text: string): void {
  call.work(text.length >>> 2)
  call.output(text.length * 4)
}

/** The caller has charged for it. */
export function parseJson(text: string): Value {
  try {
    return parseValue(text)
  } catch (cause) {
    if (!(cause instanceof PolicyError)) throw cause
    throw new BuiltinError('invalid JSON string', undefined, { cause })
  }
}

/** A copy as a node. The caller has charged for it. */
export function nodeOf(value: Value, depth = 0): Node {
  if (value === null || typeof value !== 'object' || isNumber(value)) return value
  if (depth >= SCHEMA_DEPTH_MAX) {
    throw new BuiltinError(`expected a schema of at most ${SCHEMA_DEPTH_MAX} levels`)
  }
  if (isArray(value)) return value.map((member) => nodeOf(member, depth + 1))
  const object = value as AnyObject
  const members = new Map<string, Node>()
  for (const key of objectKeys(object)) {
    members.set(String(key), nodeOf(objectGet(object, key) as Value, depth + 1))
  }
  return members
}

export function isMap(node: Node | undefined): node is NodeMap {
  return node instanceof Map
}

export function isList(node: Node | undefined): node is readonly Node[] {
  return Array.isArray(node)
}

/** Compiling and validating nest several calls for each level. */
const SCHEMA_DEPTH_MAX = 256

const ENTRY_BYTES = 64
/** Units that writing a key as a name takes, besides the visit that is charged before. */
const NAMING_WORK = 24

/** The same value where it is plain JSON: only what holds a set or a key that is no string is made anew. */
function plain(call: Call, value: Value): Value {
  if (isArray(value)) {
    const members = value.map((member) => plain(call, member))
    return members.every((member, at) => member === value[at]) ? value : members
  }
  if (isSet(value)) {
    call.output(value.size * ENTRY_BYTES)
    return value.values().map((member) => plain(call, member))
  }
  return isObject(value) ? plainObject(call, value) : value
}

function plainObject(call: Call, object: AnyObject): Value {
  const keys = objectKeys(object)
  const members = keys.map((key) => plain(call, objectGet(object, key) as Value))
  const same = keys.every(
    (key, at) => typeof key === 'string' && members[at] === objectGet(object, key),
  )
  if (same) return object
  call.work(keys.length * NAMING_WORK)
  call.output(keys.length * ENTRY_BYTES)
  const copy = new RegoObject()
  for (const [at, key] of keys.entries()) {
    copy.set(typeof key === 'string' ? key : jsonText(plain(call, key)), members[at] as Value)
  }
  return copy
}
