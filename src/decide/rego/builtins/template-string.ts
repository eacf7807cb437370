import { PolicyError } from '../../../base/errors.ts'
import { isNumber } from '../values/number.ts'
import { numberText } from '../values/text.ts'
import type { Value } from '../values/value.ts'
import { isSet } from '../values/value.ts'
import { chargeLong } from './arithmetic.ts'
import type { BuiltinFamily, Call } from './builtin.ts'
import { arrayOperand, mismatch } from './builtin.ts'
import { sprintf } from './sprintf.ts'

/** What `$"a {b}"` becomes. https://www.openpolicyagent.org/docs/policy-language#string-interpolation */
export const TEMPLATE_STRING: BuiltinFamily = {
  'internal.template_string': (call, parts) => {
    let text = ''
    for (const part of arrayOperand(parts, 1)) {
      const piece = pieceOf(call, part)
      call.output(piece.length)
      text += piece
    }
    return text
  },
}

/** A scalar as it is; the compiler wraps every other expression in a set, which is empty where that is undefined. */
function pieceOf(call: Call, part: Value): string {
  if (!isSet(part)) return scalarText(call, part) ?? mismatch(part, 1, 'set')
  const [value, ...others] = part.values()
  if (others.length > 0) {
    throw new PolicyError('REGO_CONFLICT', 'an expression in a template string has two values')
  }
  if (value === undefined) return '<undefined>'
  // Collections print as they do in sprintf, which bounds that.
  return scalarText(call, value) ?? sprintf(call, '%v', [value])
}

function scalarText(call: Call, value: Value): string | undefined {
  if (typeof value === 'string') return value
  if (value === null || typeof value === 'boolean') return String(value)
  if (!isNumber(value)) return undefined
  if (typeof value !== 'number') chargeLong(call, value)
  return numberText(value)
}
