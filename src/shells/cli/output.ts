import type { JsonValue } from '../../base/json-value.ts'
import type { Diagnostic } from '../../base/position.ts'
import {
  annotationsBelow,
  annotationsOfDiagnostics,
  documentationUrl,
} from '../../report/annotations.ts'
import { countSeverities, diagnosticsText } from '../../report/check-text.ts'
import { githubAnnotations } from '../../report/github.ts'
import { type Paint, painter } from '../../report/paint.ts'
import { sarifLog } from '../../report/sarif.ts'
import { type ExitCode, type Io, isColoured } from './io.ts'
import { version } from './version.ts'

/** What a command is given: where to print, and how to say how it ended. */
export type Cli = {
  readonly io: Io
  /** Ends the program with this code, once the command is done. */
  exit(code: ExitCode): void
}

/** Prints one JSON document to standard output: the only thing a program reads there. */
export function printJson(cli: Cli, value: object | JsonValue): void {
  cli.io.stdout.write(`${JSON.stringify(value, null, 2)}\n`)
}

/** Prints text for people, or a document of another format, ending it with a line feed. */
export function printText(cli: Cli, text: string): void {
  if (text !== '') cli.io.stdout.write(text.endsWith('\n') ? text : `${text}\n`)
}

/** Tells people something that is not the result. */
export function printNote(cli: Cli, text: string): void {
  cli.io.stderr.write(text.endsWith('\n') ? text : `${text}\n`)
}

/** Why a policy was refused, in the asked format where that can say it, and the exit code for it. */
export function refusePolicy(
  cli: Cli,
  policy: {
    readonly diagnostics: readonly Diagnostic[]
    readonly files: ReadonlyMap<string, string>
  },
  format: string,
  folder = '',
): void {
  const { diagnostics, files } = policy
  const annotations = annotationsBelow(folder, annotationsOfDiagnostics(diagnostics))
  if (format === 'json') printJson(cli, refusalDocument(diagnostics))
  else if (format === 'sarif') printJson(cli, sarifLog(annotations, version()))
  else if (format === 'github') printText(cli, githubAnnotations(annotations))
  else
    cli.io.stderr.write(diagnosticsText(diagnostics, files, painter(isColoured(cli.io, 'stderr'))))
  cli.exit(2)
}

/** The first error in the form that every failure has, then all of them. */
function refusalDocument(diagnostics: readonly Diagnostic[]): object {
  const first = diagnostics.find(({ severity }) => severity === 'error') ?? diagnostics[0]
  const { code, message, file, line, column } = first ?? REFUSED
  const place = { file, line, column }
  const error = {
    code,
    message,
    ...place,
    retryable: false,
    documentation_url: documentationUrl(code),
  }
  return { error, ...countSeverities(diagnostics), diagnostics }
}

const REFUSED = {
  code: 'DOCUMENT_INVALID',
  message: 'the policy was refused',
  file: '',
  line: 1,
  column: 1,
} as const

/** Colours for what goes to standard output. */
export function paintOf(cli: Cli): Paint {
  return painter(isColoured(cli.io, 'stdout'))
}

/** One line on a terminal that says how far long work is. Silent anywhere else. */
export type Progress = { show(text: string): void; clear(): void }

export function progressOf(cli: Cli): Progress {
  const { stderr, isTerminal, width } = cli.io
  if (!isTerminal.stderr) return { show: () => undefined, clear: () => undefined }
  let shownAt = -Infinity
  return {
    show: (text) => {
      const now = performance.now()
      if (now - shownAt < PROGRESS_MS) return
      shownAt = now
      stderr.write(`\r${CLEAR_LINE}${text.slice(0, Math.max(1, width - 1))}`)
    },
    clear: () => {
      if (shownAt > -Infinity) stderr.write(`\r${CLEAR_LINE}`)
      shownAt = -Infinity
    },
  }
}

const PROGRESS_MS = 100
const CLEAR_LINE = '\u001b[2K'
