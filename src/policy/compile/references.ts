import { compileGlob } from '../../base/glob.ts'
import { joinPointer } from '../../base/pointer.ts'
import type {
  Effect,
  Globs,
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
import { checkReviewers } from './route-checks.ts'

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

type Named = { readonly name: string; readonly place: Place }

function checkDuplicates(documents: Documents, report: Report): void {
  const ids = <T extends { readonly id: string }>(entries: readonly Entry<T>[]): Named[] =>
    entries.map((entry) => ({ name: entry.value.id, place: entry.at('/id') }))
  refuseDuplicates('rule', ids(documents.rules), report)
  refuseDuplicates('route', ids(documents.routes), report)
  refuseDuplicates('person', ids(documents.people), report)
  refuseDuplicates('team', ids(documents.teams), report)
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
  const agentKeys = documents.agents.flatMap((entry) =>
    (entry.value.keys ?? []).map((name, index) => ({ name, place: entry.at(`/keys/${index}`) })),
  )
  // A key is one person's or one agent's: nobody signs for two.
  refuseDuplicates('key', [...keys, ...agentKeys], report)
  const gpgKeys = documents.people.flatMap((entry) =>
    (entry.value.gpg_keys ?? []).map((key, index) => ({
      name: key.fingerprint,
      place: entry.at(`/gpg_keys/${index}/fingerprint`),
    })),
  )
  refuseDuplicates('OpenPGP key', gpgKeys, report)
  const identities = documents.people.flatMap((entry) =>
    (entry.value.identities ?? []).map(({ issuer, subject }, index) => ({
      name: `${subject} of ${issuer}`,
      place: entry.at(`/identities/${index}`),
    })),
  )
  refuseDuplicates('identity', identities, report)
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
  if (routes.has('default') || documents.routes.some(takesEverything)) return
  for (const { what, place } of holdsWithoutRoute(documents, packages)) {
    const message = `${what} holds without a route and there is no route "default"; add it to a Routes file`
    report.error(place, 'ROUTE_MISSING', message)
  }
}

/** Whether a route adds itself to each hold there is, so that none needs `default`. */
function takesEverything({ value: { on } }: Entry<Route>): boolean {
  return on !== undefined && Object.keys(on).length === 0
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
  const ofRoute = (entry: Entry<Route>): Selected[] => {
    const { where: _, rules: __, behaviour: ___, ...selector } = entry.value.on ?? {}
    return [{ selector, place: entry.at('/on') }]
  }
  const ofPackage = ({ metadata, place }: PackageDraft): Selected[] =>
    metadata.on === undefined ? [] : [{ selector: metadata.on, place }]
  return [
    ...documents.rules.flatMap(ofRule),
    ...documents.routes.flatMap(ofRoute),
    ...packages.flatMap(ofPackage),
  ].filter(({ selector }) => Object.keys(selector).length > 0)
}
