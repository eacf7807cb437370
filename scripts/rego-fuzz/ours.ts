import type { JsonObject, JsonValue } from '../../src/base/json-value.ts'
import type { Builtin } from '../../src/decide/rego/builtins/builtin.ts'
import { BUILTINS } from '../../src/decide/rego/builtins/index.ts'
import { buildClosures } from '../../src/decide/rego/engine/closures.ts'
import type { RegoBudget } from '../../src/decide/rego/engine/evaluation.ts'
import { BUDGET, Evaluation, EvaluationError } from '../../src/decide/rego/engine/evaluation.ts'
import { loadPlan } from '../../src/decide/rego/engine/program.ts'
import { analysePlan } from '../../src/decide/rego/plan/analyse.ts'
import { foldConstants } from '../../src/decide/rego/plan/fold-constants.ts'
import type { Site } from '../../src/decide/rego/plan/plan.ts'
import { readPlan } from '../../src/decide/rego/plan/read-plan.ts'
import { fromJson, parseValue } from '../../src/decide/rego/values/json.ts'
import type { Value } from '../../src/decide/rego/values/value.ts'
import { isObject, objectGet } from '../../src/decide/rego/values/value.ts'
import type { BackEnd, Case, Mode, Outcome } from './outcome.ts'
import { CONFLICT, inputText } from './outcome.ts'
import type { Policy } from './policy.ts'
import { MAIN } from './policy.ts'

/** A policy and OPA's plan of it. */
export type Planned = { readonly policy: Policy; readonly plan: string }

/** Evaluates as a decision does, with the plan loaded once. */
export function evaluatorOf(
  { policy, plan }: Planned,
  {
    mode,
    backEnd,
    budget = BUDGET,
  }: {
    readonly mode: Mode
    readonly backEnd: BackEnd
    readonly budget?: RegoBudget
  },
): (one: Case) => Outcome {
  const packages =
    mode === 'lax'
      ? [{ path: [], lax: true }]
      : policy.modules.map(({ name, lax }) => ({ path: name.split('.'), lax }))
  const source = { plan: JSON.parse(plan), data: JSON.parse(policy.data) as JsonObject }
  const program = loadPlan(source, { backEnd, packages, budget })
  return (one) => {
    try {
      return resultOf(program.query(entryPath(one.entry), parseValue(inputText(one))))
    } catch (cause) {
      return failureOf(cause, (site) => program.placeOf(site))
    }
  }
}

/** Where an evaluation that `evaluateWith` runs is. */
export type Progress = {
  /** `file:row` of the call that is being made. */
  readonly place: () => string
}

/** Evaluates with other built-ins. */
export function evaluateWith(
  { policy, plan: text }: Planned,
  one: Case,
  mode: Mode,
  replace: (name: string, builtin: Builtin, progress: Progress) => Builtin,
): Outcome {
  const plan = foldConstants(
    readPlan(JSON.parse(text) as JsonValue, { lax: laxBelow(policy, mode) }),
  )
  const evaluation = new Evaluation(BUDGET, new Map(), plan.functions.length)
  const progress = { place: (): string => placeText(plan.sites[evaluation.site]) }
  const builtins = new Map(
    [...BUILTINS].map(([name, builtin]) => [name, replace(name, builtin, progress)]),
  )
  const machine = buildClosures(plan, analysePlan(plan), builtins)
  const data = fromJson(JSON.parse(policy.data) as JsonObject)
  try {
    machine.run(evaluation, entryPath(one.entry), parseValue(inputText(one)), data)
    return resultOf(evaluation.results)
  } catch (cause) {
    return failureOf(cause, (site) => plan.sites[site])
  }
}

/** The slash path of a rule of the main package. */
export function entryPath(entry: string): string {
  return `${MAIN.replaceAll('.', '/')}/${entry}`
}

/** Which packages are lax: those by their METADATA, or all. */
function laxBelow(policy: Policy, mode: Mode): (path: readonly string[]) => boolean {
  const known = new Map(policy.modules.map(({ name, lax }) => [name, lax]))
  return (path) => {
    if (mode === 'lax') return true
    for (let length = path.length; length > 0; length--) {
      const lax = known.get(path.slice(0, length).join('.'))
      if (lax !== undefined) return lax
    }
    return false
  }
}

function resultOf([result, ...more]: readonly Value[]): Outcome {
  if (result === undefined) return { is: 'undefined' }
  const value = isObject(result) ? objectGet(result, 'result') : undefined
  if (value === undefined || more.length > 0) throw new Error('expected one result')
  return { is: 'value', value }
}

function failureOf(cause: unknown, siteOf: (site: number) => Site | undefined): Outcome {
  if (!(cause instanceof EvaluationError)) throw cause
  const code = cause.detail ?? (cause.code === 'REGO_CONFLICT' ? CONFLICT : cause.code)
  return { is: 'error', code, message: cause.message, place: placeText(siteOf(cause.site)) }
}

function placeText(site: Site | undefined): string {
  return site === undefined ? '' : `${site.file}:${site.row}`
}
