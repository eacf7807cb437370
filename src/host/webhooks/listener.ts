import { once } from 'node:events'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import type { ErrorCode } from '../../base/errors.ts'
import { PolicyError } from '../../base/errors.ts'
import { WEBHOOK_BYTES_MAX } from '../../base/limits.ts'
import type { Clock } from '../../model/ports.ts'
import { readSignature, verifyDelivery } from './delivery.ts'
import { openDeliveryLog } from './delivery-log.ts'

export type WebhookListenerOptions = {
  /** Default: `127.0.0.1`. For others to reach it, put a proxy with TLS before it. */
  readonly host?: string
  /** 0 for any that is free. */
  readonly port: number
  /** At least one; any of them may have signed. */
  readonly secrets: readonly string[]
  /** Told the number of a pull request to look at. What it throws is left to it: the sender hears nothing of it. */
  readonly onPull: (pull: number) => unknown
  /** The id of the approvals repository, where it is known: deliveries about another one are ignored. */
  readonly repository?: string
  readonly now: Clock
  /** How long a sender may take for its headers, and for all of its request, in milliseconds. Default: 5,000 and 10,000 */
  readonly timeouts?: { readonly headersMs: number; readonly requestMs: number }
}

export type WebhookListener = {
  readonly host: string
  readonly port: number
  /** Stops listening, and ends what is under way. */
  close(): Promise<void>
}

/**
 * Listens for webhooks of GitHub and Gitea. A delivery is answered with 202 before anything is done about it, and gives
 * away nothing but the number of a pull request: the engine then asks the forge itself, as it does when it polls.
 *
 * @throws {PolicyError} USAGE_INVALID without a secret, or when it cannot listen there
 */
export async function openWebhookListener(
  options: WebhookListenerOptions,
): Promise<WebhookListener> {
  const { host = '127.0.0.1', port, secrets, timeouts } = options
  if (secrets.length === 0 || secrets.includes('')) {
    throw new PolicyError('USAGE_INVALID', 'expected a secret for webhooks')
  }
  const { headersMs, requestMs } = timeouts ?? { headersMs: 5000, requestMs: 10_000 }
  const limits = {
    ...{ headersTimeout: headersMs, requestTimeout: requestMs, keepAliveTimeout: headersMs },
    ...{ connectionsCheckingInterval: Math.min(1000, headersMs), maxHeaderSize: 16 * 1024 },
  }
  const log = openDeliveryLog({ now: options.now })
  const server = createServer(limits, (request, response) => {
    answer(request, { ...options, log }).then(
      (said) => send(response, said),
      () => response.destroy(), // The sender went away.
    )
  })
  server.maxConnections = CONNECTIONS_MAX
  await listen(server, host, port)
  const address = server.address()
  return {
    host,
    port: typeof address === 'object' && address !== null ? address.port : port,
    close: async () => {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

const CONNECTIONS_MAX = 100

async function listen(server: Server, host: string, port: number): Promise<void> {
  try {
    server.listen(port, host)
    await once(server, 'listening')
  } catch (cause) {
    const { code } = cause as { code?: unknown }
    const why = typeof code === 'string' ? code : 'no reason given'
    throw new PolicyError('USAGE_INVALID', `cannot listen on ${host} port ${port} (${why})`, {
      cause,
    })
  }
}

type Said = {
  readonly status: number
  readonly body:
    | { readonly status: string }
    | { readonly code: ErrorCode; readonly message: string }
}

type Answering = Pick<WebhookListenerOptions, 'secrets' | 'onPull' | 'repository'> & {
  readonly log: ReturnType<typeof openDeliveryLog>
}

async function answer(request: IncomingMessage, around: Answering): Promise<Said> {
  if (request.method !== 'POST') return refused(405, 'WEBHOOK_MALFORMED', 'expected POST')
  try {
    readSignature(request.headers)
    const body = await read(request)
    const delivery = verifyDelivery(request.headers, body, around.secrets)
    const names = [`${delivery.forge} ${delivery.delivery}`, delivery.signature]
    if (delivery.kind === 'ignored') return accepted('ignored')
    const { repository = delivery.repository, onPull, log } = around
    if (delivery.request === null || delivery.repository !== repository) return accepted('ignored')
    // Only the body is signed: under another id it is still the same one.
    const news = names.map((name) => log.isNew(name))
    if (news.includes(false)) return accepted('known')
    setImmediate(() => tell(onPull, delivery.pull))
    return accepted('accepted')
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error
    return refused(STATUSES[error.code] ?? 400, error.code, error.message)
  }
}

const STATUSES: Readonly<Partial<Record<ErrorCode, number>>> = {
  WEBHOOK_UNVERIFIED: 401,
  WEBHOOK_TOO_LARGE: 413,
}

function accepted(status: string): Said {
  return { status: 202, body: { status } }
}

function refused(status: number, code: ErrorCode, message: string): Said {
  return { status, body: { code, message } }
}

/** A hint that leads nowhere must not end the process: polling finds what it was about. */
async function tell(onPull: WebhookListenerOptions['onPull'], pull: number): Promise<void> {
  try {
    await onPull(pull)
  } catch {
    // The engine says what it could not do, where it says so of every round.
  }
}

async function read(request: IncomingMessage): Promise<Buffer> {
  const tooLarge = (): PolicyError =>
    new PolicyError('WEBHOOK_TOO_LARGE', `expected at most ${WEBHOOK_BYTES_MAX} bytes`)
  if (Number(request.headers['content-length'] ?? 0) > WEBHOOK_BYTES_MAX) throw tooLarge()
  const chunks: Buffer[] = []
  let length = 0
  // `for await` would destroy the connection before the answer is out.
  return new Promise((resolve, reject) => {
    request.on('data', (chunk: Buffer) => {
      length += chunk.length
      if (length <= WEBHOOK_BYTES_MAX) return void chunks.push(chunk)
      chunks.length = 0
      request.pause()
      reject(tooLarge())
    })
    request.on('end', () => resolve(Buffer.concat(chunks)))
    request.on('error', reject)
    request.on('close', () => reject(new Error('the sender went away')))
  })
}

function send(response: ServerResponse, { status, body }: Said): void {
  const text = `${JSON.stringify(body)}\n`
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
    ...(status === 405 ? { allow: 'POST' } : {}),
    // Of what was refused, the rest is not read.
    ...(status === 202 ? {} : { connection: 'close' }),
  })
  response.end(text)
}
