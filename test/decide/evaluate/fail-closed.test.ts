import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { canonicalize } from '../../../src/base/canonical-json.ts'
import type { JsonValue } from '../../../src/base/json-value.ts'
import { evaluate, stateKeys } from '../../../src/decide/evaluate/evaluate.ts'
import { KINDS } from '../../../src/decide/evaluate/kinds/index.ts'
import type { CompiledPolicy, FieldTest } from '../../../src/model/generated/types.ts'
import type { JudgedAction, StateSlice } from '../../../src/model/nouns.ts'
import { cpuMs } from '../../support/cpu.ts'
import {
  action,
  agent,
  codes,
  judgeOne,
  KEY,
  load,
  masking,
  NOON,
  program,
  regoRule,
  rule,
  run,
} from './fixtures.ts'

describe('an omitted field slips past a negative test', () => {
  test.for<FieldTest>([
    { not_equals: 'internal' },
    { none_of: ['internal', 'partner'] },
    { not_matches: '@example\\.org$' },
    { equals: 'external' },
    { one_of: ['external'] },
    { matches: '@evil' },
    { above: 100 },
    { below: 0 },
    { longer_than: 10 },
  ])('%j on a missing, null or wrongly typed field -> deny', (fieldTest) => {
    const asKind = rule({ kind: 'pattern', spec: { path: 'payload.to', ...fieldTest } })
    const asWhen = rule({ when: [{ path: 'payload.to', ...fieldTest }] })
    const wrong: JsonValue = Object.hasOwn(fieldTest, 'matches') ? null : { toString: 'internal' }
    for (const one of [asKind, asWhen]) {
      expect(judgeOne(one, { payload: {} }).verdict).toBe('deny')
      expect(judgeOne(one, { payload: { to: wrong } }).verdict).toBe('deny')
      expect(judgeOne(one, { payload: { To: 'internal' } }).verdict).toBe('deny')
    }
  })

  test('one element of many omits it -> deny', () => {
    const spec = { path: 'payload.to[].domain', not_equals: 'example.org' }
    const value = { to: [{ domain: 'example.org' }, { host: 'evil.example' }] }
    expect(judgeOne(rule({ kind: 'pattern', spec }), { payload: value }).verdict).toBe('deny')
  })
})

describe('a policy that says nothing allows everything', () => {
  test('no agents, no rules -> deny POLICY_EMPTY', () => {
    const result = run(load({ agents: [], tools: [], rules: [] })).judge({})
    expect(result.verdict).toBe('deny')
    expect(codes(result)).toContain('POLICY_EMPTY')
  })

  test('no rules, and defaults that hold -> hold', () => {
    const defaults = { low: 'hold', medium: 'hold', high: 'hold', critical: 'hold' } as const
    expect(run(load({ defaults })).judge({}).verdict).toBe('hold')
  })

  test('rules, but an agent that nobody named -> deny AGENT_UNKNOWN', () => {
    const result = run(load({ agents: [], rules: [rule({ verdict: 'hold' })] })).judge({})
    expect(result.verdict).toBe('deny')
    expect(codes(result)).toContain('AGENT_UNKNOWN')
  })

  test('a default that is no word -> the bundle does not load', () => {
    const bad = [{}, { low: 'allow', medium: 'allow', high: 'allow', critical: 'permit' }]
    for (const defaults of bad) {
      const change = { defaults } as unknown as Partial<CompiledPolicy>
      expect(() => load(change)).toThrow(expect.objectContaining({ code: 'VALUE_INVALID' }))
    }
  })
})

describe('a tool that nobody named is allowed', () => {
  test.for(['nobody', 'Refund', 'refund ', 'refund\u0000', 'ｒefund', '', '*', 'constructor'])(
    'billing.%j -> deny TOOL_UNKNOWN',
    (name) => {
      const result = run(load()).judge({ action: name })
      expect(result.verdict).toBe('deny')
      expect(codes(result)).toContain('TOOL_UNKNOWN')
    },
  )

  test.for(['read', 'write', 'irreversible'] as const)(
    'a rule about %s tools leaves it out -> it applies',
    (effect) => {
      const loaded = load({ unknown_tools: 'hold', rules: [rule({ on: { effect } })] })
      expect(run(loaded).judge({ action: 'nobody' }).verdict).toBe('deny')
    },
  )

  test('unknown_tools that is no word -> the bundle does not load', () => {
    expect(() => load({ unknown_tools: 'allow' as 'deny' })).toThrow(
      expect.objectContaining({ code: 'VALUE_INVALID' }),
    )
  })
})

describe('a pattern that does not compile matches nothing', () => {
  test.for(['(', '[a', 'a{2,1}', '(?P<n', '\\', '(?=a)', '*'])(
    '%j -> the bundle does not load',
    (matches) => {
      for (const operator of ['matches', 'not_matches']) {
        const spec = { path: 'payload', [operator]: matches }
        expect(() => load({ rules: [rule({ kind: 'pattern', spec })] })).toThrow(
          expect.objectContaining({ code: 'PATTERN_INVALID' }),
        )
      }
    },
  )

  test('a pattern that makes other engines backtrack for seconds ends at once', () => {
    const one = rule({ kind: 'pattern', spec: { path: 'payload.a', matches: '^(a+)+$' } })
    const start = cpuMs()
    expect(judgeOne(one, { payload: { a: `${'a'.repeat(5000)}!` } }).verdict).toBe('allow')
    expect(cpuMs() - start).toBeLessThan(8_000)
  })
})

describe('a missing Rego answer is an allow', () => {
  test.for<{ name: string; answer: unknown }>([
    { name: 'undefined', answer: { failed: 'REGO_UNDEFINED', message: '' } },
    { name: 'aborted', answer: { failed: 'REGO_ABORTED', message: '' } },
    { name: 'without a value', answer: {} },
    { name: 'an undefined value', answer: { value: undefined } },
    { name: 'a null value', answer: { value: null } },
    { name: 'a boolean', answer: { value: true } },
    { name: 'an object', answer: { value: { allow: true } } },
    { name: 'an empty text', answer: { value: '' } },
  ])('$name -> deny', ({ answer }) => {
    const rego = program(['countersign/refunds/deny'], () => answer as { value: JsonValue })
    expect(run(load({ rego: [regoRule('deny')] }, rego)).judge({}).verdict).toBe('deny')
  })
})

describe('a rule that fails is skipped', () => {
  const circular: Record<string, unknown> = {}
  circular['self'] = circular
  test.for<{ name: string; payload: unknown; want: string[] }>([
    // The engine itself looks for references to secrets in it, and finds no end either.
    {
      name: 'a payload without an end',
      payload: circular,
      want: ['SECRET_REFERENCE_INVALID', 'RULE_FAILED'],
    },
    { name: 'a BigInt', payload: { n: 1n }, want: ['RULE_FAILED'] },
    { name: 'a lone surrogate', payload: { n: '\ud800' }, want: ['RULE_FAILED'] },
  ])('loop over $name -> deny $want', ({ payload, want }) => {
    const one = rule({
      kind: 'loop',
      spec: { repeats: 2 },
      verdict: 'redact',
      ...masking(['payload.n']),
    })
    const result = judgeOne(one, { payload: payload as Record<string, JsonValue> })
    expect([result.verdict, codes(result), result.obligations]).toEqual(['deny', want, []])
  })

  test('a failing shadow rule is a shadow finding and no allow: what others say still counts', () => {
    const rules = [
      rule({ id: 'test/shadow', kind: 'loop', spec: { repeats: 2 }, mode: 'shadow' }),
      rule({ id: 'test/hold', verdict: 'hold' }),
    ]
    const result = run(load({ rules })).judge({ payload: { n: '\ud800' } })
    expect(result.verdict).toBe('hold')
    expect(result.findings.find((one) => one.rule === 'test/shadow')).toMatchObject({
      mode: 'shadow',
      verdict: 'deny',
      code: 'RULE_FAILED',
    })
  })

  test('the message of an unforeseen error stays out of the finding', () => {
    const payload = {
      get secret(): string {
        throw new Error('4111111111111111')
      },
    }
    const one = rule({ kind: 'pattern', spec: { path: 'payload', matches: 'x' } })
    const result = judgeOne(one, { payload })
    expect(result.verdict).toBe('deny')
    expect(JSON.stringify(result)).not.toContain('4111')
  })

  test.for([Number.NaN, -1, 1.5, Number.POSITIVE_INFINITY, 8.64e15 + 2, undefined, '0'])(
    'the time %s -> ENGINE_FAILED, no verdict',
    (now) => {
      const input = { action: action(), state: {}, now: now as number, key: KEY }
      expect(() => evaluate(load(), input)).toThrow(
        expect.objectContaining({ code: 'ENGINE_FAILED' }),
      )
    },
  )

  test('a date that does not parse never lets a bundle expire -> it does not load', () => {
    expect(() => load({ valid_until: 'tomorrow' })).toThrow(
      expect.objectContaining({ code: 'VALUE_INVALID' }),
    )
  })
})

describe('a hold that waits for nobody runs in the end', () => {
  test.for<{ name: string; policy: Partial<CompiledPolicy>; change: Partial<JudgedAction> }>([
    { name: 'a rule', policy: { rules: [rule({ verdict: 'hold' })] }, change: {} },
    { name: 'an unknown tool', policy: { unknown_tools: 'hold' }, change: { action: 'nobody' } },
    { name: 'a fingerprint', policy: { agents: [agent({ fingerprints: ['f'] })] }, change: {} },
    {
      name: 'the default',
      policy: { defaults: { low: 'hold', medium: 'hold', high: 'hold', critical: 'hold' } },
      change: {},
    },
  ])('$name holds, and there is no route default -> deny ROUTE_MISSING', ({ policy, change }) => {
    const result = run(load({ ...policy, routes: [] })).judge(change)
    expect([result.verdict, codes(result)]).toEqual(['deny', ['ROUTE_MISSING']])
  })
})

describe('a polluted Object.prototype changes a verdict', () => {
  const NAMES = [
    'payload',
    'amount',
    'verdict',
    'mode',
    'route',
    'routes',
    'if_missing',
    'paths',
    'path',
    'equals',
    'matches',
    'service',
    'action',
    'effect',
    'by',
    'per',
    'limit',
    'after',
    'code',
    'failed',
    'value',
    'args_digest',
    'period_max',
    'compare',
    'redact',
    'state',
    'until',
    'msg',
    'file',
    'line',
    'column',
    'principal',
    'fingerprint',
    'context',
    'deny',
    'found',
    'writes',
    'tool',
    'agent',
    'user',
    'spec',
  ]
  const VALUES = ['allow', 'pass', 'shadow', [], true, null, 0, { value: [], until: 9e15 }]

  afterEach(() => {
    for (const name of NAMES) Reflect.deleteProperty(Object.prototype, name)
  })

  function verdicts(): string {
    const rego = program(['countersign/refunds/hold'], () => ({ value: [{ msg: 'm' }] }))
    const rules = [
      rule({ id: 'a/pattern', kind: 'pattern', spec: { path: 'payload.amount', above: 100 } }),
      rule({
        id: 'a/when',
        when: [{ path: 'payload.verdict', not_equals: 'allow' }],
        verdict: 'hold',
      }),
      rule({ id: 'a/velocity', kind: 'velocity', spec: { limit: 1, per: '1h' }, verdict: 'hold' }),
      rule({
        id: 'a/by',
        kind: 'velocity',
        spec: { limit: 1, per: '1h', by: ['payload.user'] },
        verdict: 'hold',
      }),
      rule({ id: 'a/loop', kind: 'loop', spec: { repeats: 2 }, verdict: 'hold' }),
      rule({ id: 'a/flow', kind: 'flow', spec: { after: {}, within: '1h' }, verdict: 'hold' }),
      rule({
        id: 'a/scope',
        kind: 'scope',
        spec: { tools: ['crm.*'] },
        verdict: 'redact',
        ...masking(['payload.x']),
      }),
    ]
    const { judge } = run(load({ rules, rego: [regoRule('hold')] }, rego))
    const results = [{}, { amount: 5 }, { amount: 500 }].map((value) => judge({ payload: value }))
    return canonicalize(results as unknown as JsonValue)
  }

  test('with any of the names the code reads -> the same bytes', () => {
    const clean = verdicts()
    for (const name of NAMES) {
      for (const value of VALUES) {
        const pollution = { value, configurable: true, enumerable: false, writable: true }
        Object.defineProperty(Object.prototype, name, pollution)
        let polluted: string
        try {
          polluted = verdicts()
        } finally {
          Reflect.deleteProperty(Object.prototype, name)
        }
        expect(polluted, `${name} = ${JSON.stringify(value)}`).toBe(clean)
      }
    }
  })
})

describe('state', () => {
  const rego = program(['countersign/refunds/deny'], () => ({ value: [] }))
  const counters = [{ name: 'n', per: '1h', by: ['payload.user'] }]
  const loaded = load(
    {
      rules: [
        rule({
          id: 'a/v',
          kind: 'velocity',
          spec: { limit: 2, per: '1h', by: ['session', 'payload.user'] },
        }),
        rule({ id: 'a/l', kind: 'loop', spec: { repeats: 3, period_max: 2 }, verdict: 'hold' }),
        rule({
          id: 'a/f',
          kind: 'flow',
          on: { action: 'read' },
          spec: { after: { action: 'refund' }, within: '1h', by: ['agent', 'payload.user'] },
        }),
        rule({
          id: 'a/g',
          kind: 'flow',
          spec: { after: {}, within: '1h', by: ['session'] },
          verdict: 'hold',
        }),
      ],
      rego: [regoRule('deny', { counters })],
    },
    rego,
  )

  test('evaluate reads and writes only keys that stateKeys names', () => {
    let state: StateSlice = {}
    for (const change of [
      {},
      { payload: { user: 'u' } },
      { action: 'read' },
      { action: 'read', payload: { user: 'u' } },
    ]) {
      const one = action(change)
      const keys = new Set(stateKeys(loaded, one, KEY))
      const touched = new Set<string>()
      const watched = new Proxy(state, {
        get: (target, name) => {
          touched.add(String(name))
          return Reflect.get(target, name)
        },
        getOwnPropertyDescriptor: (target, name) => {
          touched.add(String(name))
          return Reflect.getOwnPropertyDescriptor(target, name)
        },
        ownKeys: () => {
          throw new Error('evaluate lists the state')
        },
      })
      const result = evaluate(loaded, { action: one, state: watched, now: NOON, key: KEY })
      expect(touched.size).toBeGreaterThan(0)
      expect([...touched].filter((key) => !keys.has(key))).toEqual([])
      expect(Object.keys(result.state).filter((key) => !keys.has(key))).toEqual([])
      state = { ...state, ...result.state }
    }
  })

  test('what else lies in the state changes nothing', () => {
    const one = action({ payload: { user: 'u' } })
    const alone = evaluate(loaded, { action: one, state: {}, now: NOON, key: KEY })
    const state = { 'v/a/v/00': { value: 'foreign', until: 9e12 }, x: { value: 1, until: 9e12 } }
    expect(evaluate(loaded, { action: one, state, now: NOON, key: KEY })).toEqual(alone)
  })

  test('neither keys nor values hold a clear value', () => {
    const one = action({
      session: 'secret-session',
      principal: 'ana@example.org',
      payload: { user: 'ana@example.org' },
    })
    const result = evaluate(loaded, { action: one, state: {}, now: NOON, key: KEY })
    const text = JSON.stringify([result, stateKeys(loaded, one, KEY)])
    expect(text).not.toContain('ana@example.org')
    expect(text).not.toContain('secret-session')
  })

  test('entries that did not change are not returned', () => {
    const one = load({
      rules: [rule({ kind: 'velocity', spec: { limit: 1, per: '1h' }, verdict: 'hold' })],
    })
    const first = evaluate(one, { action: action(), state: {}, now: NOON, key: KEY })
    const second = evaluate(one, { action: action(), state: first.state, now: NOON, key: KEY })
    const third = evaluate(one, { action: action(), state: second.state, now: NOON, key: KEY })
    expect(Object.keys(first.state)).toHaveLength(1)
    expect(third.state).toEqual({})
  })
})

test('every kind that a schema names is registered', () => {
  const folder = join(import.meta.dirname, '../../../schemas/kinds')
  const named = readdirSync(folder).map((file) => file.replace('.schema.json', ''))
  expect([...KINDS.keys()].sort()).toEqual(['every', ...named].sort())
})
