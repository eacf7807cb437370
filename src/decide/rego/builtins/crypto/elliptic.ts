import type { ECDSA } from '@noble/curves/abstract/weierstrass.js'
import { ecdsa, weierstrass } from '@noble/curves/abstract/weierstrass.js'
import { p256, p384, p521 } from '@noble/curves/nist.js'
import { sha224 } from '@noble/hashes/sha2.js'
import type { Call } from '../builtin.ts'
import { wholeBytes, wholeOf } from './bytes.ts'
import { derOf, isAtEnd, read, readInteger, SEQUENCE } from './der.ts'

export type CurveName = 'P-224' | 'P-256' | 'P-384' | 'P-521'

export type EcPublicKey = {
  readonly kind: 'ec'
  readonly curve: CurveName
  readonly x: bigint
  readonly y: bigint
}

export type EcPrivateKey = EcPublicKey & { readonly d: bigint }

/** Bytes of a coordinate, and of a scalar. */
export function fieldBytes(curve: CurveName): number {
  return CURVES[curve].bytes
}

/** The point of an uncompressed encoding (SEC 1 section 2.3.4); undefined where it is none of the curve. */
export function publicKeyOf(curve: CurveName, encoded: Uint8Array): EcPublicKey | undefined {
  const { bytes, scheme } = CURVES[curve]
  if (encoded[0] !== 4 || encoded.length !== 1 + 2 * bytes) return undefined
  const x = wholeOf(encoded.subarray(1, 1 + bytes))
  const y = wholeOf(encoded.subarray(1 + bytes))
  try {
    scheme.Point.fromAffine({ x, y }).assertValidity()
    return { kind: 'ec', curve, x, y }
  } catch {
    return undefined
  }
}

/** The key pair of a scalar; undefined where it is 0 or not below the order. Charges for the product. */
export function keyPairOf(call: Call, curve: CurveName, d: bigint): EcPrivateKey | undefined {
  const { scheme, multiplyUnits } = CURVES[curve]
  if (d === 0n || d >= scheme.Point.Fn.ORDER) return undefined
  call.work(multiplyUnits)
  // No table of multiples for one product, and nobody measures its time.
  const { x, y } = scheme.Point.BASE.multiplyUnsafe(d).toAffine()
  return { kind: 'ec', curve, x, y, d }
}

/** ECDSA over a digest of any length, FIPS 186-5 section 6.4.2. Both halves of a signature count, also a high one. */
export function verifyEcdsa(
  call: Call,
  key: EcPublicKey,
  digest: Uint8Array,
  { r, s }: { readonly r: bigint; readonly s: bigint },
): boolean {
  const { bytes, scheme, verifyUnits } = CURVES[key.curve]
  const { ORDER } = scheme.Point.Fn
  if (r <= 0n || s <= 0n || r >= ORDER || s >= ORDER) return false
  call.work(verifyUnits)
  const signature = join(r, s, bytes)
  return scheme.verify(signature, digest, encode(key), { prehash: false, lowS: false })
}

/** ECDSA with the signature in DER, as certificates hold it. */
export function verifyEcdsaDer(
  call: Call,
  key: EcPublicKey,
  digest: Uint8Array,
  signature: Uint8Array,
): boolean {
  const outer = derOf(signature)
  const inner = read(outer, SEQUENCE)
  if (inner === undefined || !isAtEnd(outer)) return false
  const r = readInteger(inner)
  const s = readInteger(inner)
  if (r === undefined || s === undefined || !isAtEnd(inner)) return false
  return verifyEcdsa(call, key, digest, { r, s })
}

/**
 * Deterministic ECDSA, RFC 6979 with the curve's own hash: r and s in as many bytes as the order. The library blinds
 * its arithmetic with random numbers, which leave no trace in the result. Undefined for a scalar that is 0 or not below
 * the order.
 */
export function signEcdsa(
  call: Call,
  key: EcPrivateKey,
  digest: Uint8Array,
): Uint8Array | undefined {
  const { bytes, scheme, multiplyUnits } = CURVES[key.curve]
  if (key.d === 0n || key.d >= scheme.Point.Fn.ORDER) return undefined
  call.work(2 * multiplyUnits)
  const secret = wholeBytes(key.d, bytes)
  return scheme.sign(digest, secret, { prehash: false, lowS: false })
}

type Curve = {
  readonly scheme: ECDSA
  readonly bytes: number
  /** At 40 ns a unit, measured. */
  readonly verifyUnits: number
  readonly multiplyUnits: number
}

/** NIST P-224, SP 800-186 section 3.2.1.2. */
const P224 = weierstrass({
  p: 0xffffffffffffffffffffffffffffffff000000000000000000000001n,
  n: 0xffffffffffffffffffffffffffff16a2e0b8f03e13dd29455c5c2a3dn,
  h: 1n,
  a: 0xfffffffffffffffffffffffffffffffefffffffffffffffffffffffen,
  b: 0xb4050a850c04b3abf54132565044b0b7d7bfd8ba270b39432355ffb4n,
  Gx: 0xb70e0cbd6bb4bf7f321390b94a03c1d356c21122343280d6115c1d21n,
  Gy: 0xbd376388b5f723fb4c22dfe6cd4375a05a07476444d5819985007e34n,
})

const CURVES: Readonly<Record<CurveName, Curve>> = {
  'P-224': {
    scheme: ecdsa(P224, sha224),
    bytes: 28,
    verifyUnits: 50_000,
    multiplyUnits: 24_000,
  },
  'P-256': { scheme: p256, bytes: 32, verifyUnits: 50_000, multiplyUnits: 24_000 },
  'P-384': { scheme: p384, bytes: 48, verifyUnits: 110_000, multiplyUnits: 40_000 },
  'P-521': { scheme: p521, bytes: 66, verifyUnits: 220_000, multiplyUnits: 70_000 },
}

// Nothing is made before the first signature; with a table of the usual size that one would take 60 ms.
for (const { scheme } of Object.values(CURVES)) scheme.Point.BASE.precompute(4)

function encode({ curve, x, y }: EcPublicKey): Uint8Array {
  const encoded = new Uint8Array(1 + 2 * CURVES[curve].bytes)
  encoded[0] = 4
  encoded.set(join(x, y, CURVES[curve].bytes), 1)
  return encoded
}

function join(a: bigint, b: bigint, length: number): Uint8Array {
  const joined = new Uint8Array(2 * length)
  joined.set(wholeBytes(a, length))
  joined.set(wholeBytes(b, length), length)
  return joined
}
