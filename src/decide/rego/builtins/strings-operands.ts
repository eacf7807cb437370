import type { RegoSet, Value } from '../values/value.ts'
import { isArray, typeOf } from '../values/value.ts'
import { BuiltinError, wholeOperand } from './builtin.ts'

/** Strings of an array as they lie, or of a set in Rego's order. */
export function stringMembers(
  value: readonly Value[] | RegoSet,
  position: number,
): readonly string[] {
  const members = isArray(value) ? value : value.values()
  for (const member of members)
    if (typeof member !== 'string') elementMismatch(value, position, member)
  return members as readonly string[]
}

/** Refuses a member: `operand 2 must be array of strings but got array containing number`. */
export function elementMismatch(
  collection: Value,
  position: number,
  member: Value,
  wanted = 'string',
): never {
  const kind = typeOf(collection)
  throw new BuiltinError(
    `operand ${position} must be ${kind} of ${wanted}s but got ${kind} containing ${typeOf(member)}`,
    'eval_type_error',
  )
}

/** A whole number that a text's length bounds anyway: one that JavaScript cannot count to stands for a very large one. */
export function countOperand(value: Value | undefined, position: number): number {
  const whole = wholeOperand(value, position)
  if (typeof whole === 'number') return whole
  if (whole >= -INT_BOUND && whole < INT_BOUND) {
    return whole < 0n ? Number.MIN_SAFE_INTEGER : Number.MAX_SAFE_INTEGER
  }
  throw new BuiltinError(
    `operand ${position} must be integer number but got floating-point number`,
    'eval_type_error',
  )
}

const INT_BOUND = 2n ** 63n // Go's int.
