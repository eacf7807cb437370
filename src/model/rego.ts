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

/** A query as `opa eval` takes it: `data.countersign.refunds.deny`, or several expressions. */
export type RegoQuery = {
  readonly query: string
  /** What the query imports, each without the word: `data.countersign.refunds as r`. */
  readonly imports?: readonly string[]
  /** Whether the files are compiled in OPA's strict mode. Default: they are not, as in `opa eval`. */
  readonly strict?: boolean
}

/** One expression of a query as it was written. Lines and columns count from 1. */
export type RegoExpression = {
  readonly text: string
  readonly line: number
  readonly column: number
  /** The member of a result that holds the expression's value. Without one the value is true. */
  readonly binding?: string
}

export type RegoPlanned =
  | { readonly diagnostics: readonly Diagnostic[] }
  | {
      /**
       * OPA's plan IR, RFC 8785 text, of the sources as they are written. Its one plan gives a set of objects: one for
       * each result, with a member for each variable of the query and for the value of each expression.
       */
      readonly plan: string
      /** OPA's names of the built-ins that the plan calls, sorted. */
      readonly builtins: readonly string[]
      readonly expressions: readonly RegoExpression[]
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
   * @param options.tests - keeps test files and test rules, to run them; what judges actions has none. Default: false
   */
  build(
    files: RegoFiles,
    entrypoints: readonly string[],
    options?: { readonly tests?: boolean },
  ): Promise<RegoBuilt>
  /**
   * Plans a query over all of the files, tests included; there may be none. Documents below `data` come later, at
   * evaluation. Diagnostics name the query's place in a file `query`, and an import's in a file `import`, with its
   * number as the line.
   */
  plan(files: RegoFiles, question: RegoQuery): Promise<RegoPlanned>
  format(
    files: RegoFiles,
  ): Promise<{ readonly files: RegoFiles } | { readonly diagnostics: readonly Diagnostic[] }>
  /** Runs `test_` rules with OPA's own top-down evaluator, built-in errors raised where the package is not lax. */
  test(
    files: RegoFiles,
    options: { readonly data: JsonObject; readonly filter?: string },
  ): Promise<RegoTested>
  /** Starts the worker while its caller does something else, so that the next call finds it ready. Never throws. */
  warm(): void
  /** Ends the worker; the next call starts another. */
  close(): Promise<void>
}
