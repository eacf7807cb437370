import type { Baseline } from '../../decide/behaviour/baseline.ts'
import { compileBaseline, loadBaseline, scoreSession } from '../../decide/behaviour/baseline.ts'
import { compareBaselines } from '../../decide/behaviour/compare.ts'
import type { ObservedSession } from '../../decide/behaviour/index.ts'
import { findPoisoning } from '../../decide/behaviour/poisoning.ts'
import { isEnforced } from '../../decide/behaviour/published.ts'
import { settlingOf } from '../../decide/behaviour/settle.ts'
import type { BaselineDocument } from '../../decide/behaviour/text.ts'
import { loosened, toleranceOf } from '../../decide/behaviour/tolerance.ts'
import type {
  AlarmRates,
  BaselineComparison,
  BaselineName,
  BaselineProgress,
  BeforeAfter,
  PoisoningWarning,
} from '../../model/baseline-report.ts'
import { RATE } from '../../policy/compile/baselines.ts'
import type { FoundBaseline } from './files.ts'
import { ownerOf, rateOf, sideOf } from './files.ts'
import { NOTHING_LEARNED } from './learn.ts'

/** What a new version means, for whoever is to judge it. */
export type BaselineEffect = {
  readonly comparison: BaselineComparison
  readonly progress: {
    readonly before: BaselineProgress | null
    readonly after: BaselineProgress
  }
  readonly alarms: AlarmRates
  readonly poisoning: readonly PoisoningWarning[]
}

/**
 * Compares a version with the one that it was made out of.
 *
 * @param history - earlier versions, oldest first, `before` the last of them
 * @param sessions - those that were learned, to be judged by the version before
 * @throws {PolicyError} BASELINE_TOO_LARGE
 */
export function effectOf(given: {
  readonly before: BaselineDocument | null
  readonly after: BaselineDocument
  readonly history: readonly BaselineDocument[]
  readonly sessions: readonly ObservedSession[]
  readonly leadsToHarm: (node: string) => boolean
}): BaselineEffect {
  const { before, after, history, sessions, leadsToHarm } = given
  const sides = { before: before === null ? NOTHING_LEARNED : sideOf(before), after: sideOf(after) }
  const loaded = {
    before: before === null ? null : readyToScore(before),
    after: readyToScore(after),
  }
  return {
    comparison: compareBaselines(sides, leadsToHarm),
    progress: { before: before === null ? null : progress(before), after: progress(after) },
    alarms: alarmRates(loaded, sessions),
    poisoning: findPoisoning([...history.map(sideOf), sides.after], leadsToHarm),
  }
}

/** How far a baseline is, and whether its findings decide. */
export function progress(document: BaselineDocument): BaselineProgress {
  const settling = settlingOf(document, rateOf(document))
  const { mode = 'auto' } = document
  return { ...settling, enforced: isEnforced({ mode, settled: settling.settled }) }
}

/** The name of a baseline in its file. */
export function nameOf({ file, document }: Pick<FoundBaseline, 'file' | 'document'>): BaselineName {
  return { ...ownerOf(document), version: document.version, file }
}

/** A baseline calibrated. @throws {PolicyError} BASELINE_TOO_LARGE */
export function readyToScore(document: BaselineDocument): Baseline {
  const halfLife = document.half_life ?? null
  return loadBaseline(compileBaseline(document.snapshot, { rate: rateOf(document), halfLife }))
}

/** Bits of the threshold in thousandths; null while there are too few sessions for one. */
export function thresholdMillibits({ threshold }: Pick<Baseline, 'threshold'>): number | null {
  return Number.isFinite(threshold) ? Math.round(threshold * 1_000) : null
}

function alarmRates(
  { before, after }: { readonly before: Baseline | null; readonly after: Baseline },
  sessions: readonly ObservedSession[],
): AlarmRates {
  const { sums } = after.calibration
  const above = sums.filter((sum) => sum > after.threshold).length
  const isCalibrated = before !== null && Number.isFinite(before.threshold)
  return {
    // One more on each side, for the session that comes: with few sessions none lies above, and yet one may.
    expectedPpm: Number.isFinite(after.threshold)
      ? partsPerMillion(above + 1, sums.length + 1)
      : null,
    stoppedBeforePpm:
      isCalibrated && sessions.length > 0
        ? partsPerMillion(
            sessions.filter((session) => isStopped(before, session)).length,
            sessions.length,
          )
        : null,
    thresholdMillibits: {
      before: before === null ? null : thresholdMillibits(before),
      after: thresholdMillibits(after),
    } satisfies BeforeAfter<number | null>,
    loosened: before === null ? [] : loosenedChannels(before, after),
  }
}

/** The channels in which the second tolerates noticeably more, at the rate of neither: at the default one. */
export function loosenedChannels(before: Baseline, after: Baseline): AlarmRates['loosened'] {
  return loosened(toleranceOf(before, RATE), toleranceOf(after, RATE))
}

/** Whether a baseline would have raised an alarm for a session, had it been enforced. */
export function isStopped(baseline: Baseline, session: ObservedSession): boolean {
  return scoreSession(baseline, session).some(
    ({ total, rejected }) => rejected || total > baseline.threshold,
  )
}

function partsPerMillion(part: number, whole: number): number {
  return whole === 0 ? 0 : Math.round((part / whole) * 1_000_000)
}
