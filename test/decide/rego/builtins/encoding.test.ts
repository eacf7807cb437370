import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { BuiltinError } from '../../../../src/decide/rego/builtins/builtin.ts'
import { ENCODING } from '../../../../src/decide/rego/builtins/encoding.ts'
import { URI } from '../../../../src/decide/rego/builtins/uri.ts'
import { valueText } from '../../../../src/decide/rego/values/text.ts'
import type { Value } from '../../../../src/decide/rego/values/value.ts'
import { objectOf } from '../../../../src/decide/rego/values/value.ts'
import { testOracleAnswers } from './oracle-answers.ts'
import { caller, newCall } from './tagged-values.ts'

const FAMILY = { ...ENCODING, ...URI }
const call = caller(FAMILY)

testOracleAnswers('encoding.json', FAMILY)

describe('bytes that are no UTF-8', () => {
  test.for([
    ['base64.decode', '/w=='],
    ['base64.decode', '7aCA'], // The bytes of a lone surrogate.
    ['base64url.decode', '_w'],
    ['hex.decode', 'ff'],
    ['hex.decode', 'c0af'], // An overlong slash.
    ['urlquery.decode', '%ff'],
    ['urlquery.decode_object', 'a=%c3'],
    ['uri.parse', 'https://host/%ff'],
    ['uri.parse', 'https://%ff/'],
  ])('%s %s -> refused', ([name = '', text = '']) => {
    expect(() => call(name, text)).toThrow(BuiltinError)
  })

  test('are no fault of what only asks', () => {
    expect(call('base64.is_valid', '/w==')).toBe(true)
    expect(call('uri.is_valid', 'https://%ff/%ff')).toBe(true)
  })
})

test('encodings agree with those of Node, both ways', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 40 }), (text) => {
      const bytes = Buffer.from(text)
      expect(call('base64.encode', text)).toBe(bytes.toString('base64'))
      expect(call('base64url.encode_no_pad', text)).toBe(bytes.toString('base64url'))
      expect(call('hex.encode', text)).toBe(bytes.toString('hex'))
      expect(call('base64.decode', bytes.toString('base64'))).toBe(text)
      expect(call('base64url.decode', bytes.toString('base64url'))).toBe(text)
      expect(call('hex.decode', bytes.toString('hex').toUpperCase())).toBe(text)
      expect(call('urlquery.decode', call('urlquery.encode', text) as Value)).toBe(text)
    }),
  )
})

test('a query is read as it was written, names in their order', () => {
  fc.assert(
    fc.property(
      fc.dictionary(fc.string(), fc.array(fc.string(), { minLength: 1, maxLength: 3 })),
      (parameters) => {
        const object = objectOf(Object.entries(parameters))
        const text = call('urlquery.encode_object', object) as string
        expect(valueText(call('urlquery.decode_object', text) as Value)).toBe(valueText(object))
      },
    ),
  )
})

test('a name of Object.prototype is a name like any other', () => {
  const object = call('urlquery.decode_object', '__proto__=a&constructor=b') as Value
  expect(valueText(object)).toBe('{"__proto__": ["a"], "constructor": ["b"]}')
})

test.for([
  ['10,001 parameters', 'urlquery.decode_object', '&'.repeat(10_000)],
  ['a million escapes', 'urlquery.decode', '%41'.repeat(1_000_000)],
  ['two million characters', 'base64.encode', 'a'.repeat(2_100_000)],
  ['a long URL', 'uri.parse', `/${'!'.repeat(1_100_000)}`],
])('%s -> refused', ([, name = '', text = '']) => {
  expect(() => call(name, text)).toThrow()
})

test('what it costs grows with the text', () => {
  const spent = (length: number): number => {
    const meter = newCall()
    ENCODING['hex.encode']?.(meter, 'a'.repeat(length))
    return 1_000_000 - meter.steps
  }
  expect(spent(100_000)).toBe(10 * spent(10_000))
})
