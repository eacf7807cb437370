import { bytesEqual } from '../../../../base/digest.ts'
import type { Call } from '../builtin.ts'
import { BuiltinError } from '../builtin.ts'
import { wholeOf } from './bytes.ts'
import { signEd25519, verifyEd25519 } from './edwards.ts'
import { fieldBytes, signEcdsa, verifyEcdsa } from './elliptic.ts'
import type { HashName } from './hash.ts'
import { authenticate, digest, digestBytes } from './hash.ts'
import type { KeyMaterial } from './jwk.ts'
import type { PublicKey } from './public-keys.ts'
import { checkedPrivateKey, signPkcs1, verifyPkcs1, verifyPss } from './rsa.ts'

/** An algorithm of RFC 7518 section 3.1 or RFC 8037. EdDSA hashes on its own. */
export type JwsAlgorithm =
  | { readonly family: 'hmac' | 'pkcs1' | 'pss' | 'ecdsa'; readonly hash: HashName }
  | { readonly family: 'eddsa' }

/** What is signed, and the signature. */
export type Signed = { readonly message: Uint8Array; readonly signature: Uint8Array }

/** Algorithms that a token may name to be decoded and verified at once; `none` is no algorithm. */
export const JWS_ALGORITHMS: ReadonlyMap<string, JwsAlgorithm> = new Map<string, JwsAlgorithm>([
  ['HS256', { family: 'hmac', hash: 'sha256' }],
  ['HS384', { family: 'hmac', hash: 'sha384' }],
  ['HS512', { family: 'hmac', hash: 'sha512' }],
  ['RS256', { family: 'pkcs1', hash: 'sha256' }],
  ['RS384', { family: 'pkcs1', hash: 'sha384' }],
  ['RS512', { family: 'pkcs1', hash: 'sha512' }],
  ['PS256', { family: 'pss', hash: 'sha256' }],
  ['PS384', { family: 'pss', hash: 'sha384' }],
  ['PS512', { family: 'pss', hash: 'sha512' }],
  ['ES256', { family: 'ecdsa', hash: 'sha256' }],
  ['ES384', { family: 'ecdsa', hash: 'sha384' }],
  ['ES512', { family: 'ecdsa', hash: 'sha512' }],
  ['EdDSA', { family: 'eddsa' }],
])

/**
 * Whether a public key made a signature, as OPA's `io.jwt.verify_*` ask: whatever the token names, the algorithm is the
 * caller's and the key must be of its kind. A salt of PSS may have any length; a signature of ECDSA is cut in half.
 */
export function verifyWithPublicKey(
  call: Call,
  algorithm: Exclude<JwsAlgorithm, { readonly family: 'hmac' }>,
  key: KeyMaterial | undefined,
  { message, signature }: Signed,
): boolean {
  switch (algorithm.family) {
    case 'eddsa':
      return key?.kind === 'ed25519' && verifyEd25519(call, key, message, signature)
    case 'ecdsa': {
      if (key?.kind !== 'ec') return false
      const half = signature.length >> 1
      // More than this is above any order; numbers that long cost.
      if (half > LONGEST_HALF) return false
      const r = wholeOf(signature.subarray(0, half))
      const s = wholeOf(signature.subarray(half))
      return verifyEcdsa(call, key, digest(call, algorithm.hash, message), { r, s })
    }
    default: {
      if (key?.kind !== 'rsa') return false
      const { family, hash } = algorithm
      const signed = { hash, digest: digest(call, hash, message) }
      return family === 'pss'
        ? verifyPss(call, key, signed, signature, undefined)
        : verifyPkcs1(call, key, signed, signature)
    }
  }
}

/** Whether a secret made the code of a message. */
export function verifyWithSecret(
  call: Call,
  hash: HashName,
  key: Uint8Array,
  { message, signature }: Signed,
): boolean {
  return bytesEqual(authenticate(call, hash, { key, message }), signature)
}

/**
 * Whether key material made a signature, as OPA's `io.jwt.decode_verify` asks: by the algorithm that the token names,
 * if the key is of its kind. A private key stands for its public half; lengths are those of RFC 7518.
 */
export function verifyJws(
  call: Call,
  name: string,
  material: KeyMaterial | undefined,
  signed: Signed,
): boolean {
  // Its own name since RFC 9864.
  const algorithm = JWS_ALGORITHMS.get(name === 'Ed25519' ? 'EdDSA' : name)
  if (algorithm === undefined || material === undefined) return false
  if (algorithm.family === 'hmac') {
    if (material.kind !== 'oct' || material.secret.length === 0) return false
    return verifyWithSecret(call, algorithm.hash, material.secret, signed)
  }
  const key = publicHalf(material)
  if (algorithm.family === 'ecdsa') {
    const wrong = key?.kind !== 'ec' || signed.signature.length !== 2 * fieldBytes(key.curve)
    return !wrong && verifyWithPublicKey(call, algorithm, key, signed)
  }
  if (algorithm.family === 'pss') {
    if (key?.kind !== 'rsa') return false
    const { hash } = algorithm
    const digested = { hash, digest: digest(call, hash, signed.message) }
    return verifyPss(call, key, digested, signed.signature, digestBytes(hash))
  }
  return verifyWithPublicKey(call, algorithm, key, signed)
}

/**
 * Signs a message. Deterministic: ECDSA by RFC 6979.
 *
 * @throws {BuiltinError} for a key of another kind, one whose parts do not belong together, and PSS, which is made with
 *   random bytes
 */
export function signJws(
  call: Call,
  algorithm: JwsAlgorithm,
  material: KeyMaterial,
  message: Uint8Array,
): Uint8Array {
  switch (algorithm.family) {
    case 'hmac':
      if (material.kind !== 'oct') break
      return authenticate(call, algorithm.hash, { key: material.secret, message })
    case 'pkcs1': {
      if (material.kind !== 'rsa-private') break
      const { hash } = algorithm
      const key = checkedPrivateKey(call, { ...material, ...material.crt })
      return signPkcs1(call, key, { hash, digest: digest(call, hash, message) })
    }
    case 'ecdsa': {
      if (material.kind !== 'ec-private') break
      const signature = signEcdsa(call, material.key, digest(call, algorithm.hash, message))
      if (signature === undefined) throw new BuiltinError('ecdsa: invalid private key')
      return signature
    }
    case 'eddsa':
      if (material.kind !== 'ed25519-private') break
      return signEd25519(call, material.key, message)
    case 'pss':
      throw new BuiltinError(
        'PSS signatures need random bytes, and decisions have none: use RS256, ES256 or EdDSA',
      )
  }
  throw new BuiltinError('the key does not suit the algorithm')
}

const LONGEST_HALF = 128 // Bytes; the order of the longest curve has 66.

function publicHalf(material: KeyMaterial): PublicKey | undefined {
  switch (material.kind) {
    case 'rsa-private':
      return { kind: 'rsa', n: material.n, e: material.e }
    case 'ec-private':
    case 'ed25519-private':
      return material.key
    case 'oct':
    case 'other':
      return undefined
    default:
      return material
  }
}
