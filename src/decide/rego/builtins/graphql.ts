import type { Value } from '../values/value.ts'
import { isObject, RegoObject } from '../values/value.ts'
import type { BuiltinFamily, Call } from './builtin.ts'
import { BuiltinError, mismatch, stringOperand } from './builtin.ts'
import type { QueryDocument } from './graphql/ast.ts'
import { GraphqlFault } from './graphql/ast.ts'
import { parseQuery } from './graphql/parse-query.ts'
import type { SchemaSource } from './graphql/schema-source.ts'
import { schemaSource } from './graphql/schema-source.ts'
import { queryOf, queryValue } from './graphql/tree-json.ts'
import { validateQuery } from './graphql/validate.ts'

/**
 * OPA's graphql.*: queries and schemas are texts, or trees as these functions give them. Grammar, rules and trees are
 * those of gqlparser v2.5.58, which OPA 1.22.0 uses; messages name the first fault, without values of the query and
 * without suggestions. Beyond a bound of nesting each function is an error, where OPA has no bound.
 */
export const GRAPHQL: BuiltinFamily = {
  'graphql.is_valid': (call, query, schema) => {
    return (
      unlessFault(() => {
        const [document, source] = operands(call, query, schema)
        validate(call, document, source)
        return true
      }) ?? false
    )
  },

  'graphql.parse': (call, query, schema) => {
    const [document, source] = operands(call, query, schema)
    return parse(call, document, source)
  },

  'graphql.parse_and_verify': (call, query, schema) => {
    const trees = unlessFault(() => {
      const [document, source] = operands(call, query, schema)
      return parse(call, document, source)
    })
    return trees === undefined ? [false, new RegoObject(), new RegoObject()] : [true, ...trees]
  },

  'graphql.parse_query': (call, text) => {
    const query = stringOperand(text, 1)
    const document = worded('text', () => parseQuery(query, call))
    return queryValue(document, call)
  },

  'graphql.parse_schema': (call, text) => {
    const source = schemaOperand(call, stringOperand(text, 1), 1)
    return worded('text', () => source.value())
  },

  'graphql.schema_is_valid': (call, schema) => {
    return (
      unlessFault(() => {
        const source = schemaOperand(call, schema, 1)
        worded('text', () => source.document())
        worded('schema', () => source.schema())
        return true
      }) ?? false
    )
  },
}

/** Where a fault was found: OPA words each differently. */
type Stage = 'text' | 'schema' | 'query'

/** Trees of a query that is valid and of its schema. */
function parse(
  call: Call,
  document: QueryDocument,
  source: SchemaSource,
): readonly [query: Value, schema: Value] {
  // The query first: validation fills its nodes in.
  const query = queryValue(document, call)
  validate(call, document, source)
  return [query, source.value()]
}

function validate(call: Call, document: QueryDocument, source: SchemaSource): void {
  worded('text', () => source.document())
  const schema = worded('schema', () => source.schema())
  worded('query', () => validateQuery(schema, document, call))
}

function operands(
  call: Call,
  query: Value | undefined,
  schema: Value | undefined,
): readonly [QueryDocument, SchemaSource] {
  // OPA counts these operands from 0.
  return [queryOperand(call, query, 0), schemaOperand(call, schema, 1)]
}

function queryOperand(call: Call, query: Value | undefined, position: number): QueryDocument {
  if (typeof query === 'string') return worded('text', () => parseQuery(query, call))
  if (isObject(query)) return worded('text', () => queryOf(query, call))
  return mismatch(query, position, 'string', 'object')
}

function schemaOperand(call: Call, schema: Value | undefined, position: number): SchemaSource {
  return schemaSource(call, schema) ?? mismatch(schema, position, 'string', 'object')
}

/** Undefined where a query or schema is at fault, or is neither a text nor a tree; a bound that is met is an error. */
function unlessFault<T>(run: () => T): T | undefined {
  try {
    return run()
  } catch (error) {
    if (!(error instanceof BuiltinError)) throw error
    if (error.cause instanceof GraphqlFault || error.code === 'eval_type_error') return undefined
    throw error
  }
}

function worded<T>(stage: Stage, run: () => T): T {
  try {
    return run()
  } catch (fault) {
    if (!(fault instanceof GraphqlFault)) throw fault
    throw new BuiltinError(wordsFor(stage, fault), 'eval_builtin_error', { cause: fault })
  }
}

function wordsFor(stage: Stage, { message, position }: GraphqlFault): string {
  const { line, column } = position ?? { line: -1, column: -1 }
  if (stage === 'schema') {
    return `Error in gqlparser SchemaDocument to Schema conversion: input:${line}:${column}: ${message}`
  }
  // Go takes the full stop off the last of a list of faults, and a fault of syntax is no list.
  const text = stage === 'query' ? message.replace(/\.$/, '') : message
  if (line >= 0 && column >= 0) return `${text} in GraphQL string at location ${line}:${column}`
  const place = position === undefined ? '' : `:${line}:${column}`
  return `GraphQL parse error: input${place}: ${message}`
}
