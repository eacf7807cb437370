import type { Digest } from '../base/digest.ts'
import { encodeHex } from '../base/encoding.ts'
import { PolicyError } from '../base/errors.ts'
import type { JsonObject } from '../base/json-value.ts'
import { REASON_LENGTH_MAX } from '../base/limits.ts'
import { behaviourAsAsked } from '../decide/evaluate/index.ts'
import type { Approval, Request, ResolutionBatch } from '../model/generated/types.ts'
import type { Evaluation, Resolution } from '../model/nouns.ts'
import type { RequestRecord, ResolutionRecord, StoreTransaction } from '../model/ports.ts'
import type { VerifiedReview } from '../trust/approve/review.ts'
import { placesOf, type Tally } from '../trust/approve/tally.ts'
import { isUnreceivable, writeDecision } from './decide.ts'
import { isGlass, type ReviewPlace } from './look.ts'
import type { Parts } from './parts.ts'
import { openPatch, type Patch } from './patch.ts'
import { askToRatify } from './ratify.ts'
import {
  commonPredicate,
  newId,
  type OpenedDecision,
  type Predicate,
  recommit,
  record,
  sha256Digest,
} from './record.ts'
import { principalsOf } from './request.ts'
import { giveBack, onlyReserved } from './reservations.ts'
import { changeAndMint, keepTokens, unopenedToken } from './tokens.ts'

type Ending = {
  readonly decision: Resolution
  readonly reason: string
  readonly next: string | null
  /** The payload as people changed it. */
  readonly patch: Patch | null
  readonly evaluation: Evaluation
}

/** What ends a request: the reviews of it, or of the batch that it is in. */
export type Deciding = {
  readonly counted: Tally
  /** Null when time ended it, and the forge did not show it: then nobody has reviewed it. */
  readonly place: ReviewPlace | null
  readonly opened: RequestRecord
  readonly held: OpenedDecision
  /** The batch that the reviews are of. */
  readonly batch: ResolutionBatch | null
  /** @throws {PolicyError} FORGE_CONFLICT (retryable) when people have done something since, or the policy is another */
  readonly confirm: () => void
}

/** Consumes the nonce and writes the resolution's receipt; nothing happens when another process was faster. */
export async function end(tx: StoreTransaction, parts: Parts, seen: Deciding): Promise<void> {
  const { request } = seen.opened
  const current = await tx.request(request.id)
  if (current === null || current.resolution !== null) return
  const now = parts.clock()
  // Whatever comes of it, the attempt itself is over; what an approval sets aside is counted from now on.
  if (request.ratifies === undefined) await giveBack(tx, seen.held.inputs)
  const ending = await conclude(tx, parts, { ...seen, request, now })
  seen.confirm()
  try {
    await writeEnding(tx, parts, seen, { ending, now })
  } catch (error) {
    if (!isUnreceivable(error)) throw error
    const counted = { ...seen.counted, counted: [] }
    await writeEnding(tx, parts, { ...seen, counted }, { ending: cutShort(ending, error), now })
  }
}

/** Without proof of who approved, nothing is approved; how else it ended stays. */
function cutShort({ decision, next }: Ending, { message }: PolicyError): Ending {
  const closed = { next, patch: null, evaluation: NOTHING }
  if (decision === 'EXPIRED') return { ...closed, decision, reason: `expired; ${message}` }
  const what = decision === 'REJECTED' ? 'rejected' : 'approved, but without a receipt nothing runs'
  return { ...closed, decision: 'REJECTED', reason: `${what}; ${message}` }
}

async function writeEnding(
  tx: StoreTransaction,
  parts: Parts,
  seen: Deciding,
  { ending, now }: { readonly ending: Ending; readonly now: number },
): Promise<void> {
  const { opened, counted, held } = seen
  const { request } = opened
  const id = newId(parts, 'dec')
  const original = recommit(held.inputs)
  const ran = ending.patch?.committed ?? original
  const action = {
    ...held.inputs.action,
    ...(ending.patch === null ? {} : { payload: ending.patch.payload }),
  }
  const { index } = await record(tx, parts, {
    id,
    root: original.root,
    predicate: resolutionPredicate(parts, seen, { ending, now, remains: original.remains }),
    inputs: {
      action,
      seed: encodeHex(ran.seed),
      hidden: ran.hidden,
      state: {},
      now,
      ...(ending.evaluation.reserved === undefined ? {} : { reserved: ending.evaluation.reserved }),
    },
  })
  await tx.writeState(ending.evaluation.state)
  if (ending.decision === 'APPROVED' || ending.decision === 'APPROVED_WITH_MODIFICATIONS') {
    const { tokens } = changeAndMint(parts, action, ending.evaluation.obligations)
    await keepTokens(tx, parts, action, tokens)
  }
  const resolution: ResolutionRecord = {
    decision: ending.decision,
    reason: ending.reason,
    next: ending.next,
    resolvedAt: now,
    by: [...counted.by].sort(),
    record: id,
    receiptIndex: index,
  }
  if (!(await tx.resolve(request.id, resolution))) {
    throw new PolicyError('REQUEST_RESOLVED', `${request.id} was resolved by another process`)
  }
  if (!isApproval(ending.decision) || counted.glass.length === 0) return
  const breakers = counted.counted.flatMap((review) => (isGlass(review) ? [review.reviewer] : []))
  const by = [...breakers, ...principalsOf(parts, held.inputs.action)]
  const broken = { routes: counted.glass, by, decision: id, index, now }
  await askToRatify(tx, parts, request, broken)
}

function resolutionPredicate(
  parts: Parts,
  { opened, place, counted, batch }: Deciding,
  made: { readonly ending: Ending; readonly now: number; readonly remains: JsonObject },
): Predicate {
  const { request } = opened
  const { ending, now, remains } = made
  const patched = ending.patch?.committed
  return {
    ...commonPredicate(parts, { id: request.id, at: now, remains }),
    stage: 'resolution',
    decision: ending.decision,
    findings: ending.evaluation.findings,
    obligations: ending.evaluation.obligations,
    route: request.routes.map(({ id }) => id).sort(),
    request: request.id,
    resolution: {
      heldAt: opened.heldAt,
      heldPolicyDigest: sha256Digest(request.policy as Digest),
      nonce: request.nonce,
      reason: ending.reason,
      ...(batch === null ? {} : { batch }),
      ...(request.ratifies === undefined ? {} : { ratifies: request.ratifies }),
      ...(place === null ? {} : { pull: place }),
      ...(patched === undefined
        ? {}
        : { patchedRoot: patched.root, patchedAction: { ...patched.remains } }),
      ...(isApproval(ending.decision) && counted.asked.length > 0
        ? { asked: [...counted.asked] }
        : {}),
      approvals: counted.counted.map((review) => ({
        reviewer: review.reviewer,
        verdict: review.verdict,
        route: [...review.route],
        ...(isApproval(ending.decision) ? placesOf(review, counted) : {}),
        ...proofOf(review),
      })),
    },
  }
}

function isApproval(decision: Resolution): boolean {
  return decision === 'APPROVED' || decision === 'APPROVED_WITH_MODIFICATIONS'
}

/** What shows that the person reviewed: the signature, or whom the forge named. */
function proofOf(review: VerifiedReview): Partial<Approval> {
  if (review.assurance === 'none') return { account: review.account, review: review.review }
  // The bundle holds the statement too.
  if (review.assurance === 'sigstore') return { identity: review.identity, bundle: review.bundle }
  const { fingerprint, statement, signature } = review
  return { fingerprint, statement, signature }
}

const NOTHING: Evaluation = { verdict: 'hold', findings: [], obligations: [], route: [], state: {} }

/**
 * What the reviews mean under the bundle of this moment. An approved action is evaluated again, its own attempt left
 * out and the state discarded but for what it sets aside: a denial or a route that nobody approved voids the approval.
 */
async function conclude(
  tx: StoreTransaction,
  parts: Parts,
  given: {
    readonly request: Request
    readonly counted: Tally
    readonly held: OpenedDecision
    readonly now: number
  },
): Promise<Ending> {
  const { counted, request, held, now } = given
  const closed = { next: null, patch: null, evaluation: NOTHING }
  const { reason } = counted
  if (counted.state === 'rejected') return { ...closed, decision: 'REJECTED', reason }
  if (counted.state !== 'approved') return { ...closed, decision: 'EXPIRED', reason }
  // It may have waited for the store since the reviews were counted. Negated: a time that cannot be read has passed.
  if (!(now < Date.parse(request.expires_at))) {
    const rejects = request.routes.some((route) => route.on_time_out === 'reject')
    const said = `it ended at ${request.expires_at}`
    return { ...closed, decision: rejects ? 'REJECTED' : 'EXPIRED', reason: said }
  }
  // It has run: what the policy says of it now changes nothing.
  if (request.ratifies !== undefined) return { ...closed, decision: 'APPROVED', reason }
  const patch =
    counted.patch === undefined
      ? null
      : openPatch(held.inputs, counted.patch, { key: held.key, request: request.id })
  const action =
    patch === null ? held.inputs.action : { ...held.inputs.action, payload: patch.payload }
  const current = await tx.readState(parts.judge.stateKeys(action))
  const state = behaviourAsAsked({ current, asked: held.inputs.state, now })
  const { attempt = held.inputs.now } = held.inputs
  const judged = await parts.judge.evaluate({ action, state, now, leaveOut: attempt })
  const evaluation = onlyReserved(judged)
  if (evaluation.verdict === 'deny') {
    const denials = evaluation.findings.filter(
      ({ verdict, mode }) => verdict === 'deny' && mode === 'enforce',
    )
    const rules = denials.map(({ rule }) => rule).join(', ')
    const why = `approved, but the policy of this moment denies it: ${rules}`
    const cut = why.slice(0, REASON_LENGTH_MAX)
    return { ...closed, evaluation, decision: 'REJECTED', reason: cut }
  }
  const approved = new Set(request.routes.map(({ id }) => id))
  const beyond = evaluation.route.filter((route) => !approved.has(route))
  if (beyond.length > 0) {
    const asked = await writeDecision(tx, parts, { action, evaluation, state, now, attempt })
    const { reserved: _reserved, ...said } = evaluation
    const next = asked.request?.id ?? null
    const anew = next === null ? 'cannot be asked' : `asked anew as ${next}`
    const why = `approved, but ${anew}, since it now needs the route ${beyond.join(', ')}`
    const cut = why.slice(0, REASON_LENGTH_MAX)
    const ended = { ...said, state: {} }
    return { ...closed, evaluation: ended, next, decision: 'REJECTED', reason: cut }
  }
  const unopened = await unopenedToken(tx, parts, action, evaluation.obligations)
  if (unopened !== null) {
    const { reserved: _reserved, ...said } = evaluation
    const why = `approved, but ${unopened.message} (${unopened.code})`
    return { ...closed, evaluation: { ...said, state: {} }, decision: 'REJECTED', reason: why }
  }
  const decision = patch === null ? 'APPROVED' : 'APPROVED_WITH_MODIFICATIONS'
  return { decision, reason, next: null, patch, evaluation }
}
