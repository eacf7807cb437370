import fc from 'fast-check'
import { expect, test } from 'vitest'
import { digestLines } from '../../../src/base/digest-lines.ts'
import type { JsonValue } from '../../../src/base/json-value.ts'
import type { LoadedPolicy } from '../../../src/decide/evaluate/index.ts'
import { evaluate, stateKeys } from '../../../src/decide/evaluate/index.ts'
import { parseAction } from '../../../src/model/action.ts'
import type { StateEntry } from '../../../src/model/nouns.ts'
import { REPLAY_EPOCH, REPLAY_KEY } from '../../../src/policy/analyse/judging.ts'
import { parseSession } from '../../../src/policy/analyse/recorded-session.ts'
import { createReplay } from '../../../src/policy/analyse/replay.ts'
import { policyOf } from './load.ts'

const RULES = `apiVersion: countersign/v1
kind: Guardrails
rules:
  - id: s/often
    on: { service: s, action: write }
    velocity: { limit: 2, per: 1m }
    then: deny
  - id: s/loop
    on: { service: s, action: read }
    loop: { repeats: 3 }
    then: deny
  - id: s/shadow
    on: { service: s, action: write }
    then: deny
    mode: shadow
`

type Step = Record<string, unknown>
const step = (action: string, more: Step = {}): Step => ({ service: 's', action, ...more })
const session = (steps: readonly Step[], more: Step = {}) =>
  JSON.stringify({ session: 'x', agent: 'a', steps, ...more })

function replay(policy: LoadedPolicy, lines: readonly string[], carry = false) {
  const run = createReplay(policy, { carry })
  lines.forEach((line, index) => {
    const place = { file: 't.jsonl', line: index + 1 }
    run.session(parseSession(line, place), place)
  })
  return run.summary()
}

const write3 = [step('write'), step('write'), step('write')]

test.for([
  { name: 'three writes at once', lines: [session(write3)], allow: 2, deny: 1 },
  {
    name: 'two sessions of two writes',
    lines: [session(write3.slice(1)), session(write3.slice(1))],
    allow: 4,
    deny: 0,
  },
  {
    name: 'two sessions of two writes, state carried',
    lines: [session(write3.slice(1)), session(write3.slice(1))],
    carry: true,
    allow: 2,
    deny: 2,
  },
  {
    name: 'three writes, the last a minute later',
    lines: [
      session([
        step('write', { at: '2026-05-01T10:00:00Z' }),
        step('write', { at: '2026-05-01T10:00:01Z' }),
        step('write', { at: '2026-05-01T10:01:02Z' }),
      ]),
    ],
    allow: 3,
    deny: 0,
  },
  {
    name: 'three reads with one digest of arguments',
    lines: [session([1, 2, 3].map(() => step('read', { args_digest: 'aa' })))],
    allow: 2,
    deny: 1,
  },
  {
    name: 'three reads with other digests of arguments',
    lines: [session(['aa', 'bb', 'cc'].map((args_digest) => step('read', { args_digest })))],
    allow: 3,
    deny: 0,
  },
  {
    name: 'an agent that the policy does not know',
    lines: [session([step('read')], { agent: 'b' })],
    allow: 0,
    deny: 1,
  },
  {
    name: 'a session of another project',
    lines: [session([step('read')], { project: 'q' })],
    allow: 0,
    deny: 1,
  },
  {
    name: 'high priority',
    lines: [session([step('nap', { priority: 'high' })])],
    allow: 0,
    deny: 1,
  },
  { name: 'a session without steps', lines: [session([])], allow: 0, deny: 0 },
])('$name -> $allow allowed, $deny denied', async ({ lines, carry, allow, deny }) => {
  const { policy } = await policyOf(RULES)
  const summary = replay(policy, lines, carry)
  expect(summary).toMatchObject({ sessions: lines.length, verdicts: { allow, deny } })
})

test('findings are counted by rule, those in shadow apart', async () => {
  const { policy } = await policyOf(RULES)
  const summary = replay(policy, [session(write3)])
  expect(summary.rules).toEqual({ 's/often': 1 })
  expect(summary.shadow).toEqual({ 's/shadow': 3 })
})

test('the digest is that of digestLines over every verdict', async () => {
  const { policy } = await policyOf(RULES)
  const state = new Map<string, StateEntry>()
  const verdicts = write3.map((one, index) => {
    const action = parseAction(
      { ...one, agent: 'a', session: 'x' },
      { project: 'p', agents: ['*'], role: 'agent' },
    )
    const keys = stateKeys(policy, action, REPLAY_KEY)
    const slice = Object.fromEntries(
      keys.flatMap((key) => (state.has(key) ? [[key, state.get(key) as StateEntry]] : [])),
    )
    const now = REPLAY_EPOCH + index * 1000
    const { state: next, ...verdict } = evaluate(policy, {
      action,
      state: slice,
      now,
      key: REPLAY_KEY,
    })
    for (const [key, entry] of Object.entries(next)) state.set(key, entry)
    return verdict as unknown as JsonValue
  })
  expect(replay(policy, [session(write3)]).verdictDigest).toBe(digestLines(verdicts))
})

test('property: the same trace gives the same digest, and another order another one at most', async () => {
  const { policy } = await policyOf(RULES)
  const steps = fc.array(fc.constantFrom(step('read'), step('write'), step('nap')), {
    maxLength: 8,
  })
  fc.assert(
    fc.property(fc.array(steps, { maxLength: 4 }), fc.boolean(), (sessions, carry) => {
      const lines = sessions.map((one) => session(one))
      const once = replay(policy, lines, carry)
      expect(replay(policy, lines, carry)).toEqual(once)
      expect(once.actions).toBe(sessions.flat().length)
      expect(Object.values(once.verdicts).reduce((a, b) => a + b)).toBe(once.actions)
    }),
    { numRuns: 50 },
  )
})

test.for([
  { name: 'no JSON', line: '{"session": "x"', want: /one line of JSON/ },
  { name: 'no steps', line: '{"session":"x","agent":"a","seq":"5 5 22"}', want: /steps/ },
  { name: 'no agent', line: '{"session":"x","steps":[]}', want: /agent/ },
  {
    name: 'a step without an action',
    line: session([{ service: 's' }]),
    want: /\/steps\/0.*action/,
  },
  {
    name: 'a step without a service',
    line: session([{ action: 'read' }]),
    want: /\/steps\/0.*service/,
  },
  {
    name: 'a payload that is a list',
    line: session([step('read', { payload: [] })]),
    want: /payload/,
  },
  {
    name: 'a priority that is none',
    line: session([step('read', { priority: 'urgent' })]),
    want: /priority/,
  },
  {
    name: 'a key twice',
    line: '{"session":"x","session":"y","agent":"a","steps":[]}',
    want: /AMBIGUOUS|twice/,
  },
  {
    name: 'a prototype key',
    line: session([step('read')]).replace('"x"', '"x","__proto__":{}'),
    want: /./,
  },
  {
    name: 'a reserved key in a payload',
    line: session([step('read', { payload: { _sd: [] } })]),
    want: /_sd/,
  },
  {
    name: 'a number that no double holds',
    line: session([]).replace('"x"', '"x","n":1e400'),
    want: /./,
  },
  {
    name: 'a day that is none',
    line: session([step('read', { at: '2026-13-45T00:00:00Z' })]),
    want: /calendar/,
  },
  { name: 'an array', line: '[]', want: /./ },
])('a line with $name -> SESSION_INVALID with its place', async ({ line, want }) => {
  const { policy } = await policyOf(RULES)
  const failing = () => replay(policy, [session([]), line])
  expect(failing).toThrow(want)
  expect(failing).toThrow(
    expect.objectContaining({
      code: 'SESSION_INVALID',
      file: 't.jsonl',
      at: expect.objectContaining({ line: 2 }),
    }),
  )
})
