import { Worker } from 'node:worker_threads'
import type { JsonObject } from '../../src/base/json-value.ts'
import type { RegoOutcome } from '../../src/decide/rego/types.ts'
import { fromJson, parseValue, toJson } from '../../src/decide/rego/values/json.ts'
import { loadOpaWasm } from '../../src/decide/rego/wasm/opa-wasm.ts'
import { entryPath } from './ours.ts'
import type { Case, Outcome } from './outcome.ts'
import { inputText } from './outcome.ts'
import type { Built } from './settle.ts'

/** opa-wasm went on for seconds, and was stopped. */
export const ENDLESS = 'endless'

/** What the thread is given. */
export type WasmTask = {
  readonly wasm: Uint8Array
  readonly data: JsonObject
  readonly lax: boolean
  readonly questions: readonly WasmQuestion[]
}
type WasmQuestion = { readonly path: string; readonly input: JsonObject }

/**
 * Evaluates with opa-wasm, in its host, in a thread of its own: nothing else ends an evaluation that does not end.
 * Undefined for what JSON of doubles cannot hand over exactly, and for what comes after too many without an end.
 */
export async function evaluateByWasm(
  built: Built,
  cases: readonly Case[],
): Promise<readonly (Outcome | undefined)[]> {
  const outcomes: (Outcome | undefined)[] = cases.map(() => undefined)
  let waiting = [...cases.keys()].flatMap((at) => {
    const question = questionOf(cases[at]!)
    return question === undefined ? [] : [{ at, question }]
  })
  for (let round = 0; round < ENDLESS_MAX && waiting.length > 0; round++) {
    const questions = waiting.map(({ question }) => question)
    const answers = await answersOf({ ...taskOf(built), questions })
    for (const [nth, answer] of answers.entries()) outcomes[waiting[nth]!.at] = outcomeOf(answer)
    const stopped = waiting[answers.length]
    if (stopped !== undefined) {
      outcomes[stopped.at] = { is: 'error', code: ENDLESS, message: 'no end', place: '' }
    }
    waiting = waiting.slice(answers.length + 1)
  }
  return outcomes
}

/** The code with which opa-wasm refuses the module; undefined where it takes it. */
export function refusedByWasm(built: Built): string | undefined {
  try {
    const { lax, ...module } = taskOf(built)
    loadOpaWasm(module, { lax })
    return undefined
  } catch (refused) {
    return (refused as { readonly code?: string }).code ?? 'unknown'
  }
}

/** A value as it comes out of opa-wasm: sets are arrays. Undefined for one that does not. */
export function asJson(outcome: Outcome): Outcome | undefined {
  if (outcome.is !== 'value') return outcome
  try {
    return { is: 'value', value: fromJson(toJson(outcome.value)) }
  } catch {
    return undefined
  }
}

/** An evaluation takes less than a millisecond. */
const SILENCE_MS_MAX = 10_000
const ENDLESS_MAX = 2

function taskOf({ policy, wasm }: Built): Omit<WasmTask, 'questions'> {
  const lax = policy.modules.some((module) => module.lax)
  return { wasm, data: JSON.parse(policy.data) as JsonObject, lax }
}

function questionOf(one: Case): WasmQuestion | undefined {
  try {
    return { path: entryPath(one.entry), input: toJson(parseValue(inputText(one))) as JsonObject }
  } catch {
    return undefined
  }
}

/** Those that came before the thread fell silent. */
async function answersOf(task: WasmTask): Promise<readonly RegoOutcome[]> {
  const worker = new Worker(new URL('./wasm-worker.ts', import.meta.url), { workerData: task })
  const answers: RegoOutcome[] = []
  const { promise: over, resolve: end, reject: fail } = Promise.withResolvers<void>()
  const silence = setTimeout(end, SILENCE_MS_MAX)
  worker.on('message', (answer: RegoOutcome) => {
    answers.push(answer)
    silence.refresh()
    if (answers.length === task.questions.length) end()
  })
  worker.on('error', fail)
  try {
    await over
  } finally {
    clearTimeout(silence)
    await worker.terminate()
  }
  return answers
}

function outcomeOf(answer: RegoOutcome): Outcome {
  if ('value' in answer) return { is: 'value', value: fromJson(answer.value) }
  if (answer.failed === 'REGO_UNDEFINED') return { is: 'undefined' }
  const place = answer.file === undefined ? '' : `${answer.file}:${answer.line}`
  return { is: 'error', code: answer.failed, message: answer.message, place }
}
