import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { JsonValue } from '../../../../src/base/json-value.ts'
import { foldConstants } from '../../../../src/decide/rego/plan/fold-constants.ts'
import type { PlanFunction } from '../../../../src/decide/rego/plan/plan.ts'
import { readPlan } from '../../../../src/decide/rego/plan/read-plan.ts'
import type { IndexNode } from '../../../../src/decide/rego/plan/rule-index.ts'
import { indexBlocks, selectUnits } from '../../../../src/decide/rego/plan/rule-index.ts'
import { unitsOf } from '../../../../src/decide/rego/plan/rule-index-units.ts'
import { parseValue } from '../../../../src/decide/rego/values/json.ts'
import type { Value } from '../../../../src/decide/rego/values/value.ts'
import { setOf } from '../../../../src/decide/rego/values/value.ts'
import { interpret } from './interpret.ts'
import { local, planOf, planWith, statement, text } from './plans.ts'

const RULES = readPlan(planOf('rules'))
const FOLDED = foldConstants(RULES)

function ruleOf(name: string, plan = RULES): PlanFunction {
  return plan.functions.find((fn) => fn.name.endsWith(`.${name}`))!
}

/** Conditions as text: `0.action.service = mail|chat`. */
function conditionsOf(fn: PlanFunction): readonly string[] {
  return unitsOf(fn).map(({ conditions, separate }) => {
    const texts = [...conditions.values()].map(({ path, values }) => {
      const names = [path.parameter, ...path.names].join('.')
      return `${names} = ${[...values].map(String).join('|')}`
    })
    return `${separate ? 'rule' : 'other'} ${texts.join(' & ')}`.trim()
  })
}

/** Units that run, over all steps. */
function picked(fn: PlanFunction, values: readonly (Value | undefined)[]): readonly number[] {
  const index = indexBlocks(fn)
  if (index === null) return unitsOf(fn).map((_, at) => at)
  return index.steps.flatMap(({ first, last, node }) =>
    node === null
      ? Array.from({ length: last - first + 1 }, (_, at) => first + at)
      : selectUnits(node, values),
  )
}

describe('conditions of rules', () => {
  test('a set takes them from equalities, lists and locals', () => {
    expect(conditionsOf(ruleOf('deny')).toSorted()).toEqual([
      'other',
      'other',
      'rule',
      'rule 0.action.service = 7|chat|mail',
      'rule 0.action.service = chat',
      'rule 0.action.service = mail & 0.n = 1.5 & 0.z = null',
      'rule 0.action.service = payments & 0.action.action = refund',
      'rule 0.action.service = payments & 0.action.payload.dry = true',
    ])
  })

  test('a complete rule takes two blocks, its default stays outside', () => {
    const units = unitsOf(ruleOf('allow'))
    expect(units.map(({ first, count }) => [first, count])).toEqual([
      [0, 2],
      [2, 2],
      [4, 2],
      [6, 1],
      [7, 1],
    ])
    expect(conditionsOf(ruleOf('allow')).slice(-2)).toEqual(['other', 'other'])
  })

  test('bodies after else join their conditions', () => {
    expect(conditionsOf(ruleOf('limit'))).toContain('rule 0.tier = gold|silver')
  })

  test('a function takes them from its arguments', () => {
    expect(conditionsOf(ruleOf('score')).toSorted()).toEqual([
      'other',
      'rule 2 = high',
      'rule 2 = low',
      'rule 2 = low & 3 = 7',
      'rule 2 = none',
    ])
  })

  test.for<{ name: string; body: JsonValue[]; want: string }>([
    {
      name: 'a number that is whole in another form',
      body: [
        dot(4, 0, 0),
        statement('MakeNumberRefStmt', { index: 6, target: 5 }),
        equal(local(4), local(5)),
      ],
      want: 'rule 0.a = 7',
    },
    {
      name: 'a fraction that is no double stays with the rule',
      body: [
        dot(4, 0, 0),
        statement('MakeNumberRefStmt', { index: 7, target: 5 }),
        equal(local(4), local(5)),
      ],
      want: 'rule',
    },
    { name: 'two values never hold', body: [dot(4, 0, 0), is('a'), is('b')], want: 'rule 0.a =' },
    {
      name: 'after a call nothing counts',
      body: [callPlus(), dot(4, 0, 0), is('a')],
      want: 'rule',
    },
    {
      name: 'a local that was set anew is no path',
      body: [dot(4, 0, 0), statement('LenStmt', { source: local(0), target: 4 }), is('a')],
      want: 'rule',
    },
    {
      name: 'a dynamic name is no path',
      body: [statement('DotStmt', { source: local(0), key: local(1), target: 4 }), is('a')],
      want: 'rule',
    },
    {
      name: 'a local from outside keeps a rule where it is',
      body: [dot(4, 0, 0), is('a'), statement('IsDefinedStmt', { source: 9 })],
      want: 'other 0.a = a',
    },
  ])('$name -> $want', ({ body, want }) => {
    const reset = statement('ResetLocalStmt', { target: 3 })
    const plan = planWith([reset, ...body], { static: STATIC })
    expect(conditionsOf(plan2(plan))[0]).toBe(want)
  })
})

const STATIC = {
  strings: ['a', 'b', 'g0', 't', '7', 'x1', '7.0e0', '0.1000000000000000000001'].map((value) => ({
    value,
  })),
  files: [{ value: 'p.rego' }],
  builtin_funcs: [{ name: 'plus', decl: { args: [{}, {}] } }],
}

function plan2(json: JsonValue): PlanFunction {
  return readPlan(json).functions[0]!
}

function dot(target: number, source: number, key: number): JsonValue {
  return statement('DotStmt', { source: local(source), key: text(key), target })
}

function equal(a: JsonValue, b: JsonValue): JsonValue {
  return statement('EqualStmt', { a, b })
}

function is(name: 'a' | 'b'): JsonValue {
  return equal(local(4), text(name === 'a' ? 0 : 1))
}

function callPlus(): JsonValue {
  return statement('CallStmt', { func: 'plus', args: [local(0), local(1)], result: 6 })
}

describe('units that run', () => {
  const deny = ruleOf('deny')
  const names = conditionsOf(deny)
  const run = (input: Value): readonly string[] =>
    picked(deny, [input, {}]).map((at) => names[at]!.replaceAll('0.action.', ''))

  test.for<{ name: string; input: Value; want: readonly string[] }>([
    {
      name: 'a service with two rules',
      input: { action: { service: 'payments', action: 'refund' } },
      want: ['service = payments & action = refund', 'service = payments & payload.dry = true'],
    },
    {
      name: 'a number in a list',
      input: { action: { service: 7 } },
      want: ['service = 7|chat|mail'],
    },
    {
      name: 'a number in another form',
      input: parseValue('{"action": {"service": 70e-1}}'),
      want: ['service = 7|chat|mail'],
    },
    { name: 'an unknown service', input: { action: { service: 'fax' } }, want: [] },
    { name: 'no service', input: { action: {} }, want: [] },
    { name: 'an action that is text', input: { action: 'service' }, want: [] },
    { name: 'an action that is a list', input: { action: ['service'] }, want: [] },
    {
      name: 'a set that holds the name',
      input: { action: setOf(['service']) as unknown as Value },
      want: [],
    },
    { name: 'a service that is an object', input: { action: { service: { mail: 1 } } }, want: [] },
    {
      name: 'a service of the prototype',
      input: { action: Object.create({ service: 'mail' }) },
      want: [],
    },
    { name: 'an input that is null', input: null, want: [] },
  ])('$name', ({ input, want }) => {
    const conditional = run(input)
      .filter((one) => one.startsWith('rule '))
      .map((one) => one.slice(5))
    expect(conditional.filter((one) => want.includes(one)).toSorted()).toEqual(want.toSorted())
    expect(conditional.length).toBe(want.length)
  })

  test('what stands around the rules always runs, in order', () => {
    const all = picked(deny, [undefined, undefined])
    expect(all).toEqual(all.toSorted((a, b) => a - b))
    expect(all.map((at) => names[at])).toEqual(['other', 'rule', 'other'])
  })

  test('units come in order, whichever path found them', () => {
    const input = { action: { service: 'mail', payload: { dry: true } }, n: 1.5, z: null }
    const all = picked(deny, [input, {}])
    expect(all).toEqual(all.toSorted((a, b) => a - b))
    expect(all.length).toBeGreaterThan(4)
  })
})

describe('what a policy gives is the same with the index', () => {
  const scalar = fc.constantFrom<JsonValue[]>(
    'payments',
    'mail',
    'chat',
    'calendar',
    'gold',
    'silver',
    'low',
    'high',
    'none',
    'refund',
    3,
    4,
    7,
    1.5,
    true,
    false,
    null,
  )
  const input = fc.record(
    {
      action: fc.oneof(
        scalar,
        fc.record(
          {
            service: scalar,
            action: scalar,
            payload: fc.record({ amount: fc.nat(9), dry: fc.boolean() }, { requiredKeys: [] }),
          },
          { requiredKeys: [] },
        ),
      ),
      tags: fc.array(fc.constantFrom('never', 'x'), { maxLength: 3 }),
      n: fc.constantFrom<JsonValue[]>(1, 1.5, 2, 7, 'text'),
      z: fc.constantFrom<JsonValue[]>(null, 0),
      tier: scalar,
      kind: scalar,
    },
    { requiredKeys: [] },
  )

  test.for(['deny', 'allow', 'level', 'limit', 'scored', 'by_kind'])('rules: %s', (rule) => {
    const outcomes = new Set<string>()
    fc.assert(
      fc.property(input, (input) => {
        const question = { function: `g0.data.rules.${rule}`, input: input as Value }
        const plain = interpret(RULES, question)
        outcomes.add(plain)
        expect(interpret(RULES, { ...question, indexed: true })).toBe(plain)
        expect(interpret(FOLDED, { ...question, indexed: true })).toBe(plain)
      }),
      { numRuns: 300 },
    )
    // Conflicts, errors and values alike.
    expect(outcomes.size).toBeGreaterThan(1)
  })
})

describe('many rules', () => {
  const manyOf = (count: number, conditionsOfRule: (at: number) => JsonValue[]): JsonValue => ({
    static: {
      strings: ['service', 'action', ...Array.from({ length: count }, (_, at) => `v${at}`)].map(
        (value) => ({ value }),
      ),
      files: [{ value: 'p.rego' }],
    },
    funcs: {
      funcs: [
        {
          name: 'deny',
          params: [0, 1],
          return: 2,
          blocks: [
            { stmts: [statement('MakeSetStmt', { target: 2 })] },
            ...Array.from({ length: count }, (_, at) => ({
              stmts: [
                statement('ResetLocalStmt', { target: 3 }),
                ...conditionsOfRule(at),
                statement('SetAddStmt', { set: 2, value: text(at + 2) }),
              ],
            })),
            { stmts: [statement('ReturnLocalStmt', { source: 2 })] },
          ],
        },
      ],
    },
  })
  const require = (name: number, value: number): JsonValue[] => [
    dot(4, 0, name),
    equal(local(4), text(value + 2)),
  ]

  function lookupsOf(node: IndexNode): number {
    if ('units' in node) return 0
    const below = [...node.byValue.values(), ...(node.rest === null ? [] : [node.rest])]
    return 1 + Math.max(...below.map(lookupsOf))
  }

  test.for([
    { name: '10 exclusive', count: 10, rule: (at: number) => require(1, at) },
    { name: '1,000 exclusive', count: 1_000, rule: (at: number) => require(1, at) },
    { name: '10,000 exclusive', count: 10_000, rule: (at: number) => require(1, at) },
    {
      name: '1,000 by service and action',
      count: 1_000,
      rule: (at: number) => [...require(0, at % 30), ...require(1, Math.floor(at / 30))],
    },
  ])('$name: one is tried', ({ count, rule }) => {
    const fn = readPlan(manyOf(count, rule)).functions[0]!
    const index = indexBlocks(fn)!
    expect(index.steps.length).toBe(3)
    const { node } = index.steps[1]!
    expect(lookupsOf(node!)).toBeLessThanOrEqual(2)
    const at = Math.floor(count / 2)
    const input =
      count === 1_000 && rule(0).length > 2
        ? { service: `v${at % 30}`, action: `v${Math.floor(at / 30)}` }
        : { action: `v${at}` }
    expect(selectUnits(node!, [input, {}])).toEqual([at + 1])
    expect(selectUnits(node!, [{ action: 'other', service: 'other' }, {}])).toEqual([])
  })

  test('rules of one service are left out together', () => {
    const fn = readPlan(manyOf(20, () => require(0, 0))).functions[0]!
    const { node } = indexBlocks(fn)!.steps[1]!
    expect(selectUnits(node!, [{ service: 'v1' }, {}])).toEqual([])
    expect(selectUnits(node!, [{ service: 'v0' }, {}]).length).toBe(20)
  })

  test.for([
    { name: 'two rules', count: 2, rule: (at: number) => require(0, at) },
    { name: 'rules without conditions', count: 50, rule: () => [] },
    {
      name: 'rules of which few have one',
      count: 50,
      rule: (at: number) => (at % 10 === 0 ? require(0, 0) : []),
    },
  ])('$name have no index', ({ count, rule }) => {
    expect(indexBlocks(readPlan(manyOf(count, rule)).functions[0]!)).toBeNull()
  })

  test('lists of many values stay in proportion', () => {
    const members = Array.from({ length: 200 }, (_, at) =>
      statement('SetAddStmt', { set: 5, value: text(at + 2) }),
    )
    const rule = (at: number): JsonValue[] => [
      dot(4, 0, 0),
      statement('MakeSetStmt', { target: 5 }),
      ...members,
      statement('CallStmt', { func: 'internal.member_2', args: [local(4), local(5)], result: 6 }),
      statement('NotEqualStmt', { a: local(6), b: { type: 'bool', value: false } }),
      ...require(1, at),
    ]
    const json = manyOf(300, rule) as { static: object }
    const builtin_funcs = [{ name: 'internal.member_2', decl: { args: [{}, {}] } }]
    const plan = readPlan({ ...json, static: { ...json.static, builtin_funcs } } as JsonValue)
    const { node } = indexBlocks(plan.functions[0]!)!.steps[1]!
    const placesIn = (one: IndexNode): number =>
      'units' in one
        ? one.units.length
        : [...one.byValue.values(), ...(one.rest === null ? [] : [one.rest])].reduce(
            (sum, below) => sum + placesIn(below),
            0,
          )
    expect(placesIn(node!)).toBeLessThanOrEqual(300 * 64)
    expect(selectUnits(node!, [{ service: 'v7', action: 'v7' }, {}])).toEqual([8])
  })
})
