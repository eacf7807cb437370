import type { Diagnostic } from '../../base/position.ts'
import type { RegoCompiler } from '../../model/ports.ts'
import type { MutantResult, MutationReport, TestReport } from '../../model/results.ts'
import type { MutationProgress, RegoSuite } from '../../policy/analyse/mutation.ts'
import { mutate, passes } from '../../policy/analyse/mutation.ts'
import { programWith, regoPartsOf } from '../../policy/analyse/rego-program.ts'
import { writingIn } from '../../policy/analyse/rule-writing.ts'
import type { PolicyFiles } from '../../policy/compile/index.ts'
import { LIBRARY_FILE, LIBRARY_SOURCE } from '../../policy/compile/index.ts'
import { withRegoCompiler } from './compile-policy.ts'
import { entrypointOf } from './rego-tests.ts'
import type { FullRun } from './test-policy.ts'
import { selectorOf, testFolder } from './test-policy.ts'

export type MutatedPolicy =
  | { readonly mutation: MutationReport }
  /** A test fails already, so it can notice nothing. */
  | { readonly report: TestReport }
  /** The policy did not compile, so nothing ran. */
  | { readonly diagnostics: readonly Diagnostic[]; readonly files: PolicyFiles }

export type MutateOptions = {
  /** A regular expression; only rules, agents and routes whose name it matches are weakened. Default: all. */
  readonly rules?: string
  readonly onProgress?: (progress: MutationProgress) => void
}

/**
 * Weakens a policy in one place after another, and sees whether its tests notice.
 *
 * @throws {PolicyError} USAGE_INVALID for `rules` that is no regular expression; FILE_UNREADABLE,
 *   REGO_COMPILER_FAILED
 */
export async function mutatePolicy(
  folder: string,
  { rules, onProgress }: MutateOptions = {},
): Promise<MutatedPolicy> {
  const selects = rules === undefined ? () => true : selectorOf('--mutate', rules)
  return withRegoCompiler(async (compiler) => {
    const run = await testFolder(folder, compiler)
    if (!('report' in run)) return run
    if (run.report.failed > 0) return { report: run.report }
    const { suite, notes } = await planTests(compiler, run)
    const { bundle, cases, documents, report } = run
    const results = report.decisions
    const writing = writingIn(documents)
    const work = mutate({ bundle, cases, results, rego: suite, writing }, selects)
    return { mutation: reportOf(report, finish(work, onProgress), notes) }
  })
}

function finish(
  work: Generator<MutationProgress, MutantResult[]>,
  onProgress: MutateOptions['onProgress'],
): MutantResult[] {
  for (;;) {
    const step = work.next()
    if (step.done === true) return step.value
    onProgress?.(step.value)
  }
}

/** The Rego tests as one plan with the policy, so that both can be changed in memory and asked again. */
async function planTests(
  compiler: RegoCompiler,
  { bundle, documents, report }: FullRun,
): Promise<{ readonly suite: RegoSuite | null; readonly notes: readonly string[] }> {
  const passed = report.rego.filter(({ outcome }) => outcome === 'pass')
  const tests = new Map(
    passed.map((test) => [entrypointOf(test), `${test.package}.${test.name}`] as const),
  )
  if (tests.size === 0 || bundle.policy.rego.length === 0) return { suite: null, notes: [] }
  const sources = Object.fromEntries([...documents.rego, [LIBRARY_FILE, LIBRARY_SOURCE]])
  const built = await compiler.build(sources, [...tests.keys()].sort(), { tests: true })
  if ('diagnostics' in built) {
    const [first] = built.diagnostics
    const why = first === undefined ? '' : `: ${first.file}:${first.line} ${first.message}`
    return { suite: null, notes: [`the Rego tests were not asked: they cannot be planned${why}`] }
  }
  const parts = regoPartsOf(bundle, built.plan)
  if (parts === null) return { suite: null, notes: [] }
  const { steps, outputBytes } = parts.budget
  const budget = {
    steps: steps * TEST_BUDGET_FACTOR,
    outputBytes: outputBytes * TEST_BUDGET_FACTOR,
  }
  const suite = { ...parts, budget }
  const program = programWith(suite)
  const usable = [...tests].filter(([entrypoint]) => passes(program, entrypoint))
  const left = tests.size - usable.length
  return {
    suite: { parts: suite, tests: usable.map(([entrypoint, name]) => ({ entrypoint, name })) },
    notes: left === 0 ? [] : [`${left} of the Rego tests were not asked: only OPA passes them`],
  }
}

/** A test may go over many cases in one rule, where a decision is about one action. */
const TEST_BUDGET_FACTOR = 100

function reportOf(
  { project, policy }: TestReport,
  mutants: readonly MutantResult[],
  notes: readonly string[],
): MutationReport {
  const count = (outcome: MutantResult['outcome']): number =>
    mutants.filter((mutant) => mutant.outcome === outcome).length
  return {
    ...{ project, policy, mutants, notes },
    noticed: count('noticed'),
    survived: count('survived'),
    equivalent: count('equivalent'),
  }
}
