import { readLines } from '../../host/files.ts'
import type { RecordedSession } from '../../model/generated/types.ts'
import { parseSession, SESSION_LENGTH_MAX } from '../../policy/analyse/recorded-session.ts'
import type { SessionPlace } from '../../policy/analyse/replay.ts'
import { createStepper } from '../../policy/analyse/replay.ts'
import type { Observed, ObservedRun, Wanted } from './observed.ts'
import { argsOf, nodeOfAction } from './observed.ts'

/**
 * The sessions of traces that are the agent's, each whole and ended. Nobody judged them: whoever names a trace vouches
 * for it.
 *
 * @param project - of sessions that name none
 * @throws {PolicyError} SESSION_INVALID with file and line; FILE_UNREADABLE
 */
export async function observeTraces(
  { files, project }: { readonly files: readonly string[]; readonly project: string },
  wanted: Wanted,
): Promise<Observed> {
  const runs: ObservedRun[] = []
  const steps = createStepper(project, { carry: false })
  for (const file of files) {
    for await (const { text, number } of readLines(file, SESSION_LENGTH_MAX)) {
      if (text.trim() === '') continue
      const place = { file, line: number }
      const session = parseSession(text, place)
      if (!isWanted(session, wanted)) continue
      runs.push(runOf(session, place, steps))
    }
  }
  const leftOut = { open: 0, refused: 0, erased: 0, known: 0 }
  return { runs, rejections: [], leftOut, read: null }
}

function isWanted({ agent, fingerprint }: RecordedSession, wanted: Wanted): boolean {
  return agent === wanted.agent && wanted.covers(fingerprint ?? null)
}

function runOf(
  session: RecordedSession,
  place: SessionPlace,
  steps: ReturnType<typeof createStepper>,
): ObservedRun {
  const actions = [...steps(session, place)].map(({ action }) => action)
  const calls = actions
    .filter(({ phase }) => phase !== 'result')
    .map((action) => ({ node: nodeOfAction(action), args: argsOf(action) }))
  const times = session.steps.flatMap(({ at }) => (at === undefined ? [] : [Date.parse(at)]))
  const timed = times.length > 0
  return {
    session: { id: session.session, group: session.session, calls, ended: true },
    approvals: [],
    began: timed ? Math.min(...times) : null,
    ended: timed ? Math.max(...times) : null,
  }
}
