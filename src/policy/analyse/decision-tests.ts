import { parseDuration } from '../../base/duration.ts'
import { PolicyError } from '../../base/errors.ts'
import { compareText } from '../../base/position.ts'
import type { LoadedPolicy } from '../../decide/evaluate/index.ts'
import { parseAction } from '../../model/action.ts'
import type {
  DecisionTest,
  DecisionTestCase,
  Finding,
  Place,
  TestStep,
} from '../../model/generated/types.ts'
import type { JudgedAction } from '../../model/nouns.ts'
import type { DecisionActual, DecisionExpected, DecisionTestResult } from '../../model/results.ts'
import { createBench, REPLAY_EPOCH, REPLAY_STEP_MS } from './judging.ts'

/** A DecisionTest document that knows where its parts are written, as `parseDocuments` gives it. */
export type TestDocument = {
  readonly value: DecisionTest
  readonly at: (pointer?: string) => Place
}

/**
 * Runs decision tests, each in a state of its own, in the order of the documents. The given actions are judged
 * before the action that is tested; a step takes place one second after the one before unless it says when.
 *
 * @param selects - runs only the tests whose name it accepts
 */
export function runDecisionTests(
  policy: LoadedPolicy,
  documents: readonly TestDocument[],
  selects: (name: string) => boolean = () => true,
): DecisionTestResult[] {
  return documents.flatMap(({ value, at }) =>
    value.tests.flatMap((test, index) => {
      if (!selects(test.name)) return []
      const { file, line, column } = at(`/tests/${index}`)
      return [{ name: test.name, file, line, column, ...runTest(policy, value, test) }]
    }),
  )
}

type Outcome = Pick<DecisionTestResult, 'passed' | 'expected' | 'actual' | 'differences'>

function runTest(policy: LoadedPolicy, document: DecisionTest, test: DecisionTestCase): Outcome {
  const expected = test.expect
  try {
    const actual = judge(policy, document, test)
    const differences = differencesOf(expected, actual)
    return { passed: differences.length === 0, expected, actual, differences }
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error
    const differences = [`the test is no action: ${error.message} (${error.code})`]
    return { passed: false, expected, actual: null, differences }
  }
}

function judge(
  policy: LoadedPolicy,
  document: DecisionTest,
  test: DecisionTestCase,
): DecisionActual {
  const bench = createBench(policy)
  const start = document.start === undefined ? REPLAY_EPOCH : timeOf(document.start)
  let now = start
  const run = (step: TestStep, isFirst: boolean) => {
    const { at, ...fields } = { ...document.defaults, ...step }
    now = at === undefined ? (isFirst ? start : now + REPLAY_STEP_MS) : momentOf(at, start)
    return bench.judge(actionOf(policy, fields), now)
  }
  const given = test.given ?? []
  given.forEach((step, index) => {
    run(step, index === 0)
  })
  const { verdict, findings, route } = run(test.action, given.length === 0)
  return { verdict, findings, route }
}

function actionOf(policy: LoadedPolicy, fields: Omit<TestStep, 'at'>): JudgedAction {
  return parseAction(fields, { project: policy.policy.project, agents: ['*'], role: 'agent' })
}

function momentOf(at: string, start: number): number {
  return at.includes('T') ? timeOf(at) : start + parseDuration(at)
}

function timeOf(text: string): number {
  const time = Date.parse(text)
  if (!Number.isNaN(time)) return time
  throw new PolicyError('VALUE_INVALID', `expected a time that the calendar has, found ${text}`)
}

/** What differs, in words that a person can act on. */
function differencesOf(expected: DecisionExpected, actual: DecisionActual): string[] {
  const differences: string[] = []
  if (actual.verdict !== expected.verdict) {
    differences.push(`expected the verdict ${expected.verdict}, got ${actual.verdict}`)
  }
  const rules = [...new Set(actual.findings.map(({ rule }: Finding) => rule))]
  differences.push(...differenceOfSets('findings of', expected.rules, rules))
  differences.push(...differenceOfSets('the route', expected.route, actual.route))
  return differences
}

function differenceOfSets(
  what: string,
  expected: readonly string[] | undefined,
  actual: readonly string[],
): string[] {
  if (expected === undefined) return []
  const wanted = [...expected].sort(compareText)
  const found = [...actual].sort(compareText)
  if (wanted.join('\n') === found.join('\n')) return []
  return [`expected ${what} ${listOf(wanted)}, got ${listOf(found)}`]
}

function listOf(names: readonly string[]): string {
  return names.length === 0 ? 'none' : names.join(', ')
}
