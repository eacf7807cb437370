import { PolicyError } from '../../base/errors.ts'
import { NODES_MAX, REPEATS_MAX } from './limits.ts'
import { BEGIN, END, serviceOf } from './node.ts'
import type { Step } from './session.ts'

/** Ids of the two nodes that are no action's; those of actions follow. */
export const BEGIN_ID = 0
export const END_ID = 1

/** What came after one context, how often. */
export type Context = {
  total: number
  readonly next: Map<number, number>
  /** What `entropy` worked out for a version of the chain. */
  sums: { readonly version: number; readonly sum: number; readonly sumLog: number } | null
}

/** What people said of one transition, and how many sessions made it. */
export type Edge = { sessions: number; approvals: number; rejections: number }

/** A histogram: how many sessions reached exactly this number. */
export type Histogram = Map<number, number>

/**
 * Counts of a variable-order Markov chain over calls, of what precedes what, and of repeats. Mutable: sessions are
 * added, and taken away again with a negative weight. Only `src/decide/behaviour` changes one.
 */
export type Chain = {
  /** Grows with each change. */
  version: number
  sessions: number
  calls: number
  readonly names: string[]
  readonly ids: Map<string, number>
  /** Order 0. */
  readonly all: Context
  /** Order 1, by the id of the node before. */
  readonly after: (Context | undefined)[]
  /** Order 2, by `pairKey` of the two nodes before. */
  readonly afterTwo: Map<number, Context>
  /** Sessions that contain a node, by its id. */
  readonly containing: number[]
  /** How many of those had another node before its first occurrence: by id, then by the other's id. */
  readonly preceding: (Map<number, number> | undefined)[]
  /** The same, most frequent first; null after a change. */
  readonly predecessors: (readonly (readonly [id: number, sessions: number])[] | null)[]
  /** Longest run of equal calls in a session, by node. */
  readonly runs: (Histogram | undefined)[]
  /** Longest repetition of period 2 and of period 3 in a session. */
  readonly cycles: readonly [Histogram, Histogram]
  /** Repeated calls with equal arguments in a session. */
  readonly duplicates: Histogram
  readonly edges: Map<number, Edge>
  readonly services: Map<string, number>
}

export function newChain(): Chain {
  return {
    version: 0,
    sessions: 0,
    calls: 0,
    names: [BEGIN, END],
    ids: new Map([
      [BEGIN, BEGIN_ID],
      [END, END_ID],
    ]),
    all: newContext(),
    after: [],
    afterTwo: new Map(),
    containing: [0, 0],
    preceding: [],
    predecessors: [],
    runs: [],
    cycles: [new Map(), new Map()],
    duplicates: new Map(),
    edges: new Map(),
    services: new Map(),
  }
}

/**
 * The id of a node, which gets one when it has none.
 *
 * @throws {PolicyError} BASELINE_TOO_LARGE
 */
export function idOf(chain: Chain, node: string): number {
  const known = chain.ids.get(node)
  if (known !== undefined) return known
  const id = chain.names.length
  if (id >= NODES_MAX + 2) {
    throw new PolicyError('BASELINE_TOO_LARGE', `expected at most ${NODES_MAX} different actions`)
  }
  chain.names.push(node)
  chain.ids.set(node, id)
  chain.containing.push(0)
  return id
}

/** One number for two nodes in a row. */
export function pairKey(a: number, b: number): number {
  return a * ID_SPAN + b
}

/** The two ids of a pair's key. */
export function pairOf(key: number): readonly [a: number, b: number] {
  return [Math.floor(key / ID_SPAN), key % ID_SPAN]
}

const ID_SPAN = 8_192 // A power of two above NODES_MAX + 2 and the ids of a session's unknown nodes.

/**
 * Learns a session, or with weight -1 forgets one that was learned.
 *
 * @throws {PolicyError} BASELINE_TOO_LARGE
 */
export function learnSteps(
  chain: Chain,
  session: { readonly steps: readonly Step[]; readonly ended: boolean },
  weight: 1 | -1 = 1,
): void {
  const ids = session.steps.map(({ node }) => idOf(chain, node))
  learnTransitions(chain, session.ended ? [...ids, END_ID] : ids, weight)
  learnPrecedence(chain, ids, weight)
  learnRepeats(chain, ids, weight)
  add(chain.duplicates, clip(session.steps.filter(({ duplicate }) => duplicate).length), weight)
  chain.version += 1
  chain.sessions = Math.max(0, chain.sessions + weight)
  chain.calls = Math.max(0, chain.calls + weight * ids.length)
}

function learnTransitions(chain: Chain, ids: readonly number[], weight: number): void {
  const edges = new Set<number>()
  let first = BEGIN_ID
  let second = BEGIN_ID
  for (const id of ids) {
    addPath(chain, [first, second, id], weight)
    edges.add(pairKey(second, id))
    first = second
    second = id
  }
  for (const key of edges) {
    const edge = edgeOf(chain, key)
    edge.sessions = Math.max(0, edge.sessions + weight)
  }
}

/** Counts a call after the two before it in all three orders. */
export function addPath(
  chain: Chain,
  [first, second, id]: readonly [number, number, number],
  weight: number,
): void {
  const pair = pairKey(first, second)
  let two = chain.afterTwo.get(pair)
  if (two === undefined) {
    two = newContext()
    chain.afterTwo.set(pair, two)
  }
  // Not below what is there: a decayed path has less than the sessions that once made it.
  const counted = weight < 0 ? -Math.min(-weight, two.next.get(id) ?? 0) : weight
  if (counted === 0) return
  let one = chain.after[second]
  if (one === undefined) {
    one = newContext()
    chain.after[second] = one
  }
  count(two, id, counted)
  count(one, id, counted)
  count(chain.all, id, counted)
}

/** What is known of a transition, made when it is not. */
export function edgeOf(chain: Chain, key: number): Edge {
  const known = chain.edges.get(key)
  if (known !== undefined) return known
  const edge = { sessions: 0, approvals: 0, rejections: 0 }
  chain.edges.set(key, edge)
  return edge
}

function learnPrecedence(chain: Chain, ids: readonly number[], weight: number): void {
  const seen: number[] = []
  const known = new Set<number>()
  for (const id of ids) {
    if (known.has(id)) continue
    addContaining(chain, id, weight)
    for (const earlier of seen) addPreceding(chain, { id, earlier }, weight)
    known.add(id)
    seen.push(id)
  }
}

export function addContaining(chain: Chain, id: number, weight: number): void {
  chain.containing[id] = Math.max(0, (chain.containing[id] ?? 0) + weight)
  const service = serviceOf(chain.names[id] ?? '')
  add(chain.services, service, weight)
}

export function addPreceding(
  chain: Chain,
  { id, earlier }: { readonly id: number; readonly earlier: number },
  weight: number,
): void {
  let before = chain.preceding[id]
  if (before === undefined) {
    before = new Map()
    chain.preceding[id] = before
  }
  add(before, earlier, weight)
  chain.predecessors[id] = null
}

function learnRepeats(chain: Chain, ids: readonly number[], weight: number): void {
  const runs = new Map<number, number>()
  const longest = [0, 0]
  const lengths = [0, 0, 0]
  for (let i = 0; i < ids.length; i++) {
    for (let period = 1; period <= 3; period++) {
      const repeats = ids[i - period] === ids[i]
      lengths[period - 1] = repeats ? (lengths[period - 1] ?? 0) + 1 : 0
    }
    const id = ids[i] ?? END_ID
    const [run = 0, two = 0, three = 0] = lengths
    runs.set(id, Math.max(runs.get(id) ?? 0, run))
    longest[0] = Math.max(longest[0] ?? 0, Math.floor(two / 2))
    longest[1] = Math.max(longest[1] ?? 0, Math.floor(three / 3))
  }
  for (const [id, run] of runs) addRun(chain, { id, run: clip(run) }, weight)
  if (ids.length === 0) return
  add(chain.cycles[0], clip(longest[0] ?? 0), weight)
  add(chain.cycles[1], clip(longest[1] ?? 0), weight)
}

export function addRun(
  chain: Chain,
  { id, run }: { readonly id: number; readonly run: number },
  weight: number,
): void {
  let histogram = chain.runs[id]
  if (histogram === undefined) {
    histogram = new Map()
    chain.runs[id] = histogram
  }
  add(histogram, run, weight)
}

/** Adds to a count, which goes when it reaches nothing. */
export function add<K>(counts: Map<K, number>, key: K, weight: number): void {
  const sum = (counts.get(key) ?? 0) + weight
  if (sum > 0) counts.set(key, sum)
  else counts.delete(key)
}

function count(context: Context, id: number, weight: number): void {
  add(context.next, id, weight)
  context.total = Math.max(0, context.total + weight)
}

function newContext(): Context {
  return { total: 0, next: new Map(), sums: null }
}

function clip(repeats: number): number {
  return Math.min(repeats, REPEATS_MAX)
}
