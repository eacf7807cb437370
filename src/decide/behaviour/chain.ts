import { PolicyError } from '../../base/errors.ts'
import { NODES_MAX, REPEATS_MAX } from './limits.ts'
import { BEGIN, END, serviceOf } from './node.ts'
import type { Trail } from './session.ts'

/** Ids of the two nodes that are no action's; those of actions follow. */
export const BEGIN_ID = 0
export const END_ID = 1

/** What came after one context, how often. */
export type Context = {
  total: number
  readonly next: Map<number, number>
  /** What `entropy` worked out for a version of the chain. */
  sums: Sums | null
}

/** Over all actions that were seen anywhere: of p, of p log p; and the entropy that follows, in bits. */
export type Sums = {
  readonly version: number
  readonly sum: number
  readonly sumLog: number
  readonly entropy: number
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
  /** What each call of a decayed path still counts, by `pathKey`; of any other path a whole one. */
  readonly shares: Map<number, number>
  /** Sessions that contain a node, by its id; those that have ended contain END. */
  readonly containing: number[]
  /** How many of those had another node before its first occurrence: by id, then by the other's id. */
  readonly preceding: (Map<number, number> | undefined)[]
  /** Rows of a snapshot that are not in `preceding` yet: most sessions ask about few nodes. */
  readonly waiting: (PrecedingRows | undefined)[]
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

/** The rows of one node in a snapshot's table `preceding`: from one index to before another. */
export type PrecedingRows = {
  readonly table: readonly number[]
  readonly start: number
  readonly end: number
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
    shares: new Map(),
    containing: [0, 0],
    preceding: [],
    waiting: [],
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

/** One number for three nodes in a row. */
export function pathKey(first: number, second: number, id: number): number {
  return pairKey(first, second) * ID_SPAN + id
}

/** The two ids of a pair's key. */
export function pairOf(key: number): readonly [a: number, b: number] {
  return [Math.floor(key / ID_SPAN), key % ID_SPAN]
}

const ID_SPAN = 8_192 // A power of two above NODES_MAX + 2 and the ids of a session's unknown nodes.

/**
 * Learns a session.
 *
 * @param counts - for each transition how much it counts; absent: a whole call, of a decayed path its share of one
 * @throws {PolicyError} BASELINE_TOO_LARGE
 */
export function learnSteps(chain: Chain, session: Learned, counts?: readonly number[]): void {
  learnWeighted(chain, session, 1, counts)
}

/** Forgets a session that was learned. Gives what `learnSteps` needs to learn it again just so. */
export function forgetSteps(chain: Chain, session: Learned): readonly number[] {
  return learnWeighted(chain, session, -1)
}

type Learned = Pick<Trail, 'steps' | 'ended' | 'compared'>

function learnWeighted(
  chain: Chain,
  { steps, ended, compared }: Learned,
  weight: 1 | -1,
  counts?: readonly number[],
): readonly number[] {
  const ids = steps.map(({ node }) => idOf(chain, node))
  const whole = ended ? [...ids, END_ID] : ids
  const counted = learnTransitions(chain, whole, weight, counts)
  learnPrecedence(chain, whole, weight)
  learnRepeats(chain, ids, weight)
  const duplicates = steps.filter(({ duplicate }) => duplicate).length
  if (compared) add(chain.duplicates, clip(duplicates), weight)
  chain.version += 1
  chain.sessions = Math.max(0, chain.sessions + weight)
  chain.calls = Math.max(0, chain.calls + weight * ids.length)
  return counted
}

function learnTransitions(
  chain: Chain,
  ids: readonly number[],
  weight: number,
  counts?: readonly number[],
): readonly number[] {
  const edges = new Set<number>()
  let first = BEGIN_ID
  let second = BEGIN_ID
  const counted = ids.map((id, i) => {
    // Most chains have no decayed path: they shall not pay for the question.
    const share = chain.shares.size === 0 ? 1 : chain.shares.get(pathKey(first, second, id))
    const amount = addPath(chain, [first, second, id], weight * (counts?.[i] ?? share ?? 1))
    edges.add(pairKey(second, id))
    first = second
    second = id
    return amount
  })
  for (const key of edges) {
    const edge = edgeOf(chain, key)
    edge.sessions = Math.max(0, edge.sessions + weight)
  }
  return counted
}

/** Counts a call after the two before it in all three orders. Gives how much was added, or taken away. */
export function addPath(
  chain: Chain,
  [first, second, id]: readonly [number, number, number],
  weight: number,
): number {
  const pair = pairKey(first, second)
  let two = chain.afterTwo.get(pair)
  if (two === undefined) {
    two = newContext()
    chain.afterTwo.set(pair, two)
  }
  // Not below what is there: a path that was frozen or has decayed counts less than its sessions made it.
  const counted = weight < 0 ? -Math.min(-weight, two.next.get(id) ?? 0) : weight
  if (counted === 0) return 0
  let one = chain.after[second]
  if (one === undefined) {
    one = newContext()
    chain.after[second] = one
  }
  count(two, id, counted)
  count(one, id, counted)
  count(chain.all, id, counted)
  return Math.abs(counted)
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
  if (id === END_ID) return
  const service = serviceOf(chain.names[id] ?? '')
  add(chain.services, service, weight)
}

export function addPreceding(
  chain: Chain,
  { id, earlier }: { readonly id: number; readonly earlier: number },
  weight: number,
): void {
  let before = precedingOf(chain, id)
  if (before === undefined) {
    before = new Map()
    chain.preceding[id] = before
  }
  add(before, earlier, weight)
  chain.predecessors[id] = null
}

/** How many sessions had another node before the first occurrence of one. */
export function precedingOf(chain: Chain, id: number): Map<number, number> | undefined {
  const rows = chain.waiting[id]
  if (rows === undefined) return chain.preceding[id]
  const { table, start, end } = rows
  const before = new Map<number, number>()
  for (let i = start; i < end; i += 3) before.set(table[i + 1] ?? 0, table[i + 2] ?? 0)
  chain.waiting[id] = undefined
  chain.preceding[id] = before
  return before
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
  const sum = (context.next.get(id) ?? 0) + weight
  if (sum > DUST) context.next.set(id, sum)
  else context.next.delete(id)
  context.total = context.next.size === 0 ? 0 : Math.max(0, context.total + weight)
}

const DUST = 1e-9 // Less than decay leaves of a call: what rounding leaves of the shares of decayed ones.

function newContext(): Context {
  return { total: 0, next: new Map(), sums: null }
}

function clip(repeats: number): number {
  return Math.min(repeats, REPEATS_MAX)
}
