import { expect, test } from 'vitest'
import { runDecisionTests } from '../../../src/policy/analyse/decision-tests.ts'
import { policyOf, ROUTES } from './load.ts'

const RULES = `apiVersion: countersign/v1
kind: Guardrails
rules:
  - id: s/often
    on: { service: s, action: write }
    velocity: { limit: 2, per: 1m, by: [payload.user] }
    then: deny
  - id: s/large
    on: { service: s, action: write }
    pattern: { path: payload.amount, above: 100, if_missing: pass }
    then: hold
    route: board
    redact: [payload.card, payload.note]
  - id: s/token
    on: { service: s, action: read }
    pattern: { path: payload.mail, matches: '@', if_missing: pass }
    then: tokenise
    tokenise: [payload.mail, payload.copy]
  - id: s/leak
    on: { service: s, action: read, phase: result }
    pattern: { path: 'result.rows[].ssn', matches: '[0-9]', if_missing: pass }
    then: drop
    drop: ['result.rows[].ssn']
---
${ROUTES}---
`
const HEAD = 'apiVersion: countersign/v1\nkind: DecisionTest\ndefaults: { agent: a, service: s }\n'

async function run(body: string, more = '') {
  const { policy, tests } = await policyOf(`${RULES}${HEAD}${body}${more}`)
  return runDecisionTests(policy, tests)
}

/** The differences of one test that the action and expectation make. */
async function one(action: string, expected: string, more = '') {
  const [result] = await run(
    `tests: [{ name: n, action: ${action}, expect: ${expected}${more} }]\n`,
  )
  return result?.differences
}

const LARGE = '{ action: write, payload: { user: u, amount: 101, card: "4", note: x } }'

test.for([
  {
    name: 'a finding of the rule',
    expected: '{ verdict: hold, findings: [{ rule: s/large }] }',
    want: [],
  },
  {
    name: 'a finding in all that it says',
    expected:
      '{ verdict: hold, findings: [{ rule: s/large, verdict: hold, mode: enforce, route: board, message: above }] }',
    want: [],
  },
  {
    name: 'a finding on another route',
    expected: '{ verdict: hold, findings: [{ rule: s/large, route: default }] }',
    want: ['expected a finding rule s/large, route default, got none such'],
  },
  {
    name: 'a finding with another message',
    expected: '{ verdict: hold, findings: [{ rule: s/large, message: below }] }',
    want: ['expected a finding rule s/large, message below, got none such'],
  },
  {
    name: 'a finding with a code',
    expected: '{ verdict: hold, findings: [{ code: TOOL_UNKNOWN }] }',
    want: ['expected a finding code TOOL_UNKNOWN, got none such'],
  },
  { name: 'a quiet rule', expected: '{ verdict: hold, quiet: [s/often] }', want: [] },
  {
    name: 'a rule that is not quiet',
    expected: '{ verdict: hold, quiet: [s/large] }',
    want: ['expected no finding of s/large, got one'],
  },
  {
    name: 'what the route asks for',
    expected: '{ verdict: hold, reviews: { board: { quorum: 2, reviewers: [bo, ana] } } }',
    want: [],
  },
  {
    name: 'fewer approvals and reviewers',
    expected: '{ verdict: hold, reviews: { board: { quorum: 1, reviewers: [bo] } } }',
    want: [
      'expected the quorum 1 on the route board, got 2',
      'expected on the route board the reviewers bo, got ana, bo',
    ],
  },
  {
    name: 'reviews on a route that is not taken',
    expected: '{ verdict: hold, reviews: { default: { quorum: 1 } } }',
    want: ['expected reviews on the route default, got the route board'],
  },
  {
    name: 'the obligations',
    expected:
      '{ verdict: hold, obligations: [{ kind: redact, paths: [payload.note, payload.card], rule: s/large }] }',
    want: [],
  },
  {
    name: 'an obligation in part',
    expected: '{ verdict: hold, obligations: [{ rule: s/large }] }',
    want: [],
  },
  {
    name: 'no obligation',
    expected: '{ verdict: hold, obligations: [] }',
    want: ['expected no other obligation, got redact payload.card, payload.note of s/large'],
  },
  {
    name: 'fewer paths than there are',
    expected: '{ verdict: hold, obligations: [{ kind: redact, paths: [payload.card] }] }',
    want: [
      'expected the obligation kind redact, paths payload.card, got none such',
      'expected no other obligation, got redact payload.card, payload.note of s/large',
    ],
  },
  {
    name: 'the payload that runs',
    expected:
      '{ verdict: hold, payload: { user: u, amount: 101, card: "[redacted]", note: "[redacted]" } }',
    want: [],
  },
  {
    name: 'a payload in clear',
    expected: '{ verdict: hold, payload: { user: u, amount: 101, card: "4", note: "[redacted]" } }',
    want: [
      'expected the payload {"amount":101,"card":"4","note":"[redacted]","user":"u"}, got {"amount":101,"card":"[redacted]","note":"[redacted]","user":"u"}',
    ],
  },
])('$name -> $want', async ({ expected, want }) => {
  expect(await one(LARGE, expected)).toEqual(want)
})

test.for([
  {
    name: 'the same value has the same token',
    action: '{ action: read, payload: { mail: a@b, copy: a@b } }',
    expected: '{ verdict: redact, payload: { mail: "[token 1]", copy: "[token 1]" } }',
  },
  {
    name: 'another value has another',
    action: '{ action: read, payload: { mail: a@b, copy: c@d } }',
    expected: '{ verdict: redact, payload: { mail: "[token 1]", copy: "[token 2]" } }',
  },
  {
    name: 'a result is handed on without what is dropped',
    action: '{ action: read, phase: result, result: { rows: [{ n: 1, ssn: "12" }] } }',
    expected: '{ verdict: redact, rules: [s/leak], result: { rows: [{ n: 1 }] } }',
  },
  {
    name: 'a call has no result',
    action: '{ action: read }',
    expected: '{ verdict: allow, result: null }',
    want: ['expected the result null, got none'],
  },
])('$name', async ({ action, expected, want = [] }) => {
  expect(await one(action, expected)).toEqual(want)
})

const TABLE = `fixtures:
  write: { action: write, payload: { user: u, amount: 5, card: { number: '4', year: 29 } } }
  big: { fixture: write, payload: { amount: 500 } }
tests:
  - name: '{payload.amount} of {payload.user} -> {verdict}'
    action: write
    expect: { verdict: allow, rules: [] }
    cases:
      - {}
      - { action: { payload: { amount: 100 } } }
      - { name: above, action: { payload: { amount: 100.5 } }, expect: { verdict: hold, rules: [s/large] } }
      - { action: big, expect: { verdict: hold, rules: [s/large] } }
      - { action: { without: [payload.amount] } }
      - { action: { payload: { amount: null } } }
      - { given: [{ fixture: write, times: 2 }], expect: { verdict: deny, rules: [s/often] } }
      - { given: [{ fixture: write, times: 2 }], action: { payload: { user: other } } }
      - { given: [{ fixture: write, times: 2, every: 58s }], expect: { verdict: deny, rules: [s/often] } }
      - { given: [{ fixture: write, times: 2, every: 1m }] }
  - name: plain
    action: write
    expect: { verdict: allow }
    cases: [{}, { name: named }]
`

test('cases override parts, and their names say what they are about', async () => {
  const results = await run(TABLE)
  expect(results.flatMap(({ differences }) => differences)).toEqual([])
  expect(results.map(({ name }) => name)).toEqual([
    '5 of u -> allow',
    '100 of u -> allow',
    '100.5 of u -> hold / above',
    '500 of u -> hold',
    'missing of u -> allow',
    'null of u -> allow',
    '5 of u -> deny',
    '5 of other -> allow',
    '5 of u -> deny',
    '5 of u -> allow',
    'plain / 1',
    'plain / named',
  ])
  const places = results.map(({ line, column }) => `${line}:${column}`)
  expect(new Set(places.slice(0, 10)).size).toBe(10)
  expect(places.at(0)).toBe('48:9')
})

test('payloads are merged member by member, and the rest of the payload stays', async () => {
  const [result] = await run(`fixtures:
  write: { action: write, payload: { user: u, card: { number: '4', year: 29 }, list: [1, 2] } }
tests:
  - name: n
    action: { fixture: write, payload: { card: { year: 30 }, list: [3] }, without: [payload.user] }
    expect: { verdict: allow, payload: { card: { number: '4', year: 30 }, list: [3] } }
`)
  expect(result?.differences).toEqual([])
})

test("a step's payload takes the place of the default one", async () => {
  const body = `tests:
  - { name: n, action: { action: read, payload: { a: 1 } }, expect: { verdict: allow, payload: { a: 1 } } }
  - { name: m, action: read, expect: { verdict: allow, payload: { b: 2 } } }
`
  const defaults =
    'defaults: { agent: a, service: s, payload: { b: 2 } }\nfixtures: { read: { action: read } }\n'
  const { policy, tests } = await policyOf(
    `${RULES}apiVersion: countersign/v1\nkind: DecisionTest\n${defaults}${body}`,
  )
  expect(runDecisionTests(policy, tests).map(({ differences }) => differences)).toEqual([[], []])
})

test('a file without tests gives its fixtures to all', async () => {
  const shared = `---
apiVersion: countersign/v1
kind: DecisionTest
fixtures: { shared: { action: write, payload: { user: u, amount: 200 } } }
`
  const [result, ...more] = await run(
    'tests: [{ name: n, action: shared, expect: { verdict: hold } }]\n',
    shared,
  )
  expect(result?.differences).toEqual([])
  expect(more).toEqual([])
})

test('more actions than one test may have are a failure, not a long wait', async () => {
  const given = Array(21).fill('{ action: read, times: 1000 }').join(', ')
  const differences = await one('{ action: read }', '{ verdict: allow }', `, given: [${given}]`)
  expect(differences).toEqual([
    'the test is no action: expected at most 20000 actions in one test (VALUE_INVALID)',
  ])
})
