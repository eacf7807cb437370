import { fromUtf8 } from '../base/digest.ts'
import { PolicyError } from '../base/errors.ts'
import type { JsonObject } from '../base/json-value.ts'
import type { Diagnostic } from '../base/position.ts'
import { loadPolicy } from '../decide/evaluate/index.ts'
import type { RegoCompiler } from '../model/ports.ts'
import type { RegoCoverage, RegoTestResult } from '../model/rego.ts'
import type { DecisionTestResult, TestReport } from '../model/results.ts'
import type { TestDocument } from '../policy/analyse/decision-tests.ts'
import { runDecisionTests } from '../policy/analyse/decision-tests.ts'
import type { Bundle } from '../policy/bundle/index.ts'
import { BUNDLE_FILE } from '../policy/bundle/index.ts'
import type { PolicyFiles } from '../policy/compile/index.ts'
import { LIBRARY_FILE, LIBRARY_SOURCE, parseDocuments } from '../policy/compile/index.ts'
import { compileFolder, withRegoCompiler } from './compile-policy.ts'

export type TestedPolicy =
  | { readonly report: TestReport }
  /** The policy did not compile, so nothing ran. */
  | { readonly diagnostics: readonly Diagnostic[]; readonly files: PolicyFiles }

/**
 * Runs the decision tests and the Rego tests of a policy repository.
 *
 * @param filter - a regular expression; only tests whose name it matches run
 * @throws {PolicyError} USAGE_INVALID for a filter that is no regular expression; FILE_UNREADABLE,
 *   REGO_COMPILER_FAILED
 */
export async function testPolicy(folder: string, filter?: string): Promise<TestedPolicy> {
  const selects = selectorOf(filter)
  return withRegoCompiler(async (rego) => {
    const { files, bundle, diagnostics } = await compileFolder(folder, rego)
    if (bundle === null) return { diagnostics, files }
    const { documents } = parseDocuments(files)
    const decisions = runTwice(bundle, documents.tests, selects)
    const tested = await runRegoTests(rego, documents.rego, bundle, selects)
    if ('diagnostics' in tested) return { diagnostics: tested.diagnostics, files }
    return { report: reportOf(bundle, decisions, tested) }
  })
}

/** Runs the decision tests, and where there is Rego once more by OPA's WebAssembly: both must say the same. */
function runTwice(
  bundle: Bundle,
  tests: readonly TestDocument[],
  selects: (name: string) => boolean,
): readonly DecisionTestResult[] {
  const results = runDecisionTests(loadPolicy(bundle), tests, selects)
  if (bundle.policy.rego.length === 0) return results
  const others = runDecisionTests(loadPolicy(bundle, 'wasm'), tests, selects)
  return results.map((result, at) => {
    const [ours, theirs] = [saidBy(result), saidBy(others[at])]
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
  return [actual.verdict, ...findings.sort(), ...actual.route].join(', ')
}

function selectorOf(filter: string | undefined): (name: string) => boolean {
  if (filter === undefined) return () => true
  try {
    const pattern = new RegExp(filter)
    return (name) => pattern.test(name)
  } catch (cause) {
    const message = `expected --filter to be a regular expression: ${(cause as Error).message}`
    throw new PolicyError('USAGE_INVALID', message, { cause })
  }
}

type RegoRun = {
  readonly results: readonly RegoTestResult[]
  readonly coverage: RegoCoverage | null
}

async function runRegoTests(
  compiler: RegoCompiler,
  rego: ReadonlyMap<string, string>,
  bundle: Bundle,
  selects: (name: string) => boolean,
): Promise<RegoRun | { readonly diagnostics: readonly Diagnostic[] }> {
  const data = bundle.files.get(BUNDLE_FILE.data)
  if (rego.size === 0 || data === undefined) return { results: [], coverage: null }
  const sources = Object.fromEntries([...rego, [LIBRARY_FILE, LIBRARY_SOURCE]])
  const tested = await compiler.test(sources, { data: JSON.parse(fromUtf8(data)) as JsonObject })
  if ('diagnostics' in tested) return tested
  const results = tested.results.filter((test) => selects(`${test.package}.${test.name}`))
  return { results, coverage: ownCoverage(tested.coverage) }
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

function reportOf(
  { digest, policy }: Bundle,
  decisions: TestReport['decisions'],
  rego: RegoRun,
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
    coverage: rego.coverage,
    passed,
    failed: outcomes.length - passed - skipped,
    skipped,
  }
}
