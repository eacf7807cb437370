import type { Rule } from '../../../model/generated/types.ts'
import { flow } from './flow.ts'
import type { RuleKind, RuleKindName } from './kind.ts'
import { loop } from './loop.ts'
import { pattern } from './pattern.ts'
import { scope } from './scope.ts'
import { velocity } from './velocity.ts'

/** Every guardrail kind; a rule has at most one. */
export const RULE_KINDS: readonly RuleKind[] = [
  flow,
  loop,
  pattern,
  scope,
  velocity,
] as readonly unknown[] as readonly RuleKind[]

/** The kinds that a rule names, each with its settings. */
export function kindsOf(
  rule: Rule,
): readonly { readonly kind: RuleKind; readonly settings: NonNullable<Rule[RuleKindName]> }[] {
  return RULE_KINDS.flatMap((kind) => {
    const settings = Object.hasOwn(rule, kind.name) ? rule[kind.name] : undefined
    return settings === undefined ? [] : [{ kind, settings }]
  })
}
