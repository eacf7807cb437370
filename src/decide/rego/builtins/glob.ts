import type { Pattern } from '../regex/pattern.ts'
import { compileSyntax, isMatch } from '../regex/pattern.ts'
import type { Value } from '../values/value.ts'
import type { BuiltinFamily, Call } from './builtin.ts'
import { arrayOperand, mismatch, stringOperand } from './builtin.ts'
import { parseGlob } from './glob-syntax.ts'
import { patternOf } from './regex-patterns.ts'
import { elementMismatch } from './strings-operands.ts'

/** https://www.openpolicyagent.org/docs/policy-reference/builtins/glob */
export const GLOB: BuiltinFamily = {
  'glob.match'(call, pattern, delimiters, text) {
    const glob = stringOperand(pattern, 1)
    const separators = separatorsOperand(call, delimiters)
    const base = stringOperand(text, 3)
    return isMatch(globOf(call, glob, separators), base, call)
  },

  'glob.quote_meta'(call, text) {
    const base = stringOperand(text, 1)
    call.work(base.length >>> 1)
    return base.replace(/[*?\\[\]{}]/g, '\\$&')
  },
}

/** Null for none; a list of characters, of which an empty one is the dot. */
function separatorsOperand(call: Call, value: Value | undefined): readonly number[] {
  if (value === null) return []
  if (!Array.isArray(value)) return mismatch(value, 2, 'array', 'null')
  const separators = arrayOperand(value, 2)
  call.work(4 * separators.length)
  if (separators.length === 0) return DOT
  return separators.map((separator) => {
    if (typeof separator !== 'string') return elementMismatch(separators, 2, separator)
    const [first, ...more] = separator
    if (first === undefined || more.length > 0) {
      return elementMismatch(separators, 2, separator, 'rune')
    }
    return first.codePointAt(0) ?? 0
  })
}

const DOT: readonly number[] = [0x2e]

function globOf(call: Call, glob: string, separators: readonly number[]): Pattern {
  return patternOf(call, { kind: `glob:${separators.join()}`, source: glob }, (meter) =>
    compileSyntax(parseGlob(glob, separators, meter), glob, meter),
  )
}
