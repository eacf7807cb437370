import { PolicyError } from './errors.ts'
import type { JsonObject, JsonValue } from './json-value.ts'
import { CANONICAL_DEPTH_MAX } from './limits.ts'

/**
 * The one text of a JSON value: RFC 8785 (JSON Canonicalization Scheme). Keys are sorted by UTF-16 code unit,
 * numbers are written as ECMAScript does, -0 as 0, with no white space.
 *
 * @throws {PolicyError} VALUE_NOT_JSON when the value holds NaN, an infinity, a lone surrogate or anything that is
 *   no plain JSON; ACTION_TOO_DEEP when it nests deeper than CANONICAL_DEPTH_MAX
 */
export function canonicalize(value: JsonValue): string {
  return write(value, 0)
}

/**
 * One string as RFC 8785 writes it, quotes included.
 *
 * @throws {PolicyError} VALUE_NOT_JSON when the text holds a lone surrogate
 */
export function canonicalizeString(text: string): string {
  if (text.length < PLAIN_LENGTH_MAX && PLAIN.test(text)) return `"${text}"`
  // JSON.stringify would write a lone surrogate as an escape: text that no other program reads back alike.
  if (!text.isWellFormed()) throw notJson('a string with a lone surrogate')
  return JSON.stringify(text)
}

// Printable ASCII but the quote and the backslash needs no escape. The engine's own writer wins on longer text.
const PLAIN = /^[ !#-[\]-~]*$/
const PLAIN_LENGTH_MAX = 64

function write(value: JsonValue, depth: number): string {
  switch (typeof value) {
    case 'string':
      return canonicalizeString(value)
    case 'number':
      if (!Number.isFinite(value)) throw notJson('a number that is not finite')
      return String(value)
    case 'boolean':
      return value ? 'true' : 'false'
    case 'object':
      if (value === null) return 'null'
      if (depth >= CANONICAL_DEPTH_MAX) {
        throw new PolicyError(
          'ACTION_TOO_DEEP',
          `expected at most ${CANONICAL_DEPTH_MAX} levels of nesting`,
        )
      }
      return isArray(value) ? writeArray(value, depth + 1) : writeObject(value, depth + 1)
    default:
      throw notJson(`a value of type ${typeof value}`)
  }
}

function writeArray(values: readonly JsonValue[], depth: number): string {
  let text = '['
  for (let i = 0; i < values.length; i++) {
    // A hole reads as undefined, which `write` refuses.
    text += (i === 0 ? '' : ',') + write(values[i] as JsonValue, depth)
  }
  return `${text}]`
}

function writeObject(object: JsonObject, depth: number): string {
  const prototype: unknown = Object.getPrototypeOf(object)
  if (prototype !== Object.prototype && prototype !== null) throw notJson('a class instance')
  const keys = Object.keys(object)
  if (!isSorted(keys)) keys.sort()
  let text = '{'
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i] as string
    const member = write(object[key] as JsonValue, depth)
    text += `${(i === 0 ? '' : ',') + canonicalizeString(key)}:${member}`
  }
  return `${text}}`
}

function isSorted(keys: readonly string[]): boolean {
  for (let i = 1; i < keys.length; i++) {
    if ((keys[i - 1] as string) > (keys[i] as string)) return false
  }
  return true
}

function isArray(value: readonly JsonValue[] | JsonObject): value is readonly JsonValue[] {
  return Array.isArray(value)
}

function notJson(found: string): PolicyError {
  return new PolicyError('VALUE_NOT_JSON', `expected plain JSON, found ${found}`)
}
