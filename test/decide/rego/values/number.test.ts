import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { RegoNumber } from '../../../../src/decide/rego/values/number.ts'
import {
  compareNumbers,
  Decimal,
  decimal,
  numberOf,
  parseNumber,
  partsOf,
} from '../../../../src/decide/rego/values/number.ts'
import { numberText } from '../../../../src/decide/rego/values/text.ts'
import { equalValues, keyOf } from '../../../../src/decide/rego/values/value.ts'
import { cpuMs } from '../../../support/cpu.ts'
import { anyNumber } from './any-number.ts'

describe('reading', () => {
  test.for<{ text: string; want: RegoNumber }>([
    { text: '-0', want: 0 },
    { text: '-0.000e5', want: 0 },
    { text: '0e99999999999', want: 0 },
    { text: '1.0', want: 1 },
    { text: '15e-1', want: 1.5 },
    { text: '1E+2', want: 100 },
    { text: '1e20', want: 10n ** 20n },
    { text: '1e23', want: 10n ** 23n },
    { text: '9007199254740991', want: 9007199254740991 },
    { text: '9007199254740992', want: 9007199254740992n },
    { text: '9007199254740993.00', want: 9007199254740993n },
    { text: '0.1', want: 0.1 },
    { text: '0.10000000000000000000', want: 0.1 },
    { text: '0.1000000000000000055', want: new Decimal(1000000000000000055n, -19) },
    { text: '4503599627370495.5', want: 4503599627370495.5 },
    { text: '5e-324', want: 5e-324 },
    { text: '1e-400', want: new Decimal(1n, -400) },
    { text: '99999999999999.9', want: 99999999999999.9 },
    { text: '123456789012345678.5', want: new Decimal(1234567890123456785n, -1) },
  ])('$text', ({ text, want }) => {
    expect(parseNumber(text)).toStrictEqual(want)
  })

  test.for([
    '',
    '.',
    '-',
    '+',
    'e5',
    '1e',
    '1e+',
    '0x1',
    '1_0',
    ' 1',
    '1 ',
    'NaN',
    'Infinity',
    '١',
  ])('%j is no number', (text) => {
    expect(parseNumber(text)).toBe(undefined)
  })

  test.for([
    '1e2048',
    '1'.repeat(2049),
    '1e-2049',
    `0.${'1'.repeat(2049)}`,
    '1e99999999999999999999',
  ])('%.20s is too long', (text) => {
    expect(() => parseNumber(text)).toThrow(
      expect.objectContaining({ code: 'REGO_NUMBER_TOO_LONG' }),
    )
  })

  test('many zeros take linear time', () => {
    const start = cpuMs()
    for (let turn = 0; turn < 200; turn++) parseNumber(`1${'0'.repeat(2000)}1e-40`)
    expect(cpuMs() - start).toBeLessThan(1_000)
  })
})

describe('a double from outside', () => {
  test.for<{ value: number; want: RegoNumber }>([
    { value: -0, want: 0 },
    { value: 2 ** 53, want: 2n ** 53n },
    { value: 1e23, want: 10n ** 23n },
    { value: -1.7976931348623157e308, want: -17976931348623157n * 10n ** 292n },
  ])('$value stands for its shortest text', ({ value, want }) => {
    expect(numberOf(value)).toBe(want)
  })

  test.for([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])(
    '%d is none',
    (value) => {
      expect(() => numberOf(value)).toThrow(expect.objectContaining({ code: 'VALUE_NOT_JSON' }))
    },
  )
})

describe('order', () => {
  test.for<{ less: string; more: string }>([
    { less: '0.1', more: '0.1000000000000000055' },
    { less: '-0.1000000000000000055', more: '-0.1' },
    { less: '0.9999999999999999999999', more: '1' },
    { less: '-1', more: '-0.9999999999999999999999' },
    { less: '9007199254740993', more: '9007199254740993.5' },
    { less: '-9007199254740993.5', more: '-9007199254740993' },
    { less: '0', more: '1e-400' },
    { less: '-1e-400', more: '0' },
    { less: '1e-401', more: '1e-400' },
    { less: '1e-400', more: '5e-324' },
    { less: `${'9'.repeat(400)}.5`, more: `1${'0'.repeat(400)}` },
    { less: `${'9'.repeat(400)}.25`, more: `${'9'.repeat(400)}.5` },
    { less: '0.12', more: '0.120000000000000000000000001' },
  ])('$less < $more', ({ less, more }) => {
    const [a, b] = [parseNumber(less) as RegoNumber, parseNumber(more) as RegoNumber]
    expect(Math.sign(compareNumbers(a, b))).toBe(-1)
    expect(Math.sign(compareNumbers(b, a))).toBe(1)
    expect(equalValues(a, b)).toBe(false)
  })

  test('it is the order of the exact values, and keys agree with it', () => {
    fc.assert(
      fc.property(anyNumber(), anyNumber(), (a, b) => {
        const [x, y] = [partsOf(a), partsOf(b)]
        const exponent = Math.min(x.exponent, y.exponent)
        const left = x.coefficient * 10n ** BigInt(x.exponent - exponent)
        const right = y.coefficient * 10n ** BigInt(y.exponent - exponent)
        const want = left < right ? -1 : left > right ? 1 : 0
        expect(Math.sign(compareNumbers(a, b))).toBe(want)
        expect(equalValues(a, b)).toBe(want === 0)
        expect(keyOf(a) === keyOf(b)).toBe(want === 0)
      }),
      { numRuns: 3000 },
    )
  })

  test('it is total', () => {
    fc.assert(
      fc.property(fc.array(anyNumber(), { maxLength: 8 }), (numbers) => {
        const sorted = numbers.toSorted(compareNumbers)
        for (let at = 0; at < sorted.length; at++) {
          for (let after = at; after < sorted.length; after++) {
            const order = compareNumbers(sorted[at] as RegoNumber, sorted[after] as RegoNumber)
            expect(order).toBeLessThanOrEqual(0)
          }
        }
      }),
    )
  })
})

describe('forms', () => {
  test('a number read from its own text is the number', () => {
    fc.assert(
      fc.property(anyNumber(), (number) => {
        expect(parseNumber(numberText(number))).toStrictEqual(number)
      }),
      { numRuns: 3000 },
    )
  })

  test('zeros at the end and where the point stands change nothing', () => {
    fc.assert(
      fc.property(anyNumber(), fc.nat(20), (number, zeros) => {
        const { coefficient, exponent } = partsOf(number)
        expect(decimal(coefficient * 10n ** BigInt(zeros), exponent - zeros)).toStrictEqual(number)
      }),
      { numRuns: 3000 },
    )
  })
})
