import { canonicalize } from './canonical-json.ts'
import type { Digest } from './digest.ts'
import { digestOf } from './digest.ts'
import type { JsonValue } from './json-value.ts'

/**
 * SHA-256 over canonical lines: each value's RFC 8785 text followed by a line feed. That text holds no line feed,
 * so no two lists share their lines.
 *
 * @throws {PolicyError} as canonicalize
 */
export function digestLines(values: Iterable<JsonValue>): Digest {
  const lines: string[] = []
  for (const value of values) lines.push(`${canonicalize(value)}\n`)
  return digestOf(lines.join(''))
}
