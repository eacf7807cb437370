import { expect, test } from 'vitest'
import { problemsOf, specOf } from './rule-check.ts'

test.for([
  {
    name: 'the least',
    yaml: 'semantic_loop: { repeats: 3, within: 10m }',
    want: { repeats: 3, within: '10m', similarity: 0.85, by: ['agent'] },
  },
  {
    name: 'paths, sorted',
    yaml: 'semantic_loop: { repeats: 2, within: 1h, similarity: 1, by: [session], paths: [payload.q, payload.a] }',
    want: {
      repeats: 2,
      within: '1h',
      similarity: 1,
      by: ['session'],
      paths: ['payload.a', 'payload.q'],
    },
  },
  {
    name: 'an embedding',
    yaml: 'semantic_loop: { repeats: 3, within: 10m, embedding: context.embedding }',
    want: {
      repeats: 3,
      within: '10m',
      similarity: 0.85,
      by: ['agent'],
      embedding: 'context.embedding',
    },
  },
])('$name', ({ yaml, want }) => {
  expect(specOf(yaml)).toEqual(want)
})

test.for([
  { yaml: 'semantic_loop: { repeats: 3 }', want: /^6:20 KEY_MISSING .*within/ },
  { yaml: 'semantic_loop: { repeats: 1, within: 10m }', want: /^6:31 VALUE_INVALID/ },
  { yaml: 'semantic_loop: { repeats: 17, within: 10m }', want: /^6:31 VALUE_INVALID/ },
  { yaml: 'semantic_loop: { repeats: 3, within: 31d }', want: /^6:42 DURATION_INVALID/ },
  {
    yaml: 'semantic_loop: { repeats: 3, within: 10m, similarity: 85 }',
    want: /^6:59 VALUE_INVALID/,
  },
  { yaml: 'semantic_loop: { repeats: 3, within: 10m, simliarity: 1 }', want: /^6:47 KEY_UNKNOWN/ },
  { yaml: 'semantic_loop: { repeats: 3, within: 10m, by: [agnet] }', want: /^6:52 PATH_INVALID/ },
  {
    yaml: 'semantic_loop: { repeats: 3, within: 10m, paths: [query] }',
    want: /^6:55 PATH_INVALID/,
  },
  {
    yaml: 'semantic_loop: { repeats: 3, within: 10m, embedding: agent }',
    want: /^6:58 PATH_INVALID/,
  },
  {
    yaml: 'semantic_loop: { repeats: 3, within: 10m, embedding: context }',
    want: /^6:58 PATH_INVALID/,
  },
  {
    yaml: 'semantic_loop: { repeats: 3, within: 10m, paths: [payload.q], embedding: context.e }',
    want: /^6:67 VALUE_INVALID .*both/,
  },
])('$yaml -> $want', ({ yaml, want }) => {
  expect(problemsOf(yaml)).toEqual([expect.stringMatching(want)])
})
