import { bitLength } from '../values/big-float.ts'
import { DECIMAL_DIGITS_MAX, wholeNumber } from '../values/number.ts'
import type { Value } from '../values/value.ts'
import { fitting, tooLong } from './arithmetic.ts'
import type { BuiltinFamily } from './builtin.ts'
import { BuiltinError } from './builtin.ts'
import { integerOf } from './numbers.ts'

/**
 * Bitwise operations on whole numbers of any size, negative ones in two's complement.
 * https://www.openpolicyagent.org/docs/policy-reference/builtins/bits
 */
export const BITS: BuiltinFamily = {
  'bits.and': (_call, a, b) => wholeNumber(bits(a, 1) & bits(b, 2)),
  'bits.or': (_call, a, b) => fitting(bits(a, 1) | bits(b, 2)),
  'bits.xor': (_call, a, b) => fitting(bits(a, 1) ^ bits(b, 2)),
  'bits.negate': (_call, value) => fitting(~bits(value, 1)),

  'bits.lsh': (_call, value, shift) => {
    const whole = bits(value, 1)
    const by = shiftOf(shift)
    if (whole === 0n) return 0
    if (by + BigInt(bitLength(whole)) > BITS_MAX) throw tooLong()
    return fitting(whole << by)
  },

  'bits.rsh': (_call, value, shift) => {
    const whole = bits(value, 1)
    const by = shiftOf(shift)
    return wholeNumber(whole >> (by > BITS_MAX ? BITS_MAX : by))
  },
}

/** More than a whole number of DECIMAL_DIGITS_MAX digits has. */
const BITS_MAX = BigInt(DECIMAL_DIGITS_MAX * 4)

function bits(value: Value | undefined, position: number): bigint {
  return BigInt(integerOf(value, position))
}

/** OPA takes the lowest 64 bits of the second operand. */
function shiftOf(value: Value | undefined): bigint {
  const shift = bits(value, 2)
  if (shift >= 0n) return BigInt.asUintN(64, shift)
  const message = 'operand 2 must be an unsigned integer number but got a negative integer'
  throw new BuiltinError(message, 'eval_type_error')
}
