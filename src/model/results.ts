import type { Digest } from '../base/digest.ts'
import type { JsonObject } from '../base/json-value.ts'
import type { Diagnostic } from '../base/position.ts'
import type { BundleManifest, Finding, VerdictWord } from './generated/types.ts'
import type { RegoCoverage, RegoTestResult } from './rego.ts'

/** What `check` finds in a policy repository. */
export type CheckResult = {
  /** Null when the project file does not say. */
  readonly project: string | null
  /** The bundle's digest; null when there is no bundle because of errors. */
  readonly policy: Digest | null
  /** The policy's files, sorted. */
  readonly files: readonly string[]
  /** Sorted by file, line and column. */
  readonly diagnostics: readonly Diagnostic[]
  /** The lowest severity that fails. */
  readonly failLevel: 'error' | 'warning'
}

/** How one decision test went. */
export type DecisionTestResult = {
  readonly name: string
  readonly file: string
  readonly line: number
  readonly column: number
  readonly passed: boolean
  readonly expected: DecisionExpected
  /** Null when the step could not be judged at all: `problem` says why. */
  readonly actual: DecisionActual | null
  /** Each way in which actual and expected differ, in words; empty when the test passed. */
  readonly differences: readonly string[]
}

export type DecisionExpected = {
  readonly verdict: VerdictWord
  readonly rules?: readonly string[]
  readonly route?: readonly string[]
}

export type DecisionActual = {
  readonly verdict: VerdictWord
  readonly findings: readonly Finding[]
  readonly route: readonly string[]
}

/** What `test` gives. */
export type TestReport = {
  readonly project: string
  readonly policy: Digest
  readonly decisions: readonly DecisionTestResult[]
  readonly rego: readonly RegoTestResult[]
  /** Null when the policy has no Rego. */
  readonly coverage: RegoCoverage | null
  readonly passed: number
  readonly failed: number
  readonly skipped: number
}

/** What `replay` gives, apart from how long it took. */
export type ReplaySummary = {
  readonly sessions: number
  readonly actions: number
  readonly verdicts: Readonly<Record<VerdictWord, number>>
  /** Enforced findings by rule, sorted. */
  readonly rules: Readonly<Record<string, number>>
  /** Findings of rules in shadow mode, sorted. */
  readonly shadow: Readonly<Record<string, number>>
  /** SHA-256 over RFC 8785 lines of `{findings, obligations, route, verdict}`, one an action, in order. */
  readonly verdictDigest: Digest
}

/** What `inspect` shows of a bundle. */
export type BundleReport = {
  readonly policy: Digest
  readonly manifest: BundleManifest
  readonly agents: readonly string[]
  /** `service.action`, with the effect. */
  readonly tools: Readonly<Record<string, string>>
  readonly rules: readonly {
    readonly id: string
    readonly kind: string
    readonly then: string
    readonly mode: string
    readonly place: string
  }[]
  /** Slash paths of the Rego rules that are asked. */
  readonly entrypoints: readonly string[]
  readonly routes: readonly {
    readonly id: string
    readonly quorum: number
    readonly reviewers: readonly string[]
  }[]
  readonly people: number
  readonly validUntil: string | null
  /** The compiled policy as the bundle holds it. */
  readonly compiled: JsonObject
}

/** What `fmt` says of one file. */
export type FormattedFile = {
  readonly file: string
  readonly before: string
  readonly after: string
}
