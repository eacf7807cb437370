import { canonicalize } from '../../base/canonical-json.ts'
import { parseDigest, utf8 } from '../../base/digest.ts'
import type { ErrorCode } from '../../base/errors.ts'
import { PolicyError } from '../../base/errors.ts'
import { parseJson } from '../../base/json-parse.ts'
import type { JsonObject, JsonValue } from '../../base/json-value.ts'
import { PATCH_BYTES_MAX, REVIEW_SKEW_MS } from '../../base/limits.ts'
import type { CompiledPolicy, Request, ReviewStatement } from '../../model/generated/types.ts'
import {
  type ForgeIdentity,
  type ForgeReview,
  type Pull,
  REVIEW_NAMESPACE,
} from '../../model/ports.ts'
import { validate } from '../../model/validate.ts'
import type { RefusedReview, VerifiedReview } from '../approve/review.ts'
import { checkSelf, hasAccounts, posterOf, standingReviews } from './poster.ts'
import { malformed, parseReviewBody, type ReviewBlocks } from './review-body.ts'
import type { VerifiedKey } from './sshsig.ts'
import { verifySshsig } from './sshsig.ts'

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
 * @throws {PolicyError} REQUEST_RESOLVED when the pull request is not open; REVIEW_MALFORMED (blocks, JSON or statement); SIGNATURE_* and KEY_UNSUPPORTED as verifySshsig;
 *   REVIEWER_UNKNOWN; KEY_NOT_PINNED; KEY_NOT_VALID_THEN; REVIEW_UNBOUND, naming the field that is not the request's;
 *   REVIEW_POSTER; REVIEW_EXPIRED; REVIEWER_NOT_ON_ROUTE; REVIEW_SELF; REVIEW_UNSIGNED; PATCH_TOO_LARGE
 */
export function verifyReview(
  input: ReviewContext & { readonly review: ForgeReview },
): VerifiedReview | NoReview {
  const { review } = input
  if (review.state !== 'approved' && review.state !== 'rejected') return NONE
  const blocks = parseReviewBody(review.body)
  if (blocks === null) return verifyPlainReview(input)
  checkOpen(input)
  const key = verifySshsig(blocks.signature, utf8(blocks.statement), REVIEW_NAMESPACE)
  const statement = parseStatement(blocks.statement)
  const { predicate } = statement
  checkKey(input, predicate, key)
  checkPoster(input, predicate)
  checkBinding(input, statement)
  checkTimes(input, Date.parse(predicate.issuedAt), 'issuedAt')
  checkReviewer(input, predicate)
  return {
    kind: 'review',
    reviewer: predicate.reviewer,
    verdict: predicate.verdict,
    route: predicate.route,
    ...patchOf(predicate, blocks),
    ...(predicate.comment === undefined ? {} : { comment: predicate.comment }),
    assurance: 'ssh',
    fingerprint: key.fingerprint,
    statement: blocks.statement,
    signature: blocks.signature,
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
  const { verdict, patch, route } = statement.predicate
  if ((verdict === 'patch') !== (patch !== undefined)) {
    throw malformed('a patch with the verdict `patch` and only then')
  }
  if (route.some((id, index) => index > 0 && id <= (route[index - 1] ?? ''))) {
    throw malformed('routes sorted, each once')
  }
  return statement
}

/** The key must be pinned in the reviewer's own entry and in no other, and be valid when it signed. */
function checkKey({ people, now }: ReviewContext, predicate: Predicate, key: VerifiedKey): void {
  const { reviewer, issuedAt } = predicate
  const [person, ...others] = people.filter((entry) => entry.id === reviewer)
  if (person === undefined || others.length > 0) {
    throw fail('REVIEWER_UNKNOWN', `expected a person on the roster, found '${reviewer}'`)
  }
  const owners = people.filter((entry) => pinned(entry, key.fingerprint).length > 0)
  if (owners.length !== 1 || owners[0] !== person) {
    throw fail(
      'KEY_NOT_PINNED',
      `${key.fingerprint} must stand in the roster entry '${reviewer}' and in no other; add it by a reviewed change`,
    )
  }
  const at = Date.parse(issuedAt)
  for (const { valid_from, valid_until, revoked_at } of pinned(person, key.fingerprint)) {
    const early = valid_from !== null && !(at >= Date.parse(valid_from))
    const late = valid_until !== null && !(at < Date.parse(valid_until))
    // A thief chooses the time in the statement, so what counts is also that the key is not revoked by now.
    const revoked = revoked_at !== null && !(Math.max(at, now) < Date.parse(revoked_at))
    if (!early && !late && !revoked) continue
    const why = early ? 'was not valid yet' : late ? 'was no longer valid' : 'is revoked'
    throw fail('KEY_NOT_VALID_THEN', `${key.fingerprint} of '${reviewer}' ${why} at ${issuedAt}`)
  }
}

function pinned(
  person: CompiledPolicy['people'][number],
  fingerprint: string,
): CompiledPolicy['people'][number]['keys'] {
  return person.keys.filter((key) => key.fingerprint === fingerprint)
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

/** Else one person could post what another has signed, for another request of a careless day. */
function checkPoster(
  { review, forge, people }: ReviewContext & { readonly review: ForgeReview },
  { reviewer }: Predicate,
): void {
  const poster = posterOf(review, forge, people)
  if ((poster === null ? (review.poster ?? reviewer) : poster.id) === reviewer) return
  throw fail('REVIEW_POSTER', `signed by '${reviewer}', posted from another account`)
}

function checkReviewer(context: ReviewContext, { reviewer, route }: Predicate): void {
  const { request } = context
  checkSelf(context, reviewer)
  for (const id of route) {
    const asked = request.routes.find((candidate) => candidate.id === id)
    if (asked?.reviewers.includes(reviewer)) continue
    throw fail('REVIEWER_NOT_ON_ROUTE', `'${reviewer}' does not review for the route '${id}'`)
  }
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
  const { review, request, forge } = input
  let person: CompiledPolicy['people'][number] | null
  let routes: Request['routes']
  try {
    person = posterOf(review, forge, input.people)
    if (person === null) return NONE
    routes = routesOfPoster(request, person.id)
    checkSelf(input, person.id)
  } catch (error) {
    return ignoring(error)
  }
  try {
    const unsigned = routes.filter(({ signature }) => signature === 'none').map(({ id }) => id)
    if (unsigned.length === 0) throw unsignedBy(person.id)
    checkOpen(input)
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

function routesOfPoster(request: Request, reviewer: string): Request['routes'] {
  const [first, ...rest] = request.routes.filter(({ reviewers }) => reviewers.includes(reviewer))
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
