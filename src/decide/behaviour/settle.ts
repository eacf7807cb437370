import { SAMPLE_MAX } from './limits.ts'
import { BEGIN, END } from './node.ts'
import type { Trail } from './session.ts'
import type { Snapshot } from './snapshot.ts'
import type { BaselineDocument } from './text.ts'

/** How far a baseline is on its way out of shadow mode. Ratios are in millionths, so that they print alike everywhere. */
export type Settling = {
  readonly sessions: number
  /** Further sessions that the rate asks for. */
  readonly sessionsNeeded: number
  /** The choice of the next call on average, in thousandths of a bit. */
  readonly entropyMillibits: number
  /** How far that went up and down over the last `ENTROPY_SESSIONS` sessions; null while there are fewer. */
  readonly entropyRangePpm: number | null
  /** Of the transitions of the last `NOVELTY_SESSIONS` sessions those that were new; null while there are fewer. */
  readonly noveltyPpm: number | null
  readonly settled: boolean
}

/** Sessions over which the entropy must keep within `ENTROPY_RANGE_PPM_MAX`. */
export const ENTROPY_SESSIONS = 20
export const ENTROPY_RANGE_PPM_MAX = 50_000

/** Sessions of which the transitions must be known but for `NOVELTY_PPM_MAX`. */
export const NOVELTY_SESSIONS = 30
export const NOVELTY_PPM_MAX = 20_000

/**
 * Whether a baseline knows enough to be enforced: as many sessions as the rate asks for, an entropy that keeps within 5%
 * over 20 sessions, less than 2% new transitions over 30. The sample is learned anew in the order of its digests, a random
 * one that stays, so that the order of learning changes nothing.
 *
 * @param rate - the share of normal sessions that may raise an alarm
 */
export function progressOf(snapshot: Snapshot, rate: number): Settling {
  const replay: Replay = { contexts: new Map(), total: 0, bits: 0 }
  const entropies: number[] = []
  const seen: Seen[] = []
  for (const trail of snapshot.sample) {
    seen.push(learnTrail(replay, trail))
    entropies.push(replay.total === 0 ? 0 : replay.bits / replay.total)
  }
  const sessionsNeeded = Math.max(0, sessionsFor(rate) - snapshot.sample.length)
  const entropyRangePpm = rangeOf(entropies.slice(-ENTROPY_SESSIONS))
  const noveltyPpm = noveltyOf(seen.slice(-NOVELTY_SESSIONS))
  return {
    sessions: snapshot.sessions,
    sessionsNeeded,
    entropyMillibits: Math.max(0, Math.round((entropies.at(-1) ?? 0) * 1000)),
    entropyRangePpm,
    noveltyPpm,
    settled:
      sessionsNeeded === 0 &&
      entropyRangePpm !== null &&
      entropyRangePpm < ENTROPY_RANGE_PPM_MAX &&
      noveltyPpm !== null &&
      noveltyPpm < NOVELTY_PPM_MAX,
  }
}

/**
 * How far the baseline of a document is. One that has settled stays so: what it learns later must not put it back into
 * shadow, where somebody who teaches it would want it.
 */
export function settlingOf(
  { snapshot, learned = [] }: Pick<BaselineDocument, 'snapshot' | 'learned'>,
  rate: number,
): Settling {
  const progress = progressOf(snapshot, rate)
  return { ...progress, settled: progress.settled || learned.some((one) => one.settled === true) }
}

/** How far a baseline is, and what it still lacks, as one line. */
export function settlingText(
  { sessions, sessionsNeeded, entropyMillibits, entropyRangePpm, noveltyPpm }: Settling,
  rate: number,
): string {
  const more = sessionsNeeded === 0 ? '' : `, ${sessionsNeeded} more needed for a rate of ${rate}`
  const range =
    entropyRangePpm === null
      ? `not yet known over ${ENTROPY_SESSIONS} sessions`
      : `within ${percent(entropyRangePpm)} over ${ENTROPY_SESSIONS} sessions`
  const fresh =
    noveltyPpm === null
      ? `not yet known over ${NOVELTY_SESSIONS} sessions`
      : `${percent(noveltyPpm)} over ${NOVELTY_SESSIONS} sessions`
  return [
    `sessions seen: ${sessions}${more}`,
    `entropy: ${entropyMillibits / 1000} bits, ${range} (less than ${percent(ENTROPY_RANGE_PPM_MAX)} wanted)`,
    `new transitions: ${fresh} (less than ${percent(NOVELTY_PPM_MAX)} wanted)`,
  ].join('; ')
}

function percent(ppm: number): string {
  return `${Math.round(ppm / 1000) / 10}%`
}

/** Sessions below which no threshold keeps the rate: split conformal prediction has no finite one. At most the sample. */
export function sessionsFor(rate: number): number {
  return Math.min(SAMPLE_MAX, Math.ceil(1 / rate - 1 - SLACK))
}

const SLACK = 1e-9 // 1 / 0.02 - 1 is 49, not a hair above.

/** First-order counts, and the sum over contexts of N log N less that of c log c over counts. */
type Replay = {
  readonly contexts: Map<string, { total: number; readonly next: Map<string, number> }>
  total: number
  bits: number
}

/** Transitions of a session, and how many of them were new. */
type Seen = { readonly transitions: number; readonly fresh: number }

function learnTrail(replay: Replay, { steps, ended }: Trail): Seen {
  let from = BEGIN
  let fresh = 0
  const nodes = steps.map(({ node }) => node)
  if (ended) nodes.push(END)
  for (const node of nodes) {
    const context = replay.contexts.get(from) ?? { total: 0, next: new Map<string, number>() }
    replay.contexts.set(from, context)
    const count = context.next.get(node) ?? 0
    if (count === 0) fresh += 1
    replay.bits +=
      weighted(context.total + 1) - weighted(context.total) - weighted(count + 1) + weighted(count)
    replay.total += 1
    context.total += 1
    context.next.set(node, count + 1)
    from = node
  }
  return { transitions: nodes.length, fresh }
}

function weighted(count: number): number {
  return count === 0 ? 0 : count * Math.log2(count)
}

function rangeOf(entropies: readonly number[]): number | null {
  if (entropies.length < ENTROPY_SESSIONS) return null
  const highest = Math.max(...entropies)
  return highest < BITS_MIN ? 0 : partsPerMillion(highest - Math.min(...entropies), highest)
}

const BITS_MIN = 1e-9 // Below it is what rounding leaves of nothing.

function noveltyOf(seen: readonly Seen[]): number | null {
  if (seen.length < NOVELTY_SESSIONS) return null
  const transitions = seen.reduce((sum, one) => sum + one.transitions, 0)
  const fresh = seen.reduce((sum, one) => sum + one.fresh, 0)
  return transitions === 0 ? null : partsPerMillion(fresh, transitions)
}

function partsPerMillion(part: number, whole: number): number {
  return Math.max(0, Math.round((part / whole) * 1_000_000))
}
