import type { Calibration, Meters } from './calibrate.ts'
import { calibrate, metersOf, quantized, sumOf, thresholdOf } from './calibrate.ts'
import type { Chain } from './chain.ts'
import type { Observation } from './channels.ts'
import { newProgress, observe } from './channels.ts'
import { END } from './node.ts'
import type { ObservedSession } from './session.ts'
import { trailOf } from './session.ts'
import type { Snapshot } from './snapshot.ts'
import { chainOf } from './snapshot.ts'

/** What a bundle holds of a baseline: what was learned, and how odd normal sessions are by it. */
export type CompiledBaseline = {
  readonly snapshot: Omit<Snapshot, 'sample'>
  readonly calibration: Calibration
  /** The share of normal sessions that may raise an alarm. */
  readonly rate: number
  /** Sessions after which an unused path counts half; null for no decay. */
  readonly half_life: number | null
}

/** A baseline that is ready to score. */
export type Baseline = {
  readonly chain: Chain
  readonly calibration: Calibration
  readonly meters: Meters
  readonly threshold: number
}

/** One call of a session, scored. */
export type CallScore = Observation & {
  /** The bits of all channels together, beyond what is ordinary. */
  readonly total: number
}

/** @throws {PolicyError} BASELINE_TOO_LARGE */
export function compileBaseline(
  snapshot: Snapshot,
  { rate, halfLife = null }: { readonly rate: number; readonly halfLife?: number | null },
): CompiledBaseline {
  const { sample, ...rest } = snapshot
  const calibration = calibrate(chainOf(snapshot, halfLife), sample)
  return { snapshot: rest, calibration, rate, half_life: halfLife }
}

/** @throws {PolicyError} BASELINE_TOO_LARGE */
export function loadBaseline({
  snapshot,
  calibration,
  rate,
  half_life,
}: CompiledBaseline): Baseline {
  return {
    chain: chainOf({ ...snapshot, sample: [] }, half_life),
    calibration,
    meters: metersOf(calibration.tails),
    threshold: thresholdOf(calibration.sums, rate),
  }
}

/** Scores each call of a session; with `end` also the end of one that has ended. */
export function scoreSession(
  baseline: Baseline,
  session: ObservedSession,
  { end = false }: { readonly end?: boolean } = {},
): readonly CallScore[] {
  const progress = newProgress()
  const { steps, ended } = trailOf(session)
  const all = end && ended ? [...steps, END_STEP] : steps
  return all.map((step) => scored(baseline, observe(baseline.chain, progress, step)))
}

const END_STEP = { node: END, duplicate: false }

/** An observation with the sum over its channels. */
export function scored({ meters }: Pick<Baseline, 'meters'>, observation: Observation): CallScore {
  const channels = quantized(observation.channels)
  return { ...observation, channels, total: sumOf(meters, channels) }
}
