import { describe, expect, test } from 'vitest'
import { explain } from '../../../src/decide/evaluate/explain.ts'
import type { CompiledRoute, RouteSelector } from '../../../src/model/generated/types.ts'
import type { JudgedAction } from '../../../src/model/nouns.ts'
import { action, KEY, load, NOON, route, rule, run } from './fixtures.ts'

const HOLD = rule({ id: 'refunds/large', verdict: 'hold' })

const added = (on: RouteSelector, id = 'board'): CompiledRoute => ({ ...route(id), on })
const BASE = [route('default'), route('payments')]

function routesOf(
  routes: CompiledRoute[],
  changes: Partial<JudgedAction> = {},
  rules = [HOLD],
): string {
  const { verdict, route: taken } = run(load({ rules, routes: [...BASE, ...routes] })).judge(
    changes,
  )
  return `${verdict} ${taken.join(' ')}`
}

describe('a route that adds itself to a hold', () => {
  /** `beside`: it comes, and stands in for nobody, since what it tests is not known. */
  type Takes = boolean | 'beside'
  type Row = { name: string; on: RouteSelector; action?: Partial<JudgedAction>; takes: Takes }
  const wanted = { true: 'hold board', false: 'hold default', beside: 'hold board default' }
  const amount = (value: unknown) => ({ payload: { amount: value } }) as Partial<JudgedAction>
  const large: RouteSelector = { where: [{ path: 'payload.amount', above: 1000 }] }
  test.for<Row>([
    { name: 'every one', on: {}, takes: true },
    { name: 'the tool', on: { service: 'billing', action: 'ref*' }, takes: true },
    { name: 'another tool', on: { service: 'crm' }, takes: false },
    { name: 'another agent', on: { agent: 'other' }, takes: false },
    { name: 'another role', on: { role: 'admin' }, takes: false },
    {
      name: 'a priority',
      on: { priority: ['high', 'critical'] },
      action: { priority: 'high' },
      takes: true,
    },
    { name: 'a lower priority', on: { priority: 'high' }, takes: false },
    { name: 'the effect', on: { effect: 'write' }, takes: true },
    { name: 'another effect', on: { effect: 'read' }, takes: false },
    { name: 'a large amount', on: large, action: amount(1000.01), takes: true },
    { name: 'an amount at the bound', on: large, action: amount(1000), takes: false },
    {
      name: 'an amount that is a text: it cannot be compared',
      on: large,
      action: amount('9'),
      takes: 'beside',
    },
    { name: 'no amount', on: large, takes: 'beside' },
    {
      name: 'a small amount',
      on: { where: [{ path: 'payload.amount', below: 100 }] },
      action: amount(99),
      takes: true,
    },
    {
      name: 'a large amount as a text, where small ones are light work',
      on: { where: [{ path: 'payload.amount', below: 100 }] },
      action: amount('1000000'),
      takes: 'beside',
    },
    {
      name: 'one of two fields, the other missing',
      on: { where: [{ paths: ['payload.amount', 'payload.total'], above: 1000 }] },
      action: amount(2000),
      takes: true,
    },
    {
      name: 'one known test and one that is not',
      on: {
        where: [
          { path: 'payload.amount', above: 10 },
          { path: 'payload.note', equals: 'x' },
        ],
      },
      action: amount(20),
      takes: 'beside',
    },
    {
      name: 'no amount, which may be',
      on: { where: [{ path: 'payload.amount', above: 1000, if_missing: 'pass' }] },
      takes: false,
    },
    {
      name: 'two tests, one of which holds',
      on: {
        where: [
          { path: 'payload.amount', above: 10 },
          { path: 'payload.note', equals: 'x' },
        ],
      },
      action: { payload: { amount: 20, note: 'y' } },
      takes: false,
    },
    { name: 'the rule', on: { rules: ['refunds/*'] }, takes: true },
    { name: 'another rule', on: { rules: ['pii/*'] }, takes: false },
    {
      name: 'a score, and nobody scored',
      on: { behaviour: { score_min: 0.9 } },
      takes: 'beside',
    },
    {
      name: 'a score, of another tool',
      on: { service: 'crm', behaviour: { score_min: 0.9 } },
      takes: false,
    },
  ])('$name -> $takes', ({ on, action: changes, takes }) => {
    expect(routesOf([added(on)], changes)).toBe(wanted[`${takes}`])
  })

  test('comes beside the route that a rule names', () => {
    const rules = [rule({ id: 'a/b', verdict: 'hold', route: 'payments' })]
    expect(routesOf([added({})], {}, rules)).toBe('hold board payments')
  })

  test('comes beside `default` where a rule names that', () => {
    const rules = [rule({ id: 'a/b', verdict: 'hold', route: 'default' })]
    expect(routesOf([added({})], {}, rules)).toBe('hold board default')
  })

  test('several come together, sorted', () => {
    expect(routesOf([added({}, 'z'), added({ action: 'refund' }, 'a')])).toBe('hold a z')
  })

  test('an unknown tool has no effect that a route could be for instead of `default`', () => {
    const routes = [...BASE, added({ effect: 'read' })]
    const judged = run(load({ routes, unknown_tools: 'hold' })).judge({ action: 'no_such_tool' })
    expect(judged).toMatchObject({ verdict: 'hold', route: ['board', 'default'] })
  })

  test('what is not known stands in for no `default` that is not there', () => {
    const on = { where: [{ path: 'payload.amount', below: 100 }] }
    const loaded = load({ rules: [HOLD], routes: [added(on)] })
    expect(run(loaded).judge({ payload: { amount: '9' } })).toMatchObject({ verdict: 'deny' })
    expect(run(loaded).judge({ payload: { amount: 9 } })).toMatchObject({ route: ['board'] })
  })

  test('stands in for a `default` that is not there', () => {
    const loaded = load({ rules: [HOLD], routes: [added({ service: 'billing' })] })
    expect(run(loaded).judge({})).toMatchObject({ verdict: 'hold', route: ['board'] })
    expect(run(loaded).judge({ service: 'crm', action: 'export' })).toMatchObject({
      verdict: 'deny',
    })
  })

  test.for([
    { name: 'allowed', rules: [], want: 'allow ' },
    { name: 'denied', rules: [HOLD, rule({ id: 'a/b' })], want: 'deny ' },
    {
      name: 'held in shadow',
      rules: [rule({ id: 'a/b', verdict: 'hold', mode: 'shadow' })],
      want: 'allow ',
    },
  ])('has nothing to do with what is $name', ({ rules, want }) => {
    expect(routesOf([added({})], {}, rules)).toBe(want)
  })

  test('a shadow finding of its rules does not bring it', () => {
    const rules = [HOLD, rule({ id: 'pii/card', mode: 'shadow' })]
    expect(routesOf([added({ rules: ['pii/*'] })], {}, rules)).toBe('hold default')
  })
})

describe('a bundle with an `on` that cannot be read does not load', () => {
  test.for([
    { name: 'an unknown key', on: { servce: 'billing' } },
    { name: 'a phase', on: { phase: 'result' } },
    { name: 'a text', on: 'billing' },
    { name: 'tests that are no list', on: { where: {} } },
    { name: 'a test without an operator', on: { where: [{ path: 'payload.amount' }] } },
    { name: 'a score that is none', on: { behaviour: { score_min: 2 } } },
    { name: 'no score', on: { behaviour: {} } },
    { name: 'rules that are no list', on: { rules: 7 } },
  ])('$name', ({ on }) => {
    expect(() => load({ rules: [HOLD], routes: [...BASE, added(on as never)] })).toThrow()
  })
})

test('explain says which routes add themselves, and why others do not', () => {
  const routes = [...BASE, added({}), added({ service: 'crm', rules: ['pii/*'] }, 'legal')]
  const loaded = load({ rules: [HOLD], routes })
  const input = { action: action(), state: {}, now: NOON, key: KEY }
  const { routes: explained } = explain(loaded, input, { clear: false, all: false })
  expect(explained?.map(({ route: id, unmet }) => [id, unmet])).toEqual([
    ['board', []],
    ['legal', ['on', 'rules']],
  ])
  expect(explain(load({ rules: [HOLD] }), input, { clear: false, all: false })).not.toHaveProperty(
    'routes',
  )
})
