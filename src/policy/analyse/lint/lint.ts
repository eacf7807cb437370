import type { Diagnostic } from '../../../base/position.ts'
import { sortDiagnostics } from '../../../base/position.ts'
import type { LoadedPolicy } from '../../../decide/evaluate/index.ts'
import type { Documents } from '../../compile/index.ts'
import { newReport } from '../../compile/report.ts'
import { lintBaselines } from './baselines.ts'
import { lintDates } from './dates.ts'
import { lintPeople } from './people.ts'
import { reachOf } from './reach.ts'
import { lintShadowed } from './shadowed.ts'
import { lintTests } from './tests.ts'
import { lintTools } from './tools.ts'
import { lintUnreachable } from './unreachable.ts'

export type LintInput = {
  readonly documents: Documents
  /** The same documents, compiled and loaded. */
  readonly loaded: LoadedPolicy
  /** Unix milliseconds, to tell which dates have passed; null leaves them alone. */
  readonly now: number | null
}

/**
 * What is sound and yet hardly meant: rules that can never matter, tools that nobody holds, routes and people without
 * use, rules without a test, dates that have passed, baselines that are missing or in shadow. Sorted by file and place. It says only what it can prove; beyond
 * `limits.ts` it stops looking, so no finding is no proof.
 */
export function lint(input: LintInput): Diagnostic[] {
  const report = newReport()
  const reach = reachOf(input.loaded.policy)
  lintUnreachable(input, reach, report)
  lintShadowed(input, report)
  lintTests(input, report)
  lintTools(input, reach, report)
  lintPeople(input, reach, report)
  lintDates(input, report)
  lintBaselines(input, reach, report)
  return sortDiagnostics(report.diagnostics)
}
