import { PolicyError } from '../../base/errors.ts'
import { compareText } from '../../base/position.ts'
import type { LoadedPolicy } from '../../decide/evaluate/index.ts'
import { loadPolicy } from '../../decide/evaluate/index.ts'
import { readLines } from '../../host/files.ts'
import { readPolicyFiles } from '../../host/policy-files.ts'
import type { CompiledPolicy } from '../../model/generated/types.ts'
import type { CostReport } from '../../model/policy-costs.ts'
import { createBench } from '../../policy/analyse/judging.ts'
import { parseSession, SESSION_LENGTH_MAX } from '../../policy/analyse/recorded-session.ts'
import { createStepper } from '../../policy/analyse/replay.ts'
import { costPolicy, percentileOf } from '../../policy/analyse/rule-costs.ts'
import { casesOf, type TimedAction } from '../../policy/analyse/test-cases.ts'
import { parseDocuments } from '../../policy/compile/index.ts'
import { openBundle, type PolicySource } from './compile-policy.ts'

/** Actions that are kept to be judged again each round; a longer trace counts up to there. */
const ACTIONS_MAX = 100_000

export type BenchRequest = {
  readonly source: PolicySource
  /** Traces, absolute; none takes the actions of the policy's decision tests. */
  readonly traces: readonly string[]
  /** Passes that are measured, after one that is not. */
  readonly rounds: number
}

/**
 * What each rule costs on recorded actions, or on those of the decision tests. A round goes through all of them from
 * empty state, by the same evaluation as in life; only the clock is read around each rule, which costs some tens of
 * nanoseconds itself.
 *
 * @throws {PolicyError} USAGE_INVALID for a bundle without traces, and where there is no action; SESSION_INVALID,
 *   FILE_UNREADABLE; what `openBundle` throws
 */
export async function benchPolicy(request: BenchRequest): Promise<CostReport> {
  const { source, traces, rounds } = request
  const bundle = await openBundle(source)
  const groups =
    traces.length > 0
      ? await groupsOfTraces(traces, bundle.policy.project)
      : await groupsOfTests(source, bundle.policy.project)
  const actions = groups.reduce((sum, group) => sum + group.length, 0)
  if (actions === 0) throw new PolicyError('USAGE_INVALID', 'expected at least one action to judge')
  const costed = costPolicy(loadPolicy(bundle), () => performance.now())
  judgeAll(costed.policy, groups) // The first pass compiles; its times would say nothing.
  costed.reset()
  const decisions: number[] = []
  for (let round = 0; round < rounds; round++) {
    for (const us of judgeAll(costed.policy, groups)) decisions.push(us)
  }
  const rules = costed.costs()
  return {
    policy: bundle.digest,
    source: traces.length > 0 ? 'traces' : 'tests',
    actions,
    rounds,
    decision: { p50_us: percentileOf(decisions, 0.5), p99_us: percentileOf(decisions, 0.99) },
    rules,
    unselected: unselectedOf(
      bundle.policy,
      new Set(
        rules.map(({ rule, kind, place }) =>
          kind === 'rego' ? `${place.file}:${place.line}` : rule,
        ),
      ),
    ),
  }
}

/** Actions that share one state. */
type Group = readonly TimedAction[]

async function groupsOfTraces(traces: readonly string[], project: string): Promise<Group[]> {
  const steps = createStepper(project, { carry: false })
  const groups: Group[] = []
  let count = 0
  for (const file of traces) {
    for await (const { text, number } of readLines(file, SESSION_LENGTH_MAX)) {
      if (text.trim() === '' || count >= ACTIONS_MAX) continue
      const place = { file, line: number }
      const group = [...steps(parseSession(text, place), place)].slice(0, ACTIONS_MAX - count)
      groups.push(group)
      count += group.length
    }
  }
  return groups
}

async function groupsOfTests(source: PolicySource, project: string): Promise<Group[]> {
  if (!('folder' in source)) {
    const message = 'a bundle holds no decision tests: name traces, or a policy repository'
    throw new PolicyError('USAGE_INVALID', message)
  }
  const { documents } = parseDocuments(await readPolicyFiles(source.folder))
  return casesOf(documents.tests, project).flatMap(({ steps }) =>
    steps instanceof PolicyError ? [] : [steps],
  )
}

/** @returns microseconds of each decision */
function judgeAll(policy: LoadedPolicy, groups: readonly Group[]): number[] {
  const bench = createBench(policy)
  return groups.flatMap((group) => {
    bench.reset()
    return group.map(({ action, now }) => {
      const start = performance.now()
      bench.judge(action, now)
      return (performance.now() - start) * 1000
    })
  })
}

function unselectedOf(
  policy: CompiledPolicy,
  selected: ReadonlySet<string>,
): CostReport['unselected'] {
  const placed = [
    ...policy.rules.map((rule) => ({ name: rule.id, key: rule.id, at: rule })),
    ...policy.rego.map((one) => ({ name: one.package, key: `${one.file}:${one.line}`, at: one })),
  ]
  return placed
    .filter(({ key }) => !selected.has(key))
    .map(({ name, at: { file, line, column } }) => ({ rule: name, place: { file, line, column } }))
    .sort((a, b) => compareText(a.rule, b.rule))
}
