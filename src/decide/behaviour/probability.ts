import type { Chain, Context, Sums } from './chain.ts'
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
  return sumsOf(chain, contexts, contexts.length).entropy
}

/** A call in its contexts. */
export type Placement = {
  /** How unlikely it is, in bits, as `surprisal` says. */
  readonly surprisal: number
  /** Bits of leaving each context in which it was never seen, from the longest on; 0 when that knows it. */
  readonly escape: number
  /** How often it was seen after the node before it. */
  readonly seen: number
  /** Whether it was seen after the two nodes before it. */
  readonly known: boolean
}

/** All that the contexts say of a call, each asked once. */
export function placementOf(chain: Chain, contexts: readonly Context[], id: number): Placement {
  let chance = floorOf(chain)
  let left = 0
  let seen = 0
  let known = false
  for (let order = 0; order < contexts.length; order++) {
    const context = contexts[order]
    if (context === undefined) break
    const count = context.next.get(id) ?? 0
    const kinds = context.next.size
    const whole = context.total + kinds
    chance = (count + kinds * chance) / whole
    // What a longer context has seen, the shorter ones have too.
    if (count === 0) left += Math.log2(whole / kinds)
    if (order === 1) seen = count
    if (order === 2) known = count > 0
  }
  return { surprisal: -Math.log2(chance) + 0, escape: left, seen, known }
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
function sumsOf(chain: Chain, contexts: readonly Context[], order: number): Sums {
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
  const rest = 1 - sum
  const bits = -sumLog - (rest > 1e-12 ? rest * Math.log2(rest) : 0) + 0
  context.sums = { version: chain.version, sum, sumLog, entropy: bits }
  return context.sums
}

const NO_SUMS: Sums = { version: 0, sum: 0, sumLog: 0, entropy: 0 }
