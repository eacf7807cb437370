import { PolicyError } from '../../base/errors.ts'
import { CANONICAL_DEPTH_MAX } from '../../base/limits.ts'
import { isNumber } from '../../decide/rego/values/number.ts'
import { jsonMembers, numberText } from '../../decide/rego/values/text.ts'
import type { AnyObject, Value } from '../../decide/rego/values/value.ts'
import { isArray, isSet } from '../../decide/rego/values/value.ts'
import type { ExactJson, RawNumber } from '../../model/results.ts'

/**
 * A value as JSON with every digit of its numbers, as OPA prints it: sets become arrays in Rego's order, keys that are
 * no text their JSON text. Unlike the result of a decision it need not survive RFC 8785.
 *
 * @throws {PolicyError} REGO_RESULT_INVALID where it nests deeper than CANONICAL_DEPTH_MAX
 */
export function exactJson(value: Value): ExactJson {
  return write(value, 0)
}

function write(value: Value, depth: number): ExactJson {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return value
  if (typeof value === 'number') return value
  if (isNumber(value)) return RAW.rawJSON(numberText(value))
  if (depth >= CANONICAL_DEPTH_MAX) {
    throw new PolicyError('REGO_RESULT_INVALID', 'the value nests too deep')
  }
  if (isArray(value)) return value.map((member) => write(member, depth + 1))
  if (isSet(value)) return value.values().map((member) => write(member, depth + 1))
  return Object.fromEntries(
    jsonMembers(value as AnyObject).map(([name, member]) => [name, write(member, depth + 1)]),
  )
}

/** Part of JavaScript since 2024; TypeScript's library does not declare it yet. */
const RAW = JSON as unknown as { rawJSON(text: string): RawNumber }
