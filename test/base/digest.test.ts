import { createHash, createHmac } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  bytesEqual,
  digestBytes,
  digestOf,
  fromUtf8,
  hmacKey,
  hmacSha256,
  parseDigest,
  sha256,
  sha256Hex,
  sha256Text,
  utf8,
} from '../../src/base/digest.ts'
import { digestLines } from '../../src/base/digest-lines.ts'

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const codeOf = (code: string) => expect.objectContaining({ code })
const EMPTY = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'

test('FIPS 180-4 examples', () => {
  expect(sha256Hex('')).toBe(EMPTY)
  expect(sha256Hex('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad')
})

/** RFC 4231 section 4: https://www.rfc-editor.org/rfc/rfc4231#section-4 */
test.for([
  {
    name: 'case 1',
    key: '0b'.repeat(20),
    data: '4869205468657265',
    want: 'b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7',
  },
  {
    name: 'case 2',
    key: '4a656665',
    data: '7768617420646f2079612077616e7420666f72206e6f7468696e673f',
    want: '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
  },
  {
    name: 'case 3',
    key: 'aa'.repeat(20),
    data: 'dd'.repeat(50),
    want: '773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe',
  },
])('RFC 4231 $name', ({ key, data, want }) => {
  expect(hex(hmacSha256(Buffer.from(key, 'hex'), Buffer.from(data, 'hex')))).toBe(want)
})

test('any chunks, keys and texts -> the digests of node:crypto', () => {
  const bytes = fc.uint8Array({ maxLength: 300 })
  const text = fc.string({ unit: 'binary', maxLength: 2000 })
  fc.assert(
    fc.property(fc.array(bytes), bytes, text, (chunks, key, message) => {
      const whole = Buffer.concat(chunks)
      expect(hex(sha256(...chunks))).toBe(createHash('sha256').update(whole).digest('hex'))
      expect(hex(sha256Text(message))).toBe(createHash('sha256').update(message).digest('hex'))
      const want = createHmac('sha256', key).update(message).digest('hex')
      const prepared = hmacKey(key)
      expect(hex(hmacSha256(key, message))).toBe(want)
      expect(hex(hmacSha256(prepared, message))).toBe(want)
      expect(hex(hmacSha256(prepared, utf8(message)))).toBe(want)
    }),
  )
})

test('a digest given away is not overwritten by the next', () => {
  const first = sha256(utf8('a'))
  const copy = hex(first)
  sha256(utf8('b'))
  hmacSha256(first, 'c')
  expect(hex(first)).toBe(copy)
})

test('digests read back', () => {
  expect(digestOf('')).toBe(`sha256:${EMPTY}`)
  expect(parseDigest(`sha256:${EMPTY}`)).toBe(`sha256:${EMPTY}`)
  expect(hex(digestBytes(`sha256:${EMPTY}`))).toBe(EMPTY)
})

test.for([
  { name: 'no prefix', text: EMPTY },
  { name: 'another hash', text: `sha512:${EMPTY}` },
  { name: 'upper case', text: `sha256:${EMPTY.toUpperCase()}` },
  { name: 'one digit less', text: `sha256:${EMPTY.slice(1)}` },
  { name: 'a line feed behind', text: `sha256:${EMPTY}\n` },
])('a digest with $name -> DIGEST_INVALID', ({ text }) => {
  expect(() => parseDigest(text)).toThrow(codeOf('DIGEST_INVALID'))
})

test('a lone surrogate has no UTF-8 and no digest', () => {
  for (const refused of [
    () => utf8('\ud800'),
    () => sha256Hex('\ud800'),
    () => sha256Text('\udc00'.repeat(5000)),
  ]) {
    expect(refused).toThrow(codeOf('UTF8_INVALID'))
  }
})

test.for([
  { name: 'an overlong form', bytes: [0xc0, 0x80] },
  { name: 'a surrogate', bytes: [0xed, 0xa0, 0x80] },
  { name: 'a cut sequence', bytes: [0xe2, 0x82] },
])('$name -> UTF8_INVALID', ({ bytes }) => {
  expect(() => fromUtf8(Uint8Array.from(bytes))).toThrow(codeOf('UTF8_INVALID'))
})

test('UTF-8 round trips, a byte order mark included', () => {
  for (const text of ['', 'é€😀', '\ufeffx']) expect(fromUtf8(utf8(text))).toBe(text)
})

test('bytesEqual: equal, other, longer, shorter', () => {
  const bytes = Uint8Array.of(1, 2, 3)
  expect(bytesEqual(bytes, Uint8Array.of(1, 2, 3))).toBe(true)
  expect(bytesEqual(bytes, Uint8Array.of(1, 2, 4))).toBe(false)
  expect(bytesEqual(bytes, Uint8Array.of(1, 2, 3, 0))).toBe(false)
  expect(bytesEqual(bytes, Uint8Array.of())).toBe(false)
})

test('digestLines: the digest of canonical texts, one a line', () => {
  expect(digestLines([])).toBe(`sha256:${EMPTY}`)
  expect(digestLines([{ b: 1, a: 'x\ny' }, [null]])).toBe(digestOf('{"a":"x\\ny","b":1}\n[null]\n'))
  expect(digestLines(['a', 'b'])).not.toBe(digestLines(['b', 'a']))
  expect(digestLines([['a', 'b']])).not.toBe(digestLines(['a', 'b']))
})
