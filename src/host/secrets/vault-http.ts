import { type IncomingMessage, request as plainRequest } from 'node:http'
import { request as tlsRequest } from 'node:https'
import { fromUtf8, utf8 } from '../../base/digest.ts'
import { PolicyError } from '../../base/errors.ts'
import type { JsonObject, JsonValue } from '../../base/json-value.ts'
import { unavailable } from './value.ts'

export type VaultQuestion = {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly token: string | null
  readonly body?: JsonObject
}

/** `body` is null where the server sent none, or no JSON. */
export type VaultAnswer = { readonly status: number; readonly body: JsonValue }

/** @throws {PolicyError} SECRET_UNAVAILABLE when there is no whole answer in time */
export type VaultClient = (question: VaultQuestion) => Promise<VaultAnswer>

export type VaultServer = {
  readonly address: string
  readonly namespace: string | null
  /** PEM certificates that sign the server's; null for those of Node. */
  readonly authority: string | null
  readonly timeOutMs: number
}

/**
 * A client of one server. It follows no redirection, since the token must go nowhere else, and keeps nothing of an
 * answer but status and JSON.
 */
export function openVaultClient(server: VaultServer): VaultClient {
  return async (question) => {
    const { status, bytes } = await exchange(server, question)
    return { status, body: parseBody(bytes) }
  }
}

const ANSWER_BYTES_MAX = 1024 * 1024

type Received = { readonly status: number; readonly bytes: Uint8Array }

function exchange(server: VaultServer, { method, path, token, body }: VaultQuestion) {
  const { address, namespace, authority, timeOutMs } = server
  const url = new URL(path, address)
  const text = body === undefined ? null : utf8(JSON.stringify(body))
  const options = {
    method,
    headers: {
      // Without it a proxy of Vault refuses, so that no page in a browser can ask.
      'X-Vault-Request': 'true',
      ...(namespace === null ? {} : { 'X-Vault-Namespace': namespace }),
      ...(token === null ? {} : { 'X-Vault-Token': token }),
      ...(text === null
        ? {}
        : { 'Content-Type': 'application/json', 'Content-Length': text.length }),
    },
    ...(authority === null ? {} : { ca: authority }),
    // From the first byte to the last: a server that sends one a second would never be too late otherwise.
    signal: AbortSignal.timeout(timeOutMs),
    agent: false as const,
  }
  const send = url.protocol === 'https:' ? tlsRequest : plainRequest
  return new Promise<Received>((resolve, reject) => {
    const fail = (cause: unknown) => reject(failure(cause, timeOutMs))
    let sent: ReturnType<typeof send>
    try {
      sent = send(url, options, (answer) => {
        collect(answer).then(resolve, fail)
      })
    } catch (cause) {
      fail(cause) // A token with a line's end in it, or a certificate that is none.
      return
    }
    sent.on('error', fail)
    sent.end(text ?? undefined)
  })
}

async function collect(answer: IncomingMessage): Promise<Received> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of answer as AsyncIterable<Uint8Array>) {
    length += chunk.length
    if (length > ANSWER_BYTES_MAX) {
      answer.destroy()
      throw unavailable('vault', `sent more than ${ANSWER_BYTES_MAX} bytes`)
    }
    chunks.push(chunk)
  }
  return { status: answer.statusCode ?? 0, bytes: Buffer.concat(chunks) }
}

/** The system's own code alone: what else an error says may hold what was sent. */
function failure(cause: unknown, timeOutMs: number): PolicyError {
  if (cause instanceof PolicyError) return cause
  const { name, code } = cause as NodeJS.ErrnoException
  if (name === 'TimeoutError' || name === 'AbortError') {
    return unavailable('vault', `did not answer within ${timeOutMs} ms`)
  }
  return unavailable('vault', `cannot be reached (${code ?? 'unknown'})`)
}

function parseBody(bytes: Uint8Array): JsonValue {
  try {
    return JSON.parse(fromUtf8(bytes)) as JsonValue
  } catch {
    return null
  }
}
