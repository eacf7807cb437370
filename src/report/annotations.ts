import type { ErrorCode } from '../base/errors.ts'
import { PolicyError } from '../base/errors.ts'
import type { Diagnostic } from '../base/position.ts'
import type { CheckResult, MutationReport, TestReport } from '../model/results.ts'

/** One complaint at one place: what SARIF and GitHub annotations are made from. */
export type Annotation = {
  /** An error code, or the id of what failed. */
  readonly id: string
  readonly url?: string
  readonly level: 'error' | 'warning'
  readonly file: string
  readonly line: number
  readonly column: number
  readonly message: string
  /** Why a comment asks to ignore it. */
  readonly ignored?: string
}

export function annotationsOfDiagnostics(diagnostics: readonly Diagnostic[]): Annotation[] {
  return diagnostics.map(({ code, severity, file, line, column, message, hint }) => ({
    id: code,
    url: documentationUrl(code),
    level: severity,
    file,
    line,
    column,
    message: hint === undefined ? message : `${message}; ${hint}`,
  }))
}

/** Those of a check: its diagnostics, and those that a comment asks to ignore. */
export function annotationsOfCheck({ diagnostics, suppressed }: CheckResult): Annotation[] {
  const ignored = suppressed.flatMap((one) =>
    annotationsOfDiagnostics([one]).map((annotation) => ({ ...annotation, ignored: one.reason })),
  )
  return [...annotationsOfDiagnostics(diagnostics), ...ignored]
}

/** One annotation for each test that failed. */
export function annotationsOfTests(report: TestReport): Annotation[] {
  const decisions = report.decisions
    .filter(({ passed }) => !passed)
    .map(({ name, file, line, column, differences }) => ({
      id: 'decision-test',
      level: 'error' as const,
      file,
      line,
      column,
      message: `${name}: ${differences.join('; ')}`,
    }))
  const rego = report.rego
    .filter(({ outcome }) => outcome === 'fail' || outcome === 'error')
    .map(({ package: name, name: test, file, line, message }) => ({
      id: 'rego-test',
      level: 'error' as const,
      file,
      line,
      column: 1,
      message: `${name}.${test}: ${message ?? 'the test is not true'}`,
    }))
  return [...decisions, ...rego]
}

/** One annotation for each mutant that no test notices. */
export function annotationsOfMutants({ mutants }: MutationReport): Annotation[] {
  return mutants
    .filter(({ outcome }) => outcome === 'survived')
    .map(({ rule, operator, change, file, line, column }) => ({
      ...{ id: `mutant-${operator}`, level: 'error', file, line, column },
      message: `${rule}: no test notices when ${change}`,
    }))
}

/** The same annotations with their files named from a folder above: where the repository of a CI job starts. */
export function annotationsBelow(folder: string, annotations: readonly Annotation[]): Annotation[] {
  if (folder === '') return [...annotations]
  return annotations.map((annotation) => ({ ...annotation, file: `${folder}/${annotation.file}` }))
}

export function documentationUrl(code: ErrorCode): string {
  return new PolicyError(code, '').documentation_url
}
