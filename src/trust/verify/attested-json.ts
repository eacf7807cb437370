import { canonicalize } from '../../base/canonical-json.ts'
import { bytesEqual, utf8 } from '../../base/digest.ts'
import { PolicyError } from '../../base/errors.ts'
import { parseJsonBytes } from '../../base/json-parse.ts'
import { isJsonObject, type JsonObject, type JsonValue, ownMember } from '../../base/json-value.ts'
import { ATTEST_SKEW_MS, CANONICAL_DEPTH_MAX } from '../../base/limits.ts'

/**
 * Reads an object that was attested: strict JSON, and the RFC 8785 text of its value.
 *
 * @throws {PolicyError} ATTESTATION_INVALID
 */
export function parseAttested(bytes: Uint8Array, bytesMax: number): JsonObject {
  let value: JsonValue
  try {
    value = parseJsonBytes(bytes, { bytesMax, depthMax: CANONICAL_DEPTH_MAX })
  } catch (cause) {
    throw new PolicyError('ATTESTATION_INVALID', 'expected strict JSON', { cause })
  }
  if (!isJsonObject(value)) throw invalid('an object')
  if (!bytesEqual(utf8(canonicalize(value)), bytes)) throw invalid('RFC 8785 text')
  return value
}

/** @throws {PolicyError} ATTESTATION_INVALID */
export function objectIn(object: JsonValue | undefined, key: string): JsonObject {
  const value = memberIn(object, key)
  if (isJsonObject(value)) return value
  throw invalid(`an object under "${key}"`)
}

/** @throws {PolicyError} ATTESTATION_INVALID */
export function listIn(object: JsonValue | undefined, key: string): readonly JsonValue[] {
  const value = memberIn(object, key)
  if (Array.isArray(value)) return value
  throw invalid(`a list under "${key}"`)
}

/** @throws {PolicyError} ATTESTATION_INVALID */
export function textIn(object: JsonValue | undefined, key: string): string {
  const value = memberIn(object, key)
  if (typeof value === 'string') return value
  throw invalid(`a text under "${key}"`)
}

/**
 * Checks that a result was signed when it says that it was made.
 *
 * @param times - when, by each authority that vouches for it, in Unix milliseconds
 * @throws {PolicyError} ATTESTATION_INVALID
 */
export function checkSignedAt(timeCreated: string, times: readonly number[]): void {
  const at = Date.parse(timeCreated)
  const isNear = times.length > 0 && times.every((time) => Math.abs(time - at) <= ATTEST_SKEW_MS)
  if (!isNear) throw invalid('the time at which it was signed')
}

export function invalid(expected: string): PolicyError {
  return new PolicyError('ATTESTATION_INVALID', `the attestation: expected ${expected}`)
}

function memberIn(object: JsonValue | undefined, key: string): JsonValue | undefined {
  return isJsonObject(object) ? ownMember(object, key) : undefined
}
