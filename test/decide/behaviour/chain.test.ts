import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Chain } from '../../../src/decide/behaviour/chain.ts'
import {
  forgetSteps,
  idOf,
  learnSteps,
  newChain,
  pairKey,
  pairOf,
} from '../../../src/decide/behaviour/chain.ts'
import { newProgress, observe } from '../../../src/decide/behaviour/channels.ts'
import { NODES_MAX, STRANGERS_MAX } from '../../../src/decide/behaviour/limits.ts'
import { contextsOf, entropy, probability } from '../../../src/decide/behaviour/probability.ts'
import type { ObservedSession } from '../../../src/decide/behaviour/session.ts'
import { trailOf } from '../../../src/decide/behaviour/session.ts'
import { advance, chainOf, learn } from '../../../src/decide/behaviour/snapshot.ts'
import { NODES, SESSION, sessionOf, sessionsOf } from './generated-sessions.ts'

function chainWith(sessions: readonly ObservedSession[]): Chain {
  const chain = newChain()
  for (const session of sessions) learnSteps(chain, trailOf(session))
  return chain
}

function scores(chain: Chain, session: ObservedSession): number[][] {
  const progress = newProgress()
  return trailOf(session).steps.map((step) => {
    const score = observe(chain, progress, step)
    return [score.surprisal, score.entropy, score.escape, ...Object.values(score.channels)]
  })
}

/** Sessions by transition, of those that any session made. */
function edgesOf(chain: Chain): Record<string, number> {
  const made = [...chain.edges].filter(([, { sessions }]) => sessions > 0)
  return Object.fromEntries(
    made.map(([key, { sessions }]) => {
      const [from, to] = pairOf(key)
      return [`${chain.names[from]} ${chain.names[to]}`, sessions]
    }),
  )
}

function expectClose(got: readonly number[][], want: readonly number[][]): void {
  expect(got).toHaveLength(want.length)
  for (const [i, row] of want.entries()) {
    for (const [j, value] of row.entries()) expect(got[i]![j]).toBeCloseTo(value, 9)
  }
}

describe('chances', () => {
  /** Fresh and aged chains, the latter with fractions of calls. */
  const chains = fc
    .tuple(sessionsOf(8), sessionsOf(8), fc.boolean())
    .map(([base, delta, aged]) =>
      aged ? chainOf(advance(learn(base), learn(delta), 9), 9) : chainWith([...base, ...delta]),
    )
  const known = fc.constantFrom(...NODES, '^', '$')

  test('over all nodes and the unseen one -> sum to 1', () => {
    fc.assert(
      fc.property(chains, known, known, (chain, first, second) => {
        const contexts = contextsOf(chain, {
          first: chain.ids.get(first) ?? -1,
          second: chain.ids.get(second) ?? -1,
        })
        const seen = [...chain.all.next.keys()].map((id) => probability(chain, contexts, id))
        const unseen = probability(chain, contexts, -1)
        expect(seen.every((p) => p > 0 && p <= 1)).toBe(true)
        expect(seen.reduce((sum, p) => sum + p, unseen)).toBeCloseTo(1, 9)
      }),
      { numRuns: 300 },
    )
  })

  test('their entropy -> the direct sum over all actions, before and after learning more', () => {
    const direct = (chain: Chain, contexts: ReturnType<typeof contextsOf>): number =>
      [...chain.all.next.keys(), -1]
        .map((id) => probability(chain, contexts, id))
        .reduce((bits, p) => bits - p * Math.log2(p), 0)
    fc.assert(
      fc.property(chains, SESSION, (chain, session) => {
        for (let round = 0; round < 2; round++) {
          for (const first of chain.names.keys()) {
            for (const second of chain.names.keys()) {
              const contexts = contextsOf(chain, { first, second })
              // Twice: the second is remembered.
              expect(entropy(chain, contexts)).toBeCloseTo(direct(chain, contexts), 9)
              expect(entropy(chain, contexts)).toBe(entropy(chain, contexts))
            }
          }
          learnSteps(chain, trailOf(session))
        }
      }),
    )
  })
})

describe('forgetting', () => {
  test('what was learned last -> the scores from before', () => {
    fc.assert(
      fc.property(sessionsOf(8), sessionsOf(4), SESSION, (base, more, session) => {
        const chain = chainWith(base)
        const before = scores(chain, session)
        for (const one of more) learnSteps(chain, trailOf(one))
        for (const one of more.toReversed()) forgetSteps(chain, trailOf(one))
        expectClose(scores(chain, session), before)
        expectClose(scores(chainWith(base), session), before)
      }),
    )
  })

  test('a fold and learning it again -> the scores from before', () => {
    fc.assert(
      fc.property(sessionsOf(8), SESSION, (base, session) => {
        const chain = chainWith(base)
        const before = scores(chain, session)
        const held = base.filter((_, i) => i % 3 === 0)
        for (const one of held) forgetSteps(chain, trailOf(one))
        const without = chainWith(base.filter((_, i) => i % 3 !== 0))
        expectClose(scores(chain, session), scores(without, session))
        expect(edgesOf(chain)).toEqual(edgesOf(without))
        for (const one of held) learnSteps(chain, trailOf(one))
        expectClose(scores(chain, session), before)
        expect(edgesOf(chain)).toEqual(edgesOf(chainWith(base)))
      }),
    )
  })

  test('sessions of decayed paths, and learning them again -> the scores from before', () => {
    fc.assert(
      fc.property(sessionsOf(6), sessionsOf(6), SESSION, (base, delta, session) => {
        const snapshot = advance(learn(base), learn(delta), 5)
        const chain = chainOf(snapshot, 5)
        const before = scores(chain, session)
        const counts = snapshot.sample.map((one) => forgetSteps(chain, one))
        expect(chain.all.next.size).toBe(0)
        expect(scores(chain, session).every(([bits]) => bits === 0)).toBe(true)
        for (const [i, one] of snapshot.sample.entries()) learnSteps(chain, one, counts[i])
        expectClose(scores(chain, session), before)
      }),
    )
  })

  test('half of the sessions of a decayed path -> half of what it still counts', () => {
    const old = Array.from({ length: 8 }, (_, i) => sessionOf(`o${i}`, ['a.old']))
    const later = Array.from({ length: 100 }, (_, i) => sessionOf(`n${i}`, ['a.new']))
    const chain = chainOf(advance(learn(old), learn(later), 100), 100)
    const id = chain.ids.get('a.old')!
    const whole = chain.all.next.get(id)!
    for (const one of old.slice(4)) forgetSteps(chain, trailOf(one))
    expect(whole).toBeCloseTo(4, 1)
    expect(chain.all.next.get(id)).toBeCloseTo(whole / 2, 9)
  })

  test('more than was learned -> no count below nothing', () => {
    const chain = chainWith([sessionOf('1', ['a.x', 'a.y'])])
    for (let i = 0; i < 3; i++) forgetSteps(chain, trailOf(sessionOf('1', ['a.x', 'a.y'])))
    expect([chain.sessions, chain.calls, chain.all.total, chain.all.next.size]).toEqual([
      0, 0, 0, 0,
    ])
    expect(chain.containing.every((count) => count === 0)).toBe(true)
    expect(chain.services.size).toBe(0)
  })
})

test('pairs of ids -> one key each, also those of strangers', () => {
  const last = NODES_MAX + 2 + STRANGERS_MAX - 1
  const id = fc.integer({ min: 0, max: last })
  fc.assert(
    fc.property(id, id, (a, b) => {
      expect(pairOf(pairKey(a, b))).toEqual([a, b])
    }),
  )
  expect(pairOf(pairKey(last, last))).toEqual([last, last])
})

test('more actions than a baseline may have -> BASELINE_TOO_LARGE', () => {
  const chain = newChain()
  for (let i = 0; i < NODES_MAX; i++) idOf(chain, `a.n${i}`)
  expect(idOf(chain, 'a.n0')).toBe(2)
  expect(() => idOf(chain, 'a.more')).toThrow(
    expect.objectContaining({ code: 'BASELINE_TOO_LARGE' }),
  )
})

test('names that objects have -> nodes like any other', () => {
  const chain = chainWith([sessionOf('1', ['__proto__.x', 'constructor.y', 'a.hasOwnProperty'])])
  expect(chain.names.slice(2)).toEqual(['__proto__.x', 'constructor.y', 'a.hasOwnProperty'])
  expect([...chain.services.keys()]).toEqual(['__proto__', 'constructor', 'a'])
})
