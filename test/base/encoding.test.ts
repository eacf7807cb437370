import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  decodeBase64,
  decodeBase64url,
  decodeHex,
  encodeBase64,
  encodeBase64url,
  encodeBase64urlAscii,
  encodeHex,
} from '../../src/base/encoding.ts'

const codeOf = (code: string) => expect.objectContaining({ code })

/** RFC 4648 section 10: https://www.rfc-editor.org/rfc/rfc4648#section-10 */
test.for([
  ['', '', ''],
  ['f', 'Zg==', '66'],
  ['fo', 'Zm8=', '666f'],
  ['foo', 'Zm9v', '666f6f'],
  ['foob', 'Zm9vYg==', '666f6f62'],
  ['fooba', 'Zm9vYmE=', '666f6f6261'],
  ['foobar', 'Zm9vYmFy', '666f6f626172'],
] as const)('RFC 4648: %s <-> %s, %s', ([text, base64, hex]) => {
  const bytes = Uint8Array.from(Buffer.from(text))
  expect(encodeBase64(bytes)).toBe(base64)
  expect(decodeBase64(base64)).toEqual(bytes)
  expect(encodeHex(bytes)).toBe(hex)
  expect(decodeHex(hex)).toEqual(bytes)
})

test('any bytes -> the texts of Node, and back', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      const node = Buffer.from(bytes)
      expect(encodeHex(bytes)).toBe(node.toString('hex'))
      expect(encodeBase64(bytes)).toBe(node.toString('base64'))
      expect(encodeBase64url(bytes)).toBe(node.toString('base64url'))
      expect(decodeHex(encodeHex(bytes))).toEqual(bytes)
      expect(decodeBase64(encodeBase64(bytes))).toEqual(bytes)
      expect(decodeBase64url(encodeBase64url(bytes))).toEqual(bytes)
    }),
    { numRuns: 500 },
  )
})

test('long bytes and ASCII texts -> the texts of Node', () => {
  const long = new Uint8Array(100_001).map((_, i) => (i * 31) & 255)
  expect(encodeBase64(long)).toBe(Buffer.from(long).toString('base64'))
  expect(decodeBase64url(encodeBase64url(long))).toEqual(long)
  for (const text of ['', '?', '??', '???>>>~~~']) {
    expect(encodeBase64urlAscii(text)).toBe(Buffer.from(text).toString('base64url'))
  }
})

test('any text that decodes is the one text of its bytes', () => {
  const alphabet = fc.constantFrom(...'ABQZaz019+/-_= \n')
  fc.assert(
    fc.property(fc.string({ unit: alphabet, maxLength: 9 }), (text) => {
      for (const [decode, encode] of [
        [decodeBase64, encodeBase64],
        [decodeBase64url, encodeBase64url],
      ] as const) {
        let bytes: Uint8Array
        try {
          bytes = decode(text)
        } catch (error) {
          expect(error).toMatchObject({ code: 'BASE64_INVALID' })
          continue
        }
        expect(encode(bytes)).toBe(text)
      }
    }),
    { numRuns: 2000 },
  )
})

test.for([
  'Zg',
  'Zg=',
  'Zg===',
  'Zh==',
  'Zm9=',
  'Zm9v\n',
  ' Zm9v',
  'Zm 9v',
  'Zm-_',
  '====',
  'Z===',
  'Zg==Zg==',
  'Zé==',
  'Z😀==',
])('base64 %j -> BASE64_INVALID', (text) => {
  expect(() => decodeBase64(text)).toThrow(codeOf('BASE64_INVALID'))
})

test.for(['Zg==', 'Zh', 'Zm9', 'Z', 'Zm9vY', 'Zm+/', 'Zm9v\n', 'Zm9v='])(
  'base64url %j -> BASE64_INVALID',
  (text) => {
    expect(() => decodeBase64url(text)).toThrow(codeOf('BASE64_INVALID'))
  },
)

test.for(['0', '0g', 'AB', ' 00', '00\n', '0x00'])('hex %j -> HEX_INVALID', (text) => {
  expect(() => decodeHex(text)).toThrow(codeOf('HEX_INVALID'))
})
