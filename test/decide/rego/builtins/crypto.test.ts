import { createHash, createHmac, generateKeyPairSync } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CRYPTO } from '../../../../src/decide/rego/builtins/crypto.ts'
import type { Value } from '../../../../src/decide/rego/values/value.ts'
import { objectEntries } from '../../../../src/decide/rego/values/value.ts'
import { caller } from './tagged-values.ts'

const call = caller(CRYPTO)

// RFC 1321 appendix A.5, RFC 3174 section 7.3, FIPS 180-4 examples, RFC 4231 sections 4.2 and 4.3.
test.for([
  { name: 'crypto.md5', operands: ['abc'], want: '900150983cd24fb0d6963f7d28e17f72' },
  { name: 'crypto.sha1', operands: ['abc'], want: 'a9993e364706816aba3e25717850c26c9cd0d89d' },
  {
    name: 'crypto.sha256',
    operands: ['abc'],
    want: 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
  },
  {
    name: 'crypto.hmac.sha256',
    operands: ['what do ya want for nothing?', 'Jefe'],
    want: '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
  },
  {
    name: 'crypto.hmac.sha256',
    operands: ['Hi There', '\u000b'.repeat(20)],
    want: 'b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7',
  },
])('$name$operands -> the standard says', ({ name, operands, want }) => {
  expect(call(name, ...operands)).toBe(want)
})

test('hashes and codes of any text are those of another library', () => {
  const text = fc.string({ unit: 'grapheme', maxLength: 300 })
  fc.assert(
    fc.property(text, text, (message, key) => {
      for (const hash of ['md5', 'sha1', 'sha256']) {
        expect(call(`crypto.${hash}`, message)).toBe(createHash(hash).update(message).digest('hex'))
      }
      for (const hash of ['md5', 'sha1', 'sha256', 'sha512']) {
        expect(call(`crypto.hmac.${hash}`, message, key)).toBe(
          createHmac(hash, key).update(message).digest('hex'),
        )
      }
    }),
  )
})

test.for(Object.keys(CRYPTO))('%s refuses what is no text', (name) => {
  for (const operand of [1, null, ['a'], { a: 'b' }, true]) {
    expect(() => call(name, operand as Value, operand as Value)).toThrow(
      expect.objectContaining({ name: 'BuiltinError', code: 'eval_type_error' }),
    )
  }
})

test('a long text is charged by its length', () => {
  expect(() => call('crypto.sha256', 'x'.repeat(5_000_000))).toThrow('no steps left')
})

describe('private keys', () => {
  const pairs = {
    rsa: generateKeyPairSync('rsa', { modulusLength: 1024 }),
    p256: generateKeyPairSync('ec', { namedCurve: 'P-256' }),
    p521: generateKeyPairSync('ec', { namedCurve: 'P-521' }),
    ed25519: generateKeyPairSync('ed25519'),
    x25519: generateKeyPairSync('x25519'),
  }

  test.for(Object.entries(pairs))('%s -> the JWK of another library', ([, { privateKey }]) => {
    const pem = privateKey.export({ format: 'pem', type: 'pkcs8' }) as string
    const jwk = call('crypto.x509.parse_rsa_private_key', pem)
    expect(Object.fromEntries(objectEntries(jwk as never))).toEqual(
      privateKey.export({ format: 'jwk' }),
    )
    expect(call('crypto.parse_private_keys', pem + pem)).toHaveLength(2)
  })

  test.for([
    { name: 'no text', source: '', want: null },
    { name: 'base64 of nothing known', source: 'nope', want: [] },
    {
      name: 'a public key',
      source: pairs.p256.publicKey.export({ format: 'pem', type: 'spki' }),
      want: [],
    },
    { name: 'a block cut short', source: '-----BEGIN PRIVATE KEY-----\nAAAA\n', want: [] },
  ])('$name -> $want', ({ source, want }) => {
    expect(call('crypto.parse_private_keys', source as string)).toEqual(want)
  })

  test.for([
    { name: 'a scalar of zero', bytes: sec1(Buffer.alloc(32)) },
    { name: 'a scalar above the order', bytes: sec1(Buffer.alloc(32, 0xff)) },
    { name: 'a scalar too long', bytes: sec1(Buffer.alloc(33, 1)) },
    { name: 'a curve that is unknown', bytes: sec1(Buffer.alloc(32, 1), '06052b8104000a') },
  ])('$name -> refused', ({ bytes }) => {
    const pem = `-----BEGIN EC PRIVATE KEY-----\n${bytes.toString('base64')}\n-----END EC PRIVATE KEY-----\n`
    expect(() => call('crypto.parse_private_keys', pem)).toThrow(/x509|ecdsa/)
  })
})

/** RFC 5915: version 1, the scalar, and a curve, that of P-256 if no other is given. */
function sec1(scalar: Buffer, curve = '06082a8648ce3d030107'): Buffer {
  const named = Buffer.from(curve, 'hex')
  const body = [2, 1, 1, 4, scalar.length, ...scalar, 0xa0, named.length, ...named]
  return Buffer.from([0x30, body.length, ...body])
}
