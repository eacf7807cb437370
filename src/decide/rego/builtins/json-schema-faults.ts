import type { Value } from '../values/value.ts'
import { RegoObject } from '../values/value.ts'
import type { Call } from './builtin.ts'

/** Where in a document: a name in what is above it. */
export type Place = { readonly name: string; readonly above: Place | undefined }

/** How a document differs from its schema. What it says is put together at the end, from what names the fault. */
export type Fault = {
  readonly type: FaultType
  readonly place: Place
  readonly details: readonly (string | number | bigint)[]
}

export type FaultType = keyof typeof DESCRIPTIONS

/** The document itself. */
export const ROOT: Place = { name: '(Root)', above: undefined }

/** Faults as OPA tells them: objects with the members `desc`, `error`, `field` and `type`. */
export function faultObjects(call: Call, faults: readonly Fault[]): Value[] {
  return faults.map((fault) => {
    const field = fieldOf(call, fault.place)
    call.work(FAULT_UNITS)
    const describe: Describe = DESCRIPTIONS[fault.type]
    const desc = describe(field, ...fault.details.map(String))
    call.output(2 * (field.length + desc.length) + FAULT_BYTES)
    const object = new RegoObject()
    object.set('desc', desc)
    object.set('error', `${field}: ${desc}`)
    object.set('field', field)
    object.set('type', fault.type)
    return object
  })
}

type Describe = (field: string, ...details: string[]) => string

const FAULT_UNITS = 16
const FAULT_BYTES = 400

/** OPA's types of faults and what it says of each: policies read both. */
const DESCRIPTIONS = {
  false: () => 'False always fails validation',
  required: (_field, name) => `${name} is required`,
  invalid_type: (_field, expected, given) => `Invalid type. Expected: ${expected}, given: ${given}`,
  number_any_of: () => 'Must validate at least one schema (anyOf)',
  number_one_of: () => 'Must validate one and only one schema (oneOf)',
  number_all_of: () => 'Must validate all the schemas (allOf)',
  number_not: () => 'Must not validate the schema (not)',
  missing_dependency: (_field, name) => `Has a dependency on ${name}`,
  const: (field, allowed) => `${field} does not match: ${allowed}`,
  enum: (field, allowed) => `${field} must be one of the following: ${allowed}`,
  array_no_additional_items: () => 'No additional items allowed on array',
  array_min_items: (_field, min) => `Array must have at least ${min} items`,
  array_max_items: (_field, max) => `Array must have at most ${max} items`,
  unique: (_field, i, j) => `array items[${i},${j}] must be unique`,
  contains: () => 'At least one of the items must match',
  array_min_properties: (_field, min) => `Must have at least ${min} properties`,
  array_max_properties: (_field, max) => `Must have at most ${max} properties`,
  additional_property_not_allowed: (_field, name) => `Additional property ${name} is not allowed`,
  invalid_property_name: (_field, name) => `Property name of "${name}" does not match`,
  string_gte: (_field, min) => `String length must be greater than or equal to ${min}`,
  string_lte: (_field, max) => `String length must be less than or equal to ${max}`,
  pattern: (_field, source) => `Does not match pattern '${source}'`,
  format: (_field, name) => `Does not match format '${name}'`,
  multiple_of: (_field, factor) => `Must be a multiple of ${factor}`,
  number_gte: (_field, min) => `Must be greater than or equal to ${min}`,
  number_gt: (_field, min) => `Must be greater than ${min}`,
  number_lte: (_field, max) => `Must be less than or equal to ${max}`,
  number_lt: (_field, max) => `Must be less than ${max}`,
  condition_then: () => 'Must validate "then" as "if" was valid',
  condition_else: () => 'Must validate "else" as "if" was not valid',
} as const satisfies Record<string, Describe>

/** Names from the root on, joined by dots; the root's own is told only where nothing follows it. */
function fieldOf(call: Call, place: Place): string {
  const names: string[] = []
  for (let at: Place | undefined = place; at !== undefined; at = at.above) {
    call.work(1 + (at.name.length >>> 4))
    names.push(at.name)
  }
  if (names.length > 1) names.pop()
  return names.reverse().join('.')
}
