import type { Chain, Context } from './chain.ts'
import { pairKey } from './chain.ts'

/** The two nodes before a call, by id. */
export type History = { readonly first: number; readonly second: number }

/** The contexts of a chain that have been seen, shortest first. One that has not ends the list. */
export function contextsOf(chain: Chain, { first, second }: History): readonly Context[] {
  const { all } = chain
  if (all.total === 0) return []
  const one = chain.after[second]
  if (one === undefined || one.total === 0) return [all]
  const two = chain.afterTwo.get(pairKey(first, second))
  return two === undefined || two.total === 0 ? [all, one] : [all, one, two]
}

/**
 * The chance of a call in its contexts, in (0, 1]: Witten-Bell interpolation over a floor of one unseen action.
 * Witten and Bell, "The zero-frequency problem", IEEE Transactions on Information Theory 37(4), 1991, method C.
 */
export function probability(chain: Chain, contexts: readonly Context[], id: number): number {
  let chance = floorOf(chain)
  for (const context of contexts) chance = interpolate(context, id, chance)
  return chance
}

/** How unlikely a call is in its contexts, in bits. */
export function surprisal(chain: Chain, contexts: readonly Context[], id: number): number {
  return -Math.log2(probability(chain, contexts, id)) + 0 // No -0.
}

/** The bits of the choice of the next call in these contexts; all unseen actions together are one choice. */
export function entropy(chain: Chain, contexts: readonly Context[]): number {
  const { sum, sumLog } = sumsOf(chain, contexts, contexts.length)
  const rest = 1 - sum
  return -sumLog - (rest > 1e-12 ? rest * Math.log2(rest) : 0) + 0
}

/** Bits of leaving each context in which a call was never seen, longest first; 0 when the longest knows it. */
export function escapeBits(contexts: readonly Context[], id: number): number {
  let bits = 0
  for (let i = contexts.length - 1; i >= 0; i--) {
    const context = contexts[i]
    if (context === undefined || context.next.has(id)) break
    const kinds = context.next.size
    bits += Math.log2((context.total + kinds) / kinds)
  }
  return bits
}

function interpolate(context: Context, id: number, shorter: number): number {
  const kinds = context.next.size
  return ((context.next.get(id) ?? 0) + kinds * shorter) / (context.total + kinds)
}

function floorOf(chain: Chain): number {
  return 1 / (chain.all.next.size + 1)
}

/**
 * The sums of p and of p log p over all actions that were seen, in the first `order` contexts. Those that the longest
 * has not seen share what the shorter ones say, scaled by one factor, so that only what it has seen needs a visit.
 */
function sumsOf(
  chain: Chain,
  contexts: readonly Context[],
  order: number,
): { readonly sum: number; readonly sumLog: number } {
  const context = contexts[order - 1]
  if (context === undefined) return NO_SUMS
  if (context.sums?.version === chain.version) return context.sums
  const below = sumsOf(chain, contexts, order - 1)
  let restSum = below.sum
  let restLog = below.sumLog
  let sum = 0
  let sumLog = 0
  for (const id of context.next.keys()) {
    let shorter = floorOf(chain)
    for (let i = 0; i < order - 1; i++) {
      const one = contexts[i]
      if (one !== undefined) shorter = interpolate(one, id, shorter)
    }
    const chance = interpolate(context, id, shorter)
    sum += chance
    sumLog += chance * Math.log2(chance)
    restSum -= shorter
    restLog -= shorter * Math.log2(shorter)
  }
  if (order > 1 && restSum > 1e-15) {
    const kinds = context.next.size
    const scale = kinds / (context.total + kinds)
    sum += scale * restSum
    sumLog += scale * (restLog + restSum * Math.log2(scale))
  }
  context.sums = { version: chain.version, sum, sumLog }
  return context.sums
}

const NO_SUMS = { sum: 0, sumLog: 0 }
