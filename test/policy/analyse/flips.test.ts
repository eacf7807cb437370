import { expect, test } from 'vitest'
import { parseAction } from '../../../src/model/action.ts'
import { createFlipCount } from '../../../src/policy/analyse/flips.ts'
import { parseSession } from '../../../src/policy/analyse/recorded-session.ts'
import { createReplay } from '../../../src/policy/analyse/replay.ts'
import { costPolicy, percentileOf } from '../../../src/policy/analyse/rule-costs.ts'
import { policyOf } from './load.ts'

const rules = (limit: number, more = '') => `apiVersion: countersign/v1
kind: Guardrails
rules:
  - id: s/often
    on: { service: s, action: write }
    velocity: { limit: ${limit}, per: 1m }
    then: deny
  - id: s/never-selected
    on: { service: s, action: nothing }
    then: deny
  - id: s/note
    on: { service: s, action: write }
    when: [{ path: payload.text, matches: x, if_missing: pass }]
    pattern: { path: payload.note, matches: secret, if_missing: pass }
    then: redact
    redact: [payload.note${more}]
`

const place = { file: 't.jsonl', line: 3 }
const session = (texts: readonly object[], name = 'one') =>
  parseSession(
    JSON.stringify({
      session: name,
      agent: 'a',
      steps: texts.map((payload) => ({ service: 's', action: 'write', payload })),
    }),
    place,
  )

async function pair(before: string, after: string, carry = false) {
  const [old, now] = [(await policyOf(before)).policy, (await policyOf(after)).policy]
  return createFlipCount(old, now, { carry, examples: 1 })
}

test('each side counts in its own state, and examples are bounded', async () => {
  const count = await pair(rules(1), rules(2))
  count.session(session([{}, {}, {}]), place)
  count.session(session([{}, {}]), place)
  const [only, ...others] = count.report().rules
  expect(others).toEqual([])
  expect(count.report()).toMatchObject({
    sessions: 2,
    actions: 5,
    flips: 2,
    verdicts: 2,
    lenient: 2,
  })
  expect(only).toMatchObject({ rule: 's/often', count: 2, verdicts: { 'deny -> allow': 2 } })
  expect(only?.examples).toMatchObject([{ session: 'one', step: 2, line: 3, tool: 's.write' }])
})

test('state carried from session to session flips more', async () => {
  const count = await pair(rules(1), rules(9), true)
  count.session(session([{}]), place)
  count.session(session([{}]), place)
  expect(count.report().flips).toBe(1)
})

test('another obligation under the same verdict is a flip of its own, and no clear value shows', async () => {
  const count = await pair(rules(9), rules(9, ', payload.text'))
  count.session(
    session([
      { text: 'x', note: 'secret-4711' },
      { text: 'y', note: 'secret' },
    ]),
    place,
  )
  const report = count.report()
  expect(report).toMatchObject({ flips: 1, verdicts: 0, lenient: 0 })
  expect(report.rules).toMatchObject([
    {
      rule: 's/note',
      verdicts: { 'redact -> redact': 1 },
      examples: [{ differs: ['obligations'] }],
    },
  ])
  expect(JSON.stringify(report)).not.toContain('4711')
})

test('the same policy twice -> nothing flips', async () => {
  const count = await pair(rules(1), rules(1))
  count.session(session([{}, {}, {}]), place)
  expect(count.report()).toMatchObject({ actions: 3, flips: 0, rules: [] })
})

test('decisions are judged in one state, and the erased are counted', async () => {
  const count = await pair(rules(1), rules(2), true)
  const action = parseAction(
    { agent: 'a', service: 's', action: 'write' },
    { project: 'p', agents: ['*'], role: 'agent' },
  )
  for (const index of [1, 2]) {
    count.decision({ action, now: 1000 * index, file: 'd', index, decision: `dec_${index}` })
  }
  count.erased()
  expect(count.report()).toMatchObject({
    sessions: 0,
    flips: 1,
    erased: 1,
    rules: [{ examples: [{ decision: 'dec_2', line: 2 }] }],
  })
})

test('timing rules changes no verdict, and tells which are selected', async () => {
  const { policy } = await policyOf(rules(1))
  let now = 0
  const costed = costPolicy(policy, () => (now += 0.001))
  const runs = [policy, costed.policy].map((one) => {
    const replay = createReplay(one, { carry: false })
    replay.session(session([{ text: 'x', note: 'secret' }, { text: 'y' }, {}]), place)
    return replay.summary()
  })
  expect(runs[1]).toEqual(runs[0])
  const costs = costed.costs()
  expect(costs.map(({ rule, calls }) => [rule, calls])).toEqual([
    ['s/note', 3],
    ['s/often', 3],
  ])
  expect(costs.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 9)
  // State keys, then the kind's work: each between two looks at the clock.
  expect(costs.find(({ rule }) => rule === 's/often')?.p50_us).toBeCloseTo(2, 6)
  // The second and third text have no x, so the pattern itself is asked once.
  expect(costs.find(({ rule }) => rule === 's/note')).toMatchObject({ kind: 'pattern', calls: 3 })
  costed.reset()
  expect(costed.costs()).toEqual([])
})

test.for([
  { name: 'none', times: [], share: 0.5, want: 0 },
  { name: 'one', times: [7], share: 0.99, want: 7 },
  { name: 'four', times: [4, 1, 3, 2], share: 0.5, want: 2 },
])('percentile of $name -> $want', ({ times, share, want }) => {
  expect(percentileOf(times, share)).toBe(want)
})
