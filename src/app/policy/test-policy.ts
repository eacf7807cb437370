import { PolicyError } from '../../base/errors.ts'
import type { Diagnostic } from '../../base/position.ts'
import { loadPolicy } from '../../decide/evaluate/index.ts'
import type { RegoCompiler } from '../../model/ports.ts'
import type { RegoCoverage } from '../../model/rego.ts'
import type { DecisionTestResult, TestReport } from '../../model/results.ts'
import { withDecisions } from '../../policy/analyse/decision-coverage.ts'
import { runCase } from '../../policy/analyse/decision-tests.ts'
import { ruleCoverage } from '../../policy/analyse/rule-coverage.ts'
import type { TestCase } from '../../policy/analyse/test-cases.ts'
import { casesOf } from '../../policy/analyse/test-cases.ts'
import type { Bundle } from '../../policy/bundle/index.ts'
import type { Documents, PolicyFiles } from '../../policy/compile/index.ts'
import { parseDocuments } from '../../policy/compile/index.ts'
import { type CompiledFolder, compileFolder, withRegoCompiler } from './compile-policy.ts'
import type { RegoTestRun } from './rego-tests.ts'
import { runRegoTests } from './rego-tests.ts'

export type TestedPolicy =
  | { readonly report: TestReport }
  /** The policy did not compile, so nothing ran. */
  | { readonly diagnostics: readonly Diagnostic[]; readonly files: PolicyFiles }

export type TestOptions = {
  /** A regular expression; only tests whose name it matches run. Default: all. */
  readonly run?: string
}

/**
 * Runs the decision tests and the Rego tests of a policy repository.
 *
 * @throws {PolicyError} USAGE_INVALID for `run` that is no regular expression or matches no name; FILE_UNREADABLE, REGO_COMPILER_FAILED
 */
export async function testPolicy(folder: string, options: TestOptions = {}): Promise<TestedPolicy> {
  const { run } = options
  const selects = run === undefined ? undefined : selectorOf('--run', run)
  const tested = await withRegoCompiler((rego) => testFolder(folder, rego, selects))
  // A name that was spelled wrong must not look like tests that pass.
  if (run !== undefined && 'report' in tested && tested.report.passed + tested.report.failed === 0)
    throw new PolicyError('USAGE_INVALID', `no test has a name that matches --run ${run}`)
  return tested
}

/** All that a run of the tests found out. */
export type FullRun = {
  readonly report: TestReport
  readonly bundle: Bundle
  readonly documents: Documents
  readonly cases: readonly TestCase[]
}

/** The same with a compiler that goes on to be used, and with what the report is made from. */
export async function testFolder(
  folder: string,
  rego: RegoCompiler,
  selects?: (name: string) => boolean,
): Promise<FullRun | Exclude<TestedPolicy, { report: TestReport }>> {
  return testCompiled(await compileFolder(folder, rego), rego, selects)
}

/** The same of a policy that has been compiled. */
export async function testCompiled(
  { files, bundle, diagnostics }: CompiledFolder,
  rego: RegoCompiler,
  selects?: (name: string) => boolean,
): Promise<FullRun | Exclude<TestedPolicy, { report: TestReport }>> {
  if (bundle === null) return { diagnostics, files }
  const { documents } = parseDocuments(files)
  const cases = casesOf(documents.tests, bundle.policy.project, selects)
  const decisions = runTwice(bundle, cases)
  const tested = await runRegoTests(rego, documents.rego, bundle, selects ?? (() => true))
  if ('diagnostics' in tested) return { diagnostics: tested.diagnostics, files }
  const coverage =
    selects === undefined ? coverageOf(bundle, cases, decisions, tested.coverage) : null
  const report = reportOf(bundle, decisions, tested, coverage)
  return { report, bundle, documents, cases }
}

/**
 * A test of names by a regular expression.
 *
 * @param flag - names it in the complaint
 * @throws {PolicyError} USAGE_INVALID
 */
export function selectorOf(flag: string, text: string): (name: string) => boolean {
  try {
    const pattern = new RegExp(text)
    return (name) => pattern.test(name)
  } catch (cause) {
    const message = `expected ${flag} to be a regular expression: ${(cause as Error).message}`
    throw new PolicyError('USAGE_INVALID', message, { cause })
  }
}

/** Runs the decision tests, and where there is Rego once more by OPA's WebAssembly: both must say the same. */
function runTwice(bundle: Bundle, cases: readonly TestCase[]): readonly DecisionTestResult[] {
  const policy = loadPolicy(bundle)
  const results = cases.map((one) => runCase(policy, one))
  if (bundle.policy.rego.length === 0) return results
  const second = loadPolicy(bundle, 'wasm')
  return results.map((result, at) => {
    const one = cases[at]
    const other = one === undefined ? undefined : runCase(second, one)
    const [ours, theirs] = [saidBy(result), saidBy(other)]
    if (ours === theirs) return result
    const difference = `OPA's WebAssembly finds ${theirs}, our evaluator ${ours}: please report it`
    return { ...result, passed: false, differences: [...result.differences, difference] }
  })
}

/** What counts of an answer: a built-in's complaint may be worded otherwise. */
function saidBy(result: DecisionTestResult | undefined): string {
  const actual = result?.actual ?? null
  if (actual === null) return 'nothing'
  const findings = actual.findings.map(({ rule, verdict, code }) => `${rule} ${code ?? verdict}`)
  const obligations = actual.obligations.map(({ kind, paths, rule }) =>
    [kind, ...paths, rule].join(' '),
  )
  return [actual.verdict, ...findings.sort(), ...actual.route, ...obligations].join(', ')
}

function coverageOf(
  bundle: Bundle,
  cases: readonly TestCase[],
  results: readonly DecisionTestResult[],
  rego: RegoCoverage | null,
): TestReport['coverage'] {
  return {
    rules: ruleCoverage(loadPolicy(bundle), cases, results),
    rego: rego === null ? null : withDecisions(bundle, cases, rego),
  }
}

function reportOf(
  { digest, policy }: Bundle,
  decisions: TestReport['decisions'],
  rego: RegoTestRun,
  coverage: TestReport['coverage'],
): TestReport {
  const outcomes = [
    ...decisions.map(({ passed }) => (passed ? 'pass' : 'fail')),
    ...rego.results.map(({ outcome }) => outcome),
  ]
  const passed = outcomes.filter((outcome) => outcome === 'pass').length
  const skipped = outcomes.filter((outcome) => outcome === 'skip').length
  return {
    project: policy.project,
    policy: digest,
    decisions,
    rego: rego.results,
    coverage,
    passed,
    failed: outcomes.length - passed - skipped,
    skipped,
  }
}
