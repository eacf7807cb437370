import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { BuiltinError } from '../../../../src/decide/rego/builtins/builtin.ts'
import { JSON_TEXT } from '../../../../src/decide/rego/builtins/json-text.ts'
import { valueText } from '../../../../src/decide/rego/values/text.ts'
import type { Value } from '../../../../src/decide/rego/values/value.ts'
import { objectOf, setOf } from '../../../../src/decide/rego/values/value.ts'
import { testOracleAnswers } from './oracle-answers.ts'
import { caller } from './tagged-values.ts'

const call = caller(JSON_TEXT)

testOracleAnswers('json-text.json', JSON_TEXT)

test('what was marshalled is unmarshalled, and is what JSON.parse reads', () => {
  fc.assert(
    fc.property(fc.json({ stringUnit: 'binary' }), (json) => {
      const value = call('json.unmarshal', json) as Value
      const text = call('json.marshal', value) as string
      expect(JSON.parse(text)).toEqual(JSON.parse(json))
      expect(call('json.marshal', call('json.unmarshal', text) as Value)).toBe(text)
      const pretty = call('json.marshal_with_options', value, { indent: '  ' }) as string
      expect(JSON.parse(pretty)).toEqual(JSON.parse(text))
      expect(call('json.is_valid', text)).toBe(true)
    }),
  )
})

describe('json.unmarshal', () => {
  test.for([
    { name: 'a number beyond doubles', text: '[1e400]', want: `[1${'0'.repeat(400)}]` },
    { name: 'nineteen digits', text: '9223372036854775807', want: '9223372036854775807' },
    { name: 'minus zero', text: '-0', want: '0' },
    { name: 'half of a surrogate pair', text: '"\\ud800x"', want: '"\ufffdx"' },
    { name: 'the other half', text: '"\\udc00\\ud800"', want: '"\ufffd\ufffd"' },
    { name: 'a whole pair', text: '"\\ud83d\\ude00"', want: '"😀"' },
    { name: 'a backslash before it', text: '"\\\\ud800"', want: '"\\\\ud800"' },
    { name: 'a key that stands twice', text: '{"a": 1, "a": 2}', want: '{"a": 2}' },
    { name: 'a key of prototypes', text: '{"__proto__": 1}', want: '{"__proto__": 1}' },
  ])('$name -> $want', ({ text, want }) => {
    expect(valueText(call('json.unmarshal', text) as Value)).toBe(want)
  })

  test.for([
    { name: 'a second value, which OPA overlooks if it is null', text: '1 null' },
    { name: '513 levels', text: `${'['.repeat(513)}${']'.repeat(513)}` },
    { name: 'a number of a million digits', text: '1e1000000' },
    { name: 'a comment', text: '1 // one' },
    { name: 'nothing', text: '' },
  ])('$name -> refused', ({ text }) => {
    expect(() => call('json.unmarshal', text)).toThrow(BuiltinError)
  })
})

describe('json.marshal', () => {
  test('of keys with one name the later in order counts', () => {
    const object = objectOf([
      ['1', 'text'],
      [1, 'number'],
      [setOf([2, 1]), null],
    ])
    expect(call('json.marshal', object)).toBe('{"1":"text","[1,2]":null}')
  })

  test('a value that holds itself many times over -> refused', () => {
    let value: Value = ['x']
    for (let level = 0; level < 40; level++) value = [value, value]
    expect(() => call('json.marshal', value)).toThrow('no steps left')
  })

  test('a value that nests without end -> refused, far from the end of the stack', () => {
    let value: Value = []
    for (let level = 0; level < 100_000; level++) value = [value]
    expect(() => call('json.marshal', value)).toThrow(BuiltinError)
  })

  test('an indent that makes far more of it -> refused', () => {
    const wide = Array.from({ length: 20_000 }, () => 0)
    const options = { indent: ' '.repeat(1_000) }
    expect(() => call('json.marshal_with_options', wide, options)).toThrow('no output left')
  })
})
