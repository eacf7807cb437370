/** `numerator / denominator`, exactly; the denominator is positive. */
export type Rational = { readonly numerator: bigint; readonly denominator: bigint }

/** The exact value of a finite double. */
export function rationalOf(value: number): Rational {
  const { mantissa, power } = bitsOf(Math.abs(value))
  const numerator = value < 0 ? -mantissa : mantissa
  return power >= 0
    ? { numerator: numerator << BigInt(power), denominator: 1n }
    : { numerator, denominator: 1n << BigInt(-power) }
}

/** A double from 0 on as `mantissa` x 2^`power`, with the mantissa's 53 bits as it holds them. */
export function bitsOf(value: number): { readonly mantissa: bigint; readonly power: number } {
  const bits = new DataView(new ArrayBuffer(8))
  bits.setFloat64(0, value)
  const raw = bits.getBigUint64(0)
  const biased = Number(raw >> 52n)
  const fraction = raw & FRACTION_BITS
  return {
    mantissa: biased === 0 ? fraction : fraction | HIDDEN_BIT,
    power: Math.max(biased, 1) - 1075,
  }
}

const HIDDEN_BIT = 1n << 52n
const FRACTION_BITS = HIDDEN_BIT - 1n

/** The nearest integer to a / b for a >= 0, b > 0. Ties go to even, or up. */
export function divideRounded(a: bigint, b: bigint, ties: 'even' | 'up'): bigint {
  const quotient = a / b
  const twice = (a % b) * 2n
  const up = twice > b || (twice === b && (ties === 'up' || quotient % 2n === 1n))
  return up ? quotient + 1n : quotient
}
