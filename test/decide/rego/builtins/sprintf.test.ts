import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { BuiltinError } from '../../../../src/decide/rego/builtins/builtin.ts'
import { SPRINTF } from '../../../../src/decide/rego/builtins/sprintf.ts'
import { parseValue } from '../../../../src/decide/rego/values/json.ts'
import type { Value } from '../../../../src/decide/rego/values/value.ts'
import { setOf } from '../../../../src/decide/rego/values/value.ts'
import { cpuMs } from '../../../support/cpu.ts'
import { caller, newCall, untag } from './tagged-values.ts'

const call = caller(SPRINTF)
const { answers } = JSON.parse(
  readFileSync(new URL('../../../vectors/rego/sprintf.json', import.meta.url), 'utf8'),
) as { answers: { sprintf: [operands: string, want: string][] } }

test('sprintf answers what OPA 1.22.0 answers', () => {
  const differences = answers.sprintf
    .map(([operands, want]) => ({
      operands,
      want: JSON.parse(want),
      got: call('sprintf', ...(parseValue(operands) as Value[]).map(untag)),
    }))
    .filter(({ want, got }) => got !== want)
  expect(answers.sprintf.length).toBeGreaterThan(2000)
  expect(differences).toEqual([])
})

describe('formats', () => {
  test.for<{ format: string; values: Value[]; want: string }>([
    { format: 'refund of %d to %s', values: [5, 'ana'], want: 'refund of 5 to ana' },
    { format: '%d%%', values: [5], want: '5%' },
    { format: '%v', values: [setOf([3, 'a', 1])], want: '{1, 3, "a"}' },
    { format: '%s and %[1]q', values: ['a"'], want: 'a" and "a\\""' },
    { format: '%.2f', values: [0.125], want: '0.12' },
    { format: '%d', values: [2n ** 64n], want: '18446744073709551616' },
    { format: '%d', values: [1.5], want: '%!d(float64=1.5)' },
    { format: '%s', values: [], want: '%!s(MISSING)' },
    { format: 'x', values: [1, 'y'], want: 'x%!(EXTRA int64=1, string=y)' },
    { format: '%', values: [], want: '%!(NOVERB)' },
    { format: '%[5]d', values: [1], want: '%!d(BADINDEX)' },
    { format: '%x', values: [1.5], want: '0x1.8p+00' },
    { format: '%b', values: [1.5], want: '6755399441055744p-52' },
    // Of Unicode 16, which Go's tables do not have; an engine's own would let it stand.
    { format: '%q', values: ['\u{1c8a}'], want: '"\\u1c8a"' },
  ])('$format of $values -> $want', ({ format, values, want }) => {
    expect(call('sprintf', format, values)).toBe(want)
  })
})

describe('what is refused', () => {
  test.for<{ name: string; operands: Value[] }>([
    { name: 'a format that is no text', operands: [5, []] },
    { name: 'values that are no array', operands: ['%d', 5] },
    { name: 'values in a set', operands: ['%d', setOf([5])] },
    { name: 'an address', operands: ['%p', [2n ** 64n]] },
    { name: 'the inside of a big integer', operands: ['%w', [2n ** 64n]] },
  ])('$name', ({ operands }) => {
    expect(() => call('sprintf', ...operands)).toThrow(BuiltinError)
  })
})

describe('bounds', () => {
  /** Twice itself, forty times over: 2^40 nodes in forty cells. */
  function bomb(): Value {
    let value: Value = [1]
    for (let level = 0; level < 40; level++) value = [value, value]
    return value
  }

  test.for<{ name: string; format: string; values: Value[] }>([
    { name: 'widths', format: '%1000000d'.repeat(20), values: Array(20).fill(1) },
    { name: 'precisions', format: '%.1000000f'.repeat(20), values: Array(20).fill(1.5) },
    { name: 'one long text, many times', format: '%[1]s'.repeat(40), values: ['x'.repeat(1e6)] },
    { name: 'escapes', format: '%[1]q'.repeat(40), values: ['\u0001'.repeat(1e5)] },
    { name: 'a value with parts in many places', format: '%v', values: [bomb()] },
    { name: 'the same, left over', format: '', values: [bomb()] },
  ])('$name are charged before they are made', ({ format, values }) => {
    const start = cpuMs()
    expect(() => call('sprintf', format, values)).toThrow('left')
    expect(cpuMs() - start).toBeLessThan(1_000)
  })

  test('a width that Go takes for a mistake makes no text', () => {
    expect(call('sprintf', '%1000000000d', [1])).toBe('%!(NOVERB)%!(EXTRA int64=1)')
  })

  test('the digits of doubles are charged', () => {
    const meter = newCall()
    const text = SPRINTF['sprintf']?.(meter, '%.1000f'.repeat(50), Array(50).fill(5e-324))
    expect(text).toHaveLength(50 * 1002)
    expect(1_000_000 - meter.steps).toBeGreaterThan(50 * 500)
  })
})
