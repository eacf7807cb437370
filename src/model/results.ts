import type { Digest } from '../base/digest.ts'
import type { ErrorCode } from '../base/errors.ts'
import type { JsonObject, JsonValue } from '../base/json-value.ts'
import type { Diagnostic } from '../base/position.ts'
import type {
  BundleManifest,
  Expectation,
  Finding,
  Obligation,
  VerdictWord,
} from './generated/types.ts'
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
  /** Warnings that a comment asks to ignore. Likewise. */
  readonly suppressed: readonly SuppressedDiagnostic[]
  /** The lowest severity that fails. */
  readonly failLevel: 'error' | 'warning'
}

/** A warning that a comment above its line asks to ignore. */
export type SuppressedDiagnostic = Diagnostic & { readonly reason: string }

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

/** What a test expects, the words of its table and of the case put together. */
export type DecisionExpected = Expectation & { readonly verdict: VerdictWord }

export type DecisionActual = {
  readonly verdict: VerdictWord
  readonly findings: readonly Finding[]
  readonly route: readonly string[]
  readonly obligations: readonly Obligation[]
  /** After the obligations; where the test looks at it or at the result. */
  readonly payload?: JsonObject
  readonly result?: JsonValue
}

/** What the decision tests of a policy look at. */
export type RuleCoverage = {
  /** Share of the rules that have a finding in a test, in percent. */
  readonly percent: number
  /** YAML rules and Rego packages: in how many tests each had a finding, and judged the action without one. */
  readonly rules: readonly {
    readonly rule: string
    readonly file: string
    readonly line: number
    readonly found: number
    readonly quiet: number
  }[]
  /** In how many tests each route was taken. */
  readonly routes: readonly {
    readonly route: string
    readonly file: string
    readonly line: number
    readonly taken: number
  }[]
  /** How many tests call each tool. */
  readonly tools: readonly {
    readonly tool: string
    readonly file: string
    readonly line: number
    readonly tests: number
  }[]
}

export type TestCoverage = {
  readonly rules: RuleCoverage
  /** Lines of Rego that the Rego tests or the decision tests run. Null when the policy has no Rego. */
  readonly rego: RegoCoverage | null
}

/** What `test` gives. */
export type TestReport = {
  readonly project: string
  readonly policy: Digest
  readonly decisions: readonly DecisionTestResult[]
  readonly rego: readonly RegoTestResult[]
  /** Null when only some of the tests ran. */
  readonly coverage: TestCoverage | null
  readonly passed: number
  readonly failed: number
  readonly skipped: number
}

/** What mutation mode changes. */
export type MutationOperator =
  | 'verdict'
  | 'removed'
  | 'when'
  | 'limit'
  | 'obligation'
  | 'selector'
  | 'scope'
  | 'route'
  | 'rego'

/** One weaker policy, and whether a test noticed. */
export type MutantResult = {
  /** The rule, Rego package, agent or route that was weakened. */
  readonly rule: string
  readonly operator: MutationOperator
  /** What was changed, in words. */
  readonly change: string
  readonly file: string
  readonly line: number
  readonly column: number
  /** `equivalent`: no test can notice, for the reason that is given. */
  readonly outcome: 'noticed' | 'survived' | 'equivalent'
  /** The first test that noticed. */
  readonly by?: string
  readonly reason?: string
}

/** What `test --mutate` gives. */
export type MutationReport = {
  readonly project: string
  readonly policy: Digest
  /** Sorted by file and place. */
  readonly mutants: readonly MutantResult[]
  readonly noticed: number
  readonly survived: number
  readonly equivalent: number
  /** What kept tests from being asked. */
  readonly notes: readonly string[]
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
  /** By `service.action`: the tool that takes a call back, and within which time. */
  readonly undos: Readonly<Record<string, { readonly by: string; readonly within: string | null }>>
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
  readonly releases: readonly {
    readonly release: string
    readonly agent: string
    readonly version: string
    /** Null for an agent's first. */
    readonly rollback: string | null
    /** Ids of its evaluations. */
    readonly evals: readonly string[]
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

/** What one rule or function cost. */
export type RuleTiming = {
  /** As Rego writes it: `data.countersign.refunds.deny`. */
  readonly rule: string
  readonly file: string
  readonly line: number
  /** How often it was evaluated; a remembered value does not count. */
  readonly evaluations: number
  /** In its own lines, and with what it called. */
  readonly own_ms: number
  readonly total_ms: number
}

/** One evaluation of a rule or function: what it came to, body by body. */
export type TracedRule = {
  /** As Rego writes it: `data.countersign.refunds.deny`. */
  readonly rule: string
  /** Of a function: Rego text of each argument. */
  readonly arguments?: readonly string[]
  readonly file: string
  readonly line: number
  /** Rego text of its value; null where it is undefined. */
  readonly value: string | null
  /** Whether an error ended it before it had one. */
  readonly unfinished: boolean
  /** Whether it had been evaluated before, and so has no bodies here. */
  readonly remembered: boolean
  /** Those that were tried, in order. */
  readonly bodies: readonly TracedBody[]
}

/** One of the bodies of a rule. */
export type TracedBody = {
  readonly kind: 'body' | 'else' | 'default'
  readonly file: string
  readonly line: number
  readonly held: boolean
  readonly steps: readonly TracedStep[]
}

/** One expression of a body. */
export type TracedStep = {
  readonly line: number
  /** As its author wrote it; of several lines the first. */
  readonly text: string
  /** Whether there was a solution for it. */
  readonly held: boolean
  /** Where it did not hold: what it looked at, with the values. */
  readonly reads: readonly TracedRead[]
  /** Rules and functions that were evaluated for it. */
  readonly rules: readonly TracedRule[]
  /** Expressions inside of it: of a comprehension. */
  readonly steps: readonly TracedStep[]
  /** Where it iterates: what came of what it found, and how many more there were that are not shown. */
  readonly rounds: readonly TracedRound[]
  readonly omitted: number
}

/** What followed from one solution of an expression that iterates. */
export type TracedRound = {
  /** Rego text of the keys. */
  readonly keys: readonly string[]
  readonly held: boolean
  readonly reads: readonly TracedRead[]
  readonly rules: readonly TracedRule[]
  readonly steps: readonly TracedStep[]
}

/** A place below the input, the data or an argument, and Rego text of what is there, or `undefined`. */
export type TracedRead = { readonly path: string; readonly value: string }

export type Trace = {
  /** All that the query can read, whatever the input: `input.action.payload.amount`. Sorted. */
  readonly reads: { readonly input: readonly string[]; readonly data: readonly string[] }
  /** The expressions of the query. */
  readonly steps: readonly TracedStep[]
  /** Whether more happened than a trace holds. */
  readonly cut: boolean
}

/** One way in which the query holds, as `opa eval` gives it. */
export type QueryResult = {
  readonly expressions: readonly {
    readonly value: ExactJson
    readonly text: string
    readonly location: { readonly row: number; readonly col: number }
  }[]
  readonly bindings?: Readonly<Record<string, ExactJson>>
}

/** JSON for `JSON.stringify`, with every digit: a number that no double holds is one that `JSON.rawJSON` made. */
export type ExactJson =
  | null
  | boolean
  | number
  | string
  | RawNumber
  | readonly ExactJson[]
  | { readonly [name: string]: ExactJson }

export type RawNumber = { readonly rawJSON: string }

export type QueryError = {
  readonly code: ErrorCode
  readonly message: string
  readonly location?: { readonly file: string; readonly row: number; readonly col: number }
}

export type QueryAnswer = {
  /** Empty where the query is undefined. */
  readonly results: readonly QueryResult[]
  /** What ended the evaluation. */
  readonly error?: QueryError
  readonly coverage?: RegoCoverage
  readonly profile?: readonly RuleTiming[]
  readonly explanation?: Trace
}
