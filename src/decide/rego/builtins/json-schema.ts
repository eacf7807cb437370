import { jsonText } from '../values/text.ts'
import type { Value } from '../values/value.ts'
import type { BuiltinFamily, Call } from './builtin.ts'
import { BuiltinError } from './builtin.ts'
import type { Compiled } from './json-schema-compile.ts'
import { compileSchema } from './json-schema-compile.ts'
import { faultObjects } from './json-schema-faults.ts'
import { chargeParsing, nodeOf, parseJson, readJson } from './json-schema-node.ts'
import type { Schema } from './json-schema-type.ts'
import { validate } from './json-schema-validate.ts'

/**
 * JSON Schema, drafts 4, 6 and 7, interpreted: no code is generated. References are followed within the schema and to
 * the meta-schemas, never fetched. https://www.openpolicyagent.org/docs/policy-reference/builtins/object
 *
 * OPA visits members of objects in an order that changes from call to call; here faults come in the order of names.
 */
export const JSON_SCHEMA: BuiltinFamily = {
  'json.match_schema': (call, document, schema) => {
    const json = readJson(call, document)
    const compiled = compiledSchema(call, schema)
    const faults = validate(call, compiled, json)
    return [faults.length === 0, faultObjects(call, faults)]
  },

  'json.verify_schema': (call, schema) => {
    try {
      compiledSchema(call, schema)
      return [true, null]
    } catch (cause) {
      if (cause instanceof BuiltinError) return [false, `jsonschema: ${cause.message}`]
      throw cause
    }
  },
}

/** Schemas that are made ready, by their JSON text, and what they take: about that in characters. */
type Kept = { readonly schemas: Map<string, Compiled>; weight: number }

/** A unit of weight takes some twenty bytes. */
const KEPT_WEIGHT_MAX = 1_000_000

const COMPILE_UNITS = 4

/** Charges the same whether the schema is kept or made: no decision may depend on those before it. */
function compiledSchema(call: Call, schema: Value | undefined): Schema {
  const json = typeof schema === 'string' ? schema : readJson(call, schema)
  const text = typeof json === 'string' ? json : jsonText(json)
  if (typeof json === 'string') chargeParsing(call, json)
  call.work(text.length * COMPILE_UNITS)
  const kept = call.cached<Kept>('json.match_schema', () => ({ schemas: new Map(), weight: 0 }))
  const found = kept.schemas.get(text)
  if (found === undefined) return keep(kept, text, compile(call, json)).schema
  call.work(found.units)
  return found.schema
}

function compile(call: Call, json: Value): Compiled {
  return compileSchema(nodeOf(typeof json === 'string' ? parseJson(json) : json), call)
}

function keep(kept: Kept, text: string, compiled: Compiled): Compiled {
  const weight = text.length + compiled.units
  if (kept.weight + weight > KEPT_WEIGHT_MAX) {
    kept.schemas.clear()
    kept.weight = 0
  }
  if (weight > KEPT_WEIGHT_MAX) return compiled
  kept.schemas.set(text, compiled)
  kept.weight += weight
  return compiled
}
