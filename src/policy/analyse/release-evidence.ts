import { fromUtf8, isDigest } from '../../base/digest.ts'
import { PolicyError } from '../../base/errors.ts'
import { parseJson } from '../../base/json-parse.ts'
import { isJsonObject, type JsonObject, type JsonValue, ownMember } from '../../base/json-value.ts'
import { EVIDENCE_BYTES_MAX, EVIDENCE_DEPTH_MAX, EVIDENCE_ITEMS_MAX } from '../../base/limits.ts'

/** What one file of evidence says of itself, whatever it measures. */
export type Evidence = {
  /** When it was made, in Unix milliseconds; the oldest of its times. Null when it does not say. */
  readonly at: number | null
  /** The release digest that it names; null when it names none. */
  readonly names: string | null
}

/** How a suite went. */
export type EvalEvidence = Evidence & {
  /** Not whole where a score gives parts of a pass. */
  readonly passed: number
  /** All tests, those that failed, were skipped or ended in an error included. At least 1. */
  readonly total: number
}

export type LatencyEvidence = Evidence & { readonly p50: number; readonly p95: number }
export type CostEvidence = Evidence & { readonly usdPerRun: number }

/** @returns the evidence; what it counts must be possible, and at least one test must have been run. */
export function evalOf(
  counted: { readonly passed: number; readonly failed: number; readonly skipped: number },
  said: Evidence,
): EvalEvidence {
  const { passed, failed, skipped } = counted
  if (passed + failed === 0) throw malformed('at least one test that was run, found none')
  return { passed, total: passed + failed + skipped, ...said }
}

/** @throws {PolicyError} EVIDENCE_MALFORMED */
export function readText(bytes: Uint8Array): string {
  if (bytes.length > EVIDENCE_BYTES_MAX) {
    throw malformed(`at most ${EVIDENCE_BYTES_MAX} bytes`)
  }
  try {
    return fromUtf8(bytes)
  } catch (cause) {
    throw malformed('UTF-8', cause)
  }
}

/** A JSON object, read strictly: no duplicate key, no NaN, no number that a double cannot hold. */
export function readObject(bytes: Uint8Array): JsonObject {
  let value: JsonValue
  try {
    const limits = { bytesMax: EVIDENCE_BYTES_MAX, depthMax: EVIDENCE_DEPTH_MAX }
    value = parseJson(readText(bytes), limits)
  } catch (cause) {
    if (cause instanceof PolicyError && cause.code === 'EVIDENCE_MALFORMED') throw cause
    throw malformed(
      `strict JSON: ${cause instanceof PolicyError ? cause.message : 'no JSON'}`,
      cause,
    )
  }
  if (!isJsonObject(value)) throw malformed('a JSON object')
  return value
}

/** Refuses keys that the format does not have: they may mean something that is not looked at. */
export function checkKeys(object: JsonObject, keys: readonly string[]): void {
  const unknown = Object.keys(object).find((key) => !keys.includes(key))
  if (unknown !== undefined) throw malformed(`the keys ${keys.join(', ')}, found another one`)
}

export function objectOf(object: JsonObject, key: string): JsonObject {
  const value = ownMember(object, key)
  if (isJsonObject(value)) return value
  throw malformed(`an object under "${key}"`)
}

/** Null when it is not there. */
export function objectIfAny(object: JsonObject, key: string): JsonObject | null {
  const value = ownMember(object, key)
  return value === undefined || value === null ? null : objectOf(object, key)
}

export function listOf(object: JsonObject, key: string): readonly JsonObject[] {
  const value = ownMember(object, key)
  if (!Array.isArray(value) || !value.every(isJsonObject)) throw malformed(`objects under "${key}"`)
  if (value.length > EVIDENCE_ITEMS_MAX) throw malformed(`at most ${EVIDENCE_ITEMS_MAX} of them`)
  return value
}

/** @throws {PolicyError} EVIDENCE_MALFORMED unless it is a whole number that counts something */
export function countOf(object: JsonObject, key: string): number {
  const value = ownMember(object, key)
  if (
    typeof value === 'number' &&
    Number.isSafeInteger(value) &&
    value >= 0 &&
    value <= COUNT_MAX
  ) {
    return value
  }
  throw malformed(`a count under "${key}"`)
}

const COUNT_MAX = 1_000_000_000

/** @throws {PolicyError} EVIDENCE_MALFORMED unless it is a number of at least 0 */
export function measureOf(object: JsonObject, key: string): number {
  const value = ownMember(object, key)
  if (typeof value === 'number' && Number.isFinite(value) && value >= 0) return value
  throw malformed(`a number of at least 0 under "${key}"`)
}

/**
 * A moment. One without a zone may be that of any zone, so it is taken for the earliest that it can be.
 *
 * @returns Unix milliseconds
 */
export function timeOf(text: string): number {
  const found = text.length <= 40 ? TIME.exec(text) : null
  const [, day = '', , zone] = found ?? []
  const ms = found === null ? Number.NaN : Date.parse(zone === undefined ? `${text}Z` : text)
  // JavaScript reads 30 February as 1 or 2 March.
  const isDay = new Date(Date.parse(`${day}T00:00:00Z`)).toJSON()?.slice(0, 10) === day
  if (Number.isNaN(ms) || !isDay) throw malformed('a date and time such as 2026-11-21T09:00:00Z')
  return zone === undefined ? ms - ZONE_MS_MAX : ms
}

const TIME = /^(\d{4}-\d\d-\d\d)T\d\d:\d\d(:\d\d(?:\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)?$/
const ZONE_MS_MAX = 14 * 60 * 60 * 1000 // The furthest zone is UTC+14.

export function timeAt(object: JsonObject, key: string): number | null {
  const value = ownMember(object, key)
  if (value === undefined || value === null || value === '') return null
  if (typeof value === 'string') return timeOf(value)
  throw malformed(`a time under "${key}"`)
}

/** The release digest that is named, wherever that is done: everywhere the same. */
export function nameOf(found: readonly (JsonValue | undefined)[]): string | null {
  const names = [...new Set(found.filter((value) => value !== undefined))]
  const [name, ...more] = names
  if (name === undefined) return null
  if (more.length > 0) throw malformed('one release digest, found more')
  if (typeof name === 'string' && isDigest(name)) return name
  throw malformed('a release digest: sha256: and 64 hexadecimal digits')
}

/** `metadata.release_digest`. */
export function metadataName(object: JsonObject | null): JsonValue | undefined {
  const metadata = object === null ? null : objectIfAny(object, 'metadata')
  return metadata === null ? undefined : ownMember(metadata, RELEASE_DIGEST)
}

/** The name under which evidence names its release. */
export const RELEASE_DIGEST = 'release_digest'

export function malformed(expected: string, cause?: unknown): PolicyError {
  return new PolicyError('EVIDENCE_MALFORMED', `expected ${expected}`, { cause })
}
