import { quote } from '../go-quote.ts'
import type { RegoNumber } from './number.ts'
import { isNumber, partsOf } from './number.ts'
import type { AnyObject, Value } from './value.ts'
import { compareStrings, isArray, isSet, objectGet, objectKeys, RegoObject } from './value.ts'

/**
 * A number as OPA writes what it has calculated (Go's Float.Text): whole numbers in full, fractions by the verb %g,
 * which takes an exponent below 1e-4 and from 1e6 on. Of a number that nothing was calculated from, OPA keeps the
 * author's text, `1.0` or `1e2`; here a value has no such memory.
 */
export function numberText(value: RegoNumber): string {
  if (typeof value === 'bigint') return value.toString()
  if (typeof value === 'number') {
    const size = Math.abs(value)
    if ((size >= PLAIN_FROM && size < PLAIN_BELOW) || Number.isInteger(value)) return String(value)
  }
  const { coefficient, exponent } = partsOf(value)
  const negative = coefficient < 0n
  const digits = (negative ? -coefficient : coefficient).toString()
  return (negative ? '-' : '') + fractionText(digits, digits.length + exponent)
}

/** A value as OPA prints it (v1/ast `String`): strings in Go quotes, keys and sets in OPA's order. */
export function valueText(value: Value): string {
  if (typeof value === 'string') return quote(value)
  if (value === null || typeof value === 'boolean') return String(value)
  if (isNumber(value)) return numberText(value)
  if (isArray(value)) return `[${joined(value, ', ', valueText)}]`
  if (isSet(value)) {
    return value.size === 0 ? 'set()' : `{${joined(value.values(), ', ', valueText)}}`
  }
  const object = value as AnyObject
  let text = ''
  for (const key of objectKeys(object)) {
    if (text !== '') text += ', '
    text += `${valueText(key)}: ${valueText(objectGet(object, key) as Value)}`
  }
  return `{${text}}`
}

/** A value as `json.marshal` writes it: no white space, sets as arrays in OPA's order, Go's HTML-safe escapes. */
export function jsonText(value: Value): string {
  if (typeof value === 'string') return jsonString(value)
  if (value === null || typeof value === 'boolean') return String(value)
  if (isNumber(value)) return numberText(value)
  if (isArray(value)) return `[${joined(value, ',', jsonText)}]`
  if (isSet(value)) return `[${joined(value.values(), ',', jsonText)}]`
  const object = value as AnyObject
  let text = ''
  for (const [name, member] of jsonMembers(object)) {
    if (text !== '') text += ','
    text += `${jsonString(name)}:${jsonText(member)}`
  }
  return `{${text}}`
}

/** Names and members of an object as JSON has them: keys that are no strings become their JSON text. */
export function jsonMembers(object: AnyObject): readonly (readonly [string, Value])[] {
  const keys = objectKeys(object)
  const members = new Map<string, Value>()
  for (const key of keys) {
    members.set(typeof key === 'string' ? key : jsonText(key), objectGet(object, key) as Value)
  }
  const entries = [...members]
  const textOnly = !(object instanceof RegoObject) || keys.every((key) => typeof key === 'string')
  // Of two keys with one name Go keeps the later; then it sorts the names.
  return textOnly ? entries : entries.sort(([a], [b]) => compareStrings(a, b))
}

function joined(
  values: readonly Value[],
  separator: string,
  print: (value: Value) => string,
): string {
  let text = ''
  for (let at = 0; at < values.length; at++) {
    if (at > 0) text += separator
    text += print(values[at] as Value)
  }
  return text
}

/** From here on, and below the next, %g writes a fraction without an exponent. */
const PLAIN_FROM = 1e-4
const PLAIN_BELOW = 1e6

/** Digits of 0.digits x 10^point by Go's %g. */
function fractionText(digits: string, point: number): string {
  const power = point - 1
  if (power < -4 || power >= 6) {
    const rest = digits.length > 1 ? `.${digits.slice(1)}` : ''
    const size = String(Math.abs(power)).padStart(2, '0')
    return `${digits[0]}${rest}e${power < 0 ? '-' : '+'}${size}`
  }
  if (point > 0) return `${digits.slice(0, point)}.${digits.slice(point)}`
  return `0.${'0'.repeat(-point)}${digits}`
}

function jsonString(text: string): string {
  const json = JSON.stringify(text)
  if (!HTML_UNSAFE.test(json)) return json
  return json.replace(
    HTML_UNSAFE_ALL,
    (found) => `\\u${found.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

const HTML_UNSAFE = /[<>&\u2028\u2029]/
const HTML_UNSAFE_ALL = /[<>&\u2028\u2029]/g
