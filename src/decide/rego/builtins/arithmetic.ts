import type { BigFloat } from '../values/big-float.ts'
import {
  add,
  divide,
  floatOf,
  isInteger,
  multiply,
  numberOfFloat,
  subtract,
  truncated,
} from '../values/big-float.ts'
import { shortProduct, shortQuotient, shortSum } from '../values/double-float.ts'
import type { RegoNumber } from '../values/number.ts'
import { DECIMAL_DIGITS_MAX, Decimal, isBounded, isWhole, wholeNumber } from '../values/number.ts'
import type { Call } from './builtin.ts'
import { BuiltinError } from './builtin.ts'

/**
 * OPA's arithmetic (topdown/arithmetic.go): exact on whole numbers of any size; with a fraction on either side, in
 * floats of 64 bits whose shortest text is the result. All of these throw BuiltinError where the result has more than
 * DECIMAL_DIGITS_MAX digits.
 */
export function sum(call: Call, a: RegoNumber, b: RegoNumber): RegoNumber {
  if (isWhole(a) && isWhole(b)) return fitting(BigInt(a) + BigInt(b))
  if (typeof a === 'number' && typeof b === 'number') {
    const short = shortSum(a, b)
    if (short !== undefined) return ofShort(call, short)
  }
  return ofFloat(call, add(toFloat(call, a), toFloat(call, b)))
}

export function difference(call: Call, a: RegoNumber, b: RegoNumber): RegoNumber {
  if (isWhole(a) && isWhole(b)) return fitting(BigInt(a) - BigInt(b))
  if (typeof a === 'number' && typeof b === 'number') {
    const short = shortSum(a, -b)
    if (short !== undefined) return ofShort(call, short)
  }
  return ofFloat(call, subtract(toFloat(call, a), toFloat(call, b)))
}

export function product(call: Call, a: RegoNumber, b: RegoNumber): RegoNumber {
  if (isWhole(a) && isWhole(b)) {
    chargeLong(call, a)
    return fitting(BigInt(a) * BigInt(b))
  }
  if (typeof a === 'number' && typeof b === 'number') {
    const short = shortProduct(a, b)
    if (short !== undefined) return ofShort(call, short)
  }
  return ofFloat(call, multiply(toFloat(call, a), toFloat(call, b)))
}

/** @throws {BuiltinError} for a divisor of zero */
export function quotient(call: Call, a: RegoNumber, b: RegoNumber): RegoNumber {
  if (b === 0) throw new BuiltinError('divide by zero')
  if (a === 0) return 0
  if (typeof a === 'number' && typeof b === 'number') {
    if (Number.isInteger(a) && Number.isInteger(b) && a % b === 0) return a / b
    const short = shortQuotient(a, b)
    if (short !== undefined) return ofShort(call, short)
  }
  return ofFloat(call, divide(toFloat(call, a), toFloat(call, b)))
}

/** @throws {BuiltinError} for a divisor of zero, and for fractions */
export function remainder(call: Call, a: RegoNumber, b: RegoNumber): RegoNumber {
  if (!isWhole(a) || !isWhole(b)) throw new BuiltinError('modulo on floating-point number')
  if (b === 0) throw new BuiltinError('modulo by zero')
  if (typeof a === 'number' && typeof b === 'number') return a % b || 0
  chargeLong(call, a)
  return wholeNumber(BigInt(a) % BigInt(b))
}

/** Whole numbers beyond 64 bits are rounded, as in OPA: `abs(18446744073709551617)` is one less. */
export function absolute(call: Call, value: RegoNumber): RegoNumber {
  if (typeof value === 'number') return Math.abs(value)
  const { mantissa, exponent } = toFloat(call, value)
  return ofFloat(call, { mantissa: mantissa < 0n ? -mantissa : mantissa, exponent })
}

/** Halves away from zero. A whole number loses what exceeds 64 bits, here and in the next two. */
export function nearest(call: Call, value: RegoNumber): RegoNumber {
  if (typeof value === 'number') {
    if (Number.isInteger(value)) return value
    const whole = Math.trunc(value)
    if (Math.abs(value - whole) < 0.5) return whole || 0
    return whole + (value < 0 ? -1 : 1)
  }
  const float = toFloat(call, value)
  return fitting(truncated(float.mantissa < 0n ? subtract(float, HALF) : add(float, HALF)))
}

/** As in OPA, the whole number above, but 1 between -1 and 0. */
export function ceiling(call: Call, value: RegoNumber): RegoNumber {
  if (typeof value === 'number') {
    if (Number.isInteger(value)) return value
    const whole = Math.trunc(value)
    return whole < 0 ? whole : whole + 1
  }
  const float = toFloat(call, value)
  const whole = truncated(float)
  return fitting(whole < 0n || isInteger(float) ? whole : whole + 1n)
}

/** As in OPA, the whole number below, but 0 between -1 and 0. */
export function floor(call: Call, value: RegoNumber): RegoNumber {
  if (typeof value === 'number') {
    if (Number.isInteger(value)) return value
    const whole = Math.trunc(value)
    return whole >= 0 ? whole || 0 : whole - 1
  }
  const float = toFloat(call, value)
  const whole = truncated(float)
  return fitting(whole >= 0n || isInteger(float) ? whole : whole - 1n)
}

/** What the short way gave; charged, as it takes several times as long as whole numbers do. */
export function ofShort(call: Call, short: number | BigFloat): RegoNumber {
  if (typeof short !== 'number') return ofFloat(call, short)
  call.work(SHORT_WORK)
  return short
}

/** A whole number in its one form. @throws {BuiltinError} where it has too many digits */
export function fitting(value: bigint): RegoNumber {
  if (!isBounded(value)) throw tooLong()
  return wholeNumber(value)
}

/** A number as Go's big.Float, charged where it is long. */
export function toFloat(call: Call, value: RegoNumber): BigFloat {
  if (value instanceof Decimal) chargeLong(call, value)
  return floatOf(value)
}

/**
 * The number that OPA makes of a float. @throws {BuiltinError} where it has too many digits
 *
 * @param bits - of the float's mantissa
 */
export function ofFloat(call: Call, float: BigFloat, bits?: number): RegoNumber {
  const { mantissa, exponent } = float
  const isFar = exponent > FAR || exponent < -FAR
  call.work(isFar ? LONG_WORK : FLOAT_WORK)
  if (mantissa !== 0n && Math.abs(exponent) > EXPONENT_MAX) throw tooLong()
  const value = numberOfFloat(float, bits)
  if (typeof value === 'bigint' && !isBounded(value)) throw tooLong()
  if (value instanceof Decimal && value.exponent < -DECIMAL_DIGITS_MAX) throw tooLong()
  return value
}

/** Charges work that grows with a number's digits, where these are many. */
export function chargeLong(call: Call, value: RegoNumber): void {
  if (typeof value === 'number') return
  const size = typeof value === 'bigint' ? value : value.coefficient
  if (size > LONG || size < -LONG) call.work(LONG_WORK)
  else if (value instanceof Decimal && value.exponent < -FAR) call.work(LONG_WORK)
}

export function tooLong(): BuiltinError {
  return new BuiltinError(`expected a number of at most ${DECIMAL_DIGITS_MAX} digits`)
}

const HALF: BigFloat = { mantissa: 1n, exponent: -1 }
/** From here on arithmetic on digits shows: up to 20 µs at 2,048 of them. */
const LONG = 1n << 512n
const FAR = 512
const LONG_WORK = 500
const FLOAT_WORK = 50 // Two microseconds.
const SHORT_WORK = 4
/** Powers of two that are certainly beyond DECIMAL_DIGITS_MAX digits, a mantissa of 64 bits included. */
const EXPONENT_MAX = DECIMAL_DIGITS_MAX * 4
