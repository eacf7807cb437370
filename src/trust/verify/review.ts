import { canonicalize } from '../../base/canonical-json.ts'
import { parseDigest } from '../../base/digest.ts'
import type { ErrorCode } from '../../base/errors.ts'
import { PolicyError } from '../../base/errors.ts'
import { parseJson } from '../../base/json-parse.ts'
import type { JsonObject, JsonValue } from '../../base/json-value.ts'
import { PATCH_BYTES_MAX, REVIEW_SKEW_MS } from '../../base/limits.ts'
import type { CompiledPolicy, Request, ReviewStatement } from '../../model/generated/types.ts'
import type { ForgeIdentity, ForgeReview, Pull } from '../../model/ports.ts'
import { validate } from '../../model/validate.ts'
import type { AskedRoute, RefusedReview, VerifiedReview } from '../approve/review.ts'
import { isAssured } from '../approve/review.ts'
import { isEscalated } from '../approve/routes.ts'
import { batchRoot } from '../receipt/batch.ts'
import { checkSelf, hasAccounts, posterOf, standingReviews } from './poster.ts'
import { malformed, parseReviewBody, type ReviewBlocks } from './review-body.ts'
import { checkPinned, verifyProof } from './review-proof.ts'
import type { SigstoreTrust } from './sigstore.ts'

export type { RefusedReview, VerifiedReview } from '../approve/review.ts'

/** Everything that a review is judged against. None of it comes from the review. */
export type ReviewContext = {
  readonly request: Request
  /** The pull request as the forge has it now. */
  readonly pull: Pull
  readonly forge: ForgeIdentity
  /** The roster, from the policy's base branch. */
  readonly people: CompiledPolicy['people']
  /** Who owns the requesting agent, by the same policy; null when nobody does. */
  readonly owner: string | null
  /** What reviews through Sigstore are checked against, by the same policy; without it none counts. */
  readonly sigstore?: SigstoreTrust | undefined
  /** Unix milliseconds. */
  readonly now: number
}

/** A review that takes no part: a comment, a dismissed review, or one without a signed block that counts for nothing. */
export type NoReview = {
  readonly kind: 'none'
  /** Why it does not count, where somebody may have thought that it would. */
  readonly why?: PolicyError
}

/**
 * Judges one review of a request. Dismissed reviews and comments never count, signed or not. Anything else that
 * carries a signed block either stands in full or throws. Without one it counts as {@link verifyPlainReview} says.
 *
 * @returns the review, or `{ kind: 'none' }` when it takes no part
 * @throws {PolicyError} REQUEST_RESOLVED when the pull request is not open; REVIEW_MALFORMED (blocks, JSON or statement); SIGNATURE_*, SIGSTORE_* and KEY_UNSUPPORTED as verifyProof;
 *   REVIEWER_UNKNOWN; KEY_NOT_PINNED; KEY_NOT_VALID_THEN; IDENTITY_NOT_PINNED; REVIEW_UNBOUND, naming the field that is not the request's;
 *   REVIEW_POSTER; REVIEW_EXPIRED; REVIEWER_NOT_ON_ROUTE; REVIEW_SELF; REVIEW_UNSIGNED; PATCH_TOO_LARGE; BATCH_INVALID and
 *   BATCH_PATCH of a batch
 */
export function verifyReview(
  input: ReviewContext & { readonly review: ForgeReview },
): VerifiedReview | NoReview {
  const { review } = input
  if (review.state !== 'approved' && review.state !== 'rejected') return NONE
  const blocks = parseReviewBody(review.body)
  if (blocks === null) return verifyPlainReview(input)
  checkOpen(input)
  const { evidence, times } = verifyProof(blocks, input.sigstore)
  const statement = parseStatement(blocks.statement)
  const { predicate } = statement
  checkPinned(input, predicate, evidence)
  checkPoster(input, predicate)
  checkBinding(input, statement)
  checkBatch(input, predicate)
  checkTimes(input, Date.parse(predicate.issuedAt), 'issuedAt')
  for (const at of times) checkStamp(input, at, predicate)
  checkSelf(input, predicate.reviewer)
  const why = notYet(input, predicate, evidence)
  if (why !== null) return { kind: 'none', why }
  checkReviewer(input, predicate)
  return {
    kind: 'review',
    reviewer: predicate.reviewer,
    verdict: predicate.verdict,
    route: predicate.route,
    ...patchOf(predicate, blocks),
    ...(predicate.comment === undefined ? {} : { comment: predicate.comment }),
    ...(predicate.breakGlass === true ? { breakGlass: true } : {}),
    ...evidence,
    issuedAt: predicate.issuedAt,
  }
}

const NONE: NoReview = { kind: 'none' }

/**
 * Judges all reviews of a request, in the forge's order. On a forge with accounts, an approval counts no longer once the
 * same account has asked for changes, or has had a later review dismissed.
 *
 * A review that claims to be signed and does not stand is refused, and a refused
 * review keeps the request from being approved until it is dismissed or the request expires: somebody has meddled,
 * and the answer to that is not to go on. On the local forge everybody who may write to the repository can do so;
 * that can stop an approval, never make one. A review without a signed block claims nothing: where it does not count it
 * is ignored, and blocks only when a reviewer of the request asks for changes with it.
 *
 * @throws {PolicyError} FORGE_CONFLICT (retryable) when a review is listed twice: pages have shifted while they were
 *   read, so that another may be missing
 * @throws what is no PolicyError: a broken program
 */
export function collectReviews(
  input: ReviewContext & { readonly reviews: readonly ForgeReview[] },
): { verified: VerifiedReview[]; refused: RefusedReview[]; ignored: RefusedReview[] } {
  const { reviews, ...context } = input
  if (new Set(reviews.map(({ id }) => id)).size !== reviews.length) {
    const message = 'the forge lists a review twice, so the list may lack another; it is read again'
    throw new PolicyError('FORGE_CONFLICT', message, { retryable: true })
  }
  const verified: VerifiedReview[] = []
  const refused: RefusedReview[] = []
  const ignored: RefusedReview[] = []
  const refusalOf = ({ id }: ForgeReview, { code, message }: PolicyError): RefusedReview => {
    return { review: id, code, message }
  }
  const standing = hasAccounts(context.forge) ? standingReviews(reviews) : reviews
  for (const review of standing) {
    try {
      const judged = verifyReview({ ...context, review })
      if (judged.kind === 'review') verified.push(judged)
      else if (judged.why !== undefined) ignored.push(refusalOf(review, judged.why))
    } catch (error) {
      if (!(error instanceof PolicyError)) throw error
      refused.push(refusalOf(review, error))
    }
  }
  return { verified, refused, ignored }
}

type Predicate = ReviewStatement['predicate']

/** The signed root and the sealed payload belong together: one without the other is no patch. */
function patchOf(
  { patch }: Predicate,
  { sealedPatch }: ReviewBlocks,
): Pick<VerifiedReview, 'patch'> {
  if (patch === undefined && sealedPatch === null) return {}
  if (patch === undefined || sealedPatch === null) {
    throw malformed('a patch block with the verdict `patch` and only then')
  }
  if (sealedPatch.length > PATCH_BYTES_MAX + SEAL_BYTES) {
    throw new PolicyError('PATCH_TOO_LARGE', `expected a patch of at most ${PATCH_BYTES_MAX} bytes`)
  }
  return { patch: { root: parseDigest(patch.root), sealed: sealedPatch } }
}

/** What sealing adds: nonce and tag of AES-256-GCM. */
const SEAL_BYTES = 28

/** The statement, when the text is its one RFC 8785 form and meets the schema. */
function parseStatement(text: string): ReviewStatement {
  let value: JsonValue
  try {
    value = parseJson(text)
  } catch (cause) {
    throw malformed('a statement of strict JSON', cause)
  }
  if (canonicalize(value) !== text) throw malformed('a statement in its RFC 8785 form')
  const [problem] = validate('review', value)
  if (problem !== undefined) {
    throw malformed(`a review statement; ${problem.pointer}: ${problem.message}`)
  }
  const statement = value as JsonObject as unknown as ReviewStatement
  const { verdict, patch, route, breakGlass, comment = '' } = statement.predicate
  if ((verdict === 'patch') !== (patch !== undefined)) {
    throw malformed('a patch with the verdict `patch` and only then')
  }
  if (breakGlass === true && (verdict !== 'approve' || comment.trim() === '')) {
    throw malformed('an approval with a comment that says why the glass is broken')
  }
  if (route.some((id, index) => index > 0 && id <= (route[index - 1] ?? ''))) {
    throw malformed('routes sorted, each once')
  }
  return statement
}

/** Every field that ties the statement to this request, this pull request, this forge and this post. */
function checkBinding(
  { request, pull, forge, review }: ReviewContext & { review: ForgeReview },
  { subject, predicate }: ReviewStatement,
): void {
  const [about] = subject
  const expected: readonly (readonly [field: string, signed: unknown, actual: unknown])[] = [
    ['subject', subject.length, 1],
    ['subject.name', about?.name, request.id],
    ['subject.digest', `sha256:${about?.digest.sha256}`, request.root],
    ['request', predicate.request, request.id],
    ['nonce', predicate.nonce, request.nonce],
    ['expiresAt', predicate.expiresAt, request.expires_at],
    ['policyDigest', `sha256:${predicate.policyDigest.sha256}`, request.policy],
    ['forge.kind', predicate.forge.kind, forge.kind],
    ['forge.host', predicate.forge.host, forge.host],
    ['forge.repository', predicate.forge.repository, forge.repository],
    ['pull.number', predicate.pull.number, pull.number],
    ['pull.baseRef', predicate.pull.baseRef, pull.baseRef],
    ['pull.baseSha', predicate.pull.baseSha, pull.baseSha],
    ['pull.headSha', predicate.pull.headSha, pull.headSha],
    ['the commit that was reviewed', review.commit, pull.headSha],
    ['the state on the forge', review.state, STATES[predicate.verdict]],
  ]
  for (const [field, signed, actual] of expected) {
    if (signed !== actual) throw unbound(field)
  }
  const asked = new Set(request.routes.map((route) => route.id))
  if (!predicate.route.every((id) => asked.has(id))) throw unbound('route')
}

/**
 * A batch's root must be over the very requests that it lists, and none of them may end before it does: the reviewer was
 * shown them, and signed the root. All of them run as they are.
 *
 * @throws {PolicyError} BATCH_INVALID, BATCH_PATCH
 */
function checkBatch({ request }: ReviewContext, { verdict }: Pick<Predicate, 'verdict'>): void {
  const { members, root, expires_at } = request
  if (members === undefined) return
  if (batchRoot(members) !== root) {
    throw fail('BATCH_INVALID', 'the batch lists other requests than its root commits to')
  }
  // Negated, so that a time that cannot be read is before.
  if (!members.every((one) => Date.parse(expires_at) <= Date.parse(one.expires_at))) {
    throw fail('BATCH_INVALID', 'a request of the batch ends before it')
  }
  if (verdict === 'patch') throw nothingToPatchInBatch(request.id)
}

/** A review of a batch changes nothing: its payloads differ. */
export function nothingToPatchInBatch(id: string): PolicyError {
  return fail(
    'BATCH_PATCH',
    `${id} is a batch, whose requests run as they are or not at all; to change one, reject it and say in the comment that the agent is to ask for that action alone`,
  )
}

const STATES = { approve: 'approved', patch: 'approved', reject: 'rejected' } as const

/** @param at - Unix milliseconds */
function checkTimes({ request, now }: ReviewContext, at: number, field: string): void {
  // Negated, so that a time that cannot be read is outside.
  if (!(at <= Date.parse(request.expires_at))) {
    throw fail('REVIEW_EXPIRED', `${field} is after the end at ${request.expires_at}`)
  }
  if (!(at >= Date.parse(request.created_at) - REVIEW_SKEW_MS)) throw unbound(field)
  if (!(at <= now + REVIEW_SKEW_MS)) throw unbound(field)
}

/**
 * The time at which others saw the signature must lie within the request's, and be about the one that the reviewer
 * names: else a reviewer could sign tomorrow for today.
 *
 * @param at - Unix milliseconds
 */
function checkStamp(context: ReviewContext, at: number, { issuedAt }: Predicate): void {
  checkTimes(context, at, 'the time stamp')
  if (!(Math.abs(at - Date.parse(issuedAt)) <= REVIEW_SKEW_MS)) throw unbound('issuedAt')
}

/** Else one person could post what another has signed, for another request of a careless day. */
function checkPoster(
  { review, forge, people }: ReviewContext & { readonly review: ForgeReview },
  { reviewer }: Predicate,
): void {
  const poster = posterOf(review, forge, people)
  if ((poster === null ? (review.poster ?? reviewer) : poster.id) === reviewer) return
  throw fail('REVIEW_POSTER', `signed by '${reviewer}', posted from another account`)
}

/**
 * Why a sound approval counts for nothing, without anybody having meddled: the route wants another kind of signature, or
 * has not come to this person yet. A rejection of the second kind is refused, and blocks: somebody says no.
 */
function notYet(
  { request, now }: ReviewContext,
  { reviewer, route, breakGlass, verdict }: Predicate,
  evidence: Pick<VerifiedReview, 'assurance'>,
): PolicyError | null {
  const named = request.routes.filter(({ id }) => route.includes(id))
  if (breakGlass === true || verdict === 'reject') return null
  if (named.length > 0 && !named.some((asked) => isAssured(asked, evidence))) {
    const wanted = named.map(({ id, signature }) => `'${id}' (${signature})`).join(', ')
    return fail('REVIEW_UNSIGNED', `the routes of '${reviewer}' want another signature: ${wanted}`)
  }
  const later = named.find((asked) => comesLater(asked, reviewer, now))
  if (later === undefined) return null
  return fail(
    'REVIEWER_NOT_ON_ROUTE',
    `'${reviewer}' reviews for the route '${later.id}' from ${later.escalation?.at} on`,
  )
}

/** Whether a route comes to this person only when time has passed that has not passed yet. */
function comesLater(asked: AskedRoute, reviewer: string, now: number): boolean {
  if (asked.reviewers.includes(reviewer) || isEscalated(asked, now)) return false
  return asked.escalation?.reviewers.includes(reviewer) === true
}

function checkReviewer({ request, now }: ReviewContext, predicate: Predicate): void {
  const { reviewer, route, breakGlass } = predicate
  for (const id of route) {
    const asked = request.routes.find((candidate) => candidate.id === id)
    const list = breakGlass === true ? asked?.break_glass?.reviewers : reviewersOf(asked, now)
    if (list?.includes(reviewer)) continue
    const what = breakGlass === true ? 'may not break the glass of' : 'does not review for'
    throw fail('REVIEWER_NOT_ON_ROUTE', `'${reviewer}' ${what} the route '${id}'`)
  }
}

/** Who may review a route by now. */
function reviewersOf(asked: AskedRoute | undefined, now: number): readonly string[] {
  if (asked === undefined) return []
  const later = isEscalated(asked, now) ? (asked.escalation?.reviewers ?? []) : []
  return [...asked.reviewers, ...later]
}

/**
 * Judges a review without a signed block: the forge's word that an account approved, or asks for changes. It counts on a
 * forge with accounts only, for those routes of the request that list the account's person and ask for no signature.
 *
 * @returns the review; or why it does not count
 * @throws {PolicyError} only where a reviewer of the request asks for changes: REVIEW_UNSIGNED on routes that want a
 *   signature, else as for a signed review. It blocks, as a signed one that does not stand.
 */
export function verifyPlainReview(
  input: ReviewContext & { readonly review: ForgeReview },
): VerifiedReview | NoReview {
  const { review, forge } = input
  let person: CompiledPolicy['people'][number] | null
  let routes: Request['routes']
  try {
    person = posterOf(review, forge, input.people)
    if (person === null) return NONE
    routes = routesOfPoster(input, person.id)
    checkSelf(input, person.id)
  } catch (error) {
    return ignoring(error)
  }
  try {
    const unsigned = routes.filter(({ signature }) => signature === 'none').map(({ id }) => id)
    if (unsigned.length === 0) throw unsignedBy(person.id)
    checkOpen(input)
    checkBatch(input, { verdict: review.state === 'approved' ? 'approve' : 'reject' })
    if (review.commit !== input.pull.headSha) throw unbound('the commit that was reviewed')
    checkTimes(input, review.submittedAt, 'submittedAt')
    return {
      kind: 'review',
      reviewer: person.id,
      verdict: review.state === 'approved' ? 'approve' : 'reject',
      route: unsigned.sort(),
      assurance: 'none',
      account: review.poster ?? '',
      review: review.id,
      issuedAt: new Date(review.submittedAt).toISOString(),
    }
  } catch (error) {
    if (review.state !== 'approved') throw error
    return ignoring(error)
  }
}

function ignoring(error: unknown): NoReview {
  if (!(error instanceof PolicyError)) throw error
  return { kind: 'none', why: error }
}

function routesOfPoster({ request, now }: ReviewContext, reviewer: string): Request['routes'] {
  const mine = request.routes.filter((asked) => reviewersOf(asked, now).includes(reviewer))
  const [first, ...rest] = mine
  if (first !== undefined) return [first, ...rest]
  throw fail('REVIEWER_NOT_ON_ROUTE', `'${reviewer}' reviews for no route of ${request.id}`)
}

function unsignedBy(reviewer: string): PolicyError {
  return fail(
    'REVIEW_UNSIGNED',
    `the routes of '${reviewer}' want a signature; review with 'countersign requests'`,
  )
}

function checkOpen({ pull }: ReviewContext): void {
  if (pull.state === 'open') return
  throw fail(
    'REQUEST_RESOLVED',
    `pull request ${pull.number} is ${pull.state}; nothing counts there`,
  )
}

function unbound(field: string): PolicyError {
  return fail('REVIEW_UNBOUND', `the review is about something else: ${field} differs`)
}

function fail(code: ErrorCode, message: string): PolicyError {
  return new PolicyError(code, message)
}
