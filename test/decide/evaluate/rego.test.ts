import { describe, expect, test } from 'vitest'
import { PolicyError } from '../../../src/base/errors.ts'
import type { JsonObject, JsonValue } from '../../../src/base/json-value.ts'
import type { RegoOutcome } from '../../../src/decide/rego/types.ts'
import type { CompiledPackage } from '../../../src/model/generated/types.ts'
import {
  codes,
  load,
  MINUTE,
  NOON,
  program,
  regoPackage,
  regoRule,
  route,
  run,
  SECOND,
  tool,
} from './fixtures.ts'

type Name = 'deny' | 'hold' | 'redact' | 'warn'

function runRego(
  name: Name,
  answer: RegoOutcome | ((input: JsonObject) => RegoOutcome),
  changes: Partial<CompiledPackage> = {},
) {
  const one = program([`countersign/refunds/${name}`], (_, input) =>
    typeof answer === 'function' ? answer(input) : answer,
  )
  return run(load({ rego: [regoRule(name, changes)] }, one))
}

function judge(name: Name, value: JsonValue, changes: Partial<CompiledPackage> = {}) {
  return runRego(name, { value }, changes).judge({ payload: { card: 'x' } })
}

describe('results', () => {
  test.for<{ name: Name; value: JsonValue; want: string }>([
    { name: 'deny', value: [], want: 'allow' },
    { name: 'deny', value: [{ msg: 'no' }], want: 'deny' },
    { name: 'hold', value: [{ msg: 'no' }], want: 'hold' },
    { name: 'redact', value: [{ msg: 'no', paths: ['payload.card'] }], want: 'redact' },
    { name: 'warn', value: [{ msg: 'hm' }], want: 'allow' },
  ])('$name of $value -> $want', ({ name, value, want }) => {
    const result = judge(name, value)
    expect(result.verdict).toBe(want)
    expect(codes(result).filter((code) => code !== undefined)).toEqual([])
  })

  test('the finding says which package, file and line', () => {
    const changes = { package: 'countersign.money_out.big_sums' }
    expect(judge('deny', [{ msg: 'no' }], changes).findings).toEqual([
      {
        rule: 'rego/money-out/big-sums',
        kind: 'rego',
        verdict: 'deny',
        mode: 'enforce',
        message: 'no',
        evidence: { entrypoint: 'countersign/refunds/deny' },
        file: 'policies/rego/refunds.rego',
        line: 9,
        column: 1,
      },
    ])
  })

  test.for<{ value: JsonValue; name: Name }>([
    { name: 'deny', value: null },
    { name: 'deny', value: false },
    { name: 'deny', value: true },
    { name: 'deny', value: {} },
    { name: 'deny', value: 'no' },
    { name: 'deny', value: ['no'] },
    { name: 'deny', value: [{}] },
    { name: 'deny', value: [{ message: 'no' }] },
    { name: 'deny', value: [{ msg: 7 }] },
    { name: 'deny', value: [{ msg: 'no', id: 'x' }] },
    { name: 'hold', value: [{ msg: 'no', route: 7 }] },
    { name: 'hold', value: [{ msg: 'no', route: null }] },
    { name: 'hold', value: [{ msg: 'no', paths: 'payload.card' }] },
    { name: 'redact', value: [{ msg: 'no' }] },
    { name: 'redact', value: [{ msg: 'no', paths: [] }] },
    { name: 'redact', value: [{ msg: 'no', paths: ['context.card'] }] },
    { name: 'redact', value: [{ msg: 'no', paths: ['payload'] }] },
    { name: 'redact', value: [{ msg: 'no', paths: ['payload.a', 'payload..'] }] },
    { name: 'warn', value: [[]] },
    { name: 'warn', value: Array.from({ length: 1025 }, () => ({ msg: 'x' })) },
  ])('$name of $value -> deny REGO_RESULT_INVALID', ({ name, value }) => {
    const result = judge(name, value)
    expect(result.verdict).toBe('deny')
    expect(codes(result)).toContain('REGO_RESULT_INVALID')
  })

  test.for<{ name: string; value: JsonValue; route: string | null; want: string[] }>([
    { name: 'none', value: [{ msg: 'm' }], route: null, want: ['default'] },
    { name: "the package's", value: [{ msg: 'm' }], route: 'payments', want: ['payments'] },
    {
      name: "the object's",
      value: [{ msg: 'm', route: 'security' }],
      route: 'payments',
      want: ['security'],
    },
    {
      name: 'two',
      value: [{ msg: 'm', route: 'security' }, { msg: 'm' }],
      route: 'payments',
      want: ['payments', 'security'],
    },
  ])('route of a hold: $name -> $want', ({ value, route: given, want }) => {
    expect(judge('hold', value, { route: given }).route).toEqual(want)
  })

  test('a hold on a route that the policy lacks -> deny REFERENCE_UNKNOWN', () => {
    const result = judge('hold', [{ msg: 'm', route: 'nobody' }])
    expect([result.verdict, codes(result)]).toEqual(['deny', ['REFERENCE_UNKNOWN']])
  })

  test('redact and hold oblige; shadow does not', () => {
    const value = [{ msg: 'm', paths: ['payload.card', 'payload.a'] }]
    const obligation = {
      kind: 'redact',
      paths: ['payload.a', 'payload.card'],
      rule: 'rego/refunds',
    }
    expect(judge('redact', value).obligations).toEqual([obligation])
    expect(judge('hold', value).obligations).toEqual([obligation])
    expect(judge('redact', value, { mode: 'shadow' })).toMatchObject({
      verdict: 'allow',
      obligations: [],
    })
  })

  test('a long message is cut, within a character too', () => {
    const { findings } = judge('deny', [{ msg: `x${'😀'.repeat(2000)}` }])
    expect(findings[0]?.message.length).toBe(2048)
    expect(findings[0]?.message.isWellFormed()).toBe(true)
  })
})

describe('failures', () => {
  const failures: RegoOutcome[] = [
    { failed: 'REGO_UNDEFINED', message: 'undefined' },
    { failed: 'REGO_ABORTED', message: 'aborted' },
    { failed: 'REGO_MEMORY_EXCEEDED', message: 'memory' },
    {
      failed: 'REGO_BUILTIN_ERROR',
      message: 'bad',
      file: 'policies/rego/a.rego',
      line: 3,
      column: 7,
    },
  ]
  test.for(failures)('$failed -> deny with its code', (outcome) => {
    for (const name of ['deny', 'hold', 'redact', 'warn'] as const) {
      const result = runRego(name, outcome).judge({})
      expect([result.verdict, codes(result)]).toEqual([
        'deny',
        [(outcome as { failed: string }).failed],
      ])
    }
  })

  test('a failure keeps its place', () => {
    const result = runRego('deny', failures[3] as RegoOutcome).judge({})
    expect(result.findings[0]).toMatchObject({ file: 'policies/rego/a.rego', line: 3, column: 7 })
  })

  test.for<{ name: string; error: unknown; code: string }>([
    { name: 'a text', error: 'abort', code: 'RULE_FAILED' },
    { name: 'an error', error: new RangeError('stack'), code: 'RULE_FAILED' },
    { name: 'a Rego error', error: new PolicyError('REGO_ABORTED', 'x'), code: 'REGO_ABORTED' },
    { name: 'nothing', error: undefined, code: 'RULE_FAILED' },
  ])('a program that throws $name -> deny $code', ({ error, code }) => {
    const result = runRego('warn', () => {
      throw error
    }).judge({})
    expect([result.verdict, codes(result)]).toEqual(['deny', [code]])
  })

  test('in shadow -> a shadow finding; the verdict stays', () => {
    const result = runRego('deny', failures[0] as RegoOutcome, { mode: 'shadow' }).judge({})
    expect(result.verdict).toBe('allow')
    expect(result.findings[0]).toMatchObject({ mode: 'shadow', verdict: 'deny' })
  })

  test.for([
    { name: 'without a program', rego: null },
    { name: 'without the entry point', rego: program(['other'], () => ({ value: [] })) },
  ])('loading $name -> REGO_MODULE_INVALID', ({ rego }) => {
    expect(() => load({ rego: [regoPackage()] }, rego)).toThrow(
      expect.objectContaining({ code: 'REGO_MODULE_INVALID' }),
    )
  })

  test('an unknown route of a package -> REFERENCE_UNKNOWN at load', () => {
    expect(() => runRego('hold', { value: [] }, { route: 'nobody' })).toThrow(
      expect.objectContaining({ code: 'REFERENCE_UNKNOWN' }),
    )
  })
})

describe('input', () => {
  function inputs(changes: Partial<CompiledPackage> = {}) {
    const seen: JsonObject[] = []
    const one = program(['countersign/refunds/deny'], (_, input) => {
      seen.push(input)
      return { value: [] }
    })
    const policy = {
      rego: [regoRule('deny', changes)],
      tools: [tool({ priority: 'high' })],
      routes: [route('default')],
    }
    return { seen, ...run(load(policy, one)) }
  }

  test('holds the action with its raised priority, the effect and the time', () => {
    const { seen, judge: one } = inputs()
    one({ payload: { a: 1 }, principal: 'ana' }, NOON + 5)
    expect(seen[0]).toEqual({
      action: {
        project: 'shop',
        agent: 'billing-agent',
        session: 's1',
        principal: 'ana',
        role: 'agent',
        service: 'billing',
        action: 'refund',
        payload: { a: 1 },
        context: {},
        priority: 'high',
        fingerprint: null,
        effect: 'write',
        phase: 'call',
      },
      state: { behaviour: { baseline: 'none' }, counters: {}, recent: [] },
      now: '2026-05-01T12:00:00.005Z',
    })
  })

  test('an unknown tool has the effect null', () => {
    const { seen, judge: one } = inputs()
    one({ action: 'nobody' })
    expect(seen[0]).toMatchObject({ action: { effect: null } })
  })

  test('is not asked about actions that `on` does not select', () => {
    const { seen, judge: one } = inputs({ on: { service: 'crm' } })
    one({})
    expect(seen).toEqual([])
  })

  test('recent: the last twenty actions of the agent, the newest last, with their verdicts', () => {
    const { seen, judge: one } = inputs()
    for (let i = 0; i < 25; i++)
      one({ action: i === 23 ? 'nobody' : 'refund', session: `s${i}` }, NOON + i * SECOND)
    const recent = stateOf(seen)['recent'] as readonly JsonObject[]
    expect(recent).toHaveLength(20)
    expect(recent.at(-1)).toEqual({
      service: 'billing',
      action: 'nobody',
      verdict: 'deny',
      at: '2026-05-01T12:00:23.000Z',
    })
    expect(recent[0]).toMatchObject({ at: '2026-05-01T12:00:04.000Z' })
  })

  test('counters: attempts within the window, this one included, apart by their fields', () => {
    const counters = [{ name: 'attempts', per: '10m', by: ['agent', 'payload.user'] }]
    const { seen, judge: one } = inputs({ counters })
    const count = (user: string, now: number) => {
      one({ payload: { user } }, now)
      return (stateOf(seen)['counters'] as JsonObject)['attempts']
    }
    expect(count('u', NOON)).toBe(1)
    expect(count('u', NOON + MINUTE)).toBe(2)
    expect(count('v', NOON + MINUTE)).toBe(1)
    expect(count('u', NOON + 10 * MINUTE - 1)).toBe(3)
    expect(count('u', NOON + 10 * MINUTE)).toBe(3)
    expect(count('u', NOON - 30 * MINUTE)).toBe(4)
  })

  test('a counter counts on without end, and its state stays small', () => {
    const counters = [{ name: 'attempts', per: '10m', by: ['agent'] }]
    const { seen, judge: one, state } = inputs({ counters })
    for (let i = 0; i < 3000; i++) one({}, NOON + i * 100)
    expect(seen.at(-1)).toMatchObject({ state: { counters: { attempts: 3000 } } })
    expect(JSON.stringify(state()).length).toBeLessThan(12_000)
  })

  test.for([
    null,
    'x',
    [1],
    [[1]],
    [[NOON, 0]],
    [
      [NOON, 1],
      [NOON - 1, 1],
    ],
  ])('damaged counter %j -> deny STATE_INVALID', (value) => {
    const counters = [{ name: 'attempts', per: '10m', by: ['agent'] }]
    const { judge: one, state } = inputs({ counters })
    one({})
    const key = Object.keys(state()).find((name) => name.startsWith('c/')) as string
    const rego = program(['countersign/refunds/deny'], () => ({ value: [] }))
    const damaged = { [key]: { value: value as JsonValue, until: NOON + MINUTE } }
    const result = run(load({ rego: [regoRule('deny', { counters })] }, rego), damaged).judge({})
    expect([result.verdict, codes(result)]).toEqual(['deny', ['STATE_INVALID']])
  })

  test('damaged earlier actions -> deny STATE_INVALID, and they are left as they are', () => {
    const { judge: one, state } = inputs()
    one({})
    const [key = ''] = Object.keys(state())
    const rego = program(['countersign/refunds/deny'], () => ({ value: [] }))
    const damaged = { [key]: { value: [['x']], until: NOON + MINUTE } }
    const result = run(load({ rego: [regoRule('deny')] }, rego), damaged).judge({})
    expect(result.verdict).toBe('deny')
    expect(new Set(codes(result))).toEqual(new Set(['STATE_INVALID']))
    expect(result.state).toEqual({})
  })
})

function stateOf(seen: readonly JsonObject[]): JsonObject {
  return seen.at(-1)?.['state'] as JsonObject
}
