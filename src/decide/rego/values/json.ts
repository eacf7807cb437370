import { canonicalize } from '../../../base/canonical-json.ts'
import { PolicyError } from '../../../base/errors.ts'
import type { JsonValue } from '../../../base/json-value.ts'
import { CANONICAL_DEPTH_MAX } from '../../../base/limits.ts'
import { compareText } from '../../../base/position.ts'
import type { RegoNumber } from './number.ts'
import { Decimal, numberOf, parseNumber } from './number.ts'
import type { AnyObject, PlainObject, Value } from './value.ts'
import { isArray, isSet, objectGet, objectKeys, objectSize, RegoObject } from './value.ts'

/**
 * Plain JSON as a Rego value: the same object wherever nothing in it needs another form, so that the input of a decision
 * usually costs one walk and no copy. A whole number that is no safe integer becomes a bigint, -0 becomes 0, an object
 * of many members becomes a RegoObject.
 *
 * @throws {PolicyError} VALUE_NOT_JSON for what JSON cannot hold: NaN, infinities, lone surrogates, undefined, class
 *   instances other than plain objects and arrays; ACTION_TOO_DEEP beyond CANONICAL_DEPTH_MAX levels
 */
export function fromJson(json: JsonValue): Value {
  return convert(json, 0)
}

/**
 * Reads JSON text, RFC 8259, with every number exact. Of a repeated key the last one counts, as in OPA.
 *
 * @throws {PolicyError} JSON_MALFORMED; VALUE_NOT_JSON for a lone surrogate; REGO_NUMBER_TOO_LONG; ACTION_TOO_DEEP
 */
export function parseValue(text: string): Value {
  let json: unknown
  try {
    json = INEXACT.test(text) ? JSON.parse(text, reviveNumber) : JSON.parse(text)
  } catch (cause) {
    if (cause instanceof PolicyError) throw cause
    throw new PolicyError('JSON_MALFORMED', 'expected JSON text', { cause })
  }
  return convert(json, 0)
}

/**
 * A value as JSON. Sets become arrays sorted by the canonical text of their members; keys that are no strings become
 * their canonical text. A whole number must be the one its double prints; a fraction becomes the nearest double.
 *
 * @param work - told of each node before it is written: a value may hold one part many times over, and so be far larger
 *   than what it takes in memory
 * @throws {PolicyError} REGO_RESULT_INVALID when a number does not fit, two keys become one, or it nests too deep
 */
export function toJson(value: Value, work: (nodes: number) => void = () => undefined): JsonValue {
  return write({ work }, value, 0)
}

type Writing = { readonly work: (nodes: number) => void }

/**
 * Members that an object may have and stay as it is. To count and to sort a plain object's keys takes time that grows
 * with them, at each of a policy's million steps; a RegoObject knows both.
 */
const PLAIN_MEMBERS_MAX = 32

/** Shorter texts cost no more than the node that holds them. */
const FREE_LENGTH = 64

// Sixteen digits or an exponent: all else is what its double prints.
const INEXACT = /[0-9.]{16}|[0-9][eE]/

type Context = { readonly source: string }

function reviveNumber(_key: string, value: unknown, context?: Context): unknown {
  return typeof value === 'number' && context !== undefined ? parseNumber(context.source) : value
}

function convert(json: unknown, depth: number): Value {
  switch (typeof json) {
    case 'string':
      if (!json.isWellFormed()) throw notJson('a lone surrogate')
      return json
    case 'number':
      return numberOf(json)
    case 'boolean':
    case 'bigint':
      return json
    case 'object':
      if (json === null || json instanceof Decimal) return json
      if (depth >= CANONICAL_DEPTH_MAX) {
        throw new PolicyError('ACTION_TOO_DEEP', `expected at most ${CANONICAL_DEPTH_MAX} levels`)
      }
      return Array.isArray(json) ? convertArray(json, depth + 1) : convertObject(json, depth + 1)
    default:
      throw notJson(`a value of type ${typeof json}`)
  }
}

function convertArray(items: readonly unknown[], depth: number): Value {
  let copy: Value[] | undefined
  for (let at = 0; at < items.length; at++) {
    const value = convert(items[at], depth)
    if (copy === undefined && !Object.is(value, items[at])) {
      copy = items.slice(0, at) as Value[]
    }
    copy?.push(value)
  }
  return copy ?? (items as readonly Value[])
}

function convertObject(json: object, depth: number): Value {
  const prototype: unknown = Object.getPrototypeOf(json)
  if (prototype !== Object.prototype && prototype !== null) throw notJson('a class instance')
  const source = json as Readonly<Record<string, unknown>>
  const keys = Object.keys(source)
  if (keys.length > PLAIN_MEMBERS_MAX) return convertLarge(source, keys, depth)
  let copy: [string, Value][] | undefined
  for (let at = 0; at < keys.length; at++) {
    const key = wellFormed(keys[at] as string)
    const value = convert(source[key], depth)
    if (copy === undefined && !Object.is(value, source[key])) {
      copy = keys.slice(0, at).map((name) => [name, source[name] as Value])
    }
    copy?.push([key, value])
  }
  // Unlike assignment, this makes an own member of `__proto__`.
  return copy === undefined ? (source as PlainObject) : Object.fromEntries(copy)
}

/** A plain object lists its keys to say how many there are; one that knows costs the same at any size. */
function convertLarge(
  source: Readonly<Record<string, unknown>>,
  keys: readonly string[],
  depth: number,
): Value {
  const object = new RegoObject()
  for (const key of keys) object.set(wellFormed(key), convert(source[key], depth))
  return object
}

function wellFormed(key: string): string {
  if (!key.isWellFormed()) throw notJson('a lone surrogate')
  return key
}

function write(writing: Writing, value: Value, depth: number): JsonValue {
  if (value === null || typeof value === 'boolean') return value
  if (typeof value === 'string') {
    // One long text may stand in a value many times.
    if (value.length > FREE_LENGTH) writing.work(value.length >>> 6)
    return value
  }
  if (typeof value === 'number' || typeof value === 'bigint' || value instanceof Decimal) {
    return toDouble(value)
  }
  if (depth >= CANONICAL_DEPTH_MAX) throw unfit('the value nests too deep')
  if (isSet(value)) return sortedMembers(writeItems(writing, value.values(), depth + 1))
  return isArray(value)
    ? writeItems(writing, value, depth + 1)
    : writeObject(writing, value, depth + 1)
}

function toDouble(value: RegoNumber): number {
  if (typeof value === 'number') return value
  if (typeof value === 'bigint') {
    const double = Number(value)
    // The rule of the boundary: what RFC 8785 prints is what was there.
    if (parseNumber(String(double)) !== value) throw unfit('a number does not fit a double exactly')
    return double
  }
  const double = Number(`${value.coefficient}e${value.exponent}`)
  if (!Number.isFinite(double)) throw unfit('a number does not fit a double')
  return double === 0 ? 0 : double
}

function writeItems(writing: Writing, items: readonly Value[], depth: number): JsonValue[] {
  writing.work(1 + items.length)
  return items.map((item) => write(writing, item, depth))
}

function writeObject(writing: Writing, object: AnyObject, depth: number): JsonValue {
  writing.work(1 + objectSize(object))
  const members = new Map<string, JsonValue>()
  for (const key of objectKeys(object)) {
    const name = typeof key === 'string' ? key : canonicalize(write(writing, key, depth))
    if (members.has(name)) throw unfit('two keys of one object become the same JSON key')
    members.set(name, write(writing, objectGet(object, key) as Value, depth))
  }
  return Object.fromEntries(members)
}

function sortedMembers(values: readonly JsonValue[]): JsonValue[] {
  return values
    .map((value) => ({ value, text: canonicalize(value) }))
    .sort((a, b) => compareText(a.text, b.text))
    .map(({ value }) => value)
}

function unfit(message: string): PolicyError {
  return new PolicyError('REGO_RESULT_INVALID', message)
}

function notJson(found: string): PolicyError {
  return new PolicyError('VALUE_NOT_JSON', `expected plain JSON, found ${found}`)
}
