import type { ErrorCode } from './errors.ts'

/** A place in an author's file. Line and column count from 1. */
export type Position = { readonly line: number; readonly column: number }

/** One complaint about a policy repository, or one note that does not stop a build. */
export type Diagnostic = {
  readonly code: ErrorCode
  readonly severity: 'error' | 'warning'
  /** Path relative to the policy repository, with forward slashes. */
  readonly file: string
  readonly line: number
  readonly column: number
  readonly message: string
  /** What the author should do, where the message does not say it already. */
  readonly hint?: string
}

/** Orders diagnostics by file, line, column, then code and message, so that every run prints the same list. */
export function sortDiagnostics<T extends Diagnostic>(diagnostics: readonly T[]): T[] {
  return [...diagnostics].sort(
    (a, b) =>
      compareText(a.file, b.file) ||
      a.line - b.line ||
      a.column - b.column ||
      compareText(a.code, b.code) ||
      compareText(a.message, b.message),
  )
}

/** Compares by UTF-16 code unit, as RFC 8785 sorts keys: never by locale. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
