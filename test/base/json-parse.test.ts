import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { canonicalize } from '../../src/base/canonical-json.ts'
import { parseJson, parseJsonBytes } from '../../src/base/json-parse.ts'
import type { JsonValue } from '../../src/base/json-value.ts'
import { isExactNumber } from '../../src/base/number-text.ts'
import suite from '../vectors/json-test-suite.json' with { type: 'json' }

/** Valid by grammar but beyond RFC 8785, or left to the implementation: what this parser says. */
const OTHERWISE: readonly [pattern: RegExp, outcome: string][] = [
  [/^y_object_duplicated_key/, 'ACTION_AMBIGUOUS'],
  // The number before the letter is inexact, which shows first.
  [/^n_number_with_alpha_char$/, 'ACTION_AMBIGUOUS'],
  // 10^20 is a double to the last digit.
  [/^i_number_too_big_pos_int$/, 'parsed'],
  [/^i_number_/, 'ACTION_AMBIGUOUS'],
  [/^i_structure_500_nested_arrays$/, 'ACTION_TOO_DEEP'],
  [/^i_structure_UTF-8_BOM/, 'JSON_MALFORMED'],
  [/^i_string_.*(utf|UTF-?8|UTF-16|iso_latin|range|overlong)/, 'JSON_MALFORMED'],
  [/^i_.*surrogate/, 'ACTION_AMBIGUOUS'],
]

describe('JSONTestSuite', () => {
  test.for(suite.cases)('$name', ({ name, base64 }) => {
    const bytes = Uint8Array.from(Buffer.from(base64, 'base64'))
    // A name of the suite ends in the character it is about, which the last pattern must not take for its own.
    const otherwise = name.includes('inverted_surrogates')
      ? 'ACTION_AMBIGUOUS'
      : OTHERWISE.find(([pattern]) => pattern.test(name))?.[1]
    const want = otherwise ?? (name.startsWith('y_') ? 'parsed' : 'JSON_MALFORMED')
    expect(outcomeOf(() => parseJsonBytes(bytes))).toBe(want)
    if (want !== 'parsed') return
    const text = new TextDecoder().decode(bytes)
    expect(canonicalize(parseJsonBytes(bytes))).toBe(canonicalize(JSON.parse(text)))
  })
})

test.for([
  { text: '0.1', want: 0.1 },
  { text: '1.0', want: 1 },
  { text: '1.50e1', want: 15 },
  { text: '100e-2', want: 1 },
  { text: '-0', want: 0 },
  { text: '-0.0e9', want: 0 },
  { text: '0e999999999999999999999', want: 0 },
  { text: '9007199254740992', want: 2 ** 53 },
  { text: '100000000000000000000', want: 1e20 },
  { text: '1E21', want: 1e21 },
  { text: '1e+308', want: 1e308 },
  { text: '5e-324', want: 5e-324 },
  { text: '1.7976931348623157e308', want: Number.MAX_VALUE },
  { text: '0.30000000000000004', want: 0.1 + 0.2 },
  { text: `0.${'0'.repeat(400)}1e401`, want: 1 },
  { text: `1${'0'.repeat(400)}e-400`, want: 1 },
  { text: `1.${'0'.repeat(5000)}`, want: 1 },
])('number $text -> $want', ({ text, want }) => {
  const value = parseJson(text)
  expect(Object.is(value, want)).toBe(true)
})

test.for([
  '9007199254740993',
  '-9007199254740993',
  '1e400',
  '-1e400',
  '1e-400',
  '4e-324',
  '0.10000000000000001',
  '0.1000000000000000055511151231257827',
  '333333333.33333329',
  '123456789012345678',
  '295147905179352825856',
  '1e999999999999999999999',
])('number %s -> ACTION_AMBIGUOUS', (text) => {
  expect(outcomeOf(() => parseJson(`[${text}]`))).toBe('ACTION_AMBIGUOUS')
})

test.for<{ name: string; text: string; code: string; at: string }>([
  { name: 'a duplicate key', text: '{"a":1,\n "a":2}', code: 'ACTION_AMBIGUOUS', at: '2:2' },
  {
    name: 'a duplicate by escape',
    text: '{"a":1,"\\u0061":1}',
    code: 'ACTION_AMBIGUOUS',
    at: '1:8',
  },
  {
    name: 'a duplicate of an inherited name',
    text: '{"toString":1,"toString":1}',
    code: 'ACTION_AMBIGUOUS',
    at: '1:15',
  },
  { name: '__proto__', text: '{"__proto__":1}', code: 'ACTION_AMBIGUOUS', at: '1:2' },
  {
    name: '__proto__ by escape',
    text: '[{"\\u005f_proto__":{}}]',
    code: 'ACTION_AMBIGUOUS',
    at: '1:3',
  },
  { name: 'a reserved key', text: '{"a":{"_sd":[]}}', code: 'ACTION_AMBIGUOUS', at: '1:7' },
  { name: 'another reserved key', text: '[{"...":0}]', code: 'ACTION_AMBIGUOUS', at: '1:3' },
  { name: 'a raw lone surrogate', text: '["😀",\n"\ud800"]', code: 'ACTION_AMBIGUOUS', at: '2:2' },
  { name: 'an escaped lone surrogate', text: '["\\ud800"]', code: 'ACTION_AMBIGUOUS', at: '1:2' },
  {
    name: 'escaped surrogates inverted',
    text: '"\\udc00\\ud800"',
    code: 'ACTION_AMBIGUOUS',
    at: '1:1',
  },
  { name: 'a lone surrogate in a key', text: '{"\\udfff":1}', code: 'ACTION_AMBIGUOUS', at: '1:2' },
  { name: 'nothing', text: '', code: 'JSON_MALFORMED', at: '1:1' },
  { name: 'an open string', text: '{"a":\n"b', code: 'JSON_MALFORMED', at: '2:3' },
  { name: 'a control character', text: '"a\tb"', code: 'JSON_MALFORMED', at: '1:3' },
  {
    name: 'a control character behind an escape',
    text: '"\\n\n"',
    code: 'JSON_MALFORMED',
    at: '1:4',
  },
  { name: 'a bad escape', text: '["\\x41"]', code: 'JSON_MALFORMED', at: '1:3' },
  { name: 'a cut escape', text: '"\\u12', code: 'JSON_MALFORMED', at: '1:2' },
  { name: 'a comma at the end', text: '[1,]', code: 'JSON_MALFORMED', at: '1:4' },
  { name: 'a second value', text: '1\r\n2', code: 'JSON_MALFORMED', at: '2:1' },
  { name: 'a comment', text: '{} // x', code: 'JSON_MALFORMED', at: '1:4' },
  { name: 'a leading zero', text: '[-01]', code: 'JSON_MALFORMED', at: '1:3' },
  { name: 'a byte order mark', text: '\ufeff{}', code: 'JSON_MALFORMED', at: '1:1' },
  { name: 'a no-break space', text: '\u00a01', code: 'JSON_MALFORMED', at: '1:1' },
  { name: 'NaN', text: 'NaN', code: 'JSON_MALFORMED', at: '1:1' },
])('$name -> $code at $at', ({ text, code, at }) => {
  const [line, column] = at.split(':').map(Number)
  expect(() => parseJson(text, { reservedKeys: ['_sd', '_sd_alg', '...'] })).toThrow(
    expect.objectContaining({ code, at: { line, column } }),
  )
})

test('isExactNumber compares sign, digits and power of ten', () => {
  expect(isExactNumber('1.0e1', 10)).toBe(true)
  expect(isExactNumber('1e2', 10)).toBe(false)
  expect(isExactNumber('-1', 1)).toBe(false)
  expect(isExactNumber('1', 0)).toBe(false)
})

describe('bounds', () => {
  const nested = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels)

  test.for([
    { name: '64 levels', text: nested(64), want: 'parsed' },
    { name: '65 levels', text: nested(65), want: 'ACTION_TOO_DEEP' },
    { name: '2 million open brackets', text: '['.repeat(2_000_000), want: 'ACTION_TOO_DEEP' },
    { name: '100 arrays side by side', text: `[${Array(100).fill('[]')}]`, want: 'parsed' },
    { name: '4 MB of text', text: `"${'x'.repeat(4 * 1024 * 1024 - 2)}"`, want: 'parsed' },
    {
      name: 'one byte more',
      text: `"${'x'.repeat(4 * 1024 * 1024 - 1)}"`,
      want: 'ACTION_TOO_LARGE',
    },
  ])('$name -> $want', ({ text, want }) => {
    expect(outcomeOf(() => parseJson(text))).toBe(want)
  })

  test.for(['é', '€', '😀', 'é€😀x'])('bytesMax counts the UTF-8 of %s', (text) => {
    const bytes = Buffer.byteLength(text) + 2
    const parse = (bytesMax: number) => outcomeOf(() => parseJson(`"${text}"`, { bytesMax }))
    expect(parse(bytes)).toBe('parsed')
    expect(parse(bytes - 1)).toBe('ACTION_TOO_LARGE')
    const raw = Buffer.from(`"${text}"`)
    expect(outcomeOf(() => parseJsonBytes(raw, { bytesMax: bytes - 1 }))).toBe('ACTION_TOO_LARGE')
  })
})

test('a member of a polluted prototype stays out, and its name stays usable', () => {
  const prototype = Object.prototype as Record<string, unknown>
  Object.defineProperty(prototype, 'polluted', {
    set: () => expect.unreachable('a setter of the prototype ran'),
    configurable: true,
  })
  try {
    const value = parseJson('{"polluted":1,"constructor":2}') as Record<string, JsonValue>
    expect(Object.entries(value)).toEqual([
      ['polluted', 1],
      ['constructor', 2],
    ])
  } finally {
    delete prototype['polluted']
  }
})

test('the message holds nothing of the text', () => {
  expect(() => parseJson('{"password":"hunter2" x')).toThrow(
    expect.objectContaining({ message: expect.not.stringMatching(/hunter2|password/) }),
  )
})

describe('properties', () => {
  test('what is written is read back', () => {
    fc.assert(
      fc.property(fc.jsonValue({ stringUnit: 'binary' }), (json) => {
        // A parser reads `__proto__` keys and objects as own members only; fast-check may make the key.
        const text = canonicalize(json as JsonValue)
        fc.pre(!text.includes('__proto__'))
        expect(canonicalize(parseJson(text))).toBe(text)
        expect(canonicalize(parseJson(JSON.stringify(json, null, 2)))).toBe(text)
        expect(canonicalize(parseJsonBytes(Buffer.from(text)))).toBe(text)
      }),
      { numRuns: 300 },
    )
  })

  test('what parses, JSON.parse reads alike', () => {
    const tokens = fc.constantFrom(
      ...[
        '{',
        '}',
        '[',
        ']',
        ',',
        ':',
        ' ',
        '"a"',
        '"b"',
        '"\\u0061"',
        '1',
        '-',
        '0.5',
        'e3',
        'true',
        'null',
        '"',
      ],
    )
    fc.assert(
      fc.property(fc.array(tokens, { maxLength: 9 }), (parts) => {
        const text = parts.join('')
        const ours = outcomeOf(() => parseJson(text))
        const theirs = outcomeOf(() => JSON.parse(text))
        if (ours === 'parsed') expect(parseJson(text)).toEqual(JSON.parse(text))
        else if (ours === 'JSON_MALFORMED') expect(theirs).not.toBe('parsed')
      }),
      { numRuns: 5000 },
    )
  })

  test('a decimal passes exactly when its double prints the same value', () => {
    const digits = fc.stringMatching(/^[1-9][0-9]{0,19}$/)
    fc.assert(
      fc.property(digits, fc.integer({ min: -330, max: 310 }), (mantissa, exponent) => {
        const text = `${mantissa}e${exponent}`
        const passes = outcomeOf(() => parseJson(text)) === 'parsed'
        expect(passes).toBe(sameDecimal(text, String(Number(text))))
      }),
      { numRuns: 2000 },
    )
  })
})

/** Compares decimals as fractions of BigInts: slow, and unlike the parser's way. */
function sameDecimal(a: string, b: string): boolean {
  const scaled = (text: string): bigint | undefined => {
    const match = /^(\d+)(?:\.(\d+))?(?:e([+-]?\d+))?$/.exec(text)
    if (match === null) return undefined
    const [, whole = '', fraction = '', power = '0'] = match
    return BigInt(whole + fraction) * 10n ** BigInt(Number(power) - fraction.length + 800)
  }
  return scaled(b) !== undefined && scaled(a) === scaled(b)
}

function outcomeOf(run: () => unknown): string {
  try {
    run()
    return 'parsed'
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : 'thrown'
  }
}
