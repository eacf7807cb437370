import type { ErrorCode } from '../../base/errors.ts'
import { nearest } from '../../base/nearest.ts'
import type { Diagnostic } from '../../base/position.ts'
import type { Place } from '../../model/generated/types.ts'

/** Where the checks put what they find. */
export type Report = {
  readonly diagnostics: Diagnostic[]
  readonly error: (place: Place, code: ErrorCode, message: string) => void
  readonly warn: (place: Place, code: ErrorCode, message: string) => void
}

export function newReport(): Report {
  const diagnostics: Diagnostic[] = []
  const add =
    (severity: Diagnostic['severity']) =>
    ({ file, line, column }: Place, code: ErrorCode, message: string): void => {
      diagnostics.push({ code, severity, file, line, column, message })
    }
  return { diagnostics, error: add('error'), warn: add('warning') }
}

/** `; did you mean "x"?`, or nothing when no known name is near. */
export function suggestion(name: string, known: Iterable<string>): string {
  const meant = nearest(name, known)
  return meant === undefined ? '' : `; did you mean ${JSON.stringify(meant)}?`
}
