import { PolicyError } from '../../../base/errors.ts'
import { truncated } from '../values/big-float.ts'
import type { RegoNumber } from '../values/number.ts'
import { isNumber, isWhole, parseNumber, wholeNumber } from '../values/number.ts'
import type { Value } from '../values/value.ts'
import {
  compareStrings,
  compareValues,
  equalValues,
  isArray,
  isObject,
  isSet,
  objectSize,
  RegoSet,
  typeOf,
} from '../values/value.ts'
import {
  absolute,
  ceiling,
  chargeLong,
  difference,
  floor,
  nearest,
  product,
  quotient,
  remainder,
  sum,
  toFloat,
} from './arithmetic.ts'
import type { BuiltinFamily, Call } from './builtin.ts'
import { BuiltinError, mismatch, numberOperand } from './builtin.ts'
import { weigh, weighMembers } from './objects-weight.ts'

/**
 * Arithmetic, comparison, ranges and conversions.
 * https://www.openpolicyagent.org/docs/policy-reference/builtins/numbers
 */
export const NUMBERS: BuiltinFamily = {
  plus: (call, a, b) => {
    if (typeof a === 'number' && typeof b === 'number') {
      const total = a + b
      if (areSafe(a, b, total)) return total
    }
    return sum(call, numberOperand(a, 1), numberOperand(b, 2))
  },

  minus: (call, a, b) => {
    if (typeof a === 'number' && typeof b === 'number') {
      const rest = a - b
      if (areSafe(a, b, rest)) return rest
    }
    if (isNumber(a)) return difference(call, a, numberOperand(b, 2))
    if (!isSet(a)) return mismatch(a, 1, 'number', 'set')
    return isSet(b) ? without(call, a, b) : mismatch(b, 2, isNumber(b) ? 'set' : 'number')
  },

  mul: (call, a, b) => {
    if (typeof a === 'number' && typeof b === 'number') {
      const result = a * b
      if (areSafe(a, b, result)) return result || 0
    }
    return product(call, numberOperand(a, 1), numberOperand(b, 2))
  },

  div: (call, a, b) => quotient(call, numberOperand(a, 1), numberOperand(b, 2)),
  rem: (call, a, b) => remainder(call, numberOperand(a, 1), numberOperand(b, 2)),
  abs: (call, value) => absolute(call, numberOperand(value, 1)),
  ceil: (call, value) => ceiling(call, numberOperand(value, 1)),
  floor: (call, value) => floor(call, numberOperand(value, 1)),
  round: (call, value) => nearest(call, numberOperand(value, 1)),

  gt: (call, a, b) => order(call, a, b) > 0,
  gte: (call, a, b) => order(call, a, b) >= 0,
  lt: (call, a, b) => order(call, a, b) < 0,
  lte: (call, a, b) => order(call, a, b) <= 0,
  equal: (call, a, b) => isEqual(call, a, b),
  neq: (call, a, b) => !isEqual(call, a, b),

  'numbers.range': (call, from, to) => range(call, integerOf(from, 1), integerOf(to, 2), 1),

  'numbers.range_step': (call, from, to, step) => {
    const [first, last, by] = [integerOf(from, 1), integerOf(to, 2), integerOf(step, 3)]
    if (by <= 0) throw new BuiltinError('step must be a positive integer')
    return range(call, first, last, by)
  },

  to_number: (_call, value) => toNumber(value),
  format_int: (call, value, base) => formatInt(call, numberOperand(value, 1), base),
}

/** A whole number as OPA's numbers.range and bits.* take it. */
export function integerOf(value: Value | undefined, position: number): number | bigint {
  if (!isNumber(value)) {
    const found = value === undefined ? 'nothing' : typeOf(value)
    const message = `operand ${position} must be integer but got ${found}`
    throw new BuiltinError(message, 'eval_type_error')
  }
  if (isWhole(value)) return value
  throw new BuiltinError(
    `operand ${position} must be integer number but got floating-point number`,
    'eval_type_error',
  )
}

/** Whether whole numbers met and a whole number came out, none of them rounded. */
function areSafe(a: number, b: number, result: number): boolean {
  return Number.isSafeInteger(a) && Number.isSafeInteger(b) && Number.isSafeInteger(result)
}

function order(call: Call, a: Value | undefined, b: Value | undefined): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b
  if (a === undefined || b === undefined) return mismatch(undefined, 1, 'null')
  if (typeof a === 'string' && typeof b === 'string') return compareStrings(a, b)
  const type = typeOf(a)
  if (type === typeOf(b)) {
    chargeSmaller(call, a, b)
    // Only large ones cost more than the step.
    if (isNumber(a) && isNumber(b)) {
      chargeLong(call, a)
      chargeLong(call, b)
    }
  }
  return compareValues(a, b)
}

function isEqual(call: Call, a: Value | undefined, b: Value | undefined): boolean {
  if (a === b && a !== undefined) return true
  if (a === undefined || b === undefined) return mismatch(undefined, 1, 'null')
  if (typeof a !== 'object' || typeof b !== 'object' || sizeOf(a) !== sizeOf(b)) return false
  chargeSmaller(call, a, b)
  return equalValues(a, b)
}

/** What comparing two values visits is at most what the smaller one holds. */
function chargeSmaller(call: Call, a: Value, b: Value): void {
  weigh(call, sizeOf(a) <= sizeOf(b) ? a : b)
}

function sizeOf(value: Value): number {
  if (isArray(value)) return value.length
  if (isSet(value)) return value.size
  return isObject(value) ? objectSize(value) : -1
}

function without(call: Call, a: RegoSet, b: RegoSet): RegoSet {
  if (b.size === 0) return a
  const rest = new RegoSet()
  for (const member of weighMembers(call, a)) if (!b.has(member)) rest.add(member)
  return rest
}

const MEMBER_BYTES = 16
const ARRAY_LENGTH_MAX = 2 ** 32 - 1 // ECMA-262, 10.4.2.

/** Both ends belong to a range; where the first is greater, it goes down. */
function range(
  call: Call,
  first: number | bigint,
  last: number | bigint,
  step: number | bigint,
): readonly Value[] {
  const [from, to, by] = [BigInt(first), BigInt(last), BigInt(step)]
  const length = Number((from <= to ? to - from : from - to) / by) + 1
  if (length > ARRAY_LENGTH_MAX) throw new BuiltinError('the range has too many numbers')
  call.work(length)
  call.output(length * MEMBER_BYTES)
  const members: Value[] = []
  if (typeof first === 'number' && typeof last === 'number' && typeof step === 'number') {
    const stride = first <= last ? step : -step
    for (let at = 0; at < length; at++) members.push(first + at * stride)
    return members
  }
  const stride = from <= to ? by : -by
  for (let at = 0, next = from; at < length; at++, next += stride) members.push(wholeNumber(next))
  return members
}

/** Go's strconv.ParseFloat decides what a number is; its hexadecimals and underscores are refused. */
function toNumber(value: Value | undefined): RegoNumber {
  if (value === null || value === false) return 0
  if (value === true) return 1
  if (isNumber(value)) return value
  if (typeof value !== 'string') {
    return mismatch(value, 1, 'null', 'boolean', 'number', 'string')
  }
  if (NOT_FINITE.test(value)) {
    throw new BuiltinError(
      'operand 1 must be valid number string but got string',
      'eval_type_error',
    )
  }
  try {
    const number = parseNumber(value)
    if (number === undefined) throw new BuiltinError('operand 1 is no number: invalid syntax')
    if (!Number.isFinite(Number(value))) throw new BuiltinError('operand 1: value out of range')
    return number
  } catch (cause) {
    if (!(cause instanceof PolicyError)) throw cause
    throw new BuiltinError(cause.message, 'eval_builtin_error', { cause })
  }
}

const NOT_FINITE = /^[+-]*(?:inf|infinity|nan)$/i

function formatInt(call: Call, value: RegoNumber, base: Value | undefined): string {
  if (base !== 10 && base !== 2 && base !== 8 && base !== 16) {
    numberOperand(base, 2)
    throw new BuiltinError('operand 2 must be one of {2, 8, 10, 16}', 'eval_type_error')
  }
  chargeLong(call, value)
  // A fraction is read into a float of 64 bits and cut, as in OPA.
  return (isWhole(value) ? value : truncated(toFloat(call, value))).toString(base)
}
