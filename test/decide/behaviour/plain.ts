/**
 * The behavioural score a second time, from its definitions alone: slow, over maps and strings, with nothing shared
 * with `src/`. It says what the numbers should be, and is the peer that `bench/behaviour.ts` measures.
 */
import { createHash } from 'node:crypto'

export type PlainCall = { readonly node: string; readonly args: string | null }

export type PlainSession = {
  readonly id: string
  readonly group: string
  readonly calls: readonly PlainCall[]
  readonly ended: boolean
}

export const PLAIN_CHANNELS = [
  'markov',
  'novelty',
  'repeat',
  'precede',
  'service',
  'duplicate',
  'trigram',
] as const

export type PlainChannels = Record<(typeof PLAIN_CHANNELS)[number], number>

export type PlainScore = {
  readonly surprisal: number
  readonly entropy: number
  readonly escape: number
  readonly channels: PlainChannels
}

type Counts = Map<string, number>

export type PlainChain = {
  sessions: number
  /** For orders 0 to 2: what came after a context, how often. */
  readonly next: readonly [Map<string, Counts>, Map<string, Counts>, Map<string, Counts>]
  /** For the same contexts: how often anything came. */
  readonly totals: readonly [Counts, Counts, Counts]
  readonly containing: Counts
  readonly before: Map<string, Counts>
  /** By period: by node for 1, by '*' for 2 and 3. */
  readonly repeats: readonly [Map<string, Counts>, Map<string, Counts>, Map<string, Counts>]
  readonly duplicates: Counts
  readonly services: Set<string>
}

export function plainChain(sessions: Iterable<PlainSession> = []): PlainChain {
  const chain: PlainChain = {
    sessions: 0,
    next: [new Map(), new Map(), new Map()],
    totals: [new Map(), new Map(), new Map()],
    containing: new Map(),
    before: new Map(),
    repeats: [new Map(), new Map(), new Map()],
    duplicates: new Map(),
    services: new Set(),
  }
  for (const session of sessions) plainLearn(chain, session)
  return chain
}

export function plainLearn(chain: PlainChain, session: PlainSession): void {
  const nodes = session.calls.map(({ node }) => node)
  const history = ['^', '^']
  for (const node of session.ended ? [...nodes, '$'] : nodes) {
    for (const order of [0, 1, 2] as const) {
      const context = contextKey(history, order)
      bump(table(chain.next[order], context), node)
      bump(chain.totals[order], context)
    }
    history.push(node)
  }
  const seen: string[] = []
  for (const node of session.ended ? [...nodes, '$'] : nodes) {
    if (node !== '$') chain.services.add(serviceName(node))
    if (seen.includes(node)) continue
    bump(chain.containing, node)
    for (const earlier of seen) bump(table(chain.before, node), earlier)
    seen.push(node)
  }
  for (const period of [1, 2, 3]) {
    const most = new Map<string, number>()
    nodes.forEach((node, i) => {
      const key = period === 1 ? node : '*'
      most.set(key, Math.max(most.get(key) ?? 0, repeatsAt(nodes, i, period)))
    })
    for (const [key, repeats] of most) bump(table(chain.repeats[period - 1]!, key), String(repeats))
  }
  if (session.calls.some(({ args }) => args !== null)) {
    bump(chain.duplicates, String(flags(session.calls).filter(Boolean).length))
  }
  chain.sessions += 1
}

/** The scores of each call; with `end` also of the end. */
export function plainScores(
  chain: PlainChain,
  session: Pick<PlainSession, 'calls'>,
  { end = false }: { readonly end?: boolean } = {},
): PlainScore[] {
  const nodes = session.calls.map(({ node }) => node)
  const duplicate = flags(session.calls)
  const history = ['^', '^']
  const entropies = new Map<string, number>()
  const scores: PlainScore[] = []
  let [markov, novelty, unseen, duplicates] = [0, 0, 0, 0]
  for (const [i, node] of (end ? [...nodes, '$'] : nodes).entries()) {
    const surprisal = -Math.log2(chance(chain, history, node))
    const context = contextKey(history, 2)
    const entropy = entropies.get(context) ?? plainEntropy(chain, history)
    entropies.set(context, entropy)
    const escaped = escapeOf(chain, history, node)
    markov = Math.max(0, markov + surprisal - entropy - 0.5)
    novelty = Math.max(0, novelty + escaped - 0.5)
    if (!chain.next[2].get(context)?.has(node)) unseen += 1
    if (duplicate[i]) duplicates += 1
    const known = node === '$' || chain.services.has(serviceName(node))
    scores.push({
      surprisal,
      entropy,
      escape: escaped,
      channels: {
        markov,
        novelty,
        repeat: node === '$' ? 0 : repeatOf(chain, nodes, i),
        precede: precedeOf(chain, [...nodes, '$'], i),
        service: known ? 0 : Math.log2(chain.sessions + 1),
        duplicate: duplicateOf(chain, duplicates),
        trigram: unseen / (i + 1),
      },
    })
    history.push(node)
  }
  return scores
}

/** Witten-Bell: each order gives its escapes to the next shorter one; the last of them to one unseen action. */
export function chance(chain: PlainChain, history: readonly string[], node: string): number {
  let p = 1 / ((chain.next[0].get('')?.size ?? 0) + 1)
  for (const order of [0, 1, 2] as const) {
    const context = contextKey(history, order)
    const next = chain.next[order].get(context)
    if (next === undefined) break
    const n = chain.totals[order].get(context) ?? 0
    p = ((next.get(node) ?? 0) + next.size * p) / (n + next.size)
  }
  return p
}

/** The sum over all actions, one by one, and one more for all that were never seen. */
export function plainEntropy(chain: PlainChain, history: readonly string[]): number {
  let bits = 0
  let rest = 1
  for (const node of chain.next[0].get('')?.keys() ?? []) {
    const p = chance(chain, history, node)
    bits -= p * Math.log2(p)
    rest -= p
  }
  return rest > 1e-12 ? bits - rest * Math.log2(rest) : bits
}

export type PlainBaseline = {
  readonly chain: PlainChain
  readonly tails: Record<keyof PlainChannels, PlainTail>
  readonly sums: readonly number[]
}

/** Session maxima of one channel, with an exponential tail over the 80th percentile. */
export type PlainTail = {
  readonly sorted: readonly number[]
  readonly from: number
  readonly share: number
  readonly mean: number
}

/** Calibrated in twenty folds: groups in the order of their hashes go round robin into them. */
export function plainBaseline(sessions: readonly PlainSession[]): PlainBaseline {
  const groupHash = ({ group }: PlainSession): string =>
    createHash('sha256')
      .update(JSON.stringify(['group', group]))
      .digest('hex')
      .slice(0, 16)
  const groups = [...new Set(sessions.map(groupHash))].sort()
  const fold = (session: PlainSession): number => groups.indexOf(groupHash(session)) % 20
  const held = sessions.map((session) => {
    const others = plainChain(sessions.filter((other) => fold(other) !== fold(session)))
    return plainScores(others, session).map(({ channels }) => rounded(channels))
  })
  const tails = {} as Record<keyof PlainChannels, PlainTail>
  for (const channel of PLAIN_CHANNELS) {
    tails[channel] = tailOf(held.map((scores) => Math.max(0, ...scores.map((one) => one[channel]))))
  }
  const sums = held
    .map((scores) => Math.max(0, ...scores.map((one) => plainSum(tails, one))))
    .sort((a, b) => a - b)
  return { chain: plainChain(sessions), tails, sums }
}

/** S: the bits beyond two, of each group of channels that see the same thing those of the oddest. */
export function plainSum(tails: PlainBaseline['tails'], channels: PlainChannels): number {
  const groups = [
    ['markov'],
    ['novelty', 'trigram'],
    ['repeat', 'precede', 'duplicate'],
    ['service'],
  ] as const
  const bits = groups.map((group) =>
    Math.max(...group.map((one) => Math.max(0, tailBits(tails[one], round(channels[one])) - 2))),
  )
  return round(bits.reduce((sum, one) => sum + one, 0))
}

/** The share of calibration sessions below a sum. */
export function plainMarkovScore({ sums }: PlainBaseline, sum: number): number {
  return 1 - (1 + sums.filter((one) => one >= sum).length) / (sums.length + 1)
}

function tailOf(maxima: readonly number[]): PlainTail {
  const sorted = [...maxima].sort((a, b) => a - b)
  const from = sorted[Math.floor(0.8 * sorted.length)] ?? 0
  const excess = sorted.filter((one) => one > from).map((one) => one - from)
  const mean = excess.reduce((sum, one) => sum + one, 0) / Math.max(1, excess.length)
  const share = excess.length / Math.max(1, sorted.length)
  return { sorted, from, share, mean: Math.max(mean, 0.25) }
}

function tailBits({ sorted, from, share, mean }: PlainTail, x: number): number {
  if (x > from && share > 0) return -Math.log2(share) + (x - from) / mean / Math.log(2)
  const below = sorted.findIndex((one) => one >= x)
  const reached = below < 0 ? 0 : sorted.length - below
  return -Math.log2((1 + reached) / (sorted.length + 1))
}

function rounded(channels: PlainChannels): PlainChannels {
  return Object.fromEntries(
    Object.entries(channels).map(([name, value]) => [name, round(value)]),
  ) as PlainChannels
}

function round(value: number): number {
  return Math.round(value * 1_048_576) / 1_048_576
}

function escapeOf(chain: PlainChain, history: readonly string[], node: string): number {
  let bits = 0
  for (const order of [2, 1, 0] as const) {
    const context = contextKey(history, order)
    const next = chain.next[order].get(context)
    if (next === undefined) continue
    if (next.has(node)) break
    bits += Math.log2((chain.totals[order].get(context)! + next.size) / next.size)
  }
  return bits
}

function repeatOf(chain: PlainChain, nodes: readonly string[], i: number): number {
  let bits = 0
  for (const period of [1, 2, 3]) {
    const repeats = repeatsAt(nodes, i, period)
    if (repeats < 1) continue
    const seen = chain.repeats[period - 1]!.get(period === 1 ? nodes[i]! : '*') ?? new Map()
    const longest = Math.max(0, ...[...seen.keys()].map(Number))
    const reached = atLeast(seen, repeats)
    const beyond = reached === 0 ? Math.max(0, repeats - longest - 1) : 0
    bits = Math.max(bits, -Math.log2((reached + 0.5) / (total(seen) + 1)) + beyond)
  }
  return bits
}

/** At the first occurrence of a node: the bits of the most usual predecessor that is missing. */
function precedeOf(chain: PlainChain, nodes: readonly string[], i: number): number {
  const node = nodes[i]!
  const earlier = nodes.slice(0, i)
  if (earlier.includes(node)) return 0
  const n = chain.containing.get(node) ?? 0
  const missing = [...(chain.before.get(node) ?? [])].filter(([other]) => !earlier.includes(other))
  return Math.max(0, ...missing.map(([, c]) => -Math.log2((n - c + 0.5) / (n + 1))))
}

function duplicateOf(chain: PlainChain, number: number): number {
  if (number === 0 || chain.duplicates.size === 0) return 0
  const reached = atLeast(chain.duplicates, number)
  return Math.max(0, -Math.log2((reached + 0.5) / (total(chain.duplicates) + 1)))
}

/** Which calls repeat an earlier one with equal, known arguments. */
function flags(calls: readonly PlainCall[]): boolean[] {
  return calls.map(
    ({ node, args }, i) =>
      args !== null &&
      calls.slice(0, i).some((other) => other.node === node && other.args === args),
  )
}

/** How many whole times the last `period` calls have been repeated at call `i`. */
function repeatsAt(nodes: readonly string[], i: number, period: number): number {
  let length = 0
  while (i - length >= period && nodes[i - length] === nodes[i - length - period]) length += 1
  return Math.floor(length / period)
}

function contextKey(history: readonly string[], order: 0 | 1 | 2): string {
  return order === 0 ? '' : history.slice(-order).join(' ')
}

function serviceName(node: string): string {
  return node.split('.')[0]!
}

function atLeast(histogram: Counts, number: number): number {
  let sum = 0
  for (const [reached, count] of histogram) if (Number(reached) >= number) sum += count
  return sum
}

function total(counts: Counts): number {
  let sum = 0
  for (const count of counts.values()) sum += count
  return sum
}

function table(tables: Map<string, Counts>, key: string): Counts {
  const known = tables.get(key)
  if (known !== undefined) return known
  const counts: Counts = new Map()
  tables.set(key, counts)
  return counts
}

function bump(counts: Counts, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1)
}
