import { expect, test } from 'vitest'
import { problemsOf, specOf } from './rule-check.ts'

test.for([
  { yaml: 'sequence_entropy: { above_bits: 3.5 }', want: { above_bits: 3.5 } },
  {
    yaml: 'sequence_entropy: { below_bits: 0.25, min_markov_anomaly_score: 0.9 }',
    want: { below_bits: 0.25, min_markov_anomaly_score: 0.9 },
  },
  {
    yaml: 'sequence_entropy: { min_markov_anomaly_score: 1 }',
    want: { min_markov_anomaly_score: 1 },
  },
])('$yaml', ({ yaml, want }) => {
  expect(specOf(yaml)).toEqual(want)
})

test.for([
  { yaml: 'sequence_entropy: {}', want: /^6:23 KEY_MISSING/ },
  { yaml: 'sequence_entropy: { above_bits: -1 }', want: /^6:37 VALUE_INVALID/ },
  { yaml: 'sequence_entropy: { above_bits: 65 }', want: /^6:37 VALUE_INVALID/ },
  { yaml: 'sequence_entropy: { above_bits: "3" }', want: /^6:37 VALUE_INVALID/ },
  { yaml: 'sequence_entropy: { below_bits: 0 }', want: /^6:37 VALUE_INVALID/ },
  { yaml: 'sequence_entropy: { min_markov_anomaly_score: 2 }', want: /^6:51 VALUE_INVALID/ },
  {
    yaml: 'sequence_entropy: { above_bits: 3, below_bits: 3 }',
    want: /^6:52 VALUE_INVALID nothing lies above 3 and below 3 bits/,
  },
  { yaml: 'sequence_entropy: { above_bit: 3, above_bits: 3 }', want: /^6:25 KEY_UNKNOWN/ },
])('$yaml -> $want', ({ yaml, want }) => {
  expect(problemsOf(yaml)).toEqual([expect.stringMatching(want)])
})
