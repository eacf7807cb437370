import { canonicalize } from '../../base/canonical-json.ts'
import type { JsonObject, JsonValue } from '../../base/json-value.ts'
import { joinPointer } from '../../base/pointer.ts'
import { compareText } from '../../base/position.ts'
import { BUDGET } from '../../decide/rego/engine/evaluation.ts'
import type {
  Agent,
  CompiledAgent,
  CompiledPerson,
  CompiledPolicy,
  CompiledRoute,
  CompiledRule,
  CompiledTool,
  Person,
  Project,
  Route,
  Rule,
  Tools,
} from '../../model/generated/types.ts'
import { CHANGES, isChange } from './changes.ts'
import { compileFieldTest } from './checks.ts'
import type { Documents, Entry } from './documents.ts'
import { kindsOf } from './kinds/index.ts'
import { reviewersOf } from './references.ts'
import type { CheckedRego } from './rego.ts'
import { compilePackage } from './rego.ts'
import { sorted } from './sorted.ts'

/** The policy of checked documents: defaults filled in, everything sorted, the place of each thing kept. */
export function compilePolicy(
  documents: Documents,
  project: Entry<Project>,
  { packages, all }: CheckedRego,
): CompiledPolicy {
  const { value } = project
  const defaults = value.defaults ?? {}
  return {
    project: value.project,
    defaults: {
      low: defaults.low ?? 'hold',
      medium: defaults.medium ?? 'hold',
      high: defaults.high ?? 'hold',
      critical: defaults.critical ?? 'hold',
    },
    unknown_tools: value.unknown_tools ?? 'deny',
    valid_until: value.valid_until ?? null,
    evaluation_ms_max: value.evaluation_ms_max ?? 1000,
    evaluation_steps_max: value.evaluation_steps_max ?? BUDGET.steps,
    evaluation_bytes_max: value.evaluation_bytes_max ?? BUDGET.outputBytes,
    rego_packages: [...all],
    log_origin: value.log?.origin ?? `countersign.local/${value.project}`,
    forge: {
      kind: value.forge?.kind ?? 'local',
      path: value.forge?.path ?? 'forge.git',
      base: value.forge?.base ?? 'main',
    },
    agents: sortBy(documents.agents.map(compileAgent), ({ agent }) => agent),
    tools: documents.tools
      .flatMap(compileTools)
      .sort((a, b) => compareText(a.service, b.service) || compareText(a.action, b.action)),
    rules: sortBy(documents.rules.map(compileRule), ({ id }) => id),
    rego: packages.map(compilePackage),
    routes: sortBy(
      documents.routes.map((route) => compileRoute(route, documents.people)),
      ({ id }) => id,
    ),
    people: sortBy(documents.people.map(compilePerson), ({ id }) => id),
  }
}

/** `data.json` of a bundle: what Rego reads below `data.countersign`, by name, without keys and places. RFC 8785. */
export function compileData(policy: CompiledPolicy): string {
  const byName = <T>(
    items: readonly T[],
    name: (item: T) => string,
    fields: (item: T) => JsonObject,
  ) => Object.fromEntries(items.map((item) => [name(item), fields(item)]))
  const services = [...new Set(policy.tools.map(({ service }) => service))]
  const toolsOf = (service: string) =>
    byName(
      policy.tools.filter((tool) => tool.service === service),
      ({ action }) => action,
      ({ effect, priority }) => ({ effect, priority }),
    )
  const data = {
    project: {
      name: policy.project,
      defaults: policy.defaults,
      unknown_tools: policy.unknown_tools,
    },
    agents: byName(
      policy.agents,
      ({ agent }) => agent,
      ({ owner, fingerprints, scopes }) => ({
        owner,
        fingerprints,
        scopes: scopes.map(({ tools, roles }) => ({ tools, roles })),
      }),
    ),
    tools: Object.fromEntries(services.map((service) => [service, toolsOf(service)])),
    rules: byName(
      policy.rules,
      ({ id }) => id,
      ({ kind, then, mode, route }) => ({ kind, then, mode, route }),
    ),
    routes: byName(
      policy.routes,
      ({ id }) => id,
      ({ reviewers, quorum, time_out }) => ({ reviewers, quorum, time_out }),
    ),
    people: byName(
      policy.people,
      ({ id }) => id,
      ({ name, roles }) => ({ name, roles }),
    ),
  }
  return canonicalize({ countersign: data as unknown as JsonValue })
}

function compileAgent(entry: Entry<Agent>): CompiledAgent {
  const { agent, owner, fingerprints, scopes } = entry.value
  return {
    agent,
    owner: owner ?? null,
    fingerprints: sorted(fingerprints),
    scopes: scopes.map(({ tools, roles }, index) => ({
      tools: sorted(tools),
      roles: roles === undefined ? null : sorted(roles),
      ...entry.at(`/scopes/${index}`),
    })),
    ...entry.at('/agent'),
  }
}

function compileTools(entry: Entry<Tools>): CompiledTool[] {
  const { service, tools } = entry.value
  return Object.entries(tools).map(([action, tool]) => ({
    service,
    action,
    effect: tool.effect,
    priority: tool.priority ?? 'low',
    private: sorted(tool.private),
    ...entry.keyAt(joinPointer('/tools', action)),
  }))
}

function compileRule(entry: Entry<Rule>): CompiledRule {
  const rule = entry.value
  const [only] = kindsOf(rule)
  return {
    id: rule.id,
    kind: only === undefined ? 'every' : only.kind.name,
    about: rule.about ?? null,
    on: rule.on ?? {},
    when: (rule.when ?? []).map(compileFieldTest),
    spec: only === undefined ? {} : only.kind.spec(only.settings),
    then: isChange(rule.then) ? 'redact' : rule.then,
    change: isChange(rule.then) ? rule.then : null,
    obligations: CHANGES.flatMap((change) => {
      const paths = rule[change]
      return paths === undefined ? [] : [{ kind: change, paths: sorted(paths) }]
    }),
    route: rule.then === 'hold' ? (rule.route ?? 'default') : (rule.route ?? null),
    mode: rule.mode ?? 'enforce',
    ...entry.at(),
  }
}

function compileRoute(entry: Entry<Route>, people: readonly Entry<Person>[]): CompiledRoute {
  const { id, quorum, signature, time_out, show } = entry.value
  return {
    id,
    reviewers: sorted(reviewersOf(entry.value, people).map(({ value }) => value.id)),
    quorum: quorum ?? 1,
    signature: signature ?? 'ssh',
    time_out,
    show: sorted(show),
    ...entry.at(),
  }
}

function compilePerson({ value }: Entry<Person>): CompiledPerson {
  const keys = (value.keys ?? []).map((key) => ({
    fingerprint: key.fingerprint,
    valid_from: key.valid_from ?? null,
    valid_until: key.valid_until ?? null,
    revoked_at: key.revoked_at ?? null,
  }))
  return {
    id: value.id,
    name: value.name ?? value.id,
    roles: sorted(value.roles),
    keys: sortBy(keys, ({ fingerprint }) => fingerprint),
  }
}

function sortBy<T>(items: readonly T[], key: (item: T) => string): T[] {
  return [...items].sort((a, b) => compareText(key(a), key(b)))
}
