import type { BigFloat } from '../values/big-float.ts'
import { add, multiply } from '../values/big-float.ts'
import { shortTotal } from '../values/double-float.ts'
import type { RegoNumber } from '../values/number.ts'
import { isBounded, isNumber, isWhole, wholeNumber } from '../values/number.ts'
import type { Value } from '../values/value.ts'
import { compareValues, isArray, isObject, isSet, objectSize, typeOf } from '../values/value.ts'
import { chargeLong, fitting, ofFloat, ofShort, toFloat, tooLong } from './arithmetic.ts'
import type { BuiltinFamily, Call } from './builtin.ts'
import { BuiltinError, mismatch } from './builtin.ts'
import { weigh } from './objects-weight.ts'

/**
 * One value from the members of an array or a set.
 * https://www.openpolicyagent.org/docs/policy-reference/builtins/aggregates
 */
export const AGGREGATES: BuiltinFamily = {
  count: (_call, value) => {
    if (isArray(value)) return value.length
    if (typeof value === 'string') return characters(value)
    if (isSet(value)) return value.size
    return isObject(value)
      ? objectSize(value)
      : mismatch(value, 1, 'array', 'object', 'set', 'string')
  },

  sum: (call, value) => {
    const members = membersOf(value)
    let total = 0
    for (const member of members) {
      if (typeof member !== 'number' || !Number.isSafeInteger(member)) return longSum(call, value)
      total += member
      if (!Number.isSafeInteger(total)) return longSum(call, value)
    }
    return total
  },

  product: (call, value) => {
    const numbers = numbersOf(value)
    return numbers.every(isWhole) ? wholeProduct(call, numbers) : floatProduct(call, numbers)
  },

  max: (call, value) => extreme(call, value, 1),
  min: (call, value) => extreme(call, value, -1),

  sort: (call, value) => {
    if (!isArray(value)) return membersOf(value)
    const rounds = Math.ceil(Math.log2(value.length + 1))
    // Merging compares each member once a round, for at most what it holds.
    weigh(times(call, rounds), value)
    return [...value].sort(compareValues)
  },
}

/** A call whose work counts so many times. */
function times(call: Call, factor: number): Call {
  return {
    work: (units) => call.work(units * factor),
    output: (bytes) => call.output(bytes),
    cached: (key, make) => call.cached(key, make),
    own: (key, make) => call.own(key, make),
  }
}

/** Unicode code points. */
function characters(text: string): number {
  let length = text.length
  for (let at = 0; at < text.length; at++) {
    if ((text.charCodeAt(at) & 0xfc00) === 0xdc00) length -= 1
  }
  return length
}

function membersOf(value: Value | undefined): readonly Value[] {
  if (isArray(value)) return value
  return isSet(value) ? value.values() : mismatch(value, 1, 'set', 'array')
}

function numbersOf(value: Value | undefined): readonly RegoNumber[] {
  const members = membersOf(value)
  const other = members.find((member) => !isNumber(member))
  if (other === undefined) return members as readonly RegoNumber[]
  const kind = isArray(value) ? 'array' : 'set'
  throw new BuiltinError(
    `operand 1 must be ${kind} of numbers but got ${kind} containing ${typeOf(other)}`,
    'eval_type_error',
  )
}

function longSum(call: Call, value: Value | undefined): RegoNumber {
  const numbers = numbersOf(value)
  call.work(numbers.length * FLOAT_WORK)
  if (numbers.every(isWhole)) {
    let total = 0n
    for (const number of numbers) total += BigInt(number)
    return fitting(total)
  }
  if (numbers.every((number) => typeof number === 'number')) {
    const short = shortTotal(numbers)
    if (short !== undefined) return ofShort(call, short)
  }
  let total: BigFloat = { mantissa: 0n, exponent: 0 }
  for (const number of numbers) total = add(total, toFloat(call, number))
  return ofFloat(call, total)
}

function wholeProduct(call: Call, numbers: readonly (number | bigint)[]): RegoNumber {
  let small = 1
  let total: bigint | undefined
  for (const number of numbers) {
    if (total === undefined && typeof number === 'number') {
      const next = small * number
      if (Number.isSafeInteger(next)) {
        small = next
        continue
      }
    }
    chargeLong(call, number)
    call.work(FLOAT_WORK)
    // Bounded at each step, so that no step costs more than the longest number does.
    total = (total ?? BigInt(small)) * BigInt(number)
    if (!isBounded(total)) throw tooLong()
  }
  return total === undefined ? small || 0 : wholeNumber(total)
}

/** OPA begins with a float of 53 bits, and so the product keeps no more. */
function floatProduct(call: Call, numbers: readonly RegoNumber[]): RegoNumber {
  call.work(numbers.length * FLOAT_WORK)
  let total: BigFloat = { mantissa: 1n, exponent: 0 }
  for (const number of numbers) total = multiply(total, toFloat(call, number), PRODUCT_BITS)
  return ofFloat(call, total, PRODUCT_BITS)
}

const PRODUCT_BITS = 53
const FLOAT_WORK = 20 // A microsecond in arithmetic on floats.

function extreme(call: Call, value: Value | undefined, sign: 1 | -1): Value | undefined {
  if (isSet(value)) return value.values().at(sign === 1 ? -1 : 0)
  if (!isArray(value)) return mismatch(value, 1, 'set', 'array')
  let found = value[0]
  if (found === undefined) return undefined
  weigh(call, value)
  for (const member of value) if (compareValues(member, found) * sign > 0) found = member
  return found
}
