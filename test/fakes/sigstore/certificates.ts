import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto'
import {
  bits,
  der,
  integer,
  octets,
  oid,
  readDer,
  sequence,
  set,
  TRUE,
  utcTime,
  utf8String,
} from './der.ts'

export type KeyPair = { readonly publicKey: KeyObject; readonly privateKey: KeyObject }

export function p256(): KeyPair {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' })
}

/** SubjectPublicKeyInfo in DER. */
export function spki({ publicKey }: { readonly publicKey: KeyObject }): Buffer {
  return publicKey.export({ format: 'der', type: 'spki' })
}

export const ECDSA_SHA256 = sequence(oid('1.2.840.10045.4.3.2'))

export type Authority = {
  readonly name: string
  readonly keys: KeyPair
  readonly certificate: Uint8Array
}

export function nameOf(name: string): Uint8Array {
  return sequence(set(sequence(oid('2.5.4.3'), utf8String(name))))
}

export function extension(id: string, value: Uint8Array, critical = false): Uint8Array {
  return sequence(oid(id), ...(critical ? [TRUE] : []), octets(value))
}

/** Extensions of a certificate authority: it signs certificates. */
const AUTHORITY = [
  extension('2.5.29.19', sequence(TRUE), true),
  extension('2.5.29.15', der(0x03, Uint8Array.of(1, 0x06)), true),
]

/** A root that has signed itself. */
export function rootAuthority(name: string, valid: Validity): Authority {
  const keys = p256()
  const tbs = tbsOf({ name, issuer: name, keys, valid, extensions: AUTHORITY })
  return { name, keys, certificate: signed(tbs, keys.privateKey) }
}

/** Unix milliseconds. */
export type Validity = { readonly from: number; readonly until: number }

export type Asked = {
  readonly name: string
  readonly issuer: string
  readonly keys: { readonly publicKey: KeyObject }
  readonly valid: Validity
  readonly extensions: readonly Uint8Array[]
  readonly serial?: readonly number[]
}

export function tbsOf({ name, issuer, keys, valid, extensions, serial }: Asked): Uint8Array {
  return sequence(
    der(0xa0, integer(2)),
    integer(...(serial ?? [1, ...randomBytes(8)])),
    ECDSA_SHA256,
    nameOf(issuer),
    sequence(utcTime(valid.from), utcTime(valid.until)),
    name === '' ? sequence() : nameOf(name),
    spki(keys),
    der(0xa3, sequence(...extensions)),
  )
}

export function signed(tbs: Uint8Array, key: KeyObject): Uint8Array {
  return sequence(tbs, ECDSA_SHA256, bits(sign('sha256', tbs, key)))
}

/** A log that certificates are put into (RFC 6962): it signs that it will. */
export type CertificateLog = { readonly keys: KeyPair; readonly id: Buffer }

export function certificateLog(): CertificateLog {
  const keys = p256()
  return { keys, id: createHash('sha256').update(spki(keys)).digest() }
}

/**
 * What a log signs for a certificate that is about to be issued (RFC 6962 section 3.2), without its list's framing.
 *
 * @param tbs - without the poison, and without the extension that will carry this
 */
export function certificateTimestamp(
  { keys }: CertificateLog,
  tbs: Uint8Array,
  at: { readonly ms: number; readonly issuer: { readonly publicKey: KeyObject } },
): Buffer {
  const time = Buffer.alloc(8)
  time.writeBigUInt64BE(BigInt(at.ms))
  const length = Buffer.alloc(4)
  length.writeUInt32BE(tbs.length)
  const issuerHash = createHash('sha256').update(spki(at.issuer)).digest()
  const parts = [
    Uint8Array.of(0, 0),
    time,
    Uint8Array.of(0, 1),
    issuerHash,
    length.subarray(1),
    tbs,
  ]
  const data = Buffer.concat([...parts, Uint8Array.of(0, 0)])
  return sign('sha256', data, keys.privateKey)
}

/** The extension that carries one signed certificate timestamp. */
export function timestampExtension(log: CertificateLog, ms: number, signature: Buffer): Uint8Array {
  const time = Buffer.alloc(8)
  time.writeBigUInt64BE(BigInt(ms))
  const head = Buffer.concat([Uint8Array.of(0), log.id, time, Uint8Array.of(0, 0, 4, 3)])
  const sct = Buffer.concat([head, framed(signature)])
  return extension('1.3.6.1.4.1.11129.2.4.2', octets(framed(framed(sct))))
}

function framed(bytes: Uint8Array): Buffer {
  const length = Buffer.alloc(2)
  length.writeUInt16BE(bytes.length)
  return Buffer.concat([length, bytes])
}

/** The part of a precertificate that a log signs: all but the poison that keeps it from being used (RFC 6962). */
export function withoutPoison(precertificate: Uint8Array): Uint8Array {
  const [certificate] = readDer(precertificate)
  const [tbs] = readDer(certificate?.value ?? new Uint8Array())
  const poison = Buffer.from(oid('1.3.6.1.4.1.11129.2.4.3'))
  const parts = readDer(tbs?.value ?? new Uint8Array()).map((part) => {
    if (part.tag !== 0xa3) return part.whole
    const [list] = readDer(part.value)
    const kept = readDer(list?.value ?? new Uint8Array()).filter(
      ({ value }) => !poison.equals(readDer(value)[0]?.whole ?? new Uint8Array()),
    )
    return der(0xa3, sequence(...kept.map(({ whole }) => whole)))
  })
  return sequence(...parts)
}

export function pem(label: string, bytes: Uint8Array): string {
  const lines =
    Buffer.from(bytes)
      .toString('base64')
      .match(/.{1,64}/g) ?? []
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ''].join('\n')
}
