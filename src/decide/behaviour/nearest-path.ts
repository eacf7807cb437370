import type { Chain } from './chain.ts'
import { BEGIN_ID } from './chain.ts'
import type { Observation } from './channels.ts'

/**
 * How normal sessions get from the call before to this one: the likeliest way by single steps, both ends included, of
 * at most `STEPS_MAX` steps; or, where there is none, the likeliest next calls, each by itself a continuation.
 */
export function nearestPath(
  chain: Chain,
  { from, to }: Pick<Observation, 'from' | 'to'>,
): string[] {
  const start = chain.ids.get(from) ?? BEGIN_ID
  const goal = chain.ids.get(to)
  const way = goal === undefined ? null : likeliestWay(chain, start, goal)
  return (way ?? [start, likeliestNext(chain, start)])
    .filter((id) => id !== null)
    .map((id) => chain.names[id] ?? '')
}

const STEPS_MAX = 5

/** By dynamic programming over the number of steps: small, and the same on every machine. */
function likeliestWay(chain: Chain, start: number, goal: number): readonly number[] | null {
  if (!chain.all.next.has(goal)) return null
  let reached = new Map<number, Way>([[start, { chance: 1, id: start, before: null }]])
  let best: Way | null = null
  // What is no likelier than the way to the same node in fewer steps, or than a whole way, leads to nothing better.
  const likeliest = new Map<number, number>()
  for (let step = 0; step < STEPS_MAX && reached.size > 0; step++) {
    const next = new Map<number, Way>()
    for (const way of reached.values()) {
      const context = chain.after[way.id]
      if (context === undefined) continue
      for (const [to, count] of context.next) {
        const chance = (way.chance * count) / context.total
        if (chance <= (likeliest.get(to) ?? 0) || chance <= (best?.chance ?? 0)) continue
        likeliest.set(to, chance)
        next.set(to, { chance, id: to, before: way })
      }
    }
    best = next.get(goal) ?? best
    reached = next
  }
  return best === null ? null : idsOf(best)
}

type Way = { readonly chance: number; readonly id: number; readonly before: Way | null }

function idsOf(way: Way): readonly number[] {
  const ids: number[] = []
  for (let one: Way | null = way; one !== null; one = one.before) ids.push(one.id)
  return ids.reverse()
}

function likeliestNext(chain: Chain, id: number): number | null {
  let best: number | null = null
  let most = 0
  for (const [to, count] of chain.after[id]?.next ?? []) {
    if (count > most) {
      most = count
      best = to
    }
  }
  return best
}
