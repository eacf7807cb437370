import { ed25519, x25519 } from '@noble/curves/ed25519.js'
import { sha512 } from '@noble/hashes/sha2.js'
import { concatBytes } from '@noble/hashes/utils.js'
import { bytesEqual } from '../../../../base/digest.ts'
import type { Call } from '../builtin.ts'

/** Bytes of an Ed25519 or X25519 key, public or private. */
export const EDWARDS_KEY_BYTES = 32

export type Ed25519PublicKey = { readonly kind: 'ed25519'; readonly x: Uint8Array }
export type Ed25519PrivateKey = Ed25519PublicKey & { readonly seed: Uint8Array }
export type X25519PublicKey = { readonly kind: 'x25519'; readonly x: Uint8Array }
export type X25519PrivateKey = X25519PublicKey & { readonly scalar: Uint8Array }

/**
 * Ed25519, RFC 8032 section 5.1.7, by the rules of Go's `crypto/ed25519`: without the cofactor, a key in any encoding
 * of its point, and the signature's point in its only one.
 */
export function verifyEd25519(
  call: Call,
  key: Ed25519PublicKey,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  if (signature.length !== 2 * EDWARDS_KEY_BYTES) return false
  call.work(VERIFY_UNITS + message.length / 2)
  const encoded = signature.subarray(0, EDWARDS_KEY_BYTES)
  const s = littleEndian(signature.subarray(EDWARDS_KEY_BYTES))
  if (s >= ORDER) return false
  let point: InstanceType<typeof Point>
  try {
    point = Point.fromBytes(key.x, true)
  } catch {
    return false
  }
  const k = littleEndian(sha512(concatBytes(encoded, key.x, message))) % ORDER
  const found = Point.BASE.multiplyUnsafe(s).add(point.negate().multiplyUnsafe(k))
  return bytesEqual(found.toBytes(), encoded)
}

/** Ed25519, RFC 8032 section 5.1.6. */
export function signEd25519(call: Call, key: Ed25519PrivateKey, message: Uint8Array): Uint8Array {
  call.work(2 * MULTIPLY_UNITS + message.length)
  return ed25519.sign(message, key.seed)
}

export function ed25519KeyPair(call: Call, seed: Uint8Array): Ed25519PrivateKey {
  call.work(MULTIPLY_UNITS)
  return { kind: 'ed25519', x: ed25519.getPublicKey(seed), seed }
}

export function x25519KeyPair(call: Call, scalar: Uint8Array): X25519PrivateKey {
  call.work(MULTIPLY_UNITS)
  return { kind: 'x25519', x: x25519.getPublicKey(scalar), scalar }
}

const { Point } = ed25519
const ORDER = Point.Fn.ORDER
const VERIFY_UNITS = 60_000 // At 20 ns a unit, measured.
const MULTIPLY_UNITS = 20_000

// Nothing is made before the first use; a table of the usual size would take 15 ms then.
Point.BASE.precompute(4)

function littleEndian(bytes: Uint8Array): bigint {
  let value = 0n
  for (let at = bytes.length - 1; at >= 0; at--) value = (value << 8n) | BigInt(bytes[at] ?? 0)
  return value
}
