import { expect, test } from 'vitest'
import { parseValue } from '../../../src/decide/rego/values/json.ts'
import type { Value } from '../../../src/decide/rego/values/value.ts'
import { objectOf, setOf } from '../../../src/decide/rego/values/value.ts'
import { exactJson } from '../../../src/policy/analyse/exact-json.ts'

const NESTED = Array.from({ length: 600 }).reduce<Value>((below) => [below], 1)

test.for<{ name: string; value: Value; want: string }>([
  {
    name: 'scalars',
    value: parseValue('[null, true, "x", 0.1, -3]'),
    want: '[null,true,"x",0.1,-3]',
  },
  {
    name: 'numbers that no double holds',
    value: parseValue('[9007199254740993, 1767225600000000001, 0.12345678901234567890123]'),
    want: '[9007199254740993,1767225600000000001,0.12345678901234567890123]',
  },
  { name: 'a set, in order', value: setOf(['b', 2, 'a', null]), want: '[null,2,"a","b"]' },
  {
    name: 'an object with keys of every type',
    value: objectOf([
      ['s', 1],
      [2, 2],
      [['x'], 3],
      [null, 4],
    ]),
    want: '{"2":2,"[\\"x\\"]":3,"null":4,"s":1}',
  },
  {
    name: 'a key that is no name to JavaScript',
    value: parseValue('{"__proto__": {"a": 1}}'),
    want: '{"__proto__":{"a":1}}',
  },
])('$name -> as JSON has it', ({ value, want }) => {
  expect(JSON.stringify(exactJson(value))).toBe(want)
})

test('what nests too deep is refused', () => {
  expect(() => exactJson(NESTED)).toThrowError(
    expect.objectContaining({ code: 'REGO_RESULT_INVALID' }),
  )
})
