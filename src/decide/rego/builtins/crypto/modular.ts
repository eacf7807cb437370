import { bitLength } from './bytes.ts'

/** `base`^`exponent` mod `modulus`, for a base below the modulus and an exponent that is not negative. */
export function power(base: bigint, exponent: bigint, modulus: bigint): bigint {
  const digits = exponent.toString(16)
  // Four bits at a time where that saves more products than the table costs.
  const table = tableOf(base, modulus, digits.length > LONG_DIGITS ? 16 : 2)
  const width = table.length === 16 ? 4 : 1
  const text = width === 4 ? digits : exponent.toString(2)
  let result = 1n
  for (let at = 0; at < text.length; at++) {
    for (let bit = 0; at > 0 && bit < width; bit++) result = (result * result) % modulus
    const digit = Number.parseInt(text.charAt(at), 16)
    if (digit > 0) result = (result * (table[digit] ?? 1n)) % modulus
  }
  return result % modulus
}

/** What {@link power} costs at 20 ns a unit, measured: a product of 2,048 bits takes 3 µs, one of 4,096 bits 10. */
export function powerUnits(modulus: bigint, exponent: bigint): number {
  const bits = bitLength(modulus)
  return Math.ceil(1.3 * bitLength(exponent) + 20) * (20 + (bits * bits) / 32_768)
}

/** 1/`value` mod `modulus`; undefined where there is none. */
export function inverse(value: bigint, modulus: bigint): bigint | undefined {
  let [a, b] = [value, modulus]
  let [x, y] = [1n, 0n]
  while (b !== 0n) {
    const quotient = a / b
    ;[a, b] = [b, a - quotient * b]
    ;[x, y] = [y, x - quotient * y]
  }
  if (a !== 1n) return undefined
  return x < 0n ? x + modulus : x % modulus
}

const LONG_DIGITS = 16

function tableOf(base: bigint, modulus: bigint, size: number): readonly bigint[] {
  const table = [1n, base]
  while (table.length < size) table.push(((table[table.length - 1] ?? 1n) * base) % modulus)
  return table
}
