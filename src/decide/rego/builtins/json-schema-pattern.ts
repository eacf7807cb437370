import type { Pattern } from '../regex/pattern.ts'
import { compilePattern, isMatch } from '../regex/pattern.ts'
import type { Meter } from '../regex/syntax.ts'
import { RegexError } from '../regex/syntax.ts'
import { BuiltinError } from './builtin.ts'

/** A pattern of a schema. */
export type SchemaPattern = { readonly source: string; readonly compiled: Pattern }

/** @throws {BuiltinError} with the message, for what is no pattern of Go's regexp */
export function readPattern(source: string, meter: Meter, message: string): SchemaPattern {
  try {
    return { source, compiled: compilePattern(source, meter) }
  } catch (cause) {
    if (!(cause instanceof RegexError)) throw cause
    throw new BuiltinError(message, undefined, { cause })
  }
}

/** Whether it matches somewhere in the text. */
export function matches(pattern: SchemaPattern, text: string, meter: Meter): boolean {
  return isMatch(pattern.compiled, text, meter)
}
