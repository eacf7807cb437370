import { formatDuration, parseDuration } from '../../base/duration.ts'
import { PolicyError } from '../../base/errors.ts'
import { OPEN_HOURS_DAYS_MAX } from '../../base/limits.ts'
import { addOpenTime } from '../../base/open-hours.ts'
import { isZone } from '../../base/zone-offset.ts'
import type { CompiledRoute, Route } from '../../model/generated/types.ts'
import { seatPeople } from '../../trust/approve/seats.ts'
import { canReview, forgeOf, needOf } from './able.ts'
import { checkDuration, checkFieldTest, durationProblem, pathProblem, TREES } from './checks.ts'
import type { Documents, Entry } from './documents.ts'
import { checkDays, checkWindows, checkZone } from './kinds/schedule.ts'
import type { Report } from './report.ts'
import { suggestion } from './report.ts'
import type { Named } from './roster.ts'
import { compileDelegates, seatsOn } from './roster.ts'
import { compileRoute } from './routes.ts'

/** Checks what stands in one route alone: who is asked, for how long, in which hours, of what. */
export function checkRoute(entry: Entry<Route>, report: Report): void {
  const { value: route } = entry
  checkAsked(entry, report)
  route.show?.forEach((path, index) => {
    const problem = pathProblem(path, TREES, true)
    if (problem !== null) report.error(entry.at(`/show/${index}`), 'PATH_INVALID', problem)
  })
  route.on?.where?.forEach((test, index) => {
    checkFieldTest(entry, `/on/where/${index}`, test, report)
  })
  checkDuration(entry, '/time_out', route.time_out, report)
  checkDuration(entry, '/break_glass/review_within', route.break_glass?.review_within, report)
  checkDuration(entry, '/batch/within', route.batch?.within, report)
  const { hours } = route
  if (hours !== undefined) {
    checkZone(entry, '/hours/zone', hours.zone, report)
    checkWindows(entry, '/hours/windows', hours.windows, report)
    checkDays(entry, '/hours/except', hours.except, report)
  }
  route.remind?.forEach((after, index) => {
    checkWithin(entry, `/remind/${index}`, after, report)
  })
  if (route.escalate !== undefined) {
    checkWithin(entry, '/escalate/after', route.escalate.after, report)
  }
}

/** Who is asked must be said once: by groups, or for the route as a whole. */
function checkAsked(entry: Entry<Route>, report: Report): void {
  const { value: route } = entry
  const id = JSON.stringify(route.id)
  if (route.groups === undefined) {
    if (isEmpty(route)) {
      const message = `route ${id} needs "reviewers", "roles" or "teams", or "groups"`
      report.error(entry.at(), 'KEY_MISSING', message)
    }
  } else {
    for (const key of ['reviewers', 'roles', 'teams', 'quorum'] as const) {
      if (route[key] === undefined) continue
      const message = `expected "${key}" in each of the groups, found it beside them; move it`
      report.error(entry.keyAt(`/${key}`), 'VALUE_INVALID', message)
    }
  }
  const seen = new Set<string>()
  route.groups?.forEach((group, index) => {
    const at = `/groups/${index}`
    if (isEmpty(group)) {
      const message = `group ${JSON.stringify(group.id)} of route ${id} needs "reviewers", "roles" or "teams"`
      report.error(entry.at(at), 'KEY_MISSING', message)
    }
    if (seen.has(group.id)) {
      const message = `the group ${JSON.stringify(group.id)} is on route ${id} already; keep one`
      report.error(entry.at(`${at}/id`), 'ID_DUPLICATE', message)
    }
    seen.add(group.id)
  })
  for (const key of ['escalate', 'break_glass'] as const) {
    const list = route[key]
    if (list === undefined || !isEmpty(list)) continue
    const message = `"${key}" of route ${id} needs "reviewers", "roles" or "teams"`
    report.error(entry.at(`/${key}`), 'KEY_MISSING', message)
  }
}

function isEmpty({ reviewers, roles, teams }: Named): boolean {
  return reviewers === undefined && roles === undefined && teams === undefined
}

/** What happens while people have time must happen before it is over. */
function checkWithin(entry: Entry<Route>, at: string, text: string, report: Report): void {
  checkDuration(entry, at, text, report)
  const { time_out: timeOut } = entry.value
  if (durationProblem(text) !== null || durationProblem(timeOut) !== null) return
  if (parseDuration(text) < parseDuration(timeOut)) return
  const message = `expected less than "time_out", ${timeOut}, found ${text}; the request has ended by then`
  report.error(entry.at(at), 'VALUE_INVALID', message)
}

/** Checks what routes and people say of each other: names of nobody, and routes that nobody can satisfy. */
export function checkReviewers(documents: Documents, now: number | null, report: Report): void {
  checkTeams(documents, report)
  checkDelegates(documents, report)
  const people = peopleFacts(documents)
  for (const entry of documents.routes) {
    const { groups, escalate, break_glass: glass } = entry.value
    const lists = [
      { at: '', list: entry.value },
      ...(groups ?? []).map((list, index) => ({ at: `/groups/${index}`, list })),
      ...(escalate === undefined ? [] : [{ at: '/escalate', list: escalate }]),
      ...(glass === undefined ? [] : [{ at: '/break_glass', list: glass }]),
    ]
    for (const { at, list } of lists) checkNames(entry, at, list, documents, report)
    checkSatisfiable(entry, { documents, people, now }, report)
    checkHours(entry, now, report)
  }
}

function checkNames(
  entry: Entry<Route>,
  at: string,
  list: Named,
  { people, teams }: Documents,
  report: Report,
): void {
  const names = new Set(people.map(({ value }) => value.id))
  const roles = new Set(people.flatMap(({ value }) => value.roles ?? []))
  const known = new Set(teams.map(({ value }) => value.id))
  list.reviewers?.forEach((name, index) => {
    if (names.has(name)) return
    const message = `no person ${JSON.stringify(name)} is on the roster${suggestion(name, names)}`
    report.error(entry.at(`${at}/reviewers/${index}`), 'REFERENCE_UNKNOWN', message)
  })
  list.roles?.forEach((role, index) => {
    if (roles.has(role)) return
    const message = `nobody on the roster has the role ${JSON.stringify(role)}${suggestion(role, roles)}`
    report.error(entry.at(`${at}/roles/${index}`), 'REFERENCE_UNKNOWN', message)
  })
  list.teams?.forEach((team, index) => {
    if (known.has(team)) return
    const message = `no team ${JSON.stringify(team)} is on the roster${suggestion(team, known)}`
    report.error(entry.at(`${at}/teams/${index}`), 'REFERENCE_UNKNOWN', message)
  })
}

function checkTeams({ people, teams }: Documents, report: Report): void {
  const names = new Set(people.map(({ value }) => value.id))
  for (const entry of teams) {
    entry.value.members.forEach((name, index) => {
      if (names.has(name)) return
      const message = `no person ${JSON.stringify(name)} is on the roster${suggestion(name, names)}`
      report.error(entry.at(`/members/${index}`), 'REFERENCE_UNKNOWN', message)
    })
  }
}

function checkDelegates({ people, routes, broken }: Documents, report: Report): void {
  const names = new Set(people.map(({ value }) => value.id))
  const ids = new Set(routes.map(({ value }) => value.id))
  for (const entry of people) {
    entry.value.delegates?.forEach((one, index) => {
      const at = `/delegates/${index}`
      if (!names.has(one.to)) {
        const message = `no person ${JSON.stringify(one.to)} is on the roster${suggestion(one.to, names)}`
        report.error(entry.at(`${at}/to`), 'REFERENCE_UNKNOWN', message)
      } else if (one.to === entry.value.id) {
        const message = 'nobody stands in for themselves; name somebody else'
        report.error(entry.at(`${at}/to`), 'VALUE_INVALID', message)
      }
      if (broken.has('Routes')) return
      one.routes?.forEach((id, number) => {
        if (ids.has(id)) return
        const message = `no route ${JSON.stringify(id)}${suggestion(id, ids)}`
        report.error(entry.at(`${at}/routes/${number}`), 'REFERENCE_UNKNOWN', message)
      })
    })
  }
}

type Known = {
  readonly documents: Documents
  readonly people: CompiledRoutePeople
  readonly now: number | null
}

function checkSatisfiable(
  entry: Entry<Route>,
  { documents, people, now }: Known,
  report: Report,
): void {
  const forge = forgeOf(documents)
  const route = compileRoute(entry, documents)
  const id = JSON.stringify(route.id)
  const need = needOf(route, forge)
  const able = ableOn(route, documents, now)
  const seats = seatsOn(route, people, now)
  const { need: lacking } = seatPeople(seats, able)
  if (lacking > 0) {
    const place = entry.value.quorum === undefined ? entry.at('/id') : entry.at('/quorum')
    const count = seats.reviewers.filter((one) => able.has(one)).length
    const message =
      route.groups === undefined
        ? `the quorum of route ${id} is ${route.quorum}, reviewers who can sign: ${count}; add people with ${need}, or lower "quorum"`
        : `the groups of route ${id} want ${route.quorum} people, each in one group: ${lacking} too few can sign; add people with ${need}, or lower a "quorum"`
    report.error(place, 'ROUTE_UNSATISFIABLE', message)
  }
  const { escalate, break_glass: glass } = route
  if (escalate !== undefined && !escalate.reviewers.some((one) => able.has(one))) {
    const message = `nobody to whom route ${id} escalates can sign; add people with ${need}`
    report.error(entry.at('/escalate'), 'ROUTE_UNSATISFIABLE', message)
  }
  if (glass === undefined) return
  // The forge's word is never enough to break the glass.
  const signature = route.signature === 'none' ? ('signed' as const) : route.signature
  const signing = ableOn({ ...route, signature }, documents, now)
  const breakers = glass.reviewers.filter((one) => signing.has(one)).length
  if (breakers >= glass.quorum) return
  const message = `breaking the glass of route ${id} takes ${glass.quorum}, people who can sign: ${breakers}; add people with ${needOf({ signature }, forge)}`
  report.error(entry.at('/break_glass'), 'ROUTE_UNSATISFIABLE', message)
}

/** The people of a roster whose reviews can count on a route. */
export function ableOn(
  route: Pick<CompiledRoute, 'signature'>,
  documents: Documents,
  now: number | null,
): ReadonlySet<string> {
  const forge = forgeOf(documents)
  return new Set(
    documents.people
      .filter(({ value }) => canReview(value, route, { now, forge }))
      .map(({ value }) => value.id),
  )
}

/** The roster as far as it says who stands in for whom. */
export function peopleFacts({ people }: Documents): CompiledRoutePeople {
  return people.map(({ value }) => ({
    ...{ id: value.id, name: value.id, roles: [], keys: [] },
    ...compileDelegates(value),
  }))
}

type CompiledRoutePeople = Parameters<typeof seatsOn>[1]

/** Hours must come often enough for the route's time-out to be over some day. */
function checkHours(entry: Entry<Route>, now: number | null, report: Report): void {
  const { id, hours, time_out: timeOut } = entry.value
  if (hours === undefined || !isZone(hours.zone) || durationProblem(timeOut) !== null) return
  const { hours: compiled } = compileRoute(entry, NOBODY)
  // Without a clock, from the first day that is closed: then most of them lie ahead.
  const first = Date.parse(compiled?.except[0] ?? '')
  const from = now ?? (Number.isNaN(first) ? SOME_DAY : Math.max(first, SOME_DAY))
  try {
    if (compiled === undefined) return
    if (addOpenTime(compiled, from, parseDuration(timeOut)) !== null) return
  } catch (error) {
    if (error instanceof PolicyError) return // The hours themselves are complained of already.
    throw error
  }
  const days = formatDuration(OPEN_HOURS_DAYS_MAX * 24 * 60 * 60 * 1000)
  const message = `the hours of route ${JSON.stringify(id)} do not hold ${timeOut} within ${days}; widen them, or lower "time_out"`
  report.error(entry.at('/hours'), 'ROUTE_NEVER_OPEN', message)
}

const NOBODY = { people: [], teams: [] }
const SOME_DAY = Date.UTC(2026, 0, 1)
