import { PolicyError } from '../../../base/errors.ts'
import { parseDecimal } from '../decimal.ts'
import type { Term } from '../terms.ts'

/** Characters of one text that a built-in gives, and of the text it takes apart. */
export const BUILTIN_CHARACTERS_MAX = 1_048_576

/** A built-in's refusal. The message never holds the operand. */
export function refuse(message: string): PolicyError {
  return new PolicyError('REGO_BUILTIN_ERROR', message)
}

export function stringOperand(term: Term | undefined, position: number): string {
  if (typeof term !== 'string') throw refuse(`operand ${position} must be a string`)
  return term
}

/** Members of an array or a set. */
export function itemsOperand(term: Term | undefined, position: number): readonly Term[] {
  if (
    typeof term === 'object' &&
    term !== null &&
    term.kind !== 'number' &&
    term.kind !== 'object'
  ) {
    return term.items
  }
  throw refuse(`operand ${position} must be an array or a set`)
}

/** An integer, also when it is written `1e3` or `2.0`. */
export function integerOperand(term: Term | undefined, position: number): bigint {
  if (typeof term === 'object' && term !== null && term.kind === 'number') {
    const value = parseDecimal(term.text)
    if (value !== undefined && value.numerator % value.denominator === 0n) {
      return value.numerator / value.denominator
    }
  }
  throw refuse(`operand ${position} must be an integer`)
}

/** The text a built-in gives, within its bound. */
export function bounded(text: string): string {
  if (text.length > BUILTIN_CHARACTERS_MAX) throw refuse('the text grows too long')
  return text
}
