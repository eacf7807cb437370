import { canonicalize } from '../../base/canonical-json.ts'
import { PolicyError } from '../../base/errors.ts'
import { parseJson } from '../../base/json-parse.ts'
import type { JsonValue } from '../../base/json-value.ts'
import type { DecisionReceipt, Request } from '../../model/generated/types.ts'
import type { ForgeReview, Pull } from '../../model/ports.ts'
import type { VerifiedReview } from '../../trust/approve/review.ts'
import { standingRequest } from '../../trust/approve/routes.ts'
import { type Tally, tally } from '../../trust/approve/tally.ts'
import { collectReviews, nothingToPatchInBatch } from '../../trust/verify/review.ts'
import type { Judge } from '../engine/judge.ts'
import type { Parts } from '../engine/parts.ts'
import { openPatch } from '../engine/patch.ts'
import { type OpenedDecision, openDecision } from '../engine/record.ts'
import type { Tallied } from '../engine/tallied.ts'
import { type OpenedRequest, ownerOf } from './opening.ts'
import { spentRoutes } from './ratify.ts'

/** Where people reviewed, as a receipt names it. */
export type ReviewPlace = Required<NonNullable<DecisionReceipt['predicate']['resolution']>>['pull']

/** What a look at a pull request has seen. */
export type Looked = {
  /** Under which the reviews were counted. */
  readonly judge: Judge
  readonly pull: Pull
  readonly place: ReviewPlace
  readonly reviews: readonly ForgeReview[]
  readonly counted: Tally
  /** What was counted. */
  readonly tallied: Tallied
  /** What the request is about; null of a batch. */
  readonly held: OpenedDecision | null
}

/**
 * Reads the pull request and its reviews live, verifies each review, and counts.
 *
 * @throws {PolicyError} REQUEST_TAMPERED, REVIEW_UNBOUND; FORGE_UNREACHABLE (retryable)
 */
export async function look(parts: Parts, opened: OpenedRequest): Promise<Looked> {
  const { request } = opened
  const pull = await parts.forge.pull(opened.pull)
  if (!sameRequest(pull.requestText, request)) {
    throw new PolicyError(
      'REQUEST_TAMPERED',
      `pull request ${opened.pull} does not carry the request that the engine made; it will not be resolved`,
    )
  }
  const held =
    request.members === undefined ? await openDecision(parts.store, request.decision) : null
  const now = parts.clock()
  const { judge } = parts
  const { policy } = judge.bundle
  const { people } = policy
  const reviews = await parts.forge.reviews(opened.pull)
  const forge = await parts.forge.identity()
  const { verified, refused } = collectReviews({
    reviews,
    request,
    pull,
    forge,
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
  const tallied = { reviews: standing, refused: [...refused, ...flawed], now }
  const counted = tally({ request: counting, people, ...tallied })
  const place = { forge, number: pull.number, headSha: pull.headSha }
  return { judge, pull, place, reviews, held, counted, tallied }
}

/**
 * Reads the pull request and its reviews again: the last thing that is asked of the forge before a unit of work ends the
 * request, since a unit holds the store's lock, for which every decision of every process waits.
 *
 * @returns what the unit calls once it has evaluated. @throws {PolicyError} FORGE_CONFLICT (retryable), both of them, when
 *   people have done something since the look, the policy is another, or this was read too long ago to say
 */
export async function confirm(parts: Parts, { judge, pull, reviews }: Looked): Promise<() => void> {
  const now = {
    pull: await parts.forge.pull(pull.number),
    reviews: await parts.forge.reviews(pull.number),
  }
  const at = performance.now()
  const isSame = JSON.stringify(now) === JSON.stringify({ pull, reviews })
  const assertSame = (): void => {
    // Another policy may count other people.
    if (isSame && judge === parts.judge && performance.now() - at <= CONFIRMED_MS) return
    throw new PolicyError(
      'FORGE_CONFLICT',
      `pull request ${pull.number} changed while it was resolved`,
      { retryable: true },
    )
  }
  assertSame()
  return assertSame
}

/** Far more than it takes to be given the store's lock, and less than it takes people to think better of it. */
const CONFIRMED_MS = 2_000

/** Why a review's patch cannot run, or null: the patch must open to the root that was signed. */
function flawOf(
  { patch }: VerifiedReview,
  held: OpenedDecision | null,
  { id, ratifies }: Request,
): PolicyError | null {
  if (patch === undefined) return null
  if (held === null) return nothingToPatchInBatch(id)
  if (ratifies !== undefined) return nothingToPatch(ratifies)
  try {
    openPatch(held.inputs, patch, { key: held.key, request: id })
    return null
  } catch (error) {
    if (error instanceof PolicyError) return error
    throw error
  }
}

/** Whether a review breaks the glass. */
export function isGlass({ breakGlass }: VerifiedReview): boolean {
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
