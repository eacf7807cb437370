import { describe, expect, test } from 'vitest'
import type { JudgedAction } from '../../../../src/model/nouns.ts'
import { agent, load, type RuleChanges, rule, run } from '../fixtures.ts'
import type { Label } from './labels.ts'
import { judgeWith, missingLabels } from './labels.ts'

const kind = 'principal'

type Case = {
  readonly label: Label
  readonly name: string
  readonly spec?: Record<string, unknown>
  readonly action: Partial<JudgedAction>
  readonly rule?: RuleChanges
  readonly want: string
}

const allow = ['ana@example.com', 'finance-*']
const groups = { groups: ['finance'], groups_in: 'context.groups' }

const CASES: readonly Case[] = [
  {
    label: 'allow',
    name: 'a listed principal',
    action: { principal: 'ana@example.com' },
    want: 'allow',
  },
  { label: 'allow', name: 'a glob', action: { principal: 'finance-bo' }, want: 'allow' },
  {
    label: 'allow',
    name: 'one in a group',
    spec: groups,
    action: { principal: 'bo', context: { groups: ['x', 'finance'] } },
    want: 'allow',
  },
  {
    label: 'allow',
    name: 'one whose one group is a text',
    spec: groups,
    action: { principal: 'bo', context: { groups: 'finance' } },
    want: 'allow',
  },
  {
    label: 'allow',
    name: 'nobody, where that may be',
    spec: { allow, missing: 'pass' },
    action: {},
    want: 'allow',
  },
  {
    label: 'hold',
    name: 'somebody else',
    rule: { verdict: 'hold' },
    action: { principal: 'eve' },
    want: 'hold',
  },
  { label: 'deny', name: 'somebody else', action: { principal: 'eve' }, want: 'deny' },
  {
    label: 'deny',
    name: 'somebody else, where nobody may be',
    spec: { allow, missing: 'pass' },
    action: { principal: 'eve' },
    want: 'deny',
  },
  {
    label: 'deny',
    name: 'one in another group',
    spec: groups,
    action: { principal: 'bo', context: { groups: ['x'] } },
    want: 'deny',
  },
  {
    label: 'shadow',
    name: 'somebody else',
    rule: { mode: 'shadow' },
    action: { principal: 'eve' },
    want: 'allow',
  },
  {
    label: 'boundary',
    name: 'another case',
    action: { principal: 'Ana@example.com' },
    want: 'deny',
  },
  {
    label: 'boundary',
    name: 'a longer name',
    action: { principal: 'ana@example.com.evil' },
    want: 'deny',
  },
  {
    label: 'boundary',
    name: 'a glob at its end',
    action: { principal: 'finance-' },
    want: 'allow',
  },
  {
    label: 'boundary',
    name: 'a group that is no glob of the name',
    spec: { groups: ['fin*'] },
    action: { principal: 'finance' },
    want: 'deny',
  },
  { label: 'bad-input', name: 'no principal', action: {}, want: 'deny' },
  {
    label: 'bad-input',
    name: 'no principal, though in a group',
    spec: groups,
    action: { context: { groups: ['finance'] } },
    want: 'deny',
  },
  {
    label: 'bad-input',
    name: 'no groups',
    spec: groups,
    action: { principal: 'bo' },
    want: 'deny',
  },
  {
    label: 'bad-input',
    name: 'groups as an object',
    spec: groups,
    action: { principal: 'bo', context: { groups: { finance: true } } },
    want: 'deny',
  },
  {
    label: 'bad-input',
    name: 'a group as a list in a list',
    spec: groups,
    action: { principal: 'bo', context: { groups: [['finance']] } },
    want: 'deny',
  },
  {
    label: 'bad-input',
    name: 'a principal named in the payload',
    action: { payload: { principal: 'ana@example.com' } },
    want: 'deny',
  },
]

test.for(CASES)('$label: $name -> $want', ({ spec = { allow }, action, want, ...one }) => {
  const { verdict, findings } = judgeWith(rule({ kind, spec, ...one.rule }), action)
  expect(verdict).toBe(want)
  expect(findings.length).toBe(want === 'allow' && one.rule?.mode !== 'shadow' ? 0 : 1)
})

test('the table has every label', () => {
  expect(missingLabels(CASES)).toEqual([])
})

test('a finding does not name the principal or a group', () => {
  const made = rule({ kind, spec: { allow, ...groups } })
  const { findings } = judgeWith(made, { principal: 'eve', context: { groups: ['spies'] } })
  expect(findings[0]?.evidence).toEqual({
    principal: expect.stringMatching(/^[0-9a-f]{16}$/),
    groups: 1,
    groups_in: 'context.groups',
  })
  expect(JSON.stringify(findings)).not.toMatch(/eve|spies/)
})

test.for<{ name: string; spec: Record<string, unknown>; code: string }>([
  { name: 'nobody', spec: {}, code: 'KEY_MISSING' },
  { name: 'an empty list', spec: { allow: [] }, code: 'VALUE_INVALID' },
  { name: 'another word for missing', spec: { allow, missing: 'no' }, code: 'VALUE_INVALID' },
  { name: 'groups in no field', spec: { groups: ['a'], groups_in: 'x' }, code: 'PATH_INVALID' },
])('$name -> $code at load', ({ spec, code }) => {
  expect(() => load({ rules: [rule({ kind, spec })] })).toThrow(expect.objectContaining({ code }))
})

describe('principals of a scope', () => {
  const place = { file: 'policies/agents/billing.yaml', line: 5, column: 1 }
  const judge = (scopes: object[], changes: Partial<JudgedAction>) =>
    run(load({ agents: [agent({ scopes: scopes as never })] })).judge(changes)
  const scope = (changes: object) => ({ tools: ['billing.*'], roles: null, ...place, ...changes })
  const RULE = 'scope/principal-not-allowed'

  test.for([
    {
      name: 'a listed principal',
      scopes: [scope({ principals: ['ana', 'fin-*'] })],
      principal: 'fin-bo',
      want: 'allow',
    },
    {
      name: 'another principal',
      scopes: [scope({ principals: ['ana'] })],
      principal: 'eve',
      want: RULE,
    },
    { name: 'nobody', scopes: [scope({ principals: ['*'] })], principal: null, want: RULE },
    {
      name: 'another scope does not ask',
      scopes: [scope({ principals: ['ana'] }), scope({})],
      principal: 'eve',
      want: 'allow',
    },
    {
      name: 'another scope has them',
      scopes: [scope({ principals: ['ana'] }), scope({ principals: ['eve'] })],
      principal: 'eve',
      want: 'allow',
    },
    {
      name: 'a scope of another role',
      scopes: [scope({ principals: ['ana'] }), scope({ roles: ['host'] })],
      principal: 'eve',
      want: RULE,
    },
    {
      name: 'a scope of other tools',
      scopes: [scope({ principals: ['ana'] }), scope({ tools: ['crm.*'] })],
      principal: 'eve',
      want: RULE,
    },
    {
      name: 'no scope at all',
      scopes: [scope({ tools: ['crm.*'], principals: ['eve'] })],
      principal: 'eve',
      want: 'scope/outside-agent-scope',
    },
  ])('$name -> $want', ({ scopes, principal, want }) => {
    const { verdict, findings } = judge(scopes, { principal })
    expect(verdict).toBe(want === 'allow' ? 'allow' : 'deny')
    expect(findings.map((finding) => finding.rule)).toEqual(want === 'allow' ? [] : [want])
  })

  test('a selection that is remembered serves another principal rightly', () => {
    const { judge: again } = run(
      load({ agents: [agent({ scopes: [scope({ principals: ['ana'] })] as never })] }),
    )
    expect(again({ principal: 'ana' }).verdict).toBe('allow')
    expect(again({ principal: 'eve' }).verdict).toBe('deny')
    expect(again({ principal: 'ana' }).verdict).toBe('allow')
  })

  test('the finding does not name the principal', () => {
    const { findings } = judge([scope({ principals: ['ana'] })], { principal: 'eve' })
    expect(JSON.stringify(findings)).not.toContain('eve')
  })

  test('a result is asked for likewise', () => {
    const changes = { principal: 'eve', phase: 'result' as const, result: 1 }
    expect(judge([scope({ principals: ['ana'] })], changes).verdict).toBe('deny')
  })
})
