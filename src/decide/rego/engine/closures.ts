import type { Builtin } from '../builtins/builtin.ts'
import type { Analysis } from '../plan/analyse.ts'
import { recallsCalls } from '../plan/analyse.ts'
import type { Block, Plan, PlanFunction } from '../plan/plan.ts'
import type { IndexNode } from '../plan/rule-index.ts'
import { indexBlocks, selectUnits } from '../plan/rule-index.ts'
import type { RuleUnit } from '../plan/rule-index-units.ts'
import { unitsOf } from '../plan/rule-index-units.ts'
import type { Value } from '../values/value.ts'
import type { Frame, Run } from './closure-frame.ts'
import { emptyFrame, PROCEED, RETURN } from './closure-frame.ts'
import type { Callee, Shared } from './closure-statements.ts'
import { buildBlocks } from './closure-statements.ts'
import type { Evaluation, Machine, Observer, Remembered } from './evaluation.ts'
import { UNDEFINED } from './evaluation.ts'

/**
 * Makes a machine of closures, one for each statement, where code generation is forbidden: browsers with a strict
 * content security policy, edge runtimes, Node's `--disallow-code-generation-from-strings`. The same answers, charges
 * and errors as generated code, in about twice its time.
 *
 * @param observer - hears what runs. Nothing is left out then: no body by way of an index, no constant
 */
export function buildClosures(
  plan: Plan,
  analysis: Analysis,
  builtins: ReadonlyMap<string, Builtin>,
  observer?: Observer,
): Machine {
  const constants: Remembered[] = new Array<Remembered>(plan.functions.length).fill(undefined)
  const shared: Shared = { plan, builtins, observer, callees: [] }
  for (const [index, called] of plan.functions.entries()) {
    shared.callees.push(calleeOf(shared, analysis, constants, index, called))
  }
  const queries = new Map(
    [...plan.entrypoints].map(([path, { blocks, locals, lax }]) => {
      const run = buildBlocks({ shared, lax, slot: locals }, blocks)
      return [path, { run, locals }] as const
    }),
  )
  return {
    constants,
    prepare: () => undefined,
    run(evaluation, entrypoint, input, data) {
      const query = queries.get(entrypoint)
      if (query === undefined) return
      const frame = emptyFrame(query.locals)
      frame[0] = input
      frame[1] = data
      query.run(frame, evaluation)
    },
    call: (evaluation, index, input, data) =>
      shared.callees[index]?.rule?.(evaluation, input, data),
  }
}

function calleeOf(
  shared: Shared,
  analysis: Analysis,
  constants: readonly Remembered[],
  index: number,
  called: PlanFunction,
): Callee {
  const { parameters, locals } = called
  const facts = analysis.functions[index]
  const body = bodyOf(shared, called, facts?.only)
  const site = called.blocks[0]?.[0]?.site ?? 0
  const { observer } = shared
  const enter = (frame: Frame, evaluation: Evaluation): Value | undefined => {
    evaluation.steps -= 1
    if (evaluation.steps < 0) throw evaluation.exhausted(site)
    observer?.enter?.(called, frame)
    body(frame, evaluation)
    const value = frame[locals]
    observer?.leave?.(called, value)
    return value
  }
  const [input = 0, data = 1, argument = 0] = parameters
  const recalling = (frame: Frame, evaluation: Evaluation): Value | undefined => {
    const given = frame[argument]
    const known = evaluation.recall(index, given)
    if (known !== undefined) return known === UNDEFINED ? undefined : known
    return evaluation.remember(index, given, enter(frame, evaluation))
  }
  const isConstant = facts?.constant === true
  const rule = (
    evaluation: Evaluation,
    inputValue: Value | undefined,
    dataValue: Value | undefined,
  ): Value | undefined => {
    const known = evaluation.memo[index]
    if (known !== undefined) return known === UNDEFINED ? undefined : known
    if (isConstant && evaluation.overridden === 0) {
      const constant = constants[index]
      if (constant !== undefined) return constant === UNDEFINED ? undefined : constant
    }
    const frame = emptyFrame(locals)
    frame[input] = inputValue
    frame[data] = dataValue
    const value = enter(frame, evaluation)
    // Not `??`: null is a value.
    evaluation.memo[index] = value === undefined ? UNDEFINED : value
    return value
  }
  const recalls = facts !== undefined && recallsCalls(called, facts)
  return {
    parameters,
    locals,
    enter: recalls ? recalling : enter,
    rule: parameters.length === 2 ? rule : undefined,
  }
}

/** The blocks of a function, by way of its index where it has one. The value comes to lie behind the locals. */
function bodyOf(shared: Shared, called: PlanFunction, only: Value | undefined): Run {
  const rules = shared.observer === undefined ? indexBlocks(called) : null
  const scope = { shared, lax: called.lax, slot: called.locals }
  const unitRun = (unit: RuleUnit): Run => {
    const run = buildBlocks(scope, blocksOf(called, unit))
    return only === undefined || !unit.separate ? run : stopping(run, called)
  }
  if (rules === null) return sequence(unitsOf(called).map(unitRun))
  const runs = rules.units.map(unitRun)
  return sequence(
    rules.steps.map(({ first, last, node }) =>
      node === null ? sequence(runs.slice(first, last + 1)) : chosen(called, node, runs),
    ),
  )
}

function blocksOf(called: PlanFunction, { first, count }: RuleUnit): readonly Block[] {
  return called.blocks.slice(first, first + count)
}

/** Once a body has given the one value that all give, the others change nothing. */
function stopping(run: Run, { result, locals }: PlanFunction): Run {
  return (frame, evaluation) => {
    const end = run(frame, evaluation)
    const value = frame[result]
    if (end === RETURN || value === undefined) return end
    frame[locals] = value
    return RETURN
  }
}

function chosen({ parameters }: PlanFunction, node: IndexNode, runs: readonly Run[]): Run {
  return (frame, evaluation) => {
    const values = parameters.map((local) => frame[local])
    for (const unit of selectUnits(node, values)) {
      if (runs[unit]?.(frame, evaluation) === RETURN) return RETURN
    }
    return PROCEED
  }
}

function sequence(runs: readonly Run[]): Run {
  const [only] = runs
  if (runs.length === 1 && only !== undefined) return only
  return (frame, evaluation) => {
    for (const run of runs) if (run(frame, evaluation) === RETURN) return RETURN
    return PROCEED
  }
}
