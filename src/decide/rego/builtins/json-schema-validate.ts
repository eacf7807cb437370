import type { RegoNumber } from '../values/number.ts'
import { compareNumbers, isNumber, isWhole, partsOf } from '../values/number.ts'
import type { AnyObject, Value } from '../values/value.ts'
import { isArray, isObject, objectGet, objectKeys, objectSize, typeOf } from '../values/value.ts'
import type { Call } from './builtin.ts'
import { BuiltinError } from './builtin.ts'
import type { Fault, FaultType, Place } from './json-schema-faults.ts'
import { ROOT } from './json-schema-faults.ts'
import { hasFormat } from './json-schema-formats.ts'
import { matches } from './json-schema-pattern.ts'
import { boundText, comparable } from './json-schema-text.ts'
import type { Count, Schema } from './json-schema-type.ts'
import { weigh } from './objects-weight.ts'

/**
 * How a document differs from a schema; empty where it does not.
 *
 * @param document - plain JSON: no sets, and no keys but text
 * @throws {BuiltinError} where schemas are applied more than APPLIED_MAX deep, as by one that refers to itself
 */
export function validate(call: Call, schema: Schema, document: Value): readonly Fault[] {
  const outcome = new Outcome()
  apply({ call, depth: 0 }, schema, document, outcome, ROOT)
  return outcome.faults
}

type Walk = { readonly call: Call; depth: number }

/** Faults, and how near the document came: of the ways that `anyOf` offers, the nearest one's faults are told. */
class Outcome {
  readonly faults: Fault[] = []
  score = 0

  get valid(): boolean {
    return this.faults.length === 0
  }

  fault(type: FaultType, place: Place, ...details: readonly (string | number | bigint)[]): void {
    this.faults.push({ type, place, details })
    this.score -= 2
  }

  absorb(other: Outcome): void {
    for (const fault of other.faults) this.faults.push(fault)
    this.score += other.score
  }
}

/** Schemas within schemas, each of them a few calls deep. */
const APPLIED_MAX = 500

const APPLY_UNITS = 8

function apply(walk: Walk, from: Schema, value: Value, outcome: Outcome, place: Place): void {
  const schema = referred(walk, from)
  if (schema.accepts !== undefined) {
    if (!schema.accepts) outcome.fault('false', place)
    return
  }
  const type = jsonType(value)
  if (schema.types !== undefined && !isOf(schema.types, type)) {
    const { types } = schema
    const expected = types.length === 1 ? (types[0] as string) : `[${types.join(',')}]`
    outcome.fault('invalid_type', place, expected, type)
    return
  }
  walk.depth += 1
  combine(walk, schema, value, outcome, place)
  if (isArray(value)) checkArray(walk, schema, value, outcome, place)
  else if (isObject(value)) checkObject(walk, schema, value, outcome, place)
  else if (isNumber(value)) checkNumber(schema, value, outcome, place)
  checkCommon(walk, schema, value, outcome, place)
  if (typeof value === 'string') checkText(walk, schema, value, outcome, place)
  if (isObject(value)) applyProperties(walk, schema, value, outcome, place)
  walk.depth -= 1
  outcome.score += 1
}

/** The schema that references lead to in the end. */
function referred(walk: Walk, schema: Schema): Schema {
  walk.call.work(APPLY_UNITS)
  let found = schema
  for (let hops = walk.depth; hops < APPLIED_MAX; hops++) {
    if (found.reference === undefined) return found
    walk.call.work(1)
    found = found.reference
  }
  throw new BuiltinError(`the schema nests or refers to itself beyond ${APPLIED_MAX} levels`)
}

function applied(walk: Walk, schema: Schema, value: Value, place: Place): Outcome {
  const outcome = new Outcome()
  apply(walk, schema, value, outcome, place)
  return outcome
}

function within(above: Place, name: string): Place {
  return { name, above }
}

type JsonType = 'array' | 'boolean' | 'integer' | 'null' | 'number' | 'object' | 'string'

function jsonType(value: Value): JsonType {
  if (isNumber(value)) return isWhole(value) ? 'integer' : 'number'
  return typeOf(value) as JsonType
}

function isOf(types: readonly string[], type: JsonType): boolean {
  return types.includes(type) || (type === 'integer' && types.includes('number'))
}

function combine(walk: Walk, schema: Schema, value: Value, outcome: Outcome, place: Place): void {
  if (schema.anyOf !== undefined) checkAnyOf(walk, schema.anyOf, value, outcome, place)
  if (schema.oneOf !== undefined) checkOneOf(walk, schema.oneOf, value, outcome, place)
  if (schema.allOf !== undefined) checkAllOf(walk, schema.allOf, value, outcome, place)
  if (schema.not !== undefined && applied(walk, schema.not, value, place).valid) {
    outcome.fault('number_not', place)
  }
  if (schema.dependencies !== undefined && isObject(value)) {
    checkDependencies(walk, schema.dependencies, value, outcome, place)
  }
  if (schema.if !== undefined) {
    const { then, else: otherwise } = schema
    if (applied(walk, schema.if, value, place).valid) {
      checkBranch(walk, then, 'condition_then', value, outcome, place)
    } else {
      checkBranch(walk, otherwise, 'condition_else', value, outcome, place)
    }
  }
  outcome.score += 1
}

function nearer(best: Outcome | undefined, other: Outcome): Outcome {
  return best === undefined || other.score > best.score ? other : best
}

function checkAnyOf(
  walk: Walk,
  schemas: readonly Schema[],
  value: Value,
  outcome: Outcome,
  place: Place,
): void {
  let best: Outcome | undefined
  for (const schema of schemas) {
    const found = applied(walk, schema, value, place)
    if (found.valid) return
    best = nearer(best, found)
  }
  if (best === undefined) return
  outcome.fault('number_any_of', place)
  outcome.absorb(best)
}

function checkOneOf(
  walk: Walk,
  schemas: readonly Schema[],
  value: Value,
  outcome: Outcome,
  place: Place,
): void {
  let valid = 0
  let best: Outcome | undefined
  for (const schema of schemas) {
    const found = applied(walk, schema, value, place)
    if (found.valid) valid += 1
    else if (valid === 0) best = nearer(best, found)
  }
  if (schemas.length === 0 || valid === 1) return
  outcome.fault('number_one_of', place)
  if (valid === 0 && best !== undefined) outcome.absorb(best)
}

function checkAllOf(
  walk: Walk,
  schemas: readonly Schema[],
  value: Value,
  outcome: Outcome,
  place: Place,
): void {
  let valid = 0
  for (const schema of schemas) {
    const found = applied(walk, schema, value, place)
    if (found.valid) valid += 1
    outcome.absorb(found)
  }
  if (valid < schemas.length) outcome.fault('number_all_of', place)
}

function checkDependencies(
  walk: Walk,
  dependencies: ReadonlyMap<string, readonly string[] | Schema>,
  object: AnyObject,
  outcome: Outcome,
  place: Place,
): void {
  for (const name of keysOf(walk, object)) {
    const needs = dependencies.get(name)
    if (needs === undefined) continue
    if (!isList(needs)) {
      apply(walk, needs, object, outcome, place)
      continue
    }
    walk.call.work(needs.length)
    for (const need of needs) {
      if (objectGet(object, need) === undefined) outcome.fault('missing_dependency', place, need)
    }
  }
}

function checkBranch(
  walk: Walk,
  schema: Schema | undefined,
  type: 'condition_then' | 'condition_else',
  value: Value,
  outcome: Outcome,
  place: Place,
): void {
  if (schema === undefined) return
  const found = applied(walk, schema, value, place)
  if (found.valid) return
  outcome.fault(type, place)
  outcome.absorb(found)
}

function checkCommon(
  walk: Walk,
  schema: Schema,
  value: Value,
  outcome: Outcome,
  place: Place,
): void {
  const { constant, enumeration, format } = schema
  if (constant !== undefined || enumeration !== undefined) {
    weigh(walk.call, value)
    const text = comparable(value)
    if (constant !== undefined && text !== constant) outcome.fault('const', place, constant)
    if (enumeration !== undefined && !enumeration.texts.has(text)) {
      outcome.fault('enum', place, enumeration.shown)
    }
  }
  if (format !== undefined && typeof value === 'string') {
    walk.call.work(value.length)
    if (!hasFormat(walk.call, format, value)) outcome.fault('format', place, format)
  }
  outcome.score += 1
}

function checkNumber(schema: Schema, value: RegoNumber, outcome: Outcome, place: Place): void {
  const { multipleOf, maximum, exclusiveMaximum, minimum, exclusiveMinimum } = schema
  if (multipleOf !== undefined && !isMultiple(value, multipleOf)) {
    outcome.fault('multiple_of', place, boundText(multipleOf))
  }
  if (maximum !== undefined && compareNumbers(value, maximum) > 0) {
    outcome.fault('number_lte', place, boundText(maximum))
  }
  if (exclusiveMaximum !== undefined && compareNumbers(value, exclusiveMaximum) >= 0) {
    outcome.fault('number_lt', place, boundText(exclusiveMaximum))
  }
  if (minimum !== undefined && compareNumbers(value, minimum) < 0) {
    outcome.fault('number_gte', place, boundText(minimum))
  }
  if (exclusiveMinimum !== undefined && compareNumbers(value, exclusiveMinimum) <= 0) {
    outcome.fault('number_gt', place, boundText(exclusiveMinimum))
  }
  outcome.score += 1
}

function isMultiple(value: RegoNumber, factor: RegoNumber): boolean {
  const [a, b] = [partsOf(value), partsOf(factor)]
  const exponent = Math.min(a.exponent, b.exponent)
  const whole = a.coefficient * 10n ** BigInt(a.exponent - exponent)
  return whole % (b.coefficient * 10n ** BigInt(b.exponent - exponent)) === 0n
}

function checkText(walk: Walk, schema: Schema, text: string, outcome: Outcome, place: Place): void {
  const { minLength, maxLength, pattern } = schema
  if (minLength !== undefined || maxLength !== undefined) {
    walk.call.work(text.length >>> 2)
    const length = charactersOf(text)
    if (below(length, minLength)) outcome.fault('string_gte', place, minLength as Count)
    if (above(length, maxLength)) outcome.fault('string_lte', place, maxLength as Count)
  }
  if (pattern !== undefined && !matches(pattern, text, walk.call)) {
    outcome.fault('pattern', place, pattern.source)
  }
  outcome.score += 1
}

function charactersOf(text: string): number {
  let length = 0
  for (const _ of text) length += 1
  return length
}

function below(length: number, count: Count | undefined): boolean {
  return count !== undefined && length < count
}

function above(length: number, count: Count | undefined): boolean {
  return count !== undefined && length > count
}

function checkArray(
  walk: Walk,
  schema: Schema,
  members: readonly Value[],
  outcome: Outcome,
  place: Place,
): void {
  checkItems(walk, schema, members, outcome, place)
  const { minItems, maxItems, contains } = schema
  if (below(members.length, minItems)) outcome.fault('array_min_items', place, minItems as Count)
  if (above(members.length, maxItems)) outcome.fault('array_max_items', place, maxItems as Count)
  if (schema.uniqueItems === true) checkUnique(walk, members, outcome, place)
  if (contains !== undefined) checkContains(walk, contains, members, outcome, place)
  outcome.score += 1
}

function checkItems(
  walk: Walk,
  { items, additionalItems }: Schema,
  members: readonly Value[],
  outcome: Outcome,
  place: Place,
): void {
  if (items === undefined) return
  const listed = isList(items)
  if (listed && items.length === 0) return
  const more = listed ? additionalItems : items
  for (const [at, member] of members.entries()) {
    const schema = listed && at < items.length ? items[at] : more
    if (typeof schema === 'object') {
      outcome.absorb(applied(walk, schema, member, within(place, String(at))))
    } else if (schema === false) {
      outcome.fault('array_no_additional_items', place)
      return
    }
  }
}

function checkUnique(walk: Walk, members: readonly Value[], outcome: Outcome, place: Place): void {
  weigh(walk.call, members)
  const last = new Map<string, number>()
  for (const [at, member] of members.entries()) {
    const text = comparable(member)
    const before = last.get(text)
    if (before !== undefined) outcome.fault('unique', place, before, at)
    last.set(text, at)
  }
}

function checkContains(
  walk: Walk,
  schema: Schema,
  members: readonly Value[],
  outcome: Outcome,
  place: Place,
): void {
  let best: Outcome | undefined
  for (const [at, member] of members.entries()) {
    const found = applied(walk, schema, member, within(place, String(at)))
    if (found.valid) return
    best = nearer(best, found)
  }
  outcome.fault('contains', place)
  if (best !== undefined) outcome.absorb(best)
}

function keysOf(walk: Walk, object: AnyObject): readonly string[] {
  const keys = objectKeys(object)
  walk.call.work(keys.length)
  return keys as readonly string[]
}

function checkObject(
  walk: Walk,
  schema: Schema,
  object: AnyObject,
  outcome: Outcome,
  place: Place,
): void {
  const { minProperties, maxProperties, required, propertyNames } = schema
  const size = objectSize(object)
  if (below(size, minProperties)) {
    outcome.fault('array_min_properties', place, minProperties as Count)
  }
  if (above(size, maxProperties)) {
    outcome.fault('array_max_properties', place, maxProperties as Count)
  }
  walk.call.work(required?.length ?? 0)
  for (const name of required ?? []) {
    if (objectGet(object, name) === undefined) outcome.fault('required', place, name)
    else outcome.score += 1
  }
  checkOtherProperties(walk, schema, object, outcome, place)
  if (propertyNames !== undefined) {
    checkPropertyNames(walk, propertyNames, object, outcome, place)
  }
  outcome.score += 1
}

/** Properties by pattern, and those that neither a name nor a pattern describes. */
function checkOtherProperties(
  walk: Walk,
  { properties, patternProperties, additionalProperties }: Schema,
  object: AnyObject,
  outcome: Outcome,
  place: Place,
): void {
  if (patternProperties === undefined && additionalProperties === undefined) return
  for (const name of keysOf(walk, object)) {
    const value = objectGet(object, name) as Value
    let described = properties?.has(name) ?? false
    let matched = false
    for (const { pattern, schema } of patternProperties ?? []) {
      if (!matches(pattern, name, walk.call)) continue
      matched = true
      outcome.absorb(applied(walk, schema, value, within(place, name)))
    }
    if (matched) outcome.score += 1
    described ||= matched
    if (described || additionalProperties === undefined || additionalProperties === true) continue
    if (additionalProperties === false) {
      outcome.fault('additional_property_not_allowed', place, name)
    } else {
      outcome.absorb(applied(walk, additionalProperties, value, within(place, name)))
    }
  }
}

function checkPropertyNames(
  walk: Walk,
  schema: Schema,
  object: AnyObject,
  outcome: Outcome,
  place: Place,
): void {
  for (const name of keysOf(walk, object)) {
    const found = applied(walk, schema, name, place)
    if (found.valid) continue
    outcome.fault('invalid_property_name', place, name)
    outcome.absorb(found)
  }
}

function applyProperties(
  walk: Walk,
  { properties }: Schema,
  object: AnyObject,
  outcome: Outcome,
  place: Place,
): void {
  if (properties === undefined) return
  walk.call.work(properties.size)
  for (const [name, schema] of properties) {
    const value = objectGet(object, name)
    if (value !== undefined) apply(walk, schema, value, outcome, within(place, name))
  }
}

function isList<T>(value: readonly T[] | Schema): value is readonly T[] {
  return Array.isArray(value)
}
