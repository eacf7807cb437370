import type { Snapshot } from '../../../src/decide/behaviour/snapshot.ts'
import { EMPTY_SNAPSHOT, merge } from '../../../src/decide/behaviour/snapshot.ts'

/** A snapshot with people's word on one transition of two calls. */
export function judged(
  snapshot: Snapshot,
  from: string,
  to: string,
  { approvals = 0, rejections = 0 }: { readonly approvals?: number; readonly rejections?: number },
): Snapshot {
  const nodes = [...new Set([from, to])].sort()
  const id = (node: string): number => nodes.indexOf(node) + 2
  const edges = [id(from), id(to), 0, approvals, rejections]
  return merge(snapshot, { ...EMPTY_SNAPSHOT, nodes, edges })
}
