import type { Chain } from './chain.ts'
import { forgetSteps, learnSteps } from './chain.ts'
import type { Channels } from './channels.ts'
import { CHANNELS, newProgress, observe } from './channels.ts'
import type { Step, Trail } from './session.ts'
import { withEnd } from './session.ts'

/** How odd normal sessions are, each judged by a chain that did not learn it. */
export type Calibration = {
  /** For each channel the most that each session reached, in order. */
  readonly tails: Readonly<Record<keyof Channels, readonly number[]>>
  /** For each session its highest sum, in order. */
  readonly sums: readonly number[]
}

/**
 * Calibrates on sessions that the chain learned: in twenty folds, of which groups stay whole, each session is judged by
 * the chain without its fold. In-sample thresholds would raise several times the alarms that they promise.
 *
 * @param options - `ends`: whether the end of an ended session is judged as a step, as those do who look back at it
 *
 * The chain is changed on the way and is the same again afterwards, the last bits of decayed counts aside.
 */
export function calibrate(
  chain: Chain,
  sample: readonly Trail[],
  { ends = false }: { readonly ends?: boolean } = {},
): Calibration {
  const maxima: Channels[] = []
  const observed: (readonly Channels[])[] = []
  const groups = [...new Set(sample.map(({ group }) => group))].sort()
  const foldOf = new Map(groups.map((group, i) => [group, i % FOLDS]))
  for (let fold = 0; fold < Math.min(FOLDS, groups.length); fold++) {
    const held = sample.filter(({ group }) => foldOf.get(group) === fold)
    const forgotten = held.map((trail) => ({ trail, counts: forgetSteps(chain, trail) }))
    for (const trail of held) {
      const channels = channelsOf(chain, ends ? withEnd(trail) : trail.steps)
      observed.push(channels)
      maxima.push(highest(channels))
    }
    for (const { trail, counts } of forgotten) learnSteps(chain, trail, counts)
  }
  const tails = Object.fromEntries(
    CHANNELS.map((channel) => [channel, maxima.map((one) => one[channel]).sort(ascending)]),
  ) as unknown as Calibration['tails']
  const meters = metersOf(tails)
  const sums = observed.map((channels) => Math.max(0, ...channels.map((one) => sumOf(meters, one))))
  return { tails, sums: sums.sort(ascending) }
}

const FOLDS = 20

/** The channels at each call of a session. */
function channelsOf(chain: Chain, steps: readonly Step[]): readonly Channels[] {
  const progress = newProgress()
  return steps.map((step) => quantized(observe(chain, progress, step).channels))
}

function highest(channels: readonly Channels[]): Channels {
  return Object.fromEntries(
    CHANNELS.map((channel) => [channel, Math.max(0, ...channels.map((one) => one[channel]))]),
  ) as Channels
}

/** Rounded to 2^-20 bits, so that the last bit of a logarithm decides nothing. */
export function quantized(channels: Channels): Channels {
  return {
    markov: quantum(channels.markov),
    novelty: quantum(channels.novelty),
    repeat: quantum(channels.repeat),
    precede: quantum(channels.precede),
    service: quantum(channels.service),
    duplicate: quantum(channels.duplicate),
    trigram: quantum(channels.trigram),
  }
}

/** A number rounded to 2^-20. */
export function quantum(value: number): number {
  return Math.round(value * QUANTA) / QUANTA
}

const QUANTA = 2 ** 20

/** Turns the value of a channel into bits of its rarity among normal sessions. */
export type Meter = {
  readonly sorted: readonly number[]
  readonly start: number
  readonly share: number
  readonly scale: number
  /** Up to here a value is ordinary. */
  readonly ordinary: number
}

export type Meters = Readonly<Record<keyof Channels, Meter>>

export function metersOf(tails: Calibration['tails']): Meters {
  return Object.fromEntries(CHANNELS.map((channel) => [channel, meterOf(tails[channel])])) as Meters
}

/** The empirical distribution up to its 80th percentile, and an exponential tail above it. */
export function meterOf(sorted: readonly number[]): Meter {
  const start = sorted[Math.floor(TAIL_START * sorted.length)] ?? 0
  const above = sorted.filter((value) => value > start)
  const excess = above.reduce((sum, value) => sum + value - start, 0)
  const scale = above.length === 0 ? 1 : excess / above.length
  const share = sorted.length === 0 ? 0 : above.length / sorted.length
  // The largest number of smaller values with which `rarity` stays within ORDINARY.
  const smaller = Math.floor(1 + sorted.length - (sorted.length + 1) / 2 ** ORDINARY)
  const body = sorted[smaller] ?? Number.POSITIVE_INFINITY
  const ordinary = share > 0 ? Math.min(start, body) : body
  return { sorted, start, share, scale: Math.max(scale, SCALE_MIN), ordinary }
}

const TAIL_START = 0.8
const SCALE_MIN = 0.25 // In bits: else a channel that hardly varies would cry at its smallest move.

/** How rare a value is: one more bit, half as many normal sessions reach it. */
export function rarity({ sorted, start, share, scale }: Meter, value: number): number {
  if (value > start && share > 0) return -Math.log2(share) + (value - start) / scale / Math.LN2
  return -Math.log2((1 + sorted.length - lowerBound(sorted, value)) / (sorted.length + 1)) + 0
}

/**
 * The bits by which a session is odder than one in four, over all channels. Channels that see the same thing are not
 * added up: of those about what was never seen the oddest counts, and of those about what a call should come after.
 */
export function sumOf(meters: Meters, channels: Channels): number {
  const unseen = Math.max(
    excess(meters.novelty, channels.novelty),
    excess(meters.trigram, channels.trigram),
  )
  const misplaced = Math.max(
    excess(meters.repeat, channels.repeat),
    excess(meters.precede, channels.precede),
    excess(meters.duplicate, channels.duplicate),
  )
  const unlikely = excess(meters.markov, channels.markov)
  return quantum(unlikely + unseen + misplaced + excess(meters.service, channels.service))
}

/** The bits by which a value is rarer than an ordinary one. */
function excess(meter: Meter, value: number): number {
  return value <= meter.ordinary ? 0 : Math.max(0, rarity(meter, value) - ORDINARY)
}

const ORDINARY = 2

/**
 * The threshold which the given share of normal sessions exceeds: the order statistic of split conformal prediction
 * (Vovk et al., "Algorithmic Learning in a Random World", 2005); infinite while there are too few sessions to tell.
 */
export function thresholdOf(sums: readonly number[], rate: number): number {
  const rank = Math.ceil((sums.length + 1) * (1 - rate) - RANK_SLACK)
  return rank > sums.length
    ? Number.POSITIVE_INFINITY
    : (sums[rank - 1] ?? Number.POSITIVE_INFINITY)
}

const RANK_SLACK = 1e-9 // (99 + 1) * (1 - 0.01) is 99, not a hair above.

/** The share of normal sessions that stayed below a sum: from 0 to 1. */
export function scoreOf(sums: readonly number[], sum: number): number {
  const reached = sums.length - lowerBound(sums, sum)
  return 1 - (1 + reached) / (sums.length + 1)
}

/** The highest score that calibration on so many sessions can give, short of a rejected step. */
export function highestScore(sessions: number): number {
  return 1 - 1 / (sessions + 1)
}

/** How many values of a sorted list are smaller. */
export function lowerBound(sorted: readonly number[], value: number): number {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((sorted[middle] ?? 0) < value) low = middle + 1
    else high = middle
  }
  return low
}

function ascending(a: number, b: number): number {
  return a - b
}
