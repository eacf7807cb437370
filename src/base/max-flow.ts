/** A way from one node to another, and how much fits through. Nodes are whole numbers from 0. */
export type FlowEdge = { readonly from: number; readonly to: number; readonly capacity: number }

/**
 * The largest flow through a network, edge by edge: how much each carries, in the order given. Of several largest flows
 * it is always the same one. Shortest augmenting paths (Edmonds and Karp, 1972).
 *
 * @param edges - capacities are whole numbers, not below 0
 */
export function maxFlow(
  edges: readonly FlowEdge[],
  { source, sink }: { readonly source: number; readonly sink: number },
): readonly number[] {
  // Each edge has its way back beside it: what was sent can be taken back.
  const arcs = edges.flatMap(({ from, to, capacity }) => [
    { from, to, left: capacity },
    { from: to, to: from, left: 0 },
  ])
  const leaving = new Map<number, number[]>()
  for (const [index, { from }] of arcs.entries()) {
    const list = leaving.get(from)
    if (list === undefined) leaving.set(from, [index])
    else list.push(index)
  }
  for (;;) {
    const path = shortestPath(arcs, leaving, { source, sink })
    if (path === null) break
    const room = Math.min(...path.map((index) => arcs[index]?.left ?? 0))
    for (const index of path) {
      const [arc, back] = [arcs[index], arcs[index ^ 1]]
      if (arc !== undefined) arc.left -= room
      if (back !== undefined) back.left += room
    }
  }
  return edges.map((_, index) => arcs[2 * index + 1]?.left ?? 0)
}

type Arc = { readonly from: number; readonly to: number; left: number }

/** The arcs of a way from source to sink that still has room; null when there is none. */
function shortestPath(
  arcs: readonly Arc[],
  leaving: ReadonlyMap<number, readonly number[]>,
  { source, sink }: { readonly source: number; readonly sink: number },
): number[] | null {
  const cameBy = new Map<number, number>()
  const queue = [source]
  for (const node of queue) {
    for (const index of leaving.get(node) ?? []) {
      const arc = arcs[index]
      if (arc === undefined || !(arc.left > 0) || arc.to === source || cameBy.has(arc.to)) continue
      cameBy.set(arc.to, index)
      if (arc.to === sink) return wayBack(arcs, cameBy, sink)
      queue.push(arc.to)
    }
  }
  return null
}

function wayBack(
  arcs: readonly Arc[],
  cameBy: ReadonlyMap<number, number>,
  sink: number,
): number[] {
  const path: number[] = []
  for (let index = cameBy.get(sink); index !== undefined; ) {
    path.push(index)
    index = cameBy.get(arcs[index]?.from ?? -1)
  }
  return path.reverse()
}
