import { expect, test } from 'vitest'
import { problemsOf, specOf } from './rule-check.ts'

test.for([
  {
    yaml: 'confidence: { below: 0.8 }',
    want: {
      below: { low: 0.8, medium: 0.8, high: 0.8, critical: 0.8 },
      field: 'context.confidence',
    },
  },
  {
    yaml: 'confidence: { below: { low: 0, medium: 0.5, high: 0.9, critical: 1 }, field: "payload.steps[].sure" }',
    want: {
      below: { low: 0, medium: 0.5, high: 0.9, critical: 1 },
      field: 'payload.steps[].sure',
    },
  },
])('$yaml', ({ yaml, want }) => {
  expect(specOf(yaml)).toEqual(want)
})

test.for([
  { yaml: 'confidence: {}', want: /^6:17 KEY_MISSING .*below/ },
  { yaml: 'confidence: { below: 80 }', want: /^6:26 VALUE_INVALID/ },
  { yaml: 'confidence: { below: 0 }', want: /^6:26 VALUE_INVALID/ },
  { yaml: 'confidence: { below: "0.8" }', want: /^6:26 VALUE_INVALID/ },
  { yaml: 'confidence: { below: { low: 0.5, medium: 0.6, high: 0.7 } }', want: /^6:26 .*critical/ },
  { yaml: 'confidence: { below: 0.8, field: confidence }', want: /^6:38 PATH_INVALID/ },
  { yaml: 'confidence: { below: 0.8, field: agent }', want: /^6:38 PATH_INVALID/ },
  { yaml: 'confidence: { below: 0.8, field: context }', want: /^6:38 PATH_INVALID/ },
  { yaml: 'confidence: { below: 0.8, fields: context.x }', want: /^6:31 KEY_UNKNOWN/ },
])('$yaml -> $want', ({ yaml, want }) => {
  expect(problemsOf(yaml)).toEqual([expect.stringMatching(want)])
})
