import { PolicyError } from '../../../base/errors.ts'
import type { Builtin } from '../builtins/builtin.ts'
import { BuiltinError } from '../builtins/builtin.ts'
import type { Value } from '../values/value.ts'
import { isArray, isObject, objectSize, RegoSet } from '../values/value.ts'
import type { Evaluation } from './evaluation.ts'
import { EvaluationError } from './evaluation.ts'
import { MEMBER_BYTES } from './operations.ts'

/** A built-in as machines call it. `evaluation.site` is the call's. Gives undefined, or throws EvaluationError. */
export type BoundBuiltin = (
  evaluation: Evaluation,
  ...operands: (Value | undefined)[]
) => Value | undefined

/**
 * Binds a built-in to the way its errors are taken: they end the evaluation, or in a lax package are undefined and
 * remembered among the ignored ones. Charges what operands and result hold on their surface.
 */
export function bindBuiltin(
  builtin: Builtin,
  { name, arity, lax }: { readonly name: string; readonly arity: number; readonly lax: boolean },
): BoundBuiltin {
  const refuse = lax ? ignore : raise
  // One arity each: an array of operands for every call would be most of what an evaluation allocates.
  switch (arity) {
    case 1:
      return (evaluation, a) => {
        try {
          charge(evaluation, a)
          return made(evaluation, builtin(evaluation, a as Value))
        } catch (cause) {
          return refuse(evaluation, name, cause)
        }
      }
    case 2:
      return (evaluation, a, b) => {
        try {
          charge(evaluation, a)
          charge(evaluation, b)
          return made(evaluation, builtin(evaluation, a as Value, b as Value))
        } catch (cause) {
          return refuse(evaluation, name, cause)
        }
      }
    default:
      return (evaluation, ...operands) => {
        try {
          for (const operand of operands) charge(evaluation, operand)
          return made(evaluation, builtin(evaluation, ...(operands as Value[])))
        } catch (cause) {
          return refuse(evaluation, name, cause)
        }
      }
  }
}

const IGNORED_MAX = 16

function charge(evaluation: Evaluation, operand: Value | undefined): void {
  if (typeof operand === 'string') evaluation.work(operand.length >>> 4)
  else if (typeof operand === 'object' && operand !== null) {
    evaluation.work(1 + (membersOf(operand) >>> 4))
  }
}

function made(evaluation: Evaluation, value: Value | undefined): Value | undefined {
  if (typeof value === 'string') evaluation.output(value.length)
  else if (typeof value === 'object' && value !== null) {
    evaluation.output(membersOf(value) * MEMBER_BYTES)
  }
  return value
}

function membersOf(value: object & Value): number {
  if (isArray(value)) return value.length
  if (value instanceof RegoSet) return value.size
  return isObject(value) ? objectSize(value) : 0
}

function raise(evaluation: Evaluation, name: string, cause: unknown): never {
  throw failureOf(evaluation, name, cause)
}

function ignore(evaluation: Evaluation, name: string, cause: unknown): undefined {
  const failure = failureOf(evaluation, name, cause)
  if (failure.code !== 'REGO_BUILTIN_ERROR') throw failure
  if (evaluation.ignored.length < IGNORED_MAX) {
    evaluation.ignored.push({ message: failure.message, site: failure.site })
  }
  return undefined
}

function failureOf(evaluation: Evaluation, name: string, cause: unknown): EvaluationError {
  const { site } = evaluation
  if (cause instanceof EvaluationError) return cause
  if (cause instanceof BuiltinError) {
    const options = { cause, detail: cause.code }
    return new EvaluationError('REGO_BUILTIN_ERROR', `${name}: ${cause.message}`, site, options)
  }
  if (cause instanceof PolicyError && cause.code === 'REGO_CONFLICT') {
    return new EvaluationError('REGO_CONFLICT', `${name}: ${cause.message}`, site, { cause })
  }
  // A fault of ours, or the end of the stack: the evaluation is over, in a lax package too.
  return new EvaluationError('REGO_ABORTED', `${name} does not come to an end`, site, { cause })
}
