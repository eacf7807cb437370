import { Lexer } from 'yaml'
import type { ErrorCode } from '../../../base/errors.ts'
import { ERROR_CODES } from '../../../base/errors.ts'
import type { Diagnostic, Position } from '../../../base/position.ts'
import { sortDiagnostics } from '../../../base/position.ts'
import type { SuppressedDiagnostic } from '../../../model/results.ts'
import type { PolicyFiles } from '../../compile/index.ts'
import { newReport, suggestion } from '../../compile/report.ts'
import { regoComments } from '../rego-comments.ts'

/** A comment `# countersign-ignore: CODE reason`, and the line that it speaks about. */
export type Suppression = {
  readonly code: ErrorCode
  readonly reason: string
  readonly file: string
  readonly line: number
  readonly column: number
  /** The first line below the comment, other comments left out; 0 where a blank line comes first. */
  readonly target: number
}

/**
 * Leaves out the warnings that a comment directly above their line names, with a reason. Errors stay whatever a comment
 * says. What was left out is listed, and so is a comment that leaves nothing out.
 *
 * @param options.complete - whether the diagnostics are all that there could be; only then is a comment unused
 */
export function suppress(
  diagnostics: readonly Diagnostic[],
  files: PolicyFiles,
  { complete }: { readonly complete: boolean },
): { readonly kept: readonly Diagnostic[]; readonly suppressed: readonly SuppressedDiagnostic[] } {
  const { suppressions, problems } = readSuppressions(files)
  const byPlace = new Map(suppressions.map((one) => [keyOf(one.file, one.target, one.code), one]))
  const used = new Set<Suppression>()
  const kept: Diagnostic[] = []
  const suppressed: SuppressedDiagnostic[] = []
  for (const diagnostic of diagnostics) {
    const { file, line, code, severity } = diagnostic
    const found = byPlace.get(keyOf(file, line, code))
    if (found === undefined || severity === 'error') kept.push(diagnostic)
    else {
      used.add(found)
      suppressed.push({ ...diagnostic, reason: found.reason })
    }
  }
  const report = newReport()
  for (const one of complete ? suppressions : []) {
    if (used.has(one)) continue
    const message = `no warning ${one.code} in the line below to ignore; remove the comment, or put it directly above the line`
    report.warn(one, 'SUPPRESSION_UNUSED', message)
  }
  return {
    kept: sortDiagnostics([...kept, ...problems, ...report.diagnostics]),
    suppressed: sortDiagnostics(suppressed),
  }
}

function keyOf(file: string, line: number, code: string): string {
  return `${file}\n${line}\n${code}`
}

const MARK = /^#+\s*countersign-ignore\b(.*)$/
const WHOLE = /^:\s*([A-Za-z_][A-Za-z0-9_]*)(?:\s+(\S.*?))?\s*$/

/** Every such comment in the repository, and what is wrong with those that are not understood. */
export function readSuppressions(files: PolicyFiles): {
  readonly suppressions: readonly Suppression[]
  readonly problems: readonly Diagnostic[]
} {
  const report = newReport()
  const suppressions: Suppression[] = []
  for (const [file, raw] of files) {
    if (!raw.includes('countersign-ignore')) continue
    const text = raw.replace(/^\uFEFF/, '').replaceAll('\r\n', '\n')
    const comments = file.endsWith('.rego') ? regoComments(text) : yamlComments(file, text)
    const lines = text.split('\n')
    for (const { at, text: comment } of comments) {
      const rest = MARK.exec(comment)?.[1]
      // A comment behind something speaks about nothing below it.
      if (rest === undefined || lines[at.line - 1]?.trimStart().startsWith('#') !== true) continue
      const problem = problemOf(rest)
      if (problem !== null) {
        report.warn({ file, ...at }, 'SUPPRESSION_INVALID', problem)
        continue
      }
      const [, code = '', reason = ''] = WHOLE.exec(rest) ?? []
      suppressions.push({
        ...{ code: code as ErrorCode, reason, file, ...at },
        target: targetOf(lines, at.line),
      })
    }
  }
  return { suppressions, problems: report.diagnostics }
}

function problemOf(rest: string): string | null {
  const form = '# countersign-ignore: CODE reason'
  const [, code, reason] = WHOLE.exec(rest) ?? []
  if (code === undefined) return `expected "${form}"`
  if (!(ERROR_CODES as readonly string[]).includes(code)) {
    return `no code is named ${code}${suggestion(code, ERROR_CODES)}`
  }
  if (code.startsWith('SUPPRESSION_')) return `${code} cannot be ignored`
  return reason === undefined ? `expected a reason after ${code}: "${form}"` : null
}

function targetOf(lines: readonly string[], from: number): number {
  for (let line = from; line < lines.length; line++) {
    const text = lines[line]?.trimStart() ?? ''
    if (text === '') return 0
    if (!text.startsWith('#')) return line + 1
  }
  return 0
}

type Comment = { readonly at: Position; readonly text: string }

/** Comments of a YAML file; text in quotes and in blocks may look like one and is none. */
function yamlComments(file: string, text: string): readonly Comment[] {
  if (!/\.ya?ml$/.test(file)) return []
  const comments: Comment[] = []
  let line = 1
  let column = 1
  for (const token of new Lexer().lex(text)) {
    if (MARKS.has(token)) continue
    if (token.startsWith('#')) comments.push({ at: { line, column }, text: token })
    const breaks = token.split('\n')
    line += breaks.length - 1
    column = breaks.length > 1 ? (breaks.at(-1) ?? '').length + 1 : column + token.length
  }
  return comments
}

// The lexer says with these where a document, a plain scalar or a broken list starts; they are no part of the text.
const MARKS: ReadonlySet<string> = new Set(['\u0002', '\u0018', '\u001f'])
