import { expect, test } from 'vitest'
import type { Behaviour } from '../../../../src/decide/evaluate/behaviour.ts'
import { load, type RuleChanges, rule } from '../fixtures.ts'
import type { Label } from './labels.ts'
import { judgeScored, missingLabels, scored } from './labels.ts'

const kind = 'sequence_entropy'

type Case = {
  readonly label: Label
  readonly name: string
  readonly bits?: number | null
  readonly anomaly?: number
  readonly rule?: RuleChanges
  readonly want: string
}

const low = { spec: { below_bits: 0.25 } }
const confirmed = { spec: { above_bits: 3, min_markov_anomaly_score: 0.9 } }
const anomalous = { spec: { min_markov_anomaly_score: 0.9 } }

const CASES: readonly Case[] = [
  { label: 'allow', name: 'within its bounds', bits: 2, want: 'allow' },
  { label: 'allow', name: 'not too easy to foretell', bits: 0.5, rule: low, want: 'allow' },
  {
    label: 'allow',
    name: 'an odd session without the entropy',
    bits: 1,
    anomaly: 1,
    rule: confirmed,
    want: 'allow',
  },
  { label: 'hold', name: 'too hard to foretell', bits: 4, want: 'hold' },
  { label: 'hold', name: 'too easy to foretell', bits: 0.1, rule: low, want: 'hold' },
  { label: 'hold', name: 'both bounds met', bits: 4, anomaly: 0.95, rule: confirmed, want: 'hold' },
  { label: 'hold', name: 'the score alone', bits: 2, anomaly: 0.95, rule: anomalous, want: 'hold' },
  {
    label: 'deny',
    name: 'too hard, and that is denied',
    bits: 4,
    rule: { verdict: 'deny' },
    want: 'deny',
  },
  { label: 'shadow', name: 'too hard in shadow', bits: 4, rule: { mode: 'shadow' }, want: 'allow' },
  {
    label: 'shadow',
    name: 'no score in shadow',
    bits: null,
    rule: { mode: 'shadow' },
    want: 'allow',
  },
  { label: 'boundary', name: 'the upper bound itself', bits: 3, want: 'allow' },
  { label: 'boundary', name: 'the double after it', bits: 3.0000000000000004, want: 'hold' },
  { label: 'boundary', name: 'the lower bound itself', bits: 0.25, rule: low, want: 'allow' },
  { label: 'boundary', name: 'no choice at all', bits: 0, rule: low, want: 'hold' },
  {
    label: 'boundary',
    name: 'the score of the bound',
    bits: 4,
    anomaly: 0.9,
    rule: confirmed,
    want: 'hold',
  },
  {
    label: 'boundary',
    name: 'a score just below',
    bits: 4,
    anomaly: 0.8999999999999999,
    rule: confirmed,
    want: 'allow',
  },
  { label: 'boundary', name: 'the largest entropy', bits: 64, want: 'hold' },
  { label: 'bad-input', name: 'no score', bits: null, want: 'hold' },
]

test.for(CASES)('$label: $name -> $want', ({ bits, anomaly, rule: changes, want }) => {
  const one = rule({ kind, spec: { above_bits: 3 }, verdict: 'hold', ...changes })
  const behaviour: Behaviour =
    bits === null || bits === undefined
      ? { kind: 'none' }
      : scored({ entropy_bits: bits, markov_score: anomaly ?? 0.1 })
  expect(judgeScored(one, {}, behaviour).verdict).toBe(want)
})

test('bad-input: a session whose memory is damaged is denied', () => {
  const one = rule({ kind, spec: { above_bits: 3 }, verdict: 'hold' })
  const result = judgeScored(one, {}, { kind: 'damaged' })
  expect([result.verdict, result.findings[0]?.code]).toEqual(['deny', 'STATE_INVALID'])
})

test('what a baseline in shadow finds is only reported', () => {
  const one = rule({ kind, spec: { above_bits: 3 }, verdict: 'hold' })
  const result = judgeScored(one, {}, scored({ entropy_bits: 4 }, { enforced: false }))
  expect([result.verdict, result.findings[0]?.mode]).toEqual(['allow', 'shadow'])
})

test('the table has every label', () => {
  expect(missingLabels(CASES)).toEqual([])
})

test('a finding names its bounds and what was met', () => {
  const behaviour = scored({ entropy_bits: 4, markov_score: 0.95 })
  const { findings } = judgeScored(rule({ kind, ...confirmed }), {}, behaviour)
  expect(findings[0]?.evidence).toMatchObject({
    above_bits: 3,
    min_markov_anomaly_score: 0.9,
    entropy_bits: 4,
    markov_score: 0.95,
  })
})

test.for([
  { name: 'no bound', spec: {} },
  { name: 'a text', spec: { above_bits: '3' } },
  { name: 'a negative bound', spec: { below_bits: -1 } },
  { name: 'a score above 1', spec: { min_markov_anomaly_score: 2 } },
])('a bundle with $name does not load', ({ spec }) => {
  expect(() => load({ rules: [rule({ kind, spec })] })).toThrow(/test\/rule/)
})
