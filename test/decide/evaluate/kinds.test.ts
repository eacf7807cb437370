import { describe, expect, test } from 'vitest'
import type { JsonObject } from '../../../src/base/json-value.ts'
import { findPeriod } from '../../../src/decide/evaluate/kinds/loop.ts'
import type { RuleChanges } from './fixtures.ts'
import { agent, codes, load, MINUTE, masking, NOON, rule, run, SECOND, tool } from './fixtures.ts'

function runRule(changes: RuleChanges) {
  return run(load({ rules: [rule({ verdict: 'hold', ...changes })] }))
}

describe('velocity', () => {
  const spec = { limit: 3, per: '10m', by: ['agent', 'payload.user'] }
  const kind = 'velocity'

  test('the attempt after the limit is held, and the next one too: held attempts count', () => {
    const { judge } = runRule({ kind, spec })
    const verdicts = [0, 1, 2, 3, 4].map(
      (i) => judge({ payload: { user: 'u' } }, NOON + i * SECOND).verdict,
    )
    expect(verdicts).toEqual(['allow', 'allow', 'allow', 'hold', 'hold'])
  })

  test('an attempt leaves the window exactly when it ends', () => {
    const { judge } = runRule({ kind, spec })
    for (const at of [0, 1, 2]) judge({ payload: { user: 'u' } }, NOON + at)
    expect(judge({ payload: { user: 'u' } }, NOON + 10 * MINUTE - 1).verdict).toBe('hold')
    const again = runRule({ kind, spec })
    for (const at of [0, 1, 2]) again.judge({ payload: { user: 'u' } }, NOON + at)
    expect(again.judge({ payload: { user: 'u' } }, NOON + 10 * MINUTE).verdict).toBe('allow')
  })

  test('other users, other agents: counted apart', () => {
    const both = [agent(), agent({ agent: 'other' })]
    const { judge } = run(load({ agents: both, rules: [rule({ kind, spec, verdict: 'hold' })] }))
    for (let i = 0; i < 3; i++) judge({ payload: { user: 'u' } })
    expect(judge({ payload: { user: 'v' } }).verdict).toBe('allow')
    expect(judge({ agent: 'other', payload: { user: 'u' } }).verdict).toBe('allow')
    expect(judge({ payload: { user: 'u' } }).verdict).toBe('hold')
  })

  test('a new session, principal or payload resets nothing', () => {
    const { judge } = runRule({ kind, spec: { limit: 2, per: '1h' } })
    judge({ session: 'a' })
    judge({ session: 'b', principal: 'x' })
    expect(judge({ session: 'c', payload: { n: 1 } }).verdict).toBe('hold')
  })

  test('attempts without the field share one bucket', () => {
    const { judge } = runRule({
      kind,
      spec: { limit: 2, per: '1h', by: ['payload.user', 'payload.n'] },
    })
    judge({ payload: { n: 1 } })
    judge({ payload: { n: 2 } })
    expect(judge({ payload: { n: 3 } }).verdict).toBe('hold')
  })

  test('a clock that goes back does not empty the window', () => {
    const { judge } = runRule({ kind, spec: { limit: 1, per: '10m' } })
    judge({}, NOON)
    expect(judge({}, NOON - 60 * MINUTE).verdict).toBe('hold')
    expect(judge({}, NOON + 9 * MINUTE).verdict).toBe('hold')
  })

  test('attempts that another rule denies count', () => {
    const deny = rule({ id: 'test/deny', when: [{ path: 'payload.bad', equals: true }] })
    const { judge } = run(
      load({ rules: [deny, rule({ kind, verdict: 'hold', spec: { limit: 1, per: '1h' } })] }),
    )
    expect(judge({ payload: { bad: true } }).verdict).toBe('deny')
    expect(judge({ payload: { bad: false } }).verdict).toBe('hold')
  })

  test('the state keeps at most one time more than the limit, and no clear value', () => {
    const { judge, state } = runRule({ kind, spec })
    for (let i = 0; i < 20; i++) judge({ payload: { user: 'ana@example.org' } }, NOON + i)
    const [[key, entry] = ['', null]] = Object.entries(state())
    expect(entry?.value).toEqual([NOON + 16, NOON + 17, NOON + 18, NOON + 19])
    expect(entry?.until).toBe(NOON + 19 + 10 * MINUTE)
    expect(key).toMatch(/^v\/test\/rule\/[0-9a-f]{32}$/)
  })

  test('a forgotten entry and a swept one judge alike', () => {
    const { judge, state } = runRule({ kind, spec: { limit: 1, per: '10m' } })
    judge({})
    const kept = run(load({ rules: [rule({ kind, spec: { limit: 1, per: '10m' } })] }), state())
    const swept = run(load({ rules: [rule({ kind, spec: { limit: 1, per: '10m' } })] }))
    expect(kept.judge({}, NOON + 10 * MINUTE)).toEqual(swept.judge({}, NOON + 10 * MINUTE))
  })
})

describe('loop', () => {
  const kind = 'loop'

  test.for<{ name: string; spec: Record<string, unknown>; calls: string; want: string }>([
    { name: 'three equal calls of three', spec: { repeats: 3 }, calls: 'aaa', want: '..H' },
    { name: 'another call between', spec: { repeats: 3 }, calls: 'aabaa', want: '.....' },
    { name: 'still looping', spec: { repeats: 2 }, calls: 'aaaa', want: '.HHH' },
    {
      name: 'a cycle of two',
      spec: { repeats: 3, period_max: 2 },
      calls: 'ababab',
      want: '.....H',
    },
    { name: 'a cycle beyond the period', spec: { repeats: 3 }, calls: 'ababab', want: '......' },
    {
      name: 'a cycle of three',
      spec: { repeats: 2, period_max: 3 },
      calls: 'abcabc',
      want: '.....H',
    },
    {
      name: 'arguments differ, tool compared',
      spec: { repeats: 3, compare: 'tool' },
      calls: 'abc',
      want: '..H',
    },
  ])('$name -> $want', ({ spec, calls, want }) => {
    const { judge } = runRule({ kind, spec })
    const got = [...calls].map((call) => judge({ payload: { call } }).verdict === 'hold')
    expect(got.map((held) => (held ? 'H' : '.')).join('')).toBe(want)
  })

  test('the order of keys in the arguments makes no difference', () => {
    const { judge } = runRule({ kind, spec: { repeats: 2 } })
    judge({ payload: { a: 1, b: 2 } })
    expect(judge({ payload: { b: 2, a: 1 } }).verdict).toBe('hold')
  })

  test('a new session does not break a loop', () => {
    const { judge } = runRule({ kind, spec: { repeats: 2 } })
    judge({ session: 'a' })
    expect(judge({ session: 'b' }).verdict).toBe('hold')
  })

  test('args_digest stands in for an empty payload only', () => {
    const { judge } = runRule({ kind, spec: { repeats: 2 } })
    judge({ args_digest: 'x' })
    expect(judge({ args_digest: 'y' }).verdict).toBe('allow')
    expect(judge({ args_digest: 'y' }).verdict).toBe('hold')
    judge({ payload: { a: 1 }, args_digest: 'p' })
    expect(judge({ payload: { a: 1 }, args_digest: 'q' }).verdict).toBe('hold')
  })

  test('a quiet day ends a loop; a shorter pause does not', () => {
    const { judge } = runRule({ kind, spec: { repeats: 2 } })
    judge({}, NOON)
    expect(judge({}, NOON + 24 * 60 * MINUTE - 1).verdict).toBe('hold')
    expect(judge({}, NOON + 48 * 60 * MINUTE).verdict).toBe('allow')
  })

  test.for([
    { calls: 'aaaa', repeats: 2, max: 2, want: 1 },
    { calls: 'xabab', repeats: 2, max: 2, want: 2 },
    { calls: 'aba', repeats: 2, max: 2, want: null },
    { calls: '', repeats: 2, max: 5, want: null },
  ])('findPeriod $calls -> $want', ({ calls, repeats, max, want }) => {
    expect(findPeriod([...calls], repeats, max)).toBe(want)
  })
})

describe('flow', () => {
  const kind = 'flow'
  const on = { service: 'crm' }
  const after = { service: 'billing' }
  const first = { service: 'billing', action: 'refund' }
  const second = { service: 'crm', action: 'export' }

  test.for([
    { name: 'right after', wait: 0, want: 'hold' },
    { name: 'just within', wait: 60 * MINUTE - 1, want: 'hold' },
    { name: 'when it has passed', wait: 60 * MINUTE, want: 'allow' },
    { name: 'clock gone back', wait: -5 * MINUTE, want: 'hold' },
  ])('the second action $name -> $want', ({ wait, want }) => {
    const { judge } = runRule({ kind, on, spec: { after, within: '1h' } })
    expect(judge(first).verdict).toBe('allow')
    expect(judge(second, NOON + wait).verdict).toBe(want)
  })

  test('the second action alone, or first, is fine', () => {
    const { judge } = runRule({ kind, on, spec: { after, within: '1h' } })
    expect(judge(second).verdict).toBe('allow')
    expect(judge(first).verdict).toBe('allow')
  })

  test.for<{ verdict: 'deny' | 'hold'; mode: 'enforce' | 'shadow'; want: string }>([
    { verdict: 'deny', mode: 'enforce', want: 'allow' },
    { verdict: 'hold', mode: 'enforce', want: 'hold' },
    { verdict: 'deny', mode: 'shadow', want: 'hold' },
  ])('an earlier action under $mode $verdict: the second is $want', ({ verdict, mode, want }) => {
    const rules = [
      rule({ id: 'test/first', on: after, verdict, mode }),
      rule({ kind, on, verdict: 'hold', spec: { after, within: '1h' } }),
    ]
    const { judge } = run(load({ rules }))
    judge(first)
    expect(judge(second).verdict).toBe(want)
  })

  test('an action that is both is judged first, then remembered', () => {
    const { judge } = runRule({ kind, spec: { after: {}, within: '1h' } })
    expect(judge(first).verdict).toBe('allow')
    expect(judge(first).verdict).toBe('hold')
  })

  test.for([
    { name: 'same customer', one: { c: 1 }, two: { c: 1 }, want: 'hold' },
    { name: 'another customer', one: { c: 1 }, two: { c: 2 }, want: 'allow' },
    { name: 'second leaves it out', one: { c: 1 }, two: {}, want: 'hold' },
    { name: 'first leaves it out', one: {}, two: { c: 1 }, want: 'hold' },
    { name: 'both leave it out', one: {}, two: {}, want: 'hold' },
  ])('by a field: $name -> $want', ({ one, two, want }) => {
    const by = ['agent', 'payload.c']
    const { judge } = runRule({ kind, on, spec: { after, within: '1h', by } })
    judge({ ...first, payload: one })
    expect(judge({ ...second, payload: two }).verdict).toBe(want)
  })

  test('another agent is another flow, however much is left out', () => {
    const rules = [
      rule({
        kind,
        on,
        verdict: 'hold',
        spec: { after, within: '1h', by: ['agent', 'payload.c'] },
      }),
    ]
    const { judge } = run(load({ rules, agents: [agent(), agent({ agent: 'other' })] }))
    judge(first)
    expect(judge({ ...second, agent: 'other' }).verdict).toBe('allow')
  })
})

describe('scope', () => {
  test.for([
    { name: 'a listed tool', tools: ['billing.refund'], want: 'allow' },
    { name: 'a glob', tools: ['billing.re*'], want: 'allow' },
    { name: 'another action', tools: ['billing.read'], want: 'deny' },
    { name: 'another service', tools: ['crm.refund'], want: 'deny' },
    { name: 'a glob of the service only', tools: ['bill*.x'], want: 'deny' },
    { name: 'a glob that would reach over the dot', tools: ['*.billing.refund'], want: 'deny' },
  ])('$name -> $want', ({ tools, want }) => {
    const { judge } = runRule({ kind: 'scope', verdict: 'deny', spec: { tools } })
    expect(judge({}).verdict).toBe(want)
  })

  test('the finding names the nearest listed tool', () => {
    const { judge } = runRule({ kind: 'scope', spec: { tools: ['billing.refunds', 'crm.x'] } })
    expect(judge({}).findings[0]?.evidence).toEqual({
      tool: 'billing.refund',
      nearest: 'billing.refunds',
    })
  })

  test('a service with a dot is never split by the caller', () => {
    const tools = [tool({ service: 'a.b', action: 'c' })]
    const scopes = [{ tools: ['a.*'], roles: null, file: 'f', line: 1, column: 1 }]
    const { judge } = run(load({ tools, agents: [agent({ scopes })] }))
    expect(judge({ service: 'a.b', action: 'c' }).verdict).toBe('deny')
  })
})

describe('settings', () => {
  test.for<{ name: string; change: RuleChanges; code: string }>([
    { name: 'an unknown kind', change: { kind: 'nope' }, code: 'KIND_UNKNOWN' },
    { name: 'a kind from Object.prototype', change: { kind: 'constructor' }, code: 'KIND_UNKNOWN' },
    {
      name: 'velocity without a limit',
      change: { kind: 'velocity', spec: { per: '1h' } },
      code: 'VALUE_INVALID',
    },
    {
      name: 'velocity with limit 0',
      change: { kind: 'velocity', spec: { limit: 0, per: '1h' } },
      code: 'VALUE_INVALID',
    },
    {
      name: 'velocity without a window',
      change: { kind: 'velocity', spec: { limit: 1 } },
      code: 'VALUE_INVALID',
    },
    {
      name: 'velocity by nothing',
      change: { kind: 'velocity', spec: { limit: 1, per: '1h', by: [] } },
      code: 'VALUE_INVALID',
    },
    {
      name: 'a window that is none',
      change: { kind: 'velocity', spec: { limit: 1, per: 'soon' } },
      code: 'DURATION_INVALID',
    },
    { name: 'loop without repeats', change: { kind: 'loop' }, code: 'VALUE_INVALID' },
    {
      name: 'loop comparing something else',
      change: { kind: 'loop', spec: { repeats: 2, compare: 'x' } },
      code: 'VALUE_INVALID',
    },
    {
      name: 'flow without after',
      change: { kind: 'flow', spec: { within: '1h' } },
      code: 'VALUE_INVALID',
    },
    {
      name: 'flow with an unknown selector key',
      change: { kind: 'flow', spec: { within: '1h', after: { tool: 'x' } } },
      code: 'VALUE_INVALID',
    },
    { name: 'scope without tools', change: { kind: 'scope' }, code: 'VALUE_INVALID' },
    {
      name: 'scope with a tool without a dot',
      change: { kind: 'scope', spec: { tools: ['x'] } },
      code: 'VALUE_INVALID',
    },
    { name: 'an unknown route', change: { route: 'nobody' }, code: 'REFERENCE_UNKNOWN' },
    { name: 'an unknown mode', change: { mode: 'off' as 'shadow' }, code: 'VALUE_INVALID' },
    { name: 'an unknown verdict', change: { verdict: 'allow' as 'deny' }, code: 'VALUE_INVALID' },
    { name: 'redact without a field', change: { verdict: 'redact' }, code: 'KEY_MISSING' },
    { name: 'redact outside the payload', change: masking(['context.a']), code: 'PATH_INVALID' },
    { name: 'redact of the whole payload', change: masking(['payload']), code: 'PATH_INVALID' },
    {
      name: 'a selector with an unknown effect',
      change: { on: { effect: 'none' as 'read' } },
      code: 'VALUE_INVALID',
    },
  ])('$name -> $code at load', ({ change, code }) => {
    expect(() => load({ rules: [rule(change)] })).toThrow(expect.objectContaining({ code }))
  })

  test('two rules of one id -> ID_DUPLICATE: they would share their state', () => {
    expect(() => load({ rules: [rule(), rule()] })).toThrow(
      expect.objectContaining({ code: 'ID_DUPLICATE' }),
    )
  })
})

describe('damaged state', () => {
  const rules: RuleChanges[] = [
    { kind: 'velocity', spec: { limit: 3, per: '1h' } },
    { kind: 'loop', spec: { repeats: 3 } },
    { kind: 'flow', spec: { after: {}, within: '1h' } },
  ]
  const values = [
    null,
    'x',
    {},
    -1,
    1.5,
    [1.5],
    [NOON, NOON - 1],
    [[1]],
    [null],
    true,
    new Array(2000).fill(1),
  ]
  test.for(rules.flatMap((one) => values.map((value) => ({ kind: one.kind, one, value }))))(
    '$kind with $value -> deny STATE_INVALID',
    ({ one, value }) => {
      const { judge, state } = runRule(one)
      judge({})
      const damaged = Object.fromEntries(
        Object.keys(state()).map((key) => [key, { value, until: NOON + 60 * MINUTE }]),
      )
      const result = run(load({ rules: [rule(one)] }), damaged).judge({})
      expect(result.verdict).toBe('deny')
      expect(codes(result)).toContain('STATE_INVALID')
      expect(result.state).toEqual({})
    },
  )

  test.for([null, 5, { value: [] }, { value: [], until: 'x' }, { value: [], until: Number.NaN }])(
    'an entry of shape %j -> deny STATE_INVALID',
    (entry) => {
      const one = { kind: 'velocity', spec: { limit: 3, per: '1h' } }
      const { judge, state } = runRule(one)
      judge({})
      const damaged = Object.fromEntries(Object.keys(state()).map((key) => [key, entry]))
      const result = run(load({ rules: [rule(one)] }), damaged as never).judge({})
      expect(result.verdict).toBe('deny')
    },
  )

  test('of a shadow rule -> a shadow finding; the verdict stays', () => {
    const one: RuleChanges = { ...rules[0], mode: 'shadow' }
    const { judge, state } = runRule(one)
    judge({})
    const damaged = Object.fromEntries(
      Object.keys(state()).map((key) => [key, { value: 'x', until: NOON + MINUTE }]),
    )
    const result = run(load({ rules: [rule(one)] }), damaged).judge({})
    expect(result.verdict).toBe('allow')
    expect(result.findings[0]).toMatchObject({
      mode: 'shadow',
      verdict: 'deny',
      code: 'STATE_INVALID',
    })
  })
})

test('a shadow rule counts like an enforced one', () => {
  const spec = { limit: 1, per: '1h' }
  const shadow = runRule({ kind: 'velocity', spec, mode: 'shadow' })
  shadow.judge({})
  const second = shadow.judge({})
  expect(second.verdict).toBe('allow')
  expect(second.findings[0]).toMatchObject({ mode: 'shadow', verdict: 'hold' })
  const enforced = run(load({ rules: [rule({ kind: 'velocity', spec })] }), shadow.state())
  expect(enforced.judge({}).verdict).toBe('deny')
})

describe('a change that would leave out what it is for', () => {
  const ssn = { path: 'payload.ssn', matches: ['^[0-9]+$'] }
  const two = { paths: ['payload.ssn', 'payload.tin'], matches: ['^[0-9]+$'] }
  const rows = { in: 'payload.rows', items_max: 1 }
  test.for<{ name: string; changes: RuleChanges; payload: object; want: string }>([
    {
      name: 'the field of a condition stands under another name',
      changes: { when: [ssn], ...masking(['payload.ssn']) },
      payload: { SSN: '123' },
      want: 'deny',
    },
    {
      name: 'the field of a condition is there',
      changes: { when: [ssn], ...masking(['payload.ssn']) },
      payload: { ssn: '123' },
      want: 'redact',
    },
    {
      name: 'a field beside that of the condition is missing',
      changes: { when: [ssn], ...masking(['payload.ssn', 'payload.tin']) },
      payload: { ssn: '123' },
      want: 'redact',
    },
    {
      name: 'one of two fields is missing',
      changes: { kind: 'pattern', spec: two, ...masking(two.paths) },
      payload: { ssn: '123' },
      want: 'deny',
    },
    {
      name: 'one of two fields is missing, as it may be',
      changes: { kind: 'pattern', spec: { ...two, if_missing: 'pass' }, ...masking(two.paths) },
      payload: { ssn: '123' },
      want: 'redact',
    },
    {
      name: 'the value that must fit stands under another name',
      changes: { kind: 'output', spec: rows, ...masking(['payload.rows']) },
      payload: { Rows: [1, 2] },
      want: 'deny',
    },
    {
      name: 'the value that must fit is there',
      changes: { kind: 'output', spec: rows, ...masking(['payload.rows']) },
      payload: { rows: [1, 2] },
      want: 'redact',
    },
  ])('$name -> $want', ({ changes, payload, want }) => {
    const { judge } = run(load({ rules: [rule({ verdict: 'redact', ...changes })] }))
    expect(judge({ payload: payload as JsonObject }).verdict).toBe(want)
  })
})
