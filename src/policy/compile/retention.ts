import { parseDuration } from '../../base/duration.ts'
import { PolicyError } from '../../base/errors.ts'
import { RETENTION_MS_MIN } from '../../base/limits.ts'
import type { CompiledPolicy, Project } from '../../model/generated/types.ts'
import type { Entry } from './documents.ts'
import type { Report } from './report.ts'

/** Reports what is kept too short to be of use to anybody. */
export function checkRetention(entry: Entry<Project>, report: Report): void {
  for (const name of ['inputs', 'tokens'] as const) {
    const text = entry.value.retention?.[name]
    if (text === undefined) continue
    const problem = problemOf(text)
    if (problem === null) continue
    report.error(entry.at(`/retention/${name}`), 'DURATION_INVALID', problem)
  }
}

/** How long clear values are kept; nothing where they are for good. */
export function compileRetention({ retention }: Project): Pick<CompiledPolicy, 'retention'> {
  if (retention === undefined) return {}
  return { retention: { inputs: retention.inputs ?? null, tokens: retention.tokens ?? null } }
}

/** Longer than a window of rules may be. */
function problemOf(text: string): string | null {
  try {
    return parseDuration(text) >= RETENTION_MS_MIN ? null : `expected at least 1h, found ${text}`
  } catch (error) {
    if (error instanceof PolicyError) return error.message
    throw error
  }
}
