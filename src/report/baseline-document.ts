import type { JsonValue } from '../base/json-value.ts'

/** A report for programs: the same with the names of its members in snake_case. */
export function snakeCase(value: unknown): JsonValue {
  if (Array.isArray(value)) return value.map(snakeCase)
  if (typeof value !== 'object' || value === null) return value as JsonValue
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [
      name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
      snakeCase(member),
    ]),
  )
}
