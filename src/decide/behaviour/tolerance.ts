import type { CompiledBaseline } from './baseline.ts'
import { thresholdOf } from './calibrate.ts'
import type { Channels } from './channels.ts'
import { CHANNELS } from './channels.ts'

/** How far a session may go before it raises an alarm, in thousandths; null while too few sessions are known to tell. */
export type Tolerance = {
  /** Of the sum over all channels, in thousandths of a bit. */
  readonly thresholdMillibits: number | null
  readonly channels: Readonly<Record<keyof Channels, number | null>>
}

/**
 * What a calibration tolerates. The threshold alone does not tell: it counts bits of rarity, so that where every fifth
 * session repeats itself, a repetition is no bit any more and the threshold stays.
 *
 * @param rate - the share of normal sessions that may come further
 */
export function toleranceOf(
  { calibration: { tails, sums } }: Pick<CompiledBaseline, 'calibration'>,
  rate: number,
): Tolerance {
  const reached = (sorted: readonly number[]): number | null => {
    const value = thresholdOf(sorted, rate)
    return Number.isFinite(value) ? Math.round(value * 1_000) : null
  }
  return {
    thresholdMillibits: reached(sums),
    channels: Object.fromEntries(
      CHANNELS.map((channel) => [channel, reached(tails[channel])]),
    ) as Tolerance['channels'],
  }
}

/** The channels in which normal sessions come noticeably further than they did. */
export function loosened(before: Tolerance, after: Tolerance): readonly (keyof Channels)[] {
  return CHANNELS.filter((channel) => {
    const least = channel === 'trigram' ? SHARE_MILLI_MIN : RISE_MILLIBITS_MIN
    return riseOf(before.channels[channel], after.channels[channel]) >= least
  })
}

/** By how much a bound rose; infinite where it went. */
export function riseOf(before: number | null, after: number | null): number {
  if (after === null) return before === null ? 0 : Number.POSITIVE_INFINITY
  return before === null ? Number.NEGATIVE_INFINITY : after - before
}

/** What further sessions move by themselves is less. */
export const RISE_MILLIBITS_MIN = 500

const SHARE_MILLI_MIN = 50
