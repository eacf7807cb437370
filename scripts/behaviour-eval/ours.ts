import type { ObservedSession } from '../../src/decide/behaviour/index.ts'
import {
  compileBaseline,
  learn,
  loadBaseline,
  nodeOf,
  scoreSession,
} from '../../src/decide/behaviour/index.ts'
import type { RecordedSession } from './data.ts'
import type { Detector, Fitted } from './detector.ts'
import { ALARM } from './detector.ts'

/** The product's detector, with the hard rule on identical calls. */
export const ours: Detector = {
  name: 'ours',
  title: 'ours',
  fit(sessions, { ends } = { ends: false }): Fitted {
    const snapshot = learn(sessions.map(({ session, group }) => observed(session, group)))
    const baseline = loadBaseline(compileBaseline(snapshot, { rate: RATE, ends }))
    return {
      calibration: baseline.calibration.sums,
      scores: (session) => {
        const calls = scoreSession(baseline, observed(session, session.id), { end: ends })
        const runs = identicalRuns(session)
        return calls.map(({ total }, i) => ((runs[i] ?? 0) >= IDENTICAL_MAX ? ALARM : total))
      },
    }
  },
}

/** The evaluation takes its own thresholds off the calibration; this one is not used. */
const RATE = 0.05

/** Of so many identical calls in a row the last alarms by itself. */
const IDENTICAL_MAX = 4

/** At each call, how many calls in a row up to it are the same with the same arguments; 0 without arguments. */
export function identicalRuns({ calls }: RecordedSession): readonly number[] {
  let run = 0
  return calls.map((call, i) => {
    const before = calls[i - 1]
    const isSame =
      before?.service === call.service && before.action === call.action && before.args === call.args
    if (call.args === null) run = 0
    else run = isSame ? run + 1 : 1
    return run
  })
}

function observed({ id, calls }: RecordedSession, group: string): ObservedSession {
  return {
    id,
    group,
    calls: calls.map(({ service, action, args }) => ({ node: nodeOf(service, action), args })),
    ended: true,
  }
}
