import { constants, createHash, generateKeyPairSync, sign, verify } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { bitLength, wholeOf } from '../../../../../src/decide/rego/builtins/crypto/bytes.ts'
import { inverse, power } from '../../../../../src/decide/rego/builtins/crypto/modular.ts'
import type { RsaPrivateKey } from '../../../../../src/decide/rego/builtins/crypto/rsa.ts'
import {
  checkedPrivateKey,
  signPkcs1,
  verifyPkcs1,
  verifyPss,
} from '../../../../../src/decide/rego/builtins/crypto/rsa.ts'
import { newCall } from '../tagged-values.ts'

const message = Buffer.from('message')

describe('powers and inverses', () => {
  const small = fc.bigInt({ min: 0n, max: 2n ** 90n })
  test('are those of the definition', () => {
    fc.assert(
      fc.property(small, fc.bigInt({ min: 0n, max: 300n }), small, (base, exponent, limit) => {
        const modulus = limit + 1n
        expect(power(base % modulus, exponent, modulus)).toBe(base ** exponent % modulus)
      }),
    )
  })

  test('of long exponents: the sum of two is the product', () => {
    fc.assert(
      fc.property(small, fc.bigInt({ min: 2n ** 64n, max: 2n ** 200n }), small, (a, e, n) => {
        const modulus = n + 1n
        const base = a % modulus
        const twice = power(base, e, modulus) * power(base, e + 1n, modulus)
        expect(power(base, 2n * e + 1n, modulus)).toBe(twice % modulus)
      }),
    )
  })

  test('an inverse times its number is 1, and there is none for what shares a factor', () => {
    fc.assert(
      fc.property(small, small, (a, n) => {
        const modulus = n + 2n
        const found = inverse(a % modulus, modulus)
        if (found === undefined) expect(gcd(a, modulus)).not.toBe(1n)
        else expect((found * a) % modulus).toBe(1n)
      }),
    )
  })
})

// Moduli of whole bytes, of one bit more and of one less: PSS encodes each in its own way.
describe.for([1024, 1025, 1031, 1032, 2048])('%i bits', (modulusLength) => {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength })
  const key = keyOf(privateKey.export({ format: 'jwk' }))
  test.for(['sha1', 'sha256', 'sha384', 'sha512'] as const)('%s: PKCS #1', (hash) => {
    const signed = { hash, digest: createHash(hash).update(message).digest() }
    const signature = signPkcs1(newCall(), key, signed)
    expect(Buffer.from(signature)).toEqual(sign(hash, message, privateKey))
    expect(verify(hash, message, publicKey, signature)).toBe(true)
    expect(verifyPkcs1(newCall(), key, signed, signature)).toBe(true)
    expect(
      verifyPkcs1(newCall(), key, { ...signed, digest: signed.digest.subarray(1) }, signature),
    ).toBe(false)
    for (const bad of [
      signature.subarray(1),
      Uint8Array.of(...signature, 0),
      plus(signature, key.n),
    ]) {
      expect(verifyPkcs1(newCall(), key, signed, bad)).toBe(false)
    }
  })

  test.for([
    { hash: 'sha256', saltLength: 32 },
    { hash: 'sha256', saltLength: 0 },
    { hash: 'sha256', saltLength: 17 },
    { hash: 'sha384', saltLength: 48 },
  ] as const)('$hash: PSS with a salt of $saltLength', ({ hash, saltLength }) => {
    const padding = constants.RSA_PKCS1_PSS_PADDING
    const signature = sign(hash, message, { key: privateKey, padding, saltLength })
    const signed = { hash, digest: createHash(hash).update(message).digest() }
    const holds = (bytes: Uint8Array, length?: number) =>
      verifyPss(newCall(), key, signed, bytes, length)
    expect(holds(signature)).toBe(true)
    expect(holds(signature, saltLength)).toBe(true)
    expect(holds(signature, saltLength + 1)).toBe(false)
    const other = { ...signed, digest: createHash(hash).update('other').digest() }
    expect(verifyPss(newCall(), key, other, signature, undefined)).toBe(false)
    for (let at = 0; at < signature.length; at += 13) {
      const altered = Uint8Array.from(signature)
      altered[at] = (altered[at] ?? 0) ^ 0x10
      expect(holds(altered)).toBe(false)
    }
    expect(verifyPkcs1(newCall(), key, signed, signature)).toBe(false)
  })
})

// Of each a signature is known that holds by arithmetic alone: a root of the encoded message, the modulus made to suit.
test.for([
  { name: 'a sound key', exponent: 3, bytes: 129, odd: true, want: true },
  { name: 'an even modulus', exponent: 3, bytes: 129, odd: false, want: false },
  { name: 'an even exponent', exponent: 2, bytes: 129, odd: true, want: false },
  { name: 'an exponent of 1', exponent: 1, bytes: 129, odd: true, want: false },
  { name: 'a modulus of less than 1,024 bits', exponent: 3, bytes: 127, odd: true, want: false },
  { name: 'a modulus of more than 8,192 bits', exponent: 3, bytes: 1025, odd: true, want: false },
])('$name -> $want', ({ exponent, bytes, odd, want }) => {
  const signed = { hash: 'sha256', digest: createHash('sha256').update(message).digest() } as const
  const info = Buffer.from('3031300d060960864801650304020105000420', 'hex')
  const tail = Buffer.concat([Buffer.of(0), info, signed.digest])
  const filling = Buffer.alloc(bytes - tail.length - 2, 0xff)
  const encoded = wholeOf(Buffer.concat([Buffer.of(0, 1), filling, tail]))
  let root = exponent === 1 ? encoded : 1n << BigInt(Math.ceil((8 * bytes - 4) / exponent))
  if (((root ** BigInt(exponent) - encoded) % 2n === 0n) === odd) root += exponent === 1 ? 0n : 1n
  const n = exponent === 1 ? encoded * 4096n + 1n : root ** BigInt(exponent) - encoded
  const signature = Buffer.from(root.toString(16).padStart(2 * bytes, '0'), 'hex')
  const key = { kind: 'rsa', n, e: BigInt(exponent) } as const
  expect(Math.ceil(bitLength(n) / 8)).toBe(bytes)
  expect(verifyPkcs1(newCall(), key, signed, signature)).toBe(want)
})

test('PSS with another trailer, separator or filling -> not verified', () => {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 1024 })
  const key = keyOf(privateKey.export({ format: 'jwk' }))
  const signed = { hash: 'sha256', digest: createHash('sha256').update(message).digest() } as const
  const padding = constants.RSA_PKCS1_PSS_PADDING
  const made = sign('sha256', message, { key: privateKey, padding, saltLength: 32 })
  const encoded = power(wholeOf(made), key.e, key.n)
  // Bits of the masked block flip those of the block.
  const separatorAt = 8n * BigInt(32 + 1 + 32)
  for (const { flip, want } of [
    { flip: 0n, want: true },
    { flip: 0x01n, want: false },
    { flip: 0x03n << separatorAt, want: false },
    { flip: 0x01n << separatorAt, want: false },
    { flip: 0x01n << (separatorAt + 8n), want: false },
    { flip: 0x40n << (8n * 127n), want: false },
  ]) {
    const forged = power(encoded ^ flip, key.d, key.n)
      .toString(16)
      .padStart(256, '0')
    const signature = Buffer.from(forged, 'hex')
    expect(verifyPss(newCall(), key, signed, signature, undefined)).toBe(want)
    expect(verifyPss(newCall(), key, signed, signature, 32)).toBe(want)
  }
})

test('a key of primes that are too close -> refused', () => {
  const [p, q] = [2n ** 521n - 1n, 2n ** 521n - 1n]
  const key = { n: p * q, e: 65537n, d: 2n ** 900n + 1n, p, q }
  expect(() => checkedPrivateKey(newCall(), key)).toThrow(/crypto\/rsa/)
})

function keyOf(jwk: Record<string, unknown>): RsaPrivateKey {
  const part = (name: string) => wholeOf(Buffer.from(String(jwk[name]), 'base64url'))
  const [n, e, d, p, q] = ['n', 'e', 'd', 'p', 'q'].map(part) as [
    bigint,
    bigint,
    bigint,
    bigint,
    bigint,
  ]
  return checkedPrivateKey(newCall(), { n, e, d, p, q })
}

/** The same signature plus the modulus, where it fits. */
function plus(signature: Uint8Array, n: bigint): Uint8Array {
  const hex = (wholeOf(signature) + n).toString(16)
  return Buffer.from(hex.padStart(2 * Math.ceil(hex.length / 2), '0'), 'hex')
}

function gcd(a: bigint, b: bigint): bigint {
  return b === 0n ? a : gcd(b, a % b)
}
