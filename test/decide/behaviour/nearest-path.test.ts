import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Chain } from '../../../src/decide/behaviour/chain.ts'
import { nearestPath } from '../../../src/decide/behaviour/nearest-path.ts'
import { chainOf, EMPTY_SNAPSHOT, learn } from '../../../src/decide/behaviour/snapshot.ts'
import { cpuMs } from '../../support/cpu.ts'

function chainFrom(sessions: readonly string[]): Chain {
  const observed = sessions.map((words, i) => ({
    ...{ id: `${i}`, group: `${i}`, ended: true },
    calls: [...words].map((word) => ({ node: `s.${word}`, args: null })),
  }))
  return chainOf(learn(observed), null)
}

function pathOf(chain: Chain, from: string, to: string): string {
  const path = nearestPath(chain, { from: from === '^' ? from : `s.${from}`, to: `s.${to}` })
  return path.map((node) => node.replace('s.', '')).join('')
}

test.for([
  { name: 'the step itself', sessions: ['ab'], from: 'a', to: 'b', want: 'ab' },
  { name: 'one call between', sessions: ['abc', 'abc'], from: 'a', to: 'c', want: 'abc' },
  {
    name: 'likely steps, not few',
    sessions: ['abc', ...Array(9).fill('axc')],
    from: 'a',
    to: 'c',
    want: 'axc',
  },
  { name: 'from the beginning', sessions: ['abc'], from: '^', to: 'c', want: '^abc' },
  { name: 'back to the same call', sessions: ['aba'], from: 'a', to: 'a', want: 'aba' },
  { name: 'five steps', sessions: ['abcdef'], from: 'a', to: 'f', want: 'abcdef' },
  { name: 'six are too many', sessions: ['abcdefg'], from: 'a', to: 'g', want: 'ab' },
  { name: 'a call that nobody made', sessions: ['ab', 'ab', 'ac'], from: 'a', to: 'z', want: 'ab' },
  { name: 'no way there', sessions: ['ab', 'ca'], from: 'b', to: 'c', want: 'b$' },
])('$name -> $want', ({ sessions, from, to, want }) => {
  expect(pathOf(chainFrom(sessions), from, to)).toBe(want)
})

test('no other way of five steps is likelier', () => {
  const word = fc.string({ unit: fc.constantFrom(...'abcde'), minLength: 1, maxLength: 6 })
  fc.assert(
    fc.property(fc.array(word, { minLength: 1, maxLength: 8 }), (sessions) => {
      const chain = chainFrom(sessions)
      for (const from of 'abcde') {
        for (const to of 'abcde') {
          const start = chain.ids.get(`s.${from}`)
          const goal = chain.ids.get(`s.${to}`)
          if (start === undefined || goal === undefined) continue
          const path = nearestPath(chain, { from: `s.${from}`, to: `s.${to}` })
          const best = likeliest(chain, start, goal, 5)
          if (best === 0) continue
          expect(
            chanceOf(
              chain,
              path.map((node) => chain.ids.get(node) ?? -1),
            ),
          ).toBeCloseTo(best)
        }
      }
    }),
  )
})

function share(chain: Chain, from: number, to: number): number {
  const context = chain.after[from]
  return (context?.next.get(to) ?? 0) / (context?.total ?? 1)
}

function chanceOf(chain: Chain, ids: readonly number[]): number {
  return ids.slice(1).reduce((chance, id, i) => chance * share(chain, ids[i] ?? -1, id), 1)
}

/** By trying all ways. */
function likeliest(chain: Chain, from: number, goal: number, steps: number): number {
  if (steps === 0) return 0
  const chances = [...(chain.after[from]?.next.keys() ?? [])].map(
    (to) => share(chain, from, to) * (to === goal ? 1 : likeliest(chain, to, goal, steps - 1)),
  )
  return Math.max(0, ...chances)
}

test('a call of 400,000 paths that only people named is not searched for', () => {
  const nodes = Array.from({ length: 3_900 }, (_, i) => `s.a${String(i).padStart(4, '0')}`)
  const paths = nodes.flatMap((_, from) =>
    Array.from({ length: 100 }, (_, i) => 2 + from - (from % 100) + i).flatMap((to) => [
      ...[2, from + 2, to, 1 + ((from * to) % 7), 1],
    ]),
  )
  const chain = chainOf({ ...EMPTY_SNAPSHOT, sessions: 1, nodes: [...nodes, 's.b'], paths }, null)
  const start = cpuMs()
  for (let i = 0; i < 50; i++) nearestPath(chain, { from: 's.a0005', to: 's.b' })
  expect(cpuMs() - start).toBeLessThan(1_000)
})
