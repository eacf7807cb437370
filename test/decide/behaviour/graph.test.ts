import { expect, test } from 'vitest'
import type { Side } from '../../../src/decide/behaviour/compare.ts'
import { graphOf } from '../../../src/decide/behaviour/graph.ts'
import { learn } from '../../../src/decide/behaviour/snapshot.ts'
import { sessionOf } from './generated-sessions.ts'
import { judged } from './judged.ts'

function side(sessions: Readonly<Record<string, number>>): Side {
  const all = Object.entries(sessions).flatMap(([text, times]) =>
    Array.from({ length: times }, (_, i) => ({
      ...sessionOf(
        `${text}/${i}`,
        text.split(' ').map((name) => `s.${name}`),
      ),
      ended: true,
    })),
  )
  return { snapshot: learn(all), halfLife: null }
}

const BASE = side({ 'a b': 300, 'a c': 2, 'a d': 80, b: 10 })

test('edges stand by their source, ^ first, the likeliest first, with chances that leave room for the unseen', () => {
  const { edges, nodes, sessions, calls } = graphOf(BASE, null)
  expect({ sessions, calls }).toEqual({ sessions: 392, calls: 774 })
  expect(nodes).toContainEqual({ node: 's.a', sessions: 382 })
  expect(edges.slice(0, 5).map(({ from, to, count }) => `${from} ${to} ${count}`)).toEqual([
    '^ s.a 382',
    '^ s.b 10',
    's.a s.b 300',
    's.a s.d 80',
    's.a s.c 2',
  ])
  const sum = edges
    .filter(({ from }) => from === 's.a')
    .reduce((all, edge) => all + edge.chancePpm, 0)
  expect(sum).toBeGreaterThan(980_000)
  expect(sum).toBeLessThan(1_000_000)
})

test.for([
  { name: 'usual', to: 's.b', status: 'normal' },
  { name: 'odder than three standard deviations', to: 's.c', status: 'anomalous' },
  { name: 'never seen and rejected', to: 's.x', status: 'rejected' },
  { name: 'seen and rejected', to: 's.d', status: 'rejected' },
])('an edge that is $name is $status', ({ to, status }) => {
  const once = judged(BASE.snapshot, 's.a', 's.x', { rejections: 1 })
  const snapshot = judged(once, 's.a', 's.d', { rejections: 1, approvals: 3 })
  const { edges } = graphOf({ ...BASE, snapshot }, null)
  const edge = edges.find((one) => one.from === 's.a' && one.to === to)
  expect(edge).toMatchObject({ status, trend: null })
  expect(edge?.z === null).toBe(to === 's.x')
})

test.for([
  { name: 'more often', to: 's.d', trend: 'up' },
  { name: 'less often', to: 's.b', trend: 'down' },
  { name: 'as often', to: 's.c', trend: 'same' },
  { name: 'never before', to: 's.e', trend: 'new' },
  { name: 'never again', to: 's.f', trend: 'gone' },
])('an edge that is taken $name is $trend', ({ to, trend }) => {
  const before = side({ 'a b': 300, 'a c': 2, 'a d': 80, 'a f': 4, b: 10 })
  const after = side({ 'a b': 300, 'a c': 3, 'a d': 160, 'a e': 4, b: 10 })
  const { edges } = graphOf(after, before)
  const edge = edges.find((one) => one.from === 's.a' && one.to === to)
  expect(edge?.trend).toBe(trend)
  if (trend === 'gone') expect(edge).toMatchObject({ count: 0, sessions: 0 })
})
