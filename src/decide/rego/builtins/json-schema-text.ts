import type { RegoNumber } from '../values/number.ts'
import { isNumber, partsOf } from '../values/number.ts'
import { jsonText } from '../values/text.ts'
import type { AnyObject, Value } from '../values/value.ts'
import { objectGet, objectKeys } from '../values/value.ts'
import { BuiltinError } from './builtin.ts'
import type { Node } from './json-schema-node.ts'

/**
 * Text by which `const`, `enum` and `uniqueItems` compare plain JSON in OPA: members sorted, numbers as the double next
 * to them, so that integers beyond 2^53 that share a double are equal. The caller has charged for it.
 *
 * @throws {BuiltinError} for a number beyond what a double holds
 */
export function comparable(value: Value | Node): string {
  if (isNumber(value)) return doubleText(value)
  if (value === null || typeof value !== 'object') return jsonText(value)
  if (Array.isArray(value)) return `[${value.map(comparable).join(',')}]`
  if (value instanceof Map) return memberList(value.entries().toArray())
  const object = value as AnyObject
  return memberList(objectKeys(object).map((key) => [key, objectGet(object, key) as Value]))
}

/** A bound in a message: Go's `%v` of a big.Float, six digits before it takes an exponent. */
export function boundText(value: RegoNumber): string {
  const { coefficient, exponent } = partsOf(value)
  if (coefficient === 0n) return '0'
  const sign = coefficient < 0n ? '-' : ''
  const written = String(coefficient < 0n ? -coefficient : coefficient)
  const digits = written.replace(/0+$/, '')
  const point = written.length + exponent
  const power = point - 1
  if (power < -4 || power >= 6) {
    const fraction = digits.length > 1 ? `.${digits.slice(1)}` : ''
    const size = String(Math.abs(power)).padStart(2, '0')
    return `${sign}${digits[0]}${fraction}e${power < 0 ? '-' : '+'}${size}`
  }
  if (point <= 0) return `${sign}0.${'0'.repeat(-point)}${digits}`
  const fraction = digits.slice(point)
  return `${sign}${digits.slice(0, point).padEnd(point, '0')}${fraction && `.${fraction}`}`
}

function memberList(members: readonly (readonly [Value, Value | Node])[]): string {
  return `{${members.map(([key, value]) => `${jsonText(key)}:${comparable(value)}`).join(',')}}`
}

function doubleText(value: RegoNumber): string {
  const { coefficient, exponent } = partsOf(value)
  const double = typeof value === 'number' ? value : Number(`${coefficient}e${exponent}`)
  if (!Number.isFinite(double)) throw new BuiltinError('expected numbers that a double can hold')
  return String(double)
}
