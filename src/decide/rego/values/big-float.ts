import type { Parts, RegoNumber } from './number.ts'
import { decimal, partsOf, shortPlaces, wholeNumber } from './number.ts'

/**
 * A binary float with a mantissa of at most 64 bits, `mantissa` x 2^`exponent`: what OPA calculates with as soon as a
 * number has a fraction. It is Go's math/big.Float, rounding to nearest and ties to even.
 * https://pkg.go.dev/math/big#Float
 */
export type BigFloat = { readonly mantissa: bigint; readonly exponent: number }

/** A number as Go's Float.SetString reads its text. */
export function floatOf(value: RegoNumber): BigFloat {
  if (typeof value === 'bigint') return rounded(value, 0, MANTISSA_BITS)
  if (typeof value === 'number' && Number.isInteger(value)) {
    return { mantissa: BigInt(value), exponent: 0 }
  }
  return floatOfParts(partsOf(value))
}

/**
 * `coefficient` x 10^`exponent` as Go's Float.SetString reads it: the coefficient, exact, multiplied or divided by a
 * power of five. That one has 128 bits, so from 5^56 on Go's result may differ from the nearest float.
 */
export function floatOfParts({ coefficient, exponent }: Parts): BigFloat {
  if (coefficient === 0n || exponent === 0) return rounded(coefficient, 0, MANTISSA_BITS)
  const power = powerOfFive(Math.abs(exponent))
  const scaled =
    exponent > 0
      ? multiply({ mantissa: coefficient, exponent: 0 }, power)
      : divide({ mantissa: coefficient, exponent: 0 }, power)
  return { mantissa: scaled.mantissa, exponent: scaled.exponent + exponent }
}

export function add(a: BigFloat, b: BigFloat): BigFloat {
  const exponent = Math.min(a.exponent, b.exponent)
  const left = a.mantissa << BigInt(a.exponent - exponent)
  const right = b.mantissa << BigInt(b.exponent - exponent)
  return rounded(left + right, exponent, MANTISSA_BITS)
}

export function subtract(a: BigFloat, b: BigFloat): BigFloat {
  return add(a, { mantissa: -b.mantissa, exponent: b.exponent })
}

export function multiply(a: BigFloat, b: BigFloat, bits: number = MANTISSA_BITS): BigFloat {
  return rounded(a.mantissa * b.mantissa, a.exponent + b.exponent, bits)
}

/** @param b - not zero */
export function divide(a: BigFloat, b: BigFloat): BigFloat {
  const negative = a.mantissa < 0n !== b.mantissa < 0n
  const [top, bottom] = [magnitude(a.mantissa), magnitude(b.mantissa)]
  if (top === 0n) return { mantissa: 0n, exponent: 0 }
  // Two bits more than the mantissa has, and one that says whether anything follows: enough to round by.
  const shift = Math.max(MANTISSA_BITS + 2 + bitLength(bottom) - bitLength(top), 0)
  const shifted = top << BigInt(shift)
  const quotient = shifted / bottom
  const sticky = quotient * bottom === shifted ? 0n : 1n
  const mantissa = (quotient << 1n) | sticky
  return rounded(
    negative ? -mantissa : mantissa,
    a.exponent - b.exponent - shift - 1,
    MANTISSA_BITS,
  )
}

/** Cut towards zero. */
export function truncated({ mantissa, exponent }: BigFloat): bigint {
  if (exponent >= 0) return mantissa << BigInt(exponent)
  const whole = magnitude(mantissa) >> BigInt(-exponent)
  return mantissa < 0n ? -whole : whole
}

/** Whether the float has no fraction. */
export function isInteger({ mantissa, exponent }: BigFloat): boolean {
  return exponent >= 0 || mantissa === 0n || BigInt.asUintN(-exponent, mantissa) === 0n
}

/**
 * The number that OPA makes of a float: the fewest decimal digits that Go's Float.Text finds to name it among floats
 * of `bits` bits. May have any number of digits.
 */
export function numberOfFloat(float: BigFloat, bits: number = MANTISSA_BITS): RegoNumber {
  if (float.mantissa === 0n) return 0
  if (isInteger(float)) {
    const whole = truncated(float)
    // Below this the floats lie closer than whole numbers do.
    if (magnitude(whole) >> BigInt(bits - 1) === 0n) return wholeNumber(whole)
  }
  return numberOfDouble(float, bits) ?? numberOfDigits(float, bits)
}

/** Bits of a number's text as the reader of Go's Float leaves them. */
export const MANTISSA_BITS = 64

const SMALL = 1e-4
const SAFE_EXPONENT = 900 // Doubles scaled by such powers of two stay clear of infinity and of lost digits.
const TABLE_MAX = 27 // The powers of five up to here fit 64 bits: Go has them in a table.
const DIGITS_KEPT = 30 // More than name any float of 64 bits.

/**
 * The short way: where the nearest double's shortest text means this very float, that text is the answer. Texts of up
 * to 15 digits name floats of 53 bits, and of up to 18 digits floats of 64, one each: so there is no other text as
 * short, and Go's search ends at it.
 */
function numberOfDouble(float: BigFloat, bits: number): RegoNumber | undefined {
  const power = float.exponent
  if (power > SAFE_EXPONENT || power < -SAFE_EXPONENT) return undefined
  const double = Number(float.mantissa) * 2 ** power
  // Of the long texts hardly one names the float; then reading it would be lost work.
  if (Number.isInteger(double) || (Math.abs(double) > SMALL && shortPlaces(double) === 0)) {
    return undefined
  }
  const parts = partsOf(double)
  if (bits !== MANTISSA_BITS)
    return magnitude(parts.coefficient) < FIFTEEN_DIGITS ? double : undefined
  return isSame(floatOfParts(parts), float) ? double : undefined
}

const FIFTEEN_DIGITS = 10n ** 15n

function isSame(a: BigFloat, b: BigFloat): boolean {
  if (a.exponent === b.exponent) return a.mantissa === b.mantissa
  return a.exponent > b.exponent
    ? a.mantissa << BigInt(a.exponent - b.exponent) === b.mantissa
    : b.mantissa << BigInt(b.exponent - a.exponent) === a.mantissa
}

/** Go's roundShortest: digits of the float beside those of the two bounds half a step away, until they part. */
function numberOfDigits(float: BigFloat, bits: number): RegoNumber {
  const negative = float.mantissa < 0n
  const length = bitLength(float.mantissa)
  // One bit more than the precision has, so that the last one stands for half a step.
  const mantissa = magnitude(float.mantissa) << BigInt(bits + 1 - length)
  const exponent = float.exponent - (bits + 1 - length)
  const inclusive = (mantissa & 2n) === 0n
  // Tens taken out, so that some thirty digits remain.
  const tens = Math.floor((bits + 1 + exponent) * Math.log10(2)) - DIGITS_KEPT
  const middle = digitsOf(mantissa, exponent, tens)
  const lower = digitsOf(mantissa - 1n, exponent, tens)
  const upper = digitsOf(mantissa + 1n, exponent, tens)
  const { digits, point } = shortest(middle, lower, upper, inclusive)
  const coefficient = BigInt(digits)
  return decimal(negative ? -coefficient : coefficient, point - digits.length)
}

/** 0.digits x 10^point, without trailing zeros. */
type Digits = { readonly digits: string; readonly point: number }

/** The first digits of `mantissa` x 2^`exponent`, which has `tens` digits more; a 1 ends them where not all are zero. */
function digitsOf(mantissa: bigint, exponent: number, tens: number): Digits {
  const top = (mantissa * (tens < 0 ? 10n ** BigInt(-tens) : 1n)) << BigInt(Math.max(exponent, 0))
  const bottom = (tens > 0 ? 10n ** BigInt(tens) : 1n) << BigInt(Math.max(-exponent, 0))
  const quotient = top / bottom
  const text = quotient.toString()
  const point = text.length + tens
  if (quotient * bottom !== top) return { digits: `${text}1`, point }
  return { digits: text.replace(/0+$/, ''), point }
}

function shortest(middle: Digits, lower: Digits, upper: Digits, inclusive: boolean): Digits {
  const { digits, point } = middle
  for (let at = 0; at < digits.length; at++) {
    const digit = digitAt(middle, at)
    const below = digitAt(lower, at)
    const above = digitAt(upper, at)
    const down = below !== digit || (inclusive && at + 1 === lower.digits.length)
    const up = digit !== above && (inclusive || digit + 1 < above || at + 1 < upper.digits.length)
    if (!down && !up) continue
    const cut = digits.slice(0, at + 1)
    if (at + 1 >= digits.length) return middle
    if (down && (!up || !isNearerUp(digits, at + 1))) return { digits: cut, point }
    const raised = (BigInt(cut) + 1n).toString()
    return { digits: raised, point: point + raised.length - cut.length }
  }
  return middle
}

function digitAt({ digits }: Digits, at: number): number {
  return at < digits.length ? digits.charCodeAt(at) : 48
}

/** Whether digits from `at` on round up; halves go to the even digit before. */
function isNearerUp(digits: string, at: number): boolean {
  const next = digits.charCodeAt(at)
  if (next === 53 && at + 1 === digits.length) return (digits.charCodeAt(at - 1) & 1) !== 0
  return next >= 53
}

/** The nearest float with `bits` bits, ties to even. */
function rounded(value: bigint, exponent: number, bits: number): BigFloat {
  const size = magnitude(value)
  const excess = bitLength(size) - bits
  if (excess <= 0) return { mantissa: value, exponent }
  const shift = BigInt(excess)
  let mantissa = size >> shift
  const rest = size - (mantissa << shift)
  const half = 1n << BigInt(excess - 1)
  if (rest > half || (rest === half && (mantissa & 1n) === 1n)) mantissa += 1n
  return { mantissa: value < 0n ? -mantissa : mantissa, exponent: exponent + excess }
}

/** As Go has it: exact up to 5^27, then in powers of two with 192 bits, each product rounded to 128. */
function powerOfFive(power: number): BigFloat {
  const known = powers[power]
  if (known !== undefined) return known
  let product: BigFloat = { mantissa: 5n ** BigInt(Math.min(power, TABLE_MAX)), exponent: 0 }
  let factor: BigFloat = { mantissa: 5n, exponent: 0 }
  for (let left = power - TABLE_MAX; left > 0; left >>= 1) {
    if ((left & 1) === 1) product = multiply(product, factor, 2 * MANTISSA_BITS)
    factor = multiply(factor, factor, 3 * MANTISSA_BITS)
  }
  if (power <= POWERS_MAX) powers[power] = product
  return product
}

const POWERS_MAX = 4096
const powers: (BigFloat | undefined)[] = []

function magnitude(value: bigint): bigint {
  return value < 0n ? -value : value
}

const double = new Float64Array(1)
const halves = new Uint32Array(double.buffer)
double[0] = -0
const HIGH = halves[1] === 0 ? 0 : 1 // The half with the sign, whatever the machine's byte order.

/** Bits of the magnitude; 0 for 0. */
export function bitLength(value: bigint): number {
  const size = Math.abs(Number(value))
  if (size === 0) return 0
  if (size === Number.POSITIVE_INFINITY) return longBitLength(magnitude(value))
  double[0] = size
  const high = halves[HIGH] as number
  const length = (high >>> 20) - 1022
  // Rounding to a double may have carried into one more bit.
  if ((high & 0xfffff) === 0 && halves[1 - HIGH] === 0) {
    return magnitude(value) >> BigInt(length - 1) === 0n ? length - 1 : length
  }
  return length
}

function longBitLength(size: bigint): number {
  const text = size.toString(16)
  return text.length * 4 - Math.clz32(Number.parseInt(text.charAt(0), 16)) + 28
}
