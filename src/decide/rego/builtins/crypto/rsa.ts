import { bytesEqual } from '../../../../base/digest.ts'
import type { Call } from '../builtin.ts'
import { BuiltinError } from '../builtin.ts'
import { bitLength, wholeBytes, wholeOf } from './bytes.ts'
import type { HashName } from './hash.ts'
import { digestBytes, shortDigest } from './hash.ts'
import { inverse, power, powerUnits } from './modular.ts'

export type RsaPublicKey = { readonly kind: 'rsa'; readonly n: bigint; readonly e: bigint }

/** A key of two primes with its values for the Chinese remainder theorem: d mod p-1, d mod q-1, 1/q mod p. */
export type RsaPrivateKey = RsaPublicKey & {
  readonly d: bigint
  readonly p: bigint
  readonly q: bigint
  readonly dp: bigint
  readonly dq: bigint
  readonly qInverse: bigint
}

/** What a signature is made over and how: a digest and the hash that gave it. */
export type Digested = { readonly hash: HashName; readonly digest: Uint8Array }

/** RSASSA-PKCS1-v1_5, RFC 8017 section 8.2.2: compares with the one encoding there is. */
export function verifyPkcs1(
  call: Call,
  key: RsaPublicKey,
  signed: Digested,
  signature: Uint8Array,
): boolean {
  const encoded = open(call, key, signature)
  const expected = encodePkcs1(key, signed)
  return encoded !== undefined && expected !== undefined && bytesEqual(encoded, expected)
}

/**
 * RSASSA-PSS, RFC 8017 section 8.1.2, with MGF1 over the same hash.
 *
 * @param saltLength - undefined takes whatever length the signature has
 */
export function verifyPss(
  call: Call,
  key: RsaPublicKey,
  signed: Digested,
  signature: Uint8Array,
  saltLength: number | undefined,
): boolean {
  const opened = open(call, key, signature)
  if (opened === undefined) return false
  const encodedBits = bitLength(key.n) - 1
  const length = Math.ceil(encodedBits / 8)
  // Where the modulus has one bit more than whole bytes, the encoding is a byte shorter.
  if (opened.length > length && opened[0] !== 0) return false
  const encoded = opened.subarray(opened.length - length)
  const hashLength = digestBytes(signed.hash)
  const separator = length - hashLength - 1
  if (separator < 1 || encoded[length - 1] !== 0xbc) return false
  const seed = encoded.subarray(separator, length - 1)
  const unusedBits = 8 * length - encodedBits
  if (((encoded[0] ?? 0) & ~(0xff >> unusedBits)) !== 0) return false
  call.work(length)
  const mask = maskOf(signed.hash, seed, separator)
  const block = encoded.subarray(0, separator).map((byte, at) => byte ^ (mask[at] ?? 0))
  block[0] = (block[0] ?? 0) & (0xff >> unusedBits)
  const salt = saltOf(block, saltLength)
  if (salt === undefined) return false
  const message = new Uint8Array(8 + hashLength + salt.length)
  message.set(signed.digest, 8)
  message.set(salt, 8 + hashLength)
  return bytesEqual(shortDigest(signed.hash, message), seed)
}

/**
 * RSASSA-PKCS1-v1_5, RFC 8017 section 8.2.1. The key has been checked.
 *
 * @throws {BuiltinError} when the key is too short for the digest
 */
export function signPkcs1(call: Call, key: RsaPrivateKey, signed: Digested): Uint8Array {
  checkSize(key.n)
  const encoded = encodePkcs1(key, signed)
  if (encoded === undefined) throw new BuiltinError('crypto/rsa: message too long for RSA key size')
  const message = wholeOf(encoded)
  const { n, e, p, q, dp, dq, qInverse } = key
  call.work(powerUnits(p, dp) + powerUnits(q, dq) + powerUnits(n, e))
  const m1 = power(message % p, dp, p)
  const m2 = power(message % q, dq, q)
  const signature = m2 + q * mod((m1 - m2) * qInverse, p)
  // A key whose primes are none would give what no one can verify.
  if (power(signature, e, n) !== message) throw new BuiltinError('rsa: internal error')
  return wholeBytes(signature, sizeOf(n))
}

/**
 * Fills in what a key may leave out and checks that its parts belong together, as Go's `crypto/rsa` does.
 *
 * @throws {BuiltinError}
 */
export function checkedPrivateKey(
  call: Call,
  key: Omit<RsaPrivateKey, 'dp' | 'dq' | 'qInverse' | 'kind'> &
    Partial<Pick<RsaPrivateKey, 'dp' | 'dq' | 'qInverse'>>,
): RsaPrivateKey {
  const { n, e, d, p, q } = key
  checkExponent({ kind: 'rsa', n, e })
  call.work(PRIVATE_CHECK_UNITS + 2 * powerUnits(n, e))
  if (p <= 1n || q <= 1n || p >= n || q >= n || d >= n) throw refuse('invalid prime')
  if (p % 2n === 0n) throw refuse('p is even')
  const given = key.dp !== undefined && key.dq !== undefined && key.qInverse !== undefined
  const dp = given ? (key.dp ?? 0n) : mod(d, p - 1n)
  const dq = given ? (key.dq ?? 0n) : mod(d, q - 1n)
  const qInverse = given ? (key.qInverse ?? 0n) : (inverse(mod(q, p), p) ?? 0n)
  if (p * q !== n) throw refuse('p * q != n')
  if (dp >= p - 1n || mod(dp * e, p - 1n) !== 1n) throw refuse('invalid CRT exponent')
  if (dq >= q - 1n || mod(dq * e, q - 1n) !== 1n) throw refuse('invalid CRT exponent')
  if (qInverse >= p || mod(q * qInverse, p) !== 1n) throw refuse('invalid CRT coefficient')
  if (mod(d, p - 1n) !== dp || mod(d, q - 1n) !== dq) throw refuse('d does not match')
  const half = bitLength(n) >> 1
  if (bitLength(p > q ? p - q : q - p) <= half - 100) throw refuse('|p - q| too small')
  if (bitLength(d) <= half) throw refuse('d too small')
  return { kind: 'rsa', n, e, d, p, q, dp, dq, qInverse }
}

/** A modulus beyond this is refused: its square costs too much, and no one has one. */
export const RSA_MODULUS_BITS_MAX = 8192

const RSA_MODULUS_BITS_MIN = 1024
const EXPONENT_MAX = 2n ** 31n - 1n
const PRIVATE_CHECK_UNITS = 15_000 // An inverse by Euclid's algorithm among numbers of two thousand bits.

/** DER of DigestInfo up to the digest. RFC 8017 section 9.2, note 1. */
const PREFIXES: Readonly<Record<HashName, readonly number[]>> = {
  md5: prefix(0x20, [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x02, 0x05]),
  sha1: prefix(0x21, [0x2b, 0x0e, 0x03, 0x02, 0x1a]),
  sha256: prefix(0x31, [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01]),
  sha384: prefix(0x41, [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02]),
  sha512: prefix(0x51, [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03]),
}

function prefix(length: number, oid: readonly number[]): readonly number[] {
  const digestLength = length - oid.length - 8
  const algorithm = [0x30, oid.length + 4, 0x06, oid.length, ...oid, 0x05, 0x00]
  return [0x30, length, ...algorithm, 0x04, digestLength]
}

/** The signature raised to the public exponent, as long as the modulus. Undefined where it can be none. */
function open(call: Call, key: RsaPublicKey, signature: Uint8Array): Uint8Array | undefined {
  const { n, e } = key
  if (!isSound(key) || signature.length !== sizeOf(n)) return undefined
  const value = wholeOf(signature)
  if (value >= n) return undefined
  call.work(powerUnits(n, e))
  return wholeBytes(power(value, e, n), sizeOf(n))
}

function encodePkcs1({ n }: RsaPublicKey, signed: Digested): Uint8Array | undefined {
  const size = sizeOf(n)
  const start = PREFIXES[signed.hash]
  const tail = start.length + signed.digest.length
  if (size < tail + 11) return undefined
  const encoded = new Uint8Array(size).fill(0xff)
  encoded[0] = 0
  encoded[1] = 1
  encoded[size - tail - 1] = 0
  encoded.set(start, size - tail)
  encoded.set(signed.digest, size - signed.digest.length)
  return encoded
}

/** MGF1, RFC 8017 appendix B.2.1. */
function maskOf(hash: HashName, seed: Uint8Array, length: number): Uint8Array {
  const mask = new Uint8Array(length)
  const input = new Uint8Array(seed.length + 4)
  input.set(seed)
  for (let at = 0, counter = 0; at < length; counter++) {
    new DataView(input.buffer).setUint32(seed.length, counter)
    const part = shortDigest(hash, input).subarray(0, length - at)
    mask.set(part, at)
    at += part.length
  }
  return mask
}

/** The salt behind zeros and a one. */
function saltOf(block: Uint8Array, saltLength: number | undefined): Uint8Array | undefined {
  const first = block.findIndex((byte) => byte !== 0)
  if (first < 0 || block[first] !== 1) return undefined
  const salt = block.subarray(first + 1)
  return saltLength === undefined || salt.length === saltLength ? salt : undefined
}

function sizeOf(n: bigint): number {
  return Math.ceil(bitLength(n) / 8)
}

function isSound(key: RsaPublicKey): boolean {
  try {
    checkSize(key.n)
    checkExponent(key)
    return true
  } catch (cause) {
    if (cause instanceof BuiltinError) return false
    throw cause
  }
}

function checkSize(n: bigint): void {
  const bits = bitLength(n)
  if (bits < RSA_MODULUS_BITS_MIN) throw refuse(`${bits}-bit keys are insecure`)
}

function checkExponent({ n, e }: RsaPublicKey): void {
  if (bitLength(n) > RSA_MODULUS_BITS_MAX) {
    throw refuse(`keys of more than ${RSA_MODULUS_BITS_MAX} bits are not supported`)
  }
  if (n % 2n === 0n) throw refuse('public modulus is even')
  if (e < 2n) throw refuse('public exponent too small or negative')
  if (e % 2n === 0n) throw refuse('public exponent is even')
  if (e > EXPONENT_MAX) throw refuse('public exponent too large')
}

function mod(value: bigint, modulus: bigint): bigint {
  const rest = value % modulus
  return rest < 0n ? rest + modulus : rest
}

function refuse(message: string): BuiltinError {
  return new BuiltinError(`crypto/rsa: ${message}`)
}
