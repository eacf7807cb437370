import { PolicyError } from '../../base/errors.ts'
import type {
  CompiledPolicy,
  CompiledTool,
  PhaseWord,
  Priority,
} from '../../model/generated/types.ts'
import type { JudgedAction } from '../../model/nouns.ts'
import type { PublishedBaseline } from '../behaviour/published.ts'
import type { RegoProgram } from '../rego/types.ts'
import type { LoadedAgent } from './agents.ts'
import { loadAgent } from './agents.ts'
import { loadBudgets } from './budgets.ts'
import { MEMO_ENTRIES_MAX, MEMO_RULES_MAX } from './limits.ts'
import type { LoadedPackage } from './rego-packages.ts'
import { loadPackage } from './rego-packages.ts'
import type { LoadedRoute } from './routes.ts'
import { loadRoutes } from './routes.ts'
import type { LoadedRule } from './rules.ts'
import { loadRule } from './rules.ts'
import type { Target } from './selector.ts'
import { EFFECTS, higherPriority, PRIORITIES } from './selector.ts'
import { indexSelectors } from './selector-index.ts'
import { own } from './settings.ts'

/** A policy ready to evaluate: rules indexed, patterns compiled, every reference checked. */
export type LoadedPolicy = {
  readonly policy: CompiledPolicy
  readonly routes: ReadonlySet<string>
  /** Routes that add themselves to holds. */
  readonly added: readonly LoadedRoute[]
  /** Unix milliseconds; null when the bundle does not expire. */
  readonly validUntil: number | null
  /** Whether there is neither an agent nor a rule. */
  readonly empty: boolean
  /** What the policy says of an action by its names alone. */
  select(action: JudgedAction): Selection
  /** The baseline of an action's agent: `unknown` when it has some, but none for this fingerprint; null for none. */
  baselineOf(action: JudgedAction): PublishedBaseline | 'unknown' | null
  /** Whether a rule asks how odd single transitions are. */
  readonly scoresEdges: boolean
}

export type Selection = {
  readonly target: Target
  readonly agent: LoadedAgent | null
  readonly tool: CompiledTool | null
  /** Whether the agent's scopes have the tool. */
  readonly inScope: boolean
  /** On whose behalf the agent may use the tool; null where its scopes do not ask. */
  readonly principals: ((name: string) => boolean) | null
  /** Whether an enforced rule or Rego package speaks about the action: whether its `on` names the action's tool. */
  readonly spoken: boolean
  readonly rules: readonly LoadedRule[]
  /** Rules that remember the action for later. */
  readonly watches: readonly LoadedRule[]
  readonly packages: readonly LoadedPackage[]
}

/**
 * Makes a compiled policy ready.
 *
 * @param program - the policy's Rego, null when it has none
 * @param load - reads one rule; for those who prepare many policies that share their rules
 * @throws {PolicyError} for anything that cannot be understood: a rule left out would allow what it denies
 */
export function preparePolicy(
  policy: CompiledPolicy,
  program: RegoProgram | null,
  load: typeof loadRule = loadRule,
  baselines: readonly PublishedBaseline[] = [],
): LoadedPolicy {
  checkWords(policy)
  const routes = new Set(policy.routes.map((route) => route.id))
  const rules = policy.rules.map((rule) => load(rule, routes))
  const packages = policy.rego.map((one) => loadPackage(one, program, routes))
  checkUnique(policy.agents.map(({ agent }) => agent))
  checkUnique(policy.rules.map(({ id }) => id))
  checkUnique(policy.rego.map((one) => one.package))
  return {
    policy,
    routes,
    added: loadRoutes(policy.routes),
    validUntil: policy.valid_until === null ? null : parseTime(policy.valid_until),
    empty: policy.agents.length + policy.rules.length + policy.rego.length === 0,
    select: selectorOf(policy, rules, packages, routes),
    baselineOf: indexBaselines(baselines),
    scoresEdges: policy.rules.some(
      ({ kind, spec }) => kind === 'markov' && own(spec, 'method') === 'edges',
    ),
  }
}

function indexBaselines(baselines: readonly PublishedBaseline[]): LoadedPolicy['baselineOf'] {
  const byAgent = new Map<string, Map<string | null, PublishedBaseline>>()
  for (const one of baselines) {
    const ofAgent = byAgent.get(one.agent) ?? new Map<string | null, PublishedBaseline>()
    byAgent.set(one.agent, ofAgent)
    ofAgent.set(one.fingerprint, one)
  }
  return ({ agent, fingerprint }) => {
    const ofAgent = byAgent.get(agent)
    if (ofAgent === undefined) return null
    return ofAgent.get(fingerprint) ?? ofAgent.get(null) ?? 'unknown'
  }
}

/** The priority that counts: the higher of the caller's and the policy's. */
export function raisedPriority(policy: LoadedPolicy, action: JudgedAction): Priority {
  return policy.select(action).target.priority
}

/** Fields beside payload and context that the tool's file marks private; none for a tool that no file names. */
export function privateFields(policy: LoadedPolicy, action: JudgedAction): readonly string[] {
  return policy.select(action).tool?.private ?? []
}

/** Whether a rule or package is about results, in shadow too: those report. */
export function judgesResults({ policy }: LoadedPolicy): boolean {
  return [...policy.rules, ...policy.rego].some(({ on }) =>
    [own(on, 'phase')].flat().includes('result'),
  )
}

function selectorOf(
  policy: CompiledPolicy,
  rules: readonly LoadedRule[],
  packages: readonly LoadedPackage[],
  routes: ReadonlySet<string>,
): LoadedPolicy['select'] {
  const agents = new Map(policy.agents.map((agent) => [agent.agent, loadAgent(agent)]))
  const budgets = new Map(policy.agents.map((agent) => [agent.agent, loadBudgets(agent, routes)]))
  const tools = indexTools(policy.tools)
  const ruleIndex = indexSelectors(rules, ({ selector }) => selector)
  const packageIndex = indexSelectors(packages, ({ selector }) => selector)
  const watching = rules.flatMap((rule) => {
    const { watch } = rule.kind
    return watch === null ? [] : [{ rule, selector: watch.selector }]
  })
  const watchIndex = indexSelectors(watching, ({ selector }) => selector)
  return remember((action) => {
    const tool = tools.get(action.service)?.get(action.action) ?? null
    const { service, agent, role } = action
    const priority =
      tool === null ? action.priority : higherPriority(action.priority, tool.priority)
    const effect = tool === null ? null : tool.effect
    const phase: PhaseWord = action.phase ?? 'call'
    const target = { service, action: action.action, agent, role, effect, priority, phase }
    const selected = ruleIndex.select(target)
    const loaded = agents.get(agent) ?? null
    const packagesOf = packageIndex.select(target)
    return {
      target,
      tool,
      agent: loaded,
      inScope: loaded?.allows(target) ?? false,
      principals: loaded?.principals(target) ?? null,
      spoken:
        selected.some(({ rule, selector }) => rule.mode === 'enforce' && selector.namesTools) ||
        packagesOf.some((one) => one.package.mode === 'enforce' && one.selector.namesTools),
      rules: phase === 'call' ? [...selected, ...(budgets.get(agent) ?? [])] : selected,
      watches: watchIndex.select(target).map(({ rule }) => rule),
      packages: packagesOf,
    }
  })
}

// A caller chooses the names, so both the number of selections and what they hold is bounded; the oldest go first.
function remember(select: LoadedPolicy['select']): LoadedPolicy['select'] {
  const memo = new Map<string, Selection>()
  let rules = 0
  return (action) => {
    const key = memoKey(action)
    const known = memo.get(key)
    if (known !== undefined) return known
    const selection = select(action)
    memo.set(key, selection)
    rules += sizeOf(selection)
    for (const [oldest, dropped] of memo) {
      if (memo.size <= MEMO_ENTRIES_MAX && rules <= MEMO_RULES_MAX) break
      memo.delete(oldest)
      rules -= sizeOf(dropped)
    }
    return selection
  }
}

// Effect and raised priority follow from the names. The lengths keep the names apart, whatever they hold.
function memoKey({ service, action, agent, role, priority, phase }: JudgedAction): string {
  return `${service.length} ${action.length} ${agent.length} ${priority} ${phase ?? ''} ${service}${action}${agent}${role}`
}

function sizeOf({ rules, watches, packages }: Selection): number {
  return rules.length + watches.length + packages.length
}

function indexTools(
  tools: readonly CompiledTool[],
): ReadonlyMap<string, ReadonlyMap<string, CompiledTool>> {
  const byService = new Map<string, Map<string, CompiledTool>>()
  for (const tool of tools) {
    const ofService = byService.get(tool.service) ?? new Map<string, CompiledTool>()
    byService.set(tool.service, ofService)
    if (ofService.has(tool.action)) throw duplicate(`${tool.service}.${tool.action}`)
    ofService.set(tool.action, tool)
  }
  return byService
}

// A word that nobody knows would fall through every comparison.
function checkWords(policy: CompiledPolicy): void {
  for (const priority of PRIORITIES) {
    const word = policy.defaults[priority]
    if (!Object.hasOwn(policy.defaults, priority) || !['allow', 'hold', 'deny'].includes(word)) {
      throw invalidWord(`defaults.${priority}`, 'allow, hold or deny')
    }
  }
  if (!['hold', 'deny'].includes(policy.unknown_tools)) {
    throw invalidWord('unknown_tools', 'hold or deny')
  }
  for (const tool of policy.tools) {
    if (!EFFECTS.includes(tool.effect)) throw invalidWord('effect', EFFECTS.join(', '))
    if (!PRIORITIES.includes(tool.priority)) throw invalidWord('priority', PRIORITIES.join(', '))
    const automate = own(tool, 'automate')
    if (automate !== undefined && automate !== 'never') throw invalidWord('automate', 'never')
  }
}

function parseTime(text: string): number {
  const time = Date.parse(text)
  if (Number.isNaN(time)) throw invalidWord('valid_until', 'an RFC 3339 time')
  return time
}

function checkUnique(names: readonly string[]): void {
  const seen = new Set<string>()
  for (const name of names) {
    if (seen.has(name)) throw duplicate(name)
    seen.add(name)
  }
}

function duplicate(name: string): PolicyError {
  return new PolicyError('ID_DUPLICATE', `expected one ${JSON.stringify(name)}, found two`)
}

function invalidWord(name: string, expected: string): PolicyError {
  return new PolicyError('VALUE_INVALID', `expected ${name} to be ${expected}`)
}
