import { compileGlob } from '../../../base/glob.ts'
import type { JsonValue } from '../../../base/json-value.ts'
import type {
  CompiledPerson,
  CompiledRoute,
  Person,
  Route,
  SignatureLevel,
} from '../../../model/generated/types.ts'
import { seatPeople } from '../../../trust/approve/seats.ts'
import { canSign, forgeOf, hasAccount } from '../../compile/able.ts'
import type { Entry } from '../../compile/documents.ts'
import type { Documents } from '../../compile/index.ts'
import type { Report } from '../../compile/report.ts'
import { everybodyOn, seatsOn } from '../../compile/roster.ts'
import { ableOn, peopleFacts } from '../../compile/route-checks.ts'
import type { LintInput } from './lint.ts'
import type { Reach } from './reach.ts'
import { reachTest } from './reach.ts'

/** People who cannot sign or are asked by nobody, routes that nothing takes, and routes that need who may not review. */
export function lintPeople(input: LintInput, reach: Reach, report: Report): void {
  const { documents, now } = input
  const reviewers = new Map(
    documents.routes.map((route) => [route, everybodyOn(route.value, documents)] as const),
  )
  const routesOf = (person: Entry<Person>) =>
    documents.routes.filter((route) => reviewers.get(route)?.includes(person))
  const standIns = documents.people.flatMap(({ value }) => value.delegates ?? [])
  const asked = new Set([
    ...[...reviewers.values()].flat().map(({ value }) => value.id),
    ...standIns.map(({ to }) => to),
  ])
  const forge = forgeOf(documents)
  const owners = new Set(documents.agents.map(({ value }) => value.owner))
  for (const person of documents.people) {
    const { id, keys = [] } = person.value
    if (asked.has(id) && !hasAccount(person.value, forge)) {
      const message = `${JSON.stringify(id)} has no account on ${forge}, so no review of theirs is accepted there; add its number below "accounts"`
      report.warn(person.at('/id'), 'PERSON_WITHOUT_ACCOUNT', message)
    }
    const wanted = routesOf(person).map(({ value }) => signatureOf(value, forge))
    // Who is on no route stands in for somebody, or is asked for nothing yet.
    const unable = (wanted.length === 0 ? ['signed' as const] : wanted).find(
      (signature) => signature !== 'none' && !canSign(person.value, { signature, now }),
    )
    if (unable !== undefined) {
      const why = keys.length === 0 ? 'has no key' : 'has no key that counts now'
      const what = unable === 'ssh' || unable === 'signed' ? why : 'has no identity'
      const remedy =
        unable === 'sigstore' ? 'name one below "identities"' : 'pin a key below "keys"'
      const message = `${JSON.stringify(id)} ${what}, so no review of theirs is accepted; ${remedy}`
      report.warn(person.at('/id'), 'PERSON_WITHOUT_KEY', message)
    }
    if (asked.has(id) || owners.has(id)) continue
    const message = `${JSON.stringify(id)} reviews on no route and owns no agent; name them in a route, or remove them`
    report.warn(person.at('/id'), 'PERSON_UNUSED', message)
  }
  for (const { value, at } of documents.routes) {
    if (value.signature !== 'none') continue
    const message =
      forge === 'local'
        ? 'the local forge has no accounts, so reviews without a signature count nowhere; leave out "signature"'
        : `whoever gets into a reviewer's account on ${forge}, or holds its token, can approve; leave out "signature" to ask for a key`
    report.warn(at('/signature'), 'ROUTE_UNSIGNED', message)
  }
  const used = usedRoutes(input)
  for (const route of documents.routes) {
    const { id } = route.value
    if (!used.has(id)) {
      if (route.value.baselines !== undefined) continue // It says what people need not review.
      const message = `no rule, package or budget takes the route ${JSON.stringify(id)}; name it in one, or remove it`
      report.warn(route.at('/id'), 'ROUTE_UNUSED', message)
      continue
    }
    lintOwners(input, reach, route, report)
    lintGlass(input, route, report)
  }
}

/** How a route wants reviews to be signed on a forge. Without accounts only a signature tells who. */
function signatureOf({ signature = 'signed' }: Route, forge: string): SignatureLevel {
  return signature === 'none' && forge === 'local' ? 'signed' : signature
}

/** Routes that something may take. `default` is asked for wherever a hold names none. */
function usedRoutes({ documents, loaded }: LintInput): ReadonlySet<string> {
  const used = new Set(['default'])
  for (const { value } of documents.routes) if (value.on !== undefined) used.add(value.id)
  const { rules, agents, projects, tools, releases } = documents
  for (const list of [rules, agents, projects, tools, releases]) {
    for (const { value } of list) collect(used, value as unknown as JsonValue)
  }
  for (const { route } of loaded.policy.rego) if (route !== null) used.add(route)
  for (const id of namedInRego(documents)) used.add(id)
  return used
}

/** Whatever stands below a key `route`. */
function collect(used: Set<string>, value: JsonValue): void {
  if (typeof value !== 'object' || value === null) return
  for (const [key, item] of Object.entries(value)) {
    if (key === 'route' && typeof item === 'string') used.add(item)
    else collect(used, item as JsonValue)
  }
}

/** An element of a set may name its route, as plain text somewhere in the source. */
function namedInRego({ rego, routes }: Documents): readonly string[] {
  const texts = [...rego].filter(([path]) => !path.endsWith('_test.rego')).map(([, text]) => text)
  return routes
    .map(({ value }) => value.id)
    .filter((id) => texts.some((text) => text.includes(JSON.stringify(id))))
}

/**
 * One cannot look over one's own shoulder: without the agent's owner, and without those who stand in for the owner, there
 * should be enough who can approve.
 */
function lintOwners(
  { documents, loaded, now }: LintInput,
  reach: Reach,
  route: Entry<Route>,
  report: Report,
): void {
  const compiled = loaded.policy.routes.find(({ id }) => id === route.value.id)
  if (compiled === undefined) return
  const { id } = compiled
  const able = ableOn(compiled, documents, now)
  const people = peopleFacts(documents)
  const seats = seatsOn(compiled, people, now)
  if (seatPeople(seats, able).need > 0) return
  const takes = agentsOn(compiled, loaded.policy.rules, reach)
  const told = new Set<string>()
  for (const { value } of documents.agents) {
    const { agent, owner } = value
    if (owner === undefined || told.has(owner) || !takes(agent)) continue
    told.add(owner)
    if (!seats.reviewers.includes(owner)) continue
    const others = people.map((one) => (one.id === owner ? withoutDelegates(one) : one))
    const rest = [...able].filter((one) => one !== owner)
    if (seatPeople(seatsOn(compiled, others, now), rest).need === 0) continue
    const message = `what ${agent} asks for on route ${JSON.stringify(id)} cannot be approved without ${owner}, who owns it; add reviewers`
    report.warn(route.at('/id'), 'ROUTE_NEEDS_OWNER', message)
  }
}

/**
 * Who breaks the glass does not look at it afterwards: without them, and without those who stand in for them, there
 * should be enough who can. Of those who may break it, as many as it takes are left out, always the one who is missed
 * most.
 */
function lintGlass(
  { documents, loaded, now }: LintInput,
  { value, at }: Entry<Route>,
  report: Report,
): void {
  const route = loaded.policy.routes.find(({ id }) => id === value.id)
  const { break_glass: glass, signature } = route ?? {}
  if (route === undefined || glass === undefined || signature === undefined) return
  const able = ableOn(route, documents, now)
  const signing = ableOn({ signature: signature === 'none' ? 'signed' : signature }, documents, now)
  const people = peopleFacts(documents)
  const later = withLater(route)
  const needWithout = (gone: readonly string[]): number => {
    const others = people.map((one) => (gone.includes(one.id) ? withoutDelegates(one) : one))
    const rest = [...able].filter((one) => !gone.includes(one))
    return seatPeople(seatsOn(later, others, now), rest).need
  }
  if (needWithout([]) > 0) return
  let gone: readonly string[] = []
  for (let count = 0; count < glass.quorum; count++) {
    const next = glass.reviewers
      .filter((one) => signing.has(one) && !gone.includes(one))
      .map((one) => [...gone, one])
    const [worst] = next.sort((a, b) => needWithout(b) - needWithout(a))
    if (worst === undefined) return // Too few can break it, which is an error already.
    gone = worst
  }
  if (needWithout(gone) === 0) return
  const message = `when ${gone.join(' and ')} broke the glass of route ${JSON.stringify(route.id)}, too few others can look at it, and nobody breaks it again; add reviewers`
  report.warn(at('/id'), 'ROUTE_NEEDS_BREAKER', message)
}

/** The route with those to whom it escalates: they may look at it too, if later. */
function withLater(route: CompiledRoute): CompiledRoute {
  const { reviewers, groups, escalate } = route
  const more = (names: readonly string[]) => [
    ...new Set([...names, ...(escalate?.reviewers ?? [])]),
  ]
  return {
    ...route,
    reviewers: more(reviewers),
    ...(groups === undefined
      ? {}
      : { groups: groups.map((group) => ({ ...group, reviewers: more(group.reviewers) })) }),
  }
}

function withoutDelegates({ delegates: _, ...person }: CompiledPerson): CompiledPerson {
  return person
}

/** Which agents a rule can send to a route. Any may come to `default`, by a default or a hold that names no route. */
function agentsOn(
  { id, on }: CompiledRoute,
  rules: LintInput['loaded']['policy']['rules'],
  reach: Reach,
): (agent: string) => boolean {
  if (id === 'default') return () => true
  const added = on === undefined ? [] : [[on.agent ?? '*'].flat().map(compileGlob)]
  const test = reachTest(reach)
  const selectors = rules
    .filter((rule) => rule.route === id && rule.then === 'hold' && test(rule.on) === null)
    .map((rule) => [rule.on.agent ?? '*'].flat().map(compileGlob))
    .concat(added)
  // A package may name the route in what it finds, for whomever it likes.
  if (on === undefined && !rules.some((rule) => rule.route === id)) return () => true
  return (agent) => selectors.some((globs) => globs.some((matches) => matches(agent)))
}
