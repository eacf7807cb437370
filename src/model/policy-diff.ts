import type { Place, VerdictWord } from './generated/types.ts'

/**
 * Which way a difference leads. `weaker`: something that was held, denied or changed may now pass, or is easier to get
 * approved. `stronger`: the reverse. `unclear`: it cannot be told, so it may be weaker. `neutral`: no verdict, review or
 * receipt depends on it.
 */
export type Direction = 'weaker' | 'stronger' | 'unclear' | 'neutral'

/** One thing that differs. */
export type PolicyDifference = {
  /** `then`, `on.action`, `velocity.limit`. */
  readonly field: string
  readonly direction: Direction
  /** `limit: 5 -> 50`. */
  readonly message: string
  /** Null where the old policy does not say it, or its place is not known. */
  readonly before: Place | null
  readonly after: Place | null
}

export type PolicyPart =
  | 'project'
  | 'agent'
  | 'tool'
  | 'rule'
  | 'rego'
  | 'route'
  | 'person'
  | 'baseline'
  | 'release'

/** What became of one agent, tool, rule, Rego package, route, person, baseline or release, or of the project's own settings. */
export type PolicyChange = {
  readonly part: PolicyPart
  readonly id: string
  readonly change: 'added' | 'removed' | 'changed'
  /** The gravest direction of the differences: weaker, unclear, stronger, neutral. */
  readonly direction: Direction
  readonly before: Place | null
  readonly after: Place | null
  readonly differences: readonly PolicyDifference[]
  /** Rego files that differ: the text on both sides, empty where there is no such file. */
  readonly sources: readonly SourceChange[]
}

export type SourceChange = {
  readonly file: string
  readonly before: string
  readonly after: string
}

/** One side of a recorded decision. */
export type DecidedSide = {
  readonly verdict: VerdictWord
  readonly route: readonly string[]
}

/** A recorded action that two policies judge otherwise. Holds no value of the action. */
export type Flip = {
  /** The trace's file, or the data folder. */
  readonly file: string
  /** Line of the session in its trace, or log index of the receipt. */
  readonly line: number
  readonly session: string
  /** From 1; of a receipt always 1. */
  readonly step: number
  /** Of a receipt: its decision. */
  readonly decision: string | null
  readonly agent: string
  /** `service.action`. */
  readonly tool: string
  readonly before: DecidedSide
  readonly after: DecidedSide
  /** What differs: the verdict, or with the same verdict the routes or the obligations. */
  readonly differs: readonly ('verdict' | 'route' | 'obligations')[]
  /** Rules whose enforced findings or obligations differ, sorted. */
  readonly rules: readonly string[]
}

/** Flips that one rule is responsible for, together with others or alone. */
export type RuleFlips = {
  readonly rule: string
  readonly count: number
  /** How many of them are judged more leniently now. */
  readonly lenient: number
  /** Counts by `hold -> allow`, sorted. */
  readonly verdicts: Readonly<Record<string, number>>
  readonly examples: readonly Flip[]
}

/** What two policies say of the same recorded actions. */
export type FlipReport = {
  readonly sessions: number
  readonly actions: number
  /** Actions whose verdict, route or obligations differ. */
  readonly flips: number
  /** Those whose verdict differs. */
  readonly verdicts: number
  /** Those whose new verdict is lower. */
  readonly lenient: number
  /** Recorded decisions that could not be opened, because what they were made from was erased. */
  readonly erased: number
  /** The most flips first, then by name. */
  readonly rules: readonly RuleFlips[]
}

/** What a change of a policy does. */
export type PolicyDiff = {
  readonly before: { readonly name: string; readonly policy: string }
  readonly after: { readonly name: string; readonly policy: string }
  /** By part and id. */
  readonly changes: readonly PolicyChange[]
  /** Null where no recorded actions were given. */
  readonly flips: FlipReport | null
}

/** The word for a change: `added`, `removed`, `weakened`, `strengthened`, or `changed` where it cannot be told. */
export function changeWord({ change, direction }: PolicyChange): string {
  if (change !== 'changed') return change
  return direction === 'weaker' ? 'weakened' : direction === 'stronger' ? 'strengthened' : 'changed'
}

/** Whether a change may let something pass that did not pass before. */
export function mayWeaken({ direction }: Pick<PolicyChange, 'direction'>): boolean {
  return direction === 'weaker' || direction === 'unclear'
}
