import { floatOfParts, multiply, truncated } from '../values/big-float.ts'
import type { Parts, RegoNumber } from '../values/number.ts'
import { DECIMAL_DIGITS_MAX, decimal } from '../values/number.ts'
import type { Rational } from '../values/rational.ts'
import { divideRounded, rationalOf } from '../values/rational.ts'
import type { Value } from '../values/value.ts'
import { fitting, tooLong } from './arithmetic.ts'
import type { BuiltinFamily, Call } from './builtin.ts'
import { BuiltinError, stringOperand } from './builtin.ts'

/**
 * Amounts with a unit: `10Ki`, `1.5MB`, `200m`.
 * https://www.openpolicyagent.org/docs/policy-reference/builtins/units
 */
export const UNITS: BuiltinFamily = {
  'units.parse': (call, text) => parseAmount(unquoted(call, text)),
  'units.parse_bytes': (call, text) => parseBytes(lower(unquoted(call, text))),
}

function unquoted(call: Call, text: Value | undefined): string {
  const amount = stringOperand(text, 1)
  call.work(amount.length >>> 2)
  return amount.replaceAll('"', '')
}

/** An SI or binary prefix: `m` is milli and `M` mega, all others go in either case. Ten decimals, as in OPA. */
function parseAmount(text: string): RegoNumber {
  const { amount, unit } = split(text, 'amount')
  // OPA changes the case of the unit's first byte alone, so that it takes no letter beyond ASCII there.
  const first = unit < '\u0080' ? unit.slice(0, 1).toLowerCase() : unit.slice(0, 1)
  const scale = unit === 'm' ? MILLI : scaleOf(first + lower(unit.slice(1)))
  const { coefficient, exponent } = amount
  const numerator = coefficient * scale.numerator * 10n ** BigInt(Math.max(exponent, 0))
  const denominator = scale.denominator * 10n ** BigInt(Math.max(-exponent, 0))
  if (numerator % denominator === 0n) return fitting(numerator / denominator)
  const size = numerator < 0n ? -numerator : numerator
  const scaled = divideRounded(size * 10n ** BigInt(PLACES), denominator, 'up')
  return decimal(numerator < 0n ? -scaled : scaled, -PLACES)
}

/** Bytes: `10KB` is 10,000 and `10KiB` 10,240, in any case and without the B, cut to a whole number. */
function parseBytes(text: string): RegoNumber {
  const { amount, unit } = split(text, 'byte amount')
  const scale = scaleOf(unit.length > 1 && unit.endsWith('b') ? unit.slice(0, -1) : unit)
  // OPA calculates in floats of 64 bits.
  const bytes = multiply(floatOfParts(amount), { mantissa: scale.numerator, exponent: 0 })
  return fitting(truncated(bytes))
}

const PLACES = 10
const PREFIXES = 'kmgtpe'
const MILLI = rationalOf(0.001) // The double, as OPA has it.

/** @throws {BuiltinError} for a unit that OPA does not know */
function scaleOf(unit: string): Rational {
  if (unit === '') return { numerator: 1n, denominator: 1n }
  const power = PREFIXES.indexOf(unit.slice(0, 1)) + 1
  const binary = unit.slice(1) === 'i'
  if (power === 0 || (unit.length > 1 && !binary)) throw new BuiltinError('unit not recognized')
  return { numerator: (binary ? 1024n : 1000n) ** BigInt(power), denominator: 1n }
}

/** @param noun - what messages call the amount */
function split(text: string, noun: string): { readonly amount: Parts; readonly unit: string } {
  if (text.includes(' ')) throw new BuiltinError('spaces not allowed in resource strings')
  const end = amountEnd(text)
  if (end === 0) throw new BuiltinError(`no ${noun} provided`)
  return { amount: amountOf(text.slice(0, end), noun), unit: text.slice(end) }
}

/** Where the amount ends. An `e` belongs to it only in front of a digit or a sign. */
function amountEnd(text: string): number {
  for (let at = 0; at < text.length; at++) {
    if (at > AMOUNT_LENGTH_MAX) throw tooLong()
    const character = text.charAt(at)
    if (AMOUNT.test(character)) continue
    if (!EXPONENT.test(text.slice(at, at + 2))) return at
    if (SIGN.test(text.charAt(at + 1))) at += 1
    if (EXPONENT_TOO_LARGE.test(text.slice(at + 1, at + 8))) {
      throw new BuiltinError('exponent too large')
    }
  }
  return text.length
}

const AMOUNT = /[0-9.+-]/
const EXPONENT = /^[eE][0-9+-]/
const SIGN = /[+-]/
const EXPONENT_TOO_LARGE = /^[0-9]{7}/ // OPA's bound, too.
const AMOUNT_LENGTH_MAX = DECIMAL_DIGITS_MAX * 2
const NUMBER = /^([+-]?)([0-9]*)(?:\.([0-9]*))?(?:[eE]([+-]?[0-9]+))?$/

/** The digits as they are written: how OPA's floats round depends on trailing zeros. */
function amountOf(text: string, noun: string): Parts {
  const [, sign, whole = '', fraction = '', power = '0'] = NUMBER.exec(text) ?? []
  const digits = whole + fraction
  if (digits === '') throw new BuiltinError(`could not parse ${noun} to a number`)
  const exponent = Number(power) - fraction.length
  if (digits.length > DECIMAL_DIGITS_MAX || Math.abs(exponent) > DECIMAL_DIGITS_MAX) throw tooLong()
  const coefficient = BigInt(digits)
  return { coefficient: sign === '-' ? -coefficient : coefficient, exponent }
}

/** Go's strings.ToLower, as far as it makes ASCII letters: of U+0130 JavaScript makes an i and a dot. */
function lower(text: string): string {
  return text.replaceAll('\u0130', 'i').toLowerCase()
}
