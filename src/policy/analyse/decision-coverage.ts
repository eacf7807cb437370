import { publishedBaselines } from '../../decide/evaluate/load-policy.ts'
import { preparePolicy } from '../../decide/evaluate/policy.ts'
import { loadRule } from '../../decide/evaluate/rules.ts'
import { foldConstants } from '../../decide/rego/plan/fold-constants.ts'
import type { RegoCoverage } from '../../model/rego.ts'
import type { Bundle } from '../bundle/index.ts'
import { runCase } from './decision-tests.ts'
import { createCoverage } from './rego-coverage.ts'
import { programWith, regoPartsOf } from './rego-program.ts'
import type { TestCase } from './test-cases.ts'

/**
 * The coverage of Rego by its own tests and by decision tests together. Which lines can be covered is for OPA's
 * tester to say.
 *
 * @param coverage - by the Rego tests
 */
export function withDecisions(
  bundle: Bundle,
  cases: readonly TestCase[],
  coverage: RegoCoverage,
): RegoCoverage {
  const parts = regoPartsOf(bundle)
  if (parts === null || bundle.policy.rego.length === 0) return coverage
  const plan = foldConstants(parts.plan)
  const watched = createCoverage(plan, new Set(Object.keys(coverage.files)))
  // Somebody who listens hears of each body, also of what is otherwise known from before: it must not end for that.
  const budget = {
    steps: parts.budget.steps * WATCHED_BUDGET_FACTOR,
    outputBytes: parts.budget.outputBytes * WATCHED_BUDGET_FACTOR,
  }
  const program = programWith({ ...parts, budget }, { plan, observer: watched.observer })
  const policy = preparePolicy(bundle.policy, program, loadRule, publishedBaselines(bundle))
  for (const one of cases) runCase(policy, one)
  return union(coverage, watched.report())
}

const WATCHED_BUDGET_FACTOR = 10

function union(coverage: RegoCoverage, more: RegoCoverage): RegoCoverage {
  let [hits, total] = [0, 0]
  const files = Object.entries(coverage.files).map(([file, lines]) => {
    const also = new Set(Object.hasOwn(more.files, file) ? more.files[file]?.covered : [])
    const missed = lines.missed.filter((line) => !also.has(line))
    const covered = [...lines.covered, ...lines.missed.filter((line) => also.has(line))]
    covered.sort((a, b) => a - b)
    hits += covered.length
    total += covered.length + missed.length
    return [file, { covered, missed }] as const
  })
  const percent = total === 0 ? 100 : Math.round((1000 * hits) / total) / 10
  return { percent, files: Object.fromEntries(files) }
}
