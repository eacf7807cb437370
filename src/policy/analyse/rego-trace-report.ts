import type { Plan, PlanFunction, Site } from '../../decide/rego/plan/plan.ts'
import { valueText } from '../../decide/rego/values/text.ts'
import type { Value } from '../../decide/rego/values/value.ts'
import type {
  TracedBody,
  TracedRead,
  TracedRound,
  TracedRule,
  TracedStep,
} from '../../model/results.ts'
import { placeOf } from './rego-profile.ts'
import type { Found } from './rego-reads.ts'
import type { RoundNode, RuleNode, StepNode } from './rego-trace-nodes.ts'
import { roundHeld, stepHeld } from './rego-trace-nodes.ts'

/** Sources by file, as lines: what a trace quotes. */
export type SourceLines = ReadonlyMap<string, readonly string[]>

type Told = { readonly plan: Plan; readonly sources: SourceLines }

/** The expressions of a body or a round, in order. */
export function tracedSteps(told: Told, { steps }: RoundNode): readonly TracedStep[] {
  return [...steps.values()].map((step) => tracedStep(told, step)).filter(({ text }) => text !== '')
}

/** What the author of a function calls its arguments, where those are names. */
export function parameterNames(
  plan: Plan,
  called: PlanFunction,
  sources: SourceLines,
): readonly string[] {
  const count = called.parameters.length - 2
  if (count <= 0) return []
  const { file, line } = placeOf(plan, called)
  const source = sources.get(file)?.[line - 1] ?? ''
  const names =
    /^[^(]*\(([^()]*)\)/
      .exec(source)?.[1]
      ?.split(',')
      .map((name) => name.trim()) ?? []
  return names.length === count && names.every((name) => /^[A-Za-z_]\w*$/.test(name)) ? names : []
}

/** Characters of a value; a list of recent actions is longer. */
const VALUE_LENGTH_MAX = 200

function tracedStep(told: Told, step: StepNode): TracedStep {
  const { part, reads, rules, blocks, rounds, omitted } = step
  const held = stepHeld(step)
  const shown = rounds.map((round) => tracedRound(told, round)).filter(isTelling)
  return {
    line: part.site.row,
    text: textAt(told, part.site),
    held,
    // The rounds say it better.
    reads: shown.length > 0 ? [] : tracedReads(reads),
    rules: rules.map((rule) => tracedRule(told, rule)),
    steps: blocks.flatMap((block) => tracedSteps(told, block)),
    rounds: shown,
    omitted,
  }
}

function tracedRound(told: Told, round: RoundNode): TracedRound {
  return {
    keys: round.keys.map((key) => clipped(key)),
    held: roundHeld(round),
    // Of one of several rules, the rule tells.
    reads: round.keys.length === 0 ? [] : tracedReads(round.reads),
    rules: round.rules.map((rule) => tracedRule(told, rule)),
    steps: tracedSteps(told, round),
  }
}

function isTelling({ reads, rules, steps }: TracedRound): boolean {
  return reads.length > 0 || rules.length > 0 || steps.length > 0
}

function tracedRule(told: Told, node: RuleNode): TracedRule {
  const { plan } = told
  const { called, given, value, remembered, unfinished, bodies } = node
  return {
    ...(called === null ? { rule: '', file: '', line: 0 } : placeOf(plan, called)),
    ...(given.length > 0 && { arguments: given.map((one) => clipped(one)) }),
    value: value === undefined ? null : clipped(value),
    remembered,
    unfinished,
    bodies: bodies.map(({ level, round }) => ({
      kind: level.kind as TracedBody['kind'],
      file: level.site.file,
      line: level.site.row,
      held: round.passed,
      steps: endedAt(tracedSteps(told, round), round),
    })),
  }
}

/** A body that did not get to its end ended somewhere: where nothing else tells, at the expression looked at last. */
function endedAt(steps: readonly TracedStep[], { passed }: RoundNode): readonly TracedStep[] {
  const last = steps.at(-1)
  if (passed || last === undefined || !steps.every(({ held }) => held)) return steps
  const iterates = last.rounds.length + last.omitted > 0
  return iterates ? steps : [...steps.slice(0, -1), { ...last, held: false }]
}

function tracedReads(reads: readonly Found[]): readonly TracedRead[] {
  return reads.map(({ path, value }) => ({ path, value: clipped(value) }))
}

function clipped(value: Value | undefined): string {
  const text = value === undefined ? 'undefined' : valueText(value)
  return text.length > VALUE_LENGTH_MAX ? `${text.slice(0, VALUE_LENGTH_MAX)}…` : text
}

function textAt({ sources }: Told, { file, row, column, endRow, endColumn }: Site): string {
  const line = sources.get(file)?.[row - 1]
  if (line === undefined) return ''
  // Columns count code points.
  const characters = [...line]
  const text = characters.slice(column - 1, endRow === row ? endColumn - 1 : undefined).join('')
  // Of an assignment the planner may keep the place of the value alone.
  const name = ASSIGNED.exec(characters.slice(0, column - 1).join(''))?.[0] ?? ''
  return `${name}${text}`.trim()
}

const ASSIGNED = /\w+ :?= $/
