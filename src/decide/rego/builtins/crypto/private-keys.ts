import type { Call } from '../builtin.ts'
import { BuiltinError } from '../builtin.ts'
import { wholeOf } from './bytes.ts'
import type { Der } from './der.ts'
import {
  CONSTRUCTED,
  CONTEXT,
  derOf,
  INTEGER,
  isAtEnd,
  nextTag,
  OCTET_STRING,
  read,
  readBitString,
  readBytes,
  readInt64,
  readInteger,
  SEQUENCE,
} from './der.ts'
import type { Ed25519PrivateKey, X25519PrivateKey } from './edwards.ts'
import { EDWARDS_KEY_BYTES, ed25519KeyPair, x25519KeyPair } from './edwards.ts'
import type { CurveName, EcPrivateKey } from './elliptic.ts'
import { fieldBytes, keyPairOf } from './elliptic.ts'
import { readOid } from './object-identifier.ts'
import type { Algorithm } from './public-keys.ts'
import { curveOf, EC_OID, ED25519_OID, RSA_OID, readAlgorithm, X25519_OID } from './public-keys.ts'
import type { RsaPrivateKey } from './rsa.ts'
import { checkedPrivateKey } from './rsa.ts'

export type PrivateKey = RsaPrivateKey | EcPrivateKey | Ed25519PrivateKey | X25519PrivateKey

/**
 * An RSA key in PKCS #1, RFC 8017 appendix A.1.2, checked as Go's `crypto/rsa` checks it.
 *
 * @throws {BuiltinError} also for a key of more than two primes
 */
export function parsePkcs1(call: Call, bytes: Uint8Array): RsaPrivateKey {
  const der = derOf(bytes)
  const content = read(der, SEQUENCE)
  const version = content && readInt64(content)
  const n = content && readInteger(content)
  const e = content && readInt64(content)
  const parts = content && readParts(content)
  if (version === undefined || n === undefined || e === undefined || parts === undefined) {
    throw new BuiltinError('asn1: structure error: no RSA private key')
  }
  if (!isAtEnd(der)) throw new BuiltinError('asn1: syntax error: trailing data')
  if (version > 1n) throw refuse('unsupported private key version')
  const { d, p, q, dp, dq, qInverse } = parts
  for (const part of [n, d, p, q, dp, dq, qInverse]) {
    if (part !== undefined && part <= 0n) {
      throw refuse('private key contains zero or negative value')
    }
  }
  const crt = dp && dq && qInverse ? { dp, dq, qInverse } : {}
  return checkedPrivateKey(call, { n, e, d, p, q, ...crt })
}

/**
 * A key in PKCS #8, RFC 5208: RSA, elliptic curves, Ed25519 or X25519. Attributes are skipped.
 *
 * @throws {BuiltinError}
 */
export function parsePkcs8(call: Call, bytes: Uint8Array): PrivateKey {
  const content = read(derOf(bytes), SEQUENCE)
  const version = content && readInt64(content)
  const identifier = version === undefined ? undefined : content && read(content, SEQUENCE)
  const algorithm = identifier && readAlgorithm(identifier)
  const key = content && algorithm && readBytes(content, OCTET_STRING)
  if (algorithm === undefined || key === undefined) {
    throw new BuiltinError('asn1: structure error: no private key')
  }
  switch (algorithm.oid) {
    case RSA_OID:
      return parsePkcs1(call, key)
    case EC_OID:
      return parseEcKey(call, key, readOid(derOf(algorithm.parameters)))
    case ED25519_OID:
      return ed25519KeyPair(call, edwardsSecret(algorithm, key))
    case X25519_OID:
      return x25519KeyPair(call, edwardsSecret(algorithm, key))
    default:
      throw refuse('PKCS#8 wrapping contained private key with unknown algorithm')
  }
}

/**
 * A key of an elliptic curve in the form of SEC 1, RFC 5915.
 *
 * @param named - curve that is named outside; wins over the key's own
 * @throws {BuiltinError}
 */
export function parseEcKey(call: Call, bytes: Uint8Array, named?: string): EcPrivateKey {
  const content = read(derOf(bytes), SEQUENCE)
  const version = content && readInt64(content)
  const secret = version === undefined ? undefined : content && readBytes(content, OCTET_STRING)
  const own = secret && content && readOptionalCurve(content)
  if (version === undefined || secret === undefined || own === undefined) {
    throw refuse('failed to parse EC private key')
  }
  if (version !== 1n) throw refuse(`unknown EC private key version ${version}`)
  const curve = curveOf(named ?? own)
  if (curve === undefined) throw refuse('unknown elliptic curve')
  const pair = keyPairOf(call, curve, wholeOf(unpadded(secret, curve)))
  if (pair === undefined) throw new BuiltinError('ecdsa: invalid private key')
  return pair
}

/**
 * A key in whichever of the three forms it has, as TLS servers read them.
 *
 * @throws {BuiltinError}
 */
export function parseAnyKey(call: Call, bytes: Uint8Array): PrivateKey {
  for (const parse of [parsePkcs1, parsePkcs8, parseEcKey]) {
    try {
      const key = parse(call, bytes)
      if (key.kind !== 'x25519') return key
      throw new BuiltinError('tls: found unknown private key type in PKCS#8 wrapping')
    } catch (cause) {
      if (!(cause instanceof BuiltinError) || cause.message.startsWith('tls')) throw cause
    }
  }
  throw new BuiltinError('tls: failed to parse private key')
}

type RsaParts = Pick<RsaPrivateKey, 'd' | 'p' | 'q'> &
  Partial<Pick<RsaPrivateKey, 'dp' | 'dq' | 'qInverse'>>

function readParts(der: Der): RsaParts | undefined {
  const [d, p, q] = [readInteger(der), readInteger(der), readInteger(der)]
  if (d === undefined || p === undefined || q === undefined) return undefined
  const values: bigint[] = []
  while (nextTag(der) === INTEGER && values.length < 3) {
    const value = readInteger(der)
    if (value === undefined) return undefined
    values.push(value)
  }
  if (nextTag(der) === SEQUENCE) throw refuse('keys of more than two primes are not supported')
  if (!isAtEnd(der)) return undefined
  const [dp, dq, qInverse] = values
  return {
    d,
    p,
    q,
    ...(dp !== undefined && { dp }),
    ...(dq !== undefined && { dq }),
    ...(qInverse !== undefined && { qInverse }),
  }
}

/** The curve that the key names, or none: ''. Nothing but the public key may follow, which must be a bit string. */
function readOptionalCurve(der: Der): string | undefined {
  let curve = ''
  if (nextTag(der) === (CONTEXT | CONSTRUCTED)) {
    const inner = read(der, CONTEXT | CONSTRUCTED)
    const named = inner && readOid(inner)
    if (named === undefined) return undefined
    curve = named
  }
  if (nextTag(der) === (CONTEXT | CONSTRUCTED | 1)) {
    const inner = read(der, CONTEXT | CONSTRUCTED | 1)
    if (inner === undefined || readBitString(inner) === undefined) return undefined
  }
  return isAtEnd(der) ? curve : undefined
}

/** A scalar without the zeros that some add in front; those that some leave out are not missed. */
function unpadded(secret: Uint8Array, curve: CurveName): Uint8Array {
  const excess = Math.max(secret.length - fieldBytes(curve), 0)
  if (secret.subarray(0, excess).some((byte) => byte !== 0)) {
    throw refuse('invalid private key length')
  }
  return secret.subarray(excess)
}

function edwardsSecret({ parameters }: Algorithm, key: Uint8Array): Uint8Array {
  if (parameters.length > 0) throw refuse('invalid private key parameters')
  const secret = readBytes(derOf(key), OCTET_STRING)
  if (secret?.length !== EDWARDS_KEY_BYTES) throw refuse('invalid private key length')
  return secret
}

function refuse(message: string): BuiltinError {
  return new BuiltinError(`x509: ${message}`)
}
