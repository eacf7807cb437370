import type { JsonValue } from '../../base/json-value.ts'
import type { Documents } from '../compile/index.ts'
import type { Writing } from './mutant.ts'

/** What the documents say of the rules of the policy that was compiled from them. */
export function writingIn({ rules }: Documents): Writing {
  const entries = new Map(rules.map((entry) => [entry.value.id, entry]))
  return {
    at(rule, pointer) {
      const { file, line, column } = rule
      return entries.get(rule.id)?.at(pointer) ?? { file, line, column }
    },
    has(rule, pointer) {
      let value = entries.get(rule.id)?.value as JsonValue | undefined
      // Names of settings hold nothing that a pointer escapes.
      for (const key of pointer.split('/').slice(1)) {
        if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return false
        value = (value as Readonly<Record<string, JsonValue>>)[key]
      }
      return value !== undefined
    },
  }
}
