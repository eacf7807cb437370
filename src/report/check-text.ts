import type { Diagnostic } from '../base/position.ts'
import type { CheckResult, SuppressedDiagnostic } from '../model/results.ts'
import { documentationUrl } from './annotations.ts'
import { type Paint, visible } from './paint.ts'

/**
 * What a check found, for people: each complaint with its line of the file, then the sum.
 *
 * @param sources - the files' texts, to quote from
 */
export function checkText(
  result: CheckResult,
  sources: ReadonlyMap<string, string>,
  paint: Paint,
): string {
  const complaints = diagnosticsText(result.diagnostics, sources, paint)
  const ignored = result.suppressed.map((one) => `${ignoredText(one, paint)}\n`).join('')
  const { errors, warnings } = countSeverities(result.diagnostics)
  const files = plural(result.files.length, 'file')
  const left = result.suppressed.length === 0 ? '' : `, ${result.suppressed.length} ignored`
  if (result.policy !== null && errors === 0) {
    const noted = warnings === 0 ? '' : `, ${paint.yellow(plural(warnings, 'warning'))}`
    return `${complaints}${ignored}${paint.green('ok')} ${files}${noted}${left}\n${result.policy}\n`
  }
  const sum = `${paint.red(plural(errors, 'error'))}, ${plural(warnings, 'warning')}${left} in ${files}`
  return `${complaints}${ignored}${sum}\n${result.policy === null ? '' : `${result.policy}\n`}`
}

function ignoredText(
  { file, line, column, code, reason }: SuppressedDiagnostic,
  paint: Paint,
): string {
  return paint.dim(`${visible(file)}:${line}:${column} ignored ${code}: ${visible(reason)}`)
}

/** Complaints, each with its line of the file and a link. */
export function diagnosticsText(
  diagnostics: readonly Diagnostic[],
  sources: ReadonlyMap<string, string>,
  paint: Paint,
): string {
  return diagnostics.map((diagnostic) => `${diagnosticText(diagnostic, sources, paint)}\n`).join('')
}

/** `{errors, warnings}` of a list of complaints. */
export function countSeverities(diagnostics: readonly Diagnostic[]): {
  errors: number
  warnings: number
} {
  const errors = diagnostics.filter(({ severity }) => severity === 'error').length
  return { errors, warnings: diagnostics.length - errors }
}

export function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}

function diagnosticText(
  { code, severity, file, line, column, message, hint }: Diagnostic,
  sources: ReadonlyMap<string, string>,
  paint: Paint,
): string {
  const colour = severity === 'error' ? paint.red : paint.yellow
  const kind = severity === 'error' ? '' : 'warning '
  const lines = [
    `${paint.bold(`${visible(file)}:${line}:${column}`)} ${colour(`${kind}${code}`)}: ${visible(message)}`,
  ]
  const quoted = sources.get(file)?.split(/\r?\n/)[line - 1]
  if (quoted !== undefined && quoted.trim() !== '' && quoted.length <= QUOTED_LENGTH_MAX) {
    const gutter = String(line).padStart(5)
    lines.push(paint.dim(`${gutter} | `) + visible(quoted.replaceAll('\t', ' ')))
    lines.push(
      `${paint.dim(`${' '.repeat(gutter.length)} | `)}${' '.repeat(column - 1)}${colour('^')}`,
    )
  }
  if (hint !== undefined) lines.push(`  ${visible(hint)}`)
  lines.push(paint.dim(`  see ${documentationUrl(code)}`))
  return lines.join('\n')
}

const QUOTED_LENGTH_MAX = 200
