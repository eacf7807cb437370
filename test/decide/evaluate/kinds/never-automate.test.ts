import { describe, expect, test } from 'vitest'
import type { CompiledTool } from '../../../../src/model/generated/types.ts'
import type { JudgedAction } from '../../../../src/model/nouns.ts'
import { codes, ids, load, type RuleChanges, rule, run, tool } from '../fixtures.ts'
import type { Label } from './labels.ts'
import { judgeWith, missingLabels } from './labels.ts'

const kind = 'never_automate'
const on = { action: 'refund' }
const hold = rule({ id: 'test/hold', on: { service: 'billing' }, verdict: 'hold' })

type Case = {
  readonly label: Label
  readonly name: string
  readonly rules?: readonly RuleChanges[]
  readonly action?: Partial<JudgedAction>
  readonly want: string
}

const never: RuleChanges = { kind, on, spec: { draft: 'mail.save_draft' } }
const CASES: readonly Case[] = [
  {
    label: 'allow',
    name: 'another action',
    rules: [never],
    action: { action: 'read' },
    want: 'allow',
  },
  {
    label: 'allow',
    name: 'an action that `when` leaves out',
    rules: [{ ...never, when: [{ path: 'payload.amount', above: 9 }] }],
    action: { payload: { amount: 9 } },
    want: 'allow',
  },
  {
    label: 'hold',
    name: 'another action that another rule holds',
    rules: [never, { ...hold, verdict: 'hold' }],
    action: { action: 'read' },
    want: 'hold',
  },
  { label: 'deny', name: 'the action', rules: [never], want: 'deny' },
  {
    label: 'deny',
    name: 'the action, though another rule holds it',
    rules: [never, { ...hold, verdict: 'hold' }],
    want: 'deny',
  },
  {
    label: 'deny',
    name: 'the action on behalf of anybody',
    rules: [never],
    action: { principal: 'ceo', priority: 'critical' },
    want: 'deny',
  },
  {
    label: 'shadow',
    name: 'beside a rule in shadow',
    rules: [never, { ...hold, verdict: 'hold', mode: 'shadow' }],
    want: 'deny',
  },
  { label: 'boundary', name: 'without a draft', rules: [{ kind, on }], want: 'deny' },
  {
    label: 'boundary',
    name: 'what came back of it',
    rules: [never],
    action: { phase: 'result', result: 1 },
    want: 'allow',
  },
  {
    label: 'bad-input',
    name: 'a field that `when` needs is missing',
    rules: [{ ...never, when: [{ path: 'payload.amount', above: 9 }] }],
    want: 'deny',
  },
  {
    label: 'bad-input',
    name: 'a tool that no file names',
    rules: [{ kind, on: { action: 'unheard' } }],
    action: { action: 'unheard' },
    want: 'deny',
  },
]

test.for(CASES)('$label: $name -> $want', ({ rules = [], action = {}, want }) => {
  const made = rules.map((one, index) => rule({ ...one, id: `test/rule-${index}` }))
  expect(run(load({ rules: made })).judge(action).verdict).toBe(want)
})

test('the table has every label', () => {
  expect(missingLabels(CASES)).toEqual([])
})

test('the finding names what the agent may do instead', () => {
  const { findings } = judgeWith(rule(never), {})
  expect(findings[0]).toMatchObject({
    message: expect.stringContaining('mail.save_draft'),
    evidence: { draft: 'mail.save_draft' },
  })
})

test.for<{ name: string; change: RuleChanges }>([
  { name: 'in shadow', change: { mode: 'shadow' } },
  { name: 'as a hold', change: { verdict: 'hold' } },
  {
    name: 'as a redaction',
    change: { verdict: 'redact', obligations: [{ kind: 'redact', paths: ['payload.a'] }] },
  },
])('such a rule $name -> VALUE_INVALID at load', ({ change }) => {
  expect(() => load({ rules: [rule({ ...never, ...change })] })).toThrow(
    expect.objectContaining({ code: 'VALUE_INVALID' }),
  )
})

describe('a tool that is never automated', () => {
  const judge = (
    changes: Partial<CompiledTool>,
    action: Partial<JudgedAction> = {},
    rules: RuleChanges[] = [],
  ) => run(load({ tools: [tool(changes)], rules: rules.map(rule) })).judge(action)

  test.for<{ name: string; tool: Partial<CompiledTool>; rules?: RuleChanges[]; want: string }>([
    { name: 'with a draft', tool: { automate: 'never', draft: 'mail.save_draft' }, want: 'deny' },
    { name: 'without a draft', tool: { automate: 'never' }, want: 'deny' },
    {
      name: 'that a rule holds',
      tool: { automate: 'never' },
      rules: [{ on: { service: 'billing' }, verdict: 'hold' }],
      want: 'deny',
    },
    {
      name: 'of which a rule in shadow speaks',
      tool: { automate: 'never' },
      rules: [{ on: { service: 'billing' }, mode: 'shadow' }],
      want: 'deny',
    },
    { name: 'no more', tool: {}, want: 'allow' },
  ])('$name -> $want', ({ tool: changes, rules, want }) => {
    const result = judge(changes, {}, rules)
    expect(result.verdict).toBe(want)
    expect(ids(result).includes('engine/never-automated')).toBe(want === 'deny')
    if (want === 'deny') expect(codes(result)).toContain('NEVER_AUTOMATED')
  })

  test("the finding is the engine's, enforced, and names the draft", () => {
    const { findings } = judge({ automate: 'never', draft: 'mail.save_draft' })
    expect(findings[0]).toMatchObject({
      kind: 'engine',
      mode: 'enforce',
      message: expect.stringContaining('mail.save_draft'),
      evidence: { tool: 'billing.refund', draft: 'mail.save_draft' },
    })
  })

  test('what came back of it is kept back', () => {
    const result = judge({ automate: 'never' }, { phase: 'result', result: 1 })
    expect(result.verdict).toBe('deny')
  })

  test('another word than never -> VALUE_INVALID at load', () => {
    expect(() => load({ tools: [tool({ automate: 'sometimes' as 'never' })] })).toThrow(
      expect.objectContaining({ code: 'VALUE_INVALID' }),
    )
  })

  test('a polluted prototype neither adds nor removes it', () => {
    const prototype = Object.prototype as Record<string, unknown>
    try {
      prototype['automate'] = 'never'
      expect(judge({}).verdict).toBe('allow')
      prototype['automate'] = undefined
      expect(judge({ automate: 'never' }).verdict).toBe('deny')
    } finally {
      delete prototype['automate']
    }
  })
})
