import { compareText } from '../../base/position.ts'
import type { BaselineComparison, BeforeAfter, EdgeChange } from '../../model/baseline-report.ts'
import type { Chain } from './chain.ts'
import { contextsOf, entropy, probability } from './probability.ts'
import type { Snapshot } from './snapshot.ts'
import { chainOf, nodeOfId, rowsOf } from './snapshot.ts'

/** One version of a baseline, as it counts. */
export type Side = {
  readonly snapshot: Snapshot
  /** Sessions after which an unused path counts half; null for no decay. */
  readonly halfLife: number | null
}

/** What one version says of a transition. */
export type EdgeFacts = {
  readonly from: string
  readonly to: string
  /** As the file has it, whatever has decayed. */
  readonly count: number
  readonly sessions: number
  readonly approvals: number
  readonly rejections: number
}

/**
 * What differs between two versions of a baseline, in words that people can judge.
 *
 * @param leadsToHarm - whether a node's tool cannot be undone
 * @throws {PolicyError} BASELINE_TOO_LARGE
 */
export function compareBaselines(
  { before, after }: BeforeAfter<Side>,
  leadsToHarm: (node: string) => boolean,
): BaselineComparison {
  const chains = { before: chainFor(before), after: chainFor(after) }
  const edges = edgeChanges({ before, after }, chains, leadsToHarm)
  const isSeen = { before: edges.map(seenBefore), after: edges.map(seenAfter) }
  return {
    sessions: both((side) => side.snapshot.sessions, { before, after }),
    calls: both((side) => side.snapshot.calls, { before, after }),
    entropyMillibits: both(entropyMillibits, chains),
    movementPpm: movementOf(chains),
    nodes: {
      added: onlyIn(after.snapshot.nodes, before.snapshot.nodes),
      gone: onlyIn(before.snapshot.nodes, after.snapshot.nodes),
    },
    added: edges.filter((_, i) => isSeen.after[i] && !isSeen.before[i]),
    gone: edges.filter((_, i) => isSeen.before[i] && !isSeen.after[i]),
    moved: edges
      .filter((edge, i) => isSeen.before[i] && isSeen.after[i] && shift(edge) >= SHIFT_PPM_MIN)
      .sort((a, b) => shift(b) - shift(a) || byName(a, b)),
    judged: edges.filter(
      ({ approvals, rejections }) =>
        approvals.before !== approvals.after || rejections.before !== rejections.after,
    ),
  }
}

const SHIFT_PPM_MIN = 1_000

/**
 * How far the chances of the next call moved, in millionths: the total-variation distance of the first-order
 * distributions, over all calls after which something can follow, weighted by how often each of them is followed in the
 * new version; in the old one where the new one does not know any more what follows, as when all of it has aged. All calls
 * that the old version never saw are one to it.
 *
 * @throws {PolicyError} BASELINE_TOO_LARGE
 */
export function movement(before: Side, after: Side): number {
  return movementOf({ before: chainFor(before), after: chainFor(after) })
}

/** Every transition that a version has seen or people judged, by name. */
export function edgeFacts(snapshot: Snapshot): ReadonlyMap<string, EdgeFacts> {
  const edges = new Map<string, EdgeFacts>()
  for (const [from, to, sessions, approvals, rejections] of rowsOf(snapshot, 'edges')) {
    const names = { from: nodeOfId(snapshot, from), to: nodeOfId(snapshot, to) }
    edges.set(edgeName(names), { ...names, count: 0, sessions, approvals, rejections })
  }
  for (const [, from, to, count] of rowsOf(snapshot, 'paths')) {
    const names = { from: nodeOfId(snapshot, from), to: nodeOfId(snapshot, to) }
    const known = edges.get(edgeName(names)) ?? { ...names, ...NOTHING }
    edges.set(edgeName(names), { ...known, count: known.count + count })
  }
  return edges
}

const NOTHING = { count: 0, sessions: 0, approvals: 0, rejections: 0 }

/** One text for a transition: no node holds a space. */
export function edgeName({ from, to }: { readonly from: string; readonly to: string }): string {
  return `${from} ${to}`
}

/** The first-order chance of a transition in millionths; of one that nobody made, what is left for such. */
export function chancePpm(
  chain: Chain,
  { from, to }: { readonly from: string; readonly to: string },
): number {
  const contexts = firstOrder(chain, chain.ids.get(from) ?? -1)
  return Math.round(probability(chain, contexts, chain.ids.get(to) ?? -1) * 1_000_000)
}

/** A version's chain. @throws {PolicyError} BASELINE_TOO_LARGE */
export function chainFor({ snapshot, halfLife }: Side): Chain {
  return chainOf(snapshot, halfLife)
}

/** The contexts of a call after `id` alone. */
export function firstOrder(chain: Chain, id: number): ReturnType<typeof contextsOf> {
  return contextsOf(chain, { first: -1, second: id }).slice(0, 2)
}

function edgeChanges(
  sides: BeforeAfter<Side>,
  chains: BeforeAfter<Chain>,
  leadsToHarm: (node: string) => boolean,
): EdgeChange[] {
  const facts = both(({ snapshot }) => edgeFacts(snapshot), sides)
  const names = [...new Set([...facts.before.keys(), ...facts.after.keys()])]
  const changes = names.map((name): EdgeChange => {
    const known = both((side) => side.get(name), facts)
    const { from = '', to = '' } = known.after ?? known.before ?? {}
    const value = (key: 'count' | 'approvals' | 'rejections'): BeforeAfter<number> =>
      both((one) => one?.[key] ?? 0, known)
    return {
      from,
      to,
      count: value('count'),
      chancePpm: both((chain) => chancePpm(chain, { from, to }), chains),
      approvals: value('approvals'),
      rejections: value('rejections'),
      irreversible: leadsToHarm(to),
    }
  })
  return changes.sort(byName)
}

function movementOf({ before, after }: BeforeAfter<Chain>): number {
  const nodes = after.names.map((name, id) => ({ name, id }))
  // What only the old version knows can follow too.
  const gone = before.names.filter((name) => !after.ids.has(name))
  const all = [...nodes, ...gone.map((name) => ({ name, id: -1 }))].map(({ name, id }) => ({
    after: isKnown(after, id) ? id : -1,
    before: knownIn(before, name),
  }))
  const known = all.filter((one) => one.after >= 0 || one.before >= 0)
  let calls = 0
  let moved = 0
  const add = (weight: number, name: string, id: number): void => {
    calls += weight
    moved += weight * distance({ before, after }, { name, id }, known)
  }
  for (const [id, context] of after.after.entries()) {
    if (context !== undefined && context.total > 0) add(context.total, after.names[id] ?? '', id)
  }
  for (const [id, context] of before.after.entries()) {
    const name = before.names[id] ?? ''
    const now = after.ids.get(name) ?? -1
    if (context === undefined || (after.after[now]?.total ?? 0) > 0) continue
    add(context.total, name, now)
  }
  return calls === 0 ? 0 : Math.min(1_000_000, Math.round((moved / calls) * 1_000_000))
}

type Known = BeforeAfter<number>

/** Half the sum of the differences; an unseen call counts once on each side. */
function distance(
  { before, after }: BeforeAfter<Chain>,
  { name, id }: { readonly name: string; readonly id: number },
  known: readonly Known[],
): number {
  const contexts = {
    before: firstOrder(before, before.ids.get(name) ?? -1),
    after: firstOrder(after, id),
  }
  let sum = Math.abs(
    probability(before, contexts.before, -1) - probability(after, contexts.after, -1),
  )
  for (const node of known) {
    const old = node.before < 0 ? 0 : probability(before, contexts.before, node.before)
    const now = node.after < 0 ? 0 : probability(after, contexts.after, node.after)
    sum += Math.abs(now - old)
  }
  return sum / 2
}

/** Whether something ever led to the node: a name that only people's words hold is none of the distribution's. */
function isKnown(chain: Chain, id: number): boolean {
  return chain.all.next.has(id)
}

function knownIn(chain: Chain, name: string): number {
  const id = chain.ids.get(name)
  return id !== undefined && isKnown(chain, id) ? id : -1
}

function entropyMillibits(chain: Chain): number {
  let calls = 0
  let bits = 0
  for (const [id, context] of chain.after.entries()) {
    if (context === undefined || context.total === 0) continue
    calls += context.total
    bits += context.total * entropy(chain, firstOrder(chain, id))
  }
  return calls === 0 ? 0 : Math.max(0, Math.round((bits / calls) * 1_000))
}

function both<T, U>(work: (side: T) => U, { before, after }: BeforeAfter<T>): BeforeAfter<U> {
  return { before: work(before), after: work(after) }
}

function seenBefore({ count }: EdgeChange): boolean {
  return count.before > 0
}

function seenAfter({ count }: EdgeChange): boolean {
  return count.after > 0
}

function shift({ chancePpm: { before, after } }: EdgeChange): number {
  return Math.abs(after - before)
}

function byName(a: EdgeChange, b: EdgeChange): number {
  return compareText(a.from, b.from) || compareText(a.to, b.to)
}

function onlyIn(some: readonly string[], others: readonly string[]): readonly string[] {
  const known = new Set(others)
  return some.filter((node) => !known.has(node))
}
