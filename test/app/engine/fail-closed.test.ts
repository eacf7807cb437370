import { expect, test } from 'vitest'
import { engineOf } from '../../../src/app/engine/engine.ts'
import { openDecision } from '../../../src/app/engine/record.ts'
import { PolicyError } from '../../../src/base/errors.ts'
import type { Outcome } from '../../../src/model/generated/types.ts'
import { compile } from '../../../src/policy/compile/index.ts'
import { bundleOf, openTest, policyFiles } from '../support.ts'

// The worst bugs of other policy engines, each as its condition: where theirs proceeded, ours holds or denies.
// Microsoft agent-governance-toolkit issues 3137, 3264 and 3529; omnigent issue 536; agent-bom issue 2798.

const action = { agent: 'clerk', service: 'shop', action: 'read_order' } as const
const head = 'apiVersion: countersign/v1\nkind: '
const rule = (text: string) => ({
  'policies/guardrails/refunds.yaml': `${head}Guardrails\nrules:\n  - { id: test/rule, on: { action: read_order }, ${text}, then: deny }\n`,
})

const denied = (outcome: Outcome) => {
  expect(['hold', 'deny']).toContain(outcome.verdict)
  expect(outcome.payload).toBeUndefined()
}

test.for([
  { name: 'not_equals', text: "pattern: { path: payload.region, not_equals: 'eu' }" },
  { name: 'none_of', text: 'pattern: { path: payload.region, none_of: [eu, uk] }' },
  { name: 'not_matches', text: "pattern: { path: payload.region, not_matches: '^eu' }" },
  { name: 'above', text: 'pattern: { path: payload.amount, above: 10 }' },
  { name: 'when', text: 'when: [{ path: payload.amount, above: 10 }]' },
])('an omitted field does not slip past $name (3529)', async ({ text }) => {
  const { engine } = await openTest({ bundle: await bundleOf(rule(text)) })
  denied(await engine.decide(action))
})

test('a field of another type does not slip past a comparison', async () => {
  const text = 'pattern: { path: payload.amount, above: 10 }'
  const { engine } = await openTest({ bundle: await bundleOf(rule(text)) })
  for (const amount of ['99', null, [99], { value: 99 }, true]) {
    denied(await engine.decide({ ...action, payload: { amount } }))
  }
})

test('zero policies do not allow all: they do not even compile (2798)', async () => {
  const refuse = () => Promise.reject(new Error('these files hold no Rego'))
  const ports = {
    check: refuse,
    build: refuse,
    plan: refuse,
    format: refuse,
    test: refuse,
    warm: () => undefined,
    close: async () => undefined,
  }
  const files = new Map([['countersign.yaml', String(policyFiles().get('countersign.yaml'))]])
  const { bundle, diagnostics } = await compile(files, { rego: ports })
  expect(bundle).toBeNull()
  expect(diagnostics.map(({ code }) => code)).toContain('POLICY_EMPTY')
})

test('a pattern that cannot be parsed does not fall through: it does not compile (3264)', async () => {
  await expect(bundleOf(rule("pattern: { path: payload.text, matches: '(' }"))).rejects.toThrow(
    'PATTERN_INVALID',
  )
})

test('an unknown tool is denied', async () => {
  const { engine } = await openTest()
  denied(await engine.decide({ ...action, action: 'read_everything' }))
})

test('a hold on a route that nobody defined does not compile', async () => {
  const routes = `${head}Routes\nroutes: [{ id: other, reviewers: [ana], time_out: 1h }]\n`
  const changes = {
    ...rule('pattern: { path: payload.x, equals: 1 }'),
    'policies/routes/routes.yaml': routes,
  }
  await expect(bundleOf(changes)).rejects.toThrow('ROUTE_MISSING')
})

test.for([
  {
    name: 'an error of the engine',
    thrown: new PolicyError('ENGINE_TIMEOUT', 'too slow'),
    code: 'ENGINE_TIMEOUT',
  },
  {
    name: 'an unforeseen exception',
    thrown: new TypeError('secret-value is not a function'),
    code: 'ENGINE_FAILED',
  },
  { name: 'a thrown string', thrown: 'abort', code: 'ENGINE_FAILED' },
])(
  '$name while evaluating is a denial with a receipt, not a proceed (536)',
  async ({ thrown, code }) => {
    const { parts } = await openTest()
    const judge = {
      ...parts.judge,
      evaluate: async () => {
        throw thrown
      },
    }
    const outcome = await engineOf({ ...parts, judge }, async () => undefined).decide(action)
    denied(outcome)
    expect(outcome.findings[0]).toMatchObject({ code, verdict: 'deny' })
    expect(JSON.stringify(outcome)).not.toContain('secret-value')
    expect(await parts.store.size()).toBe(outcome.receipt.index + 1)
    // Nobody can derive again what came of a clock or a fault, and the receipt says so.
    const opened = await openDecision(parts.store, outcome.decision)
    expect(opened.predicate.rederivable).toBe(false)
  },
)

test('a receipt of what the policy said is not marked as one that cannot be derived again', async () => {
  const { engine, parts } = await openTest()
  const outcome = await engine.decide({ ...action, action: 'read_everything' })
  const opened = await openDecision(parts.store, outcome.decision)
  expect(opened.predicate).not.toHaveProperty('rederivable')
})

test('a store that cannot be reached gives no answer at all', async () => {
  const { engine, parts } = await openTest()
  await parts.store.close()
  await expect(engine.decide(action)).rejects.toThrow()
})

test('damaged state denies', async () => {
  const { engine, parts } = await openTest()
  const refund = { ...action, action: 'refund', payload: { amount: 1 } }
  await engine.decide(refund)
  const keys = parts.judge.stateKeys({
    project: 'shop',
    session: 'default',
    principal: null,
    role: 'agent',
    context: {},
    priority: 'medium',
    fingerprint: null,
    ...refund,
  })
  expect(keys.length).toBeGreaterThan(0)
  await parts.store.transact((tx) =>
    tx.writeState(
      Object.fromEntries(keys.map((key) => [key, { value: 'x', until: Date.now() + 1e6 }])),
    ),
  )
  const outcome = await engine.decide(refund)
  expect(outcome.verdict).toBe('deny')
  expect(outcome.findings.map(({ code }) => code)).toContain('STATE_INVALID')
})
