import { expect, test } from 'vitest'
import type { CompiledPolicy } from '../../../src/model/generated/types.ts'
import { parseDocuments } from '../../../src/policy/compile/documents.ts'
import { compilePolicy } from '../../../src/policy/compile/policy.ts'
import { NO_REGO } from '../../../src/policy/compile/rego.ts'

const HEAD = 'apiVersion: countersign/v1\nkind: '
const PROJECT = `${HEAD}Project\nproject: p\n`
const AGENT = `${HEAD}Agent\nagent: a\nscopes: []\n`

function parse(project: string, agent: string) {
  return parseDocuments(
    new Map([
      ['a.yaml', PROJECT + project],
      ['b.yaml', AGENT + agent],
    ]),
  )
}

function compiled(project = '', agent = ''): CompiledPolicy {
  const { documents, diagnostics } = parse(project, agent)
  const [first] = documents.projects
  if (first === undefined || diagnostics.length > 0) throw new Error(JSON.stringify(diagnostics))
  return compilePolicy(documents, first, NO_REGO)
}

test.for([
  { name: 'nothing is said', yaml: '', low: 'hold', critical: 'hold' },
  { name: 'nothing is said of any', yaml: 'defaults: {}', low: 'hold', critical: 'hold' },
  { name: 'one is named', yaml: 'defaults: { low: allow }', low: 'allow', critical: 'hold' },
  {
    name: 'two are',
    yaml: 'defaults: { low: hold, critical: deny }',
    low: 'hold',
    critical: 'deny',
  },
])('defaults by priority where $name', ({ yaml, low, critical }) => {
  const { defaults } = compiled(yaml)
  expect(defaults).toEqual({ low, medium: 'hold', high: 'hold', critical })
})

test.for([
  { name: 'none', yaml: '', want: [] },
  { name: 'two, sorted', yaml: 'fingerprints: [b, a]', want: ['a', 'b'] },
])('approved fingerprints: $name', ({ yaml, want }) => {
  expect(compiled('', yaml).agents[0]?.fingerprints).toEqual(want)
})

test.for([
  { name: 'a default that no word says', project: 'defaults: { low: pass }', agent: '' },
  { name: 'a default that only a rule gives', project: 'defaults: { low: redact }', agent: '' },
  { name: 'a priority that no action has', project: 'defaults: { urgent: deny }', agent: '' },
  { name: 'an empty list of fingerprints', project: '', agent: 'fingerprints: []' },
  { name: 'an empty fingerprint', project: '', agent: 'fingerprints: [""]' },
  { name: 'a fingerprint without a list', project: '', agent: 'fingerprints: a' },
])('$name is refused', ({ project, agent }) => {
  expect(parse(project, agent).diagnostics).toEqual([
    expect.objectContaining({ severity: 'error' }),
  ])
})
