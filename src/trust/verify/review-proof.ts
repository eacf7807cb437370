import { utf8 } from '../../base/digest.ts'
import type { ErrorCode } from '../../base/errors.ts'
import { PolicyError } from '../../base/errors.ts'
import type { CompiledPolicy, ReviewStatement } from '../../model/generated/types.ts'
import { REVIEW_NAMESPACE } from '../../model/ports.ts'
import type { SignedEvidence } from '../approve/review.ts'
import type { ReviewBlocks } from './review-body.ts'
import { IN_TOTO_PAYLOAD_TYPE, type SigstoreTrust, verifySigstoreBundle } from './sigstore.ts'
import { verifySshsig } from './sshsig.ts'

type People = CompiledPolicy['people']

export type ProvenReview = {
  readonly evidence: SignedEvidence
  /** When it was signed, by others' word, in Unix milliseconds, sorted; none for an SSH signature. */
  readonly times: readonly number[]
}

/**
 * Verifies the one signature of a review, of whichever kind.
 *
 * @param sigstore - what Sigstore bundles are checked against; without it none stands
 * @throws {PolicyError} SIGNATURE_* and KEY_UNSUPPORTED as verifySshsig; SIGSTORE_* and SIGNATURE_WRONG as
 *   verifySigstoreBundle; SIGSTORE_UNCONFIGURED
 */
export function verifyProof(
  blocks: ReviewBlocks,
  sigstore: SigstoreTrust | undefined,
): ProvenReview {
  const { statement } = blocks
  if (blocks.kind === 'ssh') {
    const { signature } = blocks
    const { fingerprint } = verifySshsig(signature, utf8(statement), REVIEW_NAMESPACE)
    return { evidence: { assurance: 'ssh', fingerprint, statement, signature }, times: [] }
  }
  if (sigstore === undefined) {
    const message = 'the policy names no trusted root of Sigstore, so no review through it counts'
    throw fail('SIGSTORE_UNCONFIGURED', message)
  }
  const { bundle } = blocks
  const { identity, payload, payloadType, times } = verifySigstoreBundle(bundle, sigstore)
  checkPayload(payload, payloadType, statement)
  return { evidence: { assurance: 'sigstore', identity, statement, bundle }, times }
}

/**
 * What was signed must be this statement, byte for byte, as an in-toto statement.
 *
 * @throws {PolicyError} SIGNATURE_WRONG
 */
function checkPayload(payload: Uint8Array, payloadType: string, statement: string): void {
  const bytes = utf8(statement)
  const same = payload.length === bytes.length && bytes.every((byte, i) => byte === payload[i])
  if (same && payloadType === IN_TOTO_PAYLOAD_TYPE) return
  throw fail('SIGNATURE_WRONG', 'the bundle signs something else than the statement beside it')
}

/**
 * The key or the identity must be pinned in the reviewer's own entry and in no other; a key must have been valid when it
 * signed.
 *
 * @throws {PolicyError} REVIEWER_UNKNOWN; KEY_NOT_PINNED; KEY_NOT_VALID_THEN; IDENTITY_NOT_PINNED
 */
export function checkPinned(
  { people, now }: { readonly people: People; readonly now: number },
  { reviewer, issuedAt }: ReviewStatement['predicate'],
  evidence: SignedEvidence,
): void {
  const [person, ...others] = people.filter((entry) => entry.id === reviewer)
  if (person === undefined || others.length > 0) {
    throw fail('REVIEWER_UNKNOWN', `expected a person on the roster, found '${reviewer}'`)
  }
  if (evidence.assurance === 'sigstore') checkIdentity(people, person, evidence.identity)
  else checkKey(people, person, { fingerprint: evidence.fingerprint, issuedAt, now })
}

type Identity = Extract<SignedEvidence, { assurance: 'sigstore' }>['identity']

function checkIdentity(
  people: People,
  person: People[number],
  { issuer, subject }: Identity,
): void {
  // Whole strings: one issuer may give out names that are parts of another's.
  const pins = (entry: People[number]): number =>
    (entry.identities ?? []).filter((one) => one.issuer === issuer && one.subject === subject)
      .length
  const owners = people.filter((entry) => pins(entry) > 0)
  if (owners.length === 1 && owners[0] === person) return
  throw fail(
    'IDENTITY_NOT_PINNED',
    `${subject} of ${issuer} must stand in the roster entry '${person.id}' and in no other; add it by a reviewed change`,
  )
}

function checkKey(
  people: People,
  person: People[number],
  used: { readonly fingerprint: string; readonly issuedAt: string; readonly now: number },
): void {
  const { fingerprint, issuedAt, now } = used
  const owners = people.filter((entry) => pinned(entry, fingerprint).length > 0)
  if (owners.length !== 1 || owners[0] !== person) {
    throw fail(
      'KEY_NOT_PINNED',
      `${fingerprint} must stand in the roster entry '${person.id}' and in no other; add it by a reviewed change`,
    )
  }
  const at = Date.parse(issuedAt)
  for (const { valid_from, valid_until, revoked_at } of pinned(person, fingerprint)) {
    const early = valid_from !== null && !(at >= Date.parse(valid_from))
    const late = valid_until !== null && !(at < Date.parse(valid_until))
    // A thief chooses the time in the statement, so what counts is also that the key is not revoked by now.
    const revoked = revoked_at !== null && !(Math.max(at, now) < Date.parse(revoked_at))
    if (!early && !late && !revoked) continue
    const why = early ? 'was not valid yet' : late ? 'was no longer valid' : 'is revoked'
    throw fail('KEY_NOT_VALID_THEN', `${fingerprint} of '${person.id}' ${why} at ${issuedAt}`)
  }
}

function pinned(person: People[number], fingerprint: string): People[number]['keys'] {
  return person.keys.filter((key) => key.fingerprint === fingerprint)
}

function fail(code: ErrorCode, message: string): PolicyError {
  return new PolicyError(code, message)
}
