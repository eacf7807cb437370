import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { AGGREGATES } from '../../../../src/decide/rego/builtins/aggregates.ts'
import { BITS } from '../../../../src/decide/rego/builtins/bits.ts'
import type { Builtin } from '../../../../src/decide/rego/builtins/builtin.ts'
import { BuiltinError } from '../../../../src/decide/rego/builtins/builtin.ts'
import { NUMBERS } from '../../../../src/decide/rego/builtins/numbers.ts'
import { UNITS } from '../../../../src/decide/rego/builtins/units.ts'
import { parseValue } from '../../../../src/decide/rego/values/json.ts'
import { jsonText, numberText } from '../../../../src/decide/rego/values/text.ts'
import type { Value } from '../../../../src/decide/rego/values/value.ts'
import { equalValues, setOf } from '../../../../src/decide/rego/values/value.ts'
import { cpuMs } from '../../../support/cpu.ts'
import { anyNumber } from '../values/any-number.ts'
import { caller, newCall, untag } from './tagged-values.ts'

const FAMILY = { ...NUMBERS, ...AGGREGATES, ...BITS, ...UNITS }
const call = caller(FAMILY)
const { answers } = JSON.parse(
  readFileSync(new URL('../../../vectors/rego/numbers.json', import.meta.url), 'utf8'),
) as { answers: Record<string, [operands: string, want: string][]> }

/** These hand on numbers that nobody has calculated, which OPA writes as their author did. */
const ECHOES = new Set(['max', 'min', 'minus', 'sort', 'to_number', 'units.parse'])

test.for(Object.keys(FAMILY))('%s answers what OPA 1.22.0 answers', (name) => {
  const rows = answers[name] ?? []
  expect(rows.length).toBeGreaterThan(30)
  const differences = rows
    .map(([operands, want]) => ({ operands, want, got: answer(name, operands) }))
    .filter(({ want, got }) => got !== want && !(isEcho(name, want) && isSame(want, got)))
  expect(differences).toEqual([])
})

function answer(name: string, operands: string): string {
  try {
    const value = call(name, ...(parseValue(operands) as Value[]).map(untag))
    return value === undefined ? '?' : jsonText(value)
  } catch (cause) {
    if (cause instanceof BuiltinError) return `!${cause.code}`
    throw cause
  }
}

function isEcho(name: string, want: string): boolean {
  return want === '-0' || (ECHOES.has(name) && /^[^!?]/.test(want))
}

function isSame(want: string, got: string): boolean {
  return equalValues(parseValue(want), parseValue(got))
}

describe('what a reader of the table may not see', () => {
  test.for<{ name: string; operands: Value[]; want: string }>([
    { name: 'plus', operands: [0.1, 0.2], want: '0.3' },
    { name: 'div', operands: [1, 3], want: '0.33333333333333333334' },
    { name: 'mul', operands: [2n ** 64n, 2n ** 64n], want: String(2n ** 128n) },
    { name: 'plus', operands: [1234567, 0.5], want: '1.2345675e+06' },
    { name: 'minus', operands: [0.3, 0.2], want: '0.10000000000000000001' },
    { name: 'minus', operands: [1, 0.9999999999999999], want: '1.0001765041178778404e-16' },
    { name: 'mul', operands: [0.001, 1000], want: '0.99999999999999999995' },
    { name: 'plus', operands: [1.003, -0.003], want: '0.99999999999999999995' },
    { name: 'abs', operands: [2n ** 64n + 1n], want: '18446744073709551616' },
    { name: 'ceil', operands: [-0.5], want: '1' },
    { name: 'floor', operands: [-0.5], want: '0' },
    { name: 'round', operands: [-2.5], want: '-3' },
    { name: 'count', operands: ['a\u{1f600}'], want: '2' },
    { name: 'sum', operands: [[]], want: '0' },
    { name: 'product', operands: [[]], want: '1' },
    { name: 'product', operands: [[0.1, 3, 7]], want: '2.1000000000000005' },
    { name: 'bits.lsh', operands: [1, 2n ** 64n], want: '1' },
    { name: 'numbers.range', operands: [3, 1], want: '[3,2,1]' },
    { name: 'numbers.range_step', operands: [10, 1, 4], want: '[10,6,2]' },
    { name: 'to_number', operands: ['+5.'], want: '5' },
    { name: 'format_int', operands: [-15.9, 16], want: '"-f"' },
    { name: 'units.parse_bytes', operands: ['1.5KiB'], want: '1536' },
  ])('$name $operands -> $want', ({ name, operands, want }) => {
    expect(jsonText(call(name, ...operands) as Value)).toBe(want)
  })

  test('the greatest and the least of nothing are undefined', () => {
    expect(call('max', [])).toBe(undefined)
    expect(call('min', setOf([]))).toBe(undefined)
  })
})

describe('what is refused', () => {
  test.for<{ name: string; operands: Value[]; message: string }>([
    { name: 'plus', operands: ['1', 1], message: 'operand 1 must be number but got string' },
    { name: 'plus', operands: [1, null], message: 'operand 2 must be number but got null' },
    { name: 'minus', operands: [[], 1], message: 'operand 1 must be one of {number, set}' },
    { name: 'minus', operands: [1, setOf([])], message: 'operand 2 must be number but got set' },
    { name: 'minus', operands: [setOf([]), 1], message: 'operand 2 must be set but got number' },
    { name: 'div', operands: [1, 0], message: 'divide by zero' },
    { name: 'div', operands: [0, 0], message: 'divide by zero' },
    { name: 'rem', operands: [5, 0], message: 'modulo by zero' },
    { name: 'rem', operands: [5, 0.5], message: 'modulo on floating-point number' },
    { name: 'sum', operands: [[1, 'a']], message: 'array of numbers but got array containing' },
    { name: 'sum', operands: [{ a: 1 }], message: 'one of {set, array} but got object' },
    {
      name: 'product',
      operands: [setOf([null])],
      message: 'set of numbers but got set containing',
    },
    { name: 'sort', operands: ['ba'], message: 'one of {set, array} but got string' },
    { name: 'count', operands: [1], message: 'one of {array, object, set, string} but got number' },
    { name: 'bits.and', operands: [1.5, 1], message: 'integer number but got floating-point' },
    { name: 'bits.lsh', operands: [1, -1], message: 'unsigned integer number but got a negative' },
    { name: 'numbers.range', operands: [1, '2'], message: 'operand 2 must be integer but got' },
    { name: 'numbers.range_step', operands: [1, 2, 0], message: 'step must be a positive integer' },
    { name: 'to_number', operands: ['0x10'], message: 'invalid syntax' },
    { name: 'to_number', operands: ['1_000'], message: 'invalid syntax' },
    { name: 'to_number', operands: ['1e309'], message: 'value out of range' },
    { name: 'to_number', operands: ['nan'], message: 'valid number string' },
    { name: 'to_number', operands: [[]], message: 'one of {null, boolean, number, string}' },
    { name: 'format_int', operands: [1, 3], message: 'operand 2 must be one of {2, 8, 10, 16}' },
    { name: 'units.parse', operands: ['1 K'], message: 'spaces not allowed' },
    { name: 'units.parse', operands: ['K'], message: 'no amount provided' },
    { name: 'units.parse', operands: ['1Kb'], message: 'unit not recognized' },
    { name: 'units.parse_bytes', operands: ['1.1.1'], message: 'could not parse byte amount' },
    { name: 'units.parse_bytes', operands: ['1e1000000'], message: 'exponent too large' },
  ])('$name $operands: $message', ({ name, operands, message }) => {
    expect(() => call(name, ...operands)).toThrow(message)
    expect(() => call(name, ...operands)).toThrow(BuiltinError)
  })
})

describe('bounds', () => {
  const long = 10n ** 2047n

  test.for<{ name: string; operands: Value[] }>([
    { name: 'mul', operands: [long, 10] },
    { name: 'mul', operands: [long, long] },
    { name: 'plus', operands: [long * 9n, long] },
    { name: 'minus', operands: [-long * 9n, long] },
    { name: 'div', operands: [long, 0.001] },
    { name: 'mul', operands: [long, 10.5] },
    { name: 'product', operands: [Array(3000).fill(10)] },
    { name: 'sum', operands: [[long * 9n, long]] },
    { name: 'bits.lsh', operands: [1, 1e9] },
    { name: 'bits.lsh', operands: [-1, 2n ** 63n] },
    { name: 'numbers.range', operands: [1, 2n ** 70n] },
    { name: 'units.parse', operands: ['1e2040Ei'] },
    { name: 'units.parse', operands: ['1'.repeat(1_000_000)] },
    { name: 'units.parse_bytes', operands: ['1e99999'] },
    { name: 'to_number', operands: ['0.'.padEnd(5000, '1')] },
  ])('$name of too many digits or members is refused', ({ name, operands }) => {
    expect(() => call(name, ...operands)).toThrow(BuiltinError)
  })

  test('a fraction keeps no more than 2,048 places', () => {
    let value: Value = 0.1
    expect(() => {
      for (let turn = 0; turn < 20; turn++) value = call('mul', value, value) as Value
    }).toThrow(BuiltinError)
  })

  test.for<{ name: string; operands: Value[] }>([
    { name: 'numbers.range', operands: [1, 1e8] },
    { name: 'numbers.range', operands: [2n ** 64n, 2n ** 64n + 100_000_000n] },
    { name: 'numbers.range_step', operands: [1e12, 1, 1000] },
  ])('$name beyond the budget is charged before it is made', ({ name, operands }) => {
    const start = cpuMs()
    expect(() => call(name, ...operands)).toThrow('left')
    expect(cpuMs() - start).toBeLessThan(1_000)
  })

  test('sorting is charged for what comparing visits', () => {
    const same = Array.from({ length: 1000 }, (_, index) => [...Array(1000).fill(0), -index])
    expect(() => call('sort', same)).toThrow('no steps left')
    expect(() => call('max', [same, same])).toThrow('no steps left')
    expect(() => call('equal', same, [...same.slice(1), []])).toThrow('no steps left')
  })

  describe('what costs more than a step is charged for', () => {
    const wide = 10n ** 1023n + 7n
    const tiny = parseValue(`1.${'3'.repeat(2000)}e-40`)

    test.for<{ name: string; operands: Value[]; least: number }>([
      { name: 'mul', operands: [wide, wide], least: 400 },
      { name: 'rem', operands: [wide * wide, wide], least: 400 },
      { name: 'plus', operands: [tiny, wide], least: 400 },
      { name: 'div', operands: [wide, tiny], least: 400 },
      { name: 'div', operands: [1, 3], least: 40 },
      { name: 'mul', operands: [0.123456789, 1.0000001], least: 40 },
      { name: 'mul', operands: [19.99, 3], least: 2 },
      { name: 'format_int', operands: [wide * wide, 10], least: 400 },
      { name: 'lt', operands: [tiny, wide], least: 400 },
      { name: 'sum', operands: [Array(10).fill(tiny)], least: 4000 },
      { name: 'sum', operands: [Array(10).fill(0.1)], least: 100 },
      { name: 'product', operands: [Array(10).fill(0.1)], least: 100 },
      { name: 'product', operands: [Array(10).fill(2n ** 60n)], least: 100 },
      { name: 'sort', operands: [[3, 2, 1, 0]], least: 10 },
      { name: 'max', operands: [[[1, 2], [3]]], least: 5 },
    ])('$name: at least $least units', ({ name, operands, least }) => {
      const meter = newCall()
      ;(FAMILY[name] as Builtin)(meter, ...operands)
      expect(1_000_000 - meter.steps).toBeGreaterThanOrEqual(least)
    })
  })
})

describe('laws', () => {
  test('sums and products do not depend on the order of two operands', () => {
    fc.assert(
      fc.property(anyNumber(), anyNumber(), (a, b) => {
        expect(call('plus', a, b)).toStrictEqual(call('plus', b, a))
        expect(call('mul', a, b)).toStrictEqual(call('mul', b, a))
      }),
    )
  })

  test('what is added can be taken away, where no fraction is involved', () => {
    fc.assert(
      fc.property(fc.bigInt(), fc.bigInt(), (a, b) => {
        const [x, y] = [parseValue(String(a)), parseValue(String(b))]
        expect(call('minus', call('plus', x, y) as Value, y)).toBe(x)
        expect(numberText(call('bits.xor', x, y) as number)).toBe(String(a ^ b))
      }),
    )
  })

  test('comparisons agree with each other', () => {
    fc.assert(
      fc.property(anyNumber(), anyNumber(), (a, b) => {
        const less = call('lt', a, b)
        expect(call('gt', b, a)).toBe(less)
        expect(call('gte', a, b)).toBe(!less)
        expect(call('lte', a, b)).toBe(less || call('equal', a, b))
        expect(call('neq', a, b)).toBe(!call('equal', a, b))
        expect(call('min', [a, b])).toStrictEqual(less ? a : b)
      }),
    )
  })
})
