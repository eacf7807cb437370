import { PolicyError } from '../../base/errors.ts'
import { parseJsonBytes } from '../../base/json-parse.ts'
import { isJsonObject, type JsonObject, type JsonValue } from '../../base/json-value.ts'
import { SIGSTORE_ANSWER_BYTES_MAX } from '../../base/limits.ts'

/** `body` is null where the answer was no JSON object. */
export type Answer = { readonly status: number; readonly body: JsonObject | null }

/**
 * One question to a Sigstore service or an OpenID Connect issuer. No redirection is followed, since a token must go
 * nowhere else; nothing of an answer is kept but status and JSON.
 *
 * @param who - the service's name, for messages
 * @throws {PolicyError} SIGSTORE_UNREACHABLE (retryable) when there is no whole answer in time
 */
export async function ask(
  who: string,
  url: string,
  init: RequestInit,
  timeoutMs: number,
): Promise<Answer> {
  try {
    const signal = AbortSignal.timeout(timeoutMs)
    const answer = await fetch(url, { ...init, redirect: 'error', signal })
    return { status: answer.status, body: parseObject(await readBounded(answer)) }
  } catch (cause) {
    throw unreachable(who, cause)
  }
}

/** @throws what `fetch` throws, or an error when the answer is too long */
async function readBounded(answer: Response): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of answer.body ?? []) {
    bytes += chunk.length
    if (bytes > SIGSTORE_ANSWER_BYTES_MAX) throw new Error('the answer is too long')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

function parseObject(bytes: Uint8Array): JsonObject | null {
  let value: JsonValue
  try {
    value = parseJsonBytes(bytes)
  } catch {
    return null // An error page, say; its status tells.
  }
  return isJsonObject(value) ? value : null
}

/** An own text field of an answer; undefined when it is missing or no text. */
export function textOf(body: JsonObject | null, key: string): string | undefined {
  const value = body !== null && Object.hasOwn(body, key) ? body[key] : undefined
  return typeof value === 'string' ? value : undefined
}

export function unreachable(who: string, cause?: unknown): PolicyError {
  const message = `${who} gave no whole answer; try again later`
  return new PolicyError('SIGSTORE_UNREACHABLE', message, { cause, retryable: true })
}

/** An answer that is no: from the service's side when it may be yes later, else from ours. */
export function refused(who: string, status: number): PolicyError {
  if (status === 408 || status === 429 || status >= 500) return unreachable(who)
  return new PolicyError('SIGSTORE_REFUSED', `${who} answered ${status}`)
}
