import type { Builtin } from '../builtins/builtin.ts'
import type { Analysis } from '../plan/analyse.ts'
import type { Plan } from '../plan/plan.ts'
import { selectUnits } from '../plan/rule-index.ts'
import type { Value } from '../values/value.ts'
import { isObject, RegoObject, RegoSet } from '../values/value.ts'
import { bindBuiltin } from './builtin-calls.ts'
import type { Evaluation, Machine, Remembered } from './evaluation.ts'
import { override, restore, UNDEFINED } from './evaluation.ts'
import { generateCode } from './generate.ts'
import {
  add,
  append,
  assignedTwice,
  dynamic,
  insert,
  insertNest,
  insertOnce,
  lengthOf,
  lookUp,
  lookUpName,
  lookUpNest,
  merge,
  replaceAt,
  same,
  scanKeys,
  scanValues,
} from './operations.ts'

/**
 * Makes a machine of generated code, by `new Function`.
 *
 * @throws {EvalError} where the platform forbids code generation
 */
export function buildGenerated(
  plan: Plan,
  analysis: Analysis,
  builtins: ReadonlyMap<string, Builtin>,
): Machine {
  const code = generateCode(plan, analysis)
  const constants: Remembered[] = new Array<Remembered>(plan.functions.length).fill(undefined)
  const documents: (Value | undefined)[] = code.documents.map(() => undefined)
  const given: Record<string, unknown> = { ...SUPPLIED, constants, documents }
  for (const use of code.builtins) {
    given[`b${use.index}`] = bindBuiltin(builtins.get(use.name) as Builtin, use)
  }
  for (const [index, value] of code.values.entries()) given[`k${index}`] = value
  for (const [index, node] of code.nodes.entries()) given[`n${index}`] = node
  const make = new Function(...Object.keys(given), code.text) as (
    ...given: readonly unknown[]
  ) => Generated
  const { queries, functions } = make(...Object.values(given))
  return {
    constants,
    prepare(data) {
      for (const [index, path] of code.documents.entries()) {
        documents[index] = path.reduce<Value | undefined>(lookUpName, data)
      }
    },
    run: (evaluation, entrypoint, input, data) => {
      queries.get(entrypoint)?.(evaluation, input, data)
    },
    call: (evaluation, index, input, data) => functions[index]?.(evaluation, input, data),
  }
}

type Rule = (
  evaluation: Evaluation,
  input: Value | undefined,
  data: Value | undefined,
) => Value | undefined

type Generated = {
  readonly queries: ReadonlyMap<string, Rule>
  readonly functions: readonly Rule[]
}

/** The names that generated code may use, beside the built-ins and constants of its plan. */
const SUPPLIED = {
  RegoObject,
  RegoSet,
  U: UNDEFINED,
  add,
  append,
  assignedTwice,
  dynamic,
  insert,
  insertNest,
  insertOnce,
  is_array: Array.isArray,
  is_object: isObject,
  is_set: (value: unknown): boolean => value instanceof RegoSet,
  lengthOf,
  lookUp,
  lookUpName,
  lookUpNest,
  merge,
  override,
  replaceAt,
  restore,
  same,
  scanKeys,
  scanValues,
  selectUnits,
}
