import type { Value } from '../values/value.ts'
import { isArray } from '../values/value.ts'
import type { BuiltinFamily } from './builtin.ts'
import { arrayOperand, BuiltinError, wholeOperand } from './builtin.ts'

/** OPA's built-ins on arrays. https://www.openpolicyagent.org/docs/policy-reference/builtins/array */
export const ARRAYS: BuiltinFamily = {
  'array.concat': (call, a, b) => {
    const [left, right] = [arrayOperand(a, 1), arrayOperand(b, 2)]
    if (left.length === 0) return right
    if (right.length === 0) return left
    call.work((left.length + right.length) >>> 4)
    return left.concat(right)
  },

  'array.flatten': (call, array) => {
    const members = arrayOperand(array, 1)
    if (!members.some(isArray)) return members
    // The same long array may lie in it many times.
    let length = 0
    for (const member of members) length += isArray(member) ? member.length : 1
    call.work(length >>> 2)
    call.output(length * MEMBER_BYTES)
    return members.flat() as Value[]
  },

  'array.reverse': (_call, array) => arrayOperand(array, 1).toReversed(),

  'array.slice': (_call, array, start, stop) => {
    const members = arrayOperand(array, 1)
    const from = indexOperand(start, 2)
    const to = Math.min(Math.max(indexOperand(stop, 3), 0), members.length)
    return members.slice(Math.min(Math.max(from, 0), to), to)
  },
}

const MEMBER_BYTES = 16

/** Where a slice begins or ends: any integer of 64 bits is taken, those beyond the array's ends mean its ends. */
function indexOperand(value: Value | undefined, position: number): number {
  const whole = wholeOperand(value, position)
  if (typeof whole === 'bigint' && whole !== BigInt.asIntN(64, whole)) {
    throw new BuiltinError(
      `operand ${position} must be an integer of at most 64 bits`,
      'eval_type_error',
    )
  }
  return Number(whole)
}
