import { expect, test } from 'vitest'
import { runDecisionTests } from '../../../src/policy/analyse/decision-tests.ts'
import { policyOf, ROUTES } from './load.ts'

const RULES = `apiVersion: countersign/v1
kind: Guardrails
rules:
  - id: s/often
    on: { service: s, action: write }
    velocity: { limit: 2, per: 1m }
    then: deny
  - id: s/shadow
    on: { service: s, action: read }
    then: deny
    mode: shadow
---
${ROUTES}---
`

async function run(body: string, selects?: (name: string) => boolean) {
  const { policy, tests } = await policyOf(
    `${RULES}apiVersion: countersign/v1\nkind: DecisionTest\n${body}`,
  )
  return runDecisionTests(policy, tests, selects)
}

const one = (
  action: string,
  expected: string,
  given = '[]',
  defaults = '{ agent: a, service: s }',
) =>
  run(
    `defaults: ${defaults}\ntests: [{ name: n, given: ${given}, action: ${action}, expect: ${expected} }]\n`,
  )

test.for([
  {
    name: 'the right verdict',
    action: '{ action: read }',
    expected: '{ verdict: allow }',
    want: [],
  },
  {
    name: 'a rule in shadow counts as a finding',
    action: '{ action: read }',
    expected: '{ verdict: allow, rules: [s/shadow] }',
    want: [],
  },
  {
    name: 'another verdict',
    action: '{ action: read }',
    expected: '{ verdict: deny }',
    want: ['expected the verdict deny, got allow'],
  },
  {
    name: 'fewer findings than expected',
    action: '{ action: write }',
    expected: '{ verdict: allow, rules: [s/often] }',
    want: ['expected findings of s/often, got none'],
  },
  {
    name: 'more findings than expected',
    action: '{ action: read }',
    expected: '{ verdict: allow, rules: [] }',
    want: ['expected findings of none, got s/shadow'],
  },
  {
    name: 'another route',
    action: '{ action: read }',
    expected: '{ verdict: allow, route: [default] }',
    want: ['expected the route default, got none'],
  },
])('$name -> $want', async ({ action, expected, want }) => {
  const [result] = await one(action, expected)
  expect(result?.differences).toEqual(want)
  expect(result?.passed).toBe(want.length === 0)
})

test.for([
  {
    name: 'two before, one second apart',
    given: '[{ action: write }, { action: write }]',
    at: '',
    want: 'deny',
  },
  { name: 'one before', given: '[{ action: write }]', at: '', want: 'allow' },
  {
    name: 'two before, a minute ago',
    given: '[{ action: write }, { action: write }]',
    at: ', at: 2m',
    want: 'allow',
  },
  {
    name: 'two before, at a later time of the clock',
    given: '[{ action: write }, { action: write }]',
    at: ", at: '2026-01-01T00:05:00Z'",
    want: 'allow',
  },
  {
    name: 'two before, named later than the action',
    given: '[{ action: write, at: 10s }, { action: write }]',
    at: ', at: 30s',
    want: 'deny',
  },
])('an action with $name -> $want', async ({ given, at, want }) => {
  const [result] = await one(`{ action: write${at} }`, `{ verdict: ${want} }`, given)
  expect(result?.actual?.verdict).toBe(want)
})

test('each test starts in a fresh state', async () => {
  const body = Array.from(
    { length: 4 },
    (_, i) => `  - { name: t${i}, action: { action: write }, expect: { verdict: allow } }\n`,
  )
  const results = await run(`defaults: { agent: a, service: s }\ntests:\n${body.join('')}`)
  expect(results.map(({ passed }) => passed)).toEqual([true, true, true, true])
})

test.for([
  { name: 'no agent', action: '{ action: read }', defaults: '{ service: s }', want: /agent/ },
  {
    name: 'a day that is none',
    action: "{ action: read, at: '2026-02-31T25:00:00Z' }",
    want: /calendar/,
  },
  { name: 'a span that is none', action: '{ action: read, at: 1s1s }', want: /duration/ },
])('a step with $name fails and says so', async ({ action, defaults, want }) => {
  const results = await one(action, '{ verdict: deny }', '[]', defaults).catch(
    (error: Error) => error,
  )
  if (results instanceof Error) expect(results.message).toMatch(/DURATION_INVALID|VALUE_INVALID/)
  else {
    expect(results[0]).toMatchObject({ passed: false, actual: null })
    expect(results[0]?.differences[0]).toMatch(want)
  }
})

test('places are those of the tests, and the filter selects by name', async () => {
  const results = await run(
    `defaults: { agent: a, service: s }
tests:
  - name: first
    action: { action: read }
    expect: { verdict: allow }
  - name: second
    action: { action: read }
    expect: { verdict: allow }
`,
    (name) => name === 'second',
  )
  expect(results).toMatchObject([
    { name: 'second', file: 'policies/more.yaml', line: 32, column: 5 },
  ])
})
