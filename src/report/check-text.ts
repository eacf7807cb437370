import type { Diagnostic } from '../base/position.ts'
import type { CheckResult } from '../model/results.ts'
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
  const { errors, warnings } = countSeverities(result.diagnostics)
  const files = plural(result.files.length, 'file')
  if (result.policy !== null) {
    const noted = warnings === 0 ? '' : `, ${paint.yellow(plural(warnings, 'warning'))}`
    return `${complaints}${paint.green('ok')} ${files}${noted}\n${result.policy}\n`
  }
  return `${complaints}${paint.red(plural(errors, 'error'))}, ${plural(warnings, 'warning')} in ${files}\n`
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
