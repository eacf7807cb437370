import { expect, test } from 'vitest'
import { BuiltinError } from '../../../../src/decide/rego/builtins/builtin.ts'
import { TEMPLATE_STRING } from '../../../../src/decide/rego/builtins/template-string.ts'
import { Decimal } from '../../../../src/decide/rego/values/number.ts'
import type { Value } from '../../../../src/decide/rego/values/value.ts'
import { objectOf, setOf } from '../../../../src/decide/rego/values/value.ts'
import { caller } from './tagged-values.ts'

const template = (...parts: Value[]) => caller(TEMPLATE_STRING)('internal.template_string', parts)

test.for<{ name: string; parts: Value[]; want: string }>([
  { name: 'nothing', parts: [], want: '' },
  { name: 'texts', parts: ['a "b" ', 'c'], want: 'a "b" c' },
  { name: 'scalars', parts: [1, ' ', true, ' ', null, ' ', 1.5], want: '1 true null 1.5' },
  {
    name: 'long numbers',
    parts: [2n ** 70n, setOf([new Decimal(15n, -22)])],
    want: '11805916207174113034241.5e-21',
  },
  { name: 'an expression with a text', parts: ['<', setOf(['a"']), '>'], want: '<a">' },
  { name: 'an undefined expression', parts: ['<', setOf([]), '>'], want: '<<undefined>>' },
  { name: 'an array', parts: [setOf([['a', 1]])], want: '["a", 1]' },
  { name: 'a set', parts: [setOf([setOf([2, 1])])], want: '{1, 2}' },
  { name: 'an object', parts: [setOf([objectOf([['a', setOf([])]])])], want: '{"a": set()}' },
  { name: 'an empty object', parts: [setOf([{}])], want: '{}' },
])('$name -> $want', ({ parts, want }) => {
  expect(template(...parts)).toBe(want)
})

test('an expression with two values -> REGO_CONFLICT', () => {
  expect(() => template(setOf([1, 2]))).toThrow(expect.objectContaining({ code: 'REGO_CONFLICT' }))
})

test.for<{ name: string; part: Value }>([
  { name: 'an array in place of a set', part: ['a'] },
  { name: 'an object in place of a set', part: { a: 1 } },
])('$name -> refused', ({ part }) => {
  expect(() => template(part)).toThrow(BuiltinError)
})

test('no array of parts -> refused', () => {
  expect(() => caller(TEMPLATE_STRING)('internal.template_string', 'a')).toThrow(BuiltinError)
})
