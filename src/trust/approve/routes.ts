import { parseDuration } from '../../base/duration.ts'
import { PolicyError } from '../../base/errors.ts'
import { addOpenTime } from '../../base/open-hours.ts'
import { compareText } from '../../base/position.ts'
import type {
  CompiledPolicy,
  CompiledRoute,
  Request,
  SignatureLevel,
} from '../../model/generated/types.ts'
import type { AskedRoute, StandingRequest, StandingRoute } from './review.ts'

/**
 * The routes that a hold asks for, as its request carries them: who may review, how many, until when. Sorted by id,
 * each once.
 *
 * @param now - Unix milliseconds; each route's durations run from here, in its open hours where it has some
 * @param gone - people who must not review it, and whom the request does not name; nor does who stands in for them
 * @throws {PolicyError} ROUTE_MISSING when no route is named, or the policy has no such route
 */
export function askedRoutes(
  policy: Pick<CompiledPolicy, 'routes' | 'people'>,
  routeIds: readonly string[],
  now: number,
  gone: readonly string[] = [],
): AskedRoute[] {
  if (routeIds.length === 0) throw new PolicyError('ROUTE_MISSING', 'expected at least one route')
  const routes = [...new Set(routeIds)].sort().map((id) => routeOf(policy, id))
  const asked = routes.map((route) => askedRoute(policy, route, now))
  return gone.length === 0 ? asked : asked.map((route) => without(route, gone))
}

/**
 * The routes of a request that looks at what was let run by breaking glass: its people, but for those who broke it, until
 * the time to look is over. Nobody breaks glass on these.
 *
 * @param routeIds - the routes that were passed so
 * @param by - who broke the glass, and whoever else must not review it
 * @throws {PolicyError} ROUTE_MISSING
 */
export function ratifyingRoutes(
  policy: Pick<CompiledPolicy, 'routes' | 'people'>,
  routeIds: readonly string[],
  { by, now }: { readonly by: readonly string[]; readonly now: number },
): AskedRoute[] {
  return askedRoutes(policy, routeIds, now, by).map((asked) => {
    const { break_glass: glass, on_time_out: _, ...route } = asked
    if (glass === undefined) throw missing(asked.id)
    return { ...route, expires_at: isoTime(now + parseDuration(glass.review_within)) }
  })
}

/**
 * A request as the policy of this moment counts it: who has been taken off a route reviews it no longer, nor does who
 * stands in for somebody whose absence is over, and a quorum or the assurance that has risen since has risen. Whoever the
 * request names for later may review once that time has come. It widens nothing else. A route that the policy no longer
 * has stays as it was asked for: an action that still needs it is denied when it is evaluated again.
 *
 * @param now - Unix milliseconds
 */
export function standingRequest(
  request: Request,
  policy: Pick<CompiledPolicy, 'routes' | 'people' | 'agents'>,
  now: number,
): StandingRequest {
  const routes = request.routes.map((asked) => {
    const current = policy.routes.find(({ id }) => id === asked.id)
    const delegates = standingDelegates(request, asked, policy, now)
    const base = withDelegates(asked, delegates)
    const narrowed = current === undefined ? base : narrow(base, current)
    return escalated(narrowed, asked, { current, now })
  })
  return { ...request, routes }
}

/** Whether the time has come at which more people may review a route. */
export function isEscalated({ escalation }: AskedRoute, now: number): boolean {
  return escalation !== undefined && now >= Date.parse(escalation.at)
}

/**
 * When a route's span of time is over: in its open hours, or by the plain clock where it has none. Hours that never come
 * make a request end early rather than wait for ever.
 */
function routeTime({ hours }: Pick<CompiledRoute, 'hours'>, duration: string, now: number): string {
  const ms = parseDuration(duration)
  const end = hours === undefined ? now + ms : (addOpenTime(hours, now, ms) ?? now + ms)
  return isoTime(end)
}

type People = CompiledPolicy['people']

function askedRoute(
  { people }: Pick<CompiledPolicy, 'people'>,
  route: CompiledRoute,
  now: number,
): AskedRoute {
  const { id, quorum, signature, groups, remind, escalate, on_time_out, break_glass } = route
  const seats = sortedOnce(route.reviewers)
  const delegates = delegatesOf(route, seats, { people, now })
  const reviewers = sortedOnce([...seats, ...delegates.map(({ person }) => person)])
  return {
    ...{ id, quorum, reviewers, signature },
    expires_at: routeTime(route, route.time_out, now),
    ...(groups === undefined ? {} : { groups: groups.map((group) => ({ ...group })) }),
    ...(delegates.length === 0 ? {} : { delegates }),
    ...(escalate === undefined
      ? {}
      : {
          escalation: {
            at: routeTime(route, escalate.after, now),
            reviewers: sortedOnce(escalate.reviewers),
          },
        }),
    ...(remind === undefined
      ? {}
      : { reminders: sortedOnce(remind.map((after) => routeTime(route, after, now))) }),
    ...(on_time_out === undefined ? {} : { on_time_out }),
    ...(break_glass === undefined ? {} : { break_glass: { ...break_glass } }),
  }
}

type Delegates = NonNullable<AskedRoute['delegates']>

/**
 * Who stands in for the people of a route now, sorted. On a route without groups, who has a seat of their own sits there:
 * to stand in as well would give them no second voice.
 */
export function delegatesOf(
  { id, groups }: Pick<CompiledRoute, 'id' | 'groups'>,
  seats: readonly string[],
  { people, now }: { readonly people: People; readonly now: number },
): Delegates {
  const owners = new Set(seats)
  const found = people.flatMap((person) =>
    !owners.has(person.id)
      ? []
      : (person.delegates ?? [])
          .filter((one) => isActive(one, id, now) && one.to !== person.id)
          .filter(({ to }) => groups !== undefined || !owners.has(to))
          .map(({ to, until }) => ({ person: to, for: person.id, until })),
  )
  const last = new Map<string, Delegates[number]>()
  for (const one of found) {
    const key = JSON.stringify([one.person, one.for])
    const other = last.get(key)
    if (other === undefined || Date.parse(other.until) < Date.parse(one.until)) last.set(key, one)
  }
  return [...last.values()].sort(
    (a, b) => compareText(a.person, b.person) || compareText(a.for, b.for),
  )
}

type Delegation = NonNullable<People[number]['delegates']>[number]

function isActive({ from, until, routes }: Delegation, route: string, now: number): boolean {
  if (routes !== undefined && !routes.includes(route)) return false
  // Negated, so that a time that cannot be read has passed.
  return !(from !== undefined && !(now >= Date.parse(from))) && now < Date.parse(until)
}

/** Delegations that the request and the policy both know of, and of nobody who must not review this request. */
function standingDelegates(
  request: Request,
  asked: AskedRoute,
  { people, agents }: Pick<CompiledPolicy, 'people' | 'agents'>,
  now: number,
): Delegates {
  const owner = agents.find(({ agent }) => agent === request.agent)?.owner
  const self = [request.agent, request.principal, owner].flatMap((name) =>
    typeof name === 'string' ? name.toLowerCase() : [],
  )
  return (asked.delegates ?? []).filter((one) => {
    if (!(now < Date.parse(one.until)) || self.includes(one.for.toLowerCase())) return false
    const { delegates = [] } = people.find(({ id }) => id === one.for) ?? {}
    return delegates.some((other) => other.to === one.person && isActive(other, asked.id, now))
  })
}

/** The route with only these delegates; who was one and has no seat of their own reviews it no longer. */
function withDelegates(asked: AskedRoute, standing: Delegates): AskedRoute {
  const { delegates = [], ...route } = asked
  const seats = seatsOf(asked)
  const left = new Set(standing.map(({ person }) => person))
  const gone = delegates.filter(({ person }) => !left.has(person) && !seats.has(person))
  const reviewers = asked.reviewers.filter((one) => !gone.some(({ person }) => person === one))
  return { ...route, reviewers, ...(standing.length === 0 ? {} : { delegates: standing }) }
}

/** Whose seats a route has. */
function seatsOf({ reviewers, groups, delegates = [] }: AskedRoute): ReadonlySet<string> {
  if (groups !== undefined) return new Set(groups.flatMap((group) => group.reviewers))
  const seatless = new Set(delegates.map(({ person }) => person))
  return new Set(reviewers.filter((reviewer) => !seatless.has(reviewer)))
}

function narrow(asked: AskedRoute, current: CompiledRoute): StandingRoute {
  const { groups, delegates, ...route } = asked
  const seats = [...seatsOf(asked)].filter((one) => current.reviewers.includes(one))
  const standing = (delegates ?? []).filter((one) => seats.includes(one.for))
  const sameGroups = isSameGroups(asked, current)
  const signature = stricter(asked.signature, current.signature)
  const { break_glass: glass, ...unbroken } = route
  const reviewers = [...seats, ...standing.map(({ person }) => person)]
  const narrowed: AskedRoute = {
    ...unbroken,
    signature,
    quorum: sameGroups ? Math.max(asked.quorum, current.quorum) : asked.quorum,
    reviewers: asked.reviewers.filter((one) => reviewers.includes(one)),
    ...(standing.length === 0 ? {} : { delegates: standing }),
    ...narrowGlass(glass, current.break_glass),
  }
  if (groups === undefined) {
    return sameGroups
      ? narrowed
      : { ...narrowed, also: { ...narrowed, ...grouped(current, seats) } }
  }
  const kept = groups.map((group) => {
    const now = sameGroups ? current.groups?.find(({ id }) => id === group.id) : undefined
    const members = now?.reviewers ?? current.reviewers
    return {
      ...group,
      quorum: Math.max(group.quorum, now?.quorum ?? 1),
      reviewers: group.reviewers.filter((one) => members.includes(one)),
    }
  })
  const quorum = kept.reduce((sum, group) => sum + group.quorum, 0)
  const whole = { ...narrowed, quorum, groups: kept }
  return sameGroups ? whole : { ...whole, also: { ...narrowed, ...grouped(current, seats) } }
}

/** What the route of this moment asks of the people who were asked. */
function grouped(current: CompiledRoute, seats: readonly string[]): Partial<AskedRoute> {
  if (current.groups === undefined) return { quorum: current.quorum }
  const groups = current.groups.map((group) => ({
    ...group,
    reviewers: group.reviewers.filter((one) => seats.includes(one)),
  }))
  return { quorum: current.quorum, groups }
}

function isSameGroups(asked: AskedRoute, current: CompiledRoute): boolean {
  const namesOf = (groups: AskedRoute['groups']) =>
    groups === undefined ? '' : JSON.stringify(groups.map(({ id }) => id).sort())
  return namesOf(asked.groups) === namesOf(current.groups)
}

function narrowGlass(
  asked: AskedRoute['break_glass'],
  current: CompiledRoute['break_glass'],
): Pick<AskedRoute, 'break_glass'> {
  if (asked === undefined || current === undefined) return {}
  const reviewers = asked.reviewers.filter((one) => current.reviewers.includes(one))
  const quorum = Math.max(asked.quorum, current.quorum)
  return { break_glass: { ...asked, quorum, reviewers } }
}

/** The stricter of two levels; of two that cannot be compared, the one of this moment. */
function stricter(asked: SignatureLevel, current: SignatureLevel): SignatureLevel {
  if (asked === 'none') return current
  return current === 'none' || current === 'signed' ? asked : current
}

/** Adds those who come in later, in every group, each with a seat of their own. */
function escalated(
  route: StandingRoute,
  asked: AskedRoute,
  { current, now }: { readonly current: CompiledRoute | undefined; readonly now: number },
): StandingRoute {
  const { escalation } = asked
  if (escalation === undefined || !isEscalated(asked, now)) return route
  const later = current === undefined ? undefined : (current.escalate?.reviewers ?? [])
  const added = escalation.reviewers.filter((one) => later?.includes(one) ?? true)
  if (added.length === 0) return route
  const { also } = route
  return {
    ...withSeats(route, added),
    ...(also === undefined ? {} : { also: withSeats(also, added) }),
  }
}

function withSeats(route: AskedRoute, added: readonly string[]): AskedRoute {
  const { delegates, groups, ...rest } = route
  // Without groups, who stands in for another has no seat; now they do.
  const left = (delegates ?? []).filter(
    ({ person }) => groups !== undefined || !added.includes(person),
  )
  const more = (names: readonly string[]) => sortedOnce([...names, ...added])
  return {
    ...rest,
    reviewers: more(route.reviewers),
    ...(left.length === 0 ? {} : { delegates: left }),
    ...(groups === undefined
      ? {}
      : { groups: groups.map((group) => ({ ...group, reviewers: more(group.reviewers) })) }),
  }
}

/** The route without some people, their seats and whoever stands in for them. */
function without(route: AskedRoute, gone: readonly string[]): AskedRoute {
  const { delegates, groups, escalation, break_glass: glass, ...rest } = route
  const left = (names: readonly string[]) => names.filter((name) => !gone.includes(name))
  const standing = (delegates ?? []).filter(
    (one) => !gone.includes(one.for) && !gone.includes(one.person),
  )
  const seats = left([...seatsOf(route)])
  const reviewers = sortedOnce([...seats, ...standing.map(({ person }) => person)])
  return {
    ...rest,
    reviewers,
    ...(standing.length === 0 ? {} : { delegates: standing }),
    ...(groups === undefined
      ? {}
      : { groups: groups.map((group) => ({ ...group, reviewers: left(group.reviewers) })) }),
    ...(escalation === undefined
      ? {}
      : { escalation: { ...escalation, reviewers: left(escalation.reviewers) } }),
    ...(glass === undefined ? {} : { break_glass: { ...glass, reviewers: left(glass.reviewers) } }),
  }
}

function routeOf({ routes }: Pick<CompiledPolicy, 'routes'>, id: string): CompiledRoute {
  const route = routes.find((candidate) => candidate.id === id)
  if (route === undefined) throw missing(id)
  return route
}

function missing(id: string): PolicyError {
  return new PolicyError('ROUTE_MISSING', `no route '${id}' in the policy; add it to a Routes file`)
}

function sortedOnce(names: readonly string[]): string[] {
  return [...new Set(names)].sort()
}

function isoTime(unixMs: number): string {
  return new Date(unixMs).toISOString()
}
