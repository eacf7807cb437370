import { PolicyError } from '../../../base/errors.ts'
import { isJsonObject, type JsonObject, type JsonValue } from '../../../base/json-value.ts'
import { joinPointer } from '../../../base/pointer.ts'
import { fromJson } from '../values/json.ts'
import type { Call } from './builtin.ts'
import { BuiltinError } from './builtin.ts'
import { compileSchema } from './json-schema-compile.ts'
import type { Fault, FaultType, Place } from './json-schema-faults.ts'
import { nodeOf } from './json-schema-node.ts'
import { validate } from './json-schema-validate.ts'

/** How a value differs from a schema: what, and where as a JSON pointer (RFC 6901). Holds no value. */
export type SchemaFault = { readonly type: FaultType; readonly pointer: string }

/**
 * How a value differs from one schema; empty when it fits; null when that takes more than `units` of work, or the
 * schema is applied too deep.
 */
export type Fits = (value: JsonValue, units: number) => readonly SchemaFault[] | null

/**
 * Makes a JSON Schema of draft 2020-12 ready: no code is generated. It is put into the words of draft 7, which the
 * interpreter knows: `prefixItems`, `$defs`, `dependentRequired`, `dependentSchemas` and a `$ref` beside other keywords.
 * What draft 7 cannot say is refused, and so is every unknown keyword and format: what is not understood must not pass.
 * `format` is asserted. References lead to `#` and `#/$defs/<name>`; patterns are RE2.
 *
 * @throws {PolicyError} VALUE_INVALID, PATTERN_INVALID
 */
export function compileSchema2020(schema: JsonValue): Fits {
  const plain = translate(schema, { depth: 0, pointer: '' })
  const meter = { work: bounded(COMPILE_UNITS_MAX) }
  let root: ReturnType<typeof compileSchema>['schema']
  try {
    root = compileSchema(nodeOf(fromJson(plain)), meter).schema
  } catch (cause) {
    if (cause instanceof BuiltinError) throw refused(cause.message, cause)
    if (cause instanceof OutOfWork) throw refused('it takes too much work to make ready', cause)
    throw cause
  }
  return (value, units) => {
    try {
      return validate(callOf(units), root, fromJson(value)).map(placed)
    } catch (cause) {
      if (cause instanceof OutOfWork || cause instanceof BuiltinError) return null
      throw cause
    }
  }
}

type At = { readonly depth: number; readonly pointer: string }

const DEPTH_MAX = 64
const COMPILE_UNITS_MAX = 10_000_000
const DRAFT = 'https://json-schema.org/draft/2020-12/schema'

/** Keywords that only describe. */
const NOTES = new Set([
  ...['title', 'description', '$comment', 'default', 'examples', 'deprecated'],
  ...['readOnly', 'writeOnly', 'contentEncoding', 'contentMediaType', 'contentSchema'],
])

/** Keywords that both drafts have, and that hold no schema. */
const PLAIN = new Set([
  ...['type', 'enum', 'const', 'multipleOf', 'maximum', 'minimum', 'maxLength', 'minLength'],
  ...['pattern', 'maxItems', 'minItems', 'uniqueItems', 'maxProperties', 'minProperties'],
  'required',
])

const BOUNDS = new Set(['exclusiveMaximum', 'exclusiveMinimum'])
const ONE = new Set([
  'additionalProperties',
  'propertyNames',
  'contains',
  'not',
  'if',
  'then',
  'else',
])
const MANY = new Set(['allOf', 'anyOf', 'oneOf'])
const NAMED = new Set(['properties', 'patternProperties'])

/** Those that the interpreter checks; it would let any other pass. */
const FORMATS = new Set([
  ...['date', 'time', 'date-time', 'hostname', 'email', 'idn-email', 'ipv4', 'ipv6', 'uri'],
  ...['uri-reference', 'iri', 'iri-reference', 'uri-template', 'uuid', 'regex', 'json-pointer'],
  'relative-json-pointer',
])

function translate(schema: JsonValue, at: At): JsonValue {
  if (typeof schema === 'boolean') return schema
  if (!isJsonObject(schema)) throw refused(`expected a schema at ${at.pointer || 'its top'}`)
  if (at.depth > DEPTH_MAX) throw refused(`expected at most ${DEPTH_MAX} levels`)
  const made: Record<string, JsonValue> = {}
  const also: JsonValue[] = []
  for (const [keyword, value] of Object.entries(schema)) {
    const here = { depth: at.depth + 1, pointer: joinPointer(at.pointer, keyword) }
    if (NOTES.has(keyword)) continue
    if (PLAIN.has(keyword)) made[keyword] = value
    else if (ONE.has(keyword)) made[keyword] = translate(value, here)
    else if (MANY.has(keyword)) made[keyword] = translateList(value, here)
    else if (NAMED.has(keyword)) made[keyword] = translateNamed(value, here)
    else readOther({ keyword, value, schema, here }, made, also)
  }
  if (also.length > 0) made['allOf'] = [...((made['allOf'] ?? []) as JsonValue[]), ...also]
  return made
}

type Keyword = {
  readonly keyword: string
  readonly value: JsonValue
  readonly schema: JsonObject
  readonly here: At
}

function readOther(
  { keyword, value, schema, here }: Keyword,
  made: Record<string, JsonValue>,
  also: JsonValue[],
): void {
  const top = here.depth === 1
  if (BOUNDS.has(keyword) && typeof value === 'number') made[keyword] = value
  else if (keyword === 'format' && FORMATS.has(String(value))) made[keyword] = value
  else if (keyword === '$schema' && top && value === DRAFT) return
  else if (keyword === '$defs' && top) made['definitions'] = translateNamed(value, here)
  else if (keyword === '$ref') also.push({ $ref: referenceOf(value, here) })
  else if (keyword === 'dependentSchemas') also.push({ dependencies: translateNamed(value, here) })
  else if (keyword === 'dependentRequired') also.push({ dependencies: namesByName(value, here) })
  else if (keyword === 'prefixItems') {
    made['items'] = translateList(value, here)
  } else if (keyword === 'items') {
    const more = Object.hasOwn(schema, 'prefixItems')
    made[more ? 'additionalItems' : 'items'] = translate(value, here)
  } else {
    throw refused(`${here.pointer} is not supported here`)
  }
}

function translateList(value: JsonValue, at: At): JsonValue[] {
  if (!Array.isArray(value) || value.length === 0) {
    throw refused(`expected a list of schemas at ${at.pointer}`)
  }
  return value.map((one: JsonValue, index) =>
    translate(one, { depth: at.depth + 1, pointer: joinPointer(at.pointer, index) }),
  )
}

function translateNamed(value: JsonValue, at: At): JsonObject {
  if (!isJsonObject(value)) throw refused(`expected schemas by name at ${at.pointer}`)
  const members = Object.entries(value).map(([name, one]) => {
    const pointer = joinPointer(at.pointer, name)
    return [name, translate(one, { depth: at.depth + 1, pointer })] as const
  })
  return Object.fromEntries(members)
}

function namesByName(value: JsonValue, at: At): JsonObject {
  if (isJsonObject(value) && Object.values(value).every(isTexts)) return value
  throw refused(`expected lists of names by name at ${at.pointer}`)
}

function isTexts(value: JsonValue): boolean {
  return Array.isArray(value) && value.every((one: JsonValue) => typeof one === 'string')
}

const REFERENCE = /^#(?:\/\$defs\/([A-Za-z0-9_.-]+))?$/

function referenceOf(value: JsonValue, at: At): string {
  const match = typeof value === 'string' ? REFERENCE.exec(value) : null
  if (match === null) throw refused(`expected # or #/$defs/<name> at ${at.pointer}`)
  return match[1] === undefined ? '#' : `#/definitions/${match[1]}`
}

function placed({ type, place }: Fault): SchemaFault {
  const names: string[] = []
  for (let at: Place | undefined = place; at?.above !== undefined; at = at.above)
    names.push(at.name)
  return { type, pointer: names.reduceRight((above, name) => joinPointer(above, name), '') }
}

class OutOfWork extends Error {
  override readonly name = 'OutOfWork'
}

function bounded(max: number): (units: number) => void {
  let left = max
  return (units) => {
    left -= units
    if (left < 0) throw new OutOfWork('the work is bounded')
  }
}

/** What the interpreter borrows from an evaluation of Rego, without one. */
function callOf(units: number): Call {
  const kept = new Map<string, unknown>()
  const keep = <T>(key: string, make: () => T): T => {
    if (!kept.has(key)) kept.set(key, make())
    return kept.get(key) as T
  }
  const work = bounded(units)
  return { work, output: work, cached: keep, own: keep }
}

function refused(message: string, cause?: unknown): PolicyError {
  const code = /regex/.test(message) ? 'PATTERN_INVALID' : 'VALUE_INVALID'
  return new PolicyError(code, `the schema is refused: ${message}`, { cause })
}
