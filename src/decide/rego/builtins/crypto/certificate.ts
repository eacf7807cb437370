import { bytesEqual } from '../../../../base/digest.ts'
import { BuiltinError } from '../builtin.ts'
import type { Moment } from './asn1-time.ts'
import { readMoment } from './asn1-time.ts'
import type { Der } from './der.ts'
import {
  CONSTRUCTED,
  CONTEXT,
  derOf,
  isAtEnd,
  nextTag,
  read,
  readBitString,
  readElement,
  readInt64,
  readInteger,
  restOf,
  rightAlign,
  SEQUENCE,
} from './der.ts'
import type { Extension, Extensions } from './extensions.ts'
import { readExtension, readExtensions } from './extensions.ts'
import type { Name } from './names.ts'
import { readName } from './names.ts'
import type { PublicKey } from './public-keys.ts'
import {
  DSA_OID,
  EC_OID,
  ED25519_OID,
  keyOf,
  RSA_OID,
  readAlgorithm,
  readKeyInfo,
} from './public-keys.ts'
import type { SignatureAlgorithm } from './signature-algorithms.ts'
import { signatureAlgorithmOf } from './signature-algorithms.ts'

/** A certificate as Go's `crypto/x509` reads it. RFC 5280 section 4.1. */
export type Certificate = {
  /** DER of all of it, and of its parts. */
  readonly raw: Uint8Array
  readonly rawTbs: Uint8Array
  readonly rawIssuer: Uint8Array
  readonly rawSubject: Uint8Array
  readonly rawKeyInfo: Uint8Array
  readonly signature: Uint8Array
  readonly signatureAlgorithm: SignatureAlgorithm | undefined
  /** Go's `x509.PublicKeyAlgorithm`; 0 for one it does not know, and then there is no key. */
  readonly keyAlgorithm: number
  readonly key: PublicKey | undefined
  /** 1, 2 or 3. */
  readonly version: number
  readonly serial: bigint
  readonly issuer: Name
  readonly subject: Name
  readonly notBefore: Moment
  readonly notAfter: Moment
  readonly extensions: readonly Extension[]
  /** What the extensions say. */
  readonly says: Extensions
}

/**
 * Reads certificates that lie one after the other in DER.
 *
 * @throws {BuiltinError}
 */
export function parseCertificates(bytes: Uint8Array): readonly Certificate[] {
  const der = derOf(bytes)
  const certificates: Certificate[] = []
  while (!isAtEnd(der)) certificates.push(readCertificate(der))
  return certificates
}

/**
 * Reads one certificate in DER, with nothing behind it.
 *
 * @throws {BuiltinError}
 */
export function parseCertificate(bytes: Uint8Array): Certificate {
  const der = derOf(bytes)
  const certificate = readCertificate(der)
  if (!isAtEnd(der)) throw new BuiltinError('x509: trailing data')
  return certificate
}

/** Numbers of Go's `x509.PublicKeyAlgorithm`. */
export function keyAlgorithmOf(oid: string): number {
  return Object.hasOwn(KEY_ALGORITHMS, oid) ? (KEY_ALGORITHMS[oid] ?? 0) : 0
}

const KEY_ALGORITHMS: Readonly<Record<string, number>> = {
  [RSA_OID]: 1,
  [DSA_OID]: 2,
  [EC_OID]: 3,
  [ED25519_OID]: 4,
}

function readCertificate(der: Der): Certificate {
  const { whole: raw, content: outer } = need(readElement(der, SEQUENCE), 'certificate')
  const { whole: rawTbs, content: tbs } = need(readElement(outer, SEQUENCE), 'tbs certificate')
  const version = readVersion(tbs)
  const serial = need(readInteger(tbs), 'serial number')
  if (serial < 0n) throw new BuiltinError('x509: negative serial number')
  const inner = restOf(need(read(tbs, SEQUENCE), 'signature algorithm identifier'))
  if (!bytesEqual(inner, restOf(need(read(outer, SEQUENCE), 'algorithm identifier')))) {
    throw new BuiltinError("x509: inner and outer signature algorithm identifiers don't match")
  }
  const algorithm = need(readAlgorithm(derOf(inner)), 'algorithm identifier')
  const issuer = readWholeName(tbs)
  const validity = need(read(tbs, SEQUENCE), 'validity')
  const notBefore = need(readMoment(validity), 'UTCTime')
  const notAfter = need(readMoment(validity), 'UTCTime')
  const subject = readWholeName(tbs)
  const { whole: rawKeyInfo, content: spki } = need(readElement(tbs, SEQUENCE), 'spki')
  const keyInfo = need(readKeyInfo(spki), 'spki')
  const keyAlgorithm = keyAlgorithmOf(keyInfo.algorithm.oid)
  const key = keyAlgorithm === 0 ? undefined : keyOf(keyInfo)
  const extensions = version > 1 ? readTail(tbs, version) : []
  return {
    raw,
    rawTbs,
    rawIssuer: issuer.whole,
    rawSubject: subject.whole,
    rawKeyInfo,
    signatureAlgorithm: signatureAlgorithmOf(algorithm),
    keyAlgorithm,
    key,
    version,
    serial,
    issuer: issuer.name,
    subject: subject.name,
    notBefore,
    notAfter,
    extensions,
    says: readExtensions(extensions),
    signature: rightAlign(need(readBitString(outer), 'signature')),
  }
}

function readVersion(tbs: Der): number {
  if (nextTag(tbs) !== (CONTEXT | CONSTRUCTED)) return 1
  const inner = need(read(tbs, CONTEXT | CONSTRUCTED), 'version')
  const version = need(readInt64(inner), 'version')
  if (version < 0n || !isAtEnd(inner)) throw new BuiltinError('x509: malformed version')
  if (version > 2n) throw new BuiltinError('x509: invalid version')
  return Number(version) + 1
}

function readWholeName(tbs: Der): { readonly whole: Uint8Array; readonly name: Name } {
  const { whole } = need(readElement(tbs, SEQUENCE), 'issuer')
  const name = readName(derOf(whole))
  if (name === undefined) throw new BuiltinError('x509: invalid RDNSequence')
  return { whole, name }
}

/** Unique identifiers, which are skipped, and extensions. */
function readTail(tbs: Der, version: number): readonly Extension[] {
  for (const tag of [CONTEXT | 1, CONTEXT | 2]) {
    if (nextTag(tbs) === tag) need(read(tbs, tag), 'unique identifier')
  }
  const tag = CONTEXT | CONSTRUCTED | 3
  if (version < 3 || nextTag(tbs) !== tag) return []
  const outer = need(read(tbs, tag), 'extensions')
  const list = need(read(outer, SEQUENCE), 'extensions')
  const extensions: Extension[] = []
  while (!isAtEnd(list)) {
    const content = need(read(list, SEQUENCE), 'extension')
    extensions.push(need(readExtension(content), 'extension'))
  }
  if (new Set(extensions.map(({ id }) => id)).size < extensions.length) {
    throw new BuiltinError('x509: certificate contains duplicate extension')
  }
  return extensions
}

function need<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new BuiltinError(`x509: malformed ${what}`)
  return value
}
