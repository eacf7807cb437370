import type { Rule } from '../../../model/generated/types.ts'
import { confidence } from './confidence.ts'
import { cost } from './cost.ts'
import { credential } from './credential.ts'
import { flow } from './flow.ts'
import type { RuleKind, RuleKindName } from './kind.ts'
import { loop } from './loop.ts'
import { markov } from './markov.ts'
import { media } from './media.ts'
import { neverAutomate } from './never-automate.ts'
import { output } from './output.ts'
import { pattern } from './pattern.ts'
import { pii } from './pii.ts'
import { principal } from './principal.ts'
import { residency } from './residency.ts'
import { schedule } from './schedule.ts'
import { scope } from './scope.ts'
import { secret } from './secret.ts'
import { semanticLoop } from './semantic-loop.ts'
import { sequenceEntropy } from './sequence-entropy.ts'
import { velocity } from './velocity.ts'

/** Every guardrail kind; a rule has at most one. */
export const RULE_KINDS: readonly RuleKind[] = [
  confidence,
  cost,
  credential,
  flow,
  loop,
  markov,
  media,
  neverAutomate,
  output,
  pattern,
  pii,
  principal,
  residency,
  schedule,
  scope,
  secret,
  semanticLoop,
  sequenceEntropy,
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
