import { createHash, createPublicKey, verify } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { utf8 } from '../../src/base/digest.ts'
import { encodeBase64url } from '../../src/base/encoding.ts'
import type { SshPublicKey, SshSignature } from '../../src/base/ssh-encoding.ts'
import {
  encodeSshsig,
  parseSshPublicKey,
  parseSshSignature,
  parseSshsig,
  sshFingerprint,
  sshsigSignedData,
} from '../../src/base/ssh-encoding.ts'
import { concatBytes, readWire, wireString, wireUint32 } from '../../src/base/ssh-wire.ts'
import vectors from '../vectors/sshsig.json' with { type: 'json' }

const codeOf = (code: string) => expect.objectContaining({ code })
const text = (value: string) => wireString(utf8(value))
const bytes = (length: number, first = 1) =>
  Uint8Array.of(first, ...new Uint8Array(length - 1).fill(7))
const CURVES = { nistp256: 'P-256', nistp384: 'P-384', nistp521: 'P-521' } as const

describe('what ssh-keygen wrote', () => {
  test.for(vectors.signatures)('$name: reads, verifies, writes back', (vector) => {
    const read = parseSshsig(vector.armoured)
    const blob = Uint8Array.from(Buffer.from(vector.public_key, 'base64'))
    expect(Uint8Array.from(read.publicKey)).toEqual(blob)
    expect(read.fingerprint).toBe(vector.fingerprint)
    expect(sshFingerprint(blob)).toBe(vector.fingerprint)
    expect(read).toMatchObject({ namespace: vectors.namespace, hash: vector.hash })
    const digest = createHash(vector.hash).update(vectors.message).digest()
    const signed = sshsigSignedData(read.namespace, read.hash, digest)
    expect(verifies(read.key, read.parsed, signed)).toBe(true)
    expect(verifies(read.key, read.parsed, concatBytes(signed, bytes(1)))).toBe(false)
    expect(encodeSshsig(read)).toBe(vector.armoured)
    expect(parseSshsig(vector.armoured.replaceAll('\n', '\r\n')).fingerprint).toBe(
      vector.fingerprint,
    )
  })
})

const FIRST = vectors.signatures.find(({ name }) => name === 'ed25519-sha512')?.armoured ?? ''
const OTHER = vectors.signatures.find(({ name }) => name === 'rsa2048-sha512')?.armoured ?? ''
const PARTS = parseSshsig(FIRST)

/** The armour around any bytes. */
function armour(blob: Uint8Array): string {
  const base64 = Buffer.from(blob)
    .toString('base64')
    .replaceAll(/.{70}(?=.)/g, '$&\n')
  return `-----BEGIN SSH SIGNATURE-----\n${base64}\n-----END SSH SIGNATURE-----\n`
}

type Change = {
  magic?: string
  version?: number
  namespace?: string
  reserved?: string
  hash?: string
  signature?: Uint8Array
  tail?: Uint8Array
}

function altered(change: Change): string {
  return armour(
    concatBytes(
      utf8(change.magic ?? 'SSHSIG'),
      wireUint32(change.version ?? 1),
      wireString(PARTS.publicKey),
      text(change.namespace ?? PARTS.namespace),
      text(change.reserved ?? ''),
      text(change.hash ?? PARTS.hash),
      wireString(change.signature ?? PARTS.signature),
      change.tail ?? new Uint8Array(),
    ),
  )
}

test('the altering helper writes the true signature when nothing is altered', () => {
  expect(altered({})).toBe(FIRST)
})

test.for<{ name: string; armoured: string }>([
  { name: 'nothing', armoured: '' },
  { name: 'no begin line', armoured: FIRST.replace('BEGIN', 'START') },
  { name: 'no end line', armoured: FIRST.slice(0, -20) },
  { name: 'text before', armoured: `x\n${FIRST}` },
  { name: 'text behind', armoured: `${FIRST}x` },
  { name: 'two signatures', armoured: FIRST + FIRST },
  {
    name: 'an empty body',
    armoured: '-----BEGIN SSH SIGNATURE-----\n-----END SSH SIGNATURE-----\n',
  },
  { name: 'white space in a line', armoured: FIRST.replace('U1NI', 'U1 NI') },
  { name: 'another magic', armoured: altered({ magic: 'SSHSIH' }) },
  { name: 'version 2', armoured: altered({ version: 2 }) },
  { name: 'an empty namespace', armoured: altered({ namespace: '' }) },
  { name: 'a reserved field in use', armoured: altered({ reserved: 'x' }) },
  { name: 'SHA-1', armoured: altered({ hash: 'sha1' }) },
  { name: 'trailing bytes', armoured: altered({ tail: bytes(1) }) },
  {
    name: 'trailing bytes in the signature',
    armoured: altered({ signature: concatBytes(PARTS.signature, bytes(1)) }),
  },
  {
    name: "another key's algorithm",
    armoured: altered({ signature: parseSshsig(OTHER).signature }),
  },
  {
    name: 'a length beyond the end',
    armoured: armour(concatBytes(utf8('SSHSIG'), wireUint32(1), wireUint32(0xffffffff))),
  },
  { name: 'too many bytes', armoured: armour(new Uint8Array(17_000)) },
  { name: 'far too much text', armoured: 'x'.repeat(40_000) },
])('SSHSIG with $name -> SIGNATURE_MALFORMED', ({ armoured }) => {
  expect(() => parseSshsig(armoured)).toThrow(codeOf('SIGNATURE_MALFORMED'))
})

test('a flipped trailing bit of base64 -> SIGNATURE_MALFORMED', () => {
  const flipped = vectors.signatures
    .filter(({ armoured }) => armoured.includes('='))
    .map(({ armoured }) =>
      armoured.replace(/([A-Za-z0-9+/])(=+)/, (_, last: string, pad: string) => next(last) + pad),
    )
  expect(flipped.length).toBeGreaterThan(0)
  for (const armoured of flipped)
    expect(() => parseSshsig(armoured)).toThrow(codeOf('SIGNATURE_MALFORMED'))
})

/** The next character of the alphabet: other unused bits, the same bytes to a lax decoder. */
function next(character: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
  return alphabet.charAt(alphabet.indexOf(character) + 1)
}

test('every cut of a signature is refused', () => {
  const blob = Buffer.from(FIRST.split('\n').slice(1, -2).join(''), 'base64')
  for (let length = 0; length < blob.length; length++) {
    expect(() => parseSshsig(armour(blob.subarray(0, length)))).toThrow(
      codeOf('SIGNATURE_MALFORMED'),
    )
  }
})

const POINT = wireString(bytes(65, 4))
const SK_ECDSA = 'sk-ecdsa-sha2-nistp256@openssh.com'
const SK_ED25519 = 'sk-ssh-ed25519@openssh.com'
const E = wireString(Uint8Array.of(1, 0, 1))
const modulus = (length: number) => wireString(bytes(length, 0x40))

test('hardware keys read with their application', () => {
  const ed = concatBytes(text(SK_ED25519), wireString(bytes(32)), text('ssh:'))
  expect(parseSshPublicKey(ed)).toEqual({
    type: SK_ED25519,
    publicKey: bytes(32),
    application: 'ssh:',
  })
  const ec = concatBytes(text(SK_ECDSA), text('nistp256'), POINT, text('ssh:work'))
  expect(parseSshPublicKey(ec)).toMatchObject({
    type: SK_ECDSA,
    curve: 'nistp256',
    application: 'ssh:work',
  })
})

test('hardware signatures read with flags and counter', () => {
  const ed = concatBytes(text(SK_ED25519), wireString(bytes(64)), Uint8Array.of(5), wireUint32(9))
  expect(parseSshSignature(ed)).toMatchObject({ algorithm: SK_ED25519, flags: 5, counter: 9 })
  const numbers = concatBytes(wireString(bytes(32)), wireString(Uint8Array.of(0, 0x80)))
  const ec = concatBytes(
    text(SK_ECDSA),
    wireString(numbers),
    Uint8Array.of(0),
    wireUint32(0xffffffff),
  )
  const read = parseSshSignature(ec)
  expect(read).toMatchObject({ algorithm: SK_ECDSA, flags: 0, counter: 0xffffffff })
  expect('s' in read ? read.s : undefined).toEqual(Uint8Array.from([...new Uint8Array(31), 0x80]))
})

test.for<{ name: string; blob: Uint8Array; code?: string }>([
  { name: 'nothing', blob: new Uint8Array() },
  { name: 'a short Ed25519 key', blob: concatBytes(text('ssh-ed25519'), wireString(bytes(31))) },
  {
    name: 'trailing bytes',
    blob: concatBytes(text('ssh-ed25519'), wireString(bytes(32)), bytes(1)),
  },
  { name: 'a type that is no UTF-8', blob: wireString(Uint8Array.of(0xff)) },
  {
    name: 'another curve than its type',
    blob: concatBytes(text('ecdsa-sha2-nistp256'), text('nistp384'), wireString(bytes(97, 4))),
  },
  {
    name: 'a compressed point',
    blob: concatBytes(text('ecdsa-sha2-nistp256'), text('nistp256'), wireString(bytes(33, 2))),
  },
  {
    name: 'a point of another form',
    blob: concatBytes(text('ecdsa-sha2-nistp256'), text('nistp256'), wireString(bytes(65, 6))),
  },
  {
    name: 'a hardware key without application',
    blob: concatBytes(text(SK_ED25519), wireString(bytes(32))),
  },
  {
    name: 'a negative modulus',
    blob: concatBytes(text('ssh-rsa'), E, wireString(bytes(256, 0x80))),
  },
  {
    name: 'a padded modulus',
    blob: concatBytes(text('ssh-rsa'), E, wireString(Uint8Array.of(0, ...bytes(256, 0x40)))),
  },
  {
    name: 'a zero exponent',
    blob: concatBytes(text('ssh-rsa'), wireString(Uint8Array.of(0)), modulus(257)),
  },
  {
    name: 'RSA of 2047 bits',
    blob: concatBytes(text('ssh-rsa'), E, modulus(256)),
    code: 'KEY_UNSUPPORTED',
  },
  {
    name: 'RSA of 16,391 bits',
    blob: concatBytes(text('ssh-rsa'), E, modulus(2049)),
    code: 'KEY_UNSUPPORTED',
  },
  {
    name: 'exponent 1',
    blob: concatBytes(text('ssh-rsa'), wireString(Uint8Array.of(1)), modulus(257)),
    code: 'KEY_UNSUPPORTED',
  },
  {
    name: 'an even exponent',
    blob: concatBytes(text('ssh-rsa'), wireString(Uint8Array.of(4)), modulus(257)),
    code: 'KEY_UNSUPPORTED',
  },
  { name: 'DSA', blob: text('ssh-dss'), code: 'KEY_UNSUPPORTED' },
  {
    name: 'a certificate',
    blob: text('ssh-ed25519-cert-v01@openssh.com'),
    code: 'KEY_UNSUPPORTED',
  },
])('key with $name -> refused', ({ blob, code = 'SIGNATURE_MALFORMED' }) => {
  expect(() => parseSshPublicKey(blob)).toThrow(codeOf(code))
})

test('RSA of 2048 bits and more -> read', () => {
  const key = parseSshPublicKey(
    concatBytes(text('ssh-rsa'), E, wireString(Uint8Array.of(0, ...bytes(256, 0x80)))),
  )
  expect(key).toEqual({
    type: 'ssh-rsa',
    exponent: Uint8Array.of(1, 0, 1),
    modulus: bytes(256, 0x80),
  })
})

test.for<{ name: string; blob: Uint8Array; code?: string }>([
  {
    name: 'a short Ed25519 signature',
    blob: concatBytes(text('ssh-ed25519'), wireString(bytes(63))),
  },
  {
    name: 'flags where none belong',
    blob: concatBytes(text('ssh-ed25519'), wireString(bytes(64)), Uint8Array.of(1), wireUint32(1)),
  },
  {
    name: 'no flags where some belong',
    blob: concatBytes(text(SK_ED25519), wireString(bytes(64))),
  },
  {
    name: 'r beyond the curve',
    blob: concatBytes(
      text('ecdsa-sha2-nistp256'),
      wireString(concatBytes(wireString(bytes(33)), wireString(bytes(32)))),
    ),
  },
  {
    name: 'r of zero',
    blob: concatBytes(
      text('ecdsa-sha2-nistp256'),
      wireString(concatBytes(wireString(new Uint8Array()), wireString(bytes(32)))),
    ),
  },
  {
    name: 'a third integer',
    blob: concatBytes(
      text('ecdsa-sha2-nistp256'),
      wireString(concatBytes(wireString(bytes(9)), wireString(bytes(9)), wireString(bytes(9)))),
    ),
  },
  {
    name: 'RSA with SHA-1',
    blob: concatBytes(text('ssh-rsa'), wireString(bytes(256))),
    code: 'KEY_UNSUPPORTED',
  },
  {
    name: 'an unknown algorithm',
    blob: concatBytes(text('none'), wireString(bytes(1))),
    code: 'KEY_UNSUPPORTED',
  },
])('signature with $name -> refused', ({ blob, code = 'SIGNATURE_MALFORMED' }) => {
  expect(() => parseSshSignature(blob)).toThrow(codeOf(code))
})

test('signed data wants a namespace and a digest of its hash', () => {
  expect(() => sshsigSignedData('', 'sha512', new Uint8Array(64))).toThrow(
    codeOf('SIGNATURE_MALFORMED'),
  )
  expect(() => sshsigSignedData('n', 'sha512', new Uint8Array(32))).toThrow(
    codeOf('SIGNATURE_MALFORMED'),
  )
})

test('a reader over a part of a buffer stays in its part', () => {
  const part = concatBytes(bytes(3), wireString(bytes(2)), bytes(3)).subarray(3, 9)
  const reader = readWire(part)
  expect(Uint8Array.from(reader.string())).toEqual(bytes(2))
  expect(() => reader.byte()).toThrow(codeOf('SIGNATURE_MALFORMED'))
  reader.end()
})

function verifies(key: SshPublicKey, signature: SshSignature, data: Uint8Array): boolean {
  if ('publicKey' in key && 'signature' in signature) {
    const jwk = { kty: 'OKP', crv: 'Ed25519', x: encodeBase64url(key.publicKey) }
    return verify(null, data, createPublicKey({ key: jwk, format: 'jwk' }), signature.signature)
  }
  if ('modulus' in key && 'signature' in signature) {
    const jwk = { kty: 'RSA', n: encodeBase64url(key.modulus), e: encodeBase64url(key.exponent) }
    const hash = signature.algorithm === 'rsa-sha2-256' ? 'sha256' : 'sha512'
    return verify(hash, data, createPublicKey({ key: jwk, format: 'jwk' }), signature.signature)
  }
  if (!('curve' in key) || !('r' in signature)) return false
  const jwk = {
    kty: 'EC',
    crv: CURVES[key.curve],
    x: encodeBase64url(key.x),
    y: encodeBase64url(key.y),
  }
  const hash = { nistp256: 'sha256', nistp384: 'sha384', nistp521: 'sha512' }[key.curve]
  const object = createPublicKey({ key: jwk, format: 'jwk' })
  const raw = concatBytes(signature.r, signature.s)
  return verify(hash, data, { key: object, dsaEncoding: 'ieee-p1363' }, raw)
}
