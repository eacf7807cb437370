import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { canonicalize } from '../../../src/base/canonical-json.ts'
import type { JsonValue } from '../../../src/base/json-value.ts'
import type { Chain } from '../../../src/decide/behaviour/chain.ts'
import { newProgress, observe } from '../../../src/decide/behaviour/channels.ts'
import { SAMPLE_MAX } from '../../../src/decide/behaviour/limits.ts'
import { nodeOf } from '../../../src/decide/behaviour/node.ts'
import type { ObservedSession } from '../../../src/decide/behaviour/session.ts'
import { trailOf } from '../../../src/decide/behaviour/session.ts'
import type { Snapshot } from '../../../src/decide/behaviour/snapshot.ts'
import {
  advance,
  chainOf,
  EMPTY_SNAPSHOT,
  learn,
  merge,
  nodeOfId,
  rowsOf,
} from '../../../src/decide/behaviour/snapshot.ts'
import { SESSION, sessionOf, sessionsOf } from './generated-sessions.ts'

const bytes = (snapshot: Snapshot): string => canonicalize(snapshot as unknown as JsonValue)

/** Sessions cut into parts at random, in a random order. */
const parts = sessionsOf(12).chain((sessions) =>
  fc
    .tuple(
      fc.array(fc.nat(3), { minLength: sessions.length, maxLength: sessions.length }),
      fc.shuffledSubarray(sessions, { minLength: sessions.length, maxLength: sessions.length }),
    )
    .map(([chunk, order]) => ({
      sessions,
      chunks: [0, 1, 2, 3].map((number) => order.filter((_, i) => chunk[i] === number)),
    })),
)

describe('merging', () => {
  test('any chunks in any order -> the bytes of learning all at once', () => {
    fc.assert(
      fc.property(parts, ({ sessions, chunks }) => {
        const want = bytes(learn(sessions))
        const [a, b, c, d] = chunks.map(learn) as [Snapshot, Snapshot, Snapshot, Snapshot]
        expect(bytes(merge(merge(a, b), merge(c, d)))).toBe(want)
        expect(bytes(merge(d, merge(c, merge(b, a))))).toBe(want)
      }),
    )
  })

  test('is commutative and associative, with the empty snapshot as identity', () => {
    const snapshot = sessionsOf(5).map(learn)
    fc.assert(
      fc.property(snapshot, snapshot, snapshot, (a, b, c) => {
        expect(bytes(merge(a, b))).toBe(bytes(merge(b, a)))
        expect(bytes(merge(merge(a, b), c))).toBe(bytes(merge(a, merge(b, c))))
        expect(bytes(merge(a, EMPTY_SNAPSHOT))).toBe(bytes(a))
        expect(bytes(merge(EMPTY_SNAPSHOT, a))).toBe(bytes(a))
      }),
    )
  })

  test('a session that both machines learned, in other groups -> one order all the same', () => {
    const one = learn([{ ...sessionOf('s', ['a.x']), group: 'g1' }])
    const other = learn([{ ...sessionOf('s', ['a.x']), group: 'g2' }])
    expect(bytes(merge(one, other))).toBe(bytes(merge(other, one)))
  })

  test('aged snapshots -> in any order the same', () => {
    const aged = fc
      .tuple(sessionsOf(5), sessionsOf(5))
      .map(([base, delta]) => advance(learn(base), learn(delta), 50))
    fc.assert(
      fc.property(aged, aged, aged, (a, b, c) => {
        expect(bytes(merge(a, b))).toBe(bytes(merge(b, a)))
        expect(bytes(merge(merge(a, b), c))).toBe(bytes(merge(a, merge(b, c))))
      }),
    )
  })

  test('more sessions than the sample holds -> the same ones, whoever learned them', () => {
    const sessions = Array.from({ length: SAMPLE_MAX + 100 }, (_, i) =>
      sessionOf(`s${i}`, i % 3 === 0 ? ['a.x', 'a.y'] : ['a.y']),
    )
    const whole = learn(sessions)
    const digests = sessions.map((session) => trailOf(session).digest).sort()
    expect(whole.sample.map(({ digest }) => digest)).toEqual(digests.slice(0, SAMPLE_MAX))
    const halves = merge(
      learn(sessions.filter((_, i) => i % 2 === 1)),
      learn(sessions.filter((_, i) => i % 2 === 0)),
    )
    expect(bytes(halves)).toBe(bytes(whole))
    expect(whole.sessions).toBe(SAMPLE_MAX + 100)
  })
})

test('a snapshot holds integers only, rows in order, each named once', () => {
  fc.assert(
    fc.property(sessionsOf(8), (sessions) => {
      const snapshot = learn(sessions)
      expect(snapshot.nodes).toEqual([...new Set(snapshot.nodes)].sort())
      const keys = [...rowsOf(snapshot, 'paths')].map((row) => row.slice(0, 3))
      expect(keys).toEqual(
        [...new Map(keys.map((key) => [key.join(' '), key])).values()].sort(byNumbers),
      )
      for (const table of ['paths', 'edges', 'preceding', 'runs', 'cycles'] as const) {
        expect(snapshot[table].every(Number.isSafeInteger)).toBe(true)
      }
      const paths = [...rowsOf(snapshot, 'paths')].reduce((sum, row) => sum + row[3], 0)
      const ends = sessions.filter(({ ended }) => ended).length
      expect(paths).toBe(snapshot.calls + ends)
    }),
  )
})

describe('aging', () => {
  const old = learn([sessionOf('o', ['a.old', 'a.used'])])
  const later = (count: number): Snapshot =>
    learn(Array.from({ length: count }, (_, i) => sessionOf(`n${i}`, ['a.used'])))
  const pathsOf = (snapshot: Snapshot): string[] =>
    [...rowsOf(snapshot, 'paths')].map((row) =>
      row
        .slice(0, 3)
        .map((id) => nodeOfId(snapshot, id))
        .join(' '),
    )

  test.for([
    { name: 'after less than its half-life', sessions: 90, halfLife: 100, there: true },
    { name: 'after more than its half-life', sessions: 110, halfLife: 100, there: false },
    { name: 'without decay', sessions: 110, halfLife: null, there: true },
  ])('a path seen once, $name -> there: $there', ({ sessions, halfLife, there }) => {
    const paths = pathsOf(advance(old, later(sessions), halfLife))
    expect(paths.includes('^ ^ a.old')).toBe(there)
    expect(paths.includes('^ a.old a.used')).toBe(there)
  })

  test('a path that is used -> does not decay', () => {
    let base = later(1)
    for (let step = 0; step < 5; step++) base = advance(base, later(40), 50)
    const [row] = [...rowsOf(base, 'paths')]
    expect([row?.[3], row?.[4]]).toEqual([201, 201])
    const chain = chainOf(base, 50)
    expect(chain.all.total).toBe(201)
  })

  test('an idle path weighs less in scores, and its row stays as it was', () => {
    const base = advance(
      learn(Array.from({ length: 8 }, (_, i) => sessionOf(`o${i}`, ['a.old']))),
      later(100),
      100,
    )
    const id = base.nodes.indexOf('a.old') + 2
    const row = [...rowsOf(base, 'paths')].find(([, , to]) => to === id)
    expect(row?.slice(3)).toEqual([8, 8])
    expect(chainOf(base, 100).all.next.get(id)).toBeCloseTo(4, 1)
    expect(chainOf(base, null).all.next.get(id)).toBe(8)
  })

  test('without decay -> what merging gives, but for when rows were last seen', () => {
    const counted = (snapshot: Snapshot): Snapshot => ({
      ...snapshot,
      paths: snapshot.paths.map((value, i) => (i % 5 === 4 ? 0 : value)),
    })
    fc.assert(
      fc.property(sessionsOf(5), sessionsOf(5), (a, b) => {
        const advanced = advance(learn(a), learn(b), null)
        expect(bytes(counted(advanced))).toBe(bytes(counted(merge(learn(a), learn(b)))))
      }),
    )
  })

  test('nothing new -> nothing older', () => {
    fc.assert(
      fc.property(sessionsOf(5), (sessions) => {
        const base = learn(sessions)
        expect(bytes(advance(base, EMPTY_SNAPSHOT, 1))).toBe(bytes(base))
      }),
    )
  })
})

describe('names', () => {
  test('actions under other names -> the same scores', () => {
    const renamed = (session: ObservedSession): ObservedSession => ({
      ...session,
      calls: session.calls.map(({ node, args }) => ({ node: hostile(node), args })),
    })
    fc.assert(
      fc.property(sessionsOf(10), SESSION, (learned, session) => {
        const before = scores(chainOf(learn(learned), null), session)
        const after = scores(chainOf(learn(learned.map(renamed)), null), renamed(session))
        for (const [i, row] of before.entries()) {
          for (const [j, value] of row.entries()) expect(after[i]![j]).toBeCloseTo(value, 9)
        }
      }),
    )
  })
})

const NAMES = [
  '__proto__',
  'constructor',
  'with space',
  '100%',
  '\ud800',
  '🙂',
  'dots.in.it',
  'x'.repeat(256),
]

/** One hostile name for each node, and one for each service: in another order than before. */
function hostile(node: string): string {
  const [service = '', action = ''] = node.split('.')
  const name = (text: string): string => {
    const sum = [...text].reduce((total, one) => total + (one.codePointAt(0) ?? 0), 0)
    return `${NAMES[sum % NAMES.length]}${text.toUpperCase()}`
  }
  return nodeOf(name(service), name(action))
}

function scores(chain: Chain, session: ObservedSession): number[][] {
  const progress = newProgress()
  return trailOf(session).steps.map((step) => {
    const score = observe(chain, progress, step)
    return [score.surprisal, score.entropy, score.escape, ...Object.values(score.channels)]
  })
}

function byNumbers(a: readonly number[], b: readonly number[]): number {
  return a[0]! - b[0]! || a[1]! - b[1]! || a[2]! - b[2]!
}
