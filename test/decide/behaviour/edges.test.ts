import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Chain } from '../../../src/decide/behaviour/chain.ts'
import { learnSteps, newChain, pairKey } from '../../../src/decide/behaviour/chain.ts'
import { newProgress, observe } from '../../../src/decide/behaviour/channels.ts'
import type { LiteralScore, LiteralState } from '../../../src/decide/behaviour/edges.ts'
import {
  EDGES_REMEMBERED_MAX,
  edgeStatistics,
  literalStep,
  zOf,
} from '../../../src/decide/behaviour/edges.ts'
import type { ObservedSession } from '../../../src/decide/behaviour/session.ts'
import { trailOf } from '../../../src/decide/behaviour/session.ts'
import { chainOf, learn } from '../../../src/decide/behaviour/snapshot.ts'
import type { Welford } from '../../../src/decide/behaviour/welford.ts'
import {
  addValue,
  deviationOf,
  mergeWelford,
  NO_VALUES,
} from '../../../src/decide/behaviour/welford.ts'
import type { Priority } from '../../../src/model/generated/types.ts'
import { sessionOf, sessionsOf } from './generated-sessions.ts'
import { chance, plainChain } from './plain.ts'

const chainWith = (sessions: readonly ObservedSession[]): Chain => chainOf(learn(sessions), null)

function literal(
  chain: Chain,
  nodes: readonly string[],
  priority: Priority = 'medium',
): readonly LiteralScore[] {
  const progress = newProgress()
  let state: LiteralState = []
  return nodes.map((node) => {
    const observation = observe(chain, progress, { node, duplicate: false })
    const score = literalStep(chain, state, { ...observation, priority })
    state = score.state
    return score
  })
}

describe('Welford statistics', () => {
  const values = fc.array(fc.double({ min: -100, max: 100, noNaN: true }), { maxLength: 20 })
  const of = (list: readonly number[]): Welford => list.reduce(addValue, NO_VALUES)
  const expectClose = (a: Welford, b: Welford): void => {
    expect(a.n).toBe(b.n)
    expect(a.mean).toBeCloseTo(b.mean, 9)
    expect(a.m2).toBeCloseTo(b.m2, 6)
  }

  test('of parts, merged -> those of the whole, in either order', () => {
    fc.assert(
      fc.property(values, values, (a, b) => {
        expectClose(mergeWelford(of(a), of(b)), of([...a, ...b]))
        expectClose(mergeWelford(of(b), of(a)), of([...a, ...b]))
      }),
    )
  })

  test.for([
    { name: 'no values', list: [], want: 0 },
    { name: 'one value', list: [7], want: 0 },
    { name: 'the values 2, 4, 4, 4, 5, 5, 7, 9', list: [2, 4, 4, 4, 5, 5, 7, 9], want: 2 },
  ])('deviation of $name -> $want', ({ list, want }) => {
    expect(deviationOf(of(list))).toBeCloseTo(want, 12)
  })

  test.for([
    { name: 'nothing seen', usual: undefined, bits: 1, want: Number.POSITIVE_INFINITY },
    { name: 'no values', usual: NO_VALUES, bits: 0, want: Number.POSITIVE_INFINITY },
    { name: 'the mean', usual: of([1, 3]), bits: 2, want: 0 },
    { name: 'two deviations above', usual: of([1, 3]), bits: 4, want: 2 },
    { name: 'below', usual: of([1, 3]), bits: 0, want: -2 },
    { name: 'hardly any deviation: a quarter of a bit', usual: of([2, 2]), bits: 2.5, want: 2 },
  ])('z of $name -> $want', ({ usual, bits, want }) => {
    expect(zOf(usual, bits)).toBe(want)
  })
})

describe('statistics of edges', () => {
  test('each transition counted once -> those of its surprisal in all places it was seen', () => {
    fc.assert(
      fc.property(sessionsOf(10), (sessions) => {
        const chain = chainWith(sessions)
        const plain = plainChain(sessions)
        const edges = new Map<string, number[]>()
        const sources = new Map<string, number[]>()
        for (const { calls, ended } of sessions) {
          const nodes = ['^', '^', ...calls.map(({ node }) => node), ...(ended ? ['$'] : [])]
          for (let i = 2; i < nodes.length; i++) {
            const [first, second, to] = nodes.slice(i - 2, i + 1) as [string, string, string]
            const push = (map: Map<string, number[]>, key: string, p: number): void => {
              map.set(key, [...(map.get(key) ?? []), -Math.log2(p)])
            }
            push(edges, `${second} ${to}`, chance(plain, [first, second], to))
            // No chain has seen this before any node: the first order remains.
            push(sources, second, chance(plain, ['never', second], to))
          }
        }
        const statistics = edgeStatistics(chain)
        const id = (node: string): number => chain.ids.get(node)!
        expect(statistics.edges.size).toBe(edges.size)
        for (const [edge, values] of edges) {
          const [from, to] = edge.split(' ') as [string, string]
          expectSame(statistics.edges.get(pairKey(id(from), id(to))), values)
        }
        for (const [from, values] of sources) expectSame(statistics.sources[id(from)], values)
      }),
    )
  })

  test('learned in another order -> the same bits', () => {
    fc.assert(
      fc.property(sessionsOf(10), (sessions) => {
        const of = (all: readonly ObservedSession[]): unknown => {
          const chain = newChain()
          for (const session of all) learnSteps(chain, trailOf(session))
          const { edges, sources } = edgeStatistics(chain)
          const names = chain.names
          return [
            [...edges]
              .map(([key, one]) => [names[Math.floor(key / 8192)], names[key % 8192], one])
              .sort(),
            sources
              .map((one, i) => [names[i], one])
              .filter(([, one]) => one !== undefined)
              .sort(),
          ]
        }
        expect(of(sessions.toReversed())).toEqual(of(sessions))
      }),
    )
  })

  test('are remembered until the chain learns more', () => {
    const chain = chainWith([sessionOf('1', ['a.x', 'a.y'])])
    const before = edgeStatistics(chain)
    expect(edgeStatistics(chain)).toBe(before)
    learnSteps(chain, trailOf(sessionOf('2', ['a.y'])))
    expect(edgeStatistics(chain)).not.toBe(before)
    expect(edgeStatistics(chain).edges.size).toBe(3)
  })
})

describe('the literal rule', () => {
  const often = Array.from({ length: 60 }, (_, i) => sessionOf(`o${i}`, ['a.x', 'a.y', 'a.z']))
  const rare = [sessionOf('r', ['a.x', 'a.z', 'b.x'])]
  const chain = chainWith([...often, ...rare])

  test.for([
    { name: 'the usual', nodes: ['a.x', 'a.y'], anomalous: false },
    { name: 'an edge never seen', nodes: ['a.y', 'a.x'], anomalous: true },
    { name: 'an unknown action', nodes: ['a.x', 'new.x'], anomalous: true },
    { name: 'after an unknown action', nodes: ['new.x', 'a.x'], anomalous: true },
    { name: 'an edge seen once in sixty', nodes: ['a.x', 'a.z'], anomalous: true },
  ])('first order, $name -> anomalous: $anomalous', ({ nodes, anomalous }) => {
    const score = literal(chain, nodes).at(-1)
    expect([score?.anomalous, score?.order]).toEqual([anomalous, 1])
  })

  test('an edge that is usual elsewhere -> an anomaly in second order only', () => {
    const sessions = [
      ...Array.from({ length: 50 }, (_, i) => sessionOf(`p${i}`, ['a.p', 'a.m', 'a.u'])),
      ...Array.from({ length: 50 }, (_, i) => sessionOf(`q${i}`, ['a.q', 'a.m', 'a.v'])),
    ]
    const two = chainWith(sessions)
    const nodes = ['a.p', 'a.m', 'a.v']
    expect(literal(two, nodes, 'low').at(-1)).toMatchObject({ anomalous: false, order: 1 })
    expect(literal(two, nodes, 'medium').at(-1)).toMatchObject({ anomalous: false, order: 1 })
    expect(literal(two, nodes, 'high').at(-1)).toMatchObject({ anomalous: true, order: 2 })
    expect(literal(two, nodes, 'critical').at(-1)).toMatchObject({ anomalous: true, order: 2 })
    expect(literal(two, ['a.q', 'a.m', 'a.v'], 'critical').at(-1)?.anomalous).toBe(false)
  })

  test.for([
    { name: 'twice in a row', nodes: ['a.y', 'a.x', 'a.y', 'a.x'], want: 2 },
    { name: 'with others between', nodes: ['a.y', 'a.x', 'b.y', 'a.y', 'a.x'], want: 2 },
    { name: 'once', nodes: ['a.x', 'a.y', 'a.x'], want: 1 },
    { name: 'a usual one after anomalies', nodes: ['a.y', 'a.x', 'a.y'], want: 0 },
  ])('anomalous passages of one edge: $name -> $want', ({ nodes, want }) => {
    expect(literal(chain, nodes).at(-1)?.run).toBe(want)
  })

  test('a passage that is none -> the run of that edge ends, those of others do not', () => {
    const step = (state: LiteralState, to: string, surprisal: number): LiteralScore =>
      literalStep(chain, state, { from: 'a.x', to, surprisal, priority: 'high' })
    const first = step([], 'a.y', 40)
    const other = step(first.state, 'new.x', 40)
    const again = step(other.state, 'a.y', 40)
    expect([first.run, other.run, again.run]).toEqual([1, 1, 2])
    const usual = step(again.state, 'a.y', 0)
    expect([usual.run, usual.state.length]).toEqual([0, 1])
    expect(step(usual.state, 'a.y', 40).run).toBe(1)
    expect(step(usual.state, 'new.x', 40).run).toBe(2)
  })

  test('more edges than are remembered -> a small state, and no run counted too short', () => {
    let state: LiteralState = []
    const runs: number[] = []
    for (let i = 0; i < EDGES_REMEMBERED_MAX + 10; i++) {
      const call = { from: `${'x'.repeat(500)}.${i}`, to: 'new.x', surprisal: 9 }
      const score = literalStep(chain, state, { ...call, priority: 'low' })
      state = score.state
      runs.push(score.run)
    }
    expect(state).toHaveLength(EDGES_REMEMBERED_MAX)
    expect(JSON.stringify(state).length).toBeLessThan(2_000)
    expect(runs.slice(0, EDGES_REMEMBERED_MAX).every((run) => run === 1)).toBe(true)
    expect(runs.slice(EDGES_REMEMBERED_MAX).every((run) => run === 2)).toBe(true)
  })

  test('the state outlives JSON', () => {
    const [, second] = literal(chain, ['a.y', 'a.x'])
    expect(JSON.parse(JSON.stringify(second?.state))).toEqual(second?.state)
  })

  test('nothing learned -> every call is an anomaly', () => {
    expect(literal(newChain(), ['a.x', 'a.y']).map(({ z }) => z)).toEqual([
      Number.POSITIVE_INFINITY,
      Number.POSITIVE_INFINITY,
    ])
  })
})

function expectSame(got: Welford | undefined, values: readonly number[]): void {
  const want = values.reduce(addValue, NO_VALUES)
  expect(got?.n).toBe(want.n)
  expect(got?.mean).toBeCloseTo(want.mean, 9)
  expect(got?.m2).toBeCloseTo(want.m2, 6)
}
