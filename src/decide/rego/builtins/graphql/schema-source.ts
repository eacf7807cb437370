import type { Value } from '../../values/value.ts'
import { isObject } from '../../values/value.ts'
import type { Call } from '../builtin.ts'
import type { SchemaDocument } from './ast.ts'
import { GraphqlFault } from './ast.ts'
import { parseSchema } from './parse-schema.ts'
import type { Schema } from './schema.ts'
import { schemaFrom } from './schema.ts'
import type { Budget } from './tree-json.ts'
import { schemaOf, schemaValue } from './tree-json.ts'

/** A schema that was given to a function: each reading is made when it is asked for. @throws {GraphqlFault} */
export type SchemaSource = {
  document(): SchemaDocument
  /** The tree, without the built-in definitions. */
  value(): Value
  schema(): Schema
}

/**
 * A schema given as a text or tree; undefined for anything else. Readings of a text are kept for later calls, which
 * are charged for them alike: what a call costs does not depend on what was called before.
 */
export function schemaSource(call: Call, operand: Value | undefined): SchemaSource | undefined {
  if (typeof operand === 'string') return textSource(call, operand)
  return isObject(operand) ? readings(call, {}, (budget) => schemaOf(operand, budget)) : undefined
}

/** Characters of texts whose readings are kept. A reading takes up to some 100 bytes for each. */
const KEPT_CHARACTERS_MAX = 200_000

/** What a reading gave, and what it was charged. */
type Reading<T> = {
  readonly result: T | GraphqlFault
  readonly work: number
  readonly output: number
}

type Readings = {
  document?: Reading<SchemaDocument>
  value?: Reading<Value>
  schema?: Reading<Schema>
}

type Kept = { readonly texts: Map<string, Readings>; characters: number }

function textSource(call: Call, text: string): SchemaSource {
  const kept = call.cached<Kept>('graphql.schemas', () => ({ texts: new Map(), characters: 0 }))
  let found = kept.texts.get(text)
  if (found === undefined) {
    found = {}
    if (text.length <= KEPT_CHARACTERS_MAX) {
      if (kept.characters + text.length > KEPT_CHARACTERS_MAX) {
        kept.texts.clear()
        kept.characters = 0
      }
      kept.texts.set(text, found)
      kept.characters += text.length
    }
  }
  return readings(call, found, (budget) => parseSchema(text, budget))
}

function readings(
  call: Call,
  known: Readings,
  read: (budget: Budget) => SchemaDocument,
): SchemaSource {
  let parsed: SchemaDocument | undefined
  const document = () => {
    if (parsed === undefined) {
      known.document = reading(call, known.document, read)
      parsed = resultOf(known.document)
    }
    return parsed
  }
  return {
    document,
    value: () => {
      const tree = document()
      known.value = reading(call, known.value, (budget) => schemaValue(tree, budget))
      return resultOf(known.value)
    },
    schema: () => {
      const tree = document()
      known.schema = reading(call, known.schema, (budget) => schemaFrom(tree, budget))
      return resultOf(known.schema)
    },
  }
}

function reading<T>(
  call: Call,
  known: Reading<T> | undefined,
  make: (budget: Budget) => T,
): Reading<T> {
  if (known !== undefined) {
    call.work(known.work)
    call.output(known.output)
    return known
  }
  let work = 0
  let output = 0
  const budget = {
    work: (units: number) => {
      work += units
      call.work(units)
    },
    output: (bytes: number) => {
      output += bytes
      call.output(bytes)
    },
  }
  let result: T | GraphqlFault
  try {
    result = make(budget)
  } catch (fault) {
    // Only what depends on the text alone is kept.
    if (!(fault instanceof GraphqlFault)) throw fault
    result = fault
  }
  return { result, work, output }
}

function resultOf<T>({ result }: Reading<T>): T {
  if (result instanceof GraphqlFault) throw result
  return result
}
