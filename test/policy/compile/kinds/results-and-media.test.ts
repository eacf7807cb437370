import { describe, expect, test } from 'vitest'
import { compile } from '../../../../src/policy/compile/index.ts'
import { problemsOf, specOf } from './rule-check.ts'

test.for([
  {
    name: 'output',
    yaml: 'output: { in: payload, items_max: 5 }',
    want: { in: 'payload', items_max: 5, if_missing: 'find' },
  },
  {
    name: 'principal with groups',
    yaml: 'principal: { allow: b, groups: [z, a, z] }',
    want: { allow: ['b'], groups: ['a', 'z'], groups_in: 'context.groups', missing: 'find' },
  },
  {
    name: 'residency',
    yaml: 'residency: { class: personal, regions: eu-* }',
    want: { class: 'personal', regions: ['eu-*'], undeclared: 'find' },
  },
  { name: 'never_automate', yaml: 'never_automate: {}', want: {} },
  {
    name: 'media',
    yaml: 'media: { in: [payload], types: [image/png, image/gif], untold: pass }',
    want: {
      in: ['payload'],
      types: ['image/gif', 'image/png'],
      count_max: 256,
      pixels_max: 50_000_000,
      unpacked_bytes_max: 67_108_864,
      ratio_max: 100,
      untold: 'pass',
      if_missing: 'find',
    },
  },
])('$name has its defaults', ({ yaml, want }) => {
  expect(specOf(yaml)).toEqual(want)
})

test.for([
  { yaml: 'output: { bytes_max: 5 }', want: /^6:13 KEY_MISSING .*in/ },
  {
    yaml: 'output: { in: payload }',
    want: /^6:13 KEY_MISSING .*schema, bytes_max, items_max, depth_max/,
  },
  { yaml: 'output: { in: context.a, bytes_max: 5 }', want: /^6:19 PATH_INVALID/ },
  { yaml: 'output: { in: result, bytes_max: 5 }', want: /^6:19 PATH_INVALID .*phase: result/ },
  { yaml: 'output: { in: payload, bytes_max: 0 }', want: /^6:39 VALUE_INVALID/ },
  {
    yaml: 'output: { in: payload, schema: { typ: object } }',
    want: /^6:36 VALUE_INVALID .*\/typ is not supported/,
  },
  { yaml: "output: { in: payload, schema: { pattern: '(' } }", want: /^6:36 PATTERN_INVALID/ },
  { yaml: 'output: { in: payload, shema: {} }', want: /KEY_UNKNOWN.*schema/ },
  { yaml: 'principal: {}', want: /^6:16 KEY_MISSING/ },
  { yaml: 'principal: { allow: a, groups_in: context.g }', want: /^6:28 VALUE_INVALID .*groups/ },
  { yaml: 'principal: { groups: a, groups_in: contxt }', want: /^6:40 PATH_INVALID/ },
  { yaml: 'residency: { class: personal }', want: /KEY_MISSING.*regions/ },
  { yaml: 'residency: { class: a, regions: b, classes_in: paylod.c }', want: /^6:52 PATH_INVALID/ },
  { yaml: 'never_automate: { draft: save }', want: /^6:30 VALUE_INVALID/ },
  { yaml: 'never_automate: {}\nmode: shadow', want: /^7:11 VALUE_INVALID .*shadow/ },
  { yaml: 'media: { types: image/png }', want: /KEY_MISSING.*in/ },
  { yaml: 'media: { in: [context] }', want: /^6:19 PATH_INVALID/ },
  { yaml: 'media: { in: [result] }', want: /^6:19 PATH_INVALID .*phase: result/ },
  {
    yaml: 'media: { in: [payload], blobs: ["payload.files[]"] }',
    want: /^6:37 PATH_INVALID .*named field/,
  },
  { yaml: 'media: { in: [payload], blobs: [payload] }', want: /^6:37 PATH_INVALID/ },
  { yaml: 'media: { in: [payload], declared_in: type }', want: /^6:29 VALUE_INVALID .*blobs/ },
  { yaml: 'media: { in: [payload], count_max: 257 }', want: /^6:40 VALUE_INVALID/ },
])('$yaml is refused', ({ yaml, want }) => {
  expect(problemsOf(yaml)[0]).toMatch(want)
})

const refuse = () => Promise.reject(new Error('these files hold no Rego'))
const rego = {
  check: refuse,
  build: refuse,
  plan: refuse,
  format: refuse,
  test: refuse,
  warm: () => undefined,
  close: async () => undefined,
}
const head = 'apiVersion: countersign/v1\nkind: '

async function check(tools: string, rules = '', agent = ''): Promise<string[]> {
  const files = new Map([
    [
      'countersign.yaml',
      `${head}Project\nproject: p\ndefaults: { low: allow, medium: allow, high: allow, critical: deny }\n`,
    ],
    ['a.yaml', `${head}Agent\nagent: a\nscopes: [{ tools: ['mail.*']${agent} }]\n`],
    ['t.yaml', `${head}Tools\nservice: mail\ntools:\n${tools}`],
    ...(rules === '' ? [] : [['g.yaml', `${head}Guardrails\nrules:\n${rules}`] as const]),
    ['r.yaml', `${head}Routes\nroutes: [{ id: board, reviewers: [ana], time_out: 1h }]\n`],
    [
      'p.yaml',
      `${head}Roster\npeople: [{ id: ana, keys: [{ fingerprint: 'SHA256:${'a'.repeat(43)}' }] }]\n`,
    ],
  ])
  const { diagnostics } = await compile(files, { rego })
  return diagnostics.map(
    ({ file, line, column, severity, code, message }) =>
      `${file}:${line}:${column} ${severity} ${code} ${message}`,
  )
}

describe('Tools facts', () => {
  const draft = '  save: { effect: write }\n'
  test.for([
    {
      name: 'region, classes and a draft',
      tools: `  send: { effect: irreversible, region: eu-1, classes: { payload.to: personal }, automate: never, draft: mail.save }\n${draft}`,
      want: [],
    },
    {
      name: 'a class of no payload field',
      tools: '  send: { effect: write, classes: { context.to: personal } }\n',
      want: [/^t.yaml:5:37 error PATH_INVALID/],
    },
    {
      name: 'a class of the whole payload',
      tools: '  send: { effect: write, classes: { payload: personal } }\n',
      want: [/^t.yaml:5:37 error PATH_INVALID/],
    },
    {
      name: 'a draft of what may be automated',
      tools: `  send: { effect: write, draft: mail.save }\n${draft}`,
      want: [/^t.yaml:5:26 error VALUE_INVALID .*automate/],
    },
    {
      name: 'a draft that no file names',
      tools: `  send: { effect: write, automate: never, draft: mail.svae }\n${draft}`,
      want: [/^t.yaml:5:50 warning REFERENCE_UNKNOWN .*mail\.save/],
    },
    {
      name: 'a draft that is never automated',
      tools: '  send: { effect: write, automate: never, draft: mail.send }\n',
      want: [/^t.yaml:5:50 error VALUE_INVALID/],
    },
    {
      name: 'a draft that cannot be undone',
      tools:
        '  send: { effect: write, automate: never, draft: mail.drop }\n  drop: { effect: irreversible }\n',
      want: [/^t.yaml:5:50 warning VALUE_INVALID .*irreversible/],
    },
    {
      name: 'automate: sometimes',
      tools: '  send: { effect: write, automate: sometimes }\n',
      want: [/^t.yaml:5:36 error VALUE_INVALID/],
    },
  ])('$name', async ({ tools, want }) => {
    expect(await check(tools)).toEqual(want.map((one) => expect.stringMatching(one)))
  })
})

describe('rules that pretend to approve what is never automated', () => {
  const tools = '  send: { effect: irreversible, automate: never }\n  save: { effect: write }\n'
  const warned = [/^g.yaml:\d+:\d+ warning NEVER_AUTOMATED .*"board"/]
  const hold = (on: string) => `  - { id: a/b, on: ${on}, then: hold, route: board }\n`
  test.for([
    { name: 'a hold of that tool', rules: hold('{ action: send }'), want: warned },
    { name: 'a hold by effect', rules: hold('{ effect: irreversible }'), want: warned },
    { name: 'a hold of other tools too', rules: hold('{ service: mail }'), want: [] },
    { name: 'a hold of another tool', rules: hold('{ action: save }'), want: [] },
    { name: 'a denial', rules: '  - { id: a/b, on: { action: send }, then: deny }\n', want: [] },
    {
      name: 'a hold of what a rule keeps from agents',
      rules: `${hold('{ action: save }')}  - { id: c/d, on: { action: save }, never_automate: {}, then: deny }\n`,
      want: warned,
    },
    {
      name: 'a hold of what a rule keeps from one agent',
      rules: `${hold('{ action: save }')}  - { id: c/d, on: { action: save, agent: a }, never_automate: {}, then: deny }\n`,
      want: [],
    },
    {
      name: 'a rule that is never automated in a hold',
      rules:
        '  - { id: c/d, on: { action: save }, never_automate: {}, then: hold, route: board }\n',
      want: [...warned, /^g.yaml:4:\d+ error VALUE_INVALID .*then: deny/],
    },
  ])('$name', async ({ rules, want }) => {
    const found = await check(tools, rules)
    expect(found).toEqual(want.map((one) => expect.stringMatching(one)))
  })
})

test('the principals of a scope are in the bundle, sorted', async () => {
  const files = new Map([
    [
      'countersign.yaml',
      `${head}Project\nproject: p\ndefaults: { low: allow, medium: allow, high: allow, critical: deny }\n`,
    ],
    [
      'a.yaml',
      `${head}Agent\nagent: a\nscopes: [{ tools: ['mail.*'], principals: [bo, ana] }, { tools: ['x.y'] }]\n`,
    ],
  ])
  const { bundle } = await compile(files, { rego })
  expect(bundle?.policy.agents[0]?.scopes.map(({ principals }) => principals)).toEqual([
    ['ana', 'bo'],
    undefined,
  ])
})
