import { parseDuration } from '../../base/duration.ts'
import type { ErrorCode } from '../../base/errors.ts'
import { PolicyError } from '../../base/errors.ts'

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
