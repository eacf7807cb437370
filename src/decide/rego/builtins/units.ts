import type { Rational } from '../decimal.ts'
import { divideRounded, parseDecimal, rationalOf } from '../decimal.ts'
import type { Term } from '../terms.ts'
import { numberTerm } from '../terms.ts'
import { refuse, stringOperand } from './operands.ts'

/** `units.parse(text)`: an amount with an SI or binary prefix; `m` is milli, `M` mega. Ten decimals, as in OPA. */
export function unitsParse(text?: Term): Term {
  const { amount, unit } = amountOf(stringOperand(text, 1).replaceAll('"', ''))
  const letter = unit.slice(0, 1)
  const rest = unit.slice(1).toLowerCase()
  const scale = letter + rest === 'm' ? rationalOf(0.001) : scaleOf(letter.toLowerCase() + rest)
  if (scale === undefined || rest.length > 1) throw refuse('the unit is not known')
  const numerator = amount.numerator * scale.numerator
  const denominator = amount.denominator * scale.denominator
  if (numerator % denominator === 0n) return numberTerm(numerator / denominator)
  const negative = numerator < 0n
  const magnitude = negative ? -numerator : numerator
  const digits = divideRounded(magnitude * 10n ** 10n, denominator, 'up')
    .toString()
    .padStart(11, '0')
  const sign = negative ? '-' : ''
  return { kind: 'number', text: `${sign}${digits.slice(0, -10)}.${digits.slice(-10)}` }
}

/** `units.parse_bytes(text)`: an amount of bytes (`10KB` is 10,000, `10KiB` 10,240), cut to a whole number. */
export function unitsParseBytes(text?: Term): Term {
  const lower = stringOperand(text, 1).toLowerCase().replaceAll('"', '')
  const { amount, unit } = amountOf(lower)
  const scale = scaleOf(unit.endsWith('b') && unit.length > 1 ? unit.slice(0, -1) : unit)
  if (scale === undefined) throw refuse('the unit is not known')
  // OPA multiplies big.Floats of 64 bits.
  const rounded = round64(amount)
  const product = round64({
    numerator: rounded.numerator * scale.numerator,
    denominator: rounded.denominator,
  })
  return numberTerm(product.numerator / product.denominator)
}

const PREFIXES = 'kmgtpe'

function scaleOf(unit: string): Rational | undefined {
  if (unit === '') return { numerator: 1n, denominator: 1n }
  const power = PREFIXES.indexOf(unit.slice(0, 1)) + 1
  if (power === 0 || (unit.length !== 1 && unit.slice(1) !== 'i')) return undefined
  const base = unit.length === 1 ? 1000n : 1024n
  return { numerator: base ** BigInt(power), denominator: 1n }
}

function amountOf(text: string): { amount: Rational; unit: string } {
  if (text.includes(' ')) throw refuse('the text holds a space')
  const end = amountEnd(text)
  if (end === 0) throw refuse('the text holds no amount')
  const amount = parseDecimal(text.slice(0, end))
  if (amount === undefined) throw refuse('the amount is no number')
  return { amount, unit: text.slice(end) }
}

/** Where the amount ends. An `e` belongs to it only in front of a digit or a sign. */
function amountEnd(text: string): number {
  for (let at = 0; at < text.length; at++) {
    const character = text.charAt(at)
    if (/[0-9.+-]/.test(character)) continue
    if (!/[eE]/.test(character) || !/[0-9+-]/.test(text.charAt(at + 1))) return at
    if (/[+-]/.test(text.charAt(at + 1))) at += 1
  }
  return text.length
}

/** The nearest value with a mantissa of 64 bits, ties to even. */
function round64(value: Rational): Rational {
  const negative = value.numerator < 0n
  const magnitude = negative ? -value.numerator : value.numerator
  if (magnitude === 0n) return value
  // The quotient has 64 or 65 bits under this shift; one more step settles it.
  let shift = 64 - (bitLength(magnitude) - bitLength(value.denominator))
  if (scaled(magnitude, value.denominator, shift) >> 64n > 0n) shift -= 1
  const [top, bottom] = shifted(magnitude, value.denominator, shift)
  const mantissa = divideRounded(top, bottom, 'even') * (negative ? -1n : 1n)
  return shift >= 0
    ? { numerator: mantissa, denominator: 1n << BigInt(shift) }
    : { numerator: mantissa << BigInt(-shift), denominator: 1n }
}

function scaled(magnitude: bigint, denominator: bigint, shift: number): bigint {
  const [top, bottom] = shifted(magnitude, denominator, shift)
  return top / bottom
}

function shifted(top: bigint, bottom: bigint, shift: number): [bigint, bigint] {
  return shift >= 0 ? [top << BigInt(shift), bottom] : [top, bottom << BigInt(-shift)]
}

function bitLength(value: bigint): number {
  return value.toString(2).length
}
