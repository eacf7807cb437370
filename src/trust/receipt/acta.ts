import { canonicalize } from '../../base/canonical-json.ts'
import { digestOf } from '../../base/digest.ts'
import type { JsonObject } from '../../base/json-value.ts'
import type { Receipt } from '../../model/generated/types.ts'
import { encodeLeafHash } from './merkle.ts'
import { isDecision } from './statement.ts'

/** What the first receipt of a chain names as the one before it. */
export const ACTA_GENESIS = 'genesis'

/** Where a converted receipt stands in its chain: from 1 on, and the digest of the payload before it. */
export type ActaLink = { readonly sequence: number; readonly previous: string }

/**
 * What a receipt says in the form of signed decision receipts (draft-farley-acta-signed-receipts; the chained envelope of
 * ScopeBlind's agent-governance-testvectors). That form knows `allow` and `deny` alone, so a hold has none: how it ended
 * has. Arguments appear as the salted root of the action, since a plain digest of a small value can be guessed.
 *
 * @returns null of a receipt that lets nothing run and refuses nothing
 */
export function actaPayload(
  receipt: Receipt,
  { index, entry }: { readonly index: number; readonly entry: Uint8Array },
  { sequence, previous }: ActaLink,
): JsonObject | null {
  if (!isDecision(receipt)) return null
  const { predicate, subject } = receipt
  const decision = DECISIONS[predicate.decision]
  if (decision === undefined) return null
  const { agent, service, action } = predicate.action as Record<string, string>
  const policy = `sha256:${predicate.policyDigest.sha256}`
  const reviewers = predicate.resolution?.approvals.map(({ reviewer }) => reviewer) ?? []
  return {
    type: 'scopeblind.receipt.v1',
    decision,
    action: { kind: 'tool', target: `${service}.${action}` },
    policy_id: policy,
    sequence,
    prev_hash: previous,
    timestamp: predicate.issuedAt,
    context: {
      agent_id: agent ?? '',
      decision_id: predicate.id,
      verdict: predicate.decision,
      params_hash: `sha256:${subject[0]?.digest.sha256}`,
      policy_digest: policy,
      log: { origin: predicate.issuerId, index, leaf_hash: encodeLeafHash(entry) },
      ...(reviewers.length === 0 ? {} : { reviewers }),
    },
  }
}

const DECISIONS: Readonly<Record<string, 'allow' | 'deny' | undefined>> = {
  __proto__: null as never,
  allow: 'allow',
  redact: 'allow',
  deny: 'deny',
  APPROVED: 'allow',
  APPROVED_WITH_MODIFICATIONS: 'allow',
  REJECTED: 'deny',
  EXPIRED: 'deny',
}

/** What the next receipt of the chain names. */
export function actaDigest(payload: JsonObject): string {
  return digestOf(canonicalize(payload))
}
