import { PolicyError } from '../../base/errors.ts'
import type { JsonObject, JsonValue } from '../../base/json-value.ts'
import type { Path } from '../../base/path.ts'
import { parsePath, readPath } from '../../base/path.ts'
import type {
  ExplainedPackage,
  ExplainedRoute,
  ExplainedRule,
  ExplainedTest,
  Explanation,
  Mismatch,
  RuleOutcome,
  ShownField,
} from '../../model/explanation.ts'
import type { CompiledRule, Finding, Verdict } from '../../model/generated/types.ts'
import { judgeBehaviour } from './behaviour.ts'
import type { EvaluationInput } from './evaluate.ts'
import { evaluate } from './evaluate.ts'
import type { Facts } from './facts.ts'
import { factsOf, valueDigest } from './facts.ts'
import { readField } from './fields.ts'
import { EXPLAINED_VALUES_MAX } from './limits.ts'
import type { LoadedPolicy, Selection } from './policy.ts'
import type { LoadedPackage } from './rego-packages.ts'
import { judgePackage } from './rego-packages.ts'
import { readRecent } from './rego-state.ts'
import { matchRoute } from './routes.ts'
import type { LoadedRule } from './rules.ts'
import { judgeRule } from './rules.ts'
import type { Target } from './selector.ts'
import { compileSelector } from './selector.ts'
import type { Moment } from './state.ts'

export type ExplainOptions = {
  /** Shows values of the action in clear. Default: as HMACs, as evidence does. */
  readonly clear: boolean
  /** Lists rules that the action does not select, too. */
  readonly all: boolean
}

/**
 * Why an action gets its verdict. The verdict is that of `evaluate`, and each rule's word is what `evaluate` takes from
 * it: rules are pure, so asking one again gives the same.
 *
 * @throws {PolicyError} as `evaluate`
 */
export function explain(
  loaded: LoadedPolicy,
  input: EvaluationInput,
  options: ExplainOptions,
): Explanation {
  const { state: _, reserved: __, ...verdict } = evaluate(loaded, input)
  const { action, state, now, key } = input
  const selection = loaded.select(action)
  const moment: Moment = { state, now, leaveOut: input.leaveOut ?? null }
  const unscored = factsOf(action, selection, key)
  const { behaviour } = judgeBehaviour(loaded, selection, unscored, moment)
  const view: View = { facts: { ...unscored, behaviour }, moment, clear: options.clear }
  const rules = selection.rules.map((rule) => explainRule(rule, view, selection))
  const packages = selection.packages.map((one) => explainPackage(one, view))
  const known = new Set([...rules, ...packages].map(({ rule }) => rule))
  const others = options.all || selection.watches.length > 0 ? loaded.policy.rules : []
  const remembering = new Set(selection.watches.map(({ rule }) => rule.id))
  const unselected = others
    .filter(({ id }) => !known.has(id) && (options.all || remembering.has(id)))
    .map((rule) => explainUnselected(rule, selection, remembering.has(rule.id)))
  return {
    verdict,
    decided_by: decidedBy(verdict),
    action: aboutAction(input, selection),
    default: defaultOf(loaded, selection),
    engine: verdict.findings.filter(({ rule }) => !known.has(rule)),
    rules: [...rules, ...unselected],
    packages: [...packages, ...(options.all ? unselectedPackages(loaded, selection) : [])],
    ...explainRoutes(loaded, view, verdict),
  }
}

/** What becomes of the routes that add themselves; nothing where the policy has none, or where nothing is held. */
function explainRoutes(
  { added }: LoadedPolicy,
  { facts }: View,
  { verdict, findings }: Verdict,
): Pick<Explanation, 'routes'> {
  if (added.length === 0 || verdict !== 'hold') return {}
  const said = findings.map((finding) => ({ finding, obligations: [] }))
  const explained = added.map((loaded): ExplainedRoute => {
    const { id, file, line, column } = loaded.route
    const unmet = Object.entries(matchRoute(loaded, facts, said)).filter(([, met]) => !met)
    return { route: id, place: { file, line, column }, unmet: unmet.map(([part]) => part) }
  })
  return { routes: explained }
}

type View = { readonly facts: Facts; readonly moment: Moment; readonly clear: boolean }

function decidedBy({ verdict, findings }: Verdict): string[] {
  if (verdict === 'allow') return []
  const enforced = findings.filter((one) => one.mode === 'enforce' && one.verdict === verdict)
  return [...new Set(enforced.map(({ rule }) => rule))]
}

function aboutAction(
  { action, now }: EvaluationInput,
  { target, agent, inScope }: Selection,
): Explanation['action'] {
  return {
    agent: action.agent,
    tool: `${action.service}.${action.action}`,
    phase: target.phase,
    role: action.role,
    now,
    agent_known: agent !== null,
    in_scope: inScope,
    effect: target.effect,
    priority: target.priority,
    priority_asked: action.priority,
  }
}

function defaultOf({ policy }: LoadedPolicy, selection: Selection): Explanation['default'] {
  const { target, agent, tool, inScope, spoken } = selection
  const asked = target.phase === 'call' && agent !== null && tool !== null && inScope
  return { verdict: policy.defaults[target.priority], applies: asked && !spoken }
}

function explainRule(loaded: LoadedRule, view: View, { watches }: Selection): ExplainedRule {
  const { rule } = loaded
  const { said } = judgeRule(loaded, view.facts, view.moment)
  const when = explainWhen(loaded, view)
  const unmet = when.some(({ holds }) => !holds)
  return {
    ...headOf(rule),
    outcome: outcomeOf(said?.finding ?? null, unmet),
    mismatches: [],
    when,
    reads: unmet ? [] : fieldsOf(rule.spec).map((path) => showField(view, path)),
    saw: unmet ? null : sawOf(loaded, view),
    state: unmet ? [] : stateOf(loaded, view),
    finding: said?.finding ?? null,
    obligations: said?.obligations ?? [],
    remembers: watches.some((one) => one.rule.id === rule.id),
  }
}

function outcomeOf(finding: Finding | null, unmet: boolean): RuleOutcome {
  if (finding === null) return unmet ? 'unmet' : 'quiet'
  return finding.code === 'RULE_FAILED' || finding.code === 'STATE_INVALID' ? 'failed' : 'found'
}

function headOf(rule: CompiledRule) {
  const { id, kind, mode, then, change, spec, file, line, column } = rule
  const place = { file, line, column }
  return { rule: id, kind, mode, then: change ?? then, settings: spec as JsonObject, place }
}

function explainWhen({ rule, when }: LoadedRule, view: View): ExplainedTest[] {
  return when.map((test, at) => ({
    test: (rule.when[at] ?? {}) as unknown as JsonObject,
    // A test that fails while it looks is a finding of the rule; here it does not hold.
    holds: unlessFailed(() => test.holds(view.facts)) ?? false,
    reads: test.paths.map((path) => showField(view, path)),
  }))
}

function sawOf({ kind }: LoadedRule, { facts, moment }: View): JsonObject | null {
  return unlessFailed(() => kind.explain?.(facts, moment)) ?? null
}

function stateOf({ kind }: LoadedRule, { facts, moment }: View): ExplainedRule['state'] {
  const keys = unlessFailed(() => kind.stateKeys(facts)) ?? []
  return keys.map((key) => ({
    key,
    entry: Object.hasOwn(moment.state, key) ? (moment.state[key] ?? null) : null,
  }))
}

/** Damaged state, or a rule that fails: its finding says so, and there is no more to show. */
function unlessFailed<T>(work: () => T): T | undefined {
  try {
    return work()
  } catch {
    return undefined
  }
}

function explainUnselected(
  rule: CompiledRule,
  { target }: Selection,
  remembers: boolean,
): ExplainedRule {
  return {
    ...headOf(rule),
    outcome: 'unselected',
    mismatches: mismatchesOf(rule, rule.on, target),
    when: [],
    reads: [],
    saw: null,
    state: [],
    finding: null,
    obligations: [],
    remembers,
  }
}

/** The keys of a selector that do not match, each asked alone. */
function mismatchesOf(
  place: Omit<Parameters<typeof compileSelector>[0], 'id'>,
  on: object,
  target: Target,
): Mismatch[] {
  const at = { id: 'explain', file: place.file, line: place.line, column: place.column }
  const whole = { phase: 'call', ...on } as Readonly<Record<string, JsonValue>>
  return Object.entries(whole).flatMap(([key, wanted]) => {
    const alone = compileSelector(at, { phase: ['call', 'result'], [key]: wanted })
    const found: unknown = Object.hasOwn(target, key) ? target[key as keyof Target] : null
    return alone.matches(target) ? [] : [{ key, wanted, found: found as JsonValue }]
  })
}

function explainPackage(loaded: LoadedPackage, view: View): ExplainedPackage {
  const { facts, moment } = view
  const counters = loaded.counters.map((counter) => {
    const attempts = unlessFailed(() => counter.count(facts, moment).attempts)
    return [counter.name, attempts ?? 0] as const
  })
  return {
    ...packageHead(loaded.package, loaded.id),
    selected: true,
    mismatches: [],
    counters: Object.fromEntries(counters),
    recent: unlessFailed(() => readRecent(facts, moment).length) ?? 0,
    findings: judgePackage(loaded, facts, moment).said.map(({ finding }) => finding),
  }
}

function packageHead(one: LoadedPackage['package'], id: string) {
  const { file, line, column, mode, rules } = one
  const entrypoints = rules.map(({ entrypoint }) => entrypoint)
  return { rule: id, package: one.package, mode, place: { file, line, column }, entrypoints }
}

function unselectedPackages({ policy }: LoadedPolicy, selection: Selection): ExplainedPackage[] {
  const selected = new Set(selection.packages.map((one) => one.package.package))
  return policy.rego
    .filter((one) => !selected.has(one.package))
    .map((one) => ({
      ...packageHead(one, one.package),
      selected: false,
      mismatches: mismatchesOf(one, one.on, selection.target),
      counters: {},
      recent: 0,
      findings: [],
    }))
}

/** Settings that name fields of the action, whatever the kind. */
const FIELD_SETTINGS: readonly string[] = ['path', 'paths', 'by', 'field', 'fields']

function fieldsOf(spec: object): Path[] {
  const texts = FIELD_SETTINGS.flatMap((name) => {
    const value: unknown = Object.hasOwn(spec, name) ? (spec as Record<string, unknown>)[name] : []
    return [value].flat().filter((text) => typeof text === 'string')
  })
  return [...new Set(texts)].flatMap((text) => {
    try {
      return [parsePath(text)]
    } catch (error) {
      if (error instanceof PolicyError) return []
      throw error
    }
  })
}

function showField({ facts, clear }: View, path: Path): ShownField {
  const matches = readPath(facts.fields, path)
  const shown = matches.slice(0, EXPLAINED_VALUES_MAX).map(({ pointer, value }) => {
    if (clear) return { pointer, value }
    return { pointer, hmac: valueDigest(facts.key, value) }
  })
  return {
    path: path.text,
    values: shown,
    omitted: matches.length - shown.length,
    missing: readField(facts.fields, path).missing,
  }
}
