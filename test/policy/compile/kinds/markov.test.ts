import { expect, test } from 'vitest'
import { problemsOf, specOf } from './rule-check.ts'

test.for([
  { yaml: 'markov: { min_score: 0.95 }', want: { method: 'channels', min_score: 0.95, burst: 1 } },
  { yaml: 'markov: { method: edges }', want: { method: 'edges', burst: 2 } },
  { yaml: 'markov: { method: edges, burst: 3 }', want: { method: 'edges', burst: 3 } },
  {
    yaml: 'markov: { min_score: 1, burst: 2, channels: [precede, novelty] }',
    want: { method: 'channels', min_score: 1, burst: 2, channels: ['novelty', 'precede'] },
  },
])('$yaml', ({ yaml, want }) => {
  expect(specOf(yaml)).toEqual(want)
})

test.for([
  { yaml: 'markov: {}', want: /^6:13 KEY_MISSING .*min_score/ },
  { yaml: 'markov: { method: edges, min_score: 0.9 }', want: /^6:30 VALUE_INVALID/ },
  { yaml: 'markov: { method: guess }', want: /^6:23 VALUE_INVALID/ },
  { yaml: 'markov: { min_score: 0 }', want: /^6:26 VALUE_INVALID/ },
  { yaml: 'markov: { min_score: .nan }', want: /^6:26 / },
  { yaml: 'markov: { min_score: 95 }', want: /^6:26 VALUE_INVALID/ },
  { yaml: 'markov: { min_score: 0.9, burst: 0 }', want: /^6:38 VALUE_INVALID/ },
  { yaml: 'markov: { min_score: 0.9, channels: [lenght] }', want: /^6:42 VALUE_INVALID/ },
  { yaml: 'markov: { min_score: 0.9, channels: [] }', want: /^6:41 VALUE_INVALID/ },
  { yaml: 'markov: { min_scor: 0.9, min_score: 0.9 }', want: /^6:15 KEY_UNKNOWN .*min_score/ },
])('$yaml -> $want', ({ yaml, want }) => {
  expect(problemsOf(yaml)).toEqual([expect.stringMatching(want)])
})
