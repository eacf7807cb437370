import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Snapshot } from '../../../src/decide/behaviour/snapshot.ts'
import { advance, learn, nodeOfId, rowsOf } from '../../../src/decide/behaviour/snapshot.ts'
import { sessionOf, sessionsOf } from './generated-sessions.ts'

/** What a snapshot counts of one transition: its paths by name, and its edge. */
function transition(snapshot: Snapshot, from: string, to: string) {
  const name = (id: number): string => nodeOfId(snapshot, id)
  const paths = [...rowsOf(snapshot, 'paths')]
    .filter(([, second, last]) => name(second) === from && name(last) === to)
    .map(([first, , , count, last]) => `${name(first)} ${count} ${last}`)
  const [edge] = [...rowsOf(snapshot, 'edges')].filter(
    ([a, b]) => name(a) === from && name(b) === to,
  )
  return { paths, edge: edge?.slice(2) ?? null }
}

/** The same with a number of rejections on one transition, which it may never have seen. */
function judged(snapshot: Snapshot, [from, to]: readonly [string, string], rejections: number) {
  const names = [...rowsOf(snapshot, 'edges')].map(
    ([a, b]) => `${nodeOfId(snapshot, a)} ${nodeOfId(snapshot, b)}`,
  )
  const at = names.indexOf(`${from} ${to}`)
  expect(at).toBeGreaterThanOrEqual(0)
  const edges = [...snapshot.edges]
  edges[at * 5 + 4] = rejections
  return { ...snapshot, edges }
}

const BASE = learn([sessionOf('s1', ['a.x', 'a.y', 'a.z']), sessionOf('s2', ['a.x', 'a.y'])])
const MORE = learn([sessionOf('m1', ['a.x', 'a.y', 'a.y']), sessionOf('m2', ['a.z', 'a.x', 'a.y'])])
const EDGE = ['a.x', 'a.y'] as const

describe('a transition', () => {
  test('that nobody rejected grows', () => {
    expect(transition(advance(BASE, MORE, null), ...EDGE)).toEqual({
      paths: ['^ 3 4', 'a.z 1 4'],
      edge: [4, 0, 0],
    })
  })

  test.for([
    { name: 'before', base: judged(BASE, EDGE, 1), delta: MORE, rejections: 1 },
    { name: 'now', base: BASE, delta: judged(MORE, EDGE, 2), rejections: 2 },
    { name: 'twice', base: judged(BASE, EDGE, 1), delta: judged(MORE, EDGE, 2), rejections: 3 },
  ])('that people rejected $name stays as it was', ({ base, delta, rejections }) => {
    const after = advance(base, delta, null)
    expect(transition(after, ...EDGE)).toEqual({ paths: ['^ 2 2'], edge: [2, 0, rejections] })
    // What else the sessions did is learned.
    expect(transition(after, 'a.y', 'a.y').edge).toEqual([1, 0, 0])
    expect(after.sessions).toBe(4)
  })

  test('whose rejections a person took back grows again', () => {
    const frozen = advance(judged(BASE, EDGE, 1), MORE, null)
    const again = advance(judged(frozen, EDGE, 0), MORE, null)
    expect(transition(again, ...EDGE).paths).toEqual(['^ 3 6', 'a.z 1 6'])
  })

  test('that was rejected and never seen stays unseen', () => {
    const never = learn([sessionOf('n1', ['a.z', 'a.z'])])
    const base = { ...judged(never, ['a.z', 'a.z'], 1), paths: never.paths.slice(0, 5) }
    const after = advance(base, never, null)
    expect(transition(after, 'a.z', 'a.z').paths).toEqual([])
  })

  test('that was rejected ages on', () => {
    const quiet = learn(Array.from({ length: 40 }, (_, i) => sessionOf(`q${i}`, ['a.z'])))
    expect(transition(advance(judged(BASE, EDGE, 1), quiet, 2), ...EDGE).paths).toEqual([])
  })
})

test('no transition that is rejected ever grows, whatever is learned', () => {
  const many = sessionsOf(15)
  fc.assert(
    fc.property(many, many, fc.nat(), fc.constantFrom(null, 3, 50), (some, others, pick, half) => {
      const base = learn(some)
      const edges = [...rowsOf(base, 'edges')]
      fc.pre(edges.length > 0)
      const [a = 0, b = 0] = edges[pick % edges.length] ?? []
      const names = [nodeOfId(base, a), nodeOfId(base, b)] as const
      const frozen = judged(base, names, 1)
      const before = transition(frozen, ...names)
      const delta = learn(others.map((one) => ({ ...one, id: `later ${one.id}` })))
      const after = transition(advance(frozen, delta, half), ...names)
      expect(after.edge).toEqual(before.edge)
      expect(before.paths).toEqual(expect.arrayContaining(after.paths))
      if (half === null) expect(after.paths).toEqual(before.paths)
    }),
  )
})
