import { expect, test } from 'vitest'
import type { JsonValue } from '../../../../src/base/json-value.ts'
import { fromJson, parseValue, toJson } from '../../../../src/decide/rego/values/json.ts'
import { equalValues, RegoObject } from '../../../../src/decide/rego/values/value.ts'

/** A leaf below so many arrays and objects in turn. */
function nested(leaf: JsonValue, levels: number): JsonValue {
  let value = leaf
  for (let level = 0; level < levels; level++) value = level % 2 === 0 ? [value] : { a: value }
  return value
}

test.for([
  ['a number that is no safe integer', 1e20],
  ['a negative zero', -0],
] as const)('walks deep JSON once though %s below needs another form', ([_, leaf]) => {
  expect(toJson(fromJson(nested(leaf, 500)))).toEqual(nested(leaf === 0 ? 0 : leaf, 500))
})

test('walks deep JSON text once though a negative zero below needs another form', () => {
  const text = JSON.stringify(nested(1, 500)).replace('1', '-0')
  expect(toJson(parseValue(text))).toEqual(nested(0, 500))
})

test('keeps the members around one that needs another form, and copies nothing else', () => {
  const same = { x: 1 }
  const json = { a: same, b: [same, 1e20, same, -0], ['__proto__']: same, z: same }
  const value = fromJson(json) as Record<string, JsonValue>
  expect(Object.keys(value)).toEqual(['a', 'b', '__proto__', 'z'].filter((k) => k in json))
  expect(value['a']).toBe(same)
  expect(value['b']).toEqual([same, 100_000_000_000_000_000_000n, same, 0])
  expect(json.b[3]).toBe(-0)
})

test('gives JSON that needs no other form back as it is', () => {
  const json = { a: [1, 'x', null, true, { b: 1.5 }] }
  expect(fromJson(json)).toBe(json)
})

test('makes an own member of __proto__ beside a number that needs another form', () => {
  const value = fromJson(JSON.parse('{"__proto__": {"admin": true}, "n": 1e20}') as JsonValue)
  expect(Object.hasOwn(value as object, '__proto__')).toBe(true)
  expect(Object.getPrototypeOf(value)).not.toHaveProperty('admin')
})

test('takes an object of many members into one that knows how many it has', () => {
  const json = Object.fromEntries(Array.from({ length: 20_000 }, (_, at) => [`k${at}`, at]))
  const value = fromJson({ deep: [json] }) as { deep: [RegoObject] }
  expect(value.deep[0]).toBeInstanceOf(RegoObject)
  expect(equalValues(value.deep[0], json)).toBe(true)
  expect(toJson(value)).toEqual({ deep: [json] })
})
