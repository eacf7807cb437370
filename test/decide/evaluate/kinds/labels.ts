import type { HmacKey } from '../../../../src/base/digest.ts'
import type { ObservedSession } from '../../../../src/decide/behaviour/index.ts'
import {
  compileBaseline,
  learn,
  loadBaseline,
  scoreSession,
} from '../../../../src/decide/behaviour/index.ts'
import type { Behaviour } from '../../../../src/decide/evaluate/behaviour.ts'
import type { EvaluationInput } from '../../../../src/decide/evaluate/evaluate.ts'
import { evaluate } from '../../../../src/decide/evaluate/evaluate.ts'
import { factsOf } from '../../../../src/decide/evaluate/facts.ts'
import { fold } from '../../../../src/decide/evaluate/fold.ts'
import { judgeRule } from '../../../../src/decide/evaluate/rules.ts'
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

/** One rule's word on a call of a session that was scored, or was not. */
export function judgeScored(
  one: CompiledRule,
  changes: Partial<JudgedAction>,
  behaviour: Behaviour,
): ReturnType<typeof fold> {
  const asked = action(changes)
  const selection = load({ rules: [one] }).select(asked)
  const facts = { ...factsOf(asked, selection, KEY), behaviour }
  const moment = { state: {}, now: NOON, leaveOut: null }
  const said = selection.rules.map((rule) => judgeRule(rule, facts, moment).said)
  return fold(said.filter((word) => word !== null))
}

/** A call that got a score, by a baseline of a hundred sessions of one call. */
export function scored(
  changes: Partial<BehaviourScore> = {},
  { enforced = true }: { readonly enforced?: boolean } = {},
): Behaviour {
  const [call] = scoreSession(BASELINE, session('asked'))
  if (call === undefined) throw new Error('expected a call')
  const published = { agent: 'bot', fingerprint: null, version: 3, enforced, baseline: BASELINE }
  return { kind: 'scored', published, call, score: score(changes) }
}

function session(id: string): ObservedSession {
  return { id, group: id, ended: true, calls: [{ node: 'crm.read', args: null }] }
}

const BASELINE = loadBaseline(
  compileBaseline(learn(Array.from({ length: 100 }, (_, i) => session(`${i}`))), { rate: 0.02 }),
)

export const CALM = {
  markov: 1,
  novelty: 0,
  repeat: 0,
  precede: 0,
  service: 0,
  duplicate: 0,
  trigram: 0,
}

/** A score of a session like any other. */
export function score(changes: Partial<BehaviourScore> = {}): BehaviourScore {
  return {
    markov_score: 0.4,
    entropy_bits: 2,
    burst: 0,
    edge: null,
    rejected: false,
    channels: CALM,
    ...changes,
  }
}
