import type { HmacKey } from '../../../../src/base/digest.ts'
import type { EvaluationInput } from '../../../../src/decide/evaluate/evaluate.ts'
import { evaluate } from '../../../../src/decide/evaluate/evaluate.ts'
import type { CompiledRule } from '../../../../src/model/generated/types.ts'
import type { BehaviourScore, Evaluation, JudgedAction } from '../../../../src/model/nouns.ts'
import { action, KEY, load, NOON } from '../fixtures.ts'

/** What a case of a guardrail kind's table shows. Each table has all six. */
export const LABELS = ['allow', 'hold', 'deny', 'shadow', 'boundary', 'bad-input'] as const

export type Label = (typeof LABELS)[number]

/** The labels that a table lacks. */
export function missingLabels(cases: readonly { readonly label: Label }[]): readonly Label[] {
  return LABELS.filter((label) => !cases.some((one) => one.label === label))
}

/** One rule's verdict on one action with what else `evaluate` takes. */
export function judgeWith(
  one: CompiledRule,
  changes: Partial<JudgedAction>,
  more: Partial<Omit<EvaluationInput, 'action'>> & { readonly key?: HmacKey } = {},
): Evaluation {
  const input = { action: action(changes), state: {}, now: NOON, key: KEY, ...more }
  return evaluate(load({ rules: [one] }), input)
}

/** A score of a session like any other. */
export function score(changes: Partial<BehaviourScore> = {}): BehaviourScore {
  return {
    markov_score: 0.4,
    entropy_bits: 2,
    burst: 0,
    channels: { markov: 1, novelty: 0, repeat: 0, precede: 0 },
    ...changes,
  }
}
