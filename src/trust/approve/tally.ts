import { REASON_LENGTH_MAX, REVIEW_SKEW_MS } from '../../base/limits.ts'
import type { CompiledPolicy, Request } from '../../model/generated/types.ts'
import type { AskedRoute, RefusedReview, SealedPatch, VerifiedReview } from './review.ts'

export type TallyInput = {
  readonly request: Request
  /** In any order; the same review twice counts once. */
  readonly reviews: readonly VerifiedReview[]
  /** Reviews that claim to be signed and do not stand. While there is one, nothing is approved. */
  readonly refused: readonly RefusedReview[]
  /** The roster of the policy in force now: who left it does not count. */
  readonly people: CompiledPolicy['people']
  /** Unix milliseconds. */
  readonly now: number
}

export type Tally = {
  readonly state: 'waiting' | 'approved' | 'rejected' | 'expired'
  /** In words, without clear values. */
  readonly reason: string
  /** The people whose reviews ended it, sorted; empty while it waits. */
  readonly by: readonly string[]
  /** What to run instead. Only when approved so. */
  readonly patch?: SealedPatch
  /** The reviews behind the state, sorted by reviewer: what ended it, or what counts so far. */
  readonly counted: readonly VerifiedReview[]
  /** The routes that still need people, sorted by id. */
  readonly missing: readonly { readonly route: string; readonly need: number }[]
}

/**
 * Whether verified reviews settle a request.
 *
 * - A review counts for a route only with the assurance that the route asks for.
 * - A reviewer's latest review counts, by the signed time; of two whose order the clocks cannot tell, the rejection. A person counts
 *   once a route, whatever the number of keys.
 * - One rejection by a reviewer of any asked route rejects.
 * - At the request's end it is expired, whatever was signed: a signed time is the reviewer's word, and a reviewer
 *   must not lengthen the time.
 * - It is approved when every route has its quorum **for one and the same payload**: `approve` stands for the payload
 *   as it is, `patch` for the patched one, named by its root. Approvals of different payloads do not
 *   add up, and two payloads with a quorum each approve neither.
 */
export function tally(input: TallyInput): Tally {
  const { request, refused, now } = input
  const latest = latestReviews(input)
  const rejections = latest.filter((review) => review.verdict === 'reject')
  if (rejections.length > 0) {
    return ended('rejected', `rejected by ${words(rejections)}`, rejections)
  }
  const end = Date.parse(request.expires_at)
  // Negated, so that a time that cannot be read has passed.
  if (!(now < end)) return ended('expired', `nobody settled it before ${request.expires_at}`, [])
  const camps = campsOf(request.routes, latest)
  const [best] = camps
  if (best === undefined || refused.length > 0) return waiting(input, best, blocked(refused))
  const carried = camps.filter((camp) => camp.missing.length === 0)
  if (carried.length > 1) return waiting(input, undefined, 'different payloads are approved')
  if (best.missing.length > 0) {
    return waiting(input, best, camps.length > 1 ? 'approvals are for different payloads' : '')
  }
  const approved = ended('approved', `approved by ${words(best.reviews)}`, best.reviews)
  return best.patch === undefined ? approved : { ...approved, patch: best.patch }
}

/** Those who would let one payload run. */
type Camp = {
  readonly payload: string
  readonly patch: VerifiedReview['patch']
  readonly reviews: readonly VerifiedReview[]
  readonly missing: Tally['missing']
}

/** One review a person, from people who are on the roster and on an asked route; sorted by reviewer. */
function latestReviews({ request, reviews, people }: TallyInput): VerifiedReview[] {
  const roster = new Set(people.map((person) => person.id))
  const latest = new Map<string, VerifiedReview>()
  for (const review of reviews) {
    if (!roster.has(review.reviewer)) continue
    if (!request.routes.some((route) => mayReview(route, review))) continue
    const other = latest.get(review.reviewer)
    if (other === undefined || supersedes(review, other)) latest.set(review.reviewer, review)
  }
  return [...latest.values()].sort((a, b) => (a.reviewer < b.reviewer ? -1 : 1))
}

function supersedes(review: VerifiedReview, other: VerifiedReview): boolean {
  const difference = Date.parse(review.issuedAt) - Date.parse(other.issuedAt)
  const [rejects, rejected] = [review.verdict === 'reject', other.verdict === 'reject']
  // Two machines of one person may disagree on which was first.
  if (rejects !== rejected && Math.abs(difference) <= REVIEW_SKEW_MS) return rejects
  if (difference !== 0) return difference > 0
  // Any rule will do, as long as it does not depend on the order.
  return wordsOf(review) > wordsOf(other)
}

function wordsOf(review: VerifiedReview): string {
  return review.assurance === 'none' ? review.review : review.statement
}

function mayReview(route: AskedRoute, review: VerifiedReview): boolean {
  if (route.signature !== 'none' && review.assurance === 'none') return false
  return review.route.includes(route.id) && route.reviewers.includes(review.reviewer)
}

/** The nearest to an approval first; the payload as it is before patched ones. */
function campsOf(routes: readonly AskedRoute[], reviews: readonly VerifiedReview[]): Camp[] {
  const byPayload = Map.groupBy(reviews, payloadOf)
  const camps = [...byPayload].map(([payload, members]) => ({
    payload,
    patch: members[0]?.patch,
    reviews: members,
    missing: missingOf(routes, members),
  }))
  return camps.sort((a, b) => needOf(a) - needOf(b) || (a.payload < b.payload ? -1 : 1))
}

/** Which payload a review lets run, by its root: equal payloads have equal roots. Empty for the payload as it is. */
function payloadOf(review: VerifiedReview): string {
  return review.patch?.root ?? ''
}

function missingOf(
  routes: readonly AskedRoute[],
  reviews: readonly VerifiedReview[],
): Tally['missing'] {
  return routes
    .map((route) => {
      const people = new Set(reviews.filter((review) => mayReview(route, review)).map(reviewerOf))
      // A quorum below one would approve without people.
      return { route: route.id, need: Math.max(route.quorum, 1) - people.size }
    })
    .filter(({ need }) => !(need <= 0))
    .sort((a, b) => (a.route < b.route ? -1 : 1))
}

function needOf(camp: Camp): number {
  return camp.missing.reduce((sum, { need }) => sum + need, 0)
}

function ended(state: Tally['state'], reason: string, reviews: readonly VerifiedReview[]): Tally {
  return { state, reason, by: names(reviews), counted: reviews, missing: [] }
}

function waiting({ request }: TallyInput, camp: Camp | undefined, obstacle: string): Tally {
  const counted = camp?.reviews ?? []
  const missing = missingOf(request.routes, counted)
  const needs = missing.map(({ route, need }) => `${need} more for ${route}`)
  const reason = [obstacle, ...needs].filter((part) => part !== '').join('; ')
  return { state: 'waiting', reason, by: [], counted, missing }
}

function blocked(refused: readonly RefusedReview[]): string {
  if (refused.length === 0) return ''
  const list = refused.map(({ review, code }) => `${review} (${code})`)
  return `reviews that do not verify block it: ${list.join(', ')}`
}

/** Who, and what they said to the agent's owner. */
function words(reviews: readonly VerifiedReview[]): string {
  return reviews
    .map(({ reviewer, comment }) => (comment === undefined ? reviewer : `${reviewer}: ${comment}`))
    .join('; ')
    .slice(0, REASON_LENGTH_MAX)
    .toWellFormed()
}

function names(reviews: readonly VerifiedReview[]): string[] {
  return reviews.map(reviewerOf).sort()
}

function reviewerOf(review: VerifiedReview): string {
  return review.reviewer
}
