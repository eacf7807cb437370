import type { Digest } from '../../base/digest.ts'
import type { PolicyError } from '../../base/errors.ts'
import type { JsonObject } from '../../base/json-value.ts'
import { REASON_LENGTH_MAX } from '../../base/limits.ts'
import { behaviourAsAsked } from '../../decide/evaluate/index.ts'
import type { Approval, Obligation, Request } from '../../model/generated/types.ts'
import type { Evaluation, JudgedAction, Resolution, StateSlice } from '../../model/nouns.ts'
import type { VerifiedReview } from '../../trust/approve/review.ts'
import { placesOf, type Tally } from '../../trust/approve/tally.ts'
import type { Deciding } from '../approvals/ending.ts'
import type { Judge } from './judge.ts'
import { openPatch, type Patch } from './patch.ts'
import {
  commonPredicate,
  type OpenedDecision,
  type Predicate,
  type PredicateParts,
  sha256Digest,
  type Undoes,
} from './record.ts'
import { onlyReserved } from './reservations.ts'

// How a request ends, without the store: the engine ends one with it, and so does who derives a receipt again.

/** How a request ends. */
export type Ending = {
  readonly decision: Resolution
  readonly reason: string
  readonly next: string | null
  /** The payload as people changed it. */
  readonly patch: Patch | null
  readonly evaluation: Evaluation
}

/** What else an ending hangs on. */
export type EndingFacts = {
  readState(keys: readonly string[]): Promise<StateSlice>
  /** Asks people anew for an action that needs other routes by now. @returns the new request's id, if there is one */
  askAnew(made: {
    readonly action: JudgedAction
    readonly evaluation: Evaluation
    readonly state: StateSlice
    readonly now: number
    readonly attempt: number
  }): Promise<string | null>
  /** Why the clear value of a token cannot be had, or null. */
  unopened(action: JudgedAction, obligations: readonly Obligation[]): Promise<PolicyError | null>
}

/**
 * What the reviews mean under the bundle of this moment. An approved action is evaluated again, its own attempt left
 * out and the state discarded but for what it sets aside: a denial or a route that nobody approved voids the approval.
 */
export async function conclude(
  judge: Judge,
  given: {
    readonly request: Request
    readonly counted: Tally
    readonly held: Pick<OpenedDecision, 'inputs' | 'key'>
    /** Unix milliseconds. */
    readonly now: number
  },
  facts: EndingFacts,
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
  const current = await facts.readState(judge.stateKeys(action))
  const state = behaviourAsAsked({ current, asked: held.inputs.state, now })
  const { attempt = held.inputs.now } = held.inputs
  const judged = await judge.evaluate({ action, state, now, leaveOut: attempt })
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
    const next = await facts.askAnew({ action, evaluation, state, now, attempt })
    const { reserved: _reserved, ...said } = evaluation
    const anew = next === null ? 'cannot be asked' : `asked anew as ${next}`
    const why = `approved, but ${anew}, since it now needs the route ${beyond.join(', ')}`
    const cut = why.slice(0, REASON_LENGTH_MAX)
    const ended = { ...said, state: {} }
    return { ...closed, evaluation: ended, next, decision: 'REJECTED', reason: cut }
  }
  const unopened = await facts.unopened(action, evaluation.obligations)
  if (unopened !== null) {
    const { reserved: _reserved, ...said } = evaluation
    const why = `approved, but ${unopened.message} (${unopened.code})`
    return { ...closed, evaluation: { ...said, state: {} }, decision: 'REJECTED', reason: why }
  }
  const decision = patch === null ? 'APPROVED' : 'APPROVED_WITH_MODIFICATIONS'
  return { decision, reason, next: null, patch, evaluation }
}

/** Without proof of who approved, nothing is approved; how else it ended stays. */
export function cutShort({ decision, next }: Ending, { message }: PolicyError): Ending {
  const closed = { next, patch: null, evaluation: NOTHING }
  if (decision === 'EXPIRED') return { ...closed, decision, reason: `expired; ${message}` }
  const what = decision === 'REJECTED' ? 'rejected' : 'approved, but without a receipt nothing runs'
  return { ...closed, decision: 'REJECTED', reason: `${what}; ${message}` }
}

/** A tally of which the receipt names nobody. */
export function unproven(counted: Tally): Tally {
  return { ...counted, counted: [] }
}

/** What the receipt says of how a request ended. */
export function resolutionPredicate(
  parts: PredicateParts,
  { opened, place, counted, batch }: Pick<Deciding, 'opened' | 'place' | 'counted' | 'batch'>,
  made: {
    readonly ending: Ending
    readonly now: number
    readonly remains: JsonObject
    /** What the action takes back, as the receipt that held it says. */
    readonly undoes: Undoes | undefined
  },
): Predicate {
  const { request } = opened
  const { ending, now, remains, undoes } = made
  const patched = ending.patch?.committed
  return {
    ...commonPredicate(parts, { id: request.id, at: now, remains }),
    stage: 'resolution',
    decision: ending.decision,
    findings: ending.evaluation.findings,
    obligations: ending.evaluation.obligations,
    route: request.routes.map(({ id }) => id).sort(),
    request: request.id,
    ...(undoes === undefined ? {} : { undoes }),
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

/** Whether an ending lets something run. */
export function isApproval(decision: Resolution): boolean {
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
