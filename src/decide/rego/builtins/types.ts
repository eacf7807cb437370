import { isNumber } from '../values/number.ts'
import type { Value } from '../values/value.ts'
import {
  equalValues,
  isArray,
  isObject,
  isSet,
  objectGet,
  objectKeys,
  objectSize,
  typeOf,
} from '../values/value.ts'
import type { BuiltinFamily, Call } from './builtin.ts'
import { mismatch, stringOperand } from './builtin.ts'
import { weigh } from './objects-weight.ts'

/** Questions about a value's type, the `in` operator, and `trace`, which is true and leaves no trace. */
export const TYPES: BuiltinFamily = {
  is_array: (_call, value) => isArray(value),
  is_boolean: (_call, value) => typeof value === 'boolean',
  is_null: (_call, value) => value === null,
  is_number: (_call, value) => isNumber(value),
  is_object: (_call, value) => isObject(value),
  is_set: (_call, value) => isSet(value),
  is_string: (_call, value) => typeof value === 'string',
  type_name: (_call, value) => (value === undefined ? mismatch(value, 1, 'null') : typeOf(value)),
  'internal.member_2': member,
  'internal.member_3': memberWithKey,
  trace: (_call, note) => {
    stringOperand(note, 1)
    return true
  },
}

/** `value in collection`. False where the second operand is no collection. */
function member(call: Call, value?: Value, collection?: Value): boolean {
  if (value === undefined) return mismatch(value, 1, 'null')
  if (isSet(collection)) {
    weigh(call, value)
    return collection.has(value)
  }
  if (isArray(collection)) return collection.some((item) => same(call, value, item))
  if (!isObject(collection)) return false
  call.work(8 * objectSize(collection))
  return objectKeys(collection).some((key) => same(call, value, objectGet(collection, key)))
}

/** `key, value in collection`: in a set, key and value are both the member. */
function memberWithKey(call: Call, key?: Value, value?: Value, collection?: Value): boolean {
  if (key === undefined || value === undefined) return mismatch(undefined, 1, 'null')
  weigh(call, key)
  if (isSet(collection)) return collection.has(key) && same(call, key, value)
  if (isObject(collection)) return same(call, value, objectGet(collection, key))
  if (!isArray(collection) || typeof key !== 'number') return false
  return same(call, value, collection[key])
}

/** Equality, charged where it may go deep. */
function same(call: Call, value: Value, other: Value | undefined): boolean {
  if (other === undefined) return false
  call.work(1)
  if (value === other) return true
  if (typeOf(value) !== typeOf(other)) return false
  weigh(call, other)
  return equalValues(value, other)
}
