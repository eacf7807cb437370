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
  let reached = new Map<number, Way>([[start, { chance: 1, ids: [start] }]])
  let best: Way | null = null
  for (let step = 0; step < STEPS_MAX; step++) {
    const next = new Map<number, Way>()
    for (const [id, way] of reached) {
      const context = chain.after[id]
      if (context === undefined) continue
      for (const [to, count] of context.next) {
        const chance = (way.chance * count) / context.total
        if (chance > (next.get(to)?.chance ?? 0)) next.set(to, { chance, ids: [...way.ids, to] })
      }
    }
    const arrived = next.get(goal)
    if (arrived !== undefined && arrived.chance > (best?.chance ?? 0)) best = arrived
    reached = next
  }
  return best?.ids ?? null
}

type Way = { readonly chance: number; readonly ids: readonly number[] }

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
