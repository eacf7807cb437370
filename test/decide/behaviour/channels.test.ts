import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { CallScore } from '../../../src/decide/behaviour/baseline.ts'
import {
  compileBaseline,
  loadBaseline,
  scoreSession,
} from '../../../src/decide/behaviour/baseline.ts'
import { scoreOf } from '../../../src/decide/behaviour/calibrate.ts'
import { CHANNELS, newProgress, observe } from '../../../src/decide/behaviour/channels.ts'
import type { ObservedSession } from '../../../src/decide/behaviour/session.ts'
import { trailOf } from '../../../src/decide/behaviour/session.ts'
import { chainOf, learn } from '../../../src/decide/behaviour/snapshot.ts'
import { SESSION, sessionOf, sessionsOf } from './generated-sessions.ts'
import type { PlainScore } from './plain.ts'
import {
  PLAIN_CHANNELS,
  plainBaseline,
  plainChain,
  plainMarkovScore,
  plainScores,
  plainSum,
} from './plain.ts'

const END_STEP = { node: '$', duplicate: false }

/** Scores as `src/` gives them, unrounded. */
function observed(learned: readonly ObservedSession[], session: ObservedSession): PlainScore[] {
  const chain = chainOf(learn(learned), null)
  const progress = newProgress()
  const { steps, ended } = trailOf(session)
  return (ended ? [...steps, END_STEP] : steps).map((step) => observe(chain, progress, step))
}

function expectAlike(
  got: readonly PlainScore[],
  want: readonly PlainScore[],
  within: number,
): void {
  expect(got).toHaveLength(want.length)
  for (const [i, score] of got.entries()) {
    const one = want[i]!
    const pairs = [
      ['surprisal', score.surprisal, one.surprisal],
      ['entropy', score.entropy, one.entropy],
      ['escape', score.escape, one.escape],
      ...PLAIN_CHANNELS.map((name) => [name, score.channels[name], one.channels[name]] as const),
    ] as const
    for (const [name, a, b] of pairs) {
      const near = Math.abs(a - b) <= within
      if (!near) throw new Error(`call ${i}, ${name}: got ${a}, want ${b}`)
    }
  }
}

describe('against the second implementation', () => {
  test('random sessions -> surprisal, entropy and every channel within 1e-9', () => {
    fc.assert(
      fc.property(sessionsOf(12), SESSION, (learned, session) => {
        const want = plainScores(plainChain(learned), session, { end: session.ended })
        expectAlike(observed(learned, session), want, 1e-9)
      }),
      { numRuns: 500 },
    )
  })

  test('random baselines -> calibration, total and markov_score within 1e-6', () => {
    fc.assert(
      fc.property(sessionsOf(30), SESSION, (learned, session) => {
        const baseline = loadBaseline(compileBaseline(learn(learned), { rate: 0.05 }))
        const plain = plainBaseline(learned)
        for (const name of CHANNELS) {
          expect(baseline.calibration.tails[name]).toEqual(plain.tails[name].sorted)
        }
        const near = (a: number, b: number): boolean => Math.abs(a - b) <= 1e-6
        expect(baseline.calibration.sums.every((sum, i) => near(sum, plain.sums[i]!))).toBe(true)
        const scores = scoreSession(baseline, session)
        for (const [i, { channels }] of plainScores(plain.chain, session).entries()) {
          const want = plainSum(plain.tails, channels)
          expect(near(scores[i]!.total, want)).toBe(true)
          const score = scoreOf(baseline.calibration.sums, scores[i]!.total)
          expect(score).toBe(plainMarkovScore(plain, want))
        }
      }),
      // One seed: a value on the border of two quanta may round either way.
      { numRuns: 100, seed: 6 },
    )
  })
})

type Vector = {
  readonly name: string
  readonly learned: readonly ObservedSession[]
  readonly session: ObservedSession
  readonly expected: readonly (PlainScore & {
    readonly total: number | null
    readonly markov_score: number | null
  })[]
}

const file = join(import.meta.dirname, '../../vectors/behaviour/channels.json')
const { vectors } = JSON.parse(readFileSync(file, 'utf8')) as { vectors: readonly Vector[] }

describe('frozen vectors', () => {
  test.for(vectors)('$name -> within 1e-8', ({ learned, session, expected }) => {
    expectAlike(observed(learned, session), expected, 1e-8)
    const plain = plainScores(plainChain(learned), session, { end: session.ended })
    expectAlike(plain, expected, 1e-8)
  })

  test.for(vectors)('$name -> total and markov_score', ({ learned, session, expected }) => {
    const baseline = loadBaseline(compileBaseline(learn(learned), { rate: 0.02 }))
    const plain = plainBaseline(learned)
    const scores = scoreSession(baseline, session)
    for (const [i, { total, channels }] of scores.entries()) {
      const want = expected[i]!
      expect(total).toBeCloseTo(want.total!, 5)
      expect(plainSum(plain.tails, channels)).toBeCloseTo(want.total!, 5)
      expect(scoreOf(baseline.calibration.sums, total)).toBeCloseTo(want.markov_score!, 9)
    }
  })
})

describe('channels', () => {
  const usual = Array.from({ length: 7 }, (_, i) => ({
    ...sessionOf(String(i), []),
    calls: ['a.x', 'a.y', 'b.z'].map((node) => ({ node, args: node })),
  }))
  const scored = (
    nodes: readonly string[],
    args: readonly (string | null)[] = [],
    learned: readonly ObservedSession[] = usual,
  ): readonly CallScore[] => {
    const calls = nodes.map((node, i) => ({ node, args: args[i] ?? null }))
    const baseline = loadBaseline(compileBaseline(learn(learned), { rate: 0.02 }))
    return scoreSession(baseline, { ...sessionOf('now', []), calls })
  }

  test.for([
    { name: 'an action of a service that sessions called', nodes: ['a.new'], want: 0 },
    { name: 'a service that no session called', nodes: ['c.x'], want: 3 },
    { name: 'a service whose name begins like a known one', nodes: ['ab.x'], want: 3 },
    { name: 'a known action after the new service', nodes: ['c.x', 'a.y'], want: 0 },
  ])('service: $name -> $want bits', ({ nodes, want }) => {
    expect(scored(nodes).at(-1)?.channels.service).toBe(want)
  })

  test.for([
    { name: 'other arguments', args: ['1', '2', '3'], want: 0 },
    { name: 'unknown arguments', args: [null, null, null], want: 0 },
    { name: 'equal arguments once', args: ['1', '2', '1'], want: 4 },
    { name: 'equal arguments twice', args: ['1', '1', '1'], want: 4 },
  ])('duplicate: $name -> $want bits', ({ args, want }) => {
    // No session had any: -log2(0.5 / 8).
    expect(scored(['a.x', 'a.x', 'a.x'], args).at(-1)?.channels.duplicate).toBe(want)
  })

  test('duplicate: in sessions whose arguments were unknown -> 0 bits', () => {
    const silent = [sessionOf('0', ['a.x', 'a.x'])]
    expect(scored(['a.x', 'a.x'], ['1', '1'], silent).at(-1)?.channels.duplicate).toBe(0)
  })

  test('duplicate: equal arguments of another action -> 0 bits', () => {
    expect(scored(['a.x', 'a.y'], ['1', '1']).at(-1)?.channels.duplicate).toBe(0)
  })

  test.for([
    { name: 'the usual order', nodes: ['a.x', 'a.y', 'b.z'], want: 0 },
    { name: 'one call too many', nodes: ['a.x', 'a.y', 'b.z', 'b.z'], want: 0.25 },
    { name: 'the reverse', nodes: ['b.z', 'a.y', 'a.x'], want: 1 },
    { name: 'a step left out', nodes: ['a.x', 'b.z'], want: 0.5 },
  ])('trigram: $name -> $want', ({ nodes, want }) => {
    expect(scored(nodes).at(-1)?.channels.trigram).toBe(want)
  })

  test.for([
    { name: 'all there', nodes: ['a.x', 'a.y', 'b.z'], missing: null },
    { name: 'both missing: the first by name', nodes: ['b.z'], missing: 'a.x' },
    { name: 'one missing', nodes: ['a.x', 'b.z'], missing: 'a.y' },
    { name: 'an unknown action needs nothing', nodes: ['c.x'], missing: null },
  ])('precede: $name -> $missing', ({ nodes, missing }) => {
    expect(scored(nodes).at(-1)?.missing).toBe(missing)
  })

  test('an observation names its transition and how often it was seen', () => {
    const [first, second, third] = scored(['a.x', 'a.y', 'c.new'])
    expect([first?.from, first?.to, first?.seen]).toEqual(['^', 'a.x', 7])
    expect([second?.from, second?.to, second?.seen]).toEqual(['a.x', 'a.y', 7])
    expect([third?.from, third?.to, third?.seen]).toEqual(['a.y', 'c.new', 0])
  })

  test('more strangers than are told apart -> still scored', () => {
    const nodes = Array.from({ length: 300 }, (_, i) => `c.n${i}`)
    const scores = scored(nodes)
    expect(scores.every(({ total }) => Number.isFinite(total))).toBe(true)
    expect(scores.at(-1)?.channels.trigram).toBe(1)
  })
})
