import { describe, expect, test } from 'vitest'
import { canonicalize } from '../../../src/base/canonical-json.ts'
import type { JsonObject } from '../../../src/base/json-value.ts'
import { SIGSTORE_BUNDLE_LENGTH_MAX } from '../../../src/base/limits.ts'
import { readTrustedRoot } from '../../../src/model/trusted-root.ts'
import type { SigstoreTrust } from '../../../src/trust/verify/sigstore.ts'
import { readSigstoreBundle, verifySigstoreBundle } from '../../../src/trust/verify/sigstore.ts'
import { extension } from '../../fakes/sigstore/certificates.ts'
import { der, oid, sequence, utf8String } from '../../fakes/sigstore/der.ts'
import type { Editable, Signing } from '../../fakes/sigstore/fake-sigstore.ts'
import { fakeSigstore, ISSUER, subjectName } from '../../fakes/sigstore/fake-sigstore.ts'

const NOW = Date.parse('2026-11-21T10:00:00.000Z')
const FAKE = fakeSigstore(NOW)
const TRUST: SigstoreTrust = { trusted_root: FAKE.root }
const PAYLOAD = new TextEncoder().encode('{"_type":"https://in-toto.io/Statement/v1"}')

function codeOf(work: () => unknown): string {
  try {
    work()
    return 'verified'
  } catch (error) {
    return `${(error as { code?: string }).code ?? error}`
  }
}

test('a sound bundle -> who signed, what, and when', () => {
  expect(verifySigstoreBundle(FAKE.sign(PAYLOAD), TRUST)).toEqual({
    identity: { issuer: ISSUER, subject: 'ana@example.com' },
    payload: Buffer.from(PAYLOAD),
    payloadType: 'application/vnd.in-toto+json',
    times: [NOW],
  })
})

test("a workflow's URI is a subject too", () => {
  const subject = 'https://github.com/acme/shop/.github/workflows/release.yml@refs/heads/main'
  expect(verifySigstoreBundle(FAKE.sign(PAYLOAD, { subject }), TRUST).identity.subject).toBe(
    subject,
  )
})

const USE = extension('2.5.29.37', sequence(oid('1.3.6.1.5.5.7.3.3')))
const NAME = subjectName('ana@example.com')
const FROM = extension('1.3.6.1.4.1.57264.1.8', utf8String(ISSUER))

type Row = Signing & { readonly name: string; readonly want: string; readonly trust?: object }

describe('a signature that does not lead to the pinned root', () => {
  test.for<Row>([
    {
      name: 'a certificate of another authority',
      foreign: 'certificate',
      want: 'SIGSTORE_UNTRUSTED',
    },
    { name: 'logged as issued by another log', foreign: 'sct', want: 'SIGSTORE_UNTRUSTED' },
    { name: 'not logged as issued', without: 'sct', want: 'SIGSTORE_UNTRUSTED' },
    { name: 'in another log', foreign: 'log', want: 'SIGSTORE_UNTRUSTED' },
    { name: 'in no log', without: 'log', want: 'SIGSTORE_UNTRUSTED' },
    { name: 'stamped by another authority', foreign: 'stamp', want: 'SIGSTORE_UNTRUSTED' },
    { name: 'not stamped', without: 'stamp', want: 'SIGSTORE_UNTRUSTED' },
    {
      name: 'an expired certificate without a time stamp',
      valid: { from: NOW - 900_000, until: NOW - 300_000 },
      without: 'stamp',
      want: 'SIGSTORE_UNTRUSTED',
    },
    {
      name: 'stamped after the certificate ended',
      stampedAt: NOW + 601_000,
      want: 'SIGSTORE_UNTRUSTED',
    },
    { name: 'stamped before it began', stampedAt: NOW - 61_000, want: 'SIGSTORE_UNTRUSTED' },
    {
      name: 'in no log, where none is asked for',
      without: 'log',
      trust: { tlog_min: 0 },
      want: 'verified',
    },
    {
      name: 'not logged as issued, where that is not asked for',
      without: 'sct',
      trust: { ctlog_min: 0 },
      want: 'verified',
    },
    {
      name: 'in another log, though none is asked for',
      foreign: 'log',
      trust: { tlog_min: 0 },
      want: 'SIGSTORE_UNTRUSTED',
    },
    {
      name: 'not stamped, though no log is asked for',
      without: 'stamp',
      trust: { tlog_min: 0, ctlog_min: 0 },
      want: 'SIGSTORE_UNTRUSTED',
    },
  ])('$name -> $want', ({ want, trust, ...signing }) => {
    const bundle = FAKE.sign(PAYLOAD, signing)
    expect(codeOf(() => verifySigstoreBundle(bundle, { ...TRUST, ...trust }))).toBe(want)
  })

  test('every signature of another root -> SIGSTORE_UNTRUSTED', () => {
    const other = fakeSigstore(NOW).sign(PAYLOAD)
    expect(codeOf(() => verifySigstoreBundle(other, TRUST))).toBe('SIGSTORE_UNTRUSTED')
  })
})

const otherOf = (text: string): string => `${text.startsWith('A') ? 'B' : 'A'}${text.slice(1)}`

describe('a bundle that was changed', () => {
  const edit = (change: (bundle: Editable) => void) => change
  test.for<{ name: string; edit: (bundle: Editable) => void; want: string }>([
    {
      name: 'another payload',
      edit: edit((it) => {
        it.dsseEnvelope.payload = Buffer.from('{}').toString('base64')
      }),
      want: 'SIGNATURE_WRONG',
    },
    {
      name: 'another payload type',
      edit: edit((it) => {
        it.dsseEnvelope.payloadType = 'text/plain'
      }),
      want: 'SIGNATURE_WRONG',
    },
    {
      name: "another signature's bundle around it",
      edit: edit((it) => {
        const other = JSON.parse(FAKE.sign(PAYLOAD)) as Editable
        it.dsseEnvelope.signatures = other.dsseEnvelope.signatures
      }),
      want: 'SIGSTORE_UNTRUSTED',
    },
    {
      name: "another signature's log entry",
      edit: edit((it) => {
        const other = JSON.parse(FAKE.sign(PAYLOAD)) as Editable
        it.verificationMaterial.tlogEntries = other.verificationMaterial.tlogEntries
      }),
      want: 'SIGNATURE_WRONG',
    },
    {
      name: "another signature's time stamp",
      edit: edit((it) => {
        const other = JSON.parse(FAKE.sign(PAYLOAD)) as Editable
        it.verificationMaterial.timestampVerificationData =
          other.verificationMaterial.timestampVerificationData
      }),
      want: 'SIGSTORE_UNTRUSTED',
    },
    {
      name: "another signature's certificate, of the same person",
      edit: edit((it) => {
        const other = JSON.parse(FAKE.sign(PAYLOAD)) as Editable
        it.verificationMaterial.certificate = other.verificationMaterial.certificate
      }),
      want: 'SIGNATURE_WRONG',
    },
    {
      name: 'a log entry twice',
      edit: edit((it) => {
        it.verificationMaterial.tlogEntries.push(it.verificationMaterial.tlogEntries[0])
      }),
      want: 'SIGSTORE_UNTRUSTED',
    },
    {
      name: 'a body of the log entry that is no JSON',
      edit: edit((it) => {
        it.verificationMaterial.tlogEntries[0].canonicalizedBody = 'AAAA'
      }),
      want: 'SIGSTORE_UNTRUSTED',
    },
    {
      name: 'five time stamps',
      edit: edit((it) => {
        const { rfc3161Timestamps: stamps } = it.verificationMaterial.timestampVerificationData
        stamps.push(...Array.from({ length: 4 }, () => stamps[0]))
      }),
      want: 'SIGSTORE_MALFORMED',
    },
    {
      name: 'two signatures',
      edit: edit((it) => {
        it.dsseEnvelope.signatures.push(it.dsseEnvelope.signatures[0])
      }),
      want: 'SIGSTORE_MALFORMED',
    },
    {
      name: 'no signature',
      edit: edit((it) => {
        it.dsseEnvelope.signatures = []
      }),
      want: 'SIGSTORE_MALFORMED',
    },
    {
      name: 'a field that nobody knows',
      edit: edit((it) => {
        it.comment = 'hello'
      }),
      want: 'SIGSTORE_MALFORMED',
    },
    {
      name: 'a field that nobody knows, deep inside',
      edit: edit((it) => {
        it.verificationMaterial.certificate.name = 'ana'
      }),
      want: 'SIGSTORE_MALFORMED',
    },
    {
      name: 'base64 with a flipped trailing bit',
      edit: edit((it) => {
        const { payload } = it.dsseEnvelope
        const flipped = payload.replace(/(.)(=+)$/, (_all: string, last: string, rest: string) => {
          return String.fromCharCode(last.charCodeAt(0) + 1) + rest
        })
        expect(Buffer.from(flipped, 'base64')).toEqual(Buffer.from(payload, 'base64'))
        it.dsseEnvelope.payload = flipped
      }),
      want: 'SIGSTORE_MALFORMED',
    },
    {
      name: 'an older media type',
      edit: edit((it) => {
        it.mediaType = 'application/vnd.dev.sigstore.bundle+json;version=0.2'
      }),
      want: 'SIGSTORE_MALFORMED',
    },
    {
      name: 'a chain instead of a certificate',
      edit: edit((it) => {
        const { certificate } = it.verificationMaterial
        delete it.verificationMaterial.certificate
        it.verificationMaterial.x509CertificateChain = { certificates: [certificate] }
      }),
      want: 'SIGSTORE_MALFORMED',
    },
    {
      name: 'a key instead of a certificate',
      edit: edit((it) => {
        delete it.verificationMaterial.certificate
        it.verificationMaterial.publicKey = { hint: 'ana' }
      }),
      want: 'SIGSTORE_MALFORMED',
    },
    {
      name: 'a plain signature instead of an envelope',
      edit: edit((it) => {
        const [{ sig }] = it.dsseEnvelope.signatures
        delete it.dsseEnvelope
        const messageDigest = { algorithm: 'SHA2_256', digest: 'AAAA' }
        it.messageSignature = { messageDigest, signature: sig }
      }),
      want: 'SIGSTORE_MALFORMED',
    },
    {
      name: 'a certificate that is none',
      edit: edit((it) => {
        it.verificationMaterial.certificate.rawBytes = 'MAMCAQE='
      }),
      want: 'SIGSTORE_MALFORMED',
    },
    {
      name: 'a time stamp that is none',
      edit: edit((it) => {
        it.verificationMaterial.timestampVerificationData = {
          rfc3161Timestamps: [{ signedTimestamp: 'MAMCAQE=' }],
        }
      }),
      want: 'SIGSTORE_MALFORMED',
    },
  ])('$name -> $want', ({ edit, want }) => {
    const bundle = FAKE.sign(PAYLOAD, { edit })
    expect(codeOf(() => verifySigstoreBundle(bundle, TRUST))).toBe(want)
  })

  test('one character anywhere -> refused, or still the same answer', () => {
    const sound = FAKE.sign(PAYLOAD)
    const answer = verifySigstoreBundle(sound, TRUST)
    let refused = 0
    for (let at = 0; at < sound.length; at += 97) {
      const changed = sound.slice(0, at) + otherOf(sound.slice(at, at + 1)) + sound.slice(at + 1)
      if (changed === sound) continue
      const code = codeOf(() => verifySigstoreBundle(changed, TRUST))
      // Some of it nobody reads, such as the root that the signed checkpoint says as well.
      if (code === 'verified') expect(verifySigstoreBundle(changed, TRUST)).toEqual(answer)
      else expect(code).toMatch(/^(SIGSTORE_(MALFORMED|UNTRUSTED)|SIGNATURE_WRONG)$/)
      if (code !== 'verified') refused++
    }
    expect(refused).toBeGreaterThan(30)
  })

  test.for([
    { name: 'no JSON', text: 'bundle' },
    { name: 'null', text: 'null' },
    { name: 'a list', text: '[]' },
    { name: 'nothing', text: '{}' },
    { name: 'a key twice', text: '{"mediaType":"a","mediaType":"b"}' },
    { name: 'too much', text: `"${'a'.repeat(SIGSTORE_BUNDLE_LENGTH_MAX)}"` },
    { name: 'nested too deeply', text: `${'['.repeat(2000)}${']'.repeat(2000)}` },
  ])('$name -> SIGSTORE_MALFORMED', ({ text }) => {
    expect(codeOf(() => verifySigstoreBundle(text, TRUST))).toBe('SIGSTORE_MALFORMED')
    expect(codeOf(() => readSigstoreBundle(text))).toBe('SIGSTORE_MALFORMED')
  })
})

describe('whom the certificate names', () => {
  test.for<{ name: string; extensions: readonly Uint8Array[] }>([
    { name: 'nobody', extensions: [USE, FROM] },
    {
      name: 'two people',
      extensions: [USE, subjectName('ana@example.com', 'bo@example.com'), FROM],
    },
    {
      name: 'a person and a URI',
      extensions: [USE, subjectName('ana@example.com', 'https://x'), FROM],
    },
    { name: 'a person twice, in two lists', extensions: [USE, NAME, NAME, FROM] },
    { name: 'no issuer', extensions: [USE, NAME] },
    { name: 'two issuers', extensions: [USE, NAME, FROM, FROM] },
    {
      name: 'an issuer in the old form alone',
      extensions: [USE, NAME, extension('1.3.6.1.4.1.57264.1.1', Buffer.from(ISSUER))],
    },
    {
      name: 'for a server',
      extensions: [extension('2.5.29.37', sequence(oid('1.3.6.1.5.5.7.3.1'))), NAME, FROM],
    },
    { name: 'for nothing', extensions: [NAME, FROM] },
    {
      name: 'a name with a high bit that seven-bit readers drop',
      extensions: [
        USE,
        extension(
          '2.5.29.17',
          sequence(der(0x81, Buffer.from([0xe1, ...Buffer.from('na@example.com')]))),
        ),
        FROM,
      ],
    },
    {
      name: 'a name that ends early for some readers',
      extensions: [USE, subjectName('ana@example.com\0.evil.example'), FROM],
    },
    {
      name: 'a host name',
      extensions: [
        USE,
        extension('2.5.29.17', sequence(der(0x82, Buffer.from('example.com')))),
        FROM,
      ],
    },
  ])('$name -> SIGSTORE_MALFORMED', ({ extensions }) => {
    const bundle = FAKE.sign(PAYLOAD, { extensions })
    expect(codeOf(() => verifySigstoreBundle(bundle, TRUST))).toBe('SIGSTORE_MALFORMED')
  })

  test('without a root a bundle can only agree with itself', () => {
    const other = fakeSigstore(NOW).sign(PAYLOAD)
    expect(readSigstoreBundle(other).identity.subject).toBe('ana@example.com')
    const edit = (it: Editable): void => {
      it.dsseEnvelope.payload = Buffer.from('{}').toString('base64')
    }
    const changed = FAKE.sign(PAYLOAD, { edit })
    expect(codeOf(() => readSigstoreBundle(changed))).toBe('SIGNATURE_WRONG')
  })
})

describe('a trusted root', () => {
  test('comes back as it was understood', () => {
    const { root } = FAKE
    const read = readTrustedRoot(JSON.stringify({ ...root, note: 'of ours' }))
    expect(read).not.toHaveProperty('note')
    const bundle = FAKE.sign(PAYLOAD)
    expect(codeOf(() => verifySigstoreBundle(bundle, { trusted_root: read }))).toBe('verified')
    expect(readTrustedRoot(canonicalize(read))).toEqual(read)
  })

  const changed = (changes: object): string => JSON.stringify({ ...FAKE.root, ...changes })
  const [authority] = FAKE.root['certificateAuthorities'] as readonly JsonObject[]
  test.for([
    { name: 'no JSON', text: '---' },
    { name: 'another media type', text: changed({ mediaType: 'text/plain' }) },
    { name: 'no authority', text: changed({ certificateAuthorities: [] }) },
    {
      name: 'an authority without certificates',
      text: changed({ certificateAuthorities: [{ ...authority, certChain: {} }] }),
    },
    {
      name: 'a certificate that is none',
      text: changed({
        certificateAuthorities: [
          { ...authority, certChain: { certificates: [{ rawBytes: 'AAAA' }] } },
        ],
      }),
    },
    {
      name: 'nobody who vouches for a time',
      text: changed({ tlogs: [], timestampAuthorities: [] }),
    },
    { name: 'a log without a key', text: changed({ tlogs: [{ baseUrl: 'https://log.example' }] }) },
    { name: 'a list', text: '[]' },
    { name: 'too long', text: `"${'a'.repeat(600_000)}"` },
  ])('$name -> SIGSTORE_ROOT_INVALID', ({ text }) => {
    expect(codeOf(() => readTrustedRoot(text))).toBe('SIGSTORE_ROOT_INVALID')
  })
})
