import type { CompiledRule, Rule } from '../../../model/generated/types.ts'
import type { Entry } from '../documents.ts'
import type { Report } from '../report.ts'

/** The keys of a rule that name a guardrail kind. */
export type RuleKindName = Exclude<
  keyof Rule,
  | 'id'
  | 'about'
  | 'threats'
  | 'on'
  | 'when'
  | 'then'
  | 'redact'
  | 'tokenise'
  | 'drop'
  | 'route'
  | 'mode'
  | 'shadow_until'
>

/** How one guardrail kind compiles. Adding one takes a file here and a line in the registry. */
export type RuleKind<K extends RuleKindName = RuleKindName> = {
  readonly name: K
  /** Whether the kind finds the fields to change by itself, so that `then: redact` needs no list of them. */
  readonly detects?: true
  /** Reports what the schema cannot say: paths, durations, settings that contradict each other. */
  check?(entry: Entry<Rule>, settings: NonNullable<Rule[K]>, report: Report): void
  /** The settings as the evaluator reads them: defaults filled in, lists sorted. */
  spec(settings: NonNullable<Rule[K]>): CompiledRule['spec']
}
