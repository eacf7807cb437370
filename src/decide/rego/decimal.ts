import { PolicyError } from '../../base/errors.ts'

/** `numerator / denominator`, exactly; the denominator is positive. */
export type Rational = { readonly numerator: bigint; readonly denominator: bigint }

/**
 * The exact value of a decimal text such as `-12.50e3`; undefined when it is none.
 *
 * @throws {PolicyError} REGO_BUILTIN_ERROR when the exponent or the digits exceed DECIMAL_DIGITS_MAX: exact
 *   arithmetic on such a number has no useful bound
 */
export function parseDecimal(text: string): Rational | undefined {
  const parts = /^([+-]?)([0-9]*)(?:\.([0-9]*))?(?:[eE]([+-]?[0-9]+))?$/.exec(text)
  if (parts === null) return undefined
  const [, sign, whole = '', fraction = '', power = '0'] = parts
  if (whole === '' && fraction === '') return undefined
  const exponent = Number(power) - fraction.length
  if (Math.abs(exponent) > DECIMAL_DIGITS_MAX || text.length > DECIMAL_DIGITS_MAX) {
    throw new PolicyError('REGO_BUILTIN_ERROR', 'a number has too many digits')
  }
  const digits = BigInt(`${sign === '-' ? '-' : ''}${whole}${fraction}`)
  return exponent >= 0
    ? { numerator: digits * 10n ** BigInt(exponent), denominator: 1n }
    : { numerator: digits, denominator: 10n ** BigInt(-exponent) }
}

/** The exact value of a finite double. */
export function rationalOf(value: number): Rational {
  const bits = new DataView(new ArrayBuffer(8))
  bits.setFloat64(0, value)
  const raw = bits.getBigUint64(0)
  const biased = Number((raw >> 52n) & 0x7ffn)
  const fraction = raw & ((1n << 52n) - 1n)
  const magnitude = biased === 0 ? fraction : fraction | (1n << 52n)
  const numerator = raw >> 63n === 1n ? -magnitude : magnitude
  const exponent = Math.max(biased, 1) - 1075
  return exponent >= 0
    ? { numerator: numerator << BigInt(exponent), denominator: 1n }
    : { numerator, denominator: 1n << BigInt(-exponent) }
}

/** Compares two numbers by their exact values. */
export function compareDecimals(a: string, b: string): number {
  const x = parseDecimal(a)
  const y = parseDecimal(b)
  if (x === undefined || y === undefined) {
    throw new PolicyError('REGO_BUILTIN_ERROR', 'a number is not written in decimals')
  }
  const difference = x.numerator * y.denominator - y.numerator * x.denominator
  return difference < 0n ? -1 : difference > 0n ? 1 : 0
}

/** The nearest integer to a / b for a >= 0, b > 0. Ties go to even, or up. */
export function divideRounded(a: bigint, b: bigint, ties: 'even' | 'up'): bigint {
  const quotient = a / b
  const twice = (a % b) * 2n
  const up = twice > b || (twice === b && (ties === 'up' || quotient % 2n === 1n))
  return up ? quotient + 1n : quotient
}

/** Digits and decimal exponents in exact arithmetic; a double needs 1,075. */
export const DECIMAL_DIGITS_MAX = 2048
