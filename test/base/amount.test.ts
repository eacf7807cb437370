import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { AMOUNT_MAX, formatAmount, readAmount, timesRate } from '../../src/base/amount.ts'
import { currencyCodes, minorDigits } from '../../src/base/currencies.ts'

describe('readAmount', () => {
  test.for<{ value: unknown; minor?: number; want: string }>([
    { value: 0, want: '0' },
    { value: -0, want: '0' },
    { value: 12.5, want: '12.5' },
    { value: '12.50', want: '12.5' },
    { value: 0.1, want: '0.1' },
    { value: 1e-7, want: '0.0000001' },
    { value: 1.5e-13, want: '0.000000000001' },
    { value: '0.0000000000001', want: '0.000000000001' },
    { value: 5e-324, want: '0.000000000001' },
    { value: 1e15, want: '1000000000000000' },
    { value: '1000000000000000.000000000001', want: 'too-large' },
    { value: 1e21, want: 'too-large' },
    { value: 1.7976931348623157e308, want: 'too-large' },
    { value: 1250, minor: 2, want: '12.5' },
    { value: '1250.00', minor: 2, want: '12.5' },
    { value: 12.5, minor: 2, want: 'not-whole' },
    { value: 7, minor: 0, want: '7' },
    { value: 7.5, minor: 0, want: 'not-whole' },
    { value: -1, want: 'negative' },
    { value: '-0.01', want: 'negative' },
    { value: Number.NaN, want: 'not-a-number' },
    { value: Number.POSITIVE_INFINITY, want: 'not-a-number' },
    { value: '', want: 'not-a-number' },
    { value: '1e3', want: 'not-a-number' },
    { value: ' 1', want: 'not-a-number' },
    { value: '01', want: 'not-a-number' },
    { value: '1.', want: 'not-a-number' },
    { value: '.5', want: 'not-a-number' },
    { value: '1,000', want: 'not-a-number' },
    { value: '１２', want: 'not-a-number' },
    { value: '9'.repeat(65), want: 'not-a-number' },
    { value: null, want: 'not-a-number' },
    { value: true, want: 'not-a-number' },
    { value: [1], want: 'not-a-number' },
    { value: { amount: 1 }, want: 'not-a-number' },
    { value: 1n, want: 'not-a-number' },
  ])('$value with minor $minor -> $want', ({ value, minor, want }) => {
    const read = readAmount(value, minor ?? null)
    expect(typeof read === 'bigint' ? formatAmount(read) : read).toBe(want)
  })

  test('a thousand tenths are a hundred, which doubles are not', () => {
    const tenth = readAmount(0.1)
    if (typeof tenth === 'string') throw new Error(tenth)
    expect(formatAmount(Array.from({ length: 1000 }, () => tenth).reduce((a, b) => a + b))).toBe(
      '100',
    )
  })

  test('decimal text up to twelve places is read and written exactly', () => {
    const decimal = fc
      .tuple(
        fc.bigInt({ min: 0n, max: 10n ** 15n - 1n }),
        fc.bigInt({ min: 0n, max: 10n ** 12n - 1n }),
      )
      .map(([whole, fraction]) => ({ whole, fraction }))
    fc.assert(
      fc.property(decimal, ({ whole, fraction }) => {
        const read = readAmount(`${whole}.${String(fraction).padStart(12, '0')}`)
        expect(read).toBe(whole * 10n ** 12n + fraction)
        expect(readAmount(formatAmount(read as bigint))).toBe(read)
      }),
    )
  })

  test('a number is never read as less than it is, nor as more than a 10^-12 above', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1e15, noNaN: true }), (value) => {
        const read = readAmount(value) as bigint
        expect(read <= AMOUNT_MAX).toBe(true)
        // The difference of two doubles is itself known to a double's precision only.
        const [above, blur] = [Number(read) / 1e12 - value, value * 2 ** -51]
        expect(above).toBeGreaterThanOrEqual(-blur)
        expect(above).toBeLessThanOrEqual(1.001e-12 + blur)
      }),
    )
  })
})

test.for([
  { amount: '100', rate: '1.08', want: '108' },
  { amount: '0.01', rate: '0.0068', want: '0.000068' },
  { amount: '0.000000000001', rate: '0.5', want: '0.000000000001' },
])('$amount at $rate -> $want, rounded up', ({ amount, rate, want }) => {
  expect(formatAmount(timesRate(readAmount(amount) as bigint, readAmount(rate) as bigint))).toBe(
    want,
  )
})

test.for([
  { code: 'USD', want: 2 },
  { code: 'JPY', want: 0 },
  { code: 'KWD', want: 3 },
  { code: 'CLF', want: 4 },
  { code: 'usd', want: null },
  { code: 'XXX', want: null },
  { code: 'XAU', want: null },
  { code: '', want: null },
  { code: 'constructor', want: null },
])('the minor unit of $code -> $want digits', ({ code, want }) => {
  expect(minorDigits(code)).toBe(want)
})

test('there are 167 currencies, each once', () => {
  const codes = currencyCodes()
  expect(new Set(codes).size).toBe(codes.length)
  expect(codes).toHaveLength(167)
  expect(codes.every((code) => /^[A-Z]{3}$/.test(code))).toBe(true)
})
