import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { progressOf, sessionsFor, settlingOf } from '../../../src/decide/behaviour/settle.ts'
import { learn, merge } from '../../../src/decide/behaviour/snapshot.ts'
import { sessionOf, sessionsOf } from './generated-sessions.ts'

/** Sessions that all do the same. */
function same(count: number, nodes: readonly string[] = ['a.find', 'a.pay']) {
  return Array.from({ length: count }, (_, i) => ({ ...sessionOf(`s${i}`, nodes), ended: true }))
}

/** Sessions of which each does something else. */
function strange(count: number) {
  return Array.from({ length: count }, (_, i) => sessionOf(`n${i}`, ['a.find', `a.do_${i}`]))
}

describe('sessions that a rate asks for', () => {
  test.for([
    { rate: 0.5, want: 1 },
    { rate: 0.05, want: 19 },
    { rate: 0.03, want: 33 },
    { rate: 0.02, want: 49 },
    { rate: 0.01, want: 99 },
    { rate: 0.002, want: 499 },
    // More than the sample holds can never come.
    { rate: 0.001, want: 500 },
  ])('$rate -> $want', ({ rate, want }) => {
    expect(sessionsFor(rate)).toBe(want)
  })
})

describe('a baseline', () => {
  test.for([
    {
      name: 'of nothing is in shadow',
      sessions: [],
      rate: 0.02,
      want: {
        sessions: 0,
        sessionsNeeded: 49,
        entropyRangePpm: null,
        noveltyPpm: null,
        settled: false,
      },
    },
    {
      name: 'of too few sessions for the rate is in shadow',
      sessions: same(48),
      rate: 0.02,
      want: { sessionsNeeded: 1, entropyRangePpm: 0, noveltyPpm: 0, settled: false },
    },
    {
      name: 'of just enough equal sessions has settled',
      sessions: same(49),
      rate: 0.02,
      want: { sessionsNeeded: 0, entropyMillibits: 0, settled: true },
    },
    {
      name: 'of enough for the rate, but too few for the novelty, is in shadow',
      sessions: same(29),
      rate: 0.05,
      want: { sessionsNeeded: 0, entropyRangePpm: 0, noveltyPpm: null, settled: false },
    },
    {
      name: 'of enough for the rate, but too few for the entropy, is in shadow',
      sessions: same(19),
      rate: 0.1,
      want: { sessionsNeeded: 0, entropyRangePpm: null, settled: false },
    },
    {
      name: 'of sessions that each bring something new is in shadow',
      sessions: strange(200),
      rate: 0.02,
      want: { sessionsNeeded: 0, settled: false },
    },
    {
      name: 'of empty sessions is in shadow',
      sessions: Array.from({ length: 60 }, (_, i) => sessionOf(`s${i}`, [])),
      rate: 0.02,
      want: { sessionsNeeded: 0, noveltyPpm: null, settled: false },
    },
    {
      name: 'with more sessions than its sample has settled',
      sessions: same(700),
      rate: 0.002,
      want: { sessions: 700, sessionsNeeded: 0, settled: true },
    },
  ])('$name', ({ sessions, rate, want }) => {
    expect(progressOf(learn(sessions), rate)).toMatchObject(want)
  })

  test('says how far it is', () => {
    const sessions = [...same(100), ...strange(3)]
    const progress = progressOf(learn(sessions), 0.02)
    expect(progress.noveltyPpm).toBeGreaterThanOrEqual(0)
    expect(progress.entropyMillibits).toBeGreaterThan(0)
    // Of 309 transitions 206 have two thirds of their contexts to themselves.
    expect(progress.entropyMillibits).toBeLessThan(300)
  })
})

test('the entropy is that of the first-order chain', () => {
  // After the beginning one way; after a.x two equally likely ones: 40 of 80 transitions are one bit.
  const sessions = Array.from({ length: 40 }, (_, i) =>
    sessionOf(`s${i}`, ['a.x', i % 2 ? 'a.y' : 'a.z']),
  )
  expect(progressOf(learn(sessions), 0.1).entropyMillibits).toBe(500)
})

test('the order and the machine of learning change nothing', () => {
  fc.assert(
    fc.property(sessionsOf(40), fc.nat(40), (sessions, cut) => {
      const whole = progressOf(learn(sessions), 0.05)
      const parts = merge(learn(sessions.slice(cut)), learn(sessions.slice(0, cut)))
      expect(progressOf(parts, 0.05)).toEqual(whole)
      expect(progressOf(learn([...sessions].reverse()), 0.05)).toEqual(whole)
    }),
  )
})

describe('a baseline that has settled once', () => {
  const before = { version: 1, sessions: 49, digest: 'sha256:00', movement_ppm: 0 }
  test.for([
    { name: 'has not yet', learned: undefined, want: false },
    { name: 'did not say so', learned: [before], want: false },
    { name: 'stays so', learned: [{ ...before, settled: true as const }], want: true },
    {
      name: 'stays so over later versions',
      learned: [
        { ...before, settled: true as const },
        { ...before, version: 2 },
      ],
      want: true,
    },
  ])('$name -> $want', ({ learned, want }) => {
    const snapshot = learn([...same(49), ...strange(30)])
    expect(progressOf(snapshot, 0.02).settled).toBe(false)
    const document = learned === undefined ? { snapshot } : { snapshot, learned }
    expect(settlingOf(document, 0.02).settled).toBe(want)
  })
})
