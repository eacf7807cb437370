import { PolicyError } from '../../base/errors.ts'
import { compareText } from '../../base/position.ts'
import type { LoadedPolicy } from '../../decide/evaluate/index.ts'
import { parseAction } from '../../model/action.ts'
import type {
  Finding,
  RecordedSession,
  RecordedStep,
  VerdictWord,
} from '../../model/generated/types.ts'
import type { JudgedAction } from '../../model/nouns.ts'
import type { ReplaySummary } from '../../model/results.ts'
import { createBench, REPLAY_EPOCH, REPLAY_STEP_MS } from './judging.ts'
import { createVerdictDigest } from './verdict-digest.ts'

export type ReplayOptions = {
  /** Keeps the state, and the clock of steps that say no time, from one session to the next. */
  readonly carry: boolean
}

/** Runs recorded sessions through a policy, one after another. */
export type Replay = {
  /**
   * @param place - the session's file and line, for the error
   * @throws {PolicyError} SESSION_INVALID when a step is no action
   */
  session(session: RecordedSession, place: { file: string; line: number }): void
  summary(): ReplaySummary
}

/**
 * A replay of recorded sessions. Nothing is written anywhere, and no clock is read: a step's time is its `at`, or
 * 2026-01-01 plus one second a step. A session that names no project is of the policy's, its role is `agent` unless
 * it says otherwise, and an agent that the policy does not know is denied as in life.
 */
export function createReplay(policy: LoadedPolicy, { carry }: ReplayOptions): Replay {
  const bench = createBench(policy)
  const digest = createVerdictDigest()
  const verdicts: Record<VerdictWord, number> = { allow: 0, redact: 0, hold: 0, deny: 0 }
  const rules = new Map<string, number>()
  const shadow = new Map<string, number>()
  let sessions = 0
  let actions = 0
  let ticks = 0
  return {
    session(session, place) {
      if (!carry) {
        bench.reset()
        ticks = 0
      }
      session.steps.forEach((step, index) => {
        const action = actionOf(policy, session, step, { ...place, index })
        const now =
          step.at === undefined
            ? REPLAY_EPOCH + ticks * REPLAY_STEP_MS
            : timeOf(step.at, { ...place, index })
        ticks += 1
        const verdict = bench.judge(action, now)
        digest.add(verdict)
        verdicts[verdict.verdict] += 1
        for (const finding of verdict.findings)
          count(finding.mode === 'enforce' ? rules : shadow, finding)
        actions += 1
      })
      sessions += 1
    },
    summary: () => ({
      sessions,
      actions,
      verdicts: { ...verdicts },
      rules: sorted(rules),
      shadow: sorted(shadow),
      verdictDigest: digest.digest(),
    }),
  }
}

type StepPlace = { readonly file: string; readonly line: number; readonly index: number }

function actionOf(
  policy: LoadedPolicy,
  session: RecordedSession,
  step: RecordedStep,
  place: StepPlace,
): JudgedAction {
  const { agent, project, principal, role, fingerprint } = session
  const { service, action, payload, context, priority, args_digest } = step
  const credential = { project: policy.policy.project, agents: ['*'], role: 'agent' }
  const given = {
    agent,
    project,
    principal,
    role,
    fingerprint,
    service,
    action,
    payload,
    context,
    priority,
  }
  const known = Object.entries({ ...given, session: session.session }).filter(
    ([, value]) => value !== undefined,
  )
  try {
    const judged = parseAction(Object.fromEntries(known), credential)
    return args_digest === undefined ? judged : { ...judged, args_digest }
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error
    throw invalid(place, `${error.message} (${error.code})`, error)
  }
}

/** The schema fixes the form, not that there is such a day. */
function timeOf(text: string, place: StepPlace): number {
  const time = Date.parse(text)
  if (Number.isNaN(time)) throw invalid(place, 'expected a time that the calendar has')
  return time
}

function invalid({ file, line, index }: StepPlace, message: string, cause?: unknown): PolicyError {
  const at = { line, column: 1 }
  return new PolicyError('SESSION_INVALID', `/steps/${index} ${message}`, { file, at, cause })
}

function count(counts: Map<string, number>, { rule }: Finding): void {
  counts.set(rule, (counts.get(rule) ?? 0) + 1)
}

function sorted(counts: ReadonlyMap<string, number>): Record<string, number> {
  return Object.fromEntries([...counts].sort(([a], [b]) => compareText(a, b)))
}
