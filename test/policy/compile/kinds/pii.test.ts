import { expect, test } from 'vitest'
import { problemsOf, specOf } from './rule-check.ts'

test.for([
  {
    yaml: 'pii: { detect: [payment_card, email] }',
    want: {
      detect: ['email', 'payment_card'],
      in: ['payload', 'result'],
      min: 1,
      if_missing: 'find',
    },
  },
  {
    yaml: 'pii: { detect: [person_name], in: [payload.note], names: [Bo, Ana], min: 3, if_missing: pass }',
    want: {
      detect: ['person_name'],
      in: ['payload.note'],
      names: ['Ana', 'Bo'],
      min: 3,
      if_missing: 'pass',
    },
  },
  {
    yaml: 'pii: { detect: [de_phone], in: [context.note] }',
    want: { detect: ['de_phone'], in: ['context.note'], min: 1, if_missing: 'find' },
  },
])('$yaml', ({ yaml, want }) => {
  expect(specOf(yaml)).toEqual(want)
})

test.for([
  { yaml: 'pii: {}', want: /^6:10 KEY_MISSING .*detect/ },
  { yaml: 'pii: { detect: [] }', want: /^6:20 VALUE_INVALID/ },
  { yaml: 'pii: { detect: email }', want: /^6:20 VALUE_INVALID/ },
  { yaml: 'pii: { detect: [emial] }', want: /^6:21 REFERENCE_UNKNOWN .*"email"/ },
  { yaml: 'pii: { detect: [email, jwt] }', want: /^6:28 REFERENCE_UNKNOWN/ },
  { yaml: 'pii: { detect: [email], in: [note] }', want: /^6:34 PATH_INVALID/ },
  { yaml: 'pii: { detect: [email], in: [result] }', want: /^6:34 PATH_INVALID .*phase: result/ },
  { yaml: 'pii: { detect: [email], names: [Ana] }', want: /^6:29 VALUE_INVALID .*person_name/ },
  { yaml: 'pii: { detect: [email], min: 0 }', want: /^6:34 VALUE_INVALID/ },
  { yaml: 'pii: { detect: [email], if_missing: skip }', want: /^6:41 VALUE_INVALID/ },
  { yaml: 'pii: { detekt: [email] }', want: /KEY_UNKNOWN .*"detect"/ },
])('$yaml is refused', ({ yaml, want }) => {
  expect(problemsOf(yaml).join('\n')).toMatch(want)
})
