import { expect, test } from 'vitest'
import { SECRET_KINDS } from '../../../../src/decide/detect/index.ts'
import { SCHEMAS } from '../../../../src/model/generated/schemas.ts'
import { problemsOf, specOf } from './rule-check.ts'

const FORMATS = SECRET_KINDS.filter((kind) => kind !== 'generic_secret')
const DEFAULTS = {
  detect: FORMATS,
  in: ['payload', 'result'],
  entropy: true,
  min: 1,
  if_missing: 'find',
}

test.for([
  { yaml: 'secret: {}', want: DEFAULTS },
  {
    yaml: 'secret: { detect: [jwt, aws_secret_key], in: [payload.b, payload.a], entropy: false, min: 3, if_missing: pass }',
    want: {
      detect: ['aws_secret_key', 'jwt'],
      in: ['payload.a', 'payload.b'],
      entropy: false,
      min: 3,
      if_missing: 'pass',
    },
  },
  { yaml: 'secret: { in: [context.note] }', want: { ...DEFAULTS, in: ['context.note'] } },
])('$yaml', ({ yaml, want }) => {
  expect(specOf(yaml)).toEqual(want)
})

test.for([
  { yaml: 'secret: { detect: [jwts] }', want: /^6:24 VALUE_INVALID/ },
  { yaml: 'secret: { detect: [generic_secret] }', want: /^6:24 VALUE_INVALID/ },
  { yaml: 'secret: { detect: [] }', want: /^6:23 VALUE_INVALID/ },
  { yaml: 'secret: { detect: [jwt, jwt] }', want: /^6:\d+ VALUE_INVALID/ },
  { yaml: 'secret: { in: [note] }', want: /^6:20 PATH_INVALID/ },
  { yaml: 'secret: { in: [result.note] }', want: /^6:20 PATH_INVALID .*phase: result/ },
  { yaml: 'secret: { entropy: yes please }', want: /^6:24 VALUE_INVALID/ },
  { yaml: 'secret: { min: 0 }', want: /^6:20 VALUE_INVALID/ },
  { yaml: 'secret: { minimum: 1 }', want: /^6:15 KEY_UNKNOWN/ },
])('$yaml -> $want', ({ yaml, want }) => {
  expect(problemsOf(yaml)).toEqual([expect.stringMatching(want)])
})

test('the schema lists the kinds that have a detector, and no other', () => {
  const text = JSON.stringify(SCHEMAS)
  for (const kind of FORMATS) expect(text).toContain(`"${kind}"`)
})
