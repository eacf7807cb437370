import { createHash, generateKeyPairSync, sign } from 'node:crypto'
import { canonicalize } from '../../../src/base/canonical-json.ts'
import type { JsonObject, JsonValue } from '../../../src/base/json-value.ts'
import {
  type Authority,
  certificateLog,
  certificateTimestamp,
  ECDSA_SHA256,
  extension,
  nameOf,
  p256,
  rootAuthority,
  signed,
  tbsOf,
  timestampExtension,
  type Validity,
} from './certificates.ts'
import { der, generalizedTime, integer, octets, oid, sequence, set, utf8String } from './der.ts'

// A certificate authority, a log and a time stamp authority in this process, to sign what no honest ones would. The real
// ones are in test/integration/sigstore.test.ts.

/** What a bundle is made of; each part can be wrong. */
export type Signing = {
  readonly issuer?: string
  /** The subject alternative name; with an `@` an e-mail address, else a URI. */
  readonly subject?: string
  /** When it is signed, in Unix milliseconds. */
  readonly at?: number
  /** When the time stamp says that it was signed. Default: `at`. */
  readonly stampedAt?: number
  readonly valid?: Validity
  readonly payloadType?: string
  /** What is certified, logged or stamped by other authorities than the trusted ones. */
  readonly foreign?: 'certificate' | 'sct' | 'log' | 'stamp'
  readonly without?: 'sct' | 'log' | 'stamp'
  /** Extensions instead of the usual ones. */
  readonly extensions?: readonly Uint8Array[]
  /** Changes the bundle afterwards. */
  readonly edit?: (bundle: Editable) => void
}

// biome-ignore lint/suspicious/noExplicitAny: tests break any field of it.
export type Editable = any

export type FakeSigstore = {
  readonly root: JsonObject
  sign(payload: Uint8Array, signing?: Signing): string
}

export const ISSUER = 'https://issuer.example'
const YEAR = 365 * 24 * 3600_000

export function fakeSigstore(now: number): FakeSigstore {
  const long = { from: now - YEAR, until: now + YEAR }
  const trusted = authorities(long)
  const foreign = authorities(long)
  return {
    root: rootOf(trusted),
    sign: (payload, signing = {}) => {
      const pick = (part: Signing['foreign']) => (signing.foreign === part ? foreign : trusted)
      const { at = now, payloadType = 'application/vnd.in-toto+json' } = signing
      const keys = p256()
      const certificate = issue(
        { ca: pick('certificate').ca, ct: pick('sct').ct },
        { ...signing, at, keys },
      )
      const pae = Buffer.concat([
        Buffer.from(`DSSEv1 ${Buffer.byteLength(payloadType)} ${payloadType} ${payload.length} `),
        payload,
      ])
      const signature = sign('sha256', pae, keys.privateKey)
      const entry = entryOf(pick('log').log, { pae, signature, certificate })
      const stamp = stampOf(pick('stamp').tsa, signature, signing.stampedAt ?? at)
      const bundle: Editable = {
        mediaType: 'application/vnd.dev.sigstore.bundle.v0.3+json',
        verificationMaterial: {
          certificate: { rawBytes: base64(certificate) },
          ...(signing.without === 'log' ? {} : { tlogEntries: [entry] }),
          timestampVerificationData:
            signing.without === 'stamp'
              ? {}
              : { rfc3161Timestamps: [{ signedTimestamp: base64(stamp) }] },
        },
        dsseEnvelope: {
          payload: base64(payload),
          payloadType,
          signatures: [{ sig: base64(signature) }],
        },
      }
      signing.edit?.(bundle)
      return canonicalize(bundle)
    },
  }
}

type Authorities = ReturnType<typeof authorities>

function authorities(valid: Validity) {
  const tsaRoot = rootAuthority('tsa-root', valid)
  const keys = p256()
  const serial = [7, 7]
  const use = extension('2.5.29.37', sequence(oid('1.3.6.1.5.5.7.3.8')), true)
  const leaf = tbsOf({ name: 'tsa', issuer: 'tsa-root', keys, valid, extensions: [use], serial })
  const certificate = signed(leaf, tsaRoot.keys.privateKey)
  return {
    ca: rootAuthority('ca', valid),
    ct: certificateLog(),
    log: { origin: 'log.example', keys: generateKeyPairSync('ed25519') },
    tsa: { keys, serial, certificate, root: tsaRoot },
  }
}

function issue(
  by: { readonly ca: Authority; readonly ct: Authorities['ct'] },
  asked: Signing & { readonly at: number; readonly keys: ReturnType<typeof p256> },
): Uint8Array {
  const { at, keys, subject = 'ana@example.com', issuer = ISSUER } = asked
  const usual = [
    extension('2.5.29.37', sequence(oid('1.3.6.1.5.5.7.3.3'))),
    subjectName(subject),
    extension('1.3.6.1.4.1.57264.1.8', utf8String(issuer)),
  ]
  const extensions = asked.extensions ?? usual
  const valid = asked.valid ?? { from: at - 60_000, until: at + 600_000 }
  const serial = [1, 2, 3]
  const of = { name: '', issuer: by.ca.name, keys, valid, serial }
  const bare = tbsOf({ ...of, extensions })
  if (asked.without === 'sct') return signed(bare, by.ca.keys.privateKey)
  const sct = certificateTimestamp(by.ct, bare, { ms: at, issuer: by.ca.keys })
  const whole = tbsOf({ ...of, extensions: [...extensions, timestampExtension(by.ct, at, sct)] })
  return signed(whole, by.ca.keys.privateKey)
}

/** A critical subject alternative name. */
export function subjectName(...names: readonly string[]): Uint8Array {
  const general = names.map((name) => der(name.includes('@') ? 0x81 : 0x86, Buffer.from(name)))
  return extension('2.5.29.17', sequence(...general), true)
}

/** An entry that is alone in its log. */
function entryOf(
  { origin, keys }: Authorities['log'],
  of: { readonly pae: Buffer; readonly signature: Buffer; readonly certificate: Uint8Array },
): JsonObject {
  const body = Buffer.from(
    canonicalize({
      apiVersion: '0.0.2',
      kind: 'hashedrekord',
      spec: {
        hashedRekordV002: {
          data: { algorithm: 'SHA2_256', digest: base64(sha256(of.pae)) },
          signature: {
            content: base64(of.signature),
            verifier: {
              keyDetails: 'PKIX_ECDSA_P256_SHA_256',
              x509Certificate: { rawBytes: base64(of.certificate) },
            },
          },
        },
      },
    }),
  )
  const root = base64(sha256(Buffer.concat([Uint8Array.of(0), body])))
  const note = `${origin}\n1\n${root}\n`
  const id = logId({ origin, keys })
  const mark = base64(
    Buffer.concat([id.subarray(0, 4), sign(null, Buffer.from(note), keys.privateKey)]),
  )
  return {
    logId: { keyId: base64(id) },
    kindVersion: { kind: 'hashedrekord', version: '0.0.2' },
    inclusionProof: {
      rootHash: root,
      treeSize: '1',
      checkpoint: { envelope: `${note}\n— ${origin} ${mark}\n` },
    },
    canonicalizedBody: base64(body),
  }
}

/** The C2SP key id of an Ed25519 key, in full. */
function logId({ origin, keys }: Authorities['log']): Buffer {
  const raw = Buffer.from(keys.publicKey.export({ format: 'jwk' }).x ?? '', 'base64url')
  return sha256(Buffer.concat([Buffer.from(`${origin}\n`), Uint8Array.of(1), raw]))
}

const SHA256 = sequence(oid('2.16.840.1.101.3.4.2.1'))
const TST_INFO = oid('1.2.840.113549.1.9.16.1.4')

/** A time stamp response (RFC 3161) in CMS (RFC 5652). */
function stampOf(tsa: Authorities['tsa'], signature: Buffer, ms: number): Uint8Array {
  const imprint = sequence(SHA256, octets(sha256(signature)))
  const info = sequence(integer(1), oid('1.2.3.4.1'), imprint, integer(9), generalizedTime(ms))
  const attributes = [
    sequence(oid('1.2.840.113549.1.9.3'), set(TST_INFO)),
    sequence(oid('1.2.840.113549.1.9.4'), set(octets(sha256(info)))),
  ]
  const signerInfo = sequence(
    integer(1),
    sequence(nameOf(tsa.root.name), integer(...tsa.serial)),
    SHA256,
    der(0xa0, ...attributes),
    ECDSA_SHA256,
    octets(sign('sha256', set(...attributes), tsa.keys.privateKey)),
  )
  const content = sequence(TST_INFO, der(0xa0, octets(info)))
  const data = sequence(integer(3), set(SHA256), content, set(signerInfo))
  return sequence(sequence(integer(0)), sequence(oid('1.2.840.113549.1.7.2'), der(0xa0, data)))
}

function rootOf({ ca, ct, log, tsa }: Authorities): JsonObject {
  const validFor = { start: '2020-01-01T00:00:00.000Z' }
  const chain = (...certificates: readonly Uint8Array[]) => ({
    certificates: certificates.map((bytes) => ({ rawBytes: base64(bytes) })),
  })
  const key = (
    keys: { readonly publicKey: import('node:crypto').KeyObject },
    keyDetails: string,
  ) => ({
    rawBytes: base64(keys.publicKey.export({ format: 'der', type: 'spki' })),
    keyDetails,
    validFor,
  })
  const subject = { organization: 'example', commonName: 'example' }
  return {
    mediaType: 'application/vnd.dev.sigstore.trustedroot+json;version=0.1',
    tlogs: [
      {
        baseUrl: `https://${log.origin}`,
        hashAlgorithm: 'SHA2_256',
        publicKey: key(log.keys, 'PKIX_ED25519'),
        logId: { keyId: base64(logId(log)) },
      },
    ],
    certificateAuthorities: [
      { subject, uri: 'https://ca.example', certChain: chain(ca.certificate), validFor },
    ],
    ctlogs: [
      {
        baseUrl: 'https://ct.example',
        hashAlgorithm: 'SHA2_256',
        publicKey: key(ct.keys, 'PKIX_ECDSA_P256_SHA_256'),
        logId: { keyId: base64(ct.id) },
      },
    ],
    timestampAuthorities: [
      {
        subject,
        uri: 'https://tsa.example',
        certChain: chain(tsa.certificate, tsa.root.certificate),
        validFor,
      },
    ],
  } satisfies JsonValue
}

function sha256(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest()
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64')
}
