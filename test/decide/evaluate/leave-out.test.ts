import { describe, expect, test } from 'vitest'
import { evaluate } from '../../../src/decide/evaluate/evaluate.ts'
import type { StateSlice } from '../../../src/model/nouns.ts'
import {
  action,
  KEY,
  load,
  NOON,
  program,
  type RuleChanges,
  regoRule,
  rule,
  SECOND,
} from './fixtures.ts'

// When a held request resolves, its own attempt must not count against it, and every other one must.

/** The verdict on the action at NOON + 60 s, after attempts at these seconds, leaving one of them out. */
function verdictAfter(one: RuleChanges, attempts: readonly number[], leaveOut: number | null) {
  const policy = load({ rules: [rule(one)] })
  let state: StateSlice = {}
  for (const second of attempts) {
    const now = NOON + second * SECOND
    state = { ...state, ...evaluate(policy, { action: action(), state, now, key: KEY }).state }
  }
  const left = leaveOut === null ? {} : { leaveOut: NOON + leaveOut * SECOND }
  const now = NOON + 60 * SECOND
  return evaluate(policy, { action: action(), state, now, key: KEY, ...left }).verdict
}

const twoAnHour = { kind: 'velocity', spec: { limit: 2, per: '1h' } }
const threeAlike = { kind: 'loop', spec: { repeats: 3 } }
// One that another rule holds: a denied attempt is not remembered by a flow.
const afterItself: RuleChanges = {
  kind: 'flow',
  spec: { after: {}, within: '1h' },
  verdict: 'hold',
}

describe.each([
  { name: 'velocity', one: twoAnHour, attempts: [1, 2], alone: 'deny', left: 'allow' },
  {
    name: 'velocity beyond its limit',
    one: twoAnHour,
    attempts: [1, 2, 3],
    alone: 'deny',
    left: 'deny',
  },
  { name: 'loop', one: threeAlike, attempts: [1, 2], alone: 'deny', left: 'allow' },
  { name: 'a longer loop', one: threeAlike, attempts: [1, 2, 3], alone: 'deny', left: 'deny' },
  { name: 'flow', one: afterItself, attempts: [1], alone: 'hold', left: 'allow' },
  { name: 'flow after two', one: afterItself, attempts: [1, 2], alone: 'hold', left: 'hold' },
])('$name', ({ one, attempts, alone, left }) => {
  test(`every attempt counts -> ${alone}`, () => {
    expect(verdictAfter(one, attempts, null)).toBe(alone)
  })
  test(`the newest attempt left out -> ${left}`, () => {
    expect(verdictAfter(one, attempts, attempts.at(-1) ?? 0)).toBe(left)
  })
  test(`an attempt that never was left out -> ${alone}`, () => {
    expect(verdictAfter(one, attempts, 30)).toBe(alone)
  })
})

test('Rego is told neither the counter nor the earlier action that is left out', () => {
  const seen: unknown[] = []
  const rego = program(['countersign/refunds/deny'], (_entrypoint, input) => {
    seen.push(input['state'])
    return { value: [] }
  })
  const counters = [{ name: 'refunds', per: '1h', by: ['agent'] }]
  const policy = load({ rego: [regoRule('deny', { counters })] }, rego)
  const first = evaluate(policy, { action: action(), state: {}, now: NOON, key: KEY })
  const again = { action: action(), state: first.state, now: NOON + SECOND, key: KEY }
  evaluate(policy, again)
  evaluate(policy, { ...again, leaveOut: NOON })
  expect(seen).toMatchObject([
    { counters: { refunds: 1 }, recent: [] },
    { counters: { refunds: 2 }, recent: [{ action: 'refund' }] },
    { counters: { refunds: 1 }, recent: [] },
  ])
})
