import { readdirSync, readFileSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import type { Scalar } from 'yaml'
import { isMap, isScalar, isSeq, parseDocument } from 'yaml'
import type { RegoNumber } from '../../src/decide/rego/values/number.ts'
import { numberOf, parseNumber, wholeNumber } from '../../src/decide/rego/values/number.ts'
import type { PlainObject, Value } from '../../src/decide/rego/values/value.ts'
import { isArray, isObject } from '../../src/decide/rego/values/value.ts'

/**
 * One conformance case of OPA: modules, documents and a query, and what must come of it. The fields are those of
 * `TestCase` in OPA's v1/test/cases/cases.go; what a case leaves out, or gives as null, is undefined, empty or false.
 */
export type ConformanceCase = {
  /** Unique: file and note, and a count where a file repeats its note. */
  readonly id: string
  /** What it is about. Some cases share theirs. */
  readonly note: string
  /** Path below the folder that was read, with `/` between its parts. */
  readonly file: string
  readonly query: string
  readonly modules: readonly string[]
  readonly data: PlainObject
  readonly input: Value | undefined
  /** The input as a Rego term; counts instead of `input`. */
  readonly inputTerm: string | undefined
  /** Whether the query must be defined, where nothing below says more. */
  readonly wantDefined: boolean | undefined
  /** One object of bindings for each result, as JSON: sets are arrays. Counts before `wantDefined`. */
  readonly wantResult: readonly PlainObject[] | undefined
  /** Code of the error that must come; counts before `wantResult`. */
  readonly wantErrorCode: string | undefined
  /** Part of the message of that error; counts before `wantErrorCode`. */
  readonly wantError: string | undefined
  /** Bound arrays are compared as sets: their order is open. */
  readonly sortBindings: boolean
  /** Bindings of variables that the compiler makes up are left out of the comparison. */
  readonly ignoreGeneratedVars: boolean
  /** The error comes only where errors of built-ins end the evaluation. */
  readonly strictError: boolean
  /** The modules use keywords that have to be switched on. */
  readonly experimentalKeywords: boolean
  /** Environment variables during the case. */
  readonly env: Readonly<Record<string, string>>
}

/**
 * Reads every `.yaml` file below a folder of OPA's v1/test/cases/testdata/v1, in the order of paths.
 *
 * @throws {Error} with the file's name for what is no file of cases: a field that is unknown, missing or of a wrong type
 */
export function loadCases(folder: string): readonly ConformanceCase[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.yaml'))
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .sort()
    .flatMap((file) => parseCases(readFileSync(join(folder, file), 'utf8'), file))
}

/** Reads the cases of one file's text. @throws {Error} as `loadCases` */
export function parseCases(text: string, file: string): readonly ConformanceCase[] {
  try {
    const document = parseYaml(text)
    const cases = isObject(document) ? membersOf(document)['cases'] : undefined
    if (!isArray(cases)) throw new Error('expected a list under "cases"')
    const counts = new Map<string, number>()
    return cases.map((value) => {
      const one = caseOf(value, file)
      const count = (counts.get(one.note) ?? 0) + 1
      counts.set(one.note, count)
      return { ...one, id: count === 1 ? one.id : `${one.id} (${count})` }
    })
  } catch (cause) {
    throw new Error(`${file}: ${cause instanceof Error ? cause.message : cause}`, { cause })
  }
}

const FIELDS: ReadonlySet<string> = new Set([
  'note',
  'query',
  'modules',
  'data',
  'input',
  'input_term',
  'want_defined',
  'want_result',
  'want_error_code',
  'want_error',
  'sort_bindings',
  'ignore_generated_vars',
  'strict_error',
  'experimental_keywords',
  'env',
])

type Fields = Readonly<Record<string, Value | undefined>>

function caseOf(value: Value, file: string): ConformanceCase {
  const fields = membersOf(value)
  const unknown = Object.keys(fields).filter((name) => !FIELDS.has(name))
  if (unknown.length > 0) throw new Error(`unknown field ${unknown.join(', ')}`)
  const note = required(textOf(fields, 'note'), 'note')
  return {
    id: `${file}: ${note}`,
    note,
    file,
    query: required(textOf(fields, 'query'), 'query'),
    modules: listOf(fields, 'modules')?.map((module) => checked(module, 'string', 'modules')) ?? [],
    data: plain(fields['data'] ?? {}, 'data'),
    input: fields['input'],
    inputTerm: textOf(fields, 'input_term'),
    wantDefined: flagOf(fields, 'want_defined'),
    wantResult: listOf(fields, 'want_result')?.map((result) => plain(result, 'want_result')),
    wantErrorCode: textOf(fields, 'want_error_code'),
    wantError: textOf(fields, 'want_error'),
    sortBindings: flagOf(fields, 'sort_bindings') ?? false,
    ignoreGeneratedVars: flagOf(fields, 'ignore_generated_vars') ?? false,
    strictError: flagOf(fields, 'strict_error') ?? false,
    experimentalKeywords: flagOf(fields, 'experimental_keywords') ?? false,
    env: environmentOf(fields),
  }
}

/** Members of an object; those that are null count as left out, as for Go's pointers. */
function membersOf(value: Value): Fields {
  return Object.fromEntries(
    Object.entries(plain(value, 'a case')).filter(([, member]) => member !== null),
  )
}

function textOf(fields: Fields, name: string): string | undefined {
  const value = fields[name]
  return value === undefined ? undefined : checked(value, 'string', name)
}

function flagOf(fields: Fields, name: string): boolean | undefined {
  const value = fields[name]
  return value === undefined ? undefined : checked(value, 'boolean', name)
}

function listOf(fields: Fields, name: string): readonly Value[] | undefined {
  const value = fields[name]
  if (value === undefined || isArray(value)) return value
  throw new Error(`expected a list for ${name}`)
}

function environmentOf(fields: Fields): Readonly<Record<string, string>> {
  const entries = Object.entries(fields['env'] === undefined ? {} : plain(fields['env'], 'env'))
  return Object.fromEntries(entries.map(([key, value]) => [key, checked(value, 'string', 'env')]))
}

function required(text: string | undefined, name: string): string {
  if (text === undefined) throw new Error(`a case has no ${name}`)
  return text
}

type Scalars = { readonly string: string; readonly boolean: boolean }

function checked<T extends keyof Scalars>(value: Value, type: T, name: string): Scalars[T] {
  if (typeof value !== type) throw new Error(`expected a ${type} for ${name}`)
  return value as Scalars[T]
}

function plain(value: Value, name: string): PlainObject {
  if (isObject(value)) return value as PlainObject
  throw new Error(`expected an object for ${name}`)
}

/** YAML as a value, every number by what its text says. */
function parseYaml(text: string): Value {
  // Whole numbers become bigints, which lose nothing; the texts of fractions are in the scalars.
  const document = parseDocument(text, { intAsBigInt: true })
  const [error] = document.errors
  if (error !== undefined) throw error
  return readNode(document.contents)
}

function readNode(node: unknown): Value {
  if (node === null || node === undefined) return null
  if (isScalar(node)) return scalarOf(node)
  if (isSeq(node)) return node.items.map((item) => readNode(item))
  if (isMap(node)) {
    // Unlike assignment, this makes an own member of `__proto__`.
    return Object.fromEntries(
      node.items.map(({ key, value }) => [keyOf(readNode(key)), readNode(value)]),
    )
  }
  throw new Error('expected a list, a map or a scalar')
}

function scalarOf({ value, source }: Scalar): Value {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return value
    case 'bigint':
      return wholeNumber(value)
    case 'number':
      return fractionOf(value, source)
    default:
      if (value === null) return null
      throw new Error(`expected a scalar of JSON, found ${source}`)
  }
}

/** @throws {PolicyError} VALUE_NOT_JSON for what is no finite number */
function fractionOf(value: number, source: string | undefined): RegoNumber {
  return (source === undefined ? undefined : parseNumber(source)) ?? numberOf(value)
}

/** Keys are texts in JSON. */
function keyOf(value: Value): string {
  if (typeof value === 'object' && value !== null) throw new Error('expected a scalar for a key')
  return String(value)
}
