import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { assertPlainJson, parseJson } from '../../src/base/json-parse.ts'

const CYCLE: Record<string, unknown> = { inner: {} }
CYCLE['inner'] = { back: CYCLE }

const NESTED = (levels: number): unknown => (levels === 0 ? 1 : [NESTED(levels - 1)])

/** Thirty levels that each hold the next twice: 2^30 values in 30 objects. */
const SHARED = Array.from({ length: 30 }).reduce<unknown>((inner) => [inner, inner], 'x')

class Money {
  readonly amount = 1
}
class List extends Array<number> {}

test.for<{ name: string; value: unknown; code?: string; at?: string }>([
  { name: 'a BigInt', value: { a: [1n] }, at: '/a/0' },
  { name: 'NaN', value: { a: Number.NaN }, at: '/a' },
  { name: 'infinity', value: Number.POSITIVE_INFINITY, at: 'the top' },
  { name: 'undefined', value: { a: undefined }, at: '/a' },
  { name: 'a function', value: { toJSON: () => 1 }, at: '/toJSON' },
  { name: 'a symbol', value: [Symbol('s')], at: '/0' },
  { name: 'a symbol as a key', value: { a: { [Symbol('s')]: 1 } }, at: '/a' },
  { name: 'a date', value: { 'a/b~c': new Date(0) }, at: '/a~1b~0c' },
  { name: 'a class instance', value: [new Money()], at: '/0' },
  { name: 'an array subclass', value: [List.from([1])], at: '/0' },
  { name: 'a boxed string', value: Object('x'), at: 'the top' },
  { name: 'an inherited member', value: Object.create({ a: 1 }), at: 'the top' },
  { name: 'bytes', value: new Uint8Array(2), at: 'the top' },
  { name: 'a hole', value: { a: new Array(2) }, at: '/a/0' },
  { name: 'an array with a name', value: Object.assign([1], { extra: 2 }), at: 'the top' },
  {
    name: 'an accessor',
    value: Object.defineProperty({}, 'a', { get: () => 1, enumerable: true }),
    at: '/a',
  },
  { name: 'a hidden member', value: Object.defineProperty({}, 'a', { value: 1 }), at: '/a' },
  { name: 'a cycle', value: CYCLE, at: '/inner/back' },
  {
    name: 'own __proto__',
    value: JSON.parse('{"a":{"__proto__":1}}'),
    code: 'ACTION_AMBIGUOUS',
    at: '/a/__proto__',
  },
  { name: 'a reserved key', value: { a: [{ _sd: [] }] }, code: 'ACTION_AMBIGUOUS', at: '/a/0/_sd' },
  { name: 'a lone surrogate', value: { a: '\ud800' }, code: 'ACTION_AMBIGUOUS', at: '/a' },
  {
    name: 'a lone surrogate in a key',
    value: { 'k\udc00': 1 },
    code: 'ACTION_AMBIGUOUS',
    at: '/k\ufffd',
  },
  { name: 'nesting of 65', value: NESTED(65), code: 'ACTION_TOO_DEEP' },
  { name: 'shared objects that unfold without end', value: SHARED, code: 'ACTION_TOO_LARGE' },
  { name: 'a long text', value: 'x'.repeat(5_000_000), code: 'ACTION_TOO_LARGE' },
  {
    name: 'a vast array without elements',
    value: new Array(4_000_000_000),
    code: 'ACTION_TOO_LARGE',
  },
])('$name -> refused at its place', ({ value, code = 'VALUE_NOT_JSON', at = '' }) => {
  const refused = expect.objectContaining({ code, message: expect.stringContaining(`at ${at}`) })
  expect(() => assertPlainJson(value, { reservedKeys: ['_sd'] })).toThrow(refused)
})

test.for<{ name: string; value: unknown }>([
  { name: 'scalars', value: [null, true, 0, -0, 1e300, 'text', '\ud83d\ude00'] },
  { name: 'an object without a prototype', value: Object.assign(Object.create(null), { a: 1 }) },
  { name: 'keys of Object.prototype', value: { constructor: 1, toString: 2, hasOwnProperty: 3 } },
  { name: 'one object twice, side by side', value: [CYCLE['x'], {}, {}].slice(1) },
  { name: 'nesting of 64', value: NESTED(64) },
  { name: 'a key reserved elsewhere', value: { _sd: [] } },
])('$name -> accepted', ({ value }) => {
  expect(() => assertPlainJson(value)).not.toThrow()
})

test('the message holds no value', () => {
  const secret = { password: 'hunter2\ud800' }
  expect(() => assertPlainJson(secret)).toThrow(
    expect.objectContaining({ message: expect.not.stringContaining('hunter2') }),
  )
})

describe('properties', () => {
  test('what parses is plain', () => {
    fc.assert(
      fc.property(fc.json({ stringUnit: 'grapheme' }), (text) => {
        let value: unknown
        try {
          value = parseJson(text)
        } catch {
          return
        }
        assertPlainJson(value)
      }),
    )
  })

  test('anything at all -> accepted or a typed refusal, and what is accepted survives JSON', () => {
    const anything = fc.anything({
      withBigInt: true,
      withDate: true,
      withMap: true,
      withSparseArray: true,
      withNullPrototype: true,
    })
    fc.assert(
      fc.property(anything, (value) => {
        try {
          assertPlainJson(value)
        } catch (error) {
          expect(error).toHaveProperty('code')
          return
        }
        // -0 is written as 0 and a null prototype is not kept; neither is part of the value.
        expect(JSON.stringify(JSON.parse(JSON.stringify(value)))).toBe(JSON.stringify(value))
      }),
      { numRuns: 500 },
    )
  })
})
