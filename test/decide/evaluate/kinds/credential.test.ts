import { describe, expect, test } from 'vitest'
import type { JsonObject } from '../../../../src/base/json-value.ts'
import { evaluate } from '../../../../src/decide/evaluate/evaluate.ts'
import type { CompiledPolicy, CompiledRule } from '../../../../src/model/generated/types.ts'
import {
  action,
  agent,
  KEY,
  load,
  MINUTE,
  NOON,
  type RuleChanges,
  rule,
  run,
  tool,
} from '../fixtures.ts'
import type { Label } from './labels.ts'
import { missingLabels } from './labels.ts'

const kind = 'credential'
const STRIPE = 'secret://env/STRIPE_KEY'
const OTHER = 'secret://vault/mail/smtp#password'
const PLACE = { file: 'policies/agents/billing.yaml', line: 9, column: 5 }

/** A policy whose agent may use both secrets with every tool: only the rule speaks. */
function policy(one: CompiledRule): Partial<CompiledPolicy> {
  const may = (secret: string) => ({ secret, tools: ['*.*'], rotate_by: null, ...PLACE })
  return {
    rules: [one],
    agents: [agent({ credentials: [may('secret://env/*'), may('secret://vault/*')] })],
    tools: [tool(), tool({ action: 'read', secret_texts: ['payload.header'] })],
    secrets: {
      env: ['*'],
      file: null,
      vault: {
        address: 'https://vault.example.com',
        mount: 'secret',
        namespace: null,
        ca_file: null,
        time_out: '5s',
        token: { env: 'VAULT_TOKEN' },
        app_role: null,
      },
    },
  }
}

/** 2026-05-01, a Friday, 12:00 UTC. */
const DAYTIME = {
  zone: 'UTC',
  allow: [{ days: ['mon', 'tue', 'wed', 'thu', 'fri'], from: '08:00', to: '18:00' }],
  except: [],
}

type Case = {
  readonly label: Label
  readonly name: string
  readonly spec: CompiledRule['spec']
  readonly payload: JsonObject
  readonly rule?: RuleChanges
  readonly now?: number
  /** Calls before, each a minute earlier than the next. */
  readonly before?: number
  readonly service?: string
  readonly action?: string
  readonly want: string
}

const KEYED = { key: STRIPE }

const CASES: readonly Case[] = [
  {
    label: 'allow',
    name: 'no secret',
    spec: { tools: ['crm.*'] },
    payload: { a: 1 },
    want: 'allow',
  },
  {
    label: 'allow',
    name: 'with its tool',
    spec: { tools: ['billing.*'] },
    payload: KEYED,
    want: 'allow',
  },
  {
    label: 'allow',
    name: 'another secret than the rule is about',
    spec: { secrets: ['secret://env/STRIPE_*'], tools: ['crm.*'] },
    payload: { key: OTHER },
    want: 'allow',
  },
  {
    label: 'allow',
    name: 'at its time',
    spec: { schedule: DAYTIME },
    payload: KEYED,
    want: 'allow',
  },
  {
    label: 'hold',
    name: 'with another tool',
    spec: { tools: ['crm.*'] },
    payload: KEYED,
    rule: { verdict: 'hold' },
    want: 'hold',
  },
  {
    label: 'hold',
    name: 'at night',
    spec: { schedule: DAYTIME },
    payload: KEYED,
    now: NOON + 10 * 60 * MINUTE,
    rule: { verdict: 'hold' },
    want: 'hold',
  },
  {
    label: 'deny',
    name: 'with another tool, by a glob',
    spec: { secrets: ['secret://env/STRIPE_*'], tools: ['billing.charge'] },
    payload: KEYED,
    want: 'deny',
  },
  {
    label: 'deny',
    name: 'more often than the limit',
    spec: { limit: 2, per: '10m' },
    payload: KEYED,
    before: 2,
    want: 'deny',
  },
  {
    label: 'deny',
    name: 'within a longer text',
    spec: { tools: ['crm.*'] },
    payload: { header: `Bearer ${STRIPE}` },
    action: 'read',
    want: 'deny',
  },
  {
    label: 'shadow',
    name: 'with another tool, in shadow',
    spec: { tools: ['crm.*'] },
    payload: KEYED,
    rule: { mode: 'shadow' },
    want: 'allow',
  },
  {
    label: 'boundary',
    name: 'the limit itself',
    spec: { limit: 2, per: '10m' },
    payload: KEYED,
    before: 1,
    want: 'allow',
  },
  {
    label: 'boundary',
    name: 'the window has passed',
    spec: { limit: 2, per: '2m' },
    payload: KEYED,
    before: 2,
    want: 'allow',
  },
  {
    label: 'boundary',
    name: 'a second before the time',
    spec: { schedule: DAYTIME },
    payload: KEYED,
    now: Date.UTC(2026, 4, 1, 7, 59, 59),
    want: 'deny',
  },
  {
    label: 'boundary',
    name: 'the first second of it',
    spec: { schedule: DAYTIME },
    payload: KEYED,
    now: Date.UTC(2026, 4, 1, 8),
    want: 'allow',
  },
  {
    label: 'bad-input',
    name: 'a malformed reference, which the engine denies',
    spec: { tools: ['billing.*'] },
    payload: { key: 'secret://env/' },
    want: 'deny',
  },
  {
    label: 'bad-input',
    name: 'more secrets than are counted',
    spec: { limit: 1000, per: '10m' },
    payload: { keys: Array.from({ length: 17 }, (_, i) => `secret://env/K${i}`) },
    want: 'deny',
  },
  {
    label: 'bad-input',
    name: 'a time before the zone is known',
    spec: { schedule: { ...DAYTIME, zone: 'Europe/Berlin' } },
    payload: KEYED,
    now: Date.UTC(2019, 4, 1, 12),
    want: 'deny',
  },
]

test.for(CASES)('$label: $name -> $want', (one) => {
  const { judge } = run(load(policy(rule({ kind, spec: one.spec, ...one.rule }))))
  const changes = { payload: one.payload, action: one.action ?? 'refund' }
  const now = one.now ?? NOON
  for (let i = one.before ?? 0; i > 0; i--) judge(changes, now - i * MINUTE)
  expect(judge(changes, now).verdict).toBe(one.want)
})

test('the table has every label', () => {
  expect(missingLabels(CASES)).toEqual([])
})

describe('the rate', () => {
  const limited = rule({ kind, spec: { limit: 2, per: '10m' } })

  test('is counted for each secret', () => {
    const { judge } = run(load(policy(limited)))
    for (const [key, want] of [
      [STRIPE, 'allow'],
      [OTHER, 'allow'],
      [STRIPE, 'allow'],
      [OTHER, 'allow'],
      [STRIPE, 'deny'],
    ]) {
      expect(judge({ payload: { key: key ?? '' } }).verdict).toBe(want)
    }
  })

  test('counts a secret once, however often a call names it', () => {
    const { judge } = run(load(policy(limited)))
    expect(judge({ payload: { a: STRIPE, b: STRIPE, c: STRIPE } }).verdict).toBe('allow')
    expect(judge({ payload: KEYED }).verdict).toBe('allow')
    expect(judge({ payload: KEYED }).verdict).toBe('deny')
  })

  test('is one for all agents, and state holds HMACs alone', () => {
    const { judge, state } = run(load(policy(limited)))
    judge({ payload: KEYED, session: 's9' })
    const text = JSON.stringify(state())
    expect(text).toMatch(/"k\/test\/rule\/[0-9a-f]{32}"/)
    expect(text).not.toContain('STRIPE')
  })

  test("leaves a request's own attempt out", () => {
    const loaded = load(policy(limited))
    const { judge, state } = run(loaded)
    judge({ payload: KEYED }, NOON)
    judge({ payload: KEYED }, NOON + MINUTE)
    const input = {
      action: action({ payload: KEYED }),
      state: state(),
      key: KEY,
      now: NOON + 2 * MINUTE,
    }
    expect(evaluate(loaded, input).verdict).toBe('deny')
    expect(evaluate(loaded, { ...input, leaveOut: NOON + MINUTE }).verdict).toBe('allow')
  })

  test.for([
    { name: 'a text', value: 'soon' },
    { name: 'times that go back', value: [NOON, NOON - 1] },
    { name: 'more times than it keeps', value: Array.from({ length: 1002 }, (_, i) => NOON + i) },
    { name: 'a time that is none', value: [-1] },
  ])('damaged state: $name -> deny', ({ value }) => {
    const loaded = load(policy(limited))
    const { judge, state } = run(loaded)
    judge({ payload: KEYED })
    const damaged = Object.fromEntries(
      Object.keys(state()).map((key) => [key, { value, until: NOON + 60 * MINUTE }]),
    )
    const again = run(loaded, damaged).judge({ payload: KEYED }, NOON + MINUTE)
    expect(again.verdict).toBe('deny')
    expect(again.findings[0]?.code).toBe('STATE_INVALID')
  })
})

test('evidence says why, and holds no name of a secret', () => {
  const spec = {
    tools: ['crm.*'],
    schedule: { ...DAYTIME, allow: [{ days: ['sun'], from: '00:00', to: '24:00' }] },
    limit: 5,
    per: '1h',
  }
  const { judge } = run(load(policy(rule({ kind, spec }))))
  const [finding] = judge({ payload: KEYED }).findings
  expect(finding?.message).toBe(
    'A secret is used with a tool that it is not for and at a time that is not its own.',
  )
  expect(finding?.evidence).toEqual({
    tool: 'billing.refund',
    secrets: [expect.stringMatching(/^[0-9a-f]{16}$/)],
    reasons: ['with a tool that it is not for', 'at a time that is not its own'],
    limit: 5,
    per: '1h',
  })
})

test.for([
  { name: 'nothing to look at', spec: {} },
  { name: 'only secrets', spec: { secrets: [STRIPE] } },
  { name: 'a limit without a window', spec: { limit: 3 } },
  { name: 'a window without a limit', spec: { per: '10m' } },
  { name: 'a limit of 0', spec: { limit: 0, per: '10m' } },
  { name: 'a tool without a service', spec: { tools: ['charge'] } },
  { name: 'a zone that is none', spec: { schedule: { ...DAYTIME, zone: 'Mars/Base' } } },
  { name: 'a text as schedule', spec: { schedule: 'daytime' } },
])('a bundle with $name does not load', ({ spec }) => {
  expect(() => load({ rules: [rule({ kind, spec })] })).toThrow(/test\/rule/)
})
