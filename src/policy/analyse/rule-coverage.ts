import { PolicyError } from '../../base/errors.ts'
import type { LoadedPolicy } from '../../decide/evaluate/index.ts'
import type { DecisionTestResult, RuleCoverage } from '../../model/results.ts'
import { ruleOfPackage } from '../compile/decision-tests.ts'
import type { TestCase } from './test-cases.ts'

/** What the actions of one case, given ones included, have to do with: what can change its outcome. */
export type Touched = {
  /** Rules and packages that judge or remember one of the actions. */
  readonly rules: ReadonlySet<string>
  readonly agents: ReadonlySet<string>
}

/** What a case touches by the names in its actions. */
export function touchedBy(policy: LoadedPolicy, { steps }: TestCase): Touched {
  const rules = new Set<string>()
  const agents = new Set<string>()
  for (const { action } of steps instanceof PolicyError ? [] : steps) {
    const selection = policy.select(action)
    for (const { rule } of selection.rules) rules.add(rule.id)
    for (const { rule } of selection.watches) rules.add(rule.id)
    for (const { id } of selection.packages) rules.add(id)
    agents.add(action.agent)
  }
  return { rules, agents }
}

/**
 * Which rules had a finding in a test, and which judged the tested action and had none; which routes were taken and
 * which tools were called. Given actions do not count: nothing is expected of them.
 *
 * @param results - of the same cases, in their order
 */
export function ruleCoverage(
  policy: LoadedPolicy,
  cases: readonly TestCase[],
  results: readonly DecisionTestResult[],
): RuleCoverage {
  const found = tally()
  const judged = tally()
  const routes = tally()
  const tools = tally()
  cases.forEach(({ steps }, index) => {
    const actual = results[index]?.actual ?? null
    const last = steps instanceof PolicyError ? undefined : steps.at(-1)
    if (actual === null || last === undefined) return
    const selection = policy.select(last.action)
    for (const { rule } of selection.rules) judged.add(rule.id)
    for (const { id } of selection.packages) judged.add(id)
    for (const rule of new Set(actual.findings.map((finding) => finding.rule))) found.add(rule)
    for (const route of actual.route) routes.add(route)
    tools.add(`${last.action.service}.${last.action.action}`)
  })
  const { policy: compiled } = policy
  const rules = [
    ...compiled.rules.map(({ id, file, line }) => ({ id, file, line })),
    ...packagesOf(policy),
  ].map(({ id, file, line }) => {
    const hits = found.of(id)
    return { rule: id, file, line, found: hits, quiet: Math.max(0, judged.of(id) - hits) }
  })
  const covered = rules.filter((rule) => rule.found > 0).length
  const share = rules.length === 0 ? 100 : (100 * covered) / rules.length
  return {
    percent: Math.round(share * 10) / 10,
    rules,
    routes: compiled.routes.map(({ id, file, line }) => ({
      ...{ route: id, file, line, taken: routes.of(id) },
    })),
    tools: compiled.tools.map(({ service, action, file, line }) => {
      const tool = `${service}.${action}`
      return { tool, file, line, tests: tools.of(tool) }
    }),
  }
}

type Tally = { add(name: string): void; of(name: string): number }

function tally(): Tally {
  const counts = new Map<string, number>()
  const of = (name: string): number => counts.get(name) ?? 0
  return { of, add: (name) => void counts.set(name, of(name) + 1) }
}

function packagesOf({ policy }: LoadedPolicy) {
  return policy.rego.map((one) => ({ id: ruleOfPackage({ name: one.package }), ...one }))
}
