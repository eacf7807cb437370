import { setTimeout as sleep } from 'node:timers/promises'
import { PolicyError } from '../../base/errors.ts'
import { valueAt } from '../forge/answer.ts'
import { readBytes } from '../forge/bytes.ts'
import { plainLine } from '../forge/plain.ts'
import type { GiteaCredentials } from './credentials.ts'

export type GiteaTiming = {
  /** How long a second of pauses is, in milliseconds. Default: 1,000; shorter in tests alone. */
  readonly secondMs?: number
  /** Longest wait for one answer, in milliseconds. Default: 15,000 */
  readonly timeoutMs?: number
  /** Tries again to read after an outage. Default: 2, after 1 and 4 seconds. */
  readonly retries?: number
  /** Longest wait for Gitea to work out whether it can merge, in milliseconds. Default: 15,000 */
  readonly mergeMs?: number
}

export type ClientOptions = {
  /** `https://HOST/api/v1`. */
  readonly apiUrl: string
  /** `owner/name`. */
  readonly repository: string
  readonly credentials: GiteaCredentials
  readonly timing?: GiteaTiming
}

export type Asking = {
  readonly query?: Readonly<Record<string, string | number>>
  /** Sent as JSON. */
  readonly body?: object
  /** Refusals to return rather than throw. */
  readonly statuses?: readonly number[]
  /** Whether to take the answer's bytes rather than read it as JSON. */
  readonly raw?: boolean
}

/** What Gitea answered: a value, or one of the refusals that the caller deals with. */
export type GiteaAnswer =
  | {
      readonly done: true
      readonly value: unknown
      /** How many there are on all pages, of an answer that is a page. */
      readonly total: number | null
      /** Gitea's clock, in Unix milliseconds. */
      readonly at: number
    }
  | { readonly done: false; readonly status: number; readonly message: string }

export type GiteaClient = {
  /**
   * Asks, below the repository.
   *
   * @param route - `GET /pulls/1`
   * @throws {PolicyError} FORGE_UNREACHABLE (retryable), FORGE_UNAUTHORIZED, FORGE_REFUSED
   */
  ask(route: string, asking?: Asking): Promise<GiteaAnswer>
  /** Asks for what must be there, below the repository. */
  get(route: string, asking?: Asking): Promise<unknown>
  /** Asks for what must be there, below the server's API. */
  server(route: string, asking?: Asking): Promise<unknown>
  /** For pauses between tries. */
  readonly secondMs: number
  readonly timeoutMs: number
  readonly mergeMs: number
}

/**
 * Opens a client; nothing is asked yet. What only reads is asked again after an outage. A change is not: its caller
 * looks first whether it was taken. Changes go one after another, since two at once in one repository only meet in
 * Git's locks.
 */
export function openGiteaClient(options: ClientOptions): GiteaClient {
  const { repository, timing = {} } = options
  const { secondMs = 1000, timeoutMs = 15_000, retries = 2, mergeMs = 15_000 } = timing
  const root = options.apiUrl.replace(/\/+$/, '')
  const below = `/repos/${repository.split('/').map(encodeURIComponent).join('/')}`
  let last: Promise<unknown> = Promise.resolve()
  const once = (route: string, asking: Asking): Promise<GiteaAnswer> =>
    exchange({ ...options, root, timeoutMs }, route, asking)
  const read = async (route: string, asking: Asking): Promise<GiteaAnswer> => {
    for (let tries = 0; ; tries++) {
      try {
        return await once(route, asking)
      } catch (error) {
        const again = error instanceof PolicyError && error.retryable && tries < retries
        if (!again) throw error
        await sleep((tries + 1) ** 2 * secondMs)
      }
    }
  }
  const ask = (route: string, asking: Asking): Promise<GiteaAnswer> => {
    if (route.startsWith('GET ')) return read(route, asking)
    const run = last.then(() => once(route, asking))
    last = run.catch(() => undefined)
    return run
  }
  const must = async (route: string, asking: Asking): Promise<unknown> => {
    const answer = await ask(route, { ...asking, statuses: [] })
    return answer.done ? answer.value : undefined
  }
  const inside = (route: string): string => route.replace(' ', ` ${below}`)
  return {
    ask: (route, asking = {}) => ask(inside(route), asking),
    get: (route, asking = {}) => must(inside(route), asking),
    server: (route, asking = {}) => must(route, asking),
    secondMs,
    timeoutMs,
    mergeMs,
  }
}

type Around = ClientOptions & { readonly root: string; readonly timeoutMs: number }

async function exchange(around: Around, route: string, asking: Asking): Promise<GiteaAnswer> {
  const { status, bytes, headers } = await send(around, route, asking)
  if (status >= 200 && status < 300) {
    const total = Number(headers.get('x-total-count') ?? Number.NaN)
    return {
      done: true,
      value: asking.raw === true ? bytes : parse(bytes),
      total: Number.isSafeInteger(total) && total >= 0 ? total : null,
      at: Date.parse(headers.get('date') ?? '') || 0,
    }
  }
  const message = messageOf(bytes, around.credentials.token)
  if (asking.statuses?.includes(status) === true) return { done: false, status, message }
  throw failure(status, message, around)
}

function parse(bytes: Buffer): unknown {
  if (bytes.length === 0) return null
  try {
    return JSON.parse(bytes.toString('utf8'))
  } catch {
    throw unreachable("not an answer of the forge's API: expected JSON")
  }
}

type Sent = { readonly status: number; readonly bytes: Buffer; readonly headers: Headers }

/** Sends, and follows a repository to its new name, which Gitea answers with a redirect, on the same server alone. */
async function send(around: Around, route: string, asking: Asking): Promise<Sent> {
  const [method = '', path = ''] = route.split(' ')
  const query = Object.entries(asking.query ?? {}).map(([name, value]) => [name, String(value)])
  let url = new URL(`${around.root}${path}`)
  url.search = new URLSearchParams(query as [string, string][]).toString()
  for (let hops = 0; hops <= HOPS_MAX; hops++) {
    const answer = await sendOnce(around, url, method, asking)
    if (answer.status < 300 || answer.status >= 400) return answer
    const to = answer.headers.get('location') ?? ''
    const next = URL.canParse(to, url.href) ? new URL(to, url.href) : null
    // The credentials go to no other server, and to nothing but its API.
    if (next?.origin !== url.origin || !next.href.startsWith(`${around.root}/`)) break
    url = next
  }
  const message = `${url.host} redirects to another place; check forge.api_url and forge.repository`
  throw new PolicyError('FORGE_REFUSED', message)
}

const HOPS_MAX = 3

async function sendOnce(around: Around, url: URL, method: string, asking: Asking): Promise<Sent> {
  const { token } = around.credentials
  const { body } = asking
  try {
    const answer = await fetch(url.href, {
      method,
      redirect: 'manual',
      signal: AbortSignal.timeout(around.timeoutMs),
      headers: {
        accept: asking.raw === true ? '*/*' : 'application/json',
        authorization: `token ${token}`,
        'user-agent': 'countersign',
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    return { status: answer.status, bytes: await readBytes(answer), headers: answer.headers }
  } catch (error) {
    if (error instanceof PolicyError) throw error
    throw unreachable(`${url.host} cannot be reached (${reasonOf(error)})`)
  }
}

/** One word of what went wrong. The error itself is not passed on: it may hold the request. */
function reasonOf(error: unknown): string {
  const { cause, name } = error as { cause?: { code?: unknown }; name?: unknown }
  const word = [cause?.code, name].find((one) => typeof one === 'string' && /^\w{1,40}$/.test(one))
  return String(word ?? 'no answer')
}

/** Gitea's words on one line, without secrets. */
function messageOf(bytes: Buffer, token: string): string {
  let said: unknown
  try {
    said = valueAt(JSON.parse(bytes.toString('utf8')), ['message'])
  } catch {
    said = undefined // A proxy's page says nothing to people.
  }
  return typeof said === 'string' ? plainLine(said.replaceAll(token, '[token]'), 300) : ''
}

function failure(status: number, message: string, around: Around): PolicyError {
  const { host } = new URL(around.root)
  const said = message === '' ? `${status}` : `${status}: ${message}`
  if (status >= 500 || status === 408 || status === 429) {
    return unreachable(`${host} answers ${status}; try again`)
  }
  if (status === 401) {
    const what = `${host} does not take the credentials (401): replace the token`
    return new PolicyError('FORGE_UNAUTHORIZED', what)
  }
  const refused = (what: string): PolicyError =>
    new PolicyError('FORGE_REFUSED', `${host} refuses (${said}); ${what}`)
  if (status === 403) {
    return refused(
      `give the token the scopes write:repository, write:issue and read:user, and its account the right to write to ${around.repository}`,
    )
  }
  if (status === 404) {
    const what = 'check forge.repository, and that the account of the token may see it'
    return new PolicyError('FORGE_REFUSED', `${host} shows no ${around.repository} (404); ${what}`)
  }
  if (status === 423) return refused(`${around.repository} is archived`)
  return new PolicyError('FORGE_REFUSED', `${host} refuses (${said})`)
}

function unreachable(message: string): PolicyError {
  return new PolicyError('FORGE_UNREACHABLE', message, { retryable: true })
}
