import { createPublicKey } from 'node:crypto'
import { type Bundle, bundleFromJSON, bundleToJSON } from '@sigstore/bundle'
import { toSignedEntity, VerificationError, Verifier } from '@sigstore/verify'
import { canonicalize } from '../../base/canonical-json.ts'
import { certificateIdentity, type SigstoreIdentity } from '../../base/certificate-identity.ts'
import { PolicyError } from '../../base/errors.ts'
import { parseJson } from '../../base/json-parse.ts'
import type { JsonValue } from '../../base/json-value.ts'
import { SIGSTORE_BUNDLE_LENGTH_MAX, SIGSTORE_PROOFS_MAX } from '../../base/limits.ts'
import { openTrustedRoot } from '../../model/trusted-root.ts'

/** What bundles are checked against. All of it is pinned; nothing is fetched. */
export type SigstoreTrust = {
  /** ProtoJSON of a trusted root, as `readTrustedRoot` gives it. */
  readonly trusted_root: object
  /** Entries in a transparency log that a bundle must carry: 0 or 1. Default: 1. */
  readonly tlog_min?: number
  /** Proofs that a certificate was logged: 0 or 1. Default: 1. */
  readonly ctlog_min?: number
}

export type SigstoreStatement = {
  readonly identity: SigstoreIdentity
  /** The signed bytes. */
  readonly payload: Uint8Array
  readonly payloadType: string
  /** When the signature existed, by each authority that says so, in Unix milliseconds, sorted; at least one. */
  readonly times: readonly number[]
}

/** The payload type of in-toto statements. */
export const IN_TOTO_PAYLOAD_TYPE = 'application/vnd.in-toto+json'

/**
 * Verifies a Sigstore bundle of a DSSE envelope, offline: the certificate leads to a pinned authority and was valid at
 * every vouched time, its issuance was logged, the signature is in a log, and it is the signature of the payload. Who
 * signed is the answer; whether that one may is the caller's question, to be asked of whole strings.
 *
 * @param text - JSON of a bundle v0.3, strict: what this verifier does not know is refused
 * @throws {PolicyError} SIGSTORE_MALFORMED; SIGSTORE_UNTRUSTED when certificate, time stamp or log entry do not lead to
 *   the trusted root; SIGNATURE_WRONG; SIGSTORE_ROOT_INVALID
 */
export function verifySigstoreBundle(text: string, trust: SigstoreTrust): SigstoreStatement {
  const { bundle, envelope, certificate } = parseBundle(text)
  const verifier = verifierOf(trust)
  const identity = certificateIdentity(certificate)
  let times: number[]
  try {
    const entity = toSignedEntity(bundle)
    const signer = verifier.verify(entity)
    // The library reads the certificate by itself: both readings must agree.
    const { subjectAlternativeName: subject, extensions } = signer.identity ?? {}
    if (subject !== identity.subject || extensions?.issuer !== identity.issuer) {
      throw malformed('one reading of the certificate')
    }
    times = entity.timestamps.flatMap((stamp) => {
      if (stamp.$case === 'timestamp-authority') return [stamp.timestamp.signingTime.getTime()]
      const { inclusionPromise, integratedTime } = stamp.tlogEntry
      return inclusionPromise === undefined ? [] : [Number(integratedTime) * 1000]
    })
  } catch (cause) {
    throw refusal(cause)
  }
  if (times.length === 0 || times.some(Number.isNaN)) throw untrusted('a time that can be verified')
  return {
    identity,
    payload: envelope.payload,
    payloadType: envelope.payloadType,
    times: times.sort((a, b) => a - b),
  }
}

/**
 * Whom a bundle says it is by and what it signs, checked against nothing but its own certificate: for logs that are
 * read without a trusted root, where the best answer is that they agree with themselves.
 *
 * @throws {PolicyError} SIGSTORE_MALFORMED; SIGNATURE_WRONG
 */
export function readSigstoreBundle(text: string): Omit<SigstoreStatement, 'times'> {
  const { bundle, envelope, certificate } = parseBundle(text)
  const identity = certificateIdentity(certificate)
  let holds: boolean
  try {
    const { signature, key } = toSignedEntity(bundle)
    if (key.$case !== 'certificate') throw malformed('a certificate')
    holds = signature.verifySignature(
      createPublicKey({ key: key.certificate.publicKey, format: 'der', type: 'spki' }),
    )
  } catch (cause) {
    throw refusal(cause)
  }
  if (!holds) throw wrong()
  return { identity, payload: envelope.payload, payloadType: envelope.payloadType }
}

type Parsed = {
  readonly bundle: Bundle
  readonly envelope: { readonly payload: Uint8Array; readonly payloadType: string }
  /** DER. */
  readonly certificate: Uint8Array
}

function parseBundle(text: string): Parsed {
  if (text.length > SIGSTORE_BUNDLE_LENGTH_MAX) {
    throw malformed(`a bundle of at most ${SIGSTORE_BUNDLE_LENGTH_MAX} characters`)
  }
  let value: JsonValue
  let bundle: Bundle
  try {
    value = parseJson(text)
    bundle = bundleFromJSON(value)
  } catch (cause) {
    throw malformed('a Sigstore bundle in strict JSON', cause)
  }
  if (bundle.mediaType !== BUNDLE_MEDIA_TYPE) throw malformed(`the media type ${BUNDLE_MEDIA_TYPE}`)
  // Else there would be fields that one reader sees and another does not, or base64 with two texts for one value.
  if (canonicalize(bundleToJSON(bundle) as unknown as JsonValue) !== canonicalize(value)) {
    throw malformed('the known fields of a bundle, each in its one form')
  }
  const { content, verificationMaterial } = bundle
  if (content.$case !== 'dsseEnvelope') throw malformed('a DSSE envelope')
  if (verificationMaterial.content.$case !== 'certificate') throw malformed('a certificate')
  const { tlogEntries, timestampVerificationData } = verificationMaterial
  const stamps = timestampVerificationData?.rfc3161Timestamps ?? []
  if (tlogEntries.length > SIGSTORE_PROOFS_MAX || stamps.length > SIGSTORE_PROOFS_MAX) {
    throw malformed(`at most ${SIGSTORE_PROOFS_MAX} log entries and time stamps`)
  }
  const certificate = verificationMaterial.content.certificate.rawBytes
  return { bundle, envelope: content.dsseEnvelope, certificate }
}

const BUNDLE_MEDIA_TYPE = 'application/vnd.dev.sigstore.bundle.v0.3+json'

/** One verifier for each pinned root: reading it takes longer than a signature. */
const verifiers = new WeakMap<object, Verifier>()

function verifierOf(trust: SigstoreTrust): Verifier {
  const known = verifiers.get(trust)
  if (known !== undefined) return known
  const verifier = new Verifier(openTrustedRoot(trust.trusted_root), {
    tlogThreshold: trust.tlog_min ?? 1,
    ctlogThreshold: trust.ctlog_min ?? 1,
    // Never less: without a vouched time the library would look at no certificate at all.
    timestampThreshold: 1,
  })
  verifiers.set(trust, verifier)
  return verifier
}

/** The library's refusals, and whatever else hostile bytes make it throw, under our codes. */
function refusal(cause: unknown): PolicyError {
  if (cause instanceof PolicyError) return cause
  if (!(cause instanceof VerificationError)) return malformed('DER that can be read', cause)
  const code: string = cause.code
  if (code === 'SIGNATURE_ERROR' || code === 'TLOG_BODY_ERROR') return wrong(cause)
  if (code === 'TIMESTAMP_ERROR')
    return untrusted('a time stamp that the trusted root vouches for', cause)
  if (code === 'CERTIFICATE_ERROR') {
    return untrusted('a certificate of the trusted root, logged, and valid when it signed', cause)
  }
  return untrusted('an entry of a log that the trusted root names', cause)
}

function wrong(cause?: unknown): PolicyError {
  const message = 'the signature, or its entry in the log, is of other bytes'
  return new PolicyError('SIGNATURE_WRONG', message, { cause })
}

function untrusted(expected: string, cause?: unknown): PolicyError {
  return new PolicyError('SIGSTORE_UNTRUSTED', `expected ${expected}`, { cause })
}

function malformed(expected: string, cause?: unknown): PolicyError {
  return new PolicyError('SIGSTORE_MALFORMED', `expected ${expected}`, { cause })
}
