import type { PlanFunction } from '../../decide/rego/plan/plan.ts'
import type { Value } from '../../decide/rego/values/value.ts'
import type { Level, Part } from './rego-outline.ts'
import type { Found } from './rego-reads.ts'

/** One evaluation of a rule; of the query where nothing was called. */
export type RuleNode = {
  readonly called: PlanFunction | null
  /** Of a function, without the input and the data. */
  readonly given: readonly Value[]
  value: Value | undefined
  remembered: boolean
  /** Whether an error ended it. */
  unfinished: boolean
  readonly bodies: { readonly level: Level; readonly round: RoundNode }[]
}

/** A body, or one round of an expression that iterates. */
export type RoundNode = {
  readonly keys: readonly (Value | undefined)[]
  /** Whether it went on beyond the expression that it is a round of; a body, whether it got to its head's end. */
  passed: boolean
  reads: readonly Found[]
  readonly rules: RuleNode[]
  /** In the order in which they were first looked at. */
  readonly steps: Map<Part, StepNode>
}

/** An expression in one round. */
export type StepNode = {
  readonly part: Part
  failed: boolean
  reads: readonly Found[]
  readonly rules: RuleNode[]
  /** What a comprehension holds. */
  readonly blocks: RoundNode[]
  readonly rounds: RoundNode[]
  /** Rounds that were not kept. */
  omitted: number
}

export function ruleNode(called: PlanFunction | null, given: readonly Value[]): RuleNode {
  return { called, given, value: undefined, remembered: false, unfinished: false, bodies: [] }
}

export function stepNode(part: Part): StepNode {
  return { part, failed: false, reads: [], rules: [], blocks: [], rounds: [], omitted: 0 }
}

export function stepHeld({ part, failed, rounds }: StepNode): boolean {
  return part.iterates ? rounds.some(({ passed }) => passed) : !failed
}

export function roundHeld({ passed, steps }: RoundNode): boolean {
  return passed && [...steps.values()].every(stepHeld)
}
