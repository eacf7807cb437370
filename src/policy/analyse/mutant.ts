import type { Plan } from '../../decide/rego/plan/plan.ts'
import type { CompiledPolicy, CompiledRule, Place } from '../../model/generated/types.ts'
import type { MutationOperator } from '../../model/results.ts'
import type { Touched } from './rule-coverage.ts'
import type { TestCase } from './test-cases.ts'

/** A policy that is weaker in one place. */
export type Mutant = {
  /** The rule, Rego package, agent or route that is weakened. */
  readonly rule: string
  readonly operator: MutationOperator
  readonly change: string
  readonly place: Place
  /** Makes the weaker policy: the policy itself where only its Rego differs. */
  policy(): CompiledPolicy
  /** What becomes of a plan of the policy's Rego, or of its tests. Default: nothing. */
  readonly replan?: (plan: Plan) => Plan
  /** Whether a case may notice. */
  touches(touched: Touched, one: TestCase): boolean
  /** Why no action can tell it from the policy; null where one may. */
  readonly same: string | null
}

/** What is written of the rules, by JSON pointer: `/then`, `/velocity/limit`. */
export type Writing = {
  /** Where a part of a rule stands, or what holds it. */
  at(rule: CompiledRule, pointer: string): Place
  /** Whether the author wrote it; else it is a default. */
  has(rule: CompiledRule, pointer: string): boolean
}

/** The policy with one rule in another's place. */
export function withRule(
  policy: CompiledPolicy,
  rule: CompiledRule,
  other: CompiledRule | null,
): CompiledPolicy {
  const rules = policy.rules.flatMap((one) => {
    if (one !== rule) return [one]
    return other === null ? [] : [other]
  })
  return { ...policy, rules }
}
