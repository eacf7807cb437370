import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { JsonValue } from '../../../src/base/json-value.ts'
import { toJson } from '../../../src/decide/rego/values/json.ts'
import { valueText } from '../../../src/decide/rego/values/text.ts'
import { readDump, writeDump } from '../../../src/decide/rego/wasm/dump.ts'

test.for([
  { name: 'a set is sorted by canonical text', text: '{"b", "a", 10, 9}', want: ['a', 'b', 10, 9] },
  { name: 'an empty set', text: 'set()', want: [] },
  { name: 'an empty object', text: '{}', want: {} },
  { name: 'a key that is no string', text: '{[1, {2}]: true}', want: { '[1,[2]]': true } },
  { name: 'an integer that a double holds', text: '9007199254740994', want: 9007199254740994 },
])('$name', ({ text, want }) => {
  expect(toJson(readDump(text))).toEqual(want)
})

test.for([
  { name: 'an integer that no double holds', text: '9007199254740993' },
  { name: 'a number beyond doubles', text: '1e400' },
  { name: 'two keys that become one', text: '{1: 2, "1": 3}' },
  { name: 'nothing', text: '' },
  { name: 'more than one value', text: '1 2' },
  { name: 'an open array', text: '[1, 2' },
  { name: 'an open text', text: '"a' },
  { name: 'a member without value', text: '{"a": 1, "b"}' },
  { name: 'a number with a plus', text: '+5' },
  { name: 'a word', text: 'undefined' },
  { name: 'too many levels', text: '['.repeat(600) + ']'.repeat(600) },
])('$name is refused', ({ text }) => {
  expect(() => toJson(readDump(text))).toThrow(
    expect.objectContaining({ code: 'REGO_RESULT_INVALID' }),
  )
})

test('any JSON survives the dump of the module and the way back', () => {
  fc.assert(
    fc.property(fc.jsonValue({ stringUnit: 'grapheme' }), (any) => {
      const value = JSON.parse(JSON.stringify(any)) as JsonValue
      expect(toJson(readDump(dump(value)))).toEqual(value)
      expect(JSON.parse(writeDump(readDump(dump(value))))).toEqual(value)
    }),
  )
})

test('OPA prints keys and members in its own order', () => {
  expect(valueText(readDump('{"b": {2, 10}, 3: null, "a": {"z", "\u{1f600}", "\uffff"}}'))).toBe(
    '{3: null, "a": {"z", "\\uffff", "\u{1f600}"}, "b": {2, 10}}',
  )
})

/** JSON with the blanks that `opa_value_dump` writes. */
function dump(value: JsonValue): string {
  if (value === null || typeof value !== 'object') return JSON.stringify(value)
  if (Array.isArray(value)) return `[${value.map(dump).join(', ')}]`
  const members = Object.entries(value).map(
    ([key, member]) => `${JSON.stringify(key)}: ${dump(member)}`,
  )
  return `{${members.join(', ')}}`
}
