import { PolicyError } from '../../../base/errors.ts'
import type { JsonObject, JsonValue } from '../../../base/json-value.ts'
import { BUILTINS } from '../builtins/index.ts'
import type { Analysis } from '../plan/analyse.ts'
import { analysePlan } from '../plan/analyse.ts'
import { nestedIn } from '../plan/analyse-locals.ts'
import { foldConstants } from '../plan/fold-constants.ts'
import type { Block, Plan, Site } from '../plan/plan.ts'
import { readPlan } from '../plan/read-plan.ts'
import type { RegoOutcome, RegoProgram } from '../types.ts'
import { fromJson, toJson } from '../values/json.ts'
import type { Value } from '../values/value.ts'
import { isObject, objectGet, setOf } from '../values/value.ts'
import { buildClosures } from './closures.ts'
import type { Machine, Observer, RegoBudget } from './evaluation.ts'
import { BUDGET, Evaluation, EvaluationError, UNDEFINED } from './evaluation.ts'
import { buildGenerated } from './machine.ts'

export type PlanOptions = {
  /** Default: BUDGET. */
  readonly budget?: RegoBudget
  /** `generated` makes JavaScript of the plan; `closures` works where that is forbidden. Default: what works. */
  readonly backEnd?: 'generated' | 'closures'
  /**
   * Whether built-in errors are undefined, instead of ending the evaluation, in which packages. A rule belongs to the
   * one with the longest path; the empty path stands for all else, queries included. Default: nowhere.
   */
  readonly packages?: readonly RegoPackagePath[]
  /** Hears what is evaluated; closures only. */
  readonly observer?: Observer
}

/** A package as a path below data. */
export type RegoPackagePath = { readonly path: readonly string[]; readonly lax: boolean }

/** A plan that is ready to run. */
export type PlanProgram = RegoProgram & {
  readonly plan: Plan
  readonly analysis: Analysis
  /**
   * Runs an entry point and gives every result, once each: for queries, whose results are objects of bindings.
   *
   * @param input - undefined leaves `input` undefined in the policy
   * @throws {EvaluationError} what ended the evaluation; `placeOf` finds its site
   */
  query(entrypoint: string, input: Value | undefined): readonly Value[]
  placeOf(site: number): Site | undefined
}

/**
 * Makes a program of OPA's plan (`opa build -t plan`) and the data documents beside it.
 *
 * @throws {PolicyError} REGO_PLAN_INVALID for anything that is no sound plan or calls a built-in that is not supplied;
 *   VALUE_NOT_JSON and ACTION_TOO_DEEP for data that is no plain JSON
 */
export function loadPlan(
  source: { readonly plan: JsonValue; readonly data: JsonObject },
  options: PlanOptions = {},
): PlanProgram {
  const plan = foldConstants(readPlan(source.plan, { lax: laxTest(options.packages ?? []) }))
  const missing = plan.builtins.filter((name) => !BUILTINS.has(name))
  if (missing.length > 0) {
    throw new PolicyError('REGO_PLAN_INVALID', `no built-in is named ${missing.join(', ')}`)
  }
  return programOf(plan, fromJson(source.data), options)
}

/** The same for a plan that was read and data that are values. */
export function programOf(plan: Plan, data: Value, options: PlanOptions = {}): PlanProgram {
  const analysis = analysePlan(plan)
  const machine = buildMachine(plan, analysis, options)
  const budget = options.budget ?? BUDGET
  machine.prepare(data)
  const kept = new Map<string, unknown>()
  // Somebody who listens is to hear of each evaluation, and of nothing before the first.
  if (options.observer === undefined) {
    keepConstants({ machine, plan, analysis, data, kept, budget })
  }
  const placeOf = (site: number): Site | undefined => (site > 0 ? plan.sites[site] : undefined)
  const entrypoints = [...plan.entrypoints.keys()]

  const sites = new Map(
    [...plan.entrypoints].map(([path, { blocks }]) => [path, siteOf(plan, blocks)]),
  )

  const one = (evaluation: Evaluation, entrypoint: string, input: Value): RegoOutcome => {
    const site = sites.get(entrypoint)
    if (site === undefined) return failed('REGO_UNDEFINED', NO_ENTRYPOINT)
    try {
      evaluation.results.length = 0
      machine.run(evaluation, entrypoint, input, data)
      evaluation.site = site
      return outcomeOf(evaluation)
    } catch (cause) {
      return failureOf(cause, evaluation, placeOf)
    }
  }

  const evaluateAll = (paths: readonly string[], input: JsonObject): readonly RegoOutcome[] => {
    let value: Value
    try {
      value = fromJson(input)
    } catch (cause) {
      const outcome = failed('REGO_ABORTED', messageOf(cause))
      return paths.map(() => outcome)
    }
    const evaluation = new Evaluation(budget, kept, plan.functions.length)
    return paths.map((path) => one(evaluation, path, value))
  }

  return {
    entrypoints,
    plan,
    analysis,
    placeOf,
    evaluateAll,
    evaluate: (entrypoint, input) => evaluateAll([entrypoint], input)[0] as RegoOutcome,
    query(entrypoint, input) {
      const evaluation = new Evaluation(budget, kept, plan.functions.length)
      try {
        machine.run(evaluation, entrypoint, input, data)
      } catch (cause) {
        throw asEvaluationError(cause, evaluation)
      }
      return setOf(evaluation.results).values()
    },
  }
}

/** Units that each node of a result costs to copy. */
const NODE_WORK = 2

type FailureCode = Extract<RegoOutcome, { failed: string }>['failed']

const NO_ENTRYPOINT = 'the policy has no such entry point'

/** A constant rule may cost so much when the program is made; one that costs more is computed when it is asked for. */
const CONSTANT_BUDGET: RegoBudget = { steps: 200_000, outputBytes: 8 * 1024 * 1024 }
const CONSTANTS_STEPS_MAX = 2_000_000

/** Tells of a package's path whether its built-in errors are undefined. */
export function laxTest(
  packages: readonly RegoPackagePath[],
): (path: readonly string[]) => boolean {
  const byPath = new Map(packages.map(({ path, lax }) => [JSON.stringify(path), lax]))
  return (path) => {
    for (let length = path.length; length >= 0; length--) {
      const lax = byPath.get(JSON.stringify(path.slice(0, length)))
      if (lax !== undefined) return lax
    }
    return false
  }
}

function buildMachine(plan: Plan, analysis: Analysis, options: PlanOptions): Machine {
  const { backEnd, observer } = options
  if (observer !== undefined || backEnd === 'closures') {
    return buildClosures(plan, analysis, BUILTINS, observer)
  }
  try {
    return buildGenerated(plan, analysis, BUILTINS)
  } catch (cause) {
    // A content security policy, or Node's --disallow-code-generation-from-strings.
    if (!(cause instanceof EvalError) || backEnd === 'generated') throw cause
    return buildClosures(plan, analysis, BUILTINS)
  }
}

/**
 * Computes the rules that depend on nothing but the policy and its data. Each has a budget of its own, so what a
 * decision is charged never depends on which decisions came before it. A rule that fails, or costs too much, is left to
 * the decisions that ask for it.
 */
function keepConstants(of: {
  readonly machine: Machine
  readonly plan: Plan
  readonly analysis: Analysis
  readonly data: Value
  readonly kept: Map<string, unknown>
  readonly budget: RegoBudget
}): void {
  let stepsLeft = CONSTANTS_STEPS_MAX
  for (const [index, { constant }] of of.analysis.functions.entries()) {
    if (!constant || stepsLeft <= 0) continue
    const steps = Math.min(CONSTANT_BUDGET.steps, of.budget.steps, stepsLeft)
    const outputBytes = Math.min(CONSTANT_BUDGET.outputBytes, of.budget.outputBytes)
    const evaluation = new Evaluation({ steps, outputBytes }, of.kept, of.plan.functions.length)
    try {
      const value = of.machine.call(evaluation, index, undefined, of.data)
      if (evaluation.ignored.length === 0)
        of.machine.constants[index] = value === undefined ? UNDEFINED : value
    } catch (cause) {
      // Each decision that asks for it hears of it, with its place.
      if (!(cause instanceof EvaluationError) && !(cause instanceof RangeError)) throw cause
    }
    stepsLeft -= steps - Math.max(0, evaluation.steps)
  }
}

/** Where the rule that an entry point asks for begins: the place of what is wrong with its value. */
function siteOf(plan: Plan, blocks: readonly Block[]): number {
  for (const statement of blocks.flat()) {
    if (statement.op === 'call') {
      return plan.functions[statement.function]?.blocks[0]?.[0]?.site ?? 0
    }
    const site = siteOf(plan, nestedIn(statement))
    if (site > 0) return site
  }
  return 0
}

/** A query of one rule yields one object `{"result": value}`, or nothing where the rule is undefined. */
function outcomeOf(evaluation: Evaluation): RegoOutcome {
  const { results } = evaluation
  const [result] = results
  if (result === undefined) return failed('REGO_UNDEFINED', 'the entry point is undefined')
  const value = isObject(result) ? objectGet(result, 'result') : undefined
  if (results.length > 1 || value === undefined) {
    return failed('REGO_ABORTED', 'the plan gave more than one result, or none of its form')
  }
  return { value: toJson(value, (nodes) => evaluation.work(NODE_WORK * nodes)) }
}

function failureOf(
  cause: unknown,
  evaluation: Evaluation,
  placeOf: (site: number) => Site | undefined,
): RegoOutcome {
  if (cause instanceof PolicyError) {
    return failed('REGO_ABORTED', cause.message, placeOf(evaluation.site))
  }
  const error = asEvaluationError(cause, evaluation)
  return failed(error.code, error.message, placeOf(error.site))
}

function asEvaluationError(cause: unknown, evaluation: Evaluation): EvaluationError {
  if (cause instanceof EvaluationError) return cause
  // The end of the stack, by a value that nests very deep. Anything else is a fault of ours: it denies as well.
  const message =
    cause instanceof RangeError
      ? 'a value nests too deep'
      : `the evaluator failed: ${messageOf(cause)}`
  return new EvaluationError('REGO_ABORTED', message, evaluation.site, { cause })
}

function failed(code: FailureCode, message: string, site?: Site): RegoOutcome {
  if (site === undefined) return { failed: code, message }
  return { failed: code, message, file: site.file, line: site.row, column: site.column }
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause)
}
