import { canonicalize } from '../../base/canonical-json.ts'
import { fromUtf8 } from '../../base/digest.ts'
import { isJsonObject, type JsonObject, type JsonValue } from '../../base/json-value.ts'
import type { Diagnostic } from '../../base/position.ts'
import { compareText } from '../../base/position.ts'
import { BUDGET } from '../../decide/rego/engine/evaluation.ts'
import { loadPlan } from '../../decide/rego/engine/program.ts'
import type { RegoOutcome, RegoProgram } from '../../decide/rego/types.ts'
import { loadOpaWasm, MEMORY_PAGES_MAX } from '../../decide/rego/wasm/opa-wasm.ts'
import type { RegoCompiler } from '../../model/ports.ts'
import type { RegoBuilt, RegoCoverage, RegoTestResult } from '../../model/rego.ts'
import type { Bundle } from '../../policy/bundle/index.ts'
import { BUNDLE_FILE } from '../../policy/bundle/index.ts'
import { LIBRARY_FILE, LIBRARY_SOURCE } from '../../policy/compile/index.ts'

/** What the Rego tests of a repository came to. */
export type RegoTestRun = {
  readonly results: readonly RegoTestResult[]
  /** Null when the policy has no Rego. */
  readonly coverage: RegoCoverage | null
}

/**
 * Runs the Rego tests three times: by OPA's own top-down evaluator, which also gives coverage and times; by the
 * evaluator that judges actions; and by OPA's WebAssembly. A test that they do not agree about fails.
 *
 * @param selects - runs only the tests whose name, `package.test`, it accepts
 * @returns the diagnostics instead, when the tests do not compile
 * @throws {PolicyError} REGO_COMPILER_FAILED
 */
export async function runRegoTests(
  compiler: RegoCompiler,
  rego: ReadonlyMap<string, string>,
  bundle: Bundle,
  selects: (name: string) => boolean,
): Promise<RegoTestRun | { readonly diagnostics: readonly Diagnostic[] }> {
  const bytes = bundle.files.get(BUNDLE_FILE.data)
  if (rego.size === 0 || bytes === undefined) return { results: [], coverage: null }
  const data = JSON.parse(fromUtf8(bytes)) as JsonObject
  const sources = Object.fromEntries([...rego, [LIBRARY_FILE, LIBRARY_SOURCE]])
  const tested = await compiler.test(sources, { data })
  if ('diagnostics' in tested) return tested
  const results = tested.results.filter((test) => selects(`${test.package}.${test.name}`))
  const entrypoints = [...new Set(results.filter(hasRun).map(entrypointOf))].sort(compareText)
  const coverage = ownCoverage(tested.coverage)
  if (entrypoints.length === 0) return { results, coverage }
  const built = await compiler.build(sources, entrypoints, { tests: true })
  const others = secondOpinions(built, data, bundle)
  return { results: results.map((result) => compared(result, results, others)), coverage }
}

/** What the other evaluators say of a test, by its entry point. */
type Opinions = (entrypoint: string) => readonly Opinion[]

type Opinion = { readonly who: string; readonly outcome: RegoOutcome }

const OURS = 'our evaluator'
const WASM = "OPA's WebAssembly"

/** A test may go over many cases in one rule, where a decision is about one action. */
const TEST_BUDGET_FACTOR = 100
const TEST_MEMORY_FACTOR = 8

function secondOpinions(built: RegoBuilt, data: JsonObject, { policy }: Bundle): Opinions {
  if ('diagnostics' in built) {
    // The tester compiled the same sources, so this is a limit of the planner: it is said, never passed over.
    const [first] = built.diagnostics
    const message = first === undefined ? 'the tests cannot be built' : first.message
    return () => [OURS, WASM].map((who) => ({ who, outcome: { failed: 'REGO_ABORTED', message } }))
  }
  const packages = policy.rego_packages.map((one) => ({
    path: one.package.split('.'),
    lax: !one.strict_builtin_errors,
  }))
  const budget = {
    steps: BUDGET.steps * TEST_BUDGET_FACTOR,
    outputBytes: BUDGET.outputBytes * TEST_BUDGET_FACTOR,
  }
  const plan = JSON.parse(built.plan) as JsonValue
  const ours = loadPlan({ plan, data }, { budget, packages })
  const wasm = loadOpaWasm(
    { wasm: built.wasm, data },
    {
      memoryPagesMax: MEMORY_PAGES_MAX * TEST_MEMORY_FACTOR,
      lax: packages.some(({ lax }) => lax),
    },
  )
  const ask = (who: string, program: RegoProgram, entrypoint: string): Opinion => ({
    who,
    // The tester gives no input either, but what a test names in `with`.
    outcome: program.evaluate(entrypoint, {}),
  })
  return (entrypoint) => [ask(OURS, ours, entrypoint), ask(WASM, wasm, entrypoint)]
}

function compared(
  result: RegoTestResult,
  results: readonly RegoTestResult[],
  others: Opinions,
): RegoTestResult {
  if (!hasRun(result)) return result
  const entrypoint = entrypointOf(result)
  const theirs = wordOf(result, results)
  const opinions = others(entrypoint)
  const words = opinions.map(({ who, outcome }) => ({ who, word: saidBy(outcome, theirs) }))
  const values = new Set(opinions.map(({ outcome }) => casesOf(outcome)))
  if (values.size === 1 && words.every(({ word }) => word === theirs)) return result
  const said = words.map(({ who, word }) => `${who} ${word}`).join(', ')
  const cases = values.size === 1 ? '' : ` (${[...values].join(' and ')})`
  const message = `OPA's top-down evaluator says ${theirs}, ${said}${cases}: please report it`
  const before = result.message === undefined ? '' : `${result.message}; `
  return { ...result, outcome: 'error', message: `${before}${message}` }
}

function hasRun({ outcome }: RegoTestResult): boolean {
  return outcome !== 'skip'
}

/** OPA numbers the bodies of one test name, `test_x#01`, and runs each for itself; a rule has one value. */
const NUMBERED = /#[0-9]+$/

/** The slash path of a test's rule. */
export function entrypointOf({ package: name, name: test }: RegoTestResult): string {
  return [...name.split('.'), test.replace(NUMBERED, '')].join('/')
}

/** What OPA's tester says of the rule as a whole: a name with several bodies is true when one of them is. */
function wordOf(result: RegoTestResult, results: readonly RegoTestResult[]): string {
  const entrypoint = entrypointOf(result)
  const bodies = results.filter((one) => entrypointOf(one) === entrypoint)
  const passed = bodies.some(({ outcome }) => outcome === 'pass')
  const failed = bodies.some(({ outcome }) => outcome === 'error')
  if (failed) return ERRED
  return passed ? PASSED : NOT_TRUE
}

const PASSED = 'true'
const NOT_TRUE = 'not true'
const ERRED = 'an error'

function saidBy(outcome: RegoOutcome, theirs: string): string {
  if ('failed' in outcome) return outcome.failed === 'REGO_UNDEFINED' ? NOT_TRUE : ERRED
  const { value } = outcome
  if (!isJsonObject(value)) return value === true ? PASSED : NOT_TRUE
  // The object holds the cases that came out, so only the tester, which watches, knows of one that did not.
  return allTrue(value) ? theirs : NOT_TRUE
}

/** The cases of a test such as `test_x[case]`, as text; null of any other. */
function casesOf(outcome: RegoOutcome): string | null {
  return 'value' in outcome && isJsonObject(outcome.value) ? canonicalize(outcome.value) : null
}

function allTrue(value: JsonValue): boolean {
  return isJsonObject(value) ? Object.values(value).every(allTrue) : value === true
}

/** Coverage of the author's own rules: not of the tests, nor of the library. */
function ownCoverage({ files }: RegoCoverage): RegoCoverage {
  const own = Object.entries(files).filter(
    ([file]) => file !== LIBRARY_FILE && !file.endsWith('_test.rego'),
  )
  const covered = own.reduce((sum, [, lines]) => sum + lines.covered.length, 0)
  const missed = own.reduce((sum, [, lines]) => sum + lines.missed.length, 0)
  const percent = covered + missed === 0 ? 100 : (100 * covered) / (covered + missed)
  return { percent: Math.round(percent * 10) / 10, files: Object.fromEntries(own) }
}
