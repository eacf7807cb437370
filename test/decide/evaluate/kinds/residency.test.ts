import { expect, test } from 'vitest'
import type { CompiledTool } from '../../../../src/model/generated/types.ts'
import type { JudgedAction } from '../../../../src/model/nouns.ts'
import { load, type RuleChanges, rule, run, tool } from '../fixtures.ts'
import type { Label } from './labels.ts'
import { missingLabels } from './labels.ts'

const kind = 'residency'
const spec = { class: 'personal', regions: ['eu-*'], undeclared: 'find' }
const asked = { ...spec, classes_in: 'context.classes' }
const classes = [
  { path: 'payload.email', class: 'personal' },
  { path: 'payload.people[].name', class: 'personal' },
  { path: 'payload.amount', class: 'financial' },
]
const us = { region: 'us-east-1', classes }
const email = { payload: { email: 'ana@example.org' } }

type Case = {
  readonly label: Label
  readonly name: string
  readonly tool?: Partial<CompiledTool>
  readonly action: Partial<JudgedAction>
  readonly rule?: RuleChanges
  readonly want: string
}

const CASES: readonly Case[] = [
  {
    label: 'allow',
    name: 'to an allowed region',
    tool: { region: 'eu-west-1', classes },
    action: email,
    want: 'allow',
  },
  {
    label: 'allow',
    name: 'of another class',
    tool: us,
    action: { payload: { amount: 5 } },
    want: 'allow',
  },
  {
    label: 'allow',
    name: 'of a field that nobody classed',
    tool: us,
    action: { payload: { note: 'x' } },
    want: 'allow',
  },
  {
    label: 'allow',
    name: 'by a tool that takes none',
    tool: { region: 'us-east-1', classes: [] },
    action: email,
    want: 'allow',
  },
  {
    label: 'allow',
    name: 'by a tool that says nothing, where that may be',
    tool: {},
    rule: { spec: { ...spec, undeclared: 'pass' } },
    action: email,
    want: 'allow',
  },
  {
    label: 'allow',
    name: 'of other classes by word',
    tool: us,
    rule: { spec: asked },
    action: { context: { classes: ['public'] } },
    want: 'allow',
  },
  {
    label: 'hold',
    name: 'to another region',
    tool: us,
    rule: { verdict: 'hold' },
    action: email,
    want: 'hold',
  },
  { label: 'deny', name: 'to another region', tool: us, action: email, want: 'deny' },
  {
    label: 'deny',
    name: 'deep in a list',
    tool: us,
    action: { payload: { people: [{}, { name: 'Ana' }] } },
    want: 'deny',
  },
  {
    label: 'deny',
    name: 'by word',
    tool: us,
    rule: { spec: asked },
    action: { context: { classes: ['public', 'personal'] } },
    want: 'deny',
  },
  {
    label: 'deny',
    name: 'by one word',
    tool: us,
    rule: { spec: asked },
    action: { context: { classes: 'personal' } },
    want: 'deny',
  },
  {
    label: 'shadow',
    name: 'to another region',
    tool: us,
    rule: { mode: 'shadow' },
    action: email,
    want: 'allow',
  },
  {
    label: 'boundary',
    name: 'a region that only starts alike',
    tool: { ...us, region: 'euro-1' },
    action: email,
    want: 'deny',
  },
  {
    label: 'boundary',
    name: 'a field that is null',
    tool: us,
    action: { payload: { email: null } },
    want: 'deny',
  },
  {
    label: 'boundary',
    name: 'an empty list',
    tool: us,
    action: { payload: { people: [] } },
    want: 'allow',
  },
  {
    label: 'boundary',
    name: 'an unknown region and another class',
    tool: { classes },
    action: { payload: { amount: 5 } },
    want: 'allow',
  },
  { label: 'bad-input', name: 'an unknown region', tool: { classes }, action: email, want: 'deny' },
  {
    label: 'bad-input',
    name: 'a tool that says nothing',
    tool: { region: 'us-east-1' },
    action: email,
    want: 'deny',
  },
  {
    label: 'bad-input',
    name: 'a tool that no file names',
    action: { ...email, action: 'unheard' },
    want: 'deny',
  },
  {
    label: 'bad-input',
    name: 'no word where one is asked for',
    tool: us,
    rule: { spec: asked },
    action: {},
    want: 'deny',
  },
  {
    label: 'bad-input',
    name: 'a word that is a number',
    tool: us,
    rule: { spec: asked },
    action: { context: { classes: [5] } },
    want: 'deny',
  },
  {
    label: 'bad-input',
    name: 'a region that is no text',
    tool: { ...us, region: 5 as never },
    action: email,
    want: 'deny',
  },
  {
    label: 'bad-input',
    name: 'a class in a path that is none',
    tool: { region: 'us', classes: [{ path: '..', class: 'personal' }] },
    action: email,
    want: 'deny',
  },
]

test.for(CASES)('$label: $name -> $want', ({ action, want, ...one }) => {
  const made = rule({ kind, spec, ...one.rule })
  const tools = one.tool === undefined ? [] : [tool(one.tool)]
  const { verdict, findings } = run(load({ rules: [made], tools })).judge(action)
  expect(verdict).toBe(want)
  expect(JSON.stringify(findings)).not.toContain('ana@')
  const own = findings.filter((finding) => finding.kind === kind)
  expect(own.length).toBe(want === 'allow' && one.rule?.mode !== 'shadow' ? 0 : 1)
})

test('the table has every label', () => {
  expect(missingLabels(CASES)).toEqual([])
})

test('a finding names class, fields and region', () => {
  const { judge } = run(load({ rules: [rule({ kind, spec })], tools: [tool(us)] }))
  expect(judge(email).findings[0]?.evidence).toEqual({
    class: 'personal',
    regions: ['eu-*'],
    region: 'us-east-1',
    fields: ['payload.email'],
  })
})

test('a polluted prototype gives no tool a region', () => {
  const prototype = Object.prototype as Record<string, unknown>
  try {
    prototype['region'] = 'eu-west-1'
    const { judge } = run(load({ rules: [rule({ kind, spec })], tools: [tool({ classes })] }))
    expect(judge(email).verdict).toBe('deny')
  } finally {
    delete prototype['region']
  }
})

test.for<{ name: string; spec: Record<string, unknown>; code: string }>([
  { name: 'no class', spec: { regions: ['eu'] }, code: 'VALUE_INVALID' },
  { name: 'no regions', spec: { class: 'a' }, code: 'VALUE_INVALID' },
  { name: 'an empty list of regions', spec: { class: 'a', regions: [] }, code: 'VALUE_INVALID' },
  { name: 'classes in no field', spec: { ...spec, classes_in: 'x' }, code: 'PATH_INVALID' },
  { name: 'another word', spec: { ...spec, undeclared: 'allow' }, code: 'VALUE_INVALID' },
])('$name -> $code at load', ({ spec: bad, code }) => {
  expect(() => load({ rules: [rule({ kind, spec: bad })] })).toThrow(
    expect.objectContaining({ code }),
  )
})
