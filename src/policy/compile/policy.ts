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
  CompiledRule,
  CompiledTool,
  Person,
  Project,
  Rule,
  ToolFacts,
  Tools,
} from '../../model/generated/types.ts'
import { compileBudgets } from './budgets.ts'
import { compileChanges } from './change-rules.ts'
import { CHANGES, isChange } from './changes.ts'
import { compileFieldTest } from './checks.ts'
import type { Documents, Entry } from './documents.ts'
import { compileForge } from './forge.ts'
import { compileAudience, compileGrants } from './grants.ts'
import { kindsOf } from './kinds/index.ts'
import { compileNotify } from './notify.ts'
import type { CheckedRego } from './rego.ts'
import { compilePackage } from './rego.ts'
import { compileRetention } from './retention.ts'
import { compileDelegates, compileIdentities } from './roster.ts'
import { compileRoute } from './routes.ts'
import { compileCredentials, compileSecrets, compileSecretTexts } from './secrets.ts'
import { sorted } from './sorted.ts'
import { compileUndo } from './undo.ts'

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
    self_test: (value.self_test ?? []).map((test) => ({ expect: 'deny' as const, ...test })),
    evaluation_ms_max: value.evaluation_ms_max ?? 1000,
    evaluation_steps_max: value.evaluation_steps_max ?? BUDGET.steps,
    evaluation_bytes_max: value.evaluation_bytes_max ?? BUDGET.outputBytes,
    rego_packages: [...all],
    log_origin: value.log?.origin ?? `countersign.local/${value.project}`,
    forge: compileForge(value),
    ...compileGrants(value),
    ...compileRetention(value),
    ...compileSecrets(value),
    ...compileNotify(value),
    ...compileChanges(value),
    agents: sortBy(documents.agents.map(compileAgent), ({ agent }) => agent),
    tools: documents.tools
      .flatMap(compileTools)
      .sort((a, b) => compareText(a.service, b.service) || compareText(a.action, b.action)),
    rules: sortBy(
      documents.rules.map((rule) => compileRule(rule, documents)),
      ({ id }) => id,
    ),
    rego: packages.map(compilePackage),
    routes: sortBy(
      documents.routes.map((route) => compileRoute(route, documents)),
      ({ id }) => id,
    ),
    people: sortBy(documents.people.map(compilePerson), ({ id }) => id),
  }
}

/**
 * `data.json` of a bundle: what Rego reads below `data.countersign`, by name, without keys and places. RFC 8785. Its form
 * is `schemas/rego-data.schema.json`: what stands there stays.
 */
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
      ({ effect, priority, region, automate }) => ({
        effect,
        priority,
        ...(region === undefined ? {} : { region }),
        ...(automate === undefined ? {} : { automate }),
      }),
    )
  const data = {
    project: {
      name: policy.project,
      defaults: policy.defaults,
      unknown_tools: policy.unknown_tools,
      valid_until: policy.valid_until,
    },
    agents: byName(
      policy.agents,
      ({ agent }) => agent,
      ({ owner, fingerprints, budgets, scopes }) => ({
        owner,
        fingerprints,
        budgets: (budgets ?? []).map(({ id, spec, then, mode, route }) => {
          const { per, limit } = spec as JsonObject
          return { id, per: per ?? null, limit: limit ?? null, then, mode, route }
        }),
        scopes: scopes.map(({ tools, roles, principals }) => ({
          tools,
          roles,
          ...(principals === undefined ? {} : { principals }),
        })),
      }),
    ),
    tools: Object.fromEntries(services.map((service) => [service, toolsOf(service)])),
    rules: byName(
      policy.rules,
      ({ id }) => id,
      ({ kind, about, on, then, mode, route }) => {
        const taken = then === 'hold' ? (route ?? 'default') : route
        return { kind, about, on: on as JsonObject, then, mode, route: taken }
      },
    ),
    routes: byName(
      policy.routes,
      ({ id }) => id,
      ({ reviewers, quorum, signature, time_out, show }) => {
        return { reviewers, quorum, signature, time_out, show }
      },
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
  const { agent, owner, fingerprints, keys, scopes } = entry.value
  return {
    agent,
    owner: owner ?? null,
    fingerprints: sorted(fingerprints),
    ...(keys === undefined ? {} : { keys: sorted(keys) }),
    ...compileBudgets(entry),
    ...compileCredentials(entry),
    scopes: scopes.map(({ tools, roles, principals }, index) => ({
      tools: sorted(tools),
      roles: roles === undefined ? null : sorted(roles),
      ...(principals === undefined ? {} : { principals: sorted([principals].flat()) }),
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
    ...compileAudience(entry.value, tool),
    ...compileResidence(tool),
    ...compileSecretTexts(tool),
    ...(tool.detokenise === undefined ? {} : { detokenise: sorted(tool.detokenise) }),
    ...(tool.automate === undefined ? {} : { automate: tool.automate }),
    ...(tool.draft === undefined ? {} : { draft: tool.draft }),
    ...compileUndo(entry.value, tool),
    ...entry.keyAt(joinPointer('/tools', action)),
  }))
}

/** What a tool's file says of where data goes, and only what it says: an absent region is not known. */
function compileResidence({
  region,
  classes,
}: ToolFacts): Pick<CompiledTool, 'region' | 'classes'> {
  const listed = Object.entries(classes ?? {}).map(([path, name]) => ({ path, class: name }))
  return {
    ...(region === undefined ? {} : { region }),
    ...(classes === undefined ? {} : { classes: sortBy(listed, ({ path }) => path) }),
  }
}

function compileRule(entry: Entry<Rule>, { routes }: Documents): CompiledRule {
  const rule = entry.value
  // A route that adds itself may take the place of `default`, so what names none must not seem to name that one.
  const unnamed = routes.some(({ value }) => value.on !== undefined) ? null : 'default'
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
    route: rule.route ?? (rule.then === 'hold' ? unnamed : null),
    mode: rule.mode ?? 'enforce',
    ...entry.at(),
  }
}

/** OpenPGP keys of people who sign commits with them; nothing where there are none. */
function compileGpgKeys({ gpg_keys: keys }: Person): Pick<CompiledPerson, 'gpg_keys'> {
  if (keys === undefined) return {}
  const pinned = keys.map(({ fingerprint, public_key, revoked_at }) => {
    return { fingerprint, public_key, revoked_at: revoked_at ?? null }
  })
  return { gpg_keys: sortBy(pinned, ({ fingerprint }) => fingerprint) }
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
    ...(value.accounts === undefined ? {} : { accounts: { ...value.accounts } }),
    ...compileIdentities(value),
    ...compileDelegates(value),
    ...(value.email === undefined ? {} : { email: value.email }),
    ...compileGpgKeys(value),
  }
}

function sortBy<T>(items: readonly T[], key: (item: T) => string): T[] {
  return [...items].sort((a, b) => compareText(key(a), key(b)))
}
