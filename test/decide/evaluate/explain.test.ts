import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { evaluate } from '../../../src/decide/evaluate/evaluate.ts'
import { explain } from '../../../src/decide/evaluate/explain.ts'
import type { LoadedPolicy } from '../../../src/decide/evaluate/policy.ts'
import type { Explanation } from '../../../src/model/explanation.ts'
import type { JudgedAction, StateSlice } from '../../../src/model/nouns.ts'
import { action, KEY, load, masking, NOON, program, regoPackage, rule, run } from './fixtures.ts'

const RULES = [
  rule({
    id: 'a/often',
    kind: 'velocity',
    on: { service: 'billing', action: 'refund' },
    spec: { limit: 3, per: '10m', by: ['agent', 'payload.user'] },
  }),
  rule({
    id: 'b/large',
    kind: 'pattern',
    on: { action: 'refund' },
    when: [{ path: 'payload.currency', equals: 'EUR', if_missing: 'find' }],
    spec: { path: 'payload.amounts[]', above: 100, if_missing: 'find' },
    verdict: 'hold',
    route: 'payments',
  }),
  rule({
    id: 'c/loop',
    kind: 'loop',
    on: { service: 'billing' },
    spec: { repeats: 4, period_max: 1, compare: 'arguments', by: ['agent'] },
    mode: 'shadow',
  }),
  rule({
    id: 'd/flow',
    kind: 'flow',
    on: { service: 'crm' },
    spec: { after: { action: 'refund' }, within: '1h', by: ['agent'] },
  }),
  rule({
    id: 'e/mask',
    kind: 'pattern',
    on: { effect: 'read' },
    spec: { path: 'payload.note', matches: 'x', if_missing: 'pass' },
    verdict: 'redact',
    ...masking(['payload.note']),
  }),
]

const payload = { user: 'user-4711', currency: 'EUR', amounts: [20, 500] }
const input = (changes: Partial<JudgedAction> = {}, state: StateSlice = {}) => ({
  action: action({ payload, ...changes }),
  state,
  now: NOON,
  key: KEY,
})

function explained(
  changes: Partial<JudgedAction> = {},
  options: { clear?: boolean; all?: boolean; state?: StateSlice; loaded?: LoadedPolicy } = {},
): Explanation {
  const { clear = true, all = false, state = {}, loaded = load({ rules: RULES }) } = options
  return explain(loaded, input(changes, state), { clear, all })
}

const byRule = ({ rules }: Explanation, id: string) => rules.find((one) => one.rule === id)

test('the verdict is that of evaluate, and says which rules made it', () => {
  const { state: _, ...verdict } = evaluate(load({ rules: RULES }), input())
  const found = explained()
  expect(found.verdict).toEqual(verdict)
  expect(found.decided_by).toEqual(['b/large'])
})

test.for([
  { rule: 'a/often', changes: {}, outcome: 'quiet' },
  { rule: 'b/large', changes: {}, outcome: 'found' },
  { rule: 'b/large', changes: { payload: { ...payload, currency: 'USD' } }, outcome: 'unmet' },
  { rule: 'b/large', changes: { action: 'read' }, outcome: 'unselected' },
  { rule: 'd/flow', changes: {}, outcome: 'unselected' },
  { rule: 'e/mask', changes: { action: 'read' }, outcome: 'quiet' },
] as const)('$rule, $changes -> $outcome', ({ rule: id, changes, outcome }) => {
  expect(byRule(explained(changes, { all: true }), id)?.outcome).toBe(outcome)
})

test('a rule that is not selected is listed on demand, with the key that does not match', () => {
  const names = (found: Explanation) => found.rules.map((one) => one.rule)
  // `d/flow` remembers refunds, so it has to do with this one.
  expect(names(explained())).toEqual(['a/often', 'b/large', 'c/loop', 'd/flow'])
  expect(byRule(explained(), 'd/flow')).toMatchObject({ outcome: 'unselected', remembers: true })
  const all = explained({}, { all: true })
  expect(names(all)).toEqual(['a/often', 'b/large', 'c/loop', 'd/flow', 'e/mask'])
  expect(byRule(all, 'e/mask')?.mismatches).toEqual([
    { key: 'effect', wanted: 'read', found: 'write' },
  ])
  expect(byRule(all, 'd/flow')?.mismatches).toEqual([
    { key: 'service', wanted: 'crm', found: 'billing' },
  ])
})

test('a rule about calls, and a result -> the phase does not match', () => {
  const found = explained({ phase: 'result', result: 1 }, { all: true })
  expect(byRule(found, 'a/often')?.mismatches).toEqual([
    { key: 'phase', wanted: 'call', found: 'result' },
  ])
})

describe('what a rule looked at', () => {
  test('in clear, with the place of each value', () => {
    const found = byRule(explained(), 'b/large')
    expect(found?.when).toEqual([
      {
        test: { path: 'payload.currency', equals: 'EUR', if_missing: 'find' },
        holds: true,
        reads: [
          {
            path: 'payload.currency',
            values: [{ pointer: '/payload/currency', value: 'EUR' }],
            omitted: 0,
            missing: false,
          },
        ],
      },
    ])
    expect(found?.reads).toEqual([
      {
        path: 'payload.amounts[]',
        values: [
          { pointer: '/payload/amounts/0', value: 20 },
          { pointer: '/payload/amounts/1', value: 500 },
        ],
        omitted: 0,
        missing: false,
      },
    ])
    expect(found?.finding).toMatchObject({ verdict: 'hold', route: 'payments' })
  })

  test('as HMACs, those of the evidence, and nothing in clear', () => {
    const found = explained({ context: { secret: 'context-17' } }, { clear: false, all: true })
    const text = JSON.stringify(found)
    for (const value of ['user-4711', '500', 'context-17']) expect(text).not.toContain(value)
    const large = byRule(found, 'b/large')
    const [evidence] = (large?.finding?.evidence['found'] ?? []) as { hmac: string }[]
    expect(large?.reads[0]?.values).toContainEqual({
      pointer: '/payload/amounts/1',
      hmac: evidence?.hmac,
    })
  })

  test('a missing field', () => {
    const found = explained({ payload: { currency: 'EUR' } })
    expect(byRule(found, 'b/large')?.reads[0]).toMatchObject({ values: [], missing: true })
  })

  test('more values than an explanation shows are counted', () => {
    const amounts = Array.from({ length: 40 }, (_, at) => at)
    const found = byRule(explained({ payload: { ...payload, amounts } }), 'b/large')
    expect(found?.reads[0]?.values).toHaveLength(16)
    expect(found?.reads[0]?.omitted).toBe(24)
  })
})

describe('what a rule counted', () => {
  test('attempts, equal calls and what went before, also where nothing is wrong', () => {
    const loaded = load({ rules: RULES })
    const live = run(loaded)
    live.judge({ payload })
    live.judge({ payload })
    const found = explained({}, { state: live.state(), loaded })
    expect(byRule(found, 'a/often')).toMatchObject({
      outcome: 'quiet',
      saw: { attempts: 3, limit: 3, per: '10m' },
      state: [{ entry: { value: [NOON, NOON] } }],
    })
    expect(byRule(found, 'c/loop')?.saw).toEqual({ equal_in_a_row: 3, repeats: 4, period_max: 1 })
    const after = explained({ service: 'crm', action: 'export' }, { state: live.state(), loaded })
    expect(byRule(after, 'd/flow')).toMatchObject({
      outcome: 'found',
      saw: { after: '2026-05-01T12:00:00.000Z', within: '1h' },
    })
  })

  test('damaged state -> failed, and the explanation still comes', () => {
    const loaded = load({ rules: RULES })
    const key = Object.keys(run(loaded).judge({ payload }).state).find((one) =>
      one.startsWith('v/'),
    )
    const state = { [key ?? '']: { value: 'damaged', until: NOON + 1000 } }
    const found = byRule(explained({}, { state, loaded }), 'a/often')
    expect(found).toMatchObject({
      outcome: 'failed',
      saw: null,
      finding: { code: 'STATE_INVALID' },
    })
  })
})

test('the engine, the agent and the default', () => {
  const found = explained({ agent: 'nobody', priority: 'low' })
  expect(found.action).toMatchObject({ agent_known: false, in_scope: false, effect: 'write' })
  expect(found.engine.map((one) => one.rule)).toEqual(['engine/agent-unknown'])
  const quiet = explained({ action: 'read' }, { loaded: load() })
  expect(quiet).toMatchObject({ default: { verdict: 'allow', applies: true }, decided_by: [] })
  expect(explained().default).toEqual({ verdict: 'allow', applies: false })
})

test('Rego: what was asked, with which counters, and what it said', () => {
  const one = regoPackage({
    on: { action: 'refund' },
    counters: [{ name: 'refunds', per: '1h', by: ['agent'] }],
  })
  const entry = 'countersign/refunds/deny'
  const rego = program([entry], () => ({ value: [{ msg: 'too much' }] }))
  const loaded = load({ rego: [one], rego_packages: [] }, rego)
  expect(explained({}, { loaded }).packages).toMatchObject([
    {
      rule: 'rego/refunds',
      selected: true,
      entrypoints: [entry],
      counters: { refunds: 1 },
      recent: 0,
      findings: [{ verdict: 'deny', message: 'too much' }],
    },
  ])
  const other = explained({ action: 'read' }, { loaded, all: true })
  expect(other.packages).toMatchObject([
    { selected: false, mismatches: [{ key: 'action', wanted: 'refund', found: 'read' }] },
  ])
})

test('property: the findings of the rules and the engine are those of the verdict', () => {
  const amount = fc.oneof(fc.integer({ min: 0, max: 200 }), fc.constant('much'))
  const given = fc.record(
    {
      user: fc.constantFrom('u1', 'u2'),
      currency: fc.constantFrom('EUR', 'USD'),
      amounts: fc.array(amount),
    },
    { requiredKeys: [] },
  )
  const tool = fc.constantFrom('refund', 'read', 'nothing')
  fc.assert(
    fc.property(given, tool, fc.boolean(), (payload, name, clear) => {
      const found = explained({ payload, action: name }, { clear, all: true })
      const said = [...found.engine, ...found.rules.flatMap(({ finding }) => finding ?? [])]
      const texts = (list: readonly object[]) => list.map((one) => JSON.stringify(one)).sort()
      expect(texts(said)).toEqual(texts(found.verdict.findings))
    }),
    { numRuns: 200 },
  )
})
