import type { ErrorCode } from './errors.ts'
import { PolicyError } from './errors.ts'
import type { JsonValue } from './json-value.ts'
import { ACTION_BYTES_MAX, JSON_DEPTH_MAX } from './limits.ts'
import { toPointer } from './pointer.ts'

export type PlainJsonOptions = {
  /** Bound on the JSON text, in bytes; counted from below, so a text near it may pass. Default: ACTION_BYTES_MAX. */
  readonly bytesMax?: number
  /** Deepest nesting; `[]` is 1 deep, a scalar 0. Default: JSON_DEPTH_MAX. */
  readonly depthMax?: number
  /** Keys that are refused anywhere, beside `__proto__`. Default: none. */
  readonly reservedKeys?: readonly string[]
}

/**
 * Checks that a value from the caller's program is plain JSON: no BigInt, NaN, infinity, undefined, function,
 * symbol, class instance, hole, accessor, hidden member or cycle. -0 passes; RFC 8785 writes it as 0. The message
 * names the place by JSON pointer (RFC 6901), never the value.
 *
 * @throws {PolicyError} VALUE_NOT_JSON; ACTION_AMBIGUOUS for `__proto__`, a reserved key or a lone surrogate;
 *   ACTION_TOO_DEEP; ACTION_TOO_LARGE
 */
export function assertPlainJson(
  value: unknown,
  options: PlainJsonOptions = {},
): asserts value is JsonValue {
  const walk: Walk = {
    segments: [],
    ancestors: [],
    depthMax: options.depthMax ?? JSON_DEPTH_MAX,
    bytesLeft: options.bytesMax ?? ACTION_BYTES_MAX,
    reserved: new Set(options.reservedKeys),
  }
  checkValue(walk, value)
}

type Walk = {
  readonly segments: (string | number)[]
  readonly ancestors: object[]
  readonly depthMax: number
  readonly reserved: ReadonlySet<string>
  /** Objects shared at every level unfold to 2^depth values: this ends the walk. */
  bytesLeft: number
}

function checkValue(walk: Walk, value: unknown): void {
  spend(walk, 1)
  switch (typeof value) {
    case 'string':
      checkText(walk, value)
      return
    case 'number':
      if (!Number.isFinite(value)) throw notJson(walk, 'a number that is not finite')
      return
    case 'boolean':
      return
    case 'object':
      if (value !== null) checkContainer(walk, value)
      return
    default:
      throw notJson(walk, `a value of type ${typeof value}`)
  }
}

function checkContainer(walk: Walk, value: object): void {
  if (walk.ancestors.includes(value)) throw notJson(walk, 'a cycle')
  if (walk.ancestors.length >= walk.depthMax) {
    throw fail(walk, 'ACTION_TOO_DEEP', `expected at most ${walk.depthMax} levels of nesting`)
  }
  walk.ancestors.push(value)
  if (Array.isArray(value)) checkArray(walk, value)
  else checkObject(walk, value)
  walk.ancestors.pop()
}

function checkArray(walk: Walk, values: readonly unknown[]): void {
  if (Object.getPrototypeOf(values) !== Array.prototype) throw notJson(walk, 'a class instance')
  spend(walk, values.length)
  for (let i = 0; i < values.length; i++) {
    walk.segments.push(i)
    const member = Object.getOwnPropertyDescriptor(values, i)
    if (member === undefined) throw notJson(walk, 'a hole in an array')
    checkMember(walk, member)
    walk.segments.pop()
  }
  // Every index is there, so one more key (`length`) is all there may be.
  if (Reflect.ownKeys(values).length !== values.length + 1) {
    throw notJson(walk, 'an array with named members')
  }
}

function checkObject(walk: Walk, object: object): void {
  const prototype: unknown = Object.getPrototypeOf(object)
  if (prototype !== Object.prototype && prototype !== null) throw notJson(walk, 'a class instance')
  for (const key of Reflect.ownKeys(object)) {
    if (typeof key === 'symbol') throw notJson(walk, 'a symbol as a key')
    walk.segments.push(key)
    checkText(walk, key)
    if (key === '__proto__' || walk.reserved.has(key)) {
      throw fail(walk, 'ACTION_AMBIGUOUS', 'expected keys with one meaning, found a reserved key')
    }
    const member = Object.getOwnPropertyDescriptor(object, key)
    if (member === undefined) throw notJson(walk, 'an object that changes while it is read')
    checkMember(walk, member)
    walk.segments.pop()
  }
}

function checkMember(walk: Walk, member: PropertyDescriptor): void {
  if (!Object.hasOwn(member, 'value')) throw notJson(walk, 'an accessor')
  if (member.enumerable !== true) throw notJson(walk, 'a hidden member')
  checkValue(walk, member.value)
}

function checkText(walk: Walk, text: string): void {
  spend(walk, text.length + 2)
  if (text.isWellFormed()) return
  throw fail(walk, 'ACTION_AMBIGUOUS', 'expected Unicode text, found a lone surrogate')
}

function spend(walk: Walk, bytes: number): void {
  walk.bytesLeft -= bytes
  if (walk.bytesLeft < 0) throw fail(walk, 'ACTION_TOO_LARGE', 'expected a smaller value')
}

function notJson(walk: Walk, found: string): PolicyError {
  return fail(walk, 'VALUE_NOT_JSON', `expected plain JSON, found ${found}`)
}

function fail(walk: Walk, code: ErrorCode, message: string): PolicyError {
  // A key may itself be ill-formed; the message must not be.
  const pointer = toPointer(walk.segments).toWellFormed()
  return new PolicyError(code, `${message} at ${pointer === '' ? 'the top' : pointer}`)
}
