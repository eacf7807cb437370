import { compileGlob } from '../../base/glob.ts'
import { joinPointer } from '../../base/pointer.ts'
import type {
  Effect,
  Globs,
  Person,
  Place,
  Project,
  Route,
  Rule,
  Selector,
} from '../../model/generated/types.ts'
import { checkBaselines } from './baselines.ts'
import { checkExpectedNames } from './decision-tests.ts'
import type { Documents, Entry, Kind } from './documents.ts'
import type { PackageDraft } from './rego.ts'
import type { Report } from './report.ts'
import { suggestion } from './report.ts'

/** Checks what entries say of each other: ids that stand twice, names of nothing, routes that nobody can satisfy. */
export function checkReferences(
  documents: Documents,
  packages: readonly PackageDraft[],
  now: number | null,
  report: Report,
): void {
  checkDuplicates(documents, report)
  checkProject(documents, report)
  const whole = (kind: Kind): boolean => !documents.broken.has(kind)
  if (whole('Roster')) {
    checkOwners(documents, report)
    checkReviewers(documents, now, report)
  }
  if (whole('Routes')) checkRoutes(documents, packages, report)
  if (whole('Tools')) checkTools(documents, packages, report)
  if (whole('Agent')) checkAgents(documents, packages, report)
  checkBaselines(documents, report)
  checkExpectedNames(documents, packages, report)
}

/** The people who may review on a route, by name and by role. */
export function reviewersOf(route: Route, people: readonly Entry<Person>[]): Entry<Person>[] {
  const names = new Set(route.reviewers)
  const roles = new Set(route.roles)
  return people.filter(
    ({ value }) => names.has(value.id) || (value.roles ?? []).some((role) => roles.has(role)),
  )
}

type Named = { readonly name: string; readonly place: Place }

function checkDuplicates(documents: Documents, report: Report): void {
  const ids = <T extends { readonly id: string }>(entries: readonly Entry<T>[]): Named[] =>
    entries.map((entry) => ({ name: entry.value.id, place: entry.at('/id') }))
  refuseDuplicates('rule', ids(documents.rules), report)
  refuseDuplicates('route', ids(documents.routes), report)
  refuseDuplicates('person', ids(documents.people), report)
  const agents = documents.agents.map((entry) => ({
    name: entry.value.agent,
    place: entry.at('/agent'),
  }))
  refuseDuplicates('agent', agents, report)
  const tools = documents.tools.flatMap((entry) =>
    Object.keys(entry.value.tools).map((action) => ({
      name: `${entry.value.service}.${action}`,
      place: entry.keyAt(joinPointer('/tools', action)),
    })),
  )
  refuseDuplicates('tool', tools, report)
  const keys = documents.people.flatMap((entry) =>
    (entry.value.keys ?? []).map((key, index) => ({
      name: key.fingerprint,
      place: entry.at(`/keys/${index}/fingerprint`),
    })),
  )
  refuseDuplicates('key', keys, report)
  const accounts = documents.people.flatMap((entry) =>
    Object.entries(entry.value.accounts ?? {}).map(([kind, account]) => ({
      name: `${kind} ${account}`,
      place: entry.at(joinPointer('/accounts', kind)),
    })),
  )
  refuseDuplicates('account', accounts, report)
}

function refuseDuplicates(what: string, named: readonly Named[], report: Report): void {
  const first = new Map<string, Place>()
  for (const { name, place } of named) {
    const before = first.get(name)
    if (before === undefined) {
      first.set(name, place)
      continue
    }
    const message = `the ${what} ${JSON.stringify(name)} is at ${before.file}:${before.line}:${before.column} already; keep one`
    report.error(place, 'ID_DUPLICATE', message)
  }
}

function checkProject(documents: Documents, report: Report): void {
  const [first, ...more] = documents.projects
  for (const other of more) {
    const place = first?.at()
    const message = `expected one Project, found another at ${place?.file}:${place?.line}:${place?.column}; keep one`
    report.error(other.at('/project'), 'ID_DUPLICATE', message)
  }
  if (first === undefined && !documents.broken.has('Project')) {
    const place = { file: 'countersign.yaml', line: 1, column: 1 }
    const message =
      'expected a document of kind Project; write countersign.yaml with apiVersion, kind and project'
    report.error(place, 'PROJECT_MISSING', message)
  }
}

function checkOwners(documents: Documents, report: Report): void {
  const people = new Set(documents.people.map(({ value }) => value.id))
  for (const entry of documents.agents) {
    const { owner } = entry.value
    if (owner === undefined || people.has(owner)) continue
    const message = `no person ${JSON.stringify(owner)} is on the roster${suggestion(owner, people)}`
    report.error(entry.at('/owner'), 'REFERENCE_UNKNOWN', message)
  }
}

function checkReviewers(documents: Documents, now: number | null, report: Report): void {
  const { routes, people } = documents
  const forge = forgeOf(documents)
  const names = new Set(people.map(({ value }) => value.id))
  const known = new Set(people.flatMap(({ value }) => value.roles ?? []))
  for (const entry of routes) {
    const { id, reviewers = [], roles = [], quorum = 1 } = entry.value
    reviewers.forEach((name, index) => {
      if (names.has(name)) return
      const message = `no person ${JSON.stringify(name)} is on the roster${suggestion(name, names)}`
      report.error(entry.at(`/reviewers/${index}`), 'REFERENCE_UNKNOWN', message)
    })
    roles.forEach((role, index) => {
      if (known.has(role)) return
      const message = `nobody on the roster has the role ${JSON.stringify(role)}${suggestion(role, known)}`
      report.error(entry.at(`/roles/${index}`), 'REFERENCE_UNKNOWN', message)
    })
    // People, not entries: who stands on the roster twice is still one person.
    const able = new Set(
      reviewersOf(entry.value, people).flatMap(({ value }) =>
        canReview(value, entry.value, { now, forge }) ? [value.id] : [],
      ),
    ).size
    if (able >= quorum) continue
    const place = entry.value.quorum === undefined ? entry.at('/id') : entry.at('/quorum')
    const need = forge === 'local' ? 'a valid key' : `a valid key and an account on ${forge}`
    const message = `the quorum of route ${JSON.stringify(id)} is ${quorum}, reviewers who can sign: ${able}; add people with ${need} or lower "quorum"`
    report.error(place, 'ROUTE_UNSATISFIABLE', message)
  }
}

/** The kind of forge that requests are reviewed on. */
export function forgeOf({ projects }: Documents): string {
  return projects[0]?.value.forge?.kind ?? 'local'
}

/** Whether a person has the account that a forge's reviews count by. The local forge has none. */
export function hasAccount({ accounts }: Person, forge: string): boolean {
  return forge === 'local' || (accounts !== undefined && Object.hasOwn(accounts, forge))
}

/** Whether a review of this person can count on a route. Without a signature only a forge with accounts can tell who. */
export function canReview(
  person: Person,
  { signature }: Route,
  { now, forge }: { readonly now: number | null; readonly forge: string },
): boolean {
  if (!hasAccount(person, forge)) return false
  return (signature === 'none' && forge !== 'local') || canSign(person, now)
}

/** Whether a person has a key that counts. Without a clock only revocation is known. */
export function canSign(person: Person, now: number | null): boolean {
  return (person.keys ?? []).some(({ valid_until: until, revoked_at: revoked }) => {
    if (now === null) return revoked === undefined
    return [until, revoked].every((end) => end === undefined || Date.parse(end) > now)
  })
}

function checkRoutes(
  documents: Documents,
  packages: readonly PackageDraft[],
  report: Report,
): void {
  const routes = new Set(documents.routes.map(({ value }) => value.id))
  const named: Named[] = [
    ...documents.rules.flatMap((entry) =>
      entry.value.route === undefined
        ? []
        : [{ name: entry.value.route, place: entry.at('/route') }],
    ),
    ...packages.flatMap(({ metadata, place }) =>
      metadata.route === undefined ? [] : [{ name: metadata.route, place }],
    ),
    ...budgetsOf(documents).flatMap(({ budget, entry, at }) =>
      budget.route === undefined ? [] : [{ name: budget.route, place: entry.at(`${at}/route`) }],
    ),
  ]
  for (const { name, place } of named) {
    if (routes.has(name)) continue
    const message = `no route ${JSON.stringify(name)}${suggestion(name, routes)}`
    report.error(place, 'REFERENCE_UNKNOWN', message)
  }
  if (routes.has('default')) return
  for (const { what, place } of holdsWithoutRoute(documents, packages)) {
    const message = `${what} holds without a route and there is no route "default"; add it to a Routes file`
    report.error(place, 'ROUTE_MISSING', message)
  }
}

type Hold = { readonly what: string; readonly place: Place }

function holdsWithoutRoute(documents: Documents, packages: readonly PackageDraft[]): Hold[] {
  const rules = documents.rules
    .filter(({ value }) => value.then === 'hold' && value.route === undefined)
    .map((entry) => ({ what: `rule ${JSON.stringify(entry.value.id)}`, place: entry.at('/then') }))
  const rego = packages.flatMap(({ name, metadata, rules: own }) => {
    const hold = own.find((rule) => rule.name === 'hold')
    return hold === undefined || metadata.route !== undefined
      ? []
      : [{ what: `package ${name}`, place: hold.place }]
  })
  const agents = documents.agents
    .filter(({ value }) => value.fingerprints !== undefined)
    .map((entry) => ({
      what: `an unknown fingerprint of agent ${JSON.stringify(entry.value.agent)}`,
      place: entry.keyAt('/fingerprints'),
    }))
  const budgets = budgetsOf(documents)
    .filter(({ budget }) => budget.then === 'hold' && budget.route === undefined)
    .map(({ entry, at }) => ({
      what: `a budget of agent ${JSON.stringify(entry.value.agent)}`,
      place: entry.at(`${at}/then`),
    }))
  return [...rules, ...rego, ...agents, ...budgets, ...documents.projects.flatMap(projectHolds)]
}

function budgetsOf({ agents }: Documents) {
  return agents.flatMap((entry) =>
    (entry.value.budgets ?? []).map((budget, index) => ({
      budget,
      entry,
      at: `/budgets/${index}`,
    })),
  )
}

function projectHolds(entry: Entry<Project>): Hold[] {
  const { defaults, unknown_tools: unknown } = entry.value
  const holds: Hold[] = []
  for (const priority of ['low', 'medium', 'high', 'critical'] as const) {
    const verdict = defaults?.[priority]
    if (verdict !== undefined && verdict !== 'hold') continue
    holds.push({
      what: `the default for priority ${priority}`,
      place: entry.at(`/defaults/${priority}`),
    })
  }
  // One complaint stands for all four: the remedy is the same.
  const [first] = holds
  const tools =
    unknown === 'hold' ? [{ what: 'an unknown tool', place: entry.at('/unknown_tools') }] : []
  return [...(first === undefined ? [] : [first]), ...tools]
}

function checkTools(documents: Documents, packages: readonly PackageDraft[], report: Report): void {
  const known = documents.tools.flatMap(({ value }) =>
    Object.entries(value.tools).map(([action, { effect }]) => ({
      service: value.service,
      action,
      effect,
    })),
  )
  const names = known.map(({ service, action }) => `${service}.${action}`)
  const checkScope = (entry: Entry<unknown>, at: string, tools: readonly string[]): void => {
    tools.forEach((pattern, index) => {
      if (names.some(compileGlob(pattern))) return
      const message = `no Tools file names a tool ${JSON.stringify(pattern)}${suggestion(pattern, names)}`
      report.warn(entry.at(`${at}/${index}`), 'REFERENCE_UNKNOWN', message)
    })
  }
  for (const entry of documents.agents) {
    entry.value.scopes.forEach((scope, index) => {
      checkScope(entry, `/scopes/${index}/tools`, scope.tools)
    })
  }
  for (const entry of documents.rules) {
    if (entry.value.scope !== undefined) checkScope(entry, '/scope/tools', entry.value.scope.tools)
  }
  const seen = new Map<string, boolean>()
  for (const { selector, place } of selectorsOf(documents, packages)) {
    const { service, action, effect } = selector
    // Many rules share a selector, and each look goes over every tool.
    const key = JSON.stringify([service, action, effect])
    const matches = seen.get(key) ?? known.some(toolTest(selector))
    seen.set(key, matches)
    if (matches) continue
    const message = 'no tool of the Tools files is selected; check service, action and effect'
    report.warn(place, 'REFERENCE_UNKNOWN', message)
  }
}

/** A tool of a Tools file, as selectors see it. */
export type KnownTool = {
  readonly service: string
  readonly action: string
  readonly effect: Effect
}

/** Whether a selector is about a tool, as far as its names and effect tell. */
export function toolTest({ service, action, effect }: Selector): (tool: KnownTool) => boolean {
  const inService = globTest(service)
  const inAction = globTest(action)
  const effects = effect === undefined ? null : [effect].flat()
  return (tool) =>
    inService(tool.service) && inAction(tool.action) && (effects?.includes(tool.effect) ?? true)
}

function checkAgents(
  documents: Documents,
  packages: readonly PackageDraft[],
  report: Report,
): void {
  const names = documents.agents.map(({ value }) => value.agent)
  for (const { selector, place } of selectorsOf(documents, packages)) {
    if (selector.agent === undefined || names.some(globTest(selector.agent))) continue
    const pattern = [selector.agent].flat()[0] ?? ''
    const message = `no agent of this repository is selected${suggestion(pattern, names)}`
    report.warn(place, 'REFERENCE_UNKNOWN', message)
  }
}

function globTest(globs: Globs | undefined): (name: string) => boolean {
  if (globs === undefined) return () => true
  const tests = [globs].flat().map(compileGlob)
  return (name) => tests.some((test) => test(name))
}

type Selected = { readonly selector: Selector; readonly place: Place }

function selectorsOf(documents: Documents, packages: readonly PackageDraft[]): Selected[] {
  const ofRule = (entry: Entry<Rule>): Selected[] => {
    const { on, flow } = entry.value
    return [
      ...(on === undefined ? [] : [{ selector: on, place: entry.at('/on') }]),
      ...(flow === undefined ? [] : [{ selector: flow.after, place: entry.at('/flow/after') }]),
    ]
  }
  const ofPackage = ({ metadata, place }: PackageDraft): Selected[] =>
    metadata.on === undefined ? [] : [{ selector: metadata.on, place }]
  return [...documents.rules.flatMap(ofRule), ...packages.flatMap(ofPackage)].filter(
    ({ selector }) => Object.keys(selector).length > 0,
  )
}
