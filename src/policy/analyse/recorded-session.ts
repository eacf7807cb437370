import { PolicyError } from '../../base/errors.ts'
import { parseJson } from '../../base/json-parse.ts'
import type { JsonValue } from '../../base/json-value.ts'
import { JSON_DEPTH_MAX } from '../../base/limits.ts'
import type { RecordedSession } from '../../model/generated/types.ts'
import { validate } from '../../model/validate.ts'

/** UTF-16 code units of one line of a trace, which is one session. */
export const SESSION_LENGTH_MAX = 64 * 1024 * 1024

/**
 * One line of a trace.
 *
 * @param place - the file and the line's number, from 1, for the error
 * @throws {PolicyError} SESSION_INVALID
 */
export function parseSession(text: string, place: { file: string; line: number }): RecordedSession {
  const invalid = (message: string, column = 1, cause?: unknown) =>
    new PolicyError('SESSION_INVALID', message, {
      file: place.file,
      at: { line: place.line, column },
      cause,
    })
  let value: JsonValue
  try {
    value = parseJson(text, {
      bytesMax: SESSION_LENGTH_MAX,
      depthMax: JSON_DEPTH_MAX + SESSION_DEPTH,
    })
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error
    const column = error.at?.column ?? 1
    throw invalid(
      `expected one session as one line of JSON: ${error.message.replace(/ at 1:\d+$/, '')} (${error.code})`,
      column,
      error,
    )
  }
  const [first, ...more] = validate('recorded-session', value)
  if (first === undefined) return value as unknown as RecordedSession
  const others = more.length === 0 ? '' : `; and ${more.length} more`
  throw invalid(`${first.pointer || '/'} ${first.message}${others}`)
}

const SESSION_DEPTH = 3 // A session holds steps, steps hold one action each.
