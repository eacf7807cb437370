import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { textOf } from '../../../../../src/decide/rego/builtins/crypto/bytes.ts'
import { derOf, readAny, readInteger } from '../../../../../src/decide/rego/builtins/crypto/der.ts'
import type { Base64Form } from '../../../../../src/decide/rego/builtins/crypto/go-base64.ts'
import {
  decodeAnyBase64,
  decodeGoBase64,
  decodeLooseUrl,
} from '../../../../../src/decide/rego/builtins/crypto/go-base64.ts'
import { goUrlText, parseGoUrl } from '../../../../../src/decide/rego/builtins/crypto/go-url.ts'
import { parseMailbox } from '../../../../../src/decide/rego/builtins/crypto/mail-names.ts'
import { nextPem } from '../../../../../src/decide/rego/builtins/crypto/pem.ts'
import { cpuMs } from '../../../../support/cpu.ts'

describe('base64', () => {
  test('what another library writes -> the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        const standard = Buffer.from(bytes).toString('base64')
        const url = Buffer.from(bytes).toString('base64url')
        expect(decodeGoBase64(standard, 'standard')).toEqual(bytes)
        expect(decodeGoBase64(standard.replaceAll('=', ''), 'raw-standard')).toEqual(bytes)
        expect(decodeGoBase64(url, 'raw-url')).toEqual(bytes)
        expect(decodeLooseUrl(url)).toEqual(bytes)
        expect(decodeAnyBase64(url)).toEqual(bytes)
        expect(decodeAnyBase64(standard)).toEqual(bytes)
      }),
    )
  })

  // Positions by Go's encoding/base64.
  test.for<{ text: string; form?: Base64Form; at: number | undefined }>([
    { text: 'QU\r\nI=', at: undefined },
    { text: 'QUJ=', at: undefined },
    { text: 'QU==', at: undefined },
    { text: 'QU=\n=\n', at: undefined },
    { text: 'Q', at: 0 },
    { text: 'QUJDQ', at: 4 },
    { text: 'QUI', at: 0 },
    { text: 'QU=', at: 3 },
    { text: 'Q===', at: 1 },
    { text: 'QU=A', at: 2 },
    { text: 'QUI=A', at: 4 },
    { text: 'QU I', at: 2 },
    { text: 'QU-I', at: 2 },
    { text: 'QU/I', form: 'url', at: 2 },
    { text: 'QU==', form: 'raw-standard', at: 2 },
    { text: 'é', at: 0 },
  ])('$text ($form) -> fault at $at', ({ text, form = 'standard', at }) => {
    if (at === undefined) expect(decodeGoBase64(text, form)).toBeInstanceOf(Uint8Array)
    else {
      expect(() => decodeGoBase64(text, form)).toThrow(
        new RegExp(`^illegal base64 data at input byte ${at}$`),
      )
    }
  })
})

describe('UTF-8', () => {
  test('well-formed bytes -> their text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(textOf(new TextEncoder().encode(text))).toBe(text)
      }),
      { numRuns: 50 },
    )
  })

  test.for([
    { bytes: [0x61, 0xff, 0x62], want: 'a\ufffdb' },
    { bytes: [0xe2, 0x82], want: '\ufffd\ufffd' },
    { bytes: [0xe2, 0x82, 0x41], want: '\ufffd\ufffdA' },
    { bytes: [0xc0, 0x80], want: '\ufffd\ufffd' },
    { bytes: [0xed, 0xa0, 0x80], want: '\ufffd\ufffd\ufffd' },
    { bytes: [0xf4, 0x90, 0x80, 0x80], want: '\ufffd\ufffd\ufffd\ufffd' },
    { bytes: [0xf0, 0x9f, 0x98, 0x80], want: '😀' },
    { bytes: [0xef, 0xbb, 0xbf, 0x61], want: '\ufeffa' },
  ])('$bytes -> each wrong byte replaced, as in Go', ({ bytes, want }) => {
    expect(textOf(Uint8Array.from(bytes))).toBe(want)
  })
})

describe('PEM', () => {
  const block = '-----BEGIN X-----\nQUJD\n-----END X-----\n'
  test.for([
    { name: 'a block', text: block, rest: '' },
    { name: 'text around it', text: `before\n${block}after`, rest: 'after' },
    { name: 'carriage returns', text: block.replaceAll('\n', '\r\n'), rest: '' },
    { name: 'no line end at the end', text: block.trimEnd(), rest: '' },
    { name: 'headers', text: block.replace('\n', '\nA: b\nC: d\n\n'), rest: '' },
    { name: 'blanks in its lines', text: block.replace('QU', ' Q U\t'), rest: '' },
    { name: 'a block without an end before it', text: `-----BEGIN X-----\nAA\n${block}`, rest: '' },
    { name: 'a faulty block before it', text: block.replace('QUJD', '!') + block, rest: '' },
  ])('$name -> found', ({ text, rest }) => {
    expect(nextPem(text)).toEqual({
      block: { type: 'X', bytes: Uint8Array.from(Buffer.from('ABC')) },
      rest,
    })
  })

  test.for([
    { name: 'nothing', text: '' },
    { name: 'no end', text: '-----BEGIN X-----\nQUJD\n' },
    { name: 'another end', text: block.replace('END X', 'END Y') },
    { name: 'not at the start of a line', text: ` ${block}` },
    { name: 'something behind the end', text: `${block.trimEnd()}x` },
    { name: 'faulty base64', text: block.replace('QUJD', 'QUJ') },
    { name: 'headers that run into the end', text: '-----BEGIN X-----\nA: b\n-----END X-----\n' },
  ])('$name -> none', ({ text }) => {
    expect(nextPem(text)).toBeUndefined()
  })

  test('an empty block -> no bytes', () => {
    expect(nextPem('-----BEGIN X-----\n-----END X-----')?.block.bytes).toHaveLength(0)
  })

  test('many beginnings and ends take no time that is worth speaking of', () => {
    const started = cpuMs()
    nextPem(`${'-----BEGIN :-----\n-----END :\n'.repeat(20_000)}x`)
    nextPem('-----BEGIN X-----\n'.repeat(20_000) + '\n-----END Y-----'.repeat(20_000))
    expect(cpuMs() - started).toBeLessThan(8_000)
  })
})

describe('DER', () => {
  test.for([
    { hex: '020100', want: 0n },
    { hex: '02017f', want: 127n },
    { hex: '02020080', want: 128n },
    { hex: '020180', want: -128n },
    { hex: '0201ff', want: -1n },
    { hex: '0202ff7f', want: -129n },
    { hex: '0209010000000000000000', want: 2n ** 64n },
    { hex: '0200', want: undefined },
    { hex: '0202007f', want: undefined },
    { hex: '0202ff80', want: undefined },
    { hex: '0302007f', want: undefined },
    { hex: '02', want: undefined },
    { hex: '', want: undefined },
  ])('integer $hex -> $want', ({ hex, want }) => {
    expect(readInteger(derOf(Buffer.from(hex, 'hex')))).toBe(want)
  })

  test.for([
    { hex: '04820080', length: 128, want: false },
    { hex: '0481', length: 0, want: false },
    { hex: '048101', length: 1, want: false },
    { hex: '04817f', length: 127, want: false },
    { hex: '048180', length: 128, want: true },
    { hex: '0483010000', length: 65536, want: true },
    { hex: '0483000100', length: 256, want: false },
    { hex: '048500000000', length: 1, want: false },
    { hex: '0480', length: 2, want: false },
    { hex: '04820100', length: 255, want: false },
  ])('$hex and $length bytes -> $want', ({ hex, length, want }) => {
    const bytes = Buffer.concat([Buffer.from(hex, 'hex'), Buffer.alloc(length)])
    expect(readAny(derOf(bytes)) !== undefined).toBe(want)
  })

  test('any bytes -> an element that lies within them, or none and the cursor stays', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        const der = derOf(bytes)
        const element = readAny(der)
        if (element === undefined) expect(der.at).toBe(0)
        else expect(element.whole).toEqual(bytes.subarray(0, der.at))
      }),
    )
  })
})

// Parts by Go's net/url.
test.for([
  {
    text: 'https://u:p@h.example:1/a%2Fb?q#f',
    want: { host: 'h.example:1', path: '/a/b', rawPath: '/a%2Fb' },
  },
  { text: 'urn:isbn:1', want: { scheme: 'urn', opaque: 'isbn:1', host: '' } },
  { text: 'http://h?', want: { forceQuery: true, rawQuery: '' } },
  { text: 'file:/a', want: { omitHost: true, path: '/a' } },
  { text: 'HTTP://H/', want: { scheme: 'http', host: 'H' } },
  { text: 'http://[fe80::1%25en0]:80/', want: { host: '[fe80::1%en0]:80' } },
])('$text -> its parts, and the same text again', ({ text, want }) => {
  const url = parseGoUrl(text)
  expect(url).toMatchObject(want)
  expect(goUrlText(url)).toBe(text.replace('HTTP', 'http'))
})

test.for([
  'http://[::1',
  'http://a b/',
  ':x',
  'http://h:x/',
  'a%zz',
  'http://[1.2.3.4]/',
  'a:b/c\u0000',
])('%s -> no URL', (text) => {
  expect(() => parseGoUrl(text)).toThrow(expect.objectContaining({ name: 'BuiltinError' }))
})

test.for([
  { text: 'a@b.c', want: { local: 'a', domain: 'b.c' } },
  { text: '"a b"@c', want: { local: 'a b', domain: 'c' } },
  { text: '"a\\"b"@c', want: { local: 'a"b', domain: 'c' } },
  { text: 'a\\@b@c', want: { local: 'a@b', domain: 'c' } },
  { text: 'a@', want: { local: 'a', domain: '' } },
  { text: '@b', want: undefined },
  { text: '.a@b', want: undefined },
  { text: 'a..b@c', want: undefined },
  { text: 'a@b..c', want: undefined },
  { text: 'a@b.', want: undefined },
  { text: 'a b@c', want: undefined },
  { text: '"a@b', want: undefined },
])('$text -> mailbox $want', ({ text, want }) => {
  expect(parseMailbox(text)).toEqual(want)
})
