import { fromUtf8, utf8 } from '../../base/digest.ts'
import { PolicyError } from '../../base/errors.ts'
import type { DecisionReceipt } from '../../model/generated/types.ts'
import type { RequestRecord, ResolutionRecord } from '../../model/ports.ts'
import { tally } from '../../trust/approve/tally.ts'
import { mayShare } from '../approvals/batches.ts'
import { type Deciding, end } from '../approvals/ending.ts'
import { forgeTrouble } from '../approvals/forge-trouble.ts'
import { confirm, type Looked, look } from '../approvals/look.ts'
import { endMembers } from '../approvals/members.ts'
import { sayBroken, showStatus, statusOf, tellOnce } from '../approvals/notices.ts'
import { type OpenedRequest, openPull } from '../approvals/opening.ts'
import type { Parts } from './parts.ts'
import { openDecision } from './record.ts'

/**
 * Brings one request as far as it goes: opens its pull request if the forge could not be reached before, looks at its
 * reviews, resolves it when people or time have decided, and tells the forge. Safe to call again, and from several
 * processes: the nonce is consumed once. Of a request in a batch, the batch is brought as far as it goes.
 *
 * @throws {PolicyError} REQUEST_UNKNOWN; REQUEST_TAMPERED when the forge's request is not ours; FORGE_UNREACHABLE (retryable)
 */
export async function settleRequest(parts: Parts, id: string): Promise<RequestRecord> {
  return (await settle(parts, id)).found
}

export type Settled = {
  readonly found: RequestRecord
  /** What the look has seen of a request that waits; null of one that has ended, or that is not on the forge yet. */
  readonly seen: SeenRequest | null
}

/** {@link settleRequest}, with what the look has seen of a request that waits. */
export async function settle(parts: Parts, id: string): Promise<Settled> {
  const known = await inItsTurn(parts, await findRequest(parts, id))
  if (known.batch !== undefined) {
    const { seen } = await settle(parts, known.batch)
    return { found: await findRequest(parts, id), seen }
  }
  if (known.resolution !== null) return { found: await publishResolution(parts, known), seen: null }
  if (known.pull === null && mayShare(parts, known.request) && !isOverdue(parts, known)) {
    return { found: known, seen: null }
  }
  let broke = false
  for (let tries = 1; ; tries++) {
    const seen = await lookIfShown(parts, known)
    if (seen === null) {
      await endOverdue(parts, id)
      break
    }
    broke = seen.counted.glass.length > 0
    if (seen.counted.state === 'waiting') return { found: seen.opened, seen }
    try {
      await endAll(parts, seen.opened, { ...seen, confirm: await confirm(parts, seen) })
      break
    } catch (error) {
      // People, or a new policy, were quicker than the evaluation: what they did must be counted too.
      const changed = error instanceof PolicyError && error.code === 'FORGE_CONFLICT'
      if (!changed || tries === TRIES_MAX) throw error
    }
  }
  parts.sweeper.ring(id)
  const found = await publishResolution(parts, await findRequest(parts, id))
  if (broke) await parts.sweeper.catchUp() // People are to look at it as soon as it ran.
  return { found, seen: null }
}

const TRIES_MAX = 5

/** A request that may share a pull request is opened in the order of asking, when its time to gather is over. */
async function inItsTurn(parts: Parts, known: RequestRecord): Promise<RequestRecord> {
  const { request, pull, resolution, batch } = known
  const isUnopened = pull === null && resolution === null && batch === undefined
  if (!isUnopened || !mayShare(parts, request)) return known
  await parts.sweeper.open(request.id)
  return findRequest(parts, request.id)
}

/** Null when its time is over and the forge does not show it: nothing that stands there would let it run. */
async function lookIfShown(parts: Parts, known: RequestRecord): Promise<SeenRequest | null> {
  try {
    const opened = await openPull(parts, known)
    return { ...(await look(parts, opened)), opened }
  } catch (error) {
    if (forgeTrouble(error) === null || !isOverdue(parts, known)) throw error
    return null
  }
}

/** Whether the time of a request that waits is over. Negated: a time that cannot be read has passed. */
function isOverdue(parts: Parts, { request, resolution }: RequestRecord): boolean {
  return resolution === null && !(parts.clock() < Date.parse(request.expires_at))
}

/** Ends a request whose time is over without asking the forge, which is told once it can be. Any other is left. */
export async function endOverdue(parts: Parts, id: string): Promise<void> {
  const known = await findRequest(parts, id)
  // Of one in a batch, it is the batch that ends.
  if (known.batch !== undefined || !isOverdue(parts, known)) return
  const { request } = known
  const { people } = parts.judge.bundle.policy
  const tallied = { reviews: [], refused: [], now: parts.clock() }
  const counted = tally({ request, people, ...tallied })
  if (counted.state === 'waiting') return // The clock was set back.
  const held =
    request.members === undefined ? await openDecision(parts.store, request.decision) : null
  await endAll(parts, known, { held, counted, tallied, place: null, confirm: () => undefined })
  parts.sweeper.ring(id)
}

async function endAll(
  parts: Parts,
  opened: RequestRecord,
  seen: Pick<Deciding, 'counted' | 'tallied' | 'place' | 'confirm'> & Pick<Looked, 'held'>,
): Promise<void> {
  const { held } = seen
  if (held === null) return endMembers(parts, opened, seen)
  await parts.batcher.run((tx) => end(tx, parts, { ...seen, opened, held, batch: null }))
}

/** @throws {PolicyError} REQUEST_UNKNOWN */
export async function findRequest(parts: Parts, id: string): Promise<RequestRecord> {
  const found = await parts.store.request(id)
  if (found === null) throw new PolicyError('REQUEST_UNKNOWN', `no request ${id} in this store`)
  return found
}

/** What a look at a request that waits has seen. */
export type SeenRequest = Looked & { readonly opened: OpenedRequest }

/** Tells the forge how a request ended, once; how a batch ended, when all its requests have. */
export async function publishResolution(
  parts: Parts,
  found: RequestRecord,
): Promise<RequestRecord> {
  const { resolution, batch } = found
  if (resolution === null || found.published || batch !== undefined) return found
  const { reason, by } = resolution
  const where = found.pull === null ? null : parts.forge.where(found.pull)
  const told = { decision: resolution.decision, reason, by }
  await tellOnce(parts, found.request, 'resolved', { where, resolution: told })
  const opened = await openPull(parts, found)
  const receipts = await receiptsOf(parts, found, resolution)
  const ends = receipts.map((bytes) => (JSON.parse(fromUtf8(bytes)) as DecisionReceipt).predicate)
  // The head that was reviewed, not the one of this moment: the forge refuses to merge another. What time ended unseen is
  // closed as it stands.
  const headSha =
    ends[0]?.resolution?.pull?.headSha ?? (await parts.forge.pull(opened.pull)).headSha
  const asked = ends.flatMap((one) => one.resolution?.asked ?? [])
  if (asked.some(({ breakGlass }) => breakGlass !== undefined)) {
    await sayBroken(parts, opened, told)
  }
  // Before it is merged: a rule of the repository may want this status.
  await showStatus(parts, opened, headSha, statusOf(resolution))
  await parts.forge.settle(opened.pull, headSha, { ...told, receipt: storyOf(found, receipts) })
  await parts.store.transact((tx) => tx.setPublished(found.request.id))
  return { ...found, pull: opened.pull, published: true }
}

/** The receipt of how it ended; of a batch, those of its requests, in the order of asking. */
async function receiptsOf(
  parts: Parts,
  { request }: RequestRecord,
  resolution: ResolutionRecord,
): Promise<readonly Uint8Array[]> {
  const members = request.members === undefined ? null : await parts.store.members(request.id)
  const ended = members?.flatMap((one) => one.resolution ?? []) ?? [resolution]
  const receipts: Uint8Array[] = []
  for (const { receiptIndex } of ended) {
    const [receipt] = await parts.store.receipts(receiptIndex, 1)
    if (receipt === undefined) {
      throw new PolicyError('RECEIPT_UNKNOWN', `no receipt ${receiptIndex}`)
    }
    receipts.push(receipt)
  }
  return receipts
}

/** What the repository is given: receipts are RFC 8785 text, so a list of them is, too. */
function storyOf({ request }: RequestRecord, receipts: readonly Uint8Array[]): Uint8Array {
  const [only = new Uint8Array()] = receipts
  return request.members === undefined ? only : utf8(`[${receipts.map(fromUtf8).join(',')}]`)
}
