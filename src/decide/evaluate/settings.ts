import { parseDuration } from '../../base/duration.ts'
import type { ErrorCode } from '../../base/errors.ts'
import { PolicyError } from '../../base/errors.ts'
import { SCHEMAS } from '../../model/generated/schemas.ts'

/** Where a rule stands in its author's file. */
export type RulePlace = {
  readonly id: string
  readonly file: string
  readonly line: number
  readonly column: number
}

/**
 * An own member of an object from a bundle, or undefined. Optional settings are read through this only: what some
 * other code put on `Object.prototype` is no setting.
 */
export function own(object: object, name: string): unknown {
  return Object.hasOwn(object, name) ? (object as Record<string, unknown>)[name] : undefined
}

/** A whole number between two bounds. @throws {PolicyError} VALUE_INVALID */
export function ownInteger(
  place: RulePlace,
  object: object,
  name: string,
  bounds: { readonly min: number; readonly max: number },
): number {
  const value = own(object, name)
  if (Number.isSafeInteger(value)) {
    const number = value as number
    if (number >= bounds.min && number <= bounds.max) return number
  }
  throw invalid(place, `expected ${name} to be a whole number from ${bounds.min} to ${bounds.max}`)
}

/** A number between two bounds. @throws {PolicyError} VALUE_INVALID */
export function ownNumber(
  place: RulePlace,
  object: object,
  name: string,
  bounds: { readonly min: number; readonly max: number },
): number {
  const value = own(object, name)
  if (typeof value === 'number' && value >= bounds.min && value <= bounds.max) return value
  throw invalid(place, `expected ${name} to be a number from ${bounds.min} to ${bounds.max}`)
}

/** A text. @throws {PolicyError} VALUE_INVALID */
export function ownText(place: RulePlace, object: object, name: string): string {
  const value = own(object, name)
  if (typeof value === 'string') return value
  throw invalid(place, `expected ${name} to be a text`)
}

/** A span of time such as `15m`, in milliseconds. @throws {PolicyError} VALUE_INVALID, DURATION_INVALID */
export function ownDuration(place: RulePlace, object: object, name: string): number {
  try {
    return parseDuration(ownText(place, object, name))
  } catch (cause) {
    if (!(cause instanceof PolicyError) || cause.code !== 'DURATION_INVALID') throw cause
    throw loadError('DURATION_INVALID', place, `${name}: ${cause.message}`, cause)
  }
}

/** One text or a list of at least one, as a list; undefined when absent. @throws {PolicyError} VALUE_INVALID */
export function ownTexts(
  place: RulePlace,
  object: object,
  name: string,
): readonly string[] | undefined {
  const value = own(object, name)
  if (value === undefined) return undefined
  const list: readonly unknown[] = Array.isArray(value) ? value : [value]
  if (list.length > 0 && list.every(isText)) return list
  throw invalid(place, `expected ${name} to be a text or a list of texts`)
}

/** What a rule says of a value that is missing or not known: `find` unless it says `pass`. @throws {PolicyError} */
export function findOrPass(place: RulePlace, object: object, name: string): 'find' | 'pass' {
  const word = own(object, name) ?? 'find'
  if (word === 'find' || word === 'pass') return word
  throw invalid(place, `expected ${name} to be find or pass`)
}

/**
 * Refuses settings that the kind's schema does not have. Nobody would read them: a setting that is misspelled would
 * leave its rule with less than its author wrote.
 *
 * @throws {PolicyError} VALUE_INVALID
 */
export function checkSettings(
  rule: RulePlace & { readonly kind: string; readonly spec: object },
): void {
  const known = settingsOf(rule.kind)
  for (const key of Object.keys(rule.spec)) {
    if (known.has(key)) continue
    throw invalid(rule, `expected a setting of ${rule.kind}, found ${JSON.stringify(key)}`)
  }
}

const SETTINGS = new Map<string, ReadonlySet<string>>()

function settingsOf(kind: string): ReadonlySet<string> {
  const known = SETTINGS.get(kind) ?? new Set(keysOf(`kinds/${kind}.schema.json`))
  SETTINGS.set(kind, known)
  return known
}

/** The keys that a schema has; it may refer to a definition of another one, as `pattern` does. */
function keysOf(name: string): readonly string[] {
  const schema = Object.hasOwn(SCHEMAS, name) ? SCHEMAS[name] : undefined
  if (schema === undefined) return []
  const [, file, key] = /^\.\.\/([^#]+)#\/\$defs\/(.+)$/.exec(String(own(schema, '$ref'))) ?? []
  if (file === undefined || key === undefined)
    return Object.keys(objectOf(own(schema, 'properties')))
  const named = own(objectOf(own(objectOf(SCHEMAS[file]), '$defs')), key)
  return Object.keys(objectOf(own(objectOf(named), 'properties')))
}

function objectOf(value: unknown): object {
  return isObject(value) ? value : {}
}

/** A bundle that cannot be loaded, with the rule and its place. */
export function loadError(
  code: ErrorCode,
  place: RulePlace,
  message: string,
  cause?: unknown,
): PolicyError {
  return new PolicyError(code, `${place.id}: ${message}`, {
    cause,
    file: place.file,
    at: { line: place.line, column: place.column },
  })
}

/** The usual load error. */
export function invalid(place: RulePlace, message: string): PolicyError {
  return loadError('VALUE_INVALID', place, message)
}

/** Whether a value is a plain object. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isText(value: unknown): value is string {
  return typeof value === 'string'
}
