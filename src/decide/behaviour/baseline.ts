import type { Calibration, Meters } from './calibrate.ts'
import { calibrate, metersOf, quantized, sumOf, thresholdOf } from './calibrate.ts'
import type { Chain } from './chain.ts'
import type { Observation } from './channels.ts'
import { newProgress, observe } from './channels.ts'
import type { ObservedSession } from './session.ts'
import { trailOf, withEnd } from './session.ts'
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

export type BaselineOptions = {
  readonly rate: number
  /** Default: no decay. */
  readonly halfLife?: number | null
  /** Whether thresholds allow for the ends of sessions, which only who looks back can score. Default: no. */
  readonly ends?: boolean
}

/** @throws {PolicyError} BASELINE_TOO_LARGE */
export function compileBaseline(
  snapshot: Snapshot,
  { rate, halfLife = null, ends = false }: BaselineOptions,
): CompiledBaseline {
  const { sample, ...rest } = snapshot
  const calibration = calibrate(chainOf(snapshot, halfLife), sample, { ends })
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
  const trail = trailOf(session)
  const steps = end ? withEnd(trail) : trail.steps
  return steps.map((step) => scored(baseline, observe(baseline.chain, progress, step)))
}

/** An observation with the sum over its channels. */
export function scored({ meters }: Pick<Baseline, 'meters'>, observation: Observation): CallScore {
  const channels = quantized(observation.channels)
  return { ...observation, channels, total: sumOf(meters, channels) }
}
