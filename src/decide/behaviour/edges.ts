import { sha256Text } from '../../base/digest.ts'
import { encodeHex } from '../../base/encoding.ts'
import { compareText } from '../../base/position.ts'
import type { Priority } from '../../model/generated/types.ts'
import type { Chain } from './chain.ts'
import { pairKey, pairOf } from './chain.ts'
import type { Observation } from './channels.ts'
import { contextsOf, surprisal } from './probability.ts'
import type { Welford } from './welford.ts'
import { deviationOf, mergeWelford, NO_VALUES } from './welford.ts'

/** How surprising each transition usually is, in bits. */
export type EdgeStatistics = {
  /** By `pairKey` of the two nodes: second-order surprisal in the contexts the transition was seen in. */
  readonly edges: ReadonlyMap<number, Welford>
  /** By the id of the node before: first-order surprisal of the transitions that leave it. */
  readonly sources: readonly (Welford | undefined)[]
}

/** The statistics of a chain, each call counted once; worked out anew only after the chain has changed. */
export function edgeStatistics(chain: Chain): EdgeStatistics {
  const known = KNOWN.get(chain)
  if (known !== undefined && known.version === chain.version) return known.statistics
  const statistics = { edges: edgesOf(chain), sources: sourcesOf(chain) }
  KNOWN.set(chain, { version: chain.version, statistics })
  return statistics
}

// Only remembers: what it holds follows from the chain and its version.
const KNOWN = new WeakMap<Chain, { version: number; statistics: EdgeStatistics }>()

/**
 * By how many standard deviations a surprisal lies above the mean; infinite where nothing was seen. Rounded to 2^-20,
 * so that the last bit of a logarithm decides nothing.
 */
export function zOf(usual: Welford | undefined, bits: number): number {
  if (usual === undefined || usual.n === 0) return Number.POSITIVE_INFINITY
  const z = (bits - usual.mean) / Math.max(deviationOf(usual), DEVIATION_MIN)
  return Math.round(z * QUANTA) / QUANTA + 0 // No -0.
}

const DEVIATION_MIN = 0.25 // In bits: a transition that hardly varies would cry at its smallest move.
const QUANTA = 2 ** 20

/** From this z on a passage of an edge is an anomaly. */
export const Z_MIN = 3

/**
 * What the literal rule remembers of a session: the edges whose newest passage was an anomaly, by a digest of their
 * two nodes, and how many in a row were. Latest last, at most `EDGES_REMEMBERED_MAX`; [] at the first call.
 */
export type LiteralState = readonly (readonly [edge: string, run: number])[]

export const EDGES_REMEMBERED_MAX = 64

export type LiteralScore = {
  readonly anomalous: boolean
  /** Anomalous passages of this edge in a row in this session, this one included; 0 when it is none. */
  readonly run: number
  /** At least `Z_MIN` for an anomaly; infinite when the edge was never seen. */
  readonly z: number
  /** The length of the context that was judged by. */
  readonly order: 1 | 2
  /** Of the transition in that context, in bits. */
  readonly surprisal: number
  /** What it usually is; null when the edge was never seen. */
  readonly usual: Welford | null
  readonly state: LiteralState
}

/**
 * The literal rule, one call further: is this transition an anomaly for its edge, and for the how manyth time in a
 * row? A rule that asks for k in a row holds when `run >= k`.
 *
 * Calls of low and medium priority are judged in first order: the transition's surprisal against those of all
 * transitions from the same node. Those of high and critical priority in second order: against those of the same edge
 * after all the nodes it was seen after.
 *
 * The state holds few edges. When it is full, an edge that it lacks takes the place of the one with the shortest run
 * and counts one more than that: rather too long a run than too short a one (Metwally et al., "Efficient computation
 * of frequent and top-k elements in data streams", 2005).
 *
 * @param state - what the last step of the session gave
 * @param call - what `observe` gave for the call, and the priority of its action
 */
export function literalStep(
  chain: Chain,
  state: LiteralState,
  call: Pick<Observation, 'from' | 'to' | 'surprisal'> & { readonly priority: Priority },
): LiteralScore {
  const judged = judge(chain, call)
  const anomalous = judged.z >= Z_MIN
  if (!anomalous && state.length === 0) return { ...judged, anomalous, run: 0, state }
  const edge = nameOf(call)
  const others = state.filter(([name]) => name !== edge)
  if (!anomalous) return { ...judged, anomalous, run: 0, state: others }
  const full = others.length >= EDGES_REMEMBERED_MAX
  const shortest = full ? Math.min(...others.map(([, run]) => run)) : 0
  const run = (state.find(([name]) => name === edge)?.[1] ?? shortest) + 1
  const dropped = full ? others.findIndex(([, one]) => one === shortest) : -1
  const kept = others.filter((_, i) => i !== dropped)
  return { ...judged, anomalous, run, state: [...kept, [edge, run]] }
}

function judge(
  chain: Chain,
  { from, to, surprisal: second, priority }: Parameters<typeof literalStep>[2],
): Pick<LiteralScore, 'z' | 'order' | 'surprisal' | 'usual'> {
  const order = priority === 'high' || priority === 'critical' ? 2 : 1
  const [source, target] = [chain.ids.get(from), chain.ids.get(to)]
  const edge = source === undefined || target === undefined ? undefined : pairKey(source, target)
  const { edges, sources } = edgeStatistics(chain)
  const seen = edge === undefined ? undefined : edges.get(edge)
  const usual = seen === undefined || order === 2 ? seen : sources[source ?? -1]
  const bits = order === 2 ? second : firstOrder(chain, source, target)
  return { z: zOf(usual, bits), order, surprisal: bits, usual: usual ?? null }
}

/** A node that the chain does not know is as likely as any other that it never saw. */
function firstOrder(chain: Chain, source: number | undefined, target: number | undefined): number {
  const contexts = contextsOf(chain, { first: -1, second: source ?? -1 }).slice(0, 2)
  return surprisal(chain, contexts, target ?? -1)
}

/** Short, whatever the nodes are called; white space stands in no node. */
function nameOf({ from, to }: Pick<Observation, 'from' | 'to'>): string {
  return encodeHex(sha256Text(`${from} ${to}`).subarray(0, 8))
}

function edgesOf(chain: Chain): ReadonlyMap<number, Welford> {
  const edges = new Map<number, Welford>()
  const rank = ranks(chain)
  // In order of names, since the last bits of a merge depend on its order, and ids on that of learning.
  const contexts = [...chain.afterTwo].map(([key, { next }]) => {
    const [first, second] = pairOf(key)
    return { first, second, next, rank: rank[first] ?? 0 }
  })
  contexts.sort((a, b) => a.rank - b.rank)
  for (const { first, second, next } of contexts) {
    const seen = contextsOf(chain, { first, second })
    for (const [to, count] of next) {
      const one = { n: count, mean: surprisal(chain, seen, to), m2: 0 }
      const key = pairKey(second, to)
      edges.set(key, mergeWelford(edges.get(key) ?? NO_VALUES, one))
    }
  }
  return edges
}

function sourcesOf(chain: Chain): readonly (Welford | undefined)[] {
  const rank = ranks(chain)
  return chain.after.map((context, source) => {
    if (context === undefined) return undefined
    const seen = contextsOf(chain, { first: -1, second: source }).slice(0, 2)
    return [...context.next]
      .sort(([a], [b]) => (rank[a] ?? 0) - (rank[b] ?? 0))
      .map(([to, count]) => ({ n: count, mean: surprisal(chain, seen, to), m2: 0 }))
      .reduce(mergeWelford, NO_VALUES)
  })
}

/** For each id its place in the order of names. */
function ranks(chain: Chain): readonly number[] {
  const ranked: number[] = []
  const ids = chain.names.map((_, id) => id)
  ids.sort((a, b) => compareText(chain.names[a] ?? '', chain.names[b] ?? ''))
  ids.forEach((id, place) => {
    ranked[id] = place
  })
  return ranked
}
