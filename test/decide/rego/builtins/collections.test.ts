import { describe, expect, test } from 'vitest'
import { ARRAYS } from '../../../../src/decide/rego/builtins/arrays.ts'
import { BuiltinError } from '../../../../src/decide/rego/builtins/builtin.ts'
import { OBJECTS } from '../../../../src/decide/rego/builtins/objects.ts'
import { SETS } from '../../../../src/decide/rego/builtins/sets.ts'
import { valueText } from '../../../../src/decide/rego/values/text.ts'
import type { Value } from '../../../../src/decide/rego/values/value.ts'
import { objectOf, setOf } from '../../../../src/decide/rego/values/value.ts'
import { caller, newCall, readOracleCases } from './tagged-values.ts'

const FAMILY = { ...ARRAYS, ...SETS, ...OBJECTS }
const call = caller(FAMILY)
const cases = readOracleCases('collections.json')

test.for(Object.keys(FAMILY))('%s answers what OPA 1.22.0 answers', (name) => {
  const mine = cases.filter(({ f }) => f === name)
  expect(mine.length).toBeGreaterThan(20)
  for (const { operands, value, error } of mine) {
    const before = operands.map(valueText)
    const shown = `${name}(${before.join(', ')})`
    if (error === undefined) {
      const got = call(name, ...operands)
      expect(got === undefined ? 'undefined' : valueText(got), shown).toBe(
        valueText(value as Value),
      )
    } else {
      expect(() => call(name, ...operands), shown).toThrow(
        expect.objectContaining({ name: 'BuiltinError', code: error.code }),
      )
    }
    expect(operands.map(valueText), 'operands stay as they are').toEqual(before)
  }
})

describe('what the documentation of OPA does not say', () => {
  test.for([
    { name: 'a member that stands twice counts twice', whole: [1, 1], part: [1, 2], want: true },
    { name: 'an empty array covers not even the empty set', whole: [], part: [], want: false },
    { name: 'one of two members is not enough', whole: [1, 3], part: [1, 2], want: false },
  ])('object.subset of an array and a set: $name -> $want', ({ whole, part, want }) => {
    expect(call('object.subset', whole, setOf(part))).toBe(want)
  })

  test('a run is found behind a start that looks like it', () => {
    expect(call('object.subset', [1, 1, 1, 2], [1, 1, 2])).toBe(true)
    expect(call('object.subset', [1, 2, 1, 2, 1, 3], [1, 2, 1, 3])).toBe(true)
    expect(call('object.subset', [1, 1, 1, 2, 1, 1, 2, 2], [1, 1, 2, 3])).toBe(false)
  })

  test('object.union_n forgets what was overwritten by a scalar', () => {
    const parts = [{ a: { b: 2 } }, { a: 4 }, { a: { c: 3 } }]
    expect(valueText(call('object.union_n', parts) as Value)).toBe('{"a": {"c": 3}}')
  })

  test('object.get of a member that is null gives null', () => {
    expect(call('object.get', { a: null }, 'a', 'none')).toBe(null)
  })

  test('array.slice takes any integer of 64 bits, and none beyond', () => {
    expect(call('array.slice', [1, 2, 3], -(2n ** 63n), 2n ** 63n - 1n)).toEqual([1, 2, 3])
    expect(() => call('array.slice', [1], 0, 2n ** 63n)).toThrow(BuiltinError)
    expect(() => call('array.slice', [1], 0.5, 1)).toThrow(BuiltinError)
    expect(() => call('array.slice', [1], '0', 1)).toThrow(BuiltinError)
  })
})

describe('hostile operands', () => {
  test('a name of Object.prototype is no key', () => {
    expect(call('object.get', { a: 1 }, 'constructor', 'none')).toBe('none')
    expect(call('object.get', { a: {} }, ['a', '__proto__'], 'none')).toBe('none')
    expect(call('object.subset', {}, { toString: 1 })).toBe(false)
  })

  test('__proto__ is a key like any other', () => {
    const object = JSON.parse('{"__proto__": {"x": 1}}')
    expect(valueText(call('object.union', object, { a: 1 }) as Value)).toBe(
      '{"__proto__": {"x": 1}, "a": 1}',
    )
    expect(valueText(call('object.remove', object, ['__proto__']) as Value)).toBe('{}')
  })

  /** Twice itself, forty times over: 2^40 nodes in forty cells. */
  function bomb(levels: number): Value {
    let value: Value = [1]
    for (let level = 0; level < levels; level++) value = [value, value]
    return value
  }

  function deep(levels: number): Value {
    let value: Value = 1
    for (let level = 0; level < levels; level++) value = objectOf([['a', value]])
    return value
  }

  test.for([
    { f: 'object.get', operands: [objectOf([]), bomb(40), 0] },
    { f: 'object.get', operands: [objectOf([]), [bomb(40)], 0] },
    { f: 'object.remove', operands: [{ a: 1 }, [bomb(40)]] },
    { f: 'object.subset', operands: [[bomb(40), 1], [bomb(40)]] },
    { f: 'array.flatten', operands: [new Array(10_000).fill(new Array(10_000).fill(1))] },
  ])('$f of a value with more nodes than memory runs out of steps', ({ f, operands }) => {
    expect(() => call(f, ...(operands as Value[]))).toThrow('no steps left')
  })

  test.for(['object.union', 'object.subset'])('%s of values a stack deep is refused', (f) => {
    expect(() => call(f, deep(50_000), deep(50_000))).toThrow('at most 600 levels')
    expect(() => call(f, deep(500), deep(500))).not.toThrow()
  })

  test('a member that is long text is charged for', () => {
    const meter = newCall()
    SETS['or']?.(meter, setOf(['x'.repeat(320_000)]), setOf([1]))
    expect(1_000_000 - meter.steps).toBeGreaterThan(10_000)
  })
})
