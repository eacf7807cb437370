import type { JsonObject, JsonValue } from '../../base/json-value.ts'

/** What one entry point gave: its value, or why there is none. Every `failed` case denies. */
export type RegoOutcome =
  | { readonly value: JsonValue }
  | {
      readonly failed:
        | 'REGO_BUILTIN_ERROR'
        | 'REGO_BUDGET_EXCEEDED'
        | 'REGO_CONFLICT'
        | 'REGO_ABORTED'
        | 'REGO_UNDEFINED'
        | 'REGO_MEMORY_EXCEEDED'
      readonly message: string
      readonly file?: string
      readonly line?: number
      readonly column?: number
    }

/**
 * A loaded Rego policy. Synchronous and deterministic: the same input gives the same outcome. Sets come as arrays
 * sorted by their canonical JSON text.
 */
export interface RegoProgram {
  /** Slash paths: `countersign/refunds/deny`. */
  readonly entrypoints: readonly string[]
  /** @param entrypoint - one of `entrypoints`; any other gives `REGO_UNDEFINED`. */
  evaluate(entrypoint: string, input: JsonObject): RegoOutcome
  /** Several entry points on one input, in order, which share what they find out and their bounds. */
  evaluateAll(entrypoints: readonly string[], input: JsonObject): readonly RegoOutcome[]
}
