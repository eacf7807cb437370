import { BUILTINS } from '../../src/decide/rego/builtins/index.ts'
import { EvaluationError } from '../../src/decide/rego/engine/evaluation.ts'
import { programOf } from '../../src/decide/rego/engine/program.ts'
import { foldConstants } from '../../src/decide/rego/plan/fold-constants.ts'
import { readPlan } from '../../src/decide/rego/plan/read-plan.ts'
import type { Value } from '../../src/decide/rego/values/value.ts'
import { isObject, objectEntries, objectGet, objectOf } from '../../src/decide/rego/values/value.ts'
import type { OpaCompiler } from '../../src/host/rego-compiler/compiler.ts'
import type { ConformanceCase } from './cases.ts'

export const BACK_ENDS = ['generated', 'closures'] as const

export type BackEnd = (typeof BACK_ENDS)[number]

export type ByBackEnd<T> = Readonly<Record<BackEnd, T>>

/** What became of a query: what OPA's own evaluator would say, as far as it can be compared. */
export type Outcome =
  /** An object of bindings for each result. */
  | { readonly results: readonly Value[] }
  /** OPA's code and text for what ended the evaluation. */
  | { readonly code: string; readonly message: string }

export type CaseOutcome =
  | Outcome
  /** Names of the built-ins that the case calls and we do not supply. */
  | { readonly refused: readonly string[] }
  /** Why there was nothing to compare: it does not compile, or we failed. */
  | { readonly broken: string }

/** Has OPA plan a case, and evaluates the plan on every back end. */
export async function evaluateCase(
  compiler: Pick<OpaCompiler, 'plan'>,
  one: ConformanceCase,
): Promise<ByBackEnd<CaseOutcome>> {
  const { query, experimentalKeywords } = one
  const files = Object.fromEntries(one.modules.map((text, at) => [`test-${at}.rego`, text]))
  const planned = await compiler.plan(files, { query, allBuiltins: true, experimentalKeywords })
  if ('diagnostics' in planned) {
    return onAll(() => ({ broken: planned.diagnostics.map(({ message }) => message).join('; ') }))
  }
  const refused = planned.builtins.filter((name) => !BUILTINS.has(name))
  if (refused.length > 0) return onAll(() => ({ refused }))
  const input =
    one.inputTerm === undefined ? one.input : await evaluateTerm(compiler, one.inputTerm)
  return onAll((backEnd) => {
    try {
      return evaluatePlan(planned.plan, { one, input, backEnd })
    } catch (cause) {
      return { broken: String(cause) }
    }
  })
}

/** The value of a Rego term such as `{"a": {1, 2}}`. */
async function evaluateTerm(compiler: Pick<OpaCompiler, 'plan'>, term: string): Promise<Value> {
  const planned = await compiler.plan({}, { query: `x = ${term}`, allBuiltins: true })
  if ('diagnostics' in planned) {
    throw new Error(`${term}: ${planned.diagnostics.map(({ message }) => message).join('; ')}`)
  }
  const [result] = programOf(readPlan(JSON.parse(planned.plan)), {}).query(ENTRYPOINT, undefined)
  const value = isObject(result) ? objectGet(result, 'x') : undefined
  if (value === undefined) throw new Error(`${term}: the term has no value`)
  return value
}

function evaluatePlan(
  text: string,
  {
    one,
    input,
    backEnd,
  }: {
    readonly one: ConformanceCase
    readonly input: Value | undefined
    readonly backEnd: BackEnd
  },
): Outcome {
  // OPA's default is lax: what a built-in refuses is undefined, in the query too.
  const plan = foldConstants(readPlan(JSON.parse(text), { lax: () => !one.strictError }))
  const program = programOf(plan, one.data, { backEnd })
  try {
    return { results: program.query(ENTRYPOINT, input).map(withoutExpressions) }
  } catch (cause) {
    if (!(cause instanceof EvaluationError)) throw cause
    const site = program.placeOf(cause.site)
    const code = cause.detail ?? (cause.code === 'REGO_CONFLICT' ? CONFLICT : cause.code)
    const place = site === undefined ? '' : `${site.file}:${site.row}: `
    return { code, message: `${place}${code}: ${cause.message}` }
  }
}

/** The name of the only entry point in the plan of a query. */
const ENTRYPOINT = 'eval'

/** OPA's code for two values where one is due. */
const CONFLICT = 'eval_conflict_error'

/** OPA's planner adds a member for the value of each expression. */
const EXPRESSION = '^term'

function withoutExpressions(result: Value): Value {
  if (!isObject(result)) return result
  return objectOf(
    objectEntries(result).filter(
      ([name]) => typeof name !== 'string' || !name.startsWith(EXPRESSION),
    ),
  )
}

function onAll<T>(evaluate: (backEnd: BackEnd) => T): ByBackEnd<T> {
  return { generated: evaluate('generated'), closures: evaluate('closures') }
}
