import { PolicyError } from '../../../base/errors.ts'
import type { JsonObject, JsonValue } from '../../../base/json-value.ts'
import { STRING_LENGTH_MAX } from './reader-limits.ts'

/**
 * Where in a plan the reader is: keys and indexes, changed in place as it goes down and up, and made into text only for
 * an error.
 */
export type Trail = (string | number)[]

/** @throws {PolicyError} REGO_PLAN_INVALID always */
export function refuse(trail: Trail, message: string): never {
  const place = trail.length === 0 ? 'the plan' : trail.join(' ')
  throw new PolicyError('REGO_PLAN_INVALID', `${place}: ${message}`)
}

export function isJsonObject(json: JsonValue | undefined): json is JsonObject {
  return typeof json === 'object' && json !== null && !Array.isArray(json)
}

/** An object with none but the named fields: one that is not known may mean what is not done. */
export function readObject(
  trail: Trail,
  json: JsonValue | undefined,
  fields: ReadonlySet<string>,
): JsonObject {
  if (!isJsonObject(json)) refuse(trail, 'expected an object')
  for (const key of Object.keys(json)) {
    if (!fields.has(key)) refuse(trail, `expected no field ${quote(key)}`)
  }
  return json
}

/** A field of an object's own. */
export function field(object: JsonObject, name: string): JsonValue | undefined {
  return Object.hasOwn(object, name) ? object[name] : undefined
}

/** Go writes an empty slice as null or leaves it out. */
export function readList(
  trail: Trail,
  object: JsonObject,
  name: string,
  max: number,
): readonly JsonValue[] {
  const json = field(object, name)
  if (json === undefined || json === null) return []
  if (!Array.isArray(json)) refuse(trail, `expected a list as ${quote(name)}`)
  if (json.length > max) refuse(trail, `expected at most ${max} members in ${quote(name)}`)
  // No JSON text has holes, but a caller may; `map` would pass over them.
  if (json.includes(undefined)) refuse(trail, `expected a list without holes as ${quote(name)}`)
  return json
}

export function readInteger(
  trail: Trail,
  object: JsonObject,
  name: string,
  range: { readonly min: number; readonly max: number },
): number {
  const json = field(object, name)
  if (typeof json !== 'number' || !Number.isSafeInteger(json)) {
    return refuse(trail, `expected a whole number as ${quote(name)}`)
  }
  if (json < range.min || json > range.max) {
    refuse(trail, `expected ${quote(name)} from ${range.min} to ${range.max}`)
  }
  return json === 0 ? 0 : json
}

export function readString(trail: Trail, object: JsonObject, name: string): string {
  return asString(trail, field(object, name), name)
}

/** A string in Unicode and of a bearable length. */
export function asString(trail: Trail, json: JsonValue | undefined, name: string): string {
  if (typeof json !== 'string') return refuse(trail, `expected a string as ${quote(name)}`)
  if (json.length > STRING_LENGTH_MAX) {
    refuse(trail, `expected at most ${STRING_LENGTH_MAX} characters as ${quote(name)}`)
  }
  if (!json.isWellFormed()) refuse(trail, `expected Unicode text as ${quote(name)}`)
  return json
}

/** A name from outside, cut so that a message stays one. */
export function quote(name: string): string {
  const short = name.length > QUOTE_LENGTH_MAX ? `${name.slice(0, QUOTE_LENGTH_MAX)}…` : name
  return JSON.stringify(short.toWellFormed())
}

const QUOTE_LENGTH_MAX = 100
