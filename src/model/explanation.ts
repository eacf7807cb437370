import type { JsonObject, JsonValue } from '../base/json-value.ts'
import type { Finding, Obligation, Place, Verdict, VerdictWord } from './generated/types.ts'
import type { StateEntry } from './nouns.ts'

/** One value of the action that was looked at: in clear, or as its HMAC. */
export type ShownValue = { readonly pointer: string } & (
  | { readonly value: JsonValue }
  | { readonly hmac: string }
)

/** What a path of the action led to. */
export type ShownField = {
  readonly path: string
  readonly values: readonly ShownValue[]
  /** Values beyond those shown. */
  readonly omitted: number
  /** Whether a part of the way is missing. */
  readonly missing: boolean
}

/** One of the tests that must hold before a rule is asked. */
export type ExplainedTest = {
  /** As the policy has it: operator, operand, path, if_missing. */
  readonly test: JsonObject
  readonly holds: boolean
  readonly reads: readonly ShownField[]
}

/** A key of `on` that does not match, and what the action has instead. */
export type Mismatch = {
  readonly key: string
  readonly wanted: JsonValue
  readonly found: JsonValue
}

/**
 * What became of a rule: it `found` something, was asked and stayed `quiet`, was `unmet` because a test of its `when`
 * does not hold, was not `selected` by its `on`, or `failed`, which denies.
 */
export type RuleOutcome = 'found' | 'quiet' | 'unmet' | 'unselected' | 'failed'

export type ExplainedRule = {
  readonly rule: string
  readonly kind: string
  readonly mode: 'enforce' | 'shadow'
  readonly then: string
  readonly place: Place
  readonly outcome: RuleOutcome
  readonly mismatches: readonly Mismatch[]
  readonly when: readonly ExplainedTest[]
  /** The rule's own settings. */
  readonly settings: JsonObject
  /** Fields that its settings name. */
  readonly reads: readonly ShownField[]
  /** What the kind says of what it saw, counts for instance; null where it says nothing. */
  readonly saw: JsonObject | null
  /** State that it read; a key is there with null where nothing is remembered. */
  readonly state: readonly { readonly key: string; readonly entry: StateEntry | null }[]
  readonly finding: Finding | null
  readonly obligations: readonly Omit<Obligation, 'rule'>[]
  /** Whether it remembers this action for later ones. */
  readonly remembers: boolean
}

export type ExplainedPackage = {
  /** `rego/` and the package's name. */
  readonly rule: string
  readonly package: string
  readonly mode: 'enforce' | 'shadow'
  readonly place: Place
  readonly selected: boolean
  readonly mismatches: readonly Mismatch[]
  /** Slash paths of the Rego rules that were asked. */
  readonly entrypoints: readonly string[]
  /** Attempts within the window, this one included, by counter. */
  readonly counters: Readonly<Record<string, number>>
  /** Earlier actions of the agent that it saw. */
  readonly recent: number
  readonly findings: readonly Finding[]
}

/** A route that adds itself to holds. */
export type ExplainedRoute = {
  readonly route: string
  readonly place: Place
  /** Parts of its `on` that the action does not meet: `on` (the selector), `where`, `rules`, `behaviour`. */
  readonly unmet: readonly string[]
}

/** Why one action got its verdict. */
export type Explanation = {
  readonly verdict: Verdict
  /** Rules whose enforced word is the verdict; empty for `allow`. */
  readonly decided_by: readonly string[]
  readonly action: {
    readonly agent: string
    readonly tool: string
    readonly phase: string
    readonly role: string
    /** Unix milliseconds. */
    readonly now: number
    readonly agent_known: boolean
    readonly in_scope: boolean
    /** Null for a tool that no Tools file names. */
    readonly effect: string | null
    readonly priority: string
    readonly priority_asked: string
  }
  /** What the project's default would be, and whether it was asked because no enforced rule speaks about the action. */
  readonly default: { readonly verdict: VerdictWord; readonly applies: boolean }
  /** What the engine itself found: findings that belong to no rule. */
  readonly engine: readonly Finding[]
  readonly rules: readonly ExplainedRule[]
  readonly packages: readonly ExplainedPackage[]
  /** What becomes of the routes that add themselves to holds. Only of a hold, and where the policy has such. */
  readonly routes?: readonly ExplainedRoute[]
}
