import { compileGlob } from '../../../base/glob.ts'
import type { JsonValue } from '../../../base/json-value.ts'
import type { Person, Route } from '../../../model/generated/types.ts'
import type { Entry } from '../../compile/documents.ts'
import type { Documents } from '../../compile/index.ts'
import { canReview, canSign, forgeOf, hasAccount, reviewersOf } from '../../compile/references.ts'
import type { Report } from '../../compile/report.ts'
import type { LintInput } from './lint.ts'
import type { Reach } from './reach.ts'
import { reachTest } from './reach.ts'

/** People who cannot sign or are asked by nobody, routes that nothing takes, and routes that need an agent's owner. */
export function lintPeople(input: LintInput, reach: Reach, report: Report): void {
  const { documents, now } = input
  const reviewers = new Map(
    documents.routes.map((route) => [route, reviewersOf(route.value, documents.people)] as const),
  )
  const routesOf = (person: Entry<Person>) =>
    documents.routes.filter((route) => reviewers.get(route)?.includes(person))
  const asked = new Set([...reviewers.values()].flat().map(({ value }) => value.id))
  const forge = forgeOf(documents)
  const owners = new Set(documents.agents.map(({ value }) => value.owner))
  for (const person of documents.people) {
    const { id, keys = [] } = person.value
    if (asked.has(id) && !hasAccount(person.value, forge)) {
      const message = `${JSON.stringify(id)} has no account on ${forge}, so no review of theirs is accepted there; add its number below "accounts"`
      report.warn(person.at('/id'), 'PERSON_WITHOUT_ACCOUNT', message)
    }
    const needsKey = !asked.has(id) || routesOf(person).some(wantsKey(forge))
    if (needsKey && !canSign(person.value, now)) {
      const why = keys.length === 0 ? 'has no key' : 'has no key that still counts'
      const message = `${JSON.stringify(id)} ${why}, so no review of theirs is accepted; pin a key below "keys"`
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
  for (const [route, people] of reviewers) {
    const { id } = route.value
    if (!used.has(id)) {
      if (route.value.baselines !== undefined) continue // It says what people need not review.
      const message = `no rule, package or budget takes the route ${JSON.stringify(id)}; name it in one, or remove it`
      report.warn(route.at('/id'), 'ROUTE_UNUSED', message)
      continue
    }
    lintOwners(input, reach, { route, people }, report)
  }
}

/** Whether a route counts signatures alone. */
function wantsKey(forge: string): (route: Entry<Route>) => boolean {
  return ({ value }) => value.signature !== 'none' || forge === 'local'
}

/** Routes that something may take. `default` is asked for wherever a hold names none. */
function usedRoutes({ documents, loaded }: LintInput): ReadonlySet<string> {
  const used = new Set(['default'])
  for (const list of [documents.rules, documents.agents, documents.projects, documents.tools]) {
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

/** One cannot look over one's own shoulder: besides the agent's owner there should be enough who can approve. */
function lintOwners(
  { documents, loaded, now }: LintInput,
  reach: Reach,
  { route, people }: { readonly route: Entry<Route>; readonly people: readonly Entry<Person>[] },
  report: Report,
): void {
  const { id, quorum = 1 } = route.value
  const forge = forgeOf(documents)
  const able = people
    .filter(({ value }) => canReview(value, route.value, { now, forge }))
    .map(({ value }) => value.id)
  if (able.length < quorum) return
  const takes = agentsOn(id, loaded.policy.rules, reach)
  for (const { value } of documents.agents) {
    const { agent, owner } = value
    if (owner === undefined || !able.includes(owner) || !takes(agent)) continue
    if (new Set(able.filter((one) => one !== owner)).size >= quorum) continue
    const message = `what ${agent} asks for on route ${JSON.stringify(id)} cannot be approved without ${owner}, who owns it; add reviewers`
    report.warn(route.at('/id'), 'ROUTE_NEEDS_OWNER', message)
    return
  }
}

/** Which agents a rule can send to a route. Any may come to `default`, by a default or a hold that names no route. */
function agentsOn(
  id: string,
  rules: LintInput['loaded']['policy']['rules'],
  reach: Reach,
): (agent: string) => boolean {
  if (id === 'default') return () => true
  const test = reachTest(reach)
  const selectors = rules
    .filter((rule) => rule.route === id && rule.then === 'hold' && test(rule.on) === null)
    .map(({ on }) => [on.agent ?? '*'].flat().map(compileGlob))
  // A package may name the route in what it finds, for whomever it likes.
  if (!rules.some((rule) => rule.route === id)) return () => true
  return (agent) => selectors.some((globs) => globs.some((matches) => matches(agent)))
}
