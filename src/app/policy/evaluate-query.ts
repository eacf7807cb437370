import { PolicyError } from '../../base/errors.ts'
import type { JsonValue } from '../../base/json-value.ts'
import type { Diagnostic } from '../../base/position.ts'
import type { Observer, RegoBudget } from '../../decide/rego/engine/evaluation.ts'
import { BUDGET, EvaluationError } from '../../decide/rego/engine/evaluation.ts'
import type { PlanProgram } from '../../decide/rego/engine/program.ts'
import { laxTest, programOf } from '../../decide/rego/engine/program.ts'
import { foldConstants } from '../../decide/rego/plan/fold-constants.ts'
import type { Plan } from '../../decide/rego/plan/plan.ts'
import { readPlan } from '../../decide/rego/plan/read-plan.ts'
import type { Value } from '../../decide/rego/values/value.ts'
import { isObject, objectEntries, objectGet } from '../../decide/rego/values/value.ts'
import type { RegoCompiler, RegoExpression, RegoFiles } from '../../model/rego.ts'
import type { QueryAnswer, QueryResult, RuleTiming, Trace } from '../../model/results.ts'
import { exactJson } from '../../policy/analyse/exact-json.ts'
import { createCoverage } from '../../policy/analyse/rego-coverage.ts'
import { createProfile } from '../../policy/analyse/rego-profile.ts'
import { createTrace } from '../../policy/analyse/rego-trace.ts'
import { withRegoCompiler } from './compile-policy.ts'
import type { QuerySource, QuerySources } from './query-sources.ts'
import { querySources } from './query-sources.ts'

export type RegoQuestion = {
  readonly query: string
  /** `data.guard.lib`, `data.guard as g`. */
  readonly imports?: readonly string[]
  readonly source: QuerySource
  /** Undefined in the query when absent. */
  readonly input?: Value
  /** Lets built-in errors be undefined everywhere, as OPA does by default. Default: where the packages ask for it. */
  readonly lax?: boolean
  /** Compiles in OPA's strict mode. */
  readonly strict?: boolean
  readonly backEnd?: 'generated' | 'closures'
  readonly coverage?: boolean
  readonly trace?: boolean
  /** Milliseconds, rising: times the rules. */
  readonly profileClock?: () => number
}

/** What a query came to, or why it or a file does not compile; with the sources that either quotes. */
export type QueryOutcome = { readonly files: RegoFiles } & (
  | { readonly answer: QueryAnswer }
  | { readonly diagnostics: readonly Diagnostic[] }
)

/** The file that diagnostics of the query itself name. */
export const QUERY_FILE = 'query'

/**
 * Compiles and evaluates any Rego query.
 *
 * @throws {PolicyError} REGO_COMPILER_FAILED; the codes of querySources
 */
export function evaluateQuery(question: RegoQuestion): Promise<QueryOutcome> {
  return withRegoCompiler((rego) => answerQuery(question, rego))
}

/** The same with a compiler that goes on to be used. */
export async function answerQuery(
  question: RegoQuestion,
  rego: RegoCompiler,
): Promise<QueryOutcome> {
  const { query, imports = [], strict = false } = question
  const sources = await querySources(question.source, rego)
  if ('diagnostics' in sources) return sources
  const files = { ...sources.files, [QUERY_FILE]: query }
  const planned = await rego.plan(sources.files, { query, imports, strict })
  if ('diagnostics' in planned) return { diagnostics: planned.diagnostics, files }
  const lax = laxTest(question.lax ? [{ path: [], lax: true }] : sources.packages)
  const plan = foldConstants(readPlan(JSON.parse(planned.plan) as JsonValue, { lax }))
  return { answer: answerOf(question, sources, plan, planned.expressions), files }
}

/** The name of a query's one plan. */
const ENTRYPOINT = 'eval'

/** Whoever watches sees every body, and values that are otherwise known from before. It must not end for that. */
const WATCHED_BUDGET_FACTOR = 10

function answerOf(
  question: RegoQuestion,
  sources: QuerySources,
  plan: Plan,
  expressions: readonly RegoExpression[],
): QueryAnswer {
  const { backEnd, input } = question
  const { data, files, budget = BUDGET } = sources
  const program = programOf(plan, data, { budget, ...(backEnd && { backEnd }) })
  const answer = run(program, input, expressions)
  // Each by itself: the time that one takes is no rule's.
  const watched = (observer: Observer): boolean => watch(plan, { data, input, budget }, observer)
  const coverage = question.coverage ? createCoverage(plan, new Set(Object.keys(files))) : null
  if (coverage) watched(coverage.observer)
  return {
    ...answer,
    ...(coverage && { coverage: coverage.report() }),
    ...(question.profileClock && { profile: profileOf(plan, question.profileClock, watched) }),
    ...(question.trace && { explanation: explain(question, plan, sources, answer, watched) }),
  }
}

type Watch = (observer: Observer) => boolean

/** Rounds before the one that is timed: the first are slow because nothing is compiled yet. */
const WARMING_ROUNDS = 10

function profileOf(plan: Plan, clock: () => number, watched: Watch): readonly RuleTiming[] {
  for (let round = 0; round < WARMING_ROUNDS; round++) watched(createProfile(plan, clock).observer)
  const profile = createProfile(plan, clock)
  watched(profile.observer)
  return profile.report()
}

function explain(
  { query }: RegoQuestion,
  plan: Plan,
  { files }: QuerySources,
  { results }: QueryAnswer,
  watched: Watch,
): Trace {
  const texts = Object.entries({ ...files, [QUERY_FILE]: query })
  const lines = new Map(texts.map(([file, text]) => [file, text.split('\n')] as const))
  const trace = createTrace(plan, ENTRYPOINT, lines)
  const ended = watched(trace.observer)
  const explanation = trace.report(!ended)
  // A query of one expression has a result also where that is false.
  const isFalse = results.length === 1 && results[0]?.expressions[0]?.value === false
  const { steps } = explanation
  if (!isFalse || steps.length !== 1) return explanation
  return { ...explanation, steps: steps.map((step) => ({ ...step, held: false })) }
}

/** Evaluates once more, with someone looking on, and tells whether no error ended it. */
function watch(
  plan: Plan,
  of: { readonly data: Value; readonly input: Value | undefined; readonly budget: RegoBudget },
  observer: Observer,
): boolean {
  const budget = {
    steps: of.budget.steps * WATCHED_BUDGET_FACTOR,
    outputBytes: of.budget.outputBytes * WATCHED_BUDGET_FACTOR,
  }
  try {
    programOf(plan, of.data, { budget, observer }).query(ENTRYPOINT, of.input)
    return true
  } catch (error) {
    // The answer tells of it; what was seen until then is worth showing.
    if (!(error instanceof EvaluationError)) throw error
    return false
  }
}

function run(
  program: PlanProgram,
  input: Value | undefined,
  expressions: readonly RegoExpression[],
): QueryAnswer {
  try {
    const found = program.query(ENTRYPOINT, input)
    return { results: found.map((result) => resultOf(result, expressions)) }
  } catch (error) {
    if (error instanceof EvaluationError) {
      const { code, message, site } = error
      const place = program.placeOf(site)
      const location = place && { file: place.file, row: place.row, col: place.column }
      return { results: [], error: { code, message, ...(location && { location }) } }
    }
    if (!(error instanceof PolicyError)) throw error
    return { results: [], error: { code: error.code, message: error.message } }
  }
}

function resultOf(result: Value, expressions: readonly RegoExpression[]): QueryResult {
  const member = (name: string): Value | undefined =>
    isObject(result) ? objectGet(result, name) : undefined
  const own = new Set(expressions.map(({ binding }) => binding))
  const bindings = isObject(result)
    ? objectEntries(result).flatMap(([name, value]) =>
        typeof name === 'string' && !own.has(name) ? [[name, exactJson(value)] as const] : [],
      )
    : []
  return {
    expressions: expressions.map(({ text, line, column, binding }) => ({
      value: binding === undefined ? true : exactJson(member(binding) ?? null),
      text,
      location: { row: line, col: column },
    })),
    ...(bindings.length > 0 && { bindings: Object.fromEntries(bindings) }),
  }
}
