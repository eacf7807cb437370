import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { JsonValue } from '../../../../src/base/json-value.ts'
import { evaluate, stateKeys } from '../../../../src/decide/evaluate/evaluate.ts'
import { release, settle } from '../../../../src/decide/evaluate/reservations.ts'
import type { CompiledAgent } from '../../../../src/model/generated/types.ts'
import type { Evaluation, JudgedAction, StateSlice } from '../../../../src/model/nouns.ts'
import type { RuleChanges } from '../fixtures.ts'
import {
  action,
  agent,
  codes,
  ids,
  KEY,
  load,
  MINUTE,
  NOON,
  rule,
  run,
  SECOND,
} from '../fixtures.ts'

const DAY = 24 * 60 * MINUTE

/** A money rule as `compile` leaves it. */
function money(spec: object = {}, changes: RuleChanges = {}) {
  return rule({
    kind: 'cost',
    verdict: 'hold',
    spec: {
      amount: 'payload.amount',
      currency: 'USD',
      units: 'major',
      limit: { amount: '500', currency: 'USD' },
      per: '1d',
      by: ['agent'],
      rates: {},
      settle: 'raise',
      if_missing: 'find',
      ...spec,
    },
    ...changes,
  })
}

function tokens(spec: object = {}, changes: RuleChanges = {}) {
  const own = { tokens: 'context.usage.total_tokens', limit: 1000, per: 'session', by: ['agent'] }
  return rule({ kind: 'cost', verdict: 'deny', spec: { ...own, ...spec }, ...changes })
}

const paying = (amount: JsonValue, more: object = {}): Partial<JudgedAction> => ({
  payload: { amount, ...more },
})
const using = (total: JsonValue): Partial<JudgedAction> => ({
  context: { usage: { total_tokens: total } },
})

type Row = {
  name: string
  spec?: object
  rule?: RuleChanges
  calls: readonly Partial<JudgedAction>[]
  want: string
}

// The verdicts of the calls one after another, a second apart: A allow, H hold, D deny.
const rows: readonly Row[] = [
  // Allow.
  { name: 'one below the limit', calls: [paying(499)], want: 'A' },
  { name: 'exactly the limit', calls: [paying(500)], want: 'A' },
  { name: 'two that come to the limit', calls: [paying(200), paying('300.00')], want: 'AA' },
  { name: 'nothing', calls: [paying(0), paying('0.00')], want: 'AA' },
  {
    name: 'tenths that doubles would sum to more',
    spec: { limit: { amount: '0.3', currency: 'USD' } },
    calls: [paying(0.1), paying(0.1), paying(0.1)],
    want: 'AAA',
  },
  {
    name: 'a field that may be missing',
    spec: { if_missing: 'pass' },
    calls: [{}, paying(1)],
    want: 'AA',
  },
  {
    name: 'another currency by its rate',
    spec: { currency: 'payload.currency', rates: { EUR: '1.25' } },
    calls: [paying(400, { currency: 'EUR' })],
    want: 'A',
  },
  { name: 'cents', spec: { units: 'minor' }, calls: [paying(50_000)], want: 'A' },
  {
    name: 'yen have no cents',
    spec: { units: 'minor', currency: 'JPY', limit: { amount: '500', currency: 'JPY' } },
    calls: [paying(500), paying(1)],
    want: 'AH',
  },
  {
    name: 'several amounts, summed',
    spec: { amount: 'payload.items[].price' },
    calls: [{ payload: { items: [{ price: 250 }, { price: '250' }] } }],
    want: 'A',
  },
  // Hold and deny.
  { name: 'one above the limit', calls: [paying('500.000000000001')], want: 'H' },
  { name: 'the sum above the limit', calls: [paying(300), paying(200), paying(0.01)], want: 'AAH' },
  { name: 'a held one counts', calls: [paying(501), paying(1)], want: 'HH' },
  {
    name: 'a denied one does not count',
    rule: { verdict: 'deny' },
    calls: [paying(501), paying(500), paying(1)],
    want: 'DAD',
  },
  {
    name: 'per call nothing is summed',
    spec: { per: 'call' },
    calls: [paying(500), paying(500), paying(501)],
    want: 'AAH',
  },
  {
    name: 'per agent without end',
    spec: { per: 'agent' },
    calls: [paying(500), { ...paying(1), session: 'other' }],
    want: 'AH',
  },
  {
    name: 'a new session resets no window',
    calls: [paying(500), { ...paying(1), session: 's2' }],
    want: 'AH',
  },
  {
    name: 'per session each has its own',
    spec: { per: 'session' },
    calls: [paying(500), { ...paying(500), session: 's2' }, paying(1)],
    want: 'AAH',
  },
  {
    name: 'by customer',
    spec: { by: ['payload.user'] },
    calls: [paying(500, { user: 'a' }), paying(500, { user: 'b' }), paying(1, { user: 'a' })],
    want: 'AAH',
  },
  {
    name: 'leaving the customer out is one bucket',
    spec: { by: ['payload.user'] },
    calls: [paying(500), paying(1)],
    want: 'AH',
  },
  {
    name: 'another currency at its rate above the limit',
    spec: { currency: 'payload.currency', rates: { EUR: '1.25' } },
    calls: [paying('400.01', { currency: 'EUR' })],
    want: 'H',
  },
  {
    name: 'an item list above the limit',
    spec: { amount: 'payload.items[].price' },
    calls: [{ payload: { items: [{ price: 250 }, { price: 251 }] } }],
    want: 'H',
  },
  // Shadow.
  {
    name: 'in shadow it says so and allows',
    rule: { mode: 'shadow' },
    calls: [paying(501), paying(-1), {}],
    want: 'AAA',
  },
  // Bad input: what cannot be told is found.
  { name: 'a missing amount', calls: [{}], want: 'H' },
  { name: 'a negative amount', calls: [paying(-1), paying('-0.01')], want: 'HH' },
  { name: 'a huge amount', calls: [paying(1e300), paying('9'.repeat(60))], want: 'HH' },
  { name: 'no decimal', calls: [paying('1e2'), paying('12,50'), paying('NaN')], want: 'HHH' },
  {
    name: 'another type',
    calls: [paying(null), paying(true), paying({}), paying([1])],
    want: 'HHHH',
  },
  {
    name: 'one item without a price',
    spec: { amount: 'payload.items[].price' },
    calls: [{ payload: { items: [{ price: 1 }, {}] } }, { payload: { items: [] } }],
    want: 'HH',
  },
  {
    name: 'one item without a price where missing passes',
    spec: { amount: 'payload.items[].price', if_missing: 'pass' },
    calls: [{ payload: { items: [{ price: 1 }, {}] } }, { payload: { items: [] } }],
    want: 'HA',
  },
  {
    name: 'another currency without a rate',
    spec: { currency: 'payload.currency' },
    calls: [
      paying(1, { currency: 'EUR' }),
      paying(1, { currency: 'usd' }),
      paying(1, { currency: 840 }),
      paying(1),
    ],
    want: 'HHHH',
  },
  {
    name: 'fewer currencies than amounts',
    spec: { amount: 'payload.items[].price', currency: 'payload.currencies[]' },
    calls: [
      {
        payload: {
          items: [{ price: 1 }, { price: 1 }, { price: 1 }],
          currencies: ['USD', 'USD'],
        },
      },
    ],
    want: 'H',
  },
  {
    name: 'half a cent in cents',
    spec: { units: 'minor' },
    calls: [paying(0.5), paying('100.5')],
    want: 'HH',
  },
  {
    name: 'the minor unit of what is no currency',
    spec: { units: 'minor', currency: 'XTS', rates: { XTS: '1' } },
    calls: [paying(5)],
    want: 'H',
  },
  {
    name: 'more amounts than are counted',
    spec: { amount: 'payload.items[]' },
    calls: [{ payload: { items: Array.from({ length: 10_001 }, () => 0) } }],
    want: 'H',
  },
]

const LETTERS: Readonly<Record<string, string>> = { allow: 'A', redact: 'R', hold: 'H', deny: 'D' }

test.for(rows)('money: $name -> $want', ({ spec, rule: changes, calls, want }) => {
  const { judge } = run(load({ rules: [money(spec, changes)] }))
  const got = calls.map((call, i) => LETTERS[judge(call, NOON + i * SECOND).verdict])
  expect(got.join('')).toBe(want)
})

test.for<Row>([
  { name: 'up to the limit', calls: [using(600), using(400)], want: 'AA' },
  { name: 'one above', calls: [using(600), using(401), using(400)], want: 'ADA' },
  { name: 'a new session', calls: [using(1000), { ...using(1000), session: 's2' }], want: 'AA' },
  { name: 'half a token', calls: [using(0.5), using('1.5')], want: 'DD' },
  { name: 'none said', calls: [{}, using(null)], want: 'DD' },
  { name: 'fewer than none', calls: [using(-1)], want: 'D' },
])('tokens: $name -> $want', ({ calls, want }) => {
  const { judge } = run(load({ rules: [tokens()] }))
  expect(calls.map((call) => LETTERS[judge(call).verdict]).join('')).toBe(want)
})

describe('the window', () => {
  const limit = money()

  test('an amount leaves it exactly when it ends', () => {
    const { judge } = run(load({ rules: [limit] }))
    judge(paying(500))
    expect(judge(paying(1), NOON + DAY - 1).verdict).toBe('hold')
    const again = run(load({ rules: [limit] }))
    again.judge(paying(500))
    expect(again.judge(paying(500), NOON + DAY).verdict).toBe('allow')
  })

  test('amounts of one slice leave late, never early', () => {
    const { judge } = run(load({ rules: [limit] }))
    judge(paying(250), NOON)
    judge(paying(250), NOON + 5 * MINUTE)
    expect(judge(paying(1), NOON + DAY).verdict).toBe('hold')
    const again = run(load({ rules: [limit] }))
    again.judge(paying(250), NOON)
    again.judge(paying(250), NOON + 5 * MINUTE)
    expect(again.judge(paying(500), NOON + DAY + 5 * MINUTE).verdict).toBe('allow')
  })

  test('a clock that goes back does not empty it', () => {
    const { judge } = run(load({ rules: [limit] }))
    judge(paying(500))
    expect(judge(paying(1), NOON - 2 * DAY).verdict).toBe('hold')
    expect(codes(judge(paying(1), NOON + SECOND))).toEqual([undefined])
  })

  test('state is bounded however many calls there are, and holds no clear value', () => {
    const { judge, state } = run(load({ rules: [money({ by: ['payload.user'] })] }))
    for (let i = 0; i < 2000; i++) {
      judge(paying('0.123456', { user: 'ana@example.org' }), NOON + i * 2 * MINUTE)
    }
    const text = JSON.stringify(state())
    expect(text.length).toBeLessThan(4096)
    expect(text).not.toContain('ana')
    expect(Object.keys(state())).toEqual([
      expect.stringMatching(/^m\/test\/rule\/USD\/[0-9a-f]{32}$/),
    ])
  })

  test('a longer window goes on with the sums of a shorter one', () => {
    const short = run(load({ rules: [limit] }))
    for (let i = 0; i < 70; i++) short.judge(paying(7), NOON + i * 22.5 * MINUTE)
    const long = run(load({ rules: [money({ per: '30d' })] }), short.state())
    const end = NOON + 70 * 22.5 * MINUTE
    expect(long.judge(paying(600), end).verdict).toBe('hold')
    expect(long.judge(paying(1), end + 1).verdict).toBe('hold')
  })

  test('a forgotten entry and a swept one judge alike', () => {
    const first = run(load({ rules: [limit] }))
    first.judge(paying(500))
    const kept = run(load({ rules: [limit] }), first.state()).judge(paying(500), NOON + DAY)
    const swept = run(load({ rules: [limit] })).judge(paying(500), NOON + DAY)
    expect(kept).toEqual(swept)
  })

  test('its state key is one that the store is asked for', () => {
    const policy = load({ rules: [limit], agents: [budgeted([BUDGET])] })
    const call = action(paying(1))
    const wrote = evaluate(policy, { action: call, state: {}, now: NOON, key: KEY }).state
    expect(stateKeys(policy, call, KEY)).toEqual(expect.arrayContaining(Object.keys(wrote)))
  })
})

describe('damaged state', () => {
  const policy = load({ rules: [money()] })
  const [key = ''] = stateKeys(policy, action(), KEY)
  const until = NOON + DAY
  test.for<{ name: string; entry: JsonValue }>([
    { name: 'no list', entry: { value: 'x', until } },
    { name: 'a number for a sum', entry: { value: [[NOON, 5]], until } },
    { name: 'a negative sum', entry: { value: [[NOON, '-5']], until } },
    { name: 'a sum with a point', entry: { value: [[NOON, '5.5']], until } },
    { name: 'a sum without end', entry: { value: [[NOON, '9'.repeat(41)]], until } },
    {
      name: 'times out of order',
      entry: {
        value: [
          [NOON, '1'],
          [NOON - 1, '1'],
        ],
        until,
      },
    },
    { name: 'a time that is none', entry: { value: [['now', '1']], until } },
    { name: 'three to a slice', entry: { value: [[NOON, '1', '1']], until } },
    {
      name: 'more slices than there can be',
      entry: { value: Array(131).fill([NOON, '1']), until },
    },
    { name: 'no entry', entry: null },
  ])('$name -> deny STATE_INVALID, whatever the action costs', ({ entry }) => {
    const state = { [key]: entry } as unknown as StateSlice
    for (const call of [paying(1), paying(-1), {}]) {
      const result = evaluate(policy, { action: action(call), state, now: NOON, key: KEY })
      expect(result.verdict).toBe('deny')
      expect(codes(result)).toEqual(['STATE_INVALID'])
      expect(result.reserved).toBeUndefined()
    }
  })
})

test('a finding names the rule, limit and field, and no amount of the action', () => {
  const { judge } = run(load({ rules: [money()] }))
  const [finding] = judge(paying(123_456)).findings
  expect(finding?.evidence).toEqual({
    limit: '500',
    unit: 'USD',
    by: ['agent'],
    field: 'payload.amount',
    per: '1d',
  })
  expect(JSON.stringify(finding)).not.toContain('123456')
})

// What an attempt set aside.

const place = { file: 'policies/agents/billing.yaml', line: 9, column: 5 }
const BUDGET: NonNullable<CompiledAgent['budgets']>[number] = {
  id: 'budget/1d-usd',
  spec: {
    amount: 'context.usage.cost_usd',
    currency: 'USD',
    per: '1d',
    by: ['agent'],
    limit: { amount: '1', currency: 'USD' },
  },
  then: 'deny',
  route: null,
  mode: 'enforce',
  ...place,
}

function budgeted(budgets: CompiledAgent['budgets']): CompiledAgent {
  return { ...agent(), ...(budgets === undefined ? {} : { budgets }) }
}

function attempt(
  policy: ReturnType<typeof load>,
  call: Partial<JudgedAction>,
  state: StateSlice,
  now = NOON,
) {
  const result: Evaluation = evaluate(policy, { action: action(call), state, now, key: KEY })
  return { result, state: { ...state, ...result.state } as StateSlice }
}

describe('giving back', () => {
  const policy = load({ rules: [money()] })

  test('what a rejected attempt set aside may be spent again', () => {
    const held = attempt(policy, paying(501), {})
    expect(held.result.verdict).toBe('hold')
    const back = { ...held.state, ...release(held.state, held.result.reserved ?? []) }
    expect(attempt(policy, paying(500), back).result.verdict).toBe('allow')
    expect(attempt(policy, paying(500), held.state).result.verdict).toBe('hold')
  })

  test('only its own amount, and only once it is there', () => {
    const first = attempt(policy, paying(200), {})
    const second = attempt(policy, paying(250), first.state, NOON + SECOND)
    const back = { ...second.state, ...release(second.state, first.result.reserved ?? []) }
    expect(attempt(policy, paying(250), back).result.verdict).toBe('allow')
    expect(attempt(policy, paying('250.01'), back).result.verdict).toBe('hold')
  })

  test('whatever was set aside since, giving all back leaves nothing', () => {
    const calls = fc.array(
      fc.record({
        amount: fc.integer({ min: 0, max: 5000 }),
        after: fc.integer({ min: 0, max: 40 }),
      }),
      { minLength: 1, maxLength: 30 },
    )
    fc.assert(
      fc.property(calls, (list) => {
        let state: StateSlice = {}
        let now = NOON
        const reserved = list.flatMap(({ amount, after }) => {
          now += after * MINUTE
          const one = attempt(policy, paying(amount / 100), state, now)
          state = one.state
          return one.result.reserved ?? []
        })
        const left = { ...state, ...release(state, reserved) }
        const sums = Object.values(left).flatMap(({ value }) => value as [number, string][])
        expect(sums.every(([, sum]) => sum === '0')).toBe(true)
      }),
      { numRuns: 50 },
    )
  })

  test('whenever it is given back, what others set aside in the window stays', () => {
    const steps = fc.array(
      fc.record({
        amount: fc.integer({ min: 0, max: 400 }),
        after: fc.integer({ min: 0, max: 20 * 60 }),
        giveBack: fc.option(fc.nat(20)),
      }),
      { minLength: 2, maxLength: 25 },
    )
    fc.assert(
      fc.property(steps, (list) => {
        let state: StateSlice = {}
        let now = NOON
        const kept: { at: number; amount: number; result: Evaluation }[] = []
        for (const { amount, after, giveBack } of list) {
          now += after * MINUTE
          const one = attempt(policy, paying(amount), state, now)
          state = one.state
          kept.push({ at: now, amount, result: one.result })
          const [gone] = giveBack === null ? [] : kept.splice(giveBack % kept.length, 1)
          state = { ...state, ...release(state, gone?.result.reserved ?? []) }
        }
        const sums = Object.values(state).flatMap(({ value }) => value as [number, string][])
        const sum = sums.reduce((total, [, part]) => total + Number(part) / 1e12, 0)
        const spent = kept.filter(({ at }) => now - at < DAY)
        expect(sum).toBeGreaterThanOrEqual(spent.reduce((total, { amount }) => total + amount, 0))
      }),
      { numRuns: 200 },
    )
  })

  test('after the window there is nothing to give back, and damage stays', () => {
    const { result } = attempt(policy, paying(5), {})
    const reserved = result.reserved ?? []
    expect(release({}, reserved)).toEqual({})
    const [{ key = '' } = {}] = reserved
    const later = { [key]: { value: [], until: NOON + DAY } }
    expect(release(later, reserved)).toEqual({})
    const damaged = { [key]: { value: 'x', until: NOON + DAY } }
    expect(release(damaged, reserved)).toEqual({})
  })

  test.for([
    { name: 'the next window', after: DAY },
    { name: 'a window long after', after: 30 * DAY },
  ])('what has left its window is not taken from $name', ({ after }) => {
    const first = attempt(policy, paying(300), {})
    const second = attempt(policy, paying(400), first.state, NOON + after)
    const reserved = first.result.reserved ?? []
    expect(release(second.state, reserved)).toEqual({})
    expect(settle(second.state, reserved, { 'payload.amount': 499 })).toEqual({})
    const own = second.result.reserved ?? []
    expect(release(second.state, own)).not.toEqual({})
  })

  test('a denied action, by whatever rule, sets nothing aside', () => {
    const deny = rule({ id: 'test/deny', when: [{ path: 'payload.bad', equals: true }] })
    const both = load({ rules: [money(), deny] })
    const { result } = attempt(both, paying(5, { bad: true }), {})
    expect(result.verdict).toBe('deny')
    expect(result.reserved).toBeUndefined()
    expect(result.state).toEqual({})
  })
})

describe('settling', () => {
  const used = (policy: ReturnType<typeof load>, cost: Record<string, number | string>) => {
    const first = attempt(policy, paying(300), {})
    return { ...first.state, ...settle(first.state, first.result.reserved ?? [], cost) }
  }
  const left = (spec: object, cost: number | string) => {
    const policy = load({ rules: [money(spec)] })
    const state = used(policy, { 'payload.amount': cost })
    for (let free = 500; free >= 0; free -= 50) {
      if (attempt(policy, paying(free), state).result.verdict === 'allow') return free
    }
    return -1
  }

  test.for([
    { settle: 'raise', cost: 450, want: 50 },
    { settle: 'raise', cost: '100', want: 200 },
    { settle: 'raise', cost: 0, want: 200 },
    { settle: 'exact', cost: 450, want: 50 },
    { settle: 'exact', cost: '100', want: 400 },
    { settle: 'exact', cost: 0, want: 500 },
    { settle: 'exact', cost: 600, want: -1 },
  ])('$settle with a cost of $cost -> $want are left', ({ settle: how, cost, want }) => {
    expect(left({ settle: how }, cost)).toBe(want)
  })

  test.for<{ name: string; cost: Record<string, number | string> }>([
    { name: 'a negative cost', cost: { 'payload.amount': -1 } },
    { name: 'a cost that is none', cost: { 'payload.amount': 'free' } },
    { name: 'a cost by another field', cost: { 'payload.total': 1 } },
    { name: 'a cost without bound', cost: { 'payload.amount': 1e300 } },
  ])('$name -> VALUE_INVALID', ({ cost }) => {
    const policy = load({ rules: [money()] })
    expect(() => used(policy, cost)).toThrow(expect.objectContaining({ code: 'VALUE_INVALID' }))
  })

  test('a cost in euros counts at the rate of the estimate', () => {
    const policy = load({
      rules: [money({ currency: 'EUR', rates: { EUR: '2' }, settle: 'exact' })],
    })
    const first = attempt(policy, paying(10), {})
    const state = settle(first.state, first.result.reserved ?? [], { 'payload.amount': 200 })
    expect(attempt(policy, paying(50), state).result.verdict).toBe('allow')
    expect(attempt(policy, paying(51), state).result.verdict).toBe('hold')
  })
})

describe('budgets', () => {
  const costs = (usd: JsonValue, more: Partial<JudgedAction> = {}) => ({
    context: { usage: { cost_usd: usd } },
    ...more,
  })

  test('every action of the agent counts, and no other agent', () => {
    const other = agent({ agent: 'other' })
    const { judge } = run(load({ agents: [budgeted([BUDGET]), other] }))
    expect(judge(costs('0.6')).verdict).toBe('allow')
    expect(judge(costs('0.4', { action: 'read' })).verdict).toBe('allow')
    const beyond = judge(costs('0.000001', { service: 'crm', action: 'export', session: 's9' }))
    expect(beyond.verdict).toBe('deny')
    expect(beyond.findings[0]).toMatchObject({ rule: 'budget/1d-usd', kind: 'cost', ...place })
    expect(judge({ agent: 'other' }).verdict).toBe('allow')
  })

  test('an action that says no cost is found, unless the budget lets it pass', () => {
    expect(run(load({ agents: [budgeted([BUDGET])] })).judge({}).verdict).toBe('deny')
    const lax = { ...BUDGET, spec: { ...BUDGET.spec, if_missing: 'pass' } }
    expect(run(load({ agents: [budgeted([lax])] })).judge({}).verdict).toBe('allow')
  })

  test('a budget speaks about no tool: the default still holds', () => {
    const defaults = { low: 'hold', medium: 'hold', high: 'hold', critical: 'deny' } as const
    const result = run(load({ agents: [budgeted([BUDGET])], defaults })).judge(costs(0))
    expect(ids(result)).toEqual(['engine/default'])
  })

  test('a rule with the id of a budget counts apart from it', () => {
    const spec = { ...BUDGET.spec, limit: { amount: '100', currency: 'USD' } }
    const one = rule({ id: 'budget/1d-usd', kind: 'cost', verdict: 'hold', spec })
    const { state, judge } = run(load({ agents: [budgeted([BUDGET])], rules: [one] }))
    judge(costs(1))
    expect(
      Object.keys(state())
        .map((key) => key.slice(0, 2))
        .sort(),
    ).toEqual(['b/', 'm/'])
  })

  test.for([
    { name: 'another verdict', change: { then: 'allow' }, code: 'VALUE_INVALID' },
    { name: 'another mode', change: { mode: 'off' }, code: 'VALUE_INVALID' },
    {
      name: 'a route that is not there',
      change: { then: 'hold', route: 'nobody' },
      code: 'REFERENCE_UNKNOWN',
    },
    {
      name: 'no limit',
      change: { spec: { amount: 'payload.a', per: '1d' } },
      code: 'VALUE_INVALID',
    },
    {
      name: 'a window without unit',
      change: { spec: { ...BUDGET.spec, per: 'soon' } },
      code: 'DURATION_INVALID',
    },
  ])('a bundle whose budget has $name does not load', ({ change, code }) => {
    const budget = { ...BUDGET, ...change } as typeof BUDGET
    expect(() => load({ agents: [budgeted([budget])] })).toThrow(expect.objectContaining({ code }))
  })
})
