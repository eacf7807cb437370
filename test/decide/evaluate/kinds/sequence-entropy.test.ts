import { expect, test } from 'vitest'
import type { BehaviourScore } from '../../../../src/model/nouns.ts'
import { codes, load, type RuleChanges, rule } from '../fixtures.ts'
import type { Label } from './labels.ts'
import { judgeWith, missingLabels, score } from './labels.ts'

const kind = 'sequence_entropy'

type Case = {
  readonly label: Label
  readonly name: string
  readonly bits?: number | null
  readonly anomaly?: number
  readonly rule?: RuleChanges
  readonly want: string
  readonly code?: string
}

const low = { spec: { below_bits: 0.25 } }
const confirmed = { spec: { above_bits: 3, min_markov_anomaly_score: 0.9 } }
const anomalous = { spec: { min_markov_anomaly_score: 0.9 } }
const damaged = 'STATE_INVALID'

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
  { label: 'bad-input', name: 'NaN', bits: Number.NaN, want: 'deny', code: damaged },
  { label: 'bad-input', name: 'negative', bits: -0.1, want: 'deny', code: damaged },
  {
    label: 'bad-input',
    name: 'infinite',
    bits: Number.POSITIVE_INFINITY,
    want: 'deny',
    code: damaged,
  },
  {
    label: 'bad-input',
    name: 'more than any agent has',
    bits: 65,
    rule: low,
    want: 'deny',
    code: damaged,
  },
  {
    label: 'bad-input',
    name: 'an anomaly beyond 1',
    bits: 1,
    anomaly: 7,
    want: 'deny',
    code: damaged,
  },
]

test.for(CASES)('$label: $name -> $want', ({ bits, anomaly, rule: changes, want, code }) => {
  const one = rule({ kind, spec: { above_bits: 3 }, verdict: 'hold', ...changes })
  const behaviour: BehaviourScore | null =
    bits === null || bits === undefined
      ? null
      : score({ entropy_bits: bits, markov_score: anomaly ?? 0.1 })
  const result = judgeWith(one, {}, { behaviour })
  expect(result.verdict).toBe(want)
  expect(codes(result)[0]).toBe(code)
})

test('the table has every label', () => {
  expect(missingLabels(CASES)).toEqual([])
})

test('a finding names its bounds and what was met', () => {
  const behaviour = score({ entropy_bits: 4, markov_score: 0.95 })
  const { findings } = judgeWith(rule({ kind, ...confirmed }), {}, { behaviour })
  expect(findings[0]?.evidence).toEqual({
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
