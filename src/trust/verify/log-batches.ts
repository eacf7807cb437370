import { canonicalize } from '../../base/canonical-json.ts'
import { PolicyError } from '../../base/errors.ts'
import type { DecisionReceipt, Resolution } from '../../model/generated/types.ts'
import { verifyMember } from '../receipt/batch.ts'

/** What receipts of batches are checked against. */
type Past = {
  readonly nonces: ReadonlySet<string>
  /** Batches by their nonce, each as the text of what is signed of it. */
  readonly batches: Map<string, string>
}

/**
 * Checks that the batch in which a request was reviewed lists it, with the action that was held, its own nonce and an end
 * that is not before the batch's; and that the batch's nonce is no other batch's, and no request's. Its root is what the
 * reviews sign.
 *
 * @throws {PolicyError} BATCH_INVALID, REVIEW_REPLAYED
 */
export function checkBatch(
  { subject, predicate }: DecisionReceipt,
  { batch, nonce, ratifies, patchedRoot, approvals }: Resolution,
  { hold, past }: { readonly hold: DecisionReceipt; readonly past: Past },
): void {
  if (batch === undefined) return
  if (ratifies !== undefined) throw invalid('no batch of what has run')
  const patched = approvals.some(({ verdict }) => verdict === 'patch')
  if (patched || patchedRoot !== undefined) throw invalid('no patch in a batch')
  if (hold.predicate.id !== batch.decision) throw invalid('the decision that held the action')
  // Negated, so that a time that cannot be read is before.
  if (!(Date.parse(batch.expiresAt) <= Date.parse(batch.memberExpiresAt))) {
    throw invalid('a request that does not end before its batch')
  }
  const member = {
    request: predicate.request ?? '',
    decision: batch.decision,
    root: `sha256:${subject[0]?.digest.sha256}`,
    nonce,
    expires_at: batch.memberExpiresAt,
  }
  verifyMember(batch.root, member, batch)
  const { request, root, expiresAt, size } = batch
  const signed = canonicalize({ request, root, expiresAt, size })
  const before = past.batches.get(batch.nonce)
  const isOthers = past.nonces.has(batch.nonce) || batch.nonce === nonce
  if (isOthers || (before !== undefined && before !== signed)) {
    throw new PolicyError('REVIEW_REPLAYED', "expected a batch's nonce that was not used before")
  }
  past.batches.set(batch.nonce, signed)
}

function invalid(expected: string): PolicyError {
  return new PolicyError('BATCH_INVALID', `expected ${expected}`)
}
