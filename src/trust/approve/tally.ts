import { REASON_LENGTH_MAX, REVIEW_SKEW_MS } from '../../base/limits.ts'
import { compareText } from '../../base/position.ts'
import type { Approval, AskedOfPeople, CompiledPolicy } from '../../model/generated/types.ts'
import type {
  AskedRoute,
  RefusedReview,
  SealedPatch,
  StandingRequest,
  StandingRoute,
  VerifiedReview,
} from './review.ts'
import { isAssured } from './review.ts'
import type { Seat } from './seats.ts'
import { seatPeople } from './seats.ts'

export type TallyInput = {
  /** As it counts now. */
  readonly request: StandingRequest
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
  /** Who sits where on the routes that are satisfied, sorted by reviewer and route; empty unless approved. */
  readonly seats: readonly Seat[]
  /** Routes that were passed by breaking glass, sorted; empty unless approved. */
  readonly glass: readonly string[]
  /** What the routes asked for, as a receipt says it, sorted by id; empty unless approved. */
  readonly asked: readonly AskedOfPeople[]
}

/**
 * Whether verified reviews settle a request.
 *
 * - An approval counts for a route only with the assurance that the route asks for. A rejection counts with any: to
 *   leave it out would let stand what it takes back.
 * - Each group of a route needs its quorum. A person counts once a route, a delegate in the delegator's seat.
 * - A route is also passed when enough of those whom it names for that break the glass. Such a review counts for nothing
 *   else, and is never unsigned.
 * - A reviewer's latest review counts, by the signed time; of two whose order the clocks cannot tell, the rejection. A person counts
 *   once a route, whatever the number of keys.
 * - One rejection by a reviewer of any asked route rejects.
 * - At the request's end it is expired, whatever was signed: a signed time is the reviewer's word, and a reviewer
 *   must not lengthen the time. Where the route says so, it is rejected by nobody.
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
  if (!(now < end)) return timedOut(input)
  const camps = campsOf(request.routes, latest)
  const [best] = camps
  if (best === undefined || refused.length > 0) return waiting(input, best, blocked(refused))
  const carried = camps.filter((camp) => camp.missing.length === 0)
  if (carried.length > 1) return waiting(input, undefined, 'different payloads are approved')
  if (best.missing.length > 0) {
    return waiting(input, best, camps.length > 1 ? 'approvals are for different payloads' : '')
  }
  const how = best.glass.length === 0 ? 'approved' : `glass broken on ${best.glass.join(', ')}`
  return {
    ...ended('approved', `${how} by ${words(best.reviews)}`, best.reviews),
    ...(best.patch === undefined ? {} : { patch: best.patch }),
    seats: best.seats,
    glass: best.glass,
    asked: askedOf(request.routes, best.glass),
  }
}

/** Which places a review of an approval fills, as a receipt says it. */
export function placesOf(
  { reviewer, breakGlass }: VerifiedReview,
  { seats }: Tally,
): Pick<Approval, 'seats' | 'breakGlass'> {
  const own = seats
    .filter((seat) => seat.reviewer === reviewer)
    .map(({ reviewer: _, ...place }) => place)
  return {
    ...(own.length === 0 ? {} : { seats: own }),
    ...(breakGlass === true ? { breakGlass } : {}),
  }
}

/** Those who would let one payload run. */
type Camp = {
  readonly payload: string
  readonly patch: VerifiedReview['patch']
  readonly reviews: readonly VerifiedReview[]
} & Passing

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
  if (!review.route.includes(route.id)) return false
  return review.breakGlass === true ? breaksGlass(route, review) : isOnRoute(route, review)
}

function isOnRoute(route: AskedRoute, review: VerifiedReview): boolean {
  if (!route.reviewers.includes(review.reviewer)) return false
  return review.verdict === 'reject' || isAssured(route, review)
}

/** Where the forge's word is enough for others, it is not for this. */
function breaksGlass({ break_glass, signature }: AskedRoute, review: VerifiedReview): boolean {
  if (break_glass === undefined || review.verdict !== 'approve') return false
  const wanted = signature === 'none' ? 'signed' : signature
  return isAssured({ signature: wanted }, review) && break_glass.reviewers.includes(review.reviewer)
}

/** The nearest to an approval first; the payload as it is before patched ones. */
function campsOf(routes: readonly StandingRoute[], reviews: readonly VerifiedReview[]): Camp[] {
  const byPayload = Map.groupBy(reviews, payloadOf)
  const camps = [...byPayload].map(([payload, members]) => ({
    payload,
    patch: members[0]?.patch,
    reviews: members,
    ...passingOf(routes, members),
  }))
  return camps.sort((a, b) => needOf(a) - needOf(b) || (a.payload < b.payload ? -1 : 1))
}

/** Which payload a review lets run, by its root: equal payloads have equal roots. Empty for the payload as it is. */
function payloadOf(review: VerifiedReview): string {
  return review.patch?.root ?? ''
}

/** How far reviews carry a request. */
type Passing = Pick<Tally, 'missing' | 'seats' | 'glass'>

function passingOf(routes: readonly StandingRoute[], reviews: readonly VerifiedReview[]): Passing {
  const passed = routes.map((route) => ({ id: route.id, ...passRoute(route, reviews) }))
  const seats = passed.flatMap((one) => one.seats)
  return {
    missing: passed
      .filter(({ need }) => !(need <= 0))
      .map(({ id, need }) => ({ route: id, need }))
      .sort((a, b) => (a.route < b.route ? -1 : 1)),
    seats: seats.sort(
      (a, b) => compareText(a.reviewer, b.reviewer) || compareText(a.route, b.route),
    ),
    glass: passed
      .filter(({ broken }) => broken)
      .map(({ id }) => id)
      .sort(),
  }
}

type Passed = { readonly seats: readonly Seat[]; readonly need: number; readonly broken: boolean }

function passRoute(route: StandingRoute, reviews: readonly VerifiedReview[]): Passed {
  const may = reviews.filter((review) => mayReview(route, review))
  const people = may.filter(({ breakGlass }) => breakGlass !== true).map(reviewerOf)
  const { seats, need } = seatPeople(route, people)
  // Where the route has other groups by now, those must be satisfied too.
  const rest = route.also === undefined ? 0 : seatPeople(route.also, people).need
  const lacking = Math.max(need, rest)
  if (lacking === 0) return { seats, need: 0, broken: false }
  const breakers = new Set(may.filter(({ breakGlass }) => breakGlass === true).map(reviewerOf))
  const wanted = Math.max(route.break_glass?.quorum ?? Infinity, 1)
  if (breakers.size >= wanted) return { seats: [], need: 0, broken: true }
  return { seats, need: lacking, broken: false }
}

function askedOf(routes: readonly StandingRoute[], glass: readonly string[]): AskedOfPeople[] {
  return routes
    .map(({ id, quorum, signature, groups, break_glass }) => ({
      ...{ id, quorum, signature },
      ...(groups === undefined
        ? {}
        : { groups: groups.map((group) => ({ id: group.id, quorum: group.quorum })) }),
      ...(glass.includes(id) ? { breakGlass: break_glass?.quorum ?? 1 } : {}),
    }))
    .sort((a, b) => compareText(a.id, b.id))
}

function needOf(camp: Camp): number {
  return camp.missing.reduce((sum, { need }) => sum + need, 0)
}

function ended(state: Tally['state'], reason: string, reviews: readonly VerifiedReview[]): Tally {
  const open = { missing: [], seats: [], glass: [], asked: [] }
  return { state, reason, by: names(reviews), counted: reviews, ...open }
}

/** One of the routes whose time is over may want that to be a no. */
function timedOut({ request, now }: TallyInput): Tally {
  const over = request.routes.filter((route) => !(now < Date.parse(route.expires_at)))
  if (!over.some((route) => route.on_time_out === 'reject')) {
    return ended('expired', `nobody settled it before ${request.expires_at}`, [])
  }
  return ended('rejected', `time ran out at ${request.expires_at}, which rejects it`, [])
}

function waiting({ request }: TallyInput, camp: Camp | undefined, obstacle: string): Tally {
  const counted = camp?.reviews ?? []
  const { missing } = passingOf(request.routes, counted)
  const needs = missing.map(({ route, need }) => `${need} more for ${route}`)
  const reason = [obstacle, ...needs].filter((part) => part !== '').join('; ')
  return { state: 'waiting', reason, by: [], counted, missing, seats: [], glass: [], asked: [] }
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
