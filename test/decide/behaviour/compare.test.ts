import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Side } from '../../../src/decide/behaviour/compare.ts'
import { compareBaselines, movement } from '../../../src/decide/behaviour/compare.ts'
import { advance, EMPTY_SNAPSHOT, learn } from '../../../src/decide/behaviour/snapshot.ts'
import { sessionOf, sessionsOf } from './generated-sessions.ts'
import { judged } from './judged.ts'

/** Sessions written as `a b c`, so many of each. */
function side(sessions: Readonly<Record<string, number>>, halfLife: number | null = null): Side {
  const all = Object.entries(sessions).flatMap(([text, times]) =>
    Array.from({ length: times }, (_, i) =>
      sessionOf(
        `${text}/${i}`,
        text.split(' ').map((name) => `s.${name}`),
      ),
    ),
  )
  return { snapshot: learn(all), halfLife }
}

const EMPTY: Side = { snapshot: EMPTY_SNAPSHOT, halfLife: null }
const harmless = () => false

describe('edges', () => {
  test.for([
    {
      name: 'the same sessions twice as often -> no edge differs',
      before: side({ 'a b': 4 }),
      after: side({ 'a b': 8 }),
      want: { added: [], gone: [] },
    },
    {
      name: 'another call after the first -> its edge is new, and the old one less likely',
      before: side({ 'a b': 4 }),
      after: side({ 'a b': 4, 'a c': 1 }),
      want: { added: ['s.a s.c'], gone: [] },
    },
    {
      name: 'a call that no session makes any more -> its edges are gone',
      before: side({ 'a b': 4, c: 2 }),
      after: side({ 'a b': 4 }),
      want: { added: [], gone: ['^ s.c'] },
    },
    {
      name: 'a first version -> every edge is new',
      before: EMPTY,
      after: side({ 'a b': 4 }),
      want: { added: ['^ s.a', 's.a s.b'], gone: [] },
    },
  ])('$name', ({ before, after, want }) => {
    const found = compareBaselines({ before, after }, harmless)
    expect(found.added.map(({ from, to }) => `${from} ${to}`)).toEqual(want.added)
    expect(found.gone.map(({ from, to }) => `${from} ${to}`)).toEqual(want.gone)
  })

  test('the one whose chance moved most comes first, with both chances', () => {
    const before = side({ 'a b': 9, 'a c': 1, x: 1 })
    const after = side({ 'a b': 9, 'a c': 9, x: 2 })
    const { moved, added } = compareBaselines({ before, after }, (node) => node === 's.c')
    expect(added).toEqual([])
    // Witten-Bell by hand: P(c|a) = (1 + 2 * P0) / 12 and (9 + 2 * P0) / 20, where P0 = (n_c + 4 / 5) / (N + 4).
    const chance = (n: number, all: number, ofC: number, calls: number): number =>
      Math.round(((n + (2 * (ofC + 4 / 5)) / (calls + 4)) / (all + 2)) * 1e6)
    expect(moved[0]).toMatchObject({
      from: 's.a',
      to: 's.c',
      count: { before: 1, after: 9 },
      chancePpm: { before: chance(1, 10, 1, 21), after: chance(9, 18, 9, 38) },
      irreversible: true,
    })
    expect(moved.map(({ to }) => to)).toContain('s.b')
  })

  test('what people said differs -> it stands among the judged, and was neither seen nor moved', () => {
    const before = side({ 'a b': 4 })
    const after = {
      ...before,
      snapshot: judged(before.snapshot, 's.a', 's.refund', { rejections: 2 }),
    }
    const found = compareBaselines({ before, after }, harmless)
    expect(found).toMatchObject({ added: [], gone: [], moved: [], movementPpm: 0 })
    expect(found.judged).toMatchObject([
      { from: 's.a', to: 's.refund', rejections: { before: 0, after: 2 }, count: { after: 0 } },
    ])
  })
})

describe('movement', () => {
  test('by hand, for one context and two calls', () => {
    // P0 of x and y with one unseen: before (3, 1), after (3, 3).
    const before = side({ x: 3, y: 1 })
    const after = side({ x: 3, y: 3 })
    const chances = (x: number, y: number) => {
      const n = x + y
      const zero = (c: number) => (c + 2 / 3) / (n + 2)
      const one = (c: number) => (c + 2 * zero(c)) / (n + 2)
      return [one(x), one(y), one(0)]
    }
    const [old, now] = [chances(3, 1), chances(3, 3)]
    const distance = old.reduce((sum, chance, i) => sum + Math.abs(chance - (now[i] ?? 0)), 0) / 2
    expect(movement(before, after)).toBe(Math.round(distance * 1e6))
  })

  test.for([
    {
      name: 'from nothing to something -> nearly all',
      before: EMPTY,
      after: side({ 'a b': 50 }),
      least: 900_000,
    },
    {
      name: 'to nothing -> nearly all: nothing is known any more',
      before: side({ 'a b': 50 }),
      after: EMPTY,
      least: 900_000,
    },
    {
      name: 'from nothing to nothing -> none',
      before: EMPTY,
      after: EMPTY,
      least: 0,
    },
  ])('$name', ({ before, after, least }) => {
    const found = movement(before, after)
    expect(found).toBeGreaterThanOrEqual(least)
    expect(found).toBeLessThanOrEqual(1_000_000)
    if (least === 0) expect(found).toBe(0)
  })

  test('is 0 from a version to itself, and between 0 and 1,000,000 to any other', () => {
    fc.assert(
      fc.property(
        sessionsOf(8),
        sessionsOf(8),
        fc.constantFrom(null, 5),
        (some, others, halfLife) => {
          const one = { snapshot: learn(some), halfLife }
          const other = { snapshot: advance(one.snapshot, learn(others), halfLife), halfLife }
          expect(movement(one, one)).toBe(0)
          const moved = movement(one, other)
          expect(Number.isInteger(moved) && moved >= 0 && moved <= 1_000_000).toBe(true)
        },
      ),
      { numRuns: 100 },
    )
  })

  test('three steps are no shorter than the way between their ends, for the same weights', () => {
    const versions = [side({ x: 40, y: 1 }), side({ x: 40, y: 8 }), side({ x: 40, y: 20 })] as const
    const steps = movement(versions[0], versions[1]) + movement(versions[1], versions[2])
    expect(steps).toBeGreaterThanOrEqual(movement(versions[0], versions[2]) - 1)
  })
})

test('entropy: one call that always follows tells nothing, two that may do', () => {
  const before = side({ 'a b': 200 })
  const after = side({ 'a b': 200, 'a c': 200 })
  const { entropyMillibits } = compareBaselines({ before, after }, harmless)
  expect(entropyMillibits.before).toBeLessThan(120)
  expect(entropyMillibits.after).toBeGreaterThan(450)
})

test('a call after which all is made old by hand -> what was known there has moved', () => {
  const before = side({ 'a b': 20, 'b c': 20, 'c a': 20 }, 1)
  const from = before.snapshot.nodes.indexOf('s.a') + 2
  const paths = before.snapshot.paths.map((cell, i, all) =>
    i % 5 === 4 && all[i - 3] === from ? 1 : cell,
  )
  const after = { ...before, snapshot: { ...before.snapshot, paths } }
  expect(compareBaselines({ before, after }, harmless).gone).toEqual([])
  expect(movement(before, after)).toBeGreaterThan(20_000)
})

test('a version in which everything has aged -> nearly all has moved', () => {
  const before = side({ 'a b': 20, 'b c': 20 }, 1)
  const after = { ...before, snapshot: { ...before.snapshot, sessions: 1_000_000 } }
  expect(movement(before, after)).toBeGreaterThan(900_000)
})
