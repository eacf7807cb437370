import type { BigFloat } from './big-float.ts'
import { POWERS_OF_TEN, shortPlaces } from './number.ts'

/**
 * What the short way gives: the number, where a text of at most fifteen digits names the float; the float, where none
 * does; undefined where only the long way knows.
 */
export type Short = number | BigFloat | undefined

/**
 * The short way for fractions: the floats of 64 bits that OPA calculates with (big-float.ts), each as a pair of doubles
 * whose sum it is. Ten times as fast as big integers. It gives up on numbers of more than fifteen digits or nine
 * places, on operands too far apart, and wherever an error bound leaves the last bit open.
 *
 * The steps are the error-free transformations of Dekker and Knuth: T. J. Dekker, A floating-point technique for
 * extending the available precision, Numerische Mathematik 18 (1971).
 */
export function shortSum(a: number, b: number): Short {
  const [x, y] = [pairOf(a), pairOf(b)]
  if (x === undefined || y === undefined) return undefined
  return named(sumOfPairs(x, y))
}

/** The sum in the order given, rounded at each step, as OPA's `sum` has it. */
export function shortTotal(values: readonly number[]): Short {
  let total: Pair | undefined = ZERO
  for (const value of values) {
    const pair = pairOf(value)
    if (pair === undefined || total === undefined) return undefined
    total = sumOfPairs(total, pair)
  }
  return named(total)
}

export function shortProduct(a: number, b: number): Short {
  const [x, y] = [pairOf(a), pairOf(b)]
  if (x === undefined || y === undefined) return undefined
  const head = x.high * y.high
  const tail = productError(x.high, y.high, head)
  if (x.low === 0 && y.low === 0) return named(rounded(head, tail, true))
  return named(rounded(head, tail + (x.high * y.low + x.low * y.high + x.low * y.low), false))
}

/** @param b - not zero */
export function shortQuotient(a: number, b: number): Short {
  const [x, y] = [pairOf(a), pairOf(b)]
  if (x === undefined || y === undefined) return undefined
  const head = x.high / y.high
  const product = head * y.high
  // Exact up to here; what the low halves add is far below the bit that counts.
  const rest = x.high - product - productError(head, y.high, product)
  return named(rounded(head, (rest + (x.low - head * y.low)) / y.high, false))
}

/** A float of 64 bits: `high` + `low`, with `low` at most half a step of the double `high`. */
type Pair = { readonly high: number; readonly low: number }

const ZERO: Pair = { high: 0, low: 0 }
const HIGH_MAX = 2 ** 52 // Below this a double still tells halves.
const DISTANCE_MAX = 2 ** 38 // Operands this far apart have bits that together fill two doubles.
const STEP = 2 ** -63 // The last bit of 64, where the first one is 1.
const DOUBT = 1e-6 // Errors here stay below 1e-11 of a step.
const SPLITTER = 2 ** 27 + 1

/** The float of 64 bits nearest to what the double's shortest text says. */
function pairOf(value: number): Pair | undefined {
  const low = lowOf(value)
  return low === undefined ? undefined : { high: value, low }
}

/**
 * What the text of a double exceeds the double by, to the nearest step of 64 bits. With nine places at most the exact
 * value is a multiple of 1e-9 steps, and never halfway between two: such a text would have more than fifteen digits.
 */
function lowOf(value: number): number | undefined {
  if (Number.isInteger(value)) return Number.isSafeInteger(value) ? 0 : undefined
  const places = shortPlaces(value)
  if (places === 0) return undefined
  const scale = POWERS_OF_TEN[places] as number
  const product = value * scale
  const rest = Math.round(product) - product - productError(value, scale, product)
  if (rest === 0) return 0
  const step = powerBelow(value) * STEP
  return Math.round(rest / scale / step) * step
}

function sumOfPairs(a: Pair, b: Pair): Pair | undefined {
  if (a.high === 0) return b
  if (b.high === 0) return a
  const [x, y] = [Math.abs(a.high), Math.abs(b.high)]
  if (x > y * DISTANCE_MAX || y > x * DISTANCE_MAX) return undefined
  const head = a.high + b.high
  return rounded(head, sumError(a.high, b.high, head) + a.low + b.low, true)
}

/** `head` + `tail` to 64 bits, ties to even. Undefined where `tail` is not exact and too close to a tie. */
function rounded(head: number, tail: number, exact: boolean): Pair | undefined {
  const high = head + tail
  const rest = sumError(head, tail, high)
  if (!(Math.abs(high) < HIGH_MAX)) return undefined
  if (high === 0) return rest === 0 ? ZERO : undefined
  const power = powerBelow(high)
  // Just below a power of two steps are half as wide.
  const below = Math.abs(high) === power && rest * high < 0
  const step = power * (below ? STEP / 2 : STEP)
  const steps = rest / step
  const whole = Math.round(steps)
  if (!exact && Math.abs(Math.abs(steps - whole) - 0.5) < DOUBT) return undefined
  // Math.round takes a tie up.
  const even = whole - steps === 0.5 && whole % 2 !== 0 ? whole - 1 : whole
  return { high, low: even * step }
}

/** The number whose text names the float: the fewest digits, as no other text of so few digits is so close. */
function named(float: Pair | undefined): Short {
  if (float === undefined) return undefined
  return lowOf(float.high) === float.low ? float.high || 0 : joined(float)
}

function joined({ high, low }: Pair): BigFloat {
  const power = powerBelow(high)
  const exponent = ((halves[HIGH] as number) >>> 20) - 1023 - 64
  // One bit more than 64, for steps half as wide just below a power of two.
  const mantissa = (BigInt((high / power) * 2 ** 52) << 12n) + BigInt((low / power) * 2 ** 64)
  return (mantissa & 1n) === 0n
    ? { mantissa: mantissa >> 1n, exponent: exponent + 1 }
    : { mantissa, exponent }
}

/** a + b - sum, exactly (Knuth). */
function sumError(a: number, b: number, sum: number): number {
  const part = sum - a
  return a - (sum - part) + (b - part)
}

/** a * b - product, exactly (Dekker). */
function productError(a: number, b: number, product: number): number {
  const [p, q] = [a * SPLITTER, b * SPLITTER]
  const [left, right] = [p - (p - a), q - (q - b)]
  const [leftRest, rightRest] = [a - left, b - right]
  return left * right - product + left * rightRest + leftRest * right + leftRest * rightRest
}

const double = new Float64Array(1)
const halves = new Uint32Array(double.buffer)
double[0] = -0
const HIGH = halves[1] === 0 ? 0 : 1 // The half with the sign, whatever the machine's byte order.

/** The greatest power of two that the magnitude reaches. */
function powerBelow(value: number): number {
  double[0] = value
  halves[HIGH] = (halves[HIGH] as number) & 0x7ff00000
  halves[1 - HIGH] = 0
  return double[0] as number
}
