import { sha256Text } from '../../base/digest.ts'
import { encodeHex } from '../../base/encoding.ts'
import type { Chain } from './chain.ts'
import { BEGIN_ID, END_ID, pairKey, precedingOf } from './chain.ts'
import { NODES_MAX, STRANGER_LENGTH_MAX, STRANGERS_MAX } from './limits.ts'
import { serviceOf } from './node.ts'
import { contextsOf, entropy, placementOf } from './probability.ts'
import type { Step } from './session.ts'

/**
 * How odd a session is at a call, in each way of looking at it. `markov` and `novelty` are sums over the session that
 * forget what is ordinary; the others are of the moment. In bits, but `trigram`: a share of the session's calls.
 */
export type Channels = {
  readonly markov: number
  readonly novelty: number
  readonly repeat: number
  readonly precede: number
  readonly service: number
  readonly duplicate: number
  readonly trigram: number
}

/** The channels; of equally odd ones the first names the reason. */
export const CHANNELS = [
  'markov',
  'novelty',
  'repeat',
  'precede',
  'service',
  'duplicate',
  'trigram',
] as const satisfies readonly (keyof Channels)[]

/** One call against the chain. */
export type Observation = {
  /** How unlikely the call is, in bits. */
  readonly surprisal: number
  /** How unlikely a call is at this point on average, in bits. */
  readonly entropy: number
  /** Bits of the contexts that never saw it. */
  readonly escape: number
  /** The nodes of the transition. */
  readonly from: string
  readonly to: string
  /** How often the chain saw the transition. */
  readonly seen: number
  /** Whether people rejected the transition, and the chain never saw it. */
  readonly rejected: boolean
  /** The node that nearly always comes before this one and did not; null when none is missing. */
  readonly missing: string | null
  readonly channels: Channels
}

/** What one session did so far. Mutable, only here. */
export type Progress = {
  calls: number
  markov: number
  novelty: number
  /** Windows of three calls that the chain never saw. */
  unseen: number
  duplicates: number
  /** The newest three calls, oldest first. */
  readonly recent: number[]
  /** For periods 1 to 3 how many calls in a row equal the one a period before. */
  readonly lengths: [number, number, number]
  readonly seen: Set<number>
  /** Nodes that the chain does not know, which have ids here only; long ones by a short name. */
  readonly strangers: string[]
}

export function newProgress(): Progress {
  return {
    calls: 0,
    markov: 0,
    novelty: 0,
    unseen: 0,
    duplicates: 0,
    recent: [],
    lengths: [0, 0, 0],
    seen: new Set(),
    strangers: [],
  }
}

/** Takes a session one call further. */
export function observe(chain: Chain, progress: Progress, { node, duplicate }: Step): Observation {
  const id = knownId(chain, progress, node)
  const { recent } = progress
  const second = nodeBefore(recent, 1) ?? BEGIN_ID
  const contexts = contextsOf(chain, { first: nodeBefore(recent, 2) ?? BEGIN_ID, second })
  const { surprisal, escape: left, seen, known } = placementOf(chain, contexts, id)
  const usual = entropy(chain, contexts)
  progress.calls += 1
  progress.markov = Math.max(0, progress.markov + surprisal - usual - DRIFT)
  progress.novelty = Math.max(0, progress.novelty + left - DRIFT)
  if (!known) progress.unseen += 1
  if (duplicate) progress.duplicates += 1
  const { precede, missing } = precedence(chain, progress, id)
  progress.seen.add(id)
  const repeat = repetition(chain, progress, id)
  remember(recent, id)
  return {
    surprisal,
    entropy: usual,
    escape: left,
    from: nodeName(chain, progress, second),
    to: node,
    seen,
    rejected: seen === 0 && (chain.edges.get(pairKey(second, id))?.rejections ?? 0) > 0,
    missing: missing === null ? null : (chain.names[missing] ?? null),
    channels: {
      markov: progress.markov,
      novelty: progress.novelty,
      repeat,
      precede,
      service: serviceBits(chain, { id, node }),
      duplicate: atLeast(chain.duplicates, progress.duplicates),
      trigram: progress.unseen / progress.calls,
    },
  }
}

const DRIFT = 0.5 // Bits that each call may cost more than its context lets expect, before they add up.

/** The newest three: `shift` would be a call into the runtime each time. */
function remember(recent: number[], id: number): void {
  if (recent.length < 3) {
    recent.push(id)
    return
  }
  recent[0] = recent[1] ?? BEGIN_ID
  recent[1] = recent[2] ?? BEGIN_ID
  recent[2] = id
}

function nodeBefore(recent: readonly number[], calls: number): number | undefined {
  const at = recent.length - calls
  return at < 0 ? undefined : recent[at] // An index below 0 is a property's name, and slow.
}

/** The id of a node in the chain, or in this session where the chain has none. */
export function knownId(chain: Chain, progress: Progress, node: string): number {
  const known = chain.ids.get(node)
  if (known !== undefined) return known
  const name = strangerName(node)
  const stranger = progress.strangers.indexOf(name)
  if (stranger >= 0) return FIRST_STRANGER + stranger
  // Further ones are taken for the last: the session is odd enough by now.
  if (progress.strangers.length === STRANGERS_MAX) return FIRST_STRANGER + STRANGERS_MAX - 1
  progress.strangers.push(name)
  return FIRST_STRANGER + progress.strangers.length - 1
}

/** A short name for a long node, which the agent chose; `*` stands in no node. A short one stays, as does a name. */
function strangerName(node: string): string {
  if (node.length <= STRANGER_LENGTH_MAX) return node
  const digest = encodeHex(sha256Text(node).subarray(0, 16))
  return `${node.slice(0, STRANGER_LENGTH_MAX - digest.length - 1).toWellFormed()}*${digest}`
}

/** The node of an id that `knownId` gave; of a stranger with a long name the short one. */
export function nodeName(chain: Chain, progress: Progress, id: number): string {
  return chain.names[id] ?? progress.strangers[id - FIRST_STRANGER] ?? ''
}

const FIRST_STRANGER = NODES_MAX + 2

function serviceBits(
  chain: Chain,
  { id, node }: { readonly id: number; readonly node: string },
): number {
  if (id === END_ID || (chain.containing[id] ?? 0) > 0) return 0 // Its service is no new one.
  return chain.services.has(serviceOf(node)) ? 0 : Math.log2(chain.sessions + 1)
}

function precedence(
  chain: Chain,
  { seen }: Progress,
  id: number,
): { readonly precede: number; readonly missing: number | null } {
  if (seen.has(id)) return NOTHING_MISSING
  const sessions = chain.containing[id] ?? 0
  for (const [earlier, together] of predecessorsOf(chain, id)) {
    if (seen.has(earlier)) continue
    const bits = -Math.log2((sessions - together + 0.5) / (sessions + 1))
    return bits > 0 ? { precede: bits, missing: earlier } : NOTHING_MISSING
  }
  return NOTHING_MISSING
}

const NOTHING_MISSING = { precede: 0, missing: null }

/** What comes before a node's first occurrence, most often first, then by name. */
function predecessorsOf(chain: Chain, id: number): readonly (readonly [number, number])[] {
  const known = chain.predecessors[id]
  if (known !== undefined && known !== null) return known
  const names = chain.names
  const sorted = [...(precedingOf(chain, id) ?? [])].sort(
    ([a, left], [b, right]) => right - left || ((names[a] ?? '') < (names[b] ?? '') ? -1 : 1),
  )
  chain.predecessors[id] = sorted
  return sorted
}

function repetition(chain: Chain, { recent, lengths }: Progress, id: number): number {
  let bits = 0
  for (let period = 1; period <= 3; period++) {
    const equal = nodeBefore(recent, period) === id
    const length = equal ? (lengths[period - 1] ?? 0) + 1 : 0
    lengths[period - 1] = length
    if (length < period || id === END_ID) continue
    const repeats = Math.floor(length / period)
    const histogram = period === 1 ? chain.runs[id] : chain.cycles[period - 2]
    bits = Math.max(bits, oddness(histogram ?? EMPTY, repeats))
  }
  return bits
}

const EMPTY: ReadonlyMap<number, number> = new Map()

/** Bits of so many repeats; past the longest that was seen, one more for each. */
function oddness(histogram: ReadonlyMap<number, number>, repeats: number): number {
  let sessions = 0
  let reached = 0
  let longest = 0
  for (const [number, count] of histogram) {
    sessions += count
    if (number >= repeats) reached += count
    if (number > longest) longest = number
  }
  const beyond = reached === 0 ? Math.max(0, repeats - longest - 1) : 0
  return -Math.log2((reached + 0.5) / (sessions + 1)) + beyond
}

/** Bits of reaching a number that this share of sessions reached; 0 when no session tells. */
function atLeast(histogram: ReadonlyMap<number, number>, number: number): number {
  if (number === 0 || histogram.size === 0) return 0
  let sessions = 0
  let reached = 0
  for (const [other, count] of histogram) {
    sessions += count
    if (other >= number) reached += count
  }
  return Math.max(0, -Math.log2((reached + 0.5) / (sessions + 1)))
}
