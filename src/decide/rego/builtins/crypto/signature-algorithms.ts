import type { Call } from '../builtin.ts'
import { binaryText } from './bytes.ts'
import { CONSTRUCTED, CONTEXT, derOf, isAtEnd, nextTag, read, readInt64, SEQUENCE } from './der.ts'
import { verifyEd25519 } from './edwards.ts'
import { verifyEcdsaDer } from './elliptic.ts'
import type { HashName } from './hash.ts'
import { digest, digestBytes } from './hash.ts'
import type { Oid } from './object-identifier.ts'
import type { Algorithm, PublicKey } from './public-keys.ts'
import { readAlgorithm } from './public-keys.ts'
import { verifyPkcs1, verifyPss } from './rsa.ts'

/** How a certificate is signed. */
export type SignatureAlgorithm = {
  /** Go's `x509.SignatureAlgorithm`. */
  readonly number: number
  readonly scheme: 'pkcs1' | 'pss' | 'ecdsa' | 'ed25519' | 'dsa'
  readonly hash: HashName | undefined
}

/** The algorithm of an AlgorithmIdentifier by the rules of Go's `crypto/x509`; undefined for one it does not know. */
export function signatureAlgorithmOf(algorithm: Algorithm): SignatureAlgorithm | undefined {
  const { oid, parameters } = algorithm
  if (oid === PSS_OID) return pssAlgorithm(parameters)
  if (oid === ED25519_OID && parameters.length > 0) return undefined
  return Object.hasOwn(ALGORITHMS, oid) ? ALGORITHMS[oid] : undefined
}

/** Whether a key made the signature over a message. SHA-1 and MD5 never count. */
export function isSignedBy(
  call: Call,
  { scheme, hash }: SignatureAlgorithm,
  key: PublicKey,
  { message, signature }: { readonly message: Uint8Array; readonly signature: Uint8Array },
): boolean {
  if (scheme === 'ed25519') {
    return key.kind === 'ed25519' && verifyEd25519(call, key, message, signature)
  }
  if (hash === undefined || hash === 'md5' || hash === 'sha1') return false
  if (scheme === 'ecdsa') {
    if (key.kind !== 'ec') return false
    return verifyEcdsaDer(call, key, digest(call, hash, message), signature)
  }
  if (key.kind !== 'rsa' || scheme === 'dsa') return false
  const signed = { hash, digest: digest(call, hash, message) }
  return scheme === 'pss'
    ? verifyPss(call, key, signed, signature, digestBytes(hash))
    : verifyPkcs1(call, key, signed, signature)
}

const PSS_OID = '1.2.840.113549.1.1.10'
const ED25519_OID = '1.3.101.112'
const MGF1_OID = '1.2.840.113549.1.1.8'

const ALGORITHMS: Readonly<Record<Oid, SignatureAlgorithm>> = {
  '1.2.840.113549.1.1.4': { number: 2, scheme: 'pkcs1', hash: 'md5' },
  '1.2.840.113549.1.1.5': { number: 3, scheme: 'pkcs1', hash: 'sha1' },
  '1.3.14.3.2.29': { number: 3, scheme: 'pkcs1', hash: 'sha1' },
  '1.2.840.113549.1.1.11': { number: 4, scheme: 'pkcs1', hash: 'sha256' },
  '1.2.840.113549.1.1.12': { number: 5, scheme: 'pkcs1', hash: 'sha384' },
  '1.2.840.113549.1.1.13': { number: 6, scheme: 'pkcs1', hash: 'sha512' },
  '1.2.840.10040.4.3': { number: 7, scheme: 'dsa', hash: 'sha1' },
  '2.16.840.1.101.3.4.3.2': { number: 8, scheme: 'dsa', hash: 'sha256' },
  '1.2.840.10045.4.1': { number: 9, scheme: 'ecdsa', hash: 'sha1' },
  '1.2.840.10045.4.3.2': { number: 10, scheme: 'ecdsa', hash: 'sha256' },
  '1.2.840.10045.4.3.3': { number: 11, scheme: 'ecdsa', hash: 'sha384' },
  '1.2.840.10045.4.3.4': { number: 12, scheme: 'ecdsa', hash: 'sha512' },
  [ED25519_OID]: { number: 16, scheme: 'ed25519', hash: undefined },
}

const PSS_HASHES: Readonly<Record<Oid, SignatureAlgorithm>> = {
  '2.16.840.1.101.3.4.2.1': { number: 13, scheme: 'pss', hash: 'sha256' },
  '2.16.840.1.101.3.4.2.2': { number: 14, scheme: 'pss', hash: 'sha384' },
  '2.16.840.1.101.3.4.2.3': { number: 15, scheme: 'pss', hash: 'sha512' },
}

/**
 * RSASSA-PSS-params, RFC 4055 section 3.1. One hash for all, a salt as long as it, and the usual trailer: all other
 * parameters are none that is known.
 */
function pssAlgorithm(parameters: Uint8Array): SignatureAlgorithm | undefined {
  const der = read(derOf(parameters), SEQUENCE)
  if (der === undefined) return undefined
  const hashed = taggedAlgorithm(der, 0)
  const mask = taggedAlgorithm(der, 1)
  const saltLength = taggedNumber(der, 2)
  const trailer = nextTag(der) === (CONTEXT | CONSTRUCTED | 3) ? taggedNumber(der, 3) : 1n
  const masked = mask && sequenceAlgorithm(derOf(mask.parameters))
  if (!hashed || !masked || mask?.oid !== MGF1_OID || trailer !== 1n) return undefined
  if (!isNullOrAbsent(hashed) || !isNullOrAbsent(masked) || masked.oid !== hashed.oid) {
    return undefined
  }
  const algorithm = Object.hasOwn(PSS_HASHES, hashed.oid) ? PSS_HASHES[hashed.oid] : undefined
  const hash = algorithm?.hash
  return hash && saltLength === BigInt(digestBytes(hash)) ? algorithm : undefined
}

function taggedAlgorithm(der: Parameters<typeof read>[0], number: number): Algorithm | undefined {
  const inner = read(der, CONTEXT | CONSTRUCTED | number)
  return inner && sequenceAlgorithm(inner)
}

function sequenceAlgorithm(der: Parameters<typeof read>[0]): Algorithm | undefined {
  const content = isAtEnd(der) ? undefined : read(der, SEQUENCE)
  return content && readAlgorithm(content)
}

function taggedNumber(der: Parameters<typeof read>[0], number: number): bigint | undefined {
  const inner = read(der, CONTEXT | CONSTRUCTED | number)
  return inner && readInt64(inner)
}

function isNullOrAbsent({ parameters }: Algorithm): boolean {
  return parameters.length === 0 || binaryText(parameters) === '\x05\0'
}
