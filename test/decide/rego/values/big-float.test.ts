import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { BigFloat } from '../../../../src/decide/rego/values/big-float.ts'
import {
  add,
  bitLength,
  divide,
  floatOf,
  floatOfParts,
  multiply,
  numberOfFloat,
  truncated,
} from '../../../../src/decide/rego/values/big-float.ts'
import type { Short } from '../../../../src/decide/rego/values/double-float.ts'
import {
  shortProduct,
  shortQuotient,
  shortSum,
  shortTotal,
} from '../../../../src/decide/rego/values/double-float.ts'
import { decimal, partsOf } from '../../../../src/decide/rego/values/number.ts'
import { anyNumber } from './any-number.ts'

/** Numbers that the short way takes: whole ones, and fractions of up to fifteen digits, many of them binary ones. */
const operand = fc.oneof(
  fc.integer(),
  fc.maxSafeInteger(),
  fc.tuple(fc.integer(), fc.nat(12)).map(([numerator, power]) => numerator / 2 ** power),
  fc
    .tuple(fc.integer({ min: -1e9, max: 1e9 }), fc.nat(9))
    .map(([digits, places]) => digits / 10 ** places),
  fc
    .tuple(fc.integer({ min: 1, max: 999_999 }), fc.nat(5))
    .map(([digits, places]) => digits / 10 ** places),
)

describe('the short way ends where the long one does', () => {
  function agrees(short: Short, long: BigFloat): void {
    if (short === undefined) return
    const value = typeof short === 'number' ? short : numberOfFloat(short)
    expect(value).toStrictEqual(numberOfFloat(long))
  }

  test('sums, products and quotients of two', () => {
    fc.assert(
      fc.property(operand, operand, (a, b) => {
        const [x, y] = [floatOf(a), floatOf(b)]
        agrees(shortSum(a, b), add(x, y))
        agrees(shortProduct(a, b), multiply(x, y))
        if (b !== 0) agrees(shortQuotient(a, b), divide(x, y))
      }),
      { numRuns: 10_000 },
    )
  })

  test('sums of many', () => {
    fc.assert(
      fc.property(fc.array(operand, { maxLength: 12 }), (values) => {
        const start: BigFloat = { mantissa: 0n, exponent: 0 }
        agrees(
          shortTotal(values),
          values.reduce((total, value) => add(total, floatOf(value)), start),
        )
      }),
      { numRuns: 2000 },
    )
  })

  test.for<{ name: string; short: Short }>([
    { name: 'a number that has more than nine places', short: shortSum(1e-10, 0.5) },
    { name: 'a number of more than fifteen digits', short: shortProduct(0.1234567890123456, 0.5) },
    { name: 'operands too far apart', short: shortSum(1e15 - 1, 0.001) },
    { name: 'a result beyond 2^52', short: shortProduct(4e10 + 0.5, 4e10) },
  ])('it leaves $name to the long way', ({ short }) => {
    expect(short).toBe(undefined)
  })
})

describe('floats of 64 bits', () => {
  test('a number of up to 18 digits survives the way into a float and back', () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: -(10n ** 18n), max: 10n ** 18n }),
        fc.integer({ min: -40, max: -1 }),
        (coefficient, exponent) => {
          const there = floatOfParts({ coefficient, exponent })
          const back = numberOfFloat(there)
          expect(partsOf(back)).toStrictEqual(partsOf(decimal(coefficient, exponent)))
          expect(bitLength(there.mantissa)).toBeLessThanOrEqual(65)
        },
      ),
    )
  })

  test('the text of a float names it', () => {
    fc.assert(
      fc.property(anyNumber(), anyNumber(), (a, b) => {
        const float = multiply(floatOf(a), floatOf(b))
        const again = floatOf(numberOfFloat(float))
        const exponent = Math.min(float.exponent, again.exponent)
        const left = float.mantissa << BigInt(float.exponent - exponent)
        const right = again.mantissa << BigInt(again.exponent - exponent)
        expect(left).toBe(right)
      }),
    )
  })

  test('cutting goes towards zero', () => {
    expect(truncated({ mantissa: -7n, exponent: -1 })).toBe(-3n)
    expect(truncated({ mantissa: 7n, exponent: -1 })).toBe(3n)
    expect(truncated({ mantissa: 1n, exponent: -70 })).toBe(0n)
  })

  test('the length of a number is that of its binary digits', () => {
    const edges = [
      0n,
      1n,
      2n ** 53n,
      2n ** 64n - 1n,
      2n ** 64n,
      2n ** 1023n,
      2n ** 1024n - 1n,
      2n ** 5000n,
    ]
    for (const value of [...edges, ...edges.map((edge) => -edge)]) {
      const digits = (value < 0n ? -value : value).toString(2)
      expect(bitLength(value)).toBe(value === 0n ? 0 : digits.length)
    }
  })
})
