import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv, type ValidateFunction } from 'ajv'

/** GitHub's own description of the operations that the forge uses; `scripts/github-openapi.ts` extracts it. */

type Json = null | boolean | number | string | Json[] | { [key: string]: Json }
type Dict = { [key: string]: Json }
type Parameter = { name: string; in: 'path' | 'query' | 'header'; required?: boolean; schema: Dict }
type Operation = {
  readonly id: string
  readonly method: string
  readonly path: string
  readonly pattern: RegExp
  readonly names: readonly string[]
  readonly parameters: readonly Parameter[]
  readonly body: Dict | null
  readonly bodyRequired: boolean
  /** By status; null for an answer without a body. */
  readonly responses: ReadonlyMap<number, Dict | null>
}

export type Matched = { readonly operation: Operation; readonly path: Record<string, string> }

const document: Dict = JSON.parse(
  readFileSync(join(import.meta.dirname, 'openapi.json'), 'utf8'),
) as Dict
const components = document['components'] as Record<string, Dict>
const BASE = 'https://description.test/github'

const ajv = new Ajv({ strict: false, allErrors: true })
ajv.addFormat('date-time', (text) => /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z$/.test(text))
ajv.addFormat('uri', (text) => URL.canParse(text))
for (const name of ['email', 'int64', 'repo.nwo', 'timestamp']) ajv.addFormat(name, true)
ajv.addSchema({ $id: BASE, components: converted(components) as object })

const operations: readonly Operation[] = Object.entries(
  document['paths'] as Record<string, Dict>,
).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, value]) => operationOf(method, path, value as Dict)),
)

export function matchOperation(method: string, path: string): Matched | null {
  for (const operation of operations) {
    const found = operation.method === method ? operation.pattern.exec(path) : null
    if (found === null) continue
    const values = found.slice(1).map((value) => decodeURIComponent(value))
    const names = operation.names.map((name, i) => [name, values[i] ?? ''] as const)
    return { operation, path: Object.fromEntries(names) }
  }
  return null
}

/** @returns what is wrong with a request; none when it fits */
export function requestFlaws(
  { operation, path }: Matched,
  query: URLSearchParams,
  body: unknown,
): string[] {
  const flaws: string[] = []
  const known = new Map(operation.parameters.map((one) => [`${one.in} ${one.name}`, one]))
  for (const [name, value] of Object.entries(path)) {
    flaws.push(...fieldFlaws(known.get(`path ${name}`), name, value))
  }
  for (const [name, value] of query)
    flaws.push(...fieldFlaws(known.get(`query ${name}`), name, value))
  if (body === undefined) {
    if (operation.bodyRequired) flaws.push('the body is missing')
    return flaws
  }
  if (operation.body === null) return [...flaws, 'no body was expected']
  flaws.push(...schemaFlaws(operation.body, body))
  // The description lets unknown fields through; one that we misspell should not pass.
  const fields = fieldsOf(operation.body)
  for (const name of Object.keys(body as object)) {
    if (!fields.has(name)) flaws.push(`the body has an unknown field ${name}`)
  }
  return flaws
}

/** @returns what is wrong with an answer; none when it fits */
export function responseFlaws({ operation }: Matched, status: number, body: unknown): string[] {
  if (status === 304) return body === undefined ? [] : ['a 304 has no body']
  const schema = operation.responses.get(status)
  if (schema === null) {
    // The description gives `DELETE` of a ref no body for its 422.
    return status < 300 && body !== undefined ? ['no body was expected'] : []
  }
  // Not every refusal is listed for every operation; all have the same form.
  if (schema === undefined && status < 400) return [`status ${status} is not described`]
  return schemaFlaws(schema ?? { $ref: '#/components/schemas/basic-error' }, body)
}

/** A document of a schema: given fields, and neutral values for what else is required. */
export function filled(schema: string, given: Record<string, unknown>): Record<string, unknown> {
  const { nullable: _nullable, ...found } = resolved({ $ref: `#/components/schemas/${schema}` })
  return { ...(neutral(found) as object), ...given }
}

function neutral(found: Json): unknown {
  const schema = resolved(found as Dict)
  if (schema['nullable'] === true) return null
  const [choice] = (schema['oneOf'] ?? schema['anyOf'] ?? []) as Json[]
  if (choice !== undefined) return neutral(choice)
  const parts = schema['allOf'] as Json[] | undefined
  if (parts !== undefined) return Object.assign({}, ...parts.map((part) => neutral(part) as object))
  if (Array.isArray(schema['enum'])) return schema['enum'][0]
  switch (schema['type']) {
    case 'string':
      if (schema['format'] === 'uri') return 'https://github.test/'
      return schema['format'] === 'date-time' ? '2026-11-21T09:00:00Z' : ''
    case 'integer':
    case 'number':
      return 0
    case 'boolean':
      return false
    case 'array':
      return []
    default: {
      const fields = (schema['properties'] ?? {}) as Dict
      const names = (schema['required'] ?? []) as string[]
      return Object.fromEntries(names.map((name) => [name, neutral(fields[name] ?? {})]))
    }
  }
}

function operationOf(method: string, path: string, value: Dict): Operation {
  const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name)
  const content = (value['requestBody'] as Dict | undefined)?.['content'] as Dict | undefined
  const responses = Object.entries(value['responses'] as Dict).map(([status, response]) => {
    const kinds = resolved(response as Dict)['content'] as Record<string, Dict> | undefined
    return [
      Number(status),
      (kinds?.['application/json']?.['schema'] ?? null) as Dict | null,
    ] as const
  })
  // What may hold slashes comes last in its path.
  const pattern = path.replaceAll(/\{(\w+)\}/g, (_all, name) =>
    ['ref', 'path', 'basehead'].includes(name) ? '(.+)' : '([^/]+)',
  )
  return {
    ...{ id: String(value['operationId']), method: method.toUpperCase(), path, names },
    pattern: new RegExp(`^${pattern}$`),
    parameters: (value['parameters'] as Dict[]).map((one) => resolved(one) as unknown as Parameter),
    body: ((content?.['application/json'] as Dict | undefined)?.['schema'] ?? null) as Dict | null,
    bodyRequired: (value['requestBody'] as Dict | undefined)?.['required'] === true,
    responses: new Map(responses),
  }
}

function resolved(value: Dict): Dict {
  const reference = value['$ref']
  if (typeof reference !== 'string') return value
  const [, , kind = '', name = ''] = reference.split('/')
  return resolved((components[kind] as Dict)[name] as Dict)
}

function fieldFlaws(parameter: Parameter | undefined, name: string, text: string): string[] {
  if (parameter === undefined) return [`unknown parameter ${name}`]
  const type = parameter.schema['type']
  const value = type === 'integer' ? Number(text) : type === 'boolean' ? text === 'true' : text
  return schemaFlaws(parameter.schema, value).map((flaw) => `${name}: ${flaw}`)
}

function fieldsOf(found: Dict): Set<string> {
  const schema = resolved(found)
  const parts = [...((schema['oneOf'] ?? []) as Dict[]), ...((schema['anyOf'] ?? []) as Dict[])]
  const own = Object.keys((schema['properties'] ?? {}) as Dict)
  return new Set([...own, ...parts.flatMap((part) => [...fieldsOf(part)])])
}

const compiled = new Map<Dict, ValidateFunction>()

function schemaFlaws(schema: Dict, value: unknown): string[] {
  const check = compiled.get(schema) ?? ajv.compile(converted(schema) as object)
  compiled.set(schema, check)
  if (check(value)) return []
  return (check.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`)
}

/** OpenAPI 3.0 in words of JSON Schema: `nullable`, and references from anywhere. */
function converted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(converted)
  if (typeof value !== 'object' || value === null) return value
  const { nullable, ...rest } = value as Dict
  const { $ref } = rest
  if (typeof $ref === 'string') return { $ref: `${BASE}${$ref}` }
  const entries = Object.entries(rest).map(([key, item]) => [key, converted(item)] as const)
  const schema = Object.fromEntries(entries)
  return nullable === true ? { anyOf: [schema, { type: 'null' }] } : schema
}
