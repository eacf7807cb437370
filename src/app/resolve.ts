import { canonicalize } from '../base/canonical-json.ts'
import { type Digest, fromUtf8 } from '../base/digest.ts'
import { encodeHex } from '../base/encoding.ts'
import { PolicyError } from '../base/errors.ts'
import { parseJson } from '../base/json-parse.ts'
import type { JsonObject, JsonValue } from '../base/json-value.ts'
import { REASON_LENGTH_MAX } from '../base/limits.ts'
import { behaviourAsAsked } from '../decide/evaluate/index.ts'
import type { Approval, DecisionReceipt, Request } from '../model/generated/types.ts'
import type { Evaluation, Resolution } from '../model/nouns.ts'
import type {
  ForgeReview,
  Pull,
  RequestRecord,
  ResolutionRecord,
  StoreTransaction,
} from '../model/ports.ts'
import type { VerifiedReview } from '../trust/approve/review.ts'
import { standingRequest } from '../trust/approve/routes.ts'
import { placesOf, type Tally, tally } from '../trust/approve/tally.ts'
import { collectReviews } from '../trust/verify/review.ts'
import { isUnreceivable, writeDecision } from './decide.ts'
import type { Judge } from './judge.ts'
import { sayBroken, showStatus, statusOf, tellOnce } from './notices.ts'
import { type OpenedRequest, openPull, ownerOf } from './opening.ts'
import type { Parts } from './parts.ts'
import { openPatch, type Patch } from './patch.ts'
import { askToRatify, spentRoutes } from './ratify.ts'
import {
  commonPredicate,
  newId,
  type OpenedDecision,
  openDecision,
  type Predicate,
  recommit,
  record,
  sha256Digest,
} from './record.ts'
import { giveBack, onlyReserved } from './reservations.ts'
import { changeAndMint, keepTokens, unopenedToken } from './tokens.ts'

/**
 * Brings one request as far as it goes: opens its pull request if the forge could not be reached before, looks at its
 * reviews, resolves it when people or time have decided, and tells the forge. Safe to call again, and from several
 * processes: the nonce is consumed once.
 *
 * @throws {PolicyError} REQUEST_UNKNOWN; REQUEST_TAMPERED when the forge's request is not ours; FORGE_UNREACHABLE (retryable)
 */
export async function settleRequest(parts: Parts, id: string): Promise<RequestRecord> {
  return (await settle(parts, id)).found
}

/** {@link settleRequest}, with what the look has seen of a request that waits. */
export async function settle(
  parts: Parts,
  id: string,
): Promise<{ readonly found: RequestRecord; readonly seen: SeenRequest | null }> {
  const known = await findRequest(parts, id)
  if (known.resolution !== null) return { found: await publishResolution(parts, known), seen: null }
  const opened = await openPull(parts, known)
  let broke = false
  for (let tries = 1; ; tries++) {
    const looked = await look(parts, opened)
    broke = looked.counted.glass.length > 0
    if (looked.counted.state === 'waiting') return { found: opened, seen: { ...looked, opened } }
    try {
      await parts.batcher.run((tx) => end(tx, parts, { ...looked, opened }))
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

/** @throws {PolicyError} REQUEST_UNKNOWN */
export async function findRequest(parts: Parts, id: string): Promise<RequestRecord> {
  const found = await parts.store.request(id)
  if (found === null) throw new PolicyError('REQUEST_UNKNOWN', `no request ${id} in this store`)
  return found
}

/** What a look at a request that waits has seen. */
export type SeenRequest = Looked & { readonly opened: OpenedRequest }

type Looked = {
  /** Under which the reviews were counted. */
  readonly judge: Judge
  readonly pull: Pull
  readonly reviews: readonly ForgeReview[]
  readonly counted: Tally
  readonly held: OpenedDecision
}

/** Reads the pull request and its reviews live, verifies each review, and counts. */
async function look(parts: Parts, opened: OpenedRequest): Promise<Looked> {
  const { request } = opened
  const pull = await parts.forge.pull(opened.pull)
  if (!sameRequest(pull.requestText, request)) {
    throw new PolicyError(
      'REQUEST_TAMPERED',
      `pull request ${opened.pull} does not carry the request that the engine made; it will not be resolved`,
    )
  }
  const held = await openDecision(parts.store, request.decision)
  const now = parts.clock()
  const { judge } = parts
  const { policy } = judge.bundle
  const { people } = policy
  const reviews = await parts.forge.reviews(opened.pull)
  const { verified, refused } = collectReviews({
    reviews,
    request,
    pull,
    forge: await parts.forge.identity(),
    people,
    owner: ownerOf(parts, request),
    sigstore: policy.sigstore,
    now,
  })
  const spent = verified.some(isGlass) ? await spentRoutes(parts, request) : new Set<string>()
  const checked = verified
    .filter((review) => !isGlass(review) || review.route.every((route) => !spent.has(route)))
    .map((review) => ({ review, flaw: flawOf(review, held, request) }))
  const flawed = checked.flatMap(({ review, flaw }) =>
    flaw === null ? [] : [{ review: review.reviewer, code: flaw.code, message: flaw.message }],
  )
  const standing = checked.flatMap(({ review, flaw }) => (flaw === null ? [review] : []))
  if (standing.length > 0 && !(await parts.forge.onBase(pull.baseSha))) {
    throw new PolicyError(
      'REVIEW_UNBOUND',
      `the base commit of pull request ${opened.pull} is not on the base branch`,
    )
  }
  const counting = standingRequest(request, policy, now)
  const judged = { reviews: standing, refused: [...refused, ...flawed] }
  const counted = tally({ request: counting, ...judged, people, now })
  return { judge, pull, reviews, held, counted }
}

/** @throws {PolicyError} FORGE_CONFLICT (retryable) when people have done something since the look, or the policy is another */
async function assertUnchanged(parts: Parts, { judge, pull, reviews }: Looked): Promise<void> {
  const now = {
    pull: await parts.forge.pull(pull.number),
    reviews: await parts.forge.reviews(pull.number),
  }
  const isSame = JSON.stringify(now) === JSON.stringify({ pull, reviews })
  // Another policy may count other people.
  if (isSame && judge === parts.judge) return
  throw new PolicyError(
    'FORGE_CONFLICT',
    `pull request ${pull.number} changed while it was resolved`,
    { retryable: true },
  )
}

/** Why a review's patch cannot run, or null: the patch must open to the root that was signed. */
function flawOf(
  { patch }: VerifiedReview,
  held: OpenedDecision,
  { id, ratifies }: Request,
): PolicyError | null {
  if (patch === undefined) return null
  if (ratifies !== undefined) return nothingToPatch(ratifies)
  try {
    openPatch(held.inputs, patch, { key: held.key, request: id })
    return null
  } catch (error) {
    if (error instanceof PolicyError) return error
    throw error
  }
}

function isGlass({ breakGlass }: VerifiedReview): boolean {
  return breakGlass === true
}

/** What has run cannot be changed any more. */
export function nothingToPatch(ratifies: string): PolicyError {
  return new PolicyError(
    'PATCH_INVALID',
    `${ratifies} has run; approve to ratify that, or reject to disavow it`,
  )
}

function sameRequest(text: string, request: Request): boolean {
  try {
    return canonicalize(parseJson(text)) === canonicalize(request as unknown as JsonValue)
  } catch {
    return false
  }
}

type Ending = {
  readonly decision: Resolution
  readonly reason: string
  readonly next: string | null
  /** The payload as people changed it. */
  readonly patch: Patch | null
  readonly evaluation: Evaluation
}

/** Consumes the nonce and writes the resolution's receipt; nothing happens when another process was faster. */
async function end(
  tx: StoreTransaction,
  parts: Parts,
  seen: Looked & { readonly opened: OpenedRequest },
): Promise<void> {
  const { request } = seen.opened
  const current = await tx.request(request.id)
  if (current === null || current.resolution !== null) return
  const now = parts.clock()
  // Whatever comes of it, the attempt itself is over; what an approval sets aside is counted from now on.
  if (request.ratifies === undefined) await giveBack(tx, seen.held.inputs)
  const ending = await conclude(tx, parts, { ...seen, request, now })
  await assertUnchanged(parts, seen)
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
  seen: Looked & { readonly opened: OpenedRequest },
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
    predicate: await resolutionPredicate(parts, seen, { ending, now, remains: original.remains }),
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
  const broken = { routes: counted.glass, by: counted.by, decision: id, index, now }
  await askToRatify(tx, parts, request, broken)
}

async function resolutionPredicate(
  parts: Parts,
  { opened, pull, counted }: Looked & { readonly opened: RequestRecord },
  made: { readonly ending: Ending; readonly now: number; readonly remains: JsonObject },
): Promise<Predicate> {
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
      ...(request.ratifies === undefined ? {} : { ratifies: request.ratifies }),
      pull: { forge: await parts.forge.identity(), number: pull.number, headSha: pull.headSha },
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

/** Tells the forge how a request ended, once. */
export async function publishResolution(
  parts: Parts,
  found: RequestRecord,
): Promise<RequestRecord> {
  const { resolution } = found
  if (resolution === null || found.published) return found
  const { reason, by } = resolution
  const where = found.pull === null ? null : parts.forge.where(found.pull)
  const told = { decision: resolution.decision, reason, by }
  await tellOnce(parts, found.request, 'resolved', { where, resolution: told })
  const opened = await openPull(parts, found)
  const [receipt] = await parts.store.receipts(resolution.receiptIndex, 1)
  if (receipt === undefined)
    throw new PolicyError('RECEIPT_UNKNOWN', `no receipt ${resolution.receiptIndex}`)
  // The head that was reviewed, not the one of this moment: the forge refuses to merge another.
  const { predicate } = JSON.parse(fromUtf8(receipt)) as DecisionReceipt
  const headSha = predicate.resolution?.pull?.headSha ?? ''
  const glass = predicate.resolution?.asked?.filter((asked) => asked.breakGlass !== undefined) ?? []
  if (glass.length > 0) await sayBroken(parts, opened, told)
  // Before it is merged: a rule of the repository may want this status.
  await showStatus(parts, opened, headSha, statusOf(resolution))
  await parts.forge.settle(opened.pull, headSha, { ...told, receipt })
  await parts.store.transact((tx) => tx.setPublished(found.request.id))
  return { ...found, pull: opened.pull, published: true }
}
