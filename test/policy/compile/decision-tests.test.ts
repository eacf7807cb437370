import { expect, test } from 'vitest'
import type { RegoCompiler } from '../../../src/model/ports.ts'
import { compile } from '../../../src/policy/compile/index.ts'

const noRego = new Proxy({}, { get: () => () => Promise.reject(new Error('no Rego here')) })

const POLICY = `apiVersion: countersign/v1
kind: Project
project: p
defaults: { low: allow, medium: allow, high: deny, critical: deny }
---
apiVersion: countersign/v1
kind: Agent
agent: a
scopes: [{ tools: [s.*] }]
---
apiVersion: countersign/v1
kind: Tools
service: s
tools: { read: { effect: read } }
---
apiVersion: countersign/v1
kind: Guardrails
rules: [{ id: s/any, on: { service: s }, then: deny }]
`
const HEAD = 'apiVersion: countersign/v1\nkind: DecisionTest\n'

async function complaints(...tests: readonly string[]) {
  const files = new Map([
    ['countersign.yaml', POLICY],
    ...tests.map((text, index) => [`tests/${index}.yaml`, `${HEAD}${text}`] as const),
  ])
  const { diagnostics } = await compile(files, { rego: noRego as RegoCompiler })
  return diagnostics.map(
    ({ file, line, column, code, message }) => `${file}:${line}:${column} ${code} ${message}`,
  )
}

const one = (fields: string) => `tests: [{ name: n, ${fields} }]\n`
const ALLOWED = 'expect: { verdict: deny }'

test.for([
  {
    name: 'a fixture that nobody knows',
    text: `fixtures: { refund: { action: read } }\n${one(`action: refnd, ${ALLOWED}`)}`,
    want: 'tests/0.yaml:4:28 REFERENCE_UNKNOWN no fixture "refnd"; did you mean "refund"?',
  },
  {
    name: 'a fixture that nobody knows, of a given step',
    text: one(`given: [{ fixture: x }], action: {}, ${ALLOWED}`),
    want: 'tests/0.yaml:3:39 REFERENCE_UNKNOWN no fixture "x"',
  },
  {
    name: 'a fixture that starts from itself',
    text: `fixtures: { a: { fixture: b }, b: { fixture: a } }\n${one(`action: {}, ${ALLOWED}`)}`,
    want: 'tests/0.yaml:3:27 VALUE_INVALID the fixture "b" starts from itself',
  },
  {
    name: 'a rule that nobody knows',
    text: one('action: {}, expect: { verdict: deny, rules: [s/ani] }'),
    want: 'tests/0.yaml:3:65 REFERENCE_UNKNOWN no rule "s/ani"; did you mean "s/any"?',
  },
  {
    name: 'a finding of a rule that nobody knows',
    text: one('action: {}, expect: { verdict: deny, findings: [{ rule: s/anny }] }'),
    want: 'tests/0.yaml:3:76 REFERENCE_UNKNOWN no rule "s/anny"; did you mean "s/any"?',
  },
  {
    name: 'a Rego package that nobody knows, of a case',
    text: one(`action: {}, ${ALLOWED}, cases: [{ expect: { quiet: [rego/x] } }]`),
    want: 'tests/0.yaml:3:87 REFERENCE_UNKNOWN no rule "rego/x"',
  },
  {
    name: 'a route that nobody knows',
    text: one('action: {}, expect: { verdict: deny, route: [board] }'),
    want: 'tests/0.yaml:3:65 REFERENCE_UNKNOWN no route "board"',
  },
  {
    name: 'reviews on a route that nobody knows',
    text: one('action: {}, expect: { verdict: deny, reviews: { board: { quorum: 1 } } }'),
    want: 'tests/0.yaml:3:68 REFERENCE_UNKNOWN no route "board"',
  },
  {
    name: 'a test without an action',
    text: one(ALLOWED),
    want: 'tests/0.yaml:3:9 KEY_MISSING the test lacks the key "action": the action to judge',
  },
  {
    name: 'a case without a verdict',
    text: one('action: {}, cases: [{ expect: { verdict: deny } }, {}]'),
    want: 'tests/0.yaml:3:71 KEY_MISSING the test lacks the key "verdict" in "expect": allow, redact, hold or deny',
  },
  {
    name: 'a file of nothing',
    text: 'about: nothing\n',
    want: 'tests/0.yaml:1:1 KEY_MISSING expected the key "tests" or "fixtures"',
  },
  {
    name: 'a tested action that is repeated',
    text: one(`action: { times: 2 }, ${ALLOWED}`),
    want: 'tests/0.yaml:3:30 VALUE_INVALID only a step of "given" is repeated; leave "times" out',
  },
  {
    name: 'a span between what is done once',
    text: one(`given: [{ every: 1s }], action: {}, ${ALLOWED}`),
    want: 'tests/0.yaml:3:30 KEY_MISSING "every" needs the key "times"',
  },
  {
    name: 'a field to leave out that no action has',
    text: one(`action: { without: [paylod.x] }, ${ALLOWED}`),
    want: 'tests/0.yaml:3:40 PATH_INVALID path "paylod.x": expected it to start with payload, context, result, agent, session, principal, role, service, action, priority, fingerprint, phase, at; did you mean "payload"?',
  },
  {
    name: 'a name that stands for no field',
    text: `tests: [{ name: 'of {amount}', action: {}, ${ALLOWED}, cases: [{}] }]\n`,
    want: 'tests/0.yaml:3:17 PATH_INVALID path "amount": expected it to start with',
  },
  {
    name: 'a key that nobody knows',
    text: one('action: {}, expect: { verdict: deny, obligatons: [] }'),
    want: 'tests/0.yaml:3:57 KEY_UNKNOWN',
  },
])('$name -> its place and what was meant', async ({ text, want }) => {
  const found = await complaints(text)
  expect(found[0]?.startsWith(want), found.join('\n')).toBe(true)
})

test('a shared fixture that stands twice is refused', async () => {
  const shared = 'fixtures: { a: { action: read } }\n'
  expect(await complaints(shared, `${shared}${one(`action: a, ${ALLOWED}`)}`)).toEqual([
    'tests/1.yaml:3:13 ID_DUPLICATE the shared fixture "a" is at tests/0.yaml:3:13 already; keep one',
  ])
})

test('rules of the engine and braces in the name of a test without cases are fine', async () => {
  const rules = 'rules: [engine/tool-unknown, scope/outside-agent-scope]'
  const text = `tests: [{ name: 'a {b} c', action: {}, expect: { verdict: deny, ${rules} } }]\n`
  expect(await complaints(text)).toEqual([])
})
