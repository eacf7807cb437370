import { isAbsolute, relative } from 'node:path'
import type { ErrorCode } from '../../base/errors.ts'
import { PolicyError } from '../../base/errors.ts'
import { painter, visible } from '../../report/paint.ts'
import { type ExitCode, type Io, isColoured } from './io.ts'

/**
 * Prints why a command failed, for people to standard error or as the one JSON document to standard output, and gives
 * the exit code. Anything but a PolicyError is our own fault: ENGINE_FAILED, without a stack unless COUNTERSIGN_DEBUG
 * is set.
 */
export function printError(io: Io, thrown: unknown, { asJson }: { asJson: boolean }): ExitCode {
  const error = thrown instanceof PolicyError ? thrown : unexpected(thrown)
  if (asJson) io.stdout.write(`${JSON.stringify({ error: errorDocument(io, error) }, null, 2)}\n`)
  else io.stderr.write(errorText(io, error))
  const { COUNTERSIGN_DEBUG } = io.env
  if (COUNTERSIGN_DEBUG) io.stderr.write(`${stackOf(thrown)}\n`)
  return ENGINE_CODES.has(error.code) ? 3 : NO_CODES.has(error.code) ? 1 : 2
}

/** An error as programs read it. */
function errorDocument(io: Io, error: PolicyError): object {
  const { code, message, at, retryable, documentation_url } = error
  const file = shownFile(io, error.file)
  return {
    code,
    message,
    ...(file === undefined ? {} : { file }),
    ...(at === undefined ? {} : { line: at.line, column: at.column }),
    retryable,
    documentation_url,
  }
}

function errorText(io: Io, error: PolicyError): string {
  const paint = painter(isColoured(io, 'stderr'))
  const { at, code, message } = error
  const file = shownFile(io, error.file)
  const point = at === undefined ? '' : `:${at.line}:${at.column}`
  const place = file === undefined ? '' : `${paint.bold(`${visible(file)}${point}`)} `
  const again = error.retryable ? '\n  the same command may succeed later' : ''
  const page = paint.dim(`  see ${error.documentation_url}`)
  return `${place}${paint.red(code)}: ${visible(message)}${again}\n${page}\n`
}

/** A file as the person named it: from the working directory, when it lies below. */
function shownFile(io: Io, file: string | undefined): string | undefined {
  if (file === undefined || !isAbsolute(file)) return file
  const path = relative(io.cwd, file)
  return path === '' || path.startsWith('..') || isAbsolute(path) ? file : path
}

/** The engine, not the input, is at fault, or something it stands on. */
const ENGINE_CODES: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'ENGINE_FAILED',
  'ENGINE_TIMEOUT',
  'NODE_UNSUPPORTED',
  'GIT_FAILED',
  'REGO_COMPILER_FAILED',
  'STORE_FAILED',
  'STORE_KEY_MISMATCH',
  'STORE_NEWER_FORMAT',
  'FORGE_UNREACHABLE',
  'LOG_UNREACHABLE',
  'SECRET_UNAVAILABLE',
  'SECRET_MISSING',
  'FORGE_CONFLICT',
])

/** The policy, or who checks, said no. */
const NO_CODES: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'ACTION_DENIED',
  'ACTION_REJECTED',
  'ACTION_EXPIRED',
  'ACTION_PENDING',
])

function unexpected(thrown: unknown): PolicyError {
  const said = thrown instanceof Error ? thrown.message : String(thrown)
  return new PolicyError(
    'ENGINE_FAILED',
    `an unexpected failure: ${said.split('\n')[0]}; set COUNTERSIGN_DEBUG=1 to see where, and please report it`,
    { cause: thrown },
  )
}

function stackOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown)
  const cause = thrown.cause === undefined ? '' : `\ncaused by ${stackOf(thrown.cause)}`
  return `${thrown.stack ?? thrown.message}${cause}`
}
