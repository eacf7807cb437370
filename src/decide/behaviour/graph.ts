import { compareText } from '../../base/position.ts'
import type { BaselineGraph, GraphEdge } from '../../model/baseline-report.ts'
import type { Chain } from './chain.ts'
import type { EdgeFacts, Side } from './compare.ts'
import { chainFor, chancePpm, edgeFacts, edgeName, firstOrder } from './compare.ts'
import { edgeStatistics, Z_MIN, zOf } from './edges.ts'
import { BEGIN, END } from './node.ts'
import { surprisal } from './probability.ts'
import { nodeOfId, rowsOf } from './snapshot.ts'

/** A transition of a smaller chance is rare, in millionths. */
export const RARE_PPM = 10_000

/** A chance that moved by less stayed the same, in millionths. */
export const TREND_PPM_MIN = 5_000

/**
 * The first-order graph of a baseline, with what people said of each transition and how odd each is.
 *
 * @param other - a version to show trends against; transitions that only it has stand in the graph as gone
 * @throws {PolicyError} BASELINE_TOO_LARGE
 */
export function graphOf(side: Side, other: Side | null): BaselineGraph {
  const { snapshot } = side
  const chain = chainFor(side)
  const facts = edgeFacts(snapshot)
  const before =
    other === null ? null : { chain: chainFor(other), facts: edgeFacts(other.snapshot) }
  const edges = [...facts.values()].map((edge) => graphEdge(chain, edge, before))
  const gone = [...(before?.facts.values() ?? [])]
    .filter((edge) => edge.count > 0 && !facts.has(edgeName(edge)))
    .map((edge) => ({
      ...graphEdge(chain, { ...edge, count: 0, sessions: 0 }, null),
      trend: 'gone' as const,
    }))
  const containing = [...rowsOf(snapshot, 'containing')]
    .map(([id, sessions]) => ({ node: nodeOfId(snapshot, id), sessions }))
    .filter(({ node }) => node !== END)
  return {
    sessions: snapshot.sessions,
    calls: snapshot.calls,
    nodes: containing.sort((a, b) => compareText(a.node, b.node)),
    edges: [...edges, ...gone].sort(
      (a, b) =>
        place(a.from) - place(b.from) ||
        compareText(a.from, b.from) ||
        b.chancePpm - a.chancePpm ||
        compareText(a.to, b.to),
    ),
  }
}

type Other = { readonly chain: Chain; readonly facts: ReadonlyMap<string, EdgeFacts> }

function graphEdge(chain: Chain, edge: EdgeFacts, before: Other | null): GraphEdge {
  const chance = chancePpm(chain, edge)
  const z = edge.count === 0 ? null : zOfEdge(chain, edge)
  return {
    ...edge,
    chancePpm: chance,
    z,
    status: statusOf(edge, chance, z),
    trend: before === null ? null : trendOf(edge, chance, before),
  }
}

function zOfEdge(chain: Chain, { from, to }: EdgeFacts): number | null {
  const source = chain.ids.get(from) ?? -1
  const bits = surprisal(chain, firstOrder(chain, source), chain.ids.get(to) ?? -1)
  const z = zOf(edgeStatistics(chain).sources[source], bits)
  return Number.isFinite(z) ? z : null
}

function statusOf(
  { rejections }: EdgeFacts,
  chance: number,
  z: number | null,
): GraphEdge['status'] {
  if (rejections > 0) return 'rejected'
  if (z !== null && z >= Z_MIN) return 'anomalous'
  return chance < RARE_PPM ? 'rare' : 'normal'
}

function trendOf(edge: EdgeFacts, chance: number, { chain, facts }: Other): GraphEdge['trend'] {
  const known = facts.get(edgeName(edge))?.count ?? 0
  if (edge.count > 0 && known === 0) return 'new'
  if (edge.count === 0 && known > 0) return 'gone'
  const change = chance - chancePpm(chain, edge)
  if (Math.abs(change) < TREND_PPM_MIN) return 'same'
  return change > 0 ? 'up' : 'down'
}

/** Before the first call, between, after the last. */
function place(node: string): number {
  if (node === BEGIN) return 0
  return node === END ? 2 : 1
}
