import { PolicyError } from '../../base/errors.ts'
import type { JsonObject } from '../../base/json-value.ts'
import type { LoadedPolicy, Tokenise } from '../../decide/evaluate/index.ts'
import { applyObligations, namesIn } from '../../decide/evaluate/index.ts'
import type { Evaluation, JudgedAction } from '../../model/nouns.ts'
import type { DecisionActual, DecisionExpected, DecisionTestResult } from '../../model/results.ts'
import type { TestDocument } from '../compile/fixtures.ts'
import { differencesOf } from './expectations.ts'
import { createBench } from './judging.ts'
import type { TestCase } from './test-cases.ts'
import { casesOf } from './test-cases.ts'

export type { TestDocument } from '../compile/fixtures.ts'

/**
 * Runs decision tests, each case in a state of its own, in the order of the documents. The given actions are judged
 * before the action that is tested; a step takes place one second after the one before unless it says when.
 *
 * @param selects - runs only the cases whose name it accepts
 */
export function runDecisionTests(
  policy: LoadedPolicy,
  documents: readonly TestDocument[],
  selects: (name: string) => boolean = () => true,
): DecisionTestResult[] {
  return casesOf(documents, policy.policy.project, selects).map((one) => runCase(policy, one))
}

/** Runs one case in a state of its own. */
export function runCase(policy: LoadedPolicy, one: TestCase): DecisionTestResult {
  const { name, file, line, column, expected } = one
  const of = (actual: DecisionActual | null, differences: readonly string[]) => ({
    ...{ name, file, line, column, passed: differences.length === 0 },
    ...{ expected, actual, differences },
  })
  try {
    const actual = judge(policy, one)
    return of(actual, differencesOf(expected, actual, policy.policy.routes))
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error
    return of(null, [`the test is no action: ${error.message} (${error.code})`])
  }
}

/** @throws {PolicyError} what is wrong with a step, or with an obligation */
function judge(policy: LoadedPolicy, { steps, expected }: TestCase): DecisionActual {
  if (steps instanceof PolicyError) throw steps
  const bench = createBench(policy)
  let last: { readonly action: JudgedAction; readonly evaluation: Evaluation } | undefined
  for (const { action, now } of steps) last = { action, evaluation: bench.judge(action, now) }
  if (last === undefined) throw new PolicyError('ACTION_INVALID', 'expected an action to judge')
  const { verdict, findings, route, obligations } = last.evaluation
  return {
    ...{ verdict, findings, route, obligations },
    ...changedParts(policy, expected, last),
  }
}

/** The payload and result that would run or be handed on, where the test looks at them. */
function changedParts(
  { policy }: LoadedPolicy,
  expected: DecisionExpected,
  { action, evaluation }: { readonly action: JudgedAction; readonly evaluation: Evaluation },
): Pick<DecisionActual, 'payload' | 'result'> {
  if (expected.payload === undefined && expected.result === undefined) return {}
  const { obligations } = evaluation
  const { payload, result } = applyObligations(
    action,
    obligations,
    countedTokens(),
    namesIn(policy),
  )
  return { payload: payload as JsonObject, ...(result === undefined ? {} : { result }) }
}

/** Tokens that a person can write into a test: `[token 1]` for the first value, and whenever it comes again. */
function countedTokens(): Tokenise {
  const known = new Map<string, string>()
  return (text, kind) => {
    const key = `${kind}/${text}`
    const token = known.get(key) ?? `[token ${known.size + 1}]`
    known.set(key, token)
    return token
  }
}
