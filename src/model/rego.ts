import type { JsonObject } from '../base/json-value.ts'
import type { Diagnostic } from '../base/position.ts'

/**
 * Files of a policy, path to text. Paths are relative, with forward slashes. Those that end in `.rego` are read, the
 * others passed over; those that end in `_test.rego` take part in `check`, `format` and `test` only.
 */
export type RegoFiles = Readonly<Record<string, string>>

/** One Rego rule's first definition. */
export type RegoRule = {
  readonly name: string
  readonly file: string
  readonly line: number
  readonly column: number
  /** `set` for a partial set, `object` for a partial object, `value` for a complete rule, `function`. */
  readonly shape: 'set' | 'object' | 'value' | 'function'
}

/**
 * One Rego package over all of its files, with the merged `custom` part of its package METADATA. Test files and rules
 * named `test_` or `todo_test_` are left out.
 */
export type RegoPackage = {
  /** Dotted, without the leading `data.`: `countersign.refunds`. */
  readonly name: string
  readonly file: string
  readonly line: number
  readonly column: number
  readonly rules: readonly RegoRule[]
  readonly custom: JsonObject
}

export type RegoChecked = {
  readonly diagnostics: readonly Diagnostic[]
  readonly packages: readonly RegoPackage[]
}

export type RegoBuilt =
  | { readonly diagnostics: readonly Diagnostic[] }
  | {
      readonly wasm: Uint8Array
      /** OPA's plan IR (`opa build -t plan`), RFC 8785 text, of the sources as they are written. */
      readonly plan: string
    }

export type RegoTestResult = {
  readonly package: string
  readonly name: string
  readonly file: string
  readonly line: number
  readonly outcome: 'pass' | 'fail' | 'skip' | 'error'
  readonly message?: string
  readonly printed?: string
  readonly duration_ms: number
}

export type RegoCoverage = {
  /** Share of coverable lines that ran, in percent. */
  readonly percent: number
  readonly files: Readonly<
    Record<string, { readonly covered: readonly number[]; readonly missed: readonly number[] }>
  >
}

export type RegoTested =
  | { readonly diagnostics: readonly Diagnostic[] }
  | { readonly results: readonly RegoTestResult[]; readonly coverage: RegoCoverage }

/**
 * OPA's compiler behind a port. Every method answers; a file that does not parse or compile is a diagnostic with its
 * place, never a throw. Throws `REGO_COMPILER_FAILED` only when the compiler itself is broken or missing.
 */
export interface RegoCompiler {
  /**
   * Parses and type-checks in strict mode, with `data` standing for the documents below `data`. Where nothing is wrong,
   * warns of expressions that an input without some field makes undefined, and that skip a `deny`, `hold` or `redact`
   * (REGO_FIELD_MAY_BE_MISSING).
   */
  check(files: RegoFiles): Promise<RegoChecked>
  /**
   * @param entrypoints - slash paths of rules: `countersign/refunds/deny`
   */
  build(files: RegoFiles, entrypoints: readonly string[]): Promise<RegoBuilt>
  format(
    files: RegoFiles,
  ): Promise<{ readonly files: RegoFiles } | { readonly diagnostics: readonly Diagnostic[] }>
  /** Runs `test_` rules with OPA's own top-down evaluator, built-in errors raised. */
  test(
    files: RegoFiles,
    options: { readonly data: JsonObject; readonly filter?: string },
  ): Promise<RegoTested>
  /** Ends the worker; the next call starts another. */
  close(): Promise<void>
}
