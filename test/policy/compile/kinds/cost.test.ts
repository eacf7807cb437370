import { describe, expect, test } from 'vitest'
import { bundleOf, compileFiles, policyFiles } from '../../../app/support.ts'
import { problemsOf, specOf } from './rule-check.ts'

const COMMON = { by: ['agent'], settle: 'raise', if_missing: 'find' }
const USD = { units: 'major', rates: {} }

test.for([
  {
    yaml: 'cost: { amount: payload.amount, limit: { amount: 500, currency: USD }, per: 1d }',
    want: {
      ...COMMON,
      ...USD,
      amount: 'payload.amount',
      currency: 'USD',
      limit: { amount: '500', currency: 'USD' },
      per: '1d',
    },
  },
  {
    yaml: 'cost: { limit_usd: "0.50", per: call }',
    want: {
      ...COMMON,
      ...USD,
      amount: 'context.usage.cost_usd',
      currency: 'USD',
      limit: { amount: '0.5', currency: 'USD' },
      per: 'call',
    },
  },
  {
    yaml: 'cost: { tokens: context.usage.total_tokens, limit: 100000, per: session, settle: exact, if_missing: pass, by: [principal] }',
    want: {
      tokens: 'context.usage.total_tokens',
      limit: 100_000,
      per: 'session',
      by: ['principal'],
      settle: 'exact',
      if_missing: 'pass',
    },
  },
  {
    yaml: 'cost: { amount: payload.cents, units: minor, currency: payload.currency, limit: { amount: 1, currency: EUR }, rates: { USD: 0.93, GBP: "1.17" }, per: agent }',
    want: {
      ...COMMON,
      amount: 'payload.cents',
      currency: 'payload.currency',
      units: 'minor',
      limit: { amount: '1', currency: 'EUR' },
      rates: { GBP: '1.17', USD: '0.93' },
      per: 'agent',
    },
  },
])('$yaml', ({ yaml, want }) => {
  expect(specOf(yaml)).toEqual(want)
})

test.for([
  { yaml: 'cost: { limit_usd: 5 }', want: /KEY_MISSING .*per/ },
  { yaml: 'cost: { per: 1d }', want: /KEY_MISSING .*limit/ },
  { yaml: 'cost: { limit_usd: 5, per: daily }', want: /VALUE_INVALID/ },
  { yaml: 'cost: { limit_usd: 5, per: 31d }', want: /DURATION_INVALID .*30d/ },
  { yaml: 'cost: { limit_usd: -5, per: 1d }', want: /VALUE_INVALID/ },
  { yaml: 'cost: { limit_usd: "1e3", per: 1d }', want: /VALUE_INVALID/ },
  { yaml: 'cost: { limit_usd: .inf, per: 1d }', want: /VALUE_INVALID/ },
  {
    yaml: 'cost: { limit_usd: 5, limit: { amount: 5, currency: USD }, per: 1d, amount: payload.a }',
    want: /VALUE_INVALID .*both/,
  },
  { yaml: 'cost: { limit: { amount: 5, currency: USD }, per: 1d }', want: /KEY_MISSING .*amount/ },
  { yaml: 'cost: { limit: 5, amount: payload.a, per: 1d }', want: /VALUE_INVALID .*tokens/ },
  {
    yaml: 'cost: { limit: { amount: 5, currency: EURO }, amount: payload.a, per: 1d }',
    want: /VALUE_INVALID/,
  },
  {
    yaml: 'cost: { limit: { amount: 5, currency: UDS }, amount: payload.a, per: 1d }',
    want: /VALUE_INVALID .*ISO 4217/,
  },
  { yaml: 'cost: { limit_usd: 5, currency: EUD, per: 1d }', want: /VALUE_INVALID .*ISO 4217/ },
  { yaml: 'cost: { limit_usd: 5, currency: currency, per: 1d }', want: /PATH_INVALID/ },
  { yaml: 'cost: { limit_usd: 5, amount: amount, per: 1d }', want: /PATH_INVALID/ },
  { yaml: 'cost: { limit_usd: 5, rates: { EUR: 0 }, per: 1d }', want: /VALUE_INVALID .*above 0/ },
  {
    yaml: 'cost: { limit_usd: 5, rates: { USD: 1 }, per: 1d }',
    want: /VALUE_INVALID .*leave this rate out/,
  },
  {
    yaml: 'cost: { limit_usd: 5, rates: { euro: 1 }, per: 1d }',
    want: /KEY_UNKNOWN|VALUE_INVALID/,
  },
  { yaml: 'cost: { tokens: context.t, limit_usd: 5, per: 1d }', want: /VALUE_INVALID .*limit/ },
  {
    yaml: 'cost: { tokens: context.t, limit: 5, currency: USD, per: 1d }',
    want: /VALUE_INVALID .*currency/,
  },
  { yaml: 'cost: { tokens: context.t, limit: 5.5, per: 1d }', want: /VALUE_INVALID/ },
  {
    yaml: 'cost: { tokens: context.t, amount: payload.a, limit: 5, per: 1d }',
    want: /VALUE_INVALID .*two rules/,
  },
  { yaml: 'cost: { limit_usd: 5, per: call, by: [agent] }', want: /VALUE_INVALID .*by/ },
  { yaml: 'cost: { limit_usd: 5, per: 1d, by: [user] }', want: /PATH_INVALID/ },
  { yaml: 'cost: { limit_usd: 5, per: 1d, limti: 5 }', want: /KEY_UNKNOWN .*limit/ },
])('$yaml -> $want', ({ yaml, want }) => {
  expect(problemsOf(yaml)).toEqual([expect.stringMatching(want)])
})

const HEAD = 'apiVersion: countersign/v1\nkind: '
const agentWith = (budgets: string) => ({
  'policies/agents/clerk.yaml': `${HEAD}Agent\nagent: clerk\nscopes: []\nbudgets:\n  - ${budgets}\n`,
})

describe('budgets', () => {
  test('defaults are filled in and they are sorted by what they limit', async () => {
    const { policy } = await bundleOf(
      agentWith('{ per: session, tokens: 50000 }\n  - { per: 1d, limit_usd: 200, then: hold }'),
    )
    expect(policy.agents[0]?.budgets).toEqual([
      {
        id: 'budget/1d-usd',
        spec: {
          ...COMMON,
          ...USD,
          amount: 'context.usage.cost_usd',
          currency: 'USD',
          limit: { amount: '200', currency: 'USD' },
          per: '1d',
        },
        then: 'hold',
        route: 'default',
        mode: 'enforce',
        file: 'policies/agents/clerk.yaml',
        line: 7,
        column: 5,
      },
      expect.objectContaining({
        id: 'budget/session-tokens',
        spec: { ...COMMON, tokens: 'context.usage.total_tokens', limit: 50_000, per: 'session' },
        then: 'deny',
        route: null,
      }),
    ])
  })

  test.for([
    { name: 'no limit', budgets: '{ per: 1d }', want: '6:5 KEY_MISSING' },
    {
      name: 'two limits',
      budgets: '{ per: 1d, limit_usd: 5, tokens: 5 }',
      want: '6:30 VALUE_INVALID',
    },
    {
      name: 'a limit without a field',
      budgets: '{ per: 1d, limit: { amount: 5, currency: EUR } }',
      want: '6:5 KEY_MISSING',
    },
    {
      name: 'no such currency',
      budgets: '{ per: 1d, field: payload.a, limit: { amount: 5, currency: EUD } }',
      want: '6:64 VALUE_INVALID',
    },
    {
      name: 'a field that is none',
      budgets: '{ per: 1d, limit_usd: 5, field: cost }',
      want: '6:37 PATH_INVALID',
    },
    {
      name: 'a currency of tokens',
      budgets: '{ per: 1d, tokens: 5, currency: EUR }',
      want: '6:27 VALUE_INVALID',
    },
    {
      name: 'the same twice',
      budgets: '{ per: 1d, limit_usd: 5 }\n  - { per: 1d, limit_usd: 6 }',
      want: '7:5 ID_DUPLICATE',
    },
    {
      name: 'no such route',
      budgets: '{ per: 1d, limit_usd: 5, then: hold, route: boss }',
      want: '6:49 REFERENCE_UNKNOWN',
    },
    {
      name: 'a window without unit',
      budgets: '{ per: 40d, limit_usd: 5 }',
      want: '6:12 DURATION_INVALID',
    },
    { name: 'a misspelt key', budgets: '{ per: 1d, limit_eur: 5 }', want: '6:16 KEY_UNKNOWN' },
  ])('$name -> $want', async ({ budgets, want }) => {
    const { diagnostics } = await compileFiles(policyFiles(agentWith(budgets)))
    const errors = diagnostics.filter(({ severity }) => severity === 'error')
    expect(errors.map(({ line, column, code }) => `${line}:${column} ${code}`)).toEqual([want])
  })
})

describe('grants', () => {
  const project = (grants: string) => ({
    'countersign.yaml': `${HEAD}Project\nproject: shop\ngrants: ${grants}\n`,
  })

  test('defaults are filled in; a tool has its own audience, its file, or none', async () => {
    const { policy } = await bundleOf({
      ...project('{}'),
      'policies/tools/shop.yaml': `${HEAD}Tools\nservice: shop\naudience: https://shop\ntools:\n  refund: { effect: write, audience: https://refunds }\n  mail: { effect: write }\n  read_order: { effect: read }\n  delete: { effect: write }\n`,
    })
    expect(policy.grants).toEqual({ lifetime: '60s', audience: null })
    const audiences = policy.tools.map(({ action, audience }) => [action, audience])
    expect(Object.fromEntries(audiences)).toMatchObject({
      refund: 'https://refunds',
      mail: 'https://shop',
    })
  })

  test('a project without them has none, and its bundle says nothing of them', async () => {
    const { policy } = await bundleOf()
    expect('grants' in policy).toBe(false)
    expect(policy.tools.some((tool) => 'audience' in tool)).toBe(false)
  })

  test.for([
    { grants: '{ lifetime: 500ms }', want: 'DURATION_INVALID' },
    { grants: '{ lifetime: 1500ms }', want: 'DURATION_INVALID' },
    { grants: '{ lifetime: 61m }', want: 'DURATION_INVALID' },
    { grants: '{ lifetime: soon }', want: 'VALUE_INVALID' },
    { grants: '{ audience: "two words" }', want: 'VALUE_INVALID' },
    { grants: '{ audience: [a, b] }', want: 'VALUE_INVALID' },
    { grants: '{ lifetimes: 60s }', want: 'KEY_UNKNOWN' },
  ])('$grants -> $want', async ({ grants, want }) => {
    const { diagnostics } = await compileFiles(policyFiles(project(grants)))
    expect(diagnostics.map(({ code }) => code)).toContain(want)
  })
})
