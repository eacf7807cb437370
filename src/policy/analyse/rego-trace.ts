import type { Observer } from '../../decide/rego/engine/evaluation.ts'
import type { Plan, PlanFunction, Statement } from '../../decide/rego/plan/plan.ts'
import { readSetsOfEntrypoints } from '../../decide/rego/plan/read-sets.ts'
import type { Value } from '../../decide/rego/values/value.ts'
import type { Trace } from '../../model/results.ts'
import type { Level, Outline, Part, Place } from './rego-outline.ts'
import { outlineOf } from './rego-outline.ts'
import type { BuiltinCall, Found } from './rego-reads.ts'
import { comparedText, lookAt } from './rego-reads.ts'
import type { RoundNode, RuleNode, StepNode } from './rego-trace-nodes.ts'
import { roundHeld, ruleNode, stepNode } from './rego-trace-nodes.ts'
import type { SourceLines } from './rego-trace-report.ts'
import { parameterNames, tracedSteps } from './rego-trace-report.ts'

/**
 * Remembers what an evaluation does, as its author wrote it: which bodies of a rule were tried, which expressions held,
 * and what those that did not hold looked at.
 *
 * @param sources - the query under the name that the plan's sites have for it
 */
export function createTrace(
  plan: Plan,
  entrypoint: string,
  sources: SourceLines,
): {
  readonly observer: Observer
  /** @param broken - whether an error ended the evaluation, so that what runs is left as it is */
  report(broken: boolean): Trace
} {
  const query: RuleNode = ruleNode(null, [])
  const state: State = {
    plan,
    entrypoint,
    sources,
    outlines: new Map(),
    stack: [],
    left: NODES_MAX,
  }
  state.stack.push(activationOf(query))
  return {
    observer: {
      enter: (called, locals) => enter(state, called, locals),
      leave: (_, value) => leave(state, value),
      visit: (statement, locals) => visit(state, statement, locals),
      fail: (statement, locals) => fail(state, statement, locals),
    },
    report(broken) {
      if (broken) breakOff(state)
      return {
        reads: readSetsOfEntrypoints(plan).get(entrypoint) ?? { input: [], data: [] },
        steps: query.bodies.flatMap(({ round }) => tracedSteps({ plan, sources }, round)),
        cut: state.left <= 0,
      }
    },
  }
}

/** Expressions, rounds and rules that a trace holds: more than a person reads. */
const NODES_MAX = 20_000
/** Rounds of one expression that are kept of those that held, and of those that did not. */
const ROUNDS_MAX = 5

/** Statements that may end a block without being undefined, and a scan without a round that could tell of it. */
const LEAVES: ReadonlySet<Statement['op']> = new Set<Statement['op']>(['break', 'scan'])

type State = {
  readonly plan: Plan
  readonly entrypoint: string
  readonly sources: SourceLines
  readonly outlines: Map<PlanFunction | null, Outline>
  readonly stack: Activation[]
  /** How many nodes there may still be. */
  left: number
}

/** A rule that is being evaluated. */
type Activation = {
  readonly rule: RuleNode
  /** What runs at each level. */
  readonly rounds: Map<Level, RoundNode>
  /** Where the rules go that are evaluated now. */
  asking: () => RuleNode[] | undefined
  /** A call that has not entered its rule: it may be remembered. */
  called: (Statement & { readonly op: 'call' }) | null
  /** The built-in that was called last: what it is given is what is compared. */
  compared: { readonly statement: BuiltinCall; readonly isComputed: boolean } | null
  /** What runs now, and the locals. */
  last: { readonly statement: Statement; readonly locals: readonly (Value | undefined)[] } | null
}

function enter(state: State, called: PlanFunction, locals: readonly (Value | undefined)[]): void {
  const around = state.stack.at(-1)
  const given = called.parameters.slice(2).flatMap((local) => {
    const value = locals[local]
    return value === undefined ? [] : [value]
  })
  const rule = ruleNode(called, given)
  if (around !== undefined) {
    around.called = null
    if (spend(state)) around.asking()?.push(rule)
  }
  state.stack.push(activationOf(rule))
}

function leave(state: State, value: Value | undefined): void {
  const ended = state.stack.pop()
  if (ended !== undefined) ended.rule.value = value
}

function visit(state: State, statement: Statement, locals: readonly (Value | undefined)[]): void {
  const activation = state.stack.at(-1)
  if (activation === undefined) return
  settleCall(state, activation, locals)
  const place = placeOf(state, activation, statement)
  if (place === undefined) return
  const { level, part, opens, concludes } = place
  if (opens) open(state, activation, level, locals)
  activation.last = { statement, locals }
  if (concludes) conclude(activation, level, locals)
  if (part !== level.owner) passRound(activation, level)
  activation.asking = () => nodeOf(state, activation, place)?.rules
  // A head is worth a line only where it fails or asks for something.
  const node = part.isHead ? undefined : nodeOf(state, activation, place)
  if (node !== undefined && 'failed' in node && LEAVES.has(statement.op)) {
    node.reads = readsAt(activation, place, null, locals)
    // What is known to be false is no condition in a plan.
    if (statement.op === 'break' && part !== level.owner) node.failed = true
  }
  if (statement.op === 'call') activation.called = statement
  if (statement.op === 'call_builtin') {
    activation.compared = { statement, isComputed: place.isComputed }
  }
}

function fail(state: State, statement: Statement, locals: readonly (Value | undefined)[]): void {
  const activation = state.stack.at(-1)
  if (activation === undefined) return
  settleCall(state, activation, locals)
  const place = placeOf(state, activation, statement)
  if (place === undefined) return
  const { level, part, opens } = place
  // What comes after a body that held is not tried.
  if (opens && (level.kind === 'else' || level.kind === 'default')) {
    activation.rule.bodies.pop()
    return
  }
  if (part !== level.owner) {
    const step = nodeOf(state, activation, place)
    if (step === undefined || !('failed' in step)) return
    step.failed = true
    step.reads = readsAt(activation, place, statement, locals)
  } else if (level.kind === 'round' && level.decisive) {
    const round = activation.rounds.get(level)
    if (round !== undefined) round.reads = readsAt(activation, place, statement, locals)
  }
}

/** What an expression looks at, and what it compares where that is nothing with a name. */
function readsAt(
  { compared }: Activation,
  { level, part, isComputed }: Pick<Place, 'level' | 'part' | 'isComputed'>,
  statement: Statement | null,
  locals: readonly (Value | undefined)[],
): readonly Found[] {
  const running = new Set<number>()
  for (let at: Level | null = level; at !== null; at = at.parent) {
    for (const local of at.keys) running.add(local)
  }
  const found = new Map(
    part.reads.flatMap((read) => {
      const one = lookAt(read, locals, running)
      return one === undefined ? [] : [[one.path, one] as const]
    }),
  )
  const computed = statement?.op === 'equal' ? isComputed : compared?.isComputed
  const isTold = statement !== null && (found.size === 0 || computed === true)
  const text = isTold ? comparedText(statement, compared?.statement ?? null, locals) : undefined
  return [...found.values(), ...(text ? [{ path: text, value: false }] : [])]
}

/** Begins a round of a level. */
function open(
  state: State,
  activation: Activation,
  level: Level,
  locals: readonly (Value | undefined)[],
): void {
  const { parent, owner, anchor } = level
  const keys = level.keys.map((local) => locals[local])
  const round: RoundNode = { keys, passed: false, reads: [], rules: [], steps: new Map() }
  if (parent === null) {
    if (level.kind !== 'query') activation.rounds.clear()
    activation.rounds.set(level, round)
    activation.rule.bodies.push({ level, round })
    return
  }
  const around = activation.rounds.get(parent)
  if (level.kind === 'inner' && parent.owner === owner && around !== undefined) {
    activation.rounds.set(level, around)
    return
  }
  activation.rounds.set(level, round)
  const step = owner && anchor && stepOf(state, activation.rounds.get(anchor), owner)
  if (!step) return
  if (level.kind === 'inner') step.blocks.push(round)
  else {
    dropSurplus(step)
    if (spend(state)) step.rounds.push(round)
  }
}

/** Of many rounds the first are kept: those that held and those that did not, each for themselves. */
function dropSurplus(step: StepNode): void {
  const last = step.rounds.at(-1)
  if (last === undefined) return
  const held = roundHeld(last)
  const alike = step.rounds.filter((round) => roundHeld(round) === held)
  if (alike.length <= ROUNDS_MAX) return
  step.rounds.pop()
  step.omitted += 1
}

/** Marks the round, and those of the same expression around it, as gone beyond that expression. */
function passRound({ rounds }: Activation, from: Level): void {
  for (let level: Level | null = from; level?.parent; level = level.parent) {
    if (level.owner !== from.owner) return
    const round = rounds.get(level)
    if (round !== undefined) round.passed = true
  }
}

/** Marks all that led to the end of a body. */
function conclude(
  activation: Activation,
  from: Level,
  locals: readonly (Value | undefined)[],
): void {
  const { rule, rounds } = activation
  for (let level: Level | null = from; level !== null; level = level.parent) {
    const round = rounds.get(level)
    if (round !== undefined) round.passed = true
  }
  const body = rule.bodies.at(-1)
  if (body === undefined) return
  if (rule.called !== null) return
  // A query's only expression may be false, which is a value: what it looked at is worth telling.
  for (const step of body.round.steps.values()) {
    step.reads = readsAt(
      activation,
      { level: body.level, part: step.part, isComputed: false },
      null,
      locals,
    )
  }
}

/** Marks what ran when an error ended everything. */
function breakOff(state: State): void {
  for (const activation of state.stack) {
    activation.rule.unfinished = true
    if (activation.last === null) continue
    const { statement, locals } = activation.last
    const place = placeOf(state, activation, statement)
    const step = place && nodeOf(state, activation, place)
    if (place === undefined || step === undefined || !('failed' in step)) continue
    step.failed = true
    step.reads = readsAt(activation, place, null, locals)
  }
}

function placeOf(state: State, { rule }: Activation, statement: Statement): Place | undefined {
  const { plan, outlines, sources } = state
  const known = outlines.get(rule.called)
  if (known !== undefined) return known.get(statement)
  const blocks = rule.called?.blocks ?? plan.entrypoints.get(state.entrypoint)?.blocks ?? []
  const names = rule.called === null ? [] : parameterNames(plan, rule.called, sources)
  const outline = outlineOf(plan, rule.called, blocks, names)
  outlines.set(rule.called, outline)
  return outline.get(statement)
}

/**
 * Where what a statement does belongs: its expression, which may have begun further out, or the round of one that
 * iterates.
 */
function nodeOf(
  state: State,
  { rounds }: Activation,
  { level, part }: Place,
): RoundNode | StepNode | undefined {
  for (let at: Level | null = level; at !== null; at = at.parent) {
    const round = rounds.get(at)
    if (at.owner === part && at.kind === 'round') return round
    const known = round?.steps.get(part)
    if (known !== undefined) return known
  }
  return stepOf(state, rounds.get(level), part)
}

function stepOf(state: State, round: RoundNode | undefined, part: Part): StepNode | undefined {
  const known = round?.steps.get(part)
  if (round === undefined || known !== undefined || !spend(state)) return known
  const step = stepNode(part)
  round.steps.set(part, step)
  return step
}

/** A rule that was asked for and not entered is remembered. */
function settleCall(
  state: State,
  activation: Activation,
  locals: readonly (Value | undefined)[],
): void {
  const { called: statement } = activation
  if (statement === null) return
  activation.called = null
  const called = state.plan.functions[statement.function]
  if (called === undefined || !spend(state)) return
  const given = statement.operands.slice(2).flatMap((operand) => {
    const value = 'local' in operand ? locals[operand.local] : operand.constant
    return value === undefined ? [] : [value]
  })
  const rule = ruleNode(called, given)
  rule.value = locals[statement.target]
  rule.remembered = true
  activation.asking()?.push(rule)
}

function activationOf(rule: RuleNode): Activation {
  return {
    rule,
    rounds: new Map(),
    asking: () => undefined,
    called: null,
    compared: null,
    last: null,
  }
}

function spend(state: State): boolean {
  if (state.left <= 0) return false
  state.left -= 1
  return true
}
