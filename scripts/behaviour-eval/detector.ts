import type { RecordedSession } from './data.ts'

/** A session to learn from. Sessions of one group, such as runs of one task, are held out together. */
export type Grouped = { readonly session: RecordedSession; readonly group: string }

/** What tells odd sessions from normal ones. */
export type Detector = {
  readonly name: string
  /** The name for people. */
  readonly title: string
  fit(sessions: readonly Grouped[], options?: FitOptions): Fitted
}

/** `ends`: the sessions are whole, and how they end is learned and scored too. */
export type FitOptions = { readonly ends: boolean }

export type Fitted = {
  /** The highest scores of normal sessions, each judged without having been learned; in ascending order. */
  readonly calibration: readonly number[]
  /** One score a call, and one for the end where ends are scored; `ALARM` alarms whatever the threshold is. */
  scores(session: RecordedSession): readonly number[]
}

export const ALARM = Number.POSITIVE_INFINITY

/** Whether a score alarms. */
export function alarms(score: number, threshold: number): boolean {
  return score > threshold || score === ALARM
}

/** The highest score, 0 of none. */
export function highest(scores: readonly number[]): number {
  let most = Number.NEGATIVE_INFINITY
  for (const score of scores) if (score > most) most = score
  return scores.length === 0 ? 0 : most
}

/** A session as words: `service.action` for each call, and `$` for the end where ends are wanted. */
export function wordsOf({ calls }: RecordedSession, { ends }: FitOptions): readonly string[] {
  const words = calls.map(({ service, action }) => `${service}.${action}`)
  return ends ? [...words, END_WORD] : words
}

const END_WORD = '$'
