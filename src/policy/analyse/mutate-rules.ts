import { KINDS } from '../../decide/evaluate/kinds/index.ts'
import type {
  CompiledObligation,
  CompiledPolicy,
  CompiledRule,
  FieldTest,
  Selector,
} from '../../model/generated/types.ts'
import type { MutationOperator } from '../../model/results.ts'
import type { Mutant, Writing } from './mutant.ts'
import { withRule } from './mutant.ts'
import { negatedTest, weakerNumbers, weakerTest } from './mutate-limits.ts'
import { widenings } from './mutate-scopes.ts'
import { narrowings } from './mutate-selectors.ts'

/** Every mutant of a policy's rules: each weakened in one place. */
export function ruleMutants(policy: CompiledPolicy, writing: Writing): Mutant[] {
  return policy.rules.flatMap((rule) =>
    changesOf(policy, rule, writing).map(
      ({ operator, pointer, change, to, same = null }): Mutant => ({
        rule: rule.id,
        ...{ operator, change, same },
        place: writing.at(rule, pointer),
        policy: () => withRule(policy, rule, to),
        touches: ({ rules }) => rules.has(rule.id),
      }),
    ),
  )
}

/** One way in which a rule becomes weaker. */
type Change = {
  readonly operator: MutationOperator
  /** Of what is changed, in the rule. */
  readonly pointer: string
  readonly change: string
  /** The weaker rule; null where it is gone. */
  readonly to: CompiledRule | null
  readonly same?: string | null
}

function changesOf(policy: CompiledPolicy, rule: CompiledRule, writing: Writing): Change[] {
  return [
    ...verdicts(policy, rule),
    { operator: 'removed', pointer: '', change: 'the rule was removed', to: null },
    ...whens(rule),
    ...limits(rule, writing),
    ...obligations(rule),
    ...selectors(policy, rule),
    ...tools(policy, rule),
  ]
}

/** Deny becomes hold, and hold becomes the change of fields that it asks for. What is left is the rule's removal. */
function verdicts(policy: CompiledPolicy, rule: CompiledRule): Change[] {
  const of = (to: CompiledRule, word: string): Change[] => [
    { operator: 'verdict', pointer: '/then', change: `then: ${rule.then} became ${word}`, to },
  ]
  const phases = [rule.on.phase ?? 'call'].flat()
  const [change] = rule.obligations
  if (rule.then === 'deny' && !phases.includes('result')) {
    const ids = policy.routes.map(({ id }) => id)
    const route = rule.route ?? (ids.includes('default') ? 'default' : ids[0])
    return route === undefined ? [] : of({ ...rule, then: 'hold', route }, 'hold')
  }
  if (rule.then === 'deny' && !phases.includes('call')) {
    const whole: CompiledObligation = { kind: 'redact', paths: ['result'] }
    const to = { ...rule, then: 'redact', change: 'redact', obligations: [whole] } as const
    return of({ ...to, obligations: [...to.obligations] }, 'redact')
  }
  if (rule.then !== 'hold' || (change === undefined && !detects(rule))) return []
  const kind = change?.kind ?? 'redact'
  return of({ ...rule, then: 'redact', change: kind, route: null }, kind)
}

function detects({ kind }: CompiledRule): boolean {
  return KINDS.get(kind)?.detects === true
}

/** Each further test left out, so that the rule finds too much, and turned round. */
function whens(rule: CompiledRule): Change[] {
  return rule.when.flatMap((test, index): Change[] => {
    const of = (change: string, when: readonly FieldTest[]): Change => ({
      ...{ operator: 'when', pointer: `/when/${index}`, change },
      to: { ...rule, when: [...when] },
    })
    const negated = negatedTest(test)
    const rest = rule.when.filter((_, at) => at !== index)
    return [
      of('a test of when was left out', rest),
      ...(negated === null
        ? []
        : [
            of(
              `a test of when was turned round: ${negated.change}`,
              rule.when.map((one, at) => (at === index ? negated.test : one)),
            ),
          ]),
    ]
  })
}

/** Numbers that the author wrote: nobody tests the others. */
function limits(rule: CompiledRule, writing: Writing): Change[] {
  const ofWhen = rule.when.flatMap((test, index) =>
    weakerTest(test).map(
      ({ key, change, test: weaker }): Change => ({
        operator: 'limit',
        pointer: `/when/${index}/${key}`,
        change: `when: ${change}`,
        to: { ...rule, when: rule.when.map((one, at) => (at === index ? weaker : one)) },
      }),
    ),
  )
  const ofKind = weakerNumbers(rule.kind, rule.spec).map(
    ({ pointer, change, spec }): Change => ({
      ...{ operator: 'limit', pointer: `/${rule.kind}${pointer}`, change },
      to: { ...rule, spec },
    }),
  )
  // What a cost rule limits is written in one of several ways, and always written.
  const isWritten = ({ pointer }: Change) => rule.kind === 'cost' || writing.has(rule, pointer)
  return [...ofWhen, ...ofKind.filter(isWritten)]
}

/** Each field that is to be changed left as it is. The last one of a rule that only changes is the rule itself. */
function obligations(rule: CompiledRule): Change[] {
  return rule.obligations.flatMap(({ kind, paths }, index) =>
    paths.flatMap((path, at): Change[] => {
      const left = rule.obligations.flatMap((one, other) => {
        const kept = other === index ? one.paths.filter((_, i) => i !== at) : one.paths
        return kept.length === 0 ? [] : [{ ...one, paths: kept }]
      })
      const stays = rule.change === null || detects(rule)
      if (!stays && !left.some((one) => one.kind === rule.change)) return []
      return [
        {
          ...{ operator: 'obligation', pointer: `/${kind}` },
          change: `${kind}: ${path} was left as it is`,
          to: { ...rule, obligations: left },
        },
      ]
    }),
  )
}

function selectors(policy: CompiledPolicy, rule: CompiledRule): Change[] {
  const on = narrowings(rule.on, policy).map(
    ({ key, selector, change, same }): Change => ({
      ...{ operator: 'selector', pointer: `/on/${key}`, change: `on: ${change}`, same },
      to: { ...rule, on: selector },
    }),
  )
  if (rule.kind !== 'flow') return on
  const after = narrowings(rule.spec['after'] as Selector, policy).map(
    ({ key, selector, change, same }): Change => ({
      ...{ operator: 'selector', pointer: `/flow/after/${key}`, change: `after: ${change}`, same },
      to: { ...rule, spec: { ...rule.spec, after: selector } },
    }),
  )
  return [...on, ...after]
}

/** The tools that a scope rule lets pass, widened. */
function tools(policy: CompiledPolicy, rule: CompiledRule): Change[] {
  if (rule.kind !== 'scope') return []
  const list = rule.spec['tools'] as readonly string[]
  return widenings(list, policy).map(
    ({ change, tools: wider, same }): Change => ({
      ...{ operator: 'scope', pointer: '/scope/tools', change: `tools: ${change}`, same },
      to: { ...rule, spec: { ...rule.spec, tools: [...wider] } },
    }),
  )
}
