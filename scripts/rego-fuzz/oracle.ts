import type { JsonObject } from '../../src/base/json-value.ts'
import type {
  OpaCompiler,
  RegoOracleOutcome,
  RegoOracleQuestions,
} from '../../src/host/rego-compiler/compiler.ts'
import { plainNumbers } from './documents.ts'
import type { Case, Failure, Mode, Outcome } from './outcome.ts'
import { CRASHED, inputText, UNREADABLE } from './outcome.ts'
import type { Policy, Spelling } from './policy.ts'
import { entriesOf, filesOf, MAIN } from './policy.ts'
import { TRIED } from './spellings.ts'
import { readTerm } from './term-text.ts'

export type Oracle = Pick<OpaCompiler, 'oracleMany'>

/** Evaluates with OPA's own evaluator. Undefined where the policy does not compile, spelt like that. */
export async function askOracle(
  oracle: Oracle,
  policy: Policy,
  cases: readonly Case[],
  { mode, spelling = {} }: { readonly mode: Mode; readonly spelling?: Spelling },
): Promise<readonly Outcome[] | undefined> {
  const files = { ...filesOf(policy, spelling), ...asking(policy) }
  const question = {
    query: 'data.fz.ask.answer',
    data: JSON.parse(policy.data) as JsonObject,
    strict: mode === 'strict',
    terms: true,
  }
  const inputs = cases.map(({ entry, input }) =>
    inputText({ entry, input: spelling.plain === true ? plainNumbers(input) : input }),
  )
  return askAll(oracle, files, { ...question, inputs }, { left: CRASHES_MAX })
}

/** Why OPA does not take the policy, if so: its compiler is told the data, and may see more than `build`. */
export async function refusal(oracle: Oracle, policy: Policy): Promise<string | undefined> {
  const data = JSON.parse(policy.data) as JsonObject
  const question = { query: 'data.fz.ask.answer', data, strict: true, inputs: [] }
  for (const spelling of TRIED) {
    const files = { ...filesOf(policy, spelling), ...asking(policy) }
    const answer = await oracle.oracleMany(files, question)
    if ('error' in answer) return answer.error.message
    if ('diagnostics' in answer) return answer.diagnostics[0]?.message ?? 'no reason is given'
  }
  return undefined
}

/** Crashes that one call may come across before it gives up on what is left. */
const CRASHES_MAX = 40

/** One rule for all rules, so that the policy is compiled once: the input says which is asked for. */
function asking(policy: Policy): Record<string, string> {
  const rules = entriesOf(policy).map(
    (name) => `answer := data.${MAIN}.${name} if input.entry == "${name}"`,
  )
  return { 'fz/ask.rego': ['package fz.ask', ...rules, ''].join('\n\n') }
}

/** Where OPA crashes, it does for all inputs of a call: they are asked in halves. */
export async function askAll(
  oracle: Oracle,
  files: Record<string, string>,
  questions: RegoOracleQuestions,
  crashes: { left: number },
): Promise<readonly Outcome[] | undefined> {
  const { inputs } = questions
  if (crashes.left <= 0) return inputs.map(() => crashed('not asked, as others crashed'))
  try {
    const answer = await oracle.oracleMany(files, questions)
    return 'answers' in answer ? answer.answers.map(outcomeOf) : undefined
  } catch (cause) {
    crashes.left -= 1
    if (inputs.length <= 1) return inputs.map(() => crashed(String(cause)))
    const half = inputs.length >> 1
    const [first, second] = [inputs.slice(0, half), inputs.slice(half)]
    const told = await askAll(oracle, files, { ...questions, inputs: first }, crashes)
    const rest = await askAll(oracle, files, { ...questions, inputs: second }, crashes)
    return [...(told ?? []), ...(rest ?? [])]
  }
}

function crashed(message: string): Failure {
  return { is: 'error', code: CRASHED, message, place: '' }
}

function outcomeOf(answer: RegoOracleOutcome): Outcome {
  if ('error' in answer) {
    const { code, message, file, line } = answer.error
    return { is: 'error', code, message, place: file === undefined ? '' : `${file}:${line}` }
  }
  const [result] = answer.results
  if (result === undefined) return { is: 'undefined' }
  if (result.term === undefined) throw new Error('the oracle gave no term')
  try {
    return { is: 'value', value: readTerm(result.term) }
  } catch (cause) {
    return { is: 'error', code: UNREADABLE, message: String(cause), place: '' }
  }
}
