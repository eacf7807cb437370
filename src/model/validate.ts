import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js'
import { nearest } from '../base/nearest.ts'
import { joinPointer } from '../base/pointer.ts'
import { SCHEMAS } from './generated/schemas.ts'

/** Every schema that a value can be checked against: its file's stem in `schemas/`. */
export const SCHEMA_NAMES = [
  'action',
  'agent',
  'baseline',
  'bundle-manifest',
  'compiled-policy',
  'custody-step',
  'decision-proof',
  'decision-test',
  'disclosed-receipt',
  'grant',
  'guardrails',
  'kinds/confidence',
  'kinds/cost',
  'kinds/credential',
  'kinds/flow',
  'kinds/loop',
  'kinds/markov',
  'kinds/media',
  'kinds/never_automate',
  'kinds/output',
  'kinds/pattern',
  'kinds/pii',
  'kinds/principal',
  'kinds/residency',
  'kinds/schedule',
  'kinds/scope',
  'kinds/secret',
  'kinds/semantic_loop',
  'kinds/sequence_entropy',
  'kinds/velocity',
  'outcome',
  'project',
  'receipt',
  'recorded-session',
  'rego-data',
  'rego-metadata',
  'release',
  'request',
  'review',
  'roster',
  'routes',
  'tools',
  'trust',
  'verdict',
] as const

export type SchemaName = (typeof SCHEMA_NAMES)[number]

/** One way in which a value differs from its schema. */
export type Problem = {
  /** JSON pointer (RFC 6901) to the offending value, or to the object that has the unknown or lacks the key. */
  readonly pointer: string
  readonly code: 'KEY_UNKNOWN' | 'KEY_MISSING' | 'VALUE_INVALID'
  /** What was expected, the type of what was found, and the nearest known word. Never the value itself. */
  readonly message: string
  /** The unknown, missing or malformed key, when a key is at fault. */
  readonly key?: string
}

/**
 * Everything that is wrong with a value, sorted by place; empty when it fits. Alternatives (`anyOf`) give the
 * complaint of the branch that was most likely meant, not one for each. Schemas compile on first use.
 */
export function validate(schema: SchemaName, value: unknown): readonly Problem[] {
  const check = validator(`${BASE_URI}${schema}.schema.json`)
  return problemsOf(check, value, '').sort(
    (a, b) =>
      order(a.pointer, b.pointer) || order(a.key ?? '', b.key ?? '') || order(a.message, b.message),
  )
}

const BASE_URI = 'https://countersign.dev/schemas/v1/'

type SchemaObject = Readonly<Record<string, unknown>>

/** Ajv on its first use: a program that checks nothing does not pay for it. */
let shared: { readonly ajv: Ajv2020; readonly uris: WeakMap<object, string> } | undefined

function engine(): { readonly ajv: Ajv2020; readonly uris: WeakMap<object, string> } {
  if (shared !== undefined) return shared
  const ajv = new Ajv2020({
    allErrors: true,
    verbose: true,
    strict: true,
    allowUnionTypes: true,
    ownProperties: true,
    // To polish the code takes longer than a process will ever save by it.
    code: { optimize: false },
  })
  const uris = new WeakMap<object, string>()
  for (const schema of Object.values(SCHEMAS)) {
    ajv.addSchema(schema)
    rememberUris(uris, schema, `${String((schema as SchemaObject)['$id'])}#`)
  }
  shared = { ajv, uris }
  return shared
}

/** An error only names its schema by object; the address is what a branch can be compiled by. */
function rememberUris(uris: WeakMap<object, string>, node: unknown, uri: string): void {
  if (typeof node !== 'object' || node === null) return
  uris.set(node, uri)
  for (const [key, child] of Object.entries(node)) rememberUris(uris, child, joinPointer(uri, key))
}

function validator(uri: string): ValidateFunction {
  const check = engine().ajv.getSchema(uri)
  if (check === undefined) throw new TypeError(`no schema at ${uri}`)
  return check
}

function problemsOf(check: ValidateFunction, value: unknown, at: string): Problem[] {
  if (check(value) === true) return []
  // Copied, because a branch may run the same validator again, which replaces its list.
  const errors = [...(check.errors ?? [])]
  const choices = errors.filter((error) => error.keyword === 'anyOf' || error.keyword === 'oneOf')
  const outer = choices.filter((choice) => !choices.some((other) => isInside(choice, other)))
  const plain = errors.filter(
    (error) => !choices.includes(error) && !outer.some((c) => isBelow(error, c)),
  )
  const problems = [
    ...plain.flatMap((error) => problemOf(error, at, errors)),
    ...outer.flatMap((choice) => problemsOfChoice(choice, at)),
  ]
  const seen = new Set<string>()
  return problems.filter((problem) => {
    const line = `${problem.pointer}\n${problem.key ?? ''}\n${problem.message}`
    if (seen.has(line)) return false
    seen.add(line)
    return true
  })
}

function isInside(error: ErrorObject, other: ErrorObject): boolean {
  return error !== other && error.instancePath.startsWith(`${other.instancePath}/`)
}

/** Whether an error may come from a branch of the choice: not from a keyword that stands beside it. */
function isBelow(error: ErrorObject, choice: ErrorObject): boolean {
  if (error.parentSchema === choice.parentSchema) return false
  return error.instancePath === choice.instancePath || isInside(error, choice)
}

/** The complaints of the branch that comes nearest to the value. */
function problemsOfChoice(choice: ErrorObject, at: string): Problem[] {
  const pointer = at + choice.instancePath
  const branches = Array.isArray(choice.schema) ? choice.schema : []
  const uri = engine().uris.get(choice.schema as object)
  let best: { readonly score: number; readonly problems: readonly Problem[] } | undefined
  branches.forEach((_branch, index) => {
    if (uri === undefined) return
    const check = validator(joinPointer(uri, index))
    const problems = problemsOf(check, choice.data, pointer)
    const score = misfit(check.errors ?? [], problems.length)
    if (best === undefined || score < best.score) best = { score, problems }
  })
  if (best !== undefined && best.score < OTHER_TYPE) return [...best.problems]
  const types = [...new Set(branches.flatMap((branch) => typesOf(branch as SchemaObject)))]
  const message = `${nameOf(choice, pointer)}: expected ${listOf(types, 'or')}, found ${typeOf(choice.data)}`
  return [{ pointer, code: 'VALUE_INVALID', message }]
}

const OTHER_TYPE = 1_000_000
const OTHER_CONSTANT = 1_000

function misfit(errors: readonly ErrorObject[], count: number): number {
  let score = count
  for (const error of errors) {
    if (error.keyword === 'type' && error.instancePath === '') score += OTHER_TYPE
    const listed = error.keyword === 'enum' && error.instancePath === ''
    if (listed && typeof error.data !== 'string') score += OTHER_TYPE
    if (error.keyword === 'const') score += OTHER_CONSTANT
  }
  return score
}

function typesOf(schema: SchemaObject): string[] {
  const resolved = resolve(schema)
  if (typeof resolved['type'] === 'string') return [resolved['type']]
  if (Array.isArray(resolved['type'])) return resolved['type'].map(String)
  if (Array.isArray(resolved['enum'])) return ['string']
  return ['another value']
}

function resolve(schema: SchemaObject): SchemaObject {
  const reference = schema['$ref']
  if (typeof reference !== 'string') return schema
  const from = engine().uris.get(schema)
  if (from === undefined) return schema
  const target = validator(new URL(reference, from).href).schema
  return typeof target === 'object' ? resolve(target as SchemaObject) : schema
}

function problemOf(error: ErrorObject, at: string, all: readonly ErrorObject[]): Problem[] {
  const pointer = at + error.instancePath
  const name = nameOf(error, pointer)
  const parent = (error.parentSchema ?? {}) as SchemaObject
  const invalid = (expected: string): Problem[] => [
    { pointer, code: 'VALUE_INVALID', message: `${name}: expected ${expected}` },
  ]
  switch (error.keyword) {
    case 'additionalProperties':
      return [unknownKey(pointer, name, String(error.params['additionalProperty']), parent)]
    case 'required':
      return [missingKey(pointer, name, String(error.params['missingProperty']), parent)]
    case 'propertyNames': {
      const key = String(error.params['propertyName'])
      const expected = all.find((other) => other.propertyName === key)?.params['pattern']
      const message = `${name}: the key ${JSON.stringify(key)} is no valid name${
        expected === undefined ? '' : `; expected text like ${String(expected)}`
      }`
      return [{ pointer, code: 'VALUE_INVALID', message, key }]
    }
    case 'type':
      return invalid(
        `${listOf([error.schema].flat().map(String), 'or')}, found ${typeOf(error.data)}`,
      )
    case 'enum':
      return invalid(oneOf(error.schema as unknown[], error.data))
    case 'const':
      return invalid(`${JSON.stringify(error.schema)}, found ${otherThan(error.data)}`)
    case 'pattern':
      // The complaint about a key's name says it already.
      if (error.propertyName !== undefined) return []
      return invalid(`${described(parent, `text like ${String(error.schema)}`)}, found other text`)
    default:
      return invalid(boundOf(error))
  }
}

function unknownKey(pointer: string, name: string, key: string, parent: SchemaObject): Problem {
  const known = Object.keys((parent['properties'] ?? {}) as object)
  const meant = nearest(key, known)
  const advice =
    meant === undefined
      ? `expected one of ${known.join(', ')}`
      : `did you mean ${JSON.stringify(meant)}?`
  const message = `unknown key ${JSON.stringify(key)} in ${name}; ${advice}`
  return { pointer, code: 'KEY_UNKNOWN', message, key }
}

function missingKey(pointer: string, name: string, key: string, parent: SchemaObject): Problem {
  const properties = (parent['properties'] ?? {}) as Record<string, SchemaObject>
  const meaning = Object.hasOwn(properties, key) ? properties[key]?.['description'] : undefined
  const message = `${name} lacks the key ${JSON.stringify(key)}${
    typeof meaning === 'string' ? `: ${meaning}` : ''
  }`
  return { pointer, code: 'KEY_MISSING', message, key }
}

/** What to call the value in a message: its key, or the title of its schema where a list or the top holds it. */
function nameOf(error: ErrorObject, pointer: string): string {
  const segments = pointer.split('/').slice(1)
  const last = segments.at(-1)
  if (last !== undefined && !/^[0-9]+$/.test(last))
    return last.replaceAll('~1', '/').replaceAll('~0', '~')
  const title = ((error.parentSchema ?? {}) as SchemaObject)['title']
  if (typeof title === 'string') return title.toLowerCase()
  const list = segments.findLast((segment) => !/^[0-9]+$/.test(segment))
  return list === undefined ? 'the document' : `an entry of ${list}`
}

function oneOf(known: readonly unknown[], found: unknown): string {
  const words = known.map(String)
  if (typeof found !== 'string') return `${listOf(words, 'or')}, found ${typeOf(found)}`
  const meant = nearest(found, words)
  const advice =
    meant === undefined ? 'found another word' : `did you mean ${JSON.stringify(meant)}?`
  return `${listOf(words, 'or')}; ${advice}`
}

function boundOf(error: ErrorObject): string {
  const limit = String(error.schema)
  switch (error.keyword) {
    case 'minimum':
      return `a number of at least ${limit}, found a smaller one`
    case 'maximum':
      return `a number of at most ${limit}, found a larger one`
    case 'minLength':
      return `text of at least ${limit} characters, found shorter text`
    case 'maxLength':
      return `text of at most ${limit} characters, found longer text`
    case 'minItems':
      return `${limit} or more entries, found fewer`
    case 'maxItems':
      return `at most ${limit} entries, found more`
    case 'minProperties':
      return `${limit} or more keys, found fewer`
    case 'maxProperties':
      return `at most ${limit} keys, found more`
    case 'uniqueItems':
      return `entries that differ, found the same twice (${error.params['j']} and ${error.params['i']}, from 0)`
    default:
      return `a value that meets ${JSON.stringify(error.keyword)}`
  }
}

function described(schema: SchemaObject, fallback: string): string {
  const description = schema['description']
  if (typeof description !== 'string') return fallback
  const sentence = description.split(/[.;](?: |$)/)[0] ?? description
  return sentence.charAt(0).toLowerCase() + sentence.slice(1)
}

function otherThan(value: unknown): string {
  return typeof value === 'string' ? 'other text' : typeOf(value)
}

function typeOf(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'array'
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number'
  return typeof value
}

function listOf(words: readonly string[], joiner: string): string {
  if (words.length < 2) return words[0] ?? 'nothing'
  return `${words.slice(0, -1).join(', ')} ${joiner} ${words.at(-1)}`
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
