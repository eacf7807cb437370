import { describe, expect, test } from 'vitest'
import type { ObservedSession } from '../../../src/decide/behaviour/index.ts'
import {
  advance,
  compileBaseline,
  learn,
  loadBaseline,
  scoreSession,
} from '../../../src/decide/behaviour/index.ts'
import type { PublishedBaseline } from '../../../src/decide/behaviour/published.ts'
import { behaviourAsAsked } from '../../../src/decide/evaluate/behaviour.ts'
import { evaluate, stateKeys } from '../../../src/decide/evaluate/evaluate.ts'
import type { LoadedPolicy } from '../../../src/decide/evaluate/policy.ts'
import { preparePolicy } from '../../../src/decide/evaluate/policy.ts'
import { loadRule } from '../../../src/decide/evaluate/rules.ts'
import type { CompiledRule } from '../../../src/model/generated/types.ts'
import type { JudgedAction, StateSlice } from '../../../src/model/nouns.ts'
import { action, agent, KEY, NOON, policyOf, rule, SECOND, tool } from './fixtures.ts'

const TOOLS = ['find', 'read', 'refund', 'wipe', 'other'].map((name) => tool({ action: name }))
const USUAL = ['find', 'read', 'refund']

function session(id: string, calls: readonly string[]): ObservedSession {
  const observed = calls.map((call) => ({ node: `billing.${call}`, args: `${id} ${call}` }))
  return { id, group: id, calls: observed, ended: true }
}

const learned = Array.from({ length: 60 }, (_, i) => session(`s${i}`, USUAL))
const baseline = loadBaseline(compileBaseline(learn(learned), { rate: 0.05 }))

function published(changes: Partial<PublishedBaseline> = {}): PublishedBaseline {
  const agentName = 'billing-agent'
  return { agent: agentName, fingerprint: null, version: 2, enforced: true, baseline, ...changes }
}

const ODD = rule({ id: 'behaviour/odd', kind: 'markov', spec: { min_score: 0.9 }, verdict: 'hold' })

function policy(
  baselines: readonly PublishedBaseline[],
  rules: readonly CompiledRule[] = [ODD],
  fingerprints: readonly string[] = [],
): LoadedPolicy {
  const agents = [agent({ fingerprints: [...fingerprints] })]
  const compiled = policyOf({ rules: [...rules], agents, unknown_tools: 'hold', tools: TOOLS })
  return preparePolicy(compiled, null, loadRule, baselines)
}

/** What each call of a session gives, with the state carried from one to the next. */
function run(
  loaded: LoadedPolicy,
  calls: readonly (string | Partial<JudgedAction>)[],
  state: StateSlice = {},
) {
  let now = NOON
  let carried = state
  return calls.map((call, i) => {
    const changes = typeof call === 'string' ? { action: call } : call
    const asked = action({ payload: { call: i }, ...changes })
    const result = evaluate(loaded, { action: asked, state: carried, now, key: KEY })
    const before = carried
    carried = { ...carried, ...result.state }
    now += SECOND
    return { ...result, before, asked }
  })
}

const verdicts = (results: readonly { readonly verdict: string }[]) =>
  results.map(({ verdict }) => verdict)

describe('a session against its baseline', () => {
  test.for([
    { name: 'as usual', calls: USUAL, want: ['allow', 'allow', 'allow'] },
    { name: 'a refund at once', calls: ['refund'], want: ['hold'] },
    { name: 'the reverse', calls: ['refund', 'read', 'find'], want: ['hold', 'hold', 'hold'] },
    { name: 'a call that nobody made', calls: ['find', 'wipe'], want: ['allow', 'hold'] },
    {
      name: 'the next session',
      calls: [...USUAL, { action: 'find', session: 's2' }],
      want: ['allow', 'allow', 'allow', 'allow'],
    },
    {
      name: 'a refund under a new session name',
      calls: ['find', 'read', { action: 'refund', session: 's2' }],
      want: ['allow', 'allow', 'hold'],
    },
    {
      name: 'the same arguments again',
      calls: ['find', 'read', { action: 'read', payload: { call: 1 } }],
      want: ['allow', 'allow', 'hold'],
    },
  ])('$name -> $want', ({ calls, want }) => {
    expect(verdicts(run(policy([published()]), calls))).toEqual(want)
  })

  test('call by call scores as the whole session does', () => {
    const calls = ['find', 'wipe', 'read', 'read', 'refund', 'find']
    const results = run(policy([published()], [{ ...ODD, spec: { min_score: 0 } }]), calls)
    const whole = scoreSession(baseline, session('now', calls))
    const evidence = results.map(({ findings }) => findings[0]?.evidence)
    expect(evidence).toEqual(
      whole.map((call) =>
        expect.objectContaining({
          from: call.from,
          to: call.to,
          seen: call.seen,
          odder_sessions: baseline.calibration.sums.filter((sum) => sum >= call.total).length,
        }),
      ),
    )
  })

  test('how often a step was seen is said in thousandths where it has decayed', () => {
    const others = Array.from({ length: 20 }, (_, i) => session(`o${i}`, ['other']))
    const snapshot = advance(learn(learned), learn(others), 30)
    const aged = loadBaseline(compileBaseline(snapshot, { rate: 0.05, halfLife: 30 }))
    const rules = [{ ...ODD, spec: { min_score: 0 } }]
    const [result] = run(policy([published({ baseline: aged })], rules), ['find'])
    expect(String(result?.findings[0]?.evidence['seen'])).toMatch(/^3\d\.\d{1,3}$/)
  })

  test('a result is no step', () => {
    const [first, result, second] = run(policy([published()]), [
      'find',
      { action: 'find', phase: 'result', result: {} },
      'read',
    ])
    expect(Object.keys(result?.state ?? {})).toEqual([])
    expect(verdicts([first!, second!])).toEqual(['allow', 'allow'])
  })

  test('a step that people rejected is a finding though the session is ordinary', () => {
    const { chain } = baseline
    const [from, to] = [chain.ids.get('billing.find')!, chain.ids.get('billing.refund')!]
    const rejecting = structuredClone(baseline)
    rejecting.chain.edges.set(from * 8_192 + to, { sessions: 0, approvals: 0, rejections: 1 })
    const never = { ...ODD, spec: { min_score: 1, channels: ['repeat'] } }
    const results = run(policy([published({ baseline: rejecting })], [never]), ['find', 'refund'])
    expect(verdicts(results)).toEqual(['allow', 'hold'])
    expect(results[1]?.findings[0]?.evidence).toMatchObject({ rejected: true })
  })
})

describe('which baseline', () => {
  const other = published({ fingerprint: 'v1' })
  test.for([
    { name: 'none', baselines: [], fingerprint: 'v1', approved: [], want: 'hold', mode: 'enforce' },
    { name: 'its own', baselines: [other], fingerprint: 'v1', approved: ['v1'], want: 'allow' },
    {
      name: 'one for all fingerprints',
      baselines: [other, published()],
      fingerprint: 'v2',
      approved: ['v2'],
      want: 'allow',
    },
    {
      name: 'another approved fingerprint only reports',
      baselines: [other],
      fingerprint: 'v2',
      approved: ['v1', 'v2'],
      want: 'allow',
      mode: 'shadow',
    },
    {
      name: 'an invented fingerprint is no way out',
      baselines: [other],
      fingerprint: 'v9',
      approved: [],
      want: 'hold',
      mode: 'enforce',
    },
    {
      name: 'no fingerprint is no way out',
      baselines: [other],
      fingerprint: null,
      approved: [],
      want: 'hold',
      mode: 'enforce',
    },
  ])('$name -> $want', ({ baselines, fingerprint, approved, want, mode }) => {
    const [result] = run(policy(baselines, [ODD], approved), [{ action: 'find', fingerprint }])
    expect(result?.verdict).toBe(want)
    expect(result?.findings.find(({ rule: id }) => id === ODD.id)?.mode).toBe(mode)
  })

  test('one that is not enforced yet only reports', () => {
    const [result] = run(policy([published({ enforced: false })]), ['refund'])
    expect([result?.verdict, result?.findings[0]?.mode]).toEqual(['allow', 'shadow'])
  })
})

describe('state', () => {
  const loaded = policy([published()])

  test('one key a session, which names neither agent nor session', () => {
    const keys = (changes: Partial<JudgedAction>) => stateKeys(loaded, action(changes), KEY)
    expect(keys({})).toEqual([expect.stringMatching(/^b\/[0-9a-f]{32}$/)])
    expect(keys({ session: 's2' })).not.toEqual(keys({}))
    expect(keys({ fingerprint: 'v2' })).not.toEqual(keys({}))
    expect(keys({ action: 'other' })).toEqual(keys({}))
    expect(keys({ phase: 'result', result: 1 })).toEqual([])
    expect(stateKeys(policy([]), action(), KEY)).toEqual([])
  })

  test('tools with names of 256 odd characters cannot blow it up, and each is still another', () => {
    const calls = Array.from({ length: 140 }, (_, i) => ({
      service: '\u3000'.repeat(256),
      action: '\u3000'.repeat(253) + String(i).padStart(3, '0'),
    }))
    const results = run(loaded, calls)
    const bytes = JSON.stringify(results.at(-1)?.state).length
    expect(bytes).toBeLessThan(32 * 1024)
    const [first, second, again] = run(loaded, [calls[0]!, calls[1]!, calls[0]!])
    const newest = (result: { readonly state: StateSlice } | undefined) =>
      (Object.values(result?.state ?? {}) as { readonly value: readonly unknown[] }[])[0]?.value[2]
    const [one, two] = newest(second) as string[]
    expect(one).not.toBe(two)
    expect(newest(first)).toEqual([one])
    expect(newest(again)).toEqual([one, two, one])
  })

  test('a session is forgotten after a day without a call', () => {
    const [first] = run(loaded, ['find'])
    const [entry] = Object.values(first?.state ?? {})
    expect(entry?.until).toBe(NOON + 24 * 3600 * SECOND)
  })

  test.for([
    { name: 'a number', value: 7 },
    { name: 'a part short', value: [[0, 0, 0, 0, 0, 0], [0, 0, 0], [], [], [], []] },
    { name: 'a negative count', value: [[-1, 0, 0, 0, 0, 0], [0, 0, 0], [], [], [], [], []] },
    { name: 'a text for a count', value: [['0', 0, 0, 0, 0, 0], [0, 0, 0], [], [], [], [], []] },
    {
      name: 'four newest calls',
      value: [[0, 0, 0, 0, 0, 0], [0, 0, 0], ['a', 'b', 'c', 'd'], [], [], [], []],
    },
    { name: 'a number for a call', value: [[0, 0, 0, 0, 0, 0], [0, 0, 0], [1], [], [], [], []] },
    {
      name: 'an edge without its run',
      value: [[0, 0, 0, 0, 0, 0], [0, 0, 0], [], [], [], ['e'], []],
    },
  ])('$name -> denied', ({ value }) => {
    const [key = ''] = stateKeys(loaded, action({ action: 'find' }), KEY)
    const state: StateSlice = { [key]: { value, until: NOON + SECOND } }
    const [result] = run(loaded, ['find'], state)
    expect([result?.verdict, result?.findings[0]?.code]).toEqual(['deny', 'STATE_INVALID'])
    expect(result?.state).toEqual({})
  })

  test('a call is scored where it stood when it was asked for', () => {
    const [, asked, later] = run(loaded, ['find', 'refund', 'read'])
    const current = { ...later?.before, ...later?.state }
    const input = { action: asked!.asked, now: NOON + 3 * 86_400 * SECOND, key: KEY }
    const then = behaviourAsAsked({ current, asked: asked!.before, now: input.now })
    const again = evaluate(loaded, { ...input, state: then, leaveOut: NOON + SECOND })
    expect(again.findings).toEqual(asked?.findings)
    const unlike = evaluate(loaded, { ...input, state: current, leaveOut: NOON + SECOND })
    expect(unlike.findings).not.toEqual(asked?.findings)
  })

  test('as asked keeps other state, and drops what began later', () => {
    const entry = { value: 1, until: 5 }
    expect(
      behaviourAsAsked({
        current: { 'v/a': entry, 'b/1': entry, 'b/2': entry },
        asked: { 'b/1': { value: 2, until: 5 }, 'v/a': { value: 9, until: 9 } },
        now: 10,
      }),
    ).toEqual({ 'v/a': entry, 'b/1': { value: 2, until: 11 } })
  })
})
