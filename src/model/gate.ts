import type { ChangeProblem, ChangeReport, Weakening } from './policy-change.ts'
import type { PolicyDiff } from './policy-diff.ts'
import type { CheckResult, TestReport } from './results.ts'

/** What a gate says: `hold` when nothing is wrong but that people have yet to review. */
export type GateVerdict = 'allow' | 'hold' | 'deny'

/** One side of a change: the revision as it was named, its commit, and its policy's digest where that compiles. */
export type GateSide = {
  readonly name: string
  readonly sha: string
  readonly policy: string | null
}

/** What `gate policy` found out about a change of a policy repository. */
export type PolicyGate = {
  readonly verdict: GateVerdict
  /** In one sentence. */
  readonly reason: string
  readonly base: GateSide
  /** Its digest is that of what merging would make. */
  readonly head: GateSide
  /** The policy's, from the repository's top; empty at the top. Files of `check` and `tests` lie below it. */
  readonly folder: string
  /** What `check` says of what merging would make; null when it cannot be merged. */
  readonly check: CheckResult | null
  /** Null when there is nothing to run them with. */
  readonly tests: TestReport | null
  /** The least coverage that was asked for, in percent, and whether it was reached; null where none was. */
  readonly coverage: { readonly min: number; readonly reached: boolean } | null
  /** Null when one side has no policy that compiles. */
  readonly diff: PolicyDiff | null
  readonly weakenings: readonly Weakening[]
  /** Routes of the base branch that the change needs, sorted. */
  readonly routes: readonly string[]
  /** What the reviews of each pull request came to; null where none was named. */
  readonly approvals: readonly ChangeReport[] | null
  readonly problems: readonly ChangeProblem[]
  readonly counts: GateCounts
}

/**
 * The gate's check run for a branch other than the default one. A check run is a commit's, and a commit may be proposed for
 * several branches, by whoever may push one: what says that it may go into one must not pass for another.
 */
export function checkNameOn(check: string, branch: string): string {
  return `${check} (${branch})`
}

export type GateCounts = {
  readonly errors: number
  readonly warnings: number
  readonly tests_passed: number
  readonly tests_failed: number
  readonly changes: number
  readonly weakened: number
  readonly flips: number
  /** Recorded decisions that would be judged more leniently. */
  readonly flips_lenient: number
}
