import oracle from 'canonicalize'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { canonicalize } from '../../src/base/canonical-json.ts'
import type { JsonValue } from '../../src/base/json-value.ts'
import { CANONICAL_DEPTH_MAX } from '../../src/base/limits.ts'

/** RFC 8785 appendix B: https://www.rfc-editor.org/rfc/rfc8785#appendix-B (bits of the double, text). */
const NUMBERS = [
  ['0000000000000000', '0'],
  ['8000000000000000', '0'],
  ['0000000000000001', '5e-324'],
  ['8000000000000001', '-5e-324'],
  ['7fefffffffffffff', '1.7976931348623157e+308'],
  ['ffefffffffffffff', '-1.7976931348623157e+308'],
  ['4340000000000000', '9007199254740992'],
  ['c340000000000000', '-9007199254740992'],
  ['4430000000000000', '295147905179352830000'],
  ['44b52d02c7e14af5', '9.999999999999997e+22'],
  ['44b52d02c7e14af6', '1e+23'],
  ['44b52d02c7e14af7', '1.0000000000000001e+23'],
  ['444b1ae4d6e2ef4e', '999999999999999700000'],
  ['444b1ae4d6e2ef4f', '999999999999999900000'],
  ['444b1ae4d6e2ef50', '1e+21'],
  ['3eb0c6f7a0b5ed8c', '9.999999999999997e-7'],
  ['3eb0c6f7a0b5ed8d', '0.000001'],
  ['41b3de4355555553', '333333333.3333332'],
  ['41b3de4355555554', '333333333.33333325'],
  ['41b3de4355555555', '333333333.3333333'],
  ['41b3de4355555556', '333333333.3333334'],
  ['41b3de4355555557', '333333333.33333343'],
  ['becbf647612f3696', '-0.0000033333333333333333'],
  ['43143ff3c1cb0959', '1424953923781206.2'],
] as const

describe('RFC 8785', () => {
  test.for(NUMBERS)('appendix B: %s -> %s', ([bits, want]) => {
    const value = Buffer.from(bits, 'hex').readDoubleBE()
    expect(canonicalize(value)).toBe(want)
  })

  test('section 3.2.2: the sample object', () => {
    const sample = {
      // biome-ignore lint/correctness/noPrecisionLoss: the sample of the RFC
      numbers: [333333333.33333329, 1e30, 4.5, 2e-3, 0.000000000000000000000000001],
      string: '\u20ac$\u000F\u000aA\'\u0042\u0022\u005c\\"/',
      literals: [null, true, false],
    }
    expect(canonicalize(sample)).toBe(
      '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],' +
        '"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
    )
  })

  test('section 3.2.3: keys sort by UTF-16 code unit', () => {
    const sample = {
      '\u20ac': 'Euro Sign',
      '\r': 'Carriage Return',
      '\ufb33': 'Hebrew Letter Dalet With Dagesh',
      '1': 'One',
      '\ud83d\ude00': 'Emoji: Grinning Face',
      '\u0080': 'Control',
      '\u00f6': 'Latin Small Letter O With Diaeresis',
    }
    const order = ['\r', '1', '\u0080', '\u00f6', '\u20ac', '\ud83d\ude00', '\ufb33'] as const
    const body = order.map((key) => `${JSON.stringify(key)}:${JSON.stringify(sample[key])}`)
    expect(canonicalize(sample)).toBe(`{${body.join(',')}}`)
  })
})

class Money {
  readonly amount = 1
}

test.for<{ name: string; value: unknown; code?: string }>([
  { name: 'NaN', value: [Number.NaN] },
  { name: 'infinity', value: { a: Number.NEGATIVE_INFINITY } },
  { name: 'a lone high surrogate', value: 'a\ud800' },
  { name: 'a lone low surrogate in a key', value: { '\udc00': 1 } },
  { name: 'a long text with a lone surrogate', value: `${'x'.repeat(500)}\ud800` },
  { name: 'undefined in an object', value: { a: undefined } },
  { name: 'a hole in an array', value: new Array(1) },
  { name: 'a BigInt', value: 1n },
  { name: 'a date', value: { at: new Date(0) } },
  { name: 'a class instance', value: new Money() },
  { name: 'a map, which has no keys of its own', value: new Map([['a', 1]]) },
  { name: 'a symbol', value: Symbol('a') },
])('$name -> VALUE_NOT_JSON', ({ value }) => {
  expect(() => canonicalize(value as JsonValue)).toThrow(
    expect.objectContaining({ code: 'VALUE_NOT_JSON' }),
  )
})

test('nesting beyond the bound -> ACTION_TOO_DEEP, at the bound -> text', () => {
  const nested = (levels: number): JsonValue => {
    let value: JsonValue = []
    for (let i = 1; i < levels; i++) value = [value]
    return value
  }
  expect(canonicalize(nested(CANONICAL_DEPTH_MAX))).toHaveLength(2 * CANONICAL_DEPTH_MAX)
  expect(() => canonicalize(nested(CANONICAL_DEPTH_MAX + 1))).toThrow(
    expect.objectContaining({ code: 'ACTION_TOO_DEEP' }),
  )
})

test('any JSON -> the text that npm canonicalize writes, and the same value back', () => {
  fc.assert(
    fc.property(fc.jsonValue({ stringUnit: 'binary', maxDepth: 5 }), (json) => {
      const value = json as JsonValue
      const text = canonicalize(value)
      expect(text).toBe(oracle(value))
      expect(canonicalize(JSON.parse(text))).toBe(text)
    }),
    { numRuns: 500 },
  )
})

test('any double -> the text of JSON.stringify', () => {
  fc.assert(
    fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
      expect(canonicalize(value)).toBe(JSON.stringify(value))
    }),
  )
})
