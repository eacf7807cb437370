import { canonicalize } from '../../base/canonical-json.ts'
import type { SigstoreIdentity } from '../../base/certificate-identity.ts'
import { bytesEqual } from '../../base/digest.ts'
import { PolicyError } from '../../base/errors.ts'
import { isJsonObject, type JsonObject, type JsonValue } from '../../base/json-value.ts'
import { GATE_VERDICT_BYTES_MAX, LOG_ENTRY_BYTES_MAX } from '../../base/limits.ts'
import type { Receipt, Trust } from '../../model/generated/types.ts'
import type { SignedCheckpoint, VerifierKey } from '../receipt/checkpoint.ts'
import { formatVerifierKey, parseCheckpoint } from '../receipt/checkpoint.ts'
import { isGenesis, parseReceipt } from '../receipt/statement.ts'
import {
  CHECKPOINT_ATTESTATION_TYPE,
  checkpointStatement,
  GATE_ATTESTATION_TYPE,
  GATE_OPEN,
  GATE_VERIFIER,
  gateStatement,
  STATEMENT_TYPE,
} from './attestation-statement.ts'
import { checkSignedAt, invalid, listIn, objectIn, parseAttested, textIn } from './attested-json.ts'
import { verifySigners } from './note.ts'
import { IN_TOTO_PAYLOAD_TYPE, readSigstoreBundle, verifySigstoreBundle } from './sigstore.ts'
import { trustedWitnesses } from './trust.ts'
import { pinnedKeys } from './witness.ts'

/** Who attested, and when. */
export type Attested = {
  readonly identity: SigstoreIdentity
  /** When, by each authority that vouches for it, in Unix milliseconds, sorted. Empty when nobody was asked to. */
  readonly times: readonly number[]
}

export type AttestedCheckpoint = Attested & { readonly checkpoint: SignedCheckpoint }
export type AttestedReceipt = Attested & { readonly receipt: Receipt }
export type AttestedGate = Attested & {
  /** The commit that may be merged. */
  readonly head: string
  /** The policy that judged. */
  readonly policy: string
  readonly timeCreated: string
  readonly properties: readonly string[]
}

/** A Sigstore bundle whose signature holds. Whether anybody vouches for who made it, `isVouched` says. */
export type OpenedAttestation = Attested & {
  /** Whether it leads to the trusted root and is by one of the attesters that the trust file pins. */
  readonly isVouched: boolean
  readonly payload: Uint8Array
  /** Of the statement; whatever else stands in it has not been looked at. */
  readonly predicateType: string
}

/**
 * Opens an attestation, as far as the trust file goes: without a root it is checked against its own certificate.
 *
 * @throws {PolicyError} SIGSTORE_MALFORMED, SIGSTORE_UNTRUSTED, SIGNATURE_WRONG; IDENTITY_NOT_PINNED when it is by nobody
 *   that the trust file lists; ATTESTATION_INVALID when it signs no in-toto statement
 */
export function openAttestation(text: string, trust: Trust | undefined): OpenedAttestation {
  const { sigstore } = trust ?? {}
  const signed =
    sigstore === undefined
      ? { ...readSigstoreBundle(text), times: [] }
      : verifySigstoreBundle(text, sigstore)
  const { identity, times, payload, payloadType } = signed
  const { issuer, subject } = identity
  const attesters = sigstore?.attesters
  const isListed = attesters?.some((one) => one.issuer === issuer && one.subject === subject)
  if (isListed === false) {
    const message = `expected an attester that the trust file lists, found ${subject} of ${issuer}`
    throw new PolicyError('IDENTITY_NOT_PINNED', message)
  }
  if (payloadType !== IN_TOTO_PAYLOAD_TYPE) throw invalid('an in-toto statement')
  const statement = parseAttested(payload, LOG_ENTRY_BYTES_MAX)
  if (statement['_type'] !== STATEMENT_TYPE)
    throw invalid(`a statement of the type ${STATEMENT_TYPE}`)
  const predicateType = textIn(statement, 'predicateType')
  return { identity, times, payload, predicateType, isVouched: isListed === true }
}

/**
 * Verifies, offline, that somebody whom the trust file lists attested a checkpoint of a log whose key it pins.
 *
 * @param text - the Sigstore bundle
 * @param note - the checkpoint, byte for byte
 * @throws {PolicyError} SIGSTORE_UNCONFIGURED when the trust file pins no attesters; as {@link openAttestation};
 *   ATTESTATION_INVALID; CHECKPOINT_INVALID, CHECKPOINT_UNTRUSTED, SIGNATURE_WRONG for the checkpoint itself
 */
export function verifyCheckpointAttestation(
  text: string,
  note: Uint8Array,
  trust: Trust,
): AttestedCheckpoint {
  const opened = openVouched(text, trust)
  const { origin } = parseCheckpoint(note)
  const keys = pinnedKeys(trust, origin)
  const checkpoint = checkCheckpoint(opened, note, { keys, witnesses: trustedWitnesses(trust) })
  return { ...attested(opened), checkpoint }
}

/**
 * The checkpoint of an attestation that has been opened.
 *
 * @throws {PolicyError} ATTESTATION_INVALID, CHECKPOINT_INVALID, CHECKPOINT_UNTRUSTED, SIGNATURE_WRONG
 */
export function checkCheckpoint(
  { payload, predicateType }: OpenedAttestation,
  note: Uint8Array,
  by: { readonly keys: readonly VerifierKey[]; readonly witnesses: readonly VerifierKey[] },
): SignedCheckpoint {
  if (predicateType !== CHECKPOINT_ATTESTATION_TYPE) {
    throw invalid(`the predicate type ${CHECKPOINT_ATTESTATION_TYPE}`)
  }
  const checkpoint = parseCheckpoint(note)
  const { signer } = verifySigners(checkpoint, by.keys, by.witnesses)
  // One text for one checkpoint: whatever differs is another one's.
  const expected = checkpointStatement(note, formatVerifierKey(signer.name, signer.publicKey))
  if (bytesEqual(expected, payload)) return checkpoint
  const [should, is] = [
    parseAttested(expected, LOG_ENTRY_BYTES_MAX),
    parseAttested(payload, LOG_ENTRY_BYTES_MAX),
  ]
  const wrong = ['subject', 'predicate'].find((key) => !isSame(should[key], is[key]))
  throw invalid(WRONG[wrong ?? ''] ?? 'the RFC 8785 text of its statement')
}

const WRONG: Readonly<Record<string, string>> = {
  subject: 'the digest of the checkpoint as its subject, under the name of the log',
  predicate: 'the origin, size, root and key of the checkpoint, and nothing else',
}

/**
 * Verifies, offline, that somebody whom the trust file lists attested a receipt. Its place in a log is another question.
 *
 * @param entry - the receipt, byte for byte; null to take the one that the attestation carries
 * @throws {PolicyError} SIGSTORE_UNCONFIGURED; as {@link openAttestation}; ATTESTATION_INVALID when it is of another
 *   receipt; RECEIPT_INVALID; CHECKPOINT_UNTRUSTED when the trust file does not name its log
 */
export function verifyReceiptAttestation(
  text: string,
  entry: Uint8Array | null,
  trust: Trust,
): AttestedReceipt {
  const opened = openVouched(text, trust)
  if (entry !== null && !bytesEqual(entry, opened.payload)) throw invalid('this very receipt')
  const receipt = parseReceipt(opened.payload)
  pinnedKeys(trust, logOf(receipt))
  return { ...attested(opened), receipt }
}

/** The origin of the log that a receipt names. */
function logOf(receipt: Receipt): string {
  if (isGenesis(receipt)) return receipt.predicate.origin
  return textIn(receipt.predicate as unknown as JsonObject, 'issuerId')
}

/**
 * Verifies, offline, that somebody whom the trust file lists attested the verdict of an open gate.
 *
 * @param verdict - `verdict.json`, byte for byte
 * @throws {PolicyError} SIGSTORE_UNCONFIGURED; as {@link openAttestation}; ATTESTATION_INVALID
 */
export function verifyGateAttestation(
  text: string,
  verdict: Uint8Array,
  trust: Trust,
): AttestedGate {
  const opened = openVouched(text, trust)
  if (opened.predicateType !== GATE_ATTESTATION_TYPE) {
    throw invalid(`the predicate type ${GATE_ATTESTATION_TYPE}`)
  }
  const said = parseAttested(verdict, GATE_VERDICT_BYTES_MAX)
  if (said['verdict'] !== 'open') throw invalid('the verdict of an open gate')
  const statement = parseAttested(opened.payload, LOG_ENTRY_BYTES_MAX)
  const predicate = objectIn(statement, 'predicate')
  const verifier = objectIn(predicate, 'verifier')
  if (verifier['id'] !== GATE_VERIFIER) throw invalid(`the verifier ${GATE_VERIFIER}`)
  const policies = listIn(verifier, 'policies')
  const properties = listIn(predicate, 'properties').map(String)
  const timeCreated = textIn(predicate, 'timeCreated')
  const pull = Object.hasOwn(said, 'pull')
    ? objectIn(said, 'pull')
    : { head_sha: textIn(said, 'head') }
  const result = {
    head: textIn(pull, 'head_sha'),
    policy: `sha256:${digestIn(policies[0])}`,
    timeCreated,
    properties,
  }
  // What a gate writes follows from these; anything beside them is another statement.
  if (!bytesEqual(gateStatement({ verdict, ...result }), opened.payload)) {
    throw invalid('the verdict and the head commit as its subjects, and one policy')
  }
  if (trust.policies?.includes(result.policy) === false) {
    throw invalid('a policy that the trust file lists')
  }
  if (!properties.includes(GATE_OPEN)) throw invalid(`the property ${GATE_OPEN}`)
  checkSignedAt(timeCreated, opened.times)
  return { ...attested(opened), ...result }
}

/**
 * Opens an attestation that the trust file must vouch for.
 *
 * @throws {PolicyError} SIGSTORE_UNCONFIGURED; as {@link openAttestation}
 */
export function openVouched(text: string, trust: Trust): OpenedAttestation {
  if (trust.sigstore?.attesters === undefined) {
    const message = 'expected a trusted root and attesters under "sigstore" in the trust file'
    throw new PolicyError('SIGSTORE_UNCONFIGURED', message)
  }
  return openAttestation(text, trust)
}

function attested({ identity, times }: OpenedAttestation): Attested {
  return { identity, times }
}

function digestIn(value: JsonValue | undefined): string {
  if (!isJsonObject(value)) throw invalid('the policy that judged')
  return textIn(objectIn(value, 'digest'), 'sha256')
}

function isSame(one: JsonValue | undefined, other: JsonValue | undefined): boolean {
  return one !== undefined && other !== undefined && canonicalize(one) === canonicalize(other)
}
