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
  session(session: RecordedSession, place: SessionPlace): void
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
  const steps = createStepper(policy.policy.project, { carry })
  let sessions = 0
  let actions = 0
  return {
    session(session, place) {
      if (!carry) bench.reset()
      for (const { action, now } of steps(session, place)) {
        const verdict = bench.judge(action, now)
        digest.add(verdict)
        verdicts[verdict.verdict] += 1
        for (const finding of verdict.findings)
          count(finding.mode === 'enforce' ? rules : shadow, finding)
        actions += 1
      }
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

/** One step of a recorded session, as an action at its time. */
export type RecordedAction = {
  readonly action: JudgedAction
  /** Unix milliseconds. */
  readonly now: number
  /** Of the step in its session, from 0. */
  readonly index: number
}

/**
 * Reads the steps of sessions, one session after another.
 *
 * @param project - of sessions that name none
 * @returns what yields a session's steps; it throws SESSION_INVALID where a step is no action
 */
export function createStepper(
  project: string,
  { carry }: ReplayOptions,
): (session: RecordedSession, place: SessionPlace) => Generator<RecordedAction> {
  let ticks = 0
  return function* steps(session, place) {
    if (!carry) ticks = 0
    for (const [index, step] of session.steps.entries()) {
      const action = actionOf(project, session, step, { ...place, index })
      const now =
        step.at === undefined
          ? REPLAY_EPOCH + ticks * REPLAY_STEP_MS
          : timeOf(step.at, { ...place, index })
      ticks += 1
      yield { action, now, index }
    }
  }
}

/** Where a session stands. */
export type SessionPlace = { readonly file: string; readonly line: number }

type StepPlace = SessionPlace & { readonly index: number }

function actionOf(
  ofProject: string,
  session: RecordedSession,
  step: RecordedStep,
  place: StepPlace,
): JudgedAction {
  const { agent, project, principal, role, fingerprint } = session
  const { service, action, payload, context, priority, args_digest, phase, result } = step
  const credential = { project: ofProject, agents: ['*'], role: 'agent' }
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
    phase,
    result,
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
