import { loadPolicy } from '../../decide/evaluate/index.ts'
import { readLines, sizeOf } from '../../host/files.ts'
import type { ReplaySummary } from '../../model/results.ts'
import { parseSession, SESSION_LENGTH_MAX } from '../../policy/analyse/recorded-session.ts'
import { createReplay } from '../../policy/analyse/replay.ts'
import { openBundle, type PolicySource } from './compile-policy.ts'

export type ReplayProgress = {
  readonly sessions: number
  readonly bytes: number
  readonly bytesAll: number
}

export type ReplayRequest = {
  readonly source: PolicySource
  /** Traces, absolute: one session of JSON a line, empty lines left out. */
  readonly files: readonly string[]
  /** Keeps the state from one session to the next. */
  readonly carry: boolean
  /** Is told now and then how far the replay is. */
  readonly onProgress?: (progress: ReplayProgress) => void
}

/**
 * Runs recorded sessions through a policy. The summary depends on policy and traces alone: not on the machine, the
 * time or the process.
 *
 * @throws {PolicyError} SESSION_INVALID with file and line; FILE_UNREADABLE; what `openBundle` throws
 */
export async function replayTrace(request: ReplayRequest): Promise<{
  readonly summary: ReplaySummary
  readonly policy: string
  readonly actionsPerSecond: number
}> {
  const { source, files, carry, onProgress } = request
  const sizes = await Promise.all(files.map(sizeOf)) // Before the slow part: a missing file is told at once.
  const bytesAll = sizes.reduce((sum, size) => sum + size, 0)
  const bundle = await openBundle(source)
  const replay = createReplay(loadPolicy(bundle), { carry })
  const start = performance.now()
  let bytesBefore = 0
  let sessions = 0
  for (const [index, file] of files.entries()) {
    for await (const line of readLines(file, SESSION_LENGTH_MAX)) {
      if (line.text.trim() === '') continue
      const place = { file, line: line.number }
      replay.session(parseSession(line.text, place), place)
      sessions += 1
      onProgress?.({ sessions, bytes: bytesBefore + line.bytes, bytesAll })
    }
    bytesBefore += sizes[index] ?? 0
  }
  const summary = replay.summary()
  const seconds = Math.max((performance.now() - start) / 1000, 0.001)
  return { summary, policy: bundle.digest, actionsPerSecond: Math.round(summary.actions / seconds) }
}
