import { PolicyError } from '../../base/errors.ts'
import type { JsonValue } from '../../base/json-value.ts'
import { compareText } from '../../base/position.ts'
import type { PublishedBaseline } from '../../decide/behaviour/published.ts'
import type { LoadedPolicy } from '../../decide/evaluate/index.ts'
import { publishedBaselines } from '../../decide/evaluate/load-policy.ts'
import { preparePolicy } from '../../decide/evaluate/policy.ts'
import type { LoadedRule } from '../../decide/evaluate/rules.ts'
import { loadRule } from '../../decide/evaluate/rules.ts'
import type { RegoProgram } from '../../decide/rego/types.ts'
import type { CompiledRule } from '../../model/generated/types.ts'
import type { DecisionTestResult, MutantResult } from '../../model/results.ts'
import type { Bundle } from '../bundle/index.ts'
import { runCase } from './decision-tests.ts'
import { reasonOf } from './equivalent.ts'
import type { Mutant, Writing } from './mutant.ts'
import { budgetMutants } from './mutate-budgets.ts'
import { regoMutants } from './mutate-rego.ts'
import { routeMutants } from './mutate-routes.ts'
import { ruleMutants } from './mutate-rules.ts'
import { scopeMutants } from './mutate-scopes.ts'
import type { RegoParts } from './rego-program.ts'
import { programWith, regoPartsOf } from './rego-program.ts'
import type { Touched } from './rule-coverage.ts'
import { touchedBy } from './rule-coverage.ts'
import type { TestCase } from './test-cases.ts'

/** The Rego tests that pass, planned together with the policy. */
export type RegoSuite = {
  readonly parts: RegoParts
  readonly tests: readonly { readonly name: string; readonly entrypoint: string }[]
}

/** Tests that all pass, and the policy that they pass with. */
export type MutationSubject = {
  readonly bundle: Bundle
  readonly cases: readonly TestCase[]
  /** Of the same cases, in their order. */
  readonly results: readonly DecisionTestResult[]
  /** Null where there are none. */
  readonly rego: RegoSuite | null
  readonly writing: Writing
}

/** How far it is: how many mutants are done of how many, and which is next. */
export type MutationProgress = {
  readonly done: number
  readonly of: number
  readonly rule: string
}

/**
 * Weakens a policy in one place after another, and asks the tests each time whether they notice. Everything happens in
 * memory; of the tests only those are asked whose actions the weakened rule judges, those that it had a finding in
 * first, and until one fails. Sorted by file and place.
 *
 * @param selects - leaves out the rules, agents and routes whose name it refuses
 * @throws {PolicyError} the codes of a bundle that does not load
 */
export function* mutate(
  subject: MutationSubject,
  selects: (name: string) => boolean = () => true,
): Generator<MutationProgress, MutantResult[]> {
  const { bundle } = subject
  const lab = labOf(subject)
  const mutants = mutantsOf(bundle, lab.parts, subject.writing).filter(({ rule }) => selects(rule))
  const results: MutantResult[] = []
  for (const [done, mutant] of mutants.entries()) {
    yield { done, of: mutants.length, rule: mutant.rule }
    results.push(tried(mutant, lab))
  }
  return results.sort(
    (a, b) => compareText(a.file, b.file) || a.line - b.line || a.column - b.column,
  )
}

function mutantsOf({ policy }: Bundle, parts: RegoParts | null, writing: Writing): Mutant[] {
  return [
    ...ruleMutants(policy, writing),
    ...(parts === null ? [] : regoMutants(policy, parts.plan)),
    ...scopeMutants(policy),
    ...budgetMutants(policy),
    ...routeMutants(policy),
  ]
}

/** What every mutant is tried with. */
type Lab = {
  readonly subject: MutationSubject
  readonly parts: RegoParts | null
  readonly program: RegoProgram | null
  readonly touched: readonly Touched[]
  /** Rules are the same object in most mutants: each is compiled once. */
  readonly load: typeof loadRule
  readonly baselines: readonly PublishedBaseline[]
}

function labOf(subject: MutationSubject): Lab {
  const { bundle, cases } = subject
  const parts = bundle.policy.rego.length === 0 ? null : regoPartsOf(bundle)
  const program = parts === null ? null : programWith(parts)
  const known = new WeakMap<CompiledRule, LoadedRule>()
  const load: typeof loadRule = (rule, routes) => {
    const loaded = known.get(rule) ?? loadRule(rule, routes)
    known.set(rule, loaded)
    return loaded
  }
  const baselines = publishedBaselines(bundle)
  const policy = preparePolicy(bundle.policy, program, load, baselines)
  const touched = cases.map((one) => touchedBy(policy, one))
  return { subject, parts, program, touched, load, baselines }
}

function tried(mutant: Mutant, lab: Lab): MutantResult {
  const { rule, operator, change, place } = mutant
  const of = (rest: Pick<MutantResult, 'outcome' | 'by' | 'reason'>): MutantResult => ({
    ...{ rule, operator, change, ...place },
    ...rest,
  })
  if (mutant.same !== null) return of({ outcome: 'equivalent', reason: mutant.same })
  const prepared = prepare(mutant, lab)
  if (prepared instanceof PolicyError) {
    const reason = `the policy would not load: ${prepared.message}`
    return of({ outcome: 'equivalent', reason })
  }
  const by = noticing(mutant, prepared, lab) ?? noticingRego(mutant, lab)
  if (by !== null) return of({ outcome: 'noticed', by })
  const reason = reasonOf(mutant, lab.subject.bundle.policy)
  if (reason !== null) return of({ outcome: 'equivalent', reason })
  return of({ outcome: 'survived' })
}

/** What is no policy at all never comes to be enforced, so there is nothing to notice. */
function prepare(
  { policy, replan }: Mutant,
  { parts, program, load, baselines }: Lab,
): LoadedPolicy | PolicyError {
  try {
    const weaker = policy()
    if (parts === null || replan === undefined) {
      return preparePolicy(weaker, program, load, baselines)
    }
    const plan = replan(parts.plan)
    const own = plan === parts.plan ? program : programWith(parts, { plan, backEnd: 'closures' })
    return preparePolicy(weaker, own, load, baselines)
  } catch (error) {
    if (error instanceof PolicyError) return error
    throw error
  }
}

/** The first decision test that notices. */
function noticing(mutant: Mutant, policy: LoadedPolicy, { subject, touched }: Lab): string | null {
  const { cases, results } = subject
  const first: TestCase[] = []
  const then: TestCase[] = []
  cases.forEach((one, index) => {
    const touches = touched[index]
    if (touches === undefined || !mutant.touches(touches, one)) return
    const findings = results[index]?.actual?.findings ?? []
    const list = findings.some((finding) => finding.rule === mutant.rule) ? first : then
    list.push(one)
  })
  const found = [...first, ...then].find((one) => !runCase(policy, one).passed)
  return found?.name ?? null
}

/** The first Rego test that notices. */
function noticingRego({ replan }: Mutant, { subject }: Lab): string | null {
  const suite = subject.rego
  if (suite === null || replan === undefined) return null
  const plan = replan(suite.parts.plan)
  if (plan === suite.parts.plan) return null
  const program = programWith(suite.parts, { plan, backEnd: 'closures' })
  return suite.tests.find(({ entrypoint }) => !passes(program, entrypoint))?.name ?? null
}

/** Whether a Rego test holds: it is true, or an object of cases that all are. */
export function passes(program: RegoProgram, entrypoint: string): boolean {
  const outcome = program.evaluate(entrypoint, {})
  return 'value' in outcome && isTrue(outcome.value)
}

function isTrue(value: JsonValue): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value === true
  const cases = Object.values(value)
  return cases.length > 0 && cases.every(isTrue)
}
