import type { RegoNumber } from '../values/number.ts'
import { isNumber, isWhole } from '../values/number.ts'
import type { AnyObject, RegoSet, TypeName, Value } from '../values/value.ts'
import { isArray, isObject, isSet, typeOf } from '../values/value.ts'

/**
 * What one evaluation lends to a built-in. The evaluator itself charges a step for each call, and for the characters
 * and members of operands and result that lie on the surface; a built-in charges what it does beyond that, before it
 * does it.
 */
export type Call = {
  /**
   * @param units - characters, members or nodes that are about to be visited
   * @throws when the evaluation has no steps left; a built-in lets it pass
   */
  work(units: number): void
  /**
   * @param bytes - characters that are about to be made, or 16 for each member
   * @throws when the evaluation may make no more; a built-in lets it pass
   */
  output(bytes: number): void
  /** What a family keeps between calls, patterns for instance: `make` must depend on the key alone. Bounded. */
  cached<T>(key: string, make: () => T): T
  /** The same for this evaluation alone. */
  own<T>(key: string, make: () => T): T
}

/**
 * One built-in function: pure, synchronous, deterministic. Gives undefined where OPA's is undefined without an error.
 *
 * @throws {BuiltinError} where OPA's reports an error
 */
export type Builtin = (call: Call, ...operands: Value[]) => Value | undefined

/** OPA's names of built-ins, each with what does its work. */
export type BuiltinFamily = Readonly<Record<string, Builtin>>

/** A built-in's refusal of its operands. The message never holds an operand's text beyond what names the fault. */
export class BuiltinError extends Error {
  override readonly name = 'BuiltinError'
  /** OPA's code: `eval_type_error` for an operand of the wrong type, `eval_builtin_error` for all else. */
  readonly code: 'eval_builtin_error' | 'eval_type_error'

  constructor(
    message: string,
    code: 'eval_builtin_error' | 'eval_type_error' = 'eval_builtin_error',
    options: ErrorOptions = {},
  ) {
    super(message, options)
    this.code = code
  }
}

/** @param position - of the operand, from 1 */
export function stringOperand(value: Value | undefined, position: number): string {
  return typeof value === 'string' ? value : mismatch(value, position, 'string')
}

export function numberOperand(value: Value | undefined, position: number): RegoNumber {
  return isNumber(value) ? value : mismatch(value, position, 'number')
}

export function wholeOperand(value: Value | undefined, position: number): number | bigint {
  const number = numberOperand(value, position)
  if (isWhole(number)) return number
  throw new BuiltinError(
    `operand ${position} must be integer number but got floating-point number`,
    'eval_type_error',
  )
}

export function arrayOperand(value: Value | undefined, position: number): readonly Value[] {
  return isArray(value) ? value : mismatch(value, position, 'array')
}

export function setOperand(value: Value | undefined, position: number): RegoSet {
  return isSet(value) ? value : mismatch(value, position, 'set')
}

export function objectOperand(value: Value | undefined, position: number): AnyObject {
  return isObject(value) ? value : mismatch(value, position, 'object')
}

/** Refuses an operand: `operand 1 must be one of {array, set} but got number`. */
export function mismatch(
  value: Value | undefined,
  position: number,
  ...wanted: readonly TypeName[]
): never {
  const expected = wanted.length === 1 ? wanted[0] : `one of {${wanted.join(', ')}}`
  const found = value === undefined ? 'nothing' : typeOf(value)
  throw new BuiltinError(
    `operand ${position} must be ${expected} but got ${found}`,
    'eval_type_error',
  )
}
