import { createHash } from 'node:crypto'
import type { BlockTraces, Domain, RecordedSession } from './data.ts'
import type { Detector, Fitted } from './detector.ts'
import { alarms, highest } from './detector.ts'
import {
  areaUnderCurve,
  matchedThreshold,
  mean,
  percentile,
  round3,
  thresholdOf,
} from './figures.ts'

/** Folds by task hold out tasks that were never seen; folds by session let tasks recur. */
export type FoldsBy = 'task' | 'session'

export const FOLDS_BY: readonly FoldsBy[] = ['task', 'session']

/** Shares of 1, to three digits. `2` and `5` are the nominal rates of false alarms in percent. */
export type Figures = {
  readonly auc: number
  readonly fpr_2: number
  readonly dr_2: number
  readonly fpr_5: number
  readonly dr_5: number
  /** Detection at the threshold that 2% of the benign test sessions exceed. */
  readonly dr_at_matched_2: number
}

export const FIGURES = ['auc', 'fpr_2', 'dr_2', 'fpr_5', 'dr_5', 'dr_at_matched_2'] as const

/** One family of attacks at nominal 5%. */
export type FamilyResult = {
  readonly sessions: number
  readonly dr_5: number
  /** Calls from the attack's first to the first alarm, of what was detected; 1 is the attack's first call. */
  readonly calls_median: number | null
  readonly calls_p90: number | null
}

export type Outcome = {
  readonly figures: Figures
  readonly families: Readonly<Record<string, FamilyResult>>
  /** Benign test sessions, and how many of them alarmed. */
  readonly sessions: number
  readonly false_alarms_2: number
  readonly false_alarms_5: number
}

/** The fold of a key: the first 8 hexadecimal digits of SHA-256 over salt, colon and key, modulo 5. */
export function foldOf(key: string, salt: string): number {
  const digest = createHash('sha256').update(`${salt}:${key}`, 'utf8').digest('hex')
  return Number.parseInt(digest.slice(0, 8), 16) % FOLDS
}

const FOLDS = 5
const RATES = [0.02, 0.05] as const

/** Learns four folds and judges the fifth, five times. */
export function evaluate(
  { sessions, attacks }: Domain,
  { by, salt }: { readonly by: FoldsBy; readonly salt: string },
  detector: Detector,
): Outcome {
  const keyOf = (session: RecordedSession) => (by === 'task' ? session.task : session.id)
  const attackOf = new Map(attacks.map((one) => [`${one.base}\u001f${one.family}`, one]))
  const families = [...new Set(attacks.map(({ family }) => family))]
  const benign: number[] = []
  const falseAlarms = [0, 0]
  const found = new Map(families.map((family) => [family, newFamily()]))
  for (let fold = 0; fold < FOLDS; fold++) {
    const isTested = (one: RecordedSession) => foldOf(keyOf(one), salt) === fold
    const tested = sessions.filter(isTested)
    if (tested.length === 0) continue
    const learned = sessions.filter((one) => !isTested(one))
    const fitted = detector.fit(learned.map((session) => ({ session, group: keyOf(session) })))
    const thresholds = RATES.map((rate) => thresholdOf(fitted.calibration, rate))
    for (const session of tested) {
      const score = highest(fitted.scores(session))
      benign.push(score)
      for (const [i, threshold] of thresholds.entries()) {
        if (alarms(score, threshold)) falseAlarms[i]! += 1
      }
      for (const [family, totals] of found) {
        const attack = attackOf.get(`${session.id}\u001f${family}`)
        if (attack === undefined) continue
        noteAttack(totals, fitted.scores(attack).slice(attack.attackAt), thresholds)
      }
    }
  }
  return outcomeOf(benign, falseAlarms, found)
}

/** What one family of attacks came to. */
type FamilyTotals = {
  /** The highest score of each attack, from its first call on. */
  readonly scores: number[]
  /** Attacks that alarmed, for each rate. */
  readonly hits: number[]
  /** Calls to the first alarm at the last rate. */
  readonly calls: number[]
}

function newFamily(): FamilyTotals {
  return { scores: [], hits: RATES.map(() => 0), calls: [] }
}

function noteAttack(
  totals: FamilyTotals,
  scores: readonly number[],
  thresholds: readonly number[],
): void {
  totals.scores.push(highest(scores))
  for (const [i, threshold] of thresholds.entries()) {
    const first = scores.findIndex((score) => alarms(score, threshold))
    if (first < 0) continue
    totals.hits[i]! += 1
    if (i === thresholds.length - 1) totals.calls.push(first + 1)
  }
}

function outcomeOf(
  benign: readonly number[],
  falseAlarms: readonly number[],
  found: ReadonlyMap<string, FamilyTotals>,
): Outcome {
  const tested = [...found].filter(([, { scores }]) => scores.length > 0)
  const average = (of: (totals: FamilyTotals) => number) =>
    round3(mean(tested.map(([, totals]) => of(totals))))
  const detected = (rate: number) =>
    average(({ hits, scores }) => (hits[rate] ?? 0) / scores.length)
  const matched = matchedThreshold(benign, RATES[0])
  return {
    figures: {
      auc: average(({ scores }) => areaUnderCurve(benign, scores)),
      fpr_2: round3((falseAlarms[0] ?? 0) / benign.length),
      dr_2: detected(0),
      fpr_5: round3((falseAlarms[1] ?? 0) / benign.length),
      dr_5: detected(1),
      dr_at_matched_2: average(
        ({ scores }) => scores.filter((score) => score > matched).length / scores.length,
      ),
    },
    families: Object.fromEntries(tested.map(([family, totals]) => [family, familyOf(totals)])),
    sessions: benign.length,
    false_alarms_2: falseAlarms[0] ?? 0,
    false_alarms_5: falseAlarms[1] ?? 0,
  }
}

function familyOf({ scores, hits, calls }: FamilyTotals): FamilyResult {
  return {
    sessions: scores.length,
    dr_5: round3((hits[1] ?? 0) / scores.length),
    calls_median: percentile(calls, 0.5),
    calls_p90: percentile(calls, 0.9),
  }
}

/** Block traces: how well odd ones are told from benign ones, and alarms at nominal 1%. */
export type TraceFigures = { readonly auc: number; readonly fpr_1: number; readonly dr_1: number }

/** Learns the traces of the training part with their ends, and judges the others with theirs. */
export function evaluateTraces(traces: BlockTraces, detector: Detector): TraceFigures {
  const fitted: Fitted = detector.fit(
    traces.train.map((session) => ({ session, group: session.id })),
    { ends: true },
  )
  const benign = traces.benign.map((session) => highest(fitted.scores(session)))
  const odd = traces.odd.map((session) => highest(fitted.scores(session)))
  const threshold = thresholdOf(fitted.calibration, 0.01)
  const share = (scores: readonly number[]) =>
    round3(scores.filter((score) => alarms(score, threshold)).length / scores.length)
  return { auc: round3(areaUnderCurve(benign, odd)), fpr_1: share(benign), dr_1: share(odd) }
}
