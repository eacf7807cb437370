import { BuiltinError } from '../builtin.ts'
import type { BitString, Der } from './der.ts'
import {
  derOf,
  isAtEnd,
  NULL,
  read,
  readAny,
  readBitString,
  readElement,
  readInt64,
  readInteger,
  rightAlign,
  SEQUENCE,
} from './der.ts'
import type { Ed25519PublicKey, X25519PublicKey } from './edwards.ts'
import { EDWARDS_KEY_BYTES } from './edwards.ts'
import type { CurveName, EcPublicKey } from './elliptic.ts'
import { publicKeyOf } from './elliptic.ts'
import type { Oid } from './object-identifier.ts'
import { readOid } from './object-identifier.ts'
import type { RsaPublicKey } from './rsa.ts'

export type PublicKey =
  | RsaPublicKey
  | EcPublicKey
  | Ed25519PublicKey
  | X25519PublicKey
  | DsaPublicKey

/** Read and shown only: no signature is checked with it. */
export type DsaPublicKey = {
  readonly kind: 'dsa'
  readonly p: bigint
  readonly q: bigint
  readonly g: bigint
  readonly y: bigint
}

/** An AlgorithmIdentifier (RFC 5280 section 4.1.1.2): `parameters` with tag and length, empty where there are none. */
export type Algorithm = { readonly oid: Oid; readonly parameters: Uint8Array }

/** A SubjectPublicKeyInfo (RFC 5280 section 4.1.2.7), its key still in DER. */
export type KeyInfo = { readonly algorithm: Algorithm; readonly key: BitString }

export const RSA_OID = '1.2.840.113549.1.1.1'
export const DSA_OID = '1.2.840.10040.4.1'
export const EC_OID = '1.2.840.10045.2.1'
export const X25519_OID = '1.3.101.110'
export const ED25519_OID = '1.3.101.112'

/** Reads the content of an AlgorithmIdentifier. */
export function readAlgorithm(der: Der): Algorithm | undefined {
  const oid = readOid(der)
  if (oid === undefined) return undefined
  if (isAtEnd(der)) return { oid, parameters: new Uint8Array() }
  const parameters = readAny(der)
  return parameters && { oid, parameters: parameters.whole }
}

/** Reads the content of a SubjectPublicKeyInfo. */
export function readKeyInfo(der: Der): KeyInfo | undefined {
  const identifier = read(der, SEQUENCE)
  const algorithm = identifier && readAlgorithm(identifier)
  const key = readBitString(der)
  return algorithm && key && { algorithm, key }
}

/**
 * The key of a DER SubjectPublicKeyInfo, as PEM blocks `PUBLIC KEY` hold it.
 *
 * @throws {BuiltinError}
 */
export function parsePublicKey(bytes: Uint8Array): PublicKey {
  const der = derOf(bytes)
  const content = read(der, SEQUENCE)
  const info = content && readKeyInfo(content)
  if (info === undefined) throw new BuiltinError('asn1: structure error: no public key')
  if (!isAtEnd(der)) throw refuse('trailing data after ASN.1 of public-key')
  return keyOf(info)
}

/**
 * The key of a SubjectPublicKeyInfo, by the rules of Go's `crypto/x509`.
 *
 * @throws {BuiltinError}
 */
export function keyOf({ algorithm: { oid, parameters }, key }: KeyInfo): PublicKey {
  const data = rightAlign(key)
  switch (oid) {
    case RSA_OID:
      return rsaKey(data, parameters)
    case EC_OID:
      return ecKey(data, parameters)
    case DSA_OID:
      return dsaKey(data, parameters)
    case ED25519_OID:
    case X25519_OID: {
      const [kind, name] =
        oid === ED25519_OID ? (['ed25519', 'Ed25519'] as const) : (['x25519', 'X25519'] as const)
      // RFC 8410 section 3: the parameters must be absent.
      if (parameters.length > 0) throw refuse(`${name} key encoded with illegal parameters`)
      if (data.length !== EDWARDS_KEY_BYTES) throw refuse(`wrong ${name} public key size`)
      return { kind, x: data }
    }
    default:
      throw refuse('unknown public key algorithm')
  }
}

export function curveOf(oid: Oid): CurveName | undefined {
  return Object.hasOwn(CURVES, oid) ? CURVES[oid] : undefined
}

const CURVES: Readonly<Record<Oid, CurveName>> = {
  '1.3.132.0.33': 'P-224',
  '1.2.840.10045.3.1.7': 'P-256',
  '1.3.132.0.34': 'P-384',
  '1.3.132.0.35': 'P-521',
}

function rsaKey(data: Uint8Array, parameters: Uint8Array): RsaPublicKey {
  // RFC 3279 section 2.3.1: the parameters must be NULL.
  if (parameters.length !== 2 || parameters[0] !== NULL || parameters[1] !== 0) {
    throw refuse('RSA key missing NULL parameters')
  }
  const der = read(derOf(data), SEQUENCE)
  if (der === undefined) throw refuse('invalid RSA public key')
  const n = readInteger(der)
  if (n === undefined) throw refuse('invalid RSA modulus')
  const e = readInt64(der)
  if (e === undefined) throw refuse('invalid RSA public exponent')
  if (n <= 0n) throw refuse('RSA modulus is not a positive number')
  if (e <= 0n) throw refuse('RSA public exponent is not a positive number')
  return { kind: 'rsa', n, e }
}

function ecKey(data: Uint8Array, parameters: Uint8Array): EcPublicKey {
  const named = readOid(derOf(parameters))
  if (named === undefined) throw refuse('invalid ECDSA parameters')
  const curve = curveOf(named)
  if (curve === undefined) throw refuse('unsupported elliptic curve')
  const key = publicKeyOf(curve, data)
  if (key === undefined) throw new BuiltinError('ecdsa: invalid uncompressed public key')
  return key
}

function dsaKey(data: Uint8Array, parameters: Uint8Array): DsaPublicKey {
  const y = readInteger(derOf(data))
  if (y === undefined) throw refuse('invalid DSA public key')
  const der = readElement(derOf(parameters), SEQUENCE)?.content
  const [p, q, g] = der ? [readInteger(der), readInteger(der), readInteger(der)] : []
  if (p === undefined || q === undefined || g === undefined) {
    throw refuse('invalid DSA parameters')
  }
  if (p <= 0n || q <= 0n || g <= 0n || y <= 0n) throw refuse('zero or negative DSA parameter')
  return { kind: 'dsa', p, q, g, y }
}

function refuse(message: string): BuiltinError {
  return new BuiltinError(`x509: ${message}`)
}
