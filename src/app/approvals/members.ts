import { REASON_LENGTH_MAX } from '../../base/limits.ts'
import type { Resolution } from '../../model/nouns.ts'
import type { RequestRecord, ResolutionRecord, StoreTransaction } from '../../model/ports.ts'
import { placeInBatch } from '../../trust/receipt/batch.ts'
import type { Parts } from '../engine/parts.ts'
import { openDecision } from '../engine/record.ts'
import { type Deciding, end } from './ending.ts'

/**
 * Ends the requests of a batch as its reviews say, in the order of asking. Each has a unit of work of its own: it is
 * evaluated again, its own nonce is consumed, and what keeps one from ending keeps none of the others. The last one
 * ends the batch.
 *
 * @throws {PolicyError} FORGE_CONFLICT (retryable) when people have done something since the look, or the policy is another;
 *   else the first error of those that could not end
 */
export async function endMembers(
  parts: Parts,
  opened: RequestRecord,
  seen: SeenBatch,
): Promise<void> {
  const members = await parts.store.members(opened.request.id)
  const left = members.filter(({ resolution }) => resolution === null)
  const units: Promise<void>[] = left.map((member) =>
    endMember(parts, { opened, seen, member, isLast: member === left.at(-1) }),
  )
  // Another process has ended the last one, and died.
  if (left.length === 0) {
    units.push(parts.batcher.run((tx) => closeBatch(tx, opened.request.id, parts.clock())))
  }
  const failed = (await Promise.allSettled(units)).find(({ status }) => status === 'rejected')
  for (const { request } of members) parts.sweeper.ring(request.id)
  if (failed?.status === 'rejected') throw failed.reason
}

type SeenBatch = Pick<Deciding, 'counted' | 'tallied' | 'place' | 'confirm'>

function endMember(
  parts: Parts,
  given: {
    readonly opened: RequestRecord
    readonly seen: SeenBatch
    readonly member: RequestRecord
    /** Of those that were left: units run in this order, so that no other is open by then but one that failed. */
    readonly isLast: boolean
  },
): Promise<void> {
  const { opened, seen, member, isLast } = given
  const batch = listedAs(opened, member)
  return parts.batcher.run(async (tx) => {
    const held = await openDecision(parts.store, member.request.decision)
    await end(tx, parts, { ...seen, opened: member, held, batch })
    if (isLast) await closeBatch(tx, opened.request.id, parts.clock())
  })
}

/** What a receipt says of the batch: what was signed, and the proof that this request is listed there. */
export function listedAs({ request: batch }: RequestRecord, { request }: RequestRecord) {
  const { members = [] } = batch
  const index = members.findIndex((one) => one.request === request.id)
  return {
    request: batch.id,
    root: batch.root,
    nonce: batch.nonce,
    expiresAt: batch.expires_at,
    decision: request.decision,
    memberExpiresAt: request.expires_at,
    ...placeInBatch(members, index),
  }
}

/** Ends a batch once all its requests have ended. */
async function closeBatch(tx: StoreTransaction, id: string, now: number): Promise<void> {
  const ended = (await tx.members(id)).map(({ resolution }) => resolution)
  const all = ended.filter((one) => one !== null)
  const last = all.at(-1)
  if (last === undefined || all.length < ended.length) return
  await tx.resolve(id, {
    ...last,
    ...summaryOf(all),
    next: null,
    resolvedAt: now,
    by: [...new Set(all.flatMap(({ by }) => by))].sort(),
  })
}

function summaryOf(
  ended: readonly ResolutionRecord[],
): Pick<ResolutionRecord, 'decision' | 'reason'> {
  const count = (decision: Resolution) => ended.filter((one) => one.decision === decision).length
  const [decision = 'EXPIRED'] = ENDINGS.filter((one) => count(one) > 0)
  const counts = ENDINGS.filter((one) => count(one) > 0).map(
    (one) => `${count(one)} ${one.toLowerCase()}`,
  )
  const reasons = [...new Set(ended.map(({ reason }) => reason))]
  const said = `${counts.join(', ')}; ${reasons.join('; ')}`
  return { decision, reason: said.slice(0, REASON_LENGTH_MAX).toWellFormed() }
}

/** A batch of which anything runs is approved: the pull request is merged then. */
const ENDINGS = ['APPROVED', 'REJECTED', 'EXPIRED'] as const
