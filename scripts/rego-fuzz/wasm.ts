import type { JsonObject } from '../../src/base/json-value.ts'
import type { RegoProgram } from '../../src/decide/rego/types.ts'
import { fromJson, parseValue, toJson } from '../../src/decide/rego/values/json.ts'
import { loadOpaWasm } from '../../src/decide/rego/wasm/opa-wasm.ts'
import { entryPath } from './ours.ts'
import type { Case, Outcome } from './outcome.ts'
import { inputText } from './outcome.ts'
import type { Built } from './settle.ts'

/** Evaluates with opa-wasm, in its host. Undefined for what JSON of doubles cannot hand over exactly. */
export function wasmEvaluatorOf({ policy, wasm }: Built): (one: Case) => Outcome | undefined {
  const lax = policy.modules.some((module) => module.lax)
  const program = loadOpaWasm({ wasm, data: JSON.parse(policy.data) as JsonObject }, { lax })
  return (one) => evaluate(program, one)
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

function evaluate(program: RegoProgram, one: Case): Outcome | undefined {
  let input: JsonObject
  try {
    input = toJson(parseValue(inputText(one))) as JsonObject
  } catch {
    return undefined
  }
  const outcome = program.evaluate(entryPath(one.entry), input)
  if ('value' in outcome) return { is: 'value', value: fromJson(outcome.value) }
  if (outcome.failed === 'REGO_UNDEFINED') return { is: 'undefined' }
  const place = outcome.file === undefined ? '' : `${outcome.file}:${outcome.line}`
  return { is: 'error', code: outcome.failed, message: outcome.message, place }
}
