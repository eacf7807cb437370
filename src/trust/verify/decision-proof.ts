import { openCommitments, rootOf } from '../../base/commitments.ts'
import { encodeBase64 } from '../../base/encoding.ts'
import type { ErrorCode } from '../../base/errors.ts'
import { PolicyError } from '../../base/errors.ts'
import type { JsonObject } from '../../base/json-value.ts'
import {
  DECISION_PROOF_LENGTH_MAX,
  DECISION_PROOF_LIFETIME_MS_MAX,
  GRANT_SKEW_MS,
  GRANT_SKEW_MS_MAX,
  JSON_DEPTH_MAX,
} from '../../base/limits.ts'
import { DECISION_PROOF_TYPE } from '../../model/decision-proof.ts'
import type { DecisionProofClaims, Trust } from '../../model/generated/types.ts'
import type { Jwks } from '../../model/ports.ts'
import { validate } from '../../model/validate.ts'
import { encodeLeafHash } from '../receipt/merkle.ts'
import { parseProof } from '../receipt/proof.ts'
import { isDecision } from '../receipt/statement.ts'
import type { TokenKind } from './jws.ts'
import { openToken } from './jws.ts'
import { verifyReceipt } from './receipt.ts'

export type DecisionProofContext = {
  /** The engine's public keys, from a place that the counterparty trusts; never from the proof. */
  readonly jwks: Jwks
  /** The counterparty's own name. */
  readonly audience: string
  /** Unix milliseconds. */
  readonly now: number
  /** How far the engine's clock may differ, at most a minute, in milliseconds. Default: 5 seconds. */
  readonly skewMs?: number
}

export type VerifiedDecisionProof = {
  readonly claims: DecisionProofClaims
  /** The action with the fields that are shown, everything else left out; null when none are. */
  readonly shown: JsonObject | null
}

/**
 * Checks a proof of a decision that was made for this audience: signed by a known key, within its time. It lets nothing run,
 * and may be shown again until it ends. That the decision stands in the log is the engine's word until
 * {@link checkDecisionProof} has seen the receipt.
 *
 * @throws {PolicyError} DECISION_PROOF_MALFORMED, DECISION_PROOF_UNTRUSTED, SIGNATURE_WRONG, DECISION_PROOF_UNBOUND,
 *   DECISION_PROOF_NOT_YET_VALID, DECISION_PROOF_EXPIRED, COMMITMENT_INVALID, JWKS_INVALID
 */
export function verifyDecisionProof(
  token: string,
  context: DecisionProofContext,
): VerifiedDecisionProof {
  const opened = openToken(token, context.jwks, PROOF)
  const [problem] = validate('decision-proof', opened)
  if (problem !== undefined) {
    const message = `claims as the schema has them; at '${problem.pointer}': ${problem.message}`
    throw failure('DECISION_PROOF_MALFORMED', message)
  }
  // The schema has just vouched for its shape.
  const claims = opened as unknown as DecisionProofClaims
  if (claims.aud !== context.audience) throw unbound('a proof for this audience')
  checkTimes(claims, context)
  return { claims, shown: shownBy(claims) }
}

/**
 * Checks a verified proof against the receipt itself: the entry's exact bytes, its tlog-proof, and the log's key or a trust
 * file. After it, nothing hangs on the engine's word but the receipt.
 *
 * @throws {PolicyError} DECISION_PROOF_UNBOUND when the receipt is not what the proof says; as `verifyReceipt`
 */
export function checkDecisionProof(
  claims: DecisionProofClaims,
  receipt: { readonly entry: Uint8Array; readonly proof: string; readonly pinned: Trust | string },
): void {
  const { entry, proof, pinned } = receipt
  const verified = verifyReceipt(entry, proof, pinned)
  if (!isDecision(verified.receipt)) throw unbound('the receipt of a decision')
  const { predicate, subject } = verified.receipt
  const { signed } = parseProof(proof)
  const patchedRoot = predicate.resolution?.patchedRoot
  const { agent, project, service, action } = predicate.action
  const said: readonly (readonly [string, unknown, unknown])[] = [
    ['log', claims.iss, verified.origin],
    ['index', claims.index, verified.index],
    ['leaf hash', claims.leaf_hash, encodeLeafHash(entry)],
    ['id', claims.id, predicate.id],
    ['request', claims.request, predicate.request],
    ['decision', claims.decision, predicate.decision],
    ['time', claims.decided_at, predicate.issuedAt],
    ['root', claims.root, `sha256:${subject[0]?.digest.sha256}`],
    ['patched root', claims.patched_root, patchedRoot],
    ['policy', claims.policy, `sha256:${predicate.policyDigest.sha256}`],
    ['agent', claims.sub, agent],
    ['project', claims.project, project],
    ['service', claims.service, service],
    ['tool', claims.action, action],
  ]
  const other = said.find(([, claimed, found]) => claimed !== found)
  if (other !== undefined) throw unbound(`the ${other[0]} that the receipt has`)
  // A later checkpoint proves as much; one of the same size must be the same.
  if (signed.size === claims.size && encodeBase64(signed.root) !== claims.log_root) {
    throw unbound('the root of the log at that size')
  }
}

const PROOF: TokenKind = {
  ...{ name: 'a decision proof', type: DECISION_PROOF_TYPE },
  ...{ lengthMax: DECISION_PROOF_LENGTH_MAX, depthMax: JSON_DEPTH_MAX },
  ...{ malformed: 'DECISION_PROOF_MALFORMED', untrusted: 'DECISION_PROOF_UNTRUSTED' },
}

function checkTimes(
  { iat, nbf, exp }: DecisionProofClaims,
  { now, skewMs = GRANT_SKEW_MS }: DecisionProofContext,
): void {
  if (!(skewMs >= 0 && skewMs <= GRANT_SKEW_MS_MAX)) {
    throw failure('USAGE_INVALID', `a skew from 0 to ${GRANT_SKEW_MS_MAX} ms`)
  }
  // Negated, so that a time which is no number passes nothing.
  const isShort = exp > iat && (exp - iat) * 1000 <= DECISION_PROOF_LIFETIME_MS_MAX
  if (!(isShort && nbf >= iat && nbf < exp)) {
    throw failure('DECISION_PROOF_EXPIRED', 'a proof that holds for at most 30 days')
  }
  if (!(now + skewMs >= nbf * 1000)) {
    throw new PolicyError('DECISION_PROOF_NOT_YET_VALID', 'the proof does not hold yet')
  }
  if (!(now - skewMs < exp * 1000)) {
    throw new PolicyError('DECISION_PROOF_EXPIRED', 'the proof has ended')
  }
}

/** The fields that are shown, each committed to by the root that the proof names. */
function shownBy({ shown, root, patched_root: patched }: DecisionProofClaims): JsonObject | null {
  if (shown === undefined) return null
  const remains = shown.remains as JsonObject
  if (rootOf(remains) !== (patched ?? root)) throw unbound('fields that the root commits to')
  return openCommitments(remains, shown.disclosures)
}

function unbound(expected: string): PolicyError {
  return failure('DECISION_PROOF_UNBOUND', expected)
}

function failure(code: ErrorCode, expected: string): PolicyError {
  return new PolicyError(code, `expected ${expected}`)
}
