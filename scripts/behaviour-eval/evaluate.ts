import { frequency, literal, stide3 } from './comparators.ts'
import type { Data, Domain } from './data.ts'
import type { Detector } from './detector.ts'
import { binomialInterval, mean, round3 } from './figures.ts'
import { ours } from './ours.ts'
import type { Figures, FoldsBy, Outcome, TraceFigures } from './protocol.ts'
import { evaluate, evaluateTraces, FIGURES, FOLDS_BY } from './protocol.ts'
import { reference } from './reference.ts'

/** Ours first; the others stand beside it. */
export const DETECTORS: readonly Detector[] = [ours, reference, stide3, frequency, literal]

/** Something for each detector, by its name. */
export type ByDetector<T> = Readonly<Record<string, T>>

export type Report = {
  readonly salt: string
  readonly protocols: readonly ProtocolReport[]
  readonly hdfs: ByDetector<TraceFigures> | null
  readonly leftOut: readonly string[]
}

/** One domain, its folds made in one way. */
export type ProtocolReport = {
  /** Domain and folds: `retail_task`. */
  readonly name: string
  readonly domain: string
  readonly by: FoldsBy
  readonly outcomes: ByDetector<Outcome>
  /** Null where one assignment of folds was looked at. */
  readonly splits: SplitsReport | null
}

/** The same over further assignments of folds. */
export type SplitsReport = {
  readonly splits: number
  readonly mean: ByDetector<Figures>
  /** Of false alarms the most, of all else the least. */
  readonly worst: ByDetector<Figures>
  /** Whether ours keeps what it promises, where tasks recur; nothing is promised where they do not. */
  readonly calibration: readonly CalibrationReport[]
}

/** False alarms over the splits, and the number to expect of one split if each has the nominal chance. */
export type CalibrationReport = {
  readonly nominal: number
  readonly sessions: number
  /** The 95% interval of the binomial distribution, both ends included. */
  readonly from: number
  readonly to: number
  /** False alarms in each split. */
  readonly alarms: readonly number[]
  readonly within: number
  readonly mean_within: boolean
}

/** What all detectors do on all that the data hold. */
export function evaluateAll(
  data: Data,
  { salt, splits }: { readonly salt: string; readonly splits: number },
  progress: (text: string) => void,
): Report {
  const protocols = data.domains.flatMap((domain) =>
    FOLDS_BY.map((by) => {
      const name = `${domain.name}_${by}`
      progress(name)
      const outcomes = outcomesOf(domain, by, salt)
      const further = Array.from({ length: splits }, (_, i) => {
        progress(`${name}, split ${i + 1} of ${splits}`)
        return outcomesOf(domain, by, `${salt}${i + 1}`)
      })
      return { name, domain: domain.name, by, outcomes, splits: splitsReport(by, further) }
    }),
  )
  if (data.hdfs !== null) progress('hdfs')
  const { hdfs } = data
  return {
    salt,
    protocols,
    hdfs: hdfs === null ? null : byDetector((detector) => evaluateTraces(hdfs, detector)),
    leftOut: data.leftOut,
  }
}

function outcomesOf(domain: Domain, by: FoldsBy, salt: string): ByDetector<Outcome> {
  return byDetector((detector) => evaluate(domain, { by, salt }, detector))
}

/** Means, extremes and calibration of several assignments of folds. */
export function splitsReport(
  by: FoldsBy,
  further: readonly ByDetector<Outcome>[],
): SplitsReport | null {
  if (further.length === 0) return null
  const summary = (of: (figure: keyof Figures, values: readonly number[]) => number) =>
    byDetector(({ name }) => {
      const rows = FIGURES.map((figure) => {
        const values = further.map((outcomes) => outcomes[name]!.figures[figure])
        return [figure, round3(of(figure, values))]
      })
      return Object.fromEntries(rows) as Figures
    })
  const own = further.map((outcomes) => outcomes[ours.name]!)
  return {
    splits: further.length,
    mean: summary((_, values) => mean(values)),
    worst: summary((figure, values) =>
      figure.startsWith('fpr') ? Math.max(...values) : Math.min(...values),
    ),
    calibration:
      by === 'task'
        ? []
        : [
            calibrationOf(own, 0.02, (outcome) => outcome.false_alarms_2),
            calibrationOf(own, 0.05, (outcome) => outcome.false_alarms_5),
          ],
  }
}

function calibrationOf(
  outcomes: readonly Outcome[],
  nominal: number,
  of: (outcome: Outcome) => number,
): CalibrationReport {
  const sessions = outcomes[0]?.sessions ?? 0
  const { from, to } = binomialInterval(sessions, nominal)
  const isWithin = (alarms: number) => alarms >= from && alarms <= to
  const alarms = outcomes.map(of)
  return {
    nominal,
    sessions,
    from,
    to,
    alarms,
    within: alarms.filter(isWithin).length,
    mean_within: isWithin(mean(alarms)),
  }
}

function byDetector<T>(of: (detector: Detector) => T): ByDetector<T> {
  return Object.fromEntries(DETECTORS.map((detector) => [detector.name, of(detector)]))
}
