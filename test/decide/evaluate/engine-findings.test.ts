import { describe, expect, test } from 'vitest'
import type { CompiledPolicy } from '../../../src/model/generated/types.ts'
import type { JudgedAction } from '../../../src/model/nouns.ts'
import {
  action,
  agent,
  codes,
  ids,
  load,
  NOON,
  program,
  regoRule,
  rule,
  run,
  tool,
} from './fixtures.ts'

type Row = {
  name: string
  policy?: Partial<CompiledPolicy>
  action?: Partial<JudgedAction>
  want: string
  rules: string[]
}

const HOLD = { low: 'hold', medium: 'hold', high: 'hold', critical: 'hold' } as const
const place = { file: 'policies/agents/billing.yaml', line: 5, column: 1 }

test.for<Row>([
  { name: 'known agent, known tool, in scope', want: 'allow', rules: [] },
  { name: 'unknown agent', action: { agent: 'x' }, want: 'deny', rules: ['engine/agent-unknown'] },
  {
    name: 'another project',
    action: { project: 'x' },
    want: 'deny',
    rules: ['engine/other-project'],
  },
  {
    name: 'tool outside the scopes',
    policy: { tools: [tool({ service: 'mail', action: 'send' })] },
    action: { service: 'mail', action: 'send' },
    want: 'deny',
    rules: ['scope/outside-agent-scope'],
  },
  {
    name: 'tool in a scope of another role',
    policy: { agents: [agent({ scopes: [{ tools: ['billing.*'], roles: ['ci'], ...place }] })] },
    want: 'deny',
    rules: ['scope/outside-agent-scope'],
  },
  {
    name: 'tool in a scope of this role',
    policy: { agents: [agent({ scopes: [{ tools: ['billing.*'], roles: ['ci'], ...place }] })] },
    action: { role: 'ci' },
    want: 'allow',
    rules: [],
  },
  {
    name: 'no scopes at all',
    policy: { agents: [agent({ scopes: [] })] },
    want: 'deny',
    rules: ['scope/outside-agent-scope'],
  },
  { name: 'unknown tool', action: { action: 'x' }, want: 'deny', rules: ['engine/tool-unknown'] },
  {
    name: 'unknown tool where those are held',
    policy: { unknown_tools: 'hold' },
    action: { action: 'x' },
    want: 'hold',
    rules: ['engine/tool-unknown'],
  },
  {
    name: 'fingerprint left out',
    policy: { agents: [agent({ fingerprints: ['f1', 'f2'] })] },
    want: 'hold',
    rules: ['engine/fingerprint-unknown'],
  },
  {
    name: 'another fingerprint',
    policy: { agents: [agent({ fingerprints: ['f1', 'f2'] })] },
    action: { fingerprint: 'f3' },
    want: 'hold',
    rules: ['engine/fingerprint-unknown'],
  },
  {
    name: 'an approved fingerprint',
    policy: { agents: [agent({ fingerprints: ['f1', 'f2'] })] },
    action: { fingerprint: 'f2' },
    want: 'allow',
    rules: [],
  },
  {
    name: 'the default holds',
    policy: { defaults: HOLD },
    want: 'hold',
    rules: ['engine/default'],
  },
  {
    name: 'the default is that of the raised priority',
    policy: {
      defaults: { low: 'allow', medium: 'allow', high: 'deny', critical: 'hold' },
      tools: [tool({ priority: 'high' })],
    },
    action: { priority: 'low' },
    want: 'deny',
    rules: ['engine/default'],
  },
  {
    name: 'the caller may raise the priority',
    policy: { defaults: { low: 'allow', medium: 'allow', high: 'allow', critical: 'hold' } },
    action: { priority: 'critical' },
    want: 'hold',
    rules: ['engine/default'],
  },
  {
    name: 'an enforced rule speaks, and finds nothing',
    policy: {
      defaults: HOLD,
      rules: [
        rule({
          on: { action: 'refund' },
          when: [{ path: 'payload.a', equals: 1, if_missing: 'pass' }],
        }),
      ],
    },
    want: 'allow',
    rules: [],
  },
  {
    name: 'a rule speaks about another tool',
    policy: { defaults: HOLD, rules: [rule({ on: { service: 'crm' } })] },
    want: 'hold',
    rules: ['engine/default'],
  },
  {
    name: 'a shadow rule does not speak',
    policy: { defaults: HOLD, rules: [rule({ mode: 'shadow' })] },
    want: 'hold',
    rules: ['engine/default', 'test/rule'],
  },
  {
    name: 'a rule for every tool does not speak',
    policy: { defaults: HOLD, rules: [rule({ kind: 'loop', spec: { repeats: 2 } })] },
    want: 'hold',
    rules: ['engine/default'],
  },
  {
    name: 'a rule for every action by a star does not speak',
    policy: {
      defaults: HOLD,
      rules: [rule({ kind: 'loop', on: { action: ['refund', '*'] }, spec: { repeats: 2 } })],
    },
    want: 'hold',
    rules: ['engine/default'],
  },
  {
    name: 'being the earlier action of a flow is not being spoken about',
    policy: {
      defaults: HOLD,
      rules: [rule({ kind: 'flow', on: { service: 'crm' }, spec: { after: {}, within: '1h' } })],
    },
    want: 'hold',
    rules: ['engine/default'],
  },
  {
    name: 'an empty policy',
    policy: { agents: [], tools: [] },
    want: 'deny',
    rules: ['engine/agent-unknown', 'engine/policy-empty', 'engine/tool-unknown'],
  },
])('$name -> $want', ({ policy, action: change, want, rules }) => {
  const result = run(load(policy)).judge(change ?? {})
  expect(result.verdict).toBe(want)
  expect(ids(result)).toEqual(rules)
})

test.for([
  { name: 'a millisecond before', now: NOON - 1, want: 'allow' },
  { name: 'at the time', now: NOON, want: 'deny' },
  { name: 'after it', now: NOON + 1, want: 'deny' },
])('bundle judged $name -> $want', ({ now, want }) => {
  const result = run(load({ valid_until: '2026-05-01T12:00:00Z' })).judge({}, now)
  expect(result.verdict).toBe(want)
  expect(codes(result)).toEqual(want === 'deny' ? ['BUNDLE_EXPIRED'] : [])
})

test('a Rego package speaks too', () => {
  const rego = program(['countersign/refunds/deny'], () => ({ value: [] }))
  const verdictWith = (changes: Parameters<typeof regoRule>[1]) =>
    run(load({ defaults: HOLD, rego: [regoRule('deny', changes)] }, rego)).judge({}).verdict
  const on = { service: 'billing' }
  expect(verdictWith({ on })).toBe('allow')
  expect(verdictWith({ on, mode: 'shadow' })).toBe('hold')
  expect(verdictWith({ on: {} })).toBe('hold')
})

test('the scope finding stands in the agent file, and names the nearest tool', () => {
  const scopes = [{ tools: ['billing.refund_all'], roles: null, ...place }]
  const result = run(load({ agents: [agent({ scopes })] })).judge({ action: 'refund_al' })
  expect(result.findings.find((one) => one.kind === 'scope')).toMatchObject({
    file: 'policies/agents/billing.yaml',
    line: 3,
    evidence: { agent: 'billing-agent', tool: 'billing.refund_al', nearest: 'billing.refund_all' },
  })
})

describe('selectors', () => {
  const rows: [Parameters<typeof rule>[0] & object, Partial<JudgedAction>, string][] = [
    [{ on: {} }, {}, 'deny'],
    [{ on: { service: 'billing', action: 'refund' } }, {}, 'deny'],
    [{ on: { service: 'billing', action: 'read' } }, {}, 'allow'],
    [{ on: { service: ['crm', 'billing'], action: ['x', 'refund'] } }, {}, 'deny'],
    [{ on: { service: 'billing' } }, {}, 'deny'],
    [{ on: { service: 'bill*', action: 're*' } }, {}, 'deny'],
    [{ on: { action: '*fund' } }, {}, 'deny'],
    [{ on: { action: ['a*', 'b*'] } }, {}, 'allow'],
    [{ on: { agent: 'billing-*' } }, {}, 'deny'],
    [{ on: { agent: 'other' } }, {}, 'allow'],
    [{ on: { role: 'agent' } }, {}, 'deny'],
    [{ on: { role: ['host', 'ci'] } }, {}, 'allow'],
    [{ on: { effect: 'write' } }, {}, 'deny'],
    [{ on: { effect: ['read', 'irreversible'] } }, {}, 'allow'],
    [{ on: { priority: 'medium' } }, {}, 'deny'],
    [{ on: { priority: ['high', 'critical'] } }, {}, 'allow'],
    [{ on: { priority: ['high', 'critical'] } }, { priority: 'high' }, 'deny'],
    [{ on: { service: 'billing', effect: 'read' } }, {}, 'allow'],
  ]
  test.for(rows.map(([one, change, want]) => ({ on: one.on, one, change, want })))(
    '$on of $change -> $want',
    ({ one, change, want }) => {
      expect(run(load({ rules: [rule(one)] })).judge(change).verdict).toBe(want)
    },
  )

  test('any effect selects a tool that no Tools file names', () => {
    for (const effect of ['read', 'write', 'irreversible'] as const) {
      const result = run(load({ rules: [rule({ on: { effect } })] })).judge({ action: 'nobody' })
      expect(ids(result)).toContain('test/rule')
    }
  })

  test('names that run together are told apart', () => {
    const loaded = load({ rules: [rule({ on: { service: 'ab', action: 'c' } })] })
    const first = loaded.select(action({ service: 'ab', action: 'c' }))
    const second = loaded.select(action({ service: 'a', action: 'bc' }))
    expect([first.rules.length, second.rules.length]).toEqual([1, 0])
  })
})
