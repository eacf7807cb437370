import { setTimeout as sleep } from 'node:timers/promises'
import type { Octokit } from 'octokit'
import { PolicyError } from '../../base/errors.ts'
import type { JsonValue } from '../../base/json-value.ts'
import { plainLine } from '../forge/plain.ts'
import type { GithubCredentials } from './credentials.ts'
import { openGithubFetch } from './fetch.ts'
import { openGate } from './gate.ts'

export type GithubTiming = {
  /** How long a second of GitHub's is, in milliseconds. Default: 1,000; shorter in tests alone. */
  readonly secondMs?: number
  /** Longest wait for one answer, in milliseconds. Default: 15,000 */
  readonly timeoutMs?: number
  /** Tries again after an outage. Default: 2, after 1 and 4 seconds. */
  readonly retries?: number
}

export type ClientOptions = {
  readonly apiUrl: string
  /** `owner/name`. */
  readonly repository: string
  readonly credentials: GithubCredentials
  readonly timing?: GithubTiming
}

type Parameters = Readonly<Record<string, unknown>>

/** What GitHub answered: a value, or one of the refusals that the caller deals with. */
export type GithubAnswer =
  | {
      readonly done: true
      readonly value: unknown
      /** Whether GitHub links to a next page. */
      readonly more: boolean
      /** GitHub's clock, in Unix milliseconds; null when it did not say. */
      readonly date: number | null
    }
  | { readonly done: false; readonly status: number; readonly message: string }

export type GithubClient = {
  /**
   * Asks, below the repository.
   *
   * @param route - `GET /pulls/{pull_number}`
   * @param statuses - refusals to return rather than throw; a request for a pause is always thrown
   * @throws {PolicyError} FORGE_UNREACHABLE (retryable), FORGE_UNAUTHORIZED, FORGE_REFUSED
   */
  ask(route: string, parameters: Parameters, statuses: readonly number[]): Promise<GithubAnswer>
  /** Asks as `ask`, from the top of the API rather than below the repository. */
  top(route: string, parameters: Parameters, statuses: readonly number[]): Promise<GithubAnswer>
  /** Asks for what must be there. */
  get(route: string, parameters?: Parameters): Promise<unknown>
  /** What the calls are made with. */
  readonly kind: GithubCredentials['kind']
  /** Whose the repository is. */
  readonly owner: string
  /** Where GraphQL is asked. */
  readonly graphqlUrl: string
  /** For pauses between tries. */
  readonly secondMs: number
}

/** Opens a client; nothing is asked yet. */
export function openGithubClient(options: ClientOptions): GithubClient {
  const { apiUrl, repository, timing = {} } = options
  const { secondMs = 1000, timeoutMs = 15_000, retries = 2 } = timing
  const host = new URL(apiUrl).host
  const [owner = '', repo = ''] = repository.split('/')
  const web = openGithubFetch({ timeoutMs, secondMs })
  const make = octokitOf(options, { fetch: web.fetch, secondMs, retries, host })
  let octokit: Promise<Octokit> | null = null
  const top: GithubClient['top'] = async (route, parameters, statuses) => {
    const quietMs = web.quietMs()
    if (quietMs > QUIET_SECONDS_MAX * secondMs) throw tooMany(host, quietMs / secondMs)
    if (quietMs > 0) await sleep(quietMs)
    try {
      octokit ??= make()
      const one = await octokit
      const answer = await one.request(route, parameters)
      const more = /;\s*rel="next"/.test(answer.headers.link ?? '')
      const date = Date.parse(answer.headers.date ?? '')
      return { done: true, value: answer.data, more, date: Number.isNaN(date) ? null : date }
    } catch (error) {
      const { cause } = error as { cause?: unknown }
      if (cause instanceof PolicyError) throw cause
      const found = refusalOf(error, options)
      if (found.limited && web.quietMs() === 0) web.pause()
      if (!found.limited && statuses.includes(found.status)) return { done: false, ...found }
      throw failure(found, { host, repository, quiet: web.quietMs() / secondMs })
    }
  }
  const ask: GithubClient['ask'] = (route, parameters, statuses) => {
    const [method = '', path = ''] = route.split(' ')
    const below = { ...parameters, owner, repo }
    return top(`${method} /repos/{owner}/{repo}${path}`, below, statuses)
  }
  return {
    ask,
    top,
    kind: options.credentials.kind,
    get: async (route, parameters = {}) => {
      const answer = await ask(route, parameters, [])
      return answer.done ? answer.value : undefined
    },
    owner,
    // An Enterprise server has it beside `/api/v3`.
    graphqlUrl: `${apiUrl.replace(/\/+$/, '').replace(/\/api\/v3$/, '/api')}/graphql`,
    secondMs,
  }
}

/** Seconds that a call waits rather than failing, when GitHub asks for a pause. */
const QUIET_SECONDS_MAX = 5

/** Answers that another try does not change, or only after a pause or a look. */
const DEFINITE = [400, 401, 403, 404, 405, 409, 410, 422, 429, 451] as const

/** Changes at once; GitHub allows 80 a minute. */
const BURST = 20

type Making = {
  readonly fetch: typeof globalThis.fetch
  readonly secondMs: number
  readonly retries: number
  readonly host: string
}

function octokitOf(
  { apiUrl, credentials }: ClientOptions,
  { fetch, secondMs, retries, host }: Making,
): () => Promise<Octokit> {
  const gate = openGate({ burst: BURST, everyMs: secondMs })
  const patient = (seconds: number, _options: unknown, _octokit: unknown, tries: number): boolean =>
    seconds <= QUIET_SECONDS_MAX && tries < retries
  const quiet = (): void => undefined
  const defaults = {
    baseUrl: apiUrl,
    userAgent: 'countersign',
    request: { fetch },
    // What fails is thrown; a library prints nothing.
    log: { debug: quiet, info: quiet, warn: quiet, error: quiet },
    retry: { retries, retryAfterBaseValue: secondMs, doNotRetry: [...DEFINITE] },
    throttle: {
      id: host,
      retryAfterBaseValue: secondMs,
      onRateLimit: patient,
      onSecondaryRateLimit: patient,
      write: limiterOf(gate),
      notifications: limiterOf(async () => undefined), // Each of them has passed the gate as a change.
    },
  }
  return async () => {
    // Loading it takes longer than most commands.
    const { App, Octokit } = await import('octokit')
    if (credentials.kind === 'token') {
      return new Octokit({ ...defaults, auth: credentials.token } as never)
    }
    const { appId, privateKey, installationId } = credentials
    const app = new App({ appId, privateKey, Octokit: Octokit.defaults(defaults as never) })
    return (await app.getInstallationOctokit(installationId)) as unknown as Octokit
  }
}

/** What octokit's throttling asks of a limiter. */
function limiterOf(gate: () => Promise<void>): object {
  type Job = (...args: readonly unknown[]) => unknown
  const schedule = async (_options: unknown, job: Job, ...args: unknown[]): Promise<unknown> => {
    await gate()
    return job(...args)
  }
  return { key: () => ({ schedule }) }
}

type Refusal = {
  /** 0 when no answer came. */
  readonly status: number
  /** GitHub's words on one line, without secrets. */
  readonly message: string
  readonly limited: boolean
  /** What the token would need, when GitHub says so. */
  readonly needs: string | null
}

/** Reads what octokit throws. Its own messages and requests are not passed on: they may hold credentials. */
function refusalOf(error: unknown, { credentials }: ClientOptions): Refusal {
  const { status, response, cause } = error as {
    status?: unknown
    response?: { headers?: Record<string, unknown>; data?: { message?: unknown; errors?: unknown } }
    cause?: { code?: unknown; name?: unknown; cause?: { code?: unknown } }
  }
  const said = response?.data
  if (response === undefined || typeof status !== 'number') {
    const code = [cause?.cause?.code, cause?.code, cause?.name].find(
      (word) => typeof word === 'string' && /^\w{1,40}$/.test(word),
    )
    return { status: 0, message: String(code ?? 'no answer'), limited: false, needs: null }
  }
  const details = Array.isArray(said?.errors) ? said.errors.map(detailOf) : []
  const words = [said?.message, ...details].filter((word) => typeof word === 'string')
  const token = credentials.kind === 'token' ? credentials.token : null
  const text = token === null ? words.join('; ') : words.join('; ').replaceAll(token, '[token]')
  const headers = response.headers ?? {}
  const limited =
    (status === 403 || status === 429) &&
    (headers['retry-after'] !== undefined ||
      headers['x-ratelimit-remaining'] === '0' ||
      status === 429 ||
      /\bsecondary rate\b/i.test(text))
  const needs = headers['x-accepted-github-permissions']
  return {
    status,
    message: plainLine(text.replaceAll(SECRET, '[token]'), 300),
    limited,
    needs: typeof needs === 'string' && /^[\w=,; -]{1,200}$/.test(needs) ? needs : null,
  }
}

/** GitHub's tokens, and JSON web tokens. */
const SECRET = /\b(?:gh[pousr]_\w+|github_pat_\w+|ey[\w-]+\.[\w-]+\.[\w-]+)/g

function detailOf(value: JsonValue): string | null {
  if (typeof value === 'string') return value
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return null
  const message = Object.hasOwn(value, 'message') ? Reflect.get(value, 'message') : null
  return typeof message === 'string' ? message : null
}

function failure(
  { status, message, limited, needs }: Refusal,
  around: { readonly host: string; readonly repository: string; readonly quiet: number },
): PolicyError {
  const { host, repository } = around
  if (limited) return tooMany(host, around.quiet)
  if (status === 0) return unreachable(`${host} cannot be reached (${message})`)
  if (status >= 500 || status === 408) return unreachable(`${host} answers ${status}; try again`)
  if (status === 401) {
    return new PolicyError(
      'FORGE_UNAUTHORIZED',
      `${host} does not take the credentials (401): replace the token or the App's key`,
    )
  }
  if (status === 403) {
    const need = needs ?? 'contents=write, pull_requests=write, issues=write'
    const what = `give the token or the App these permissions on ${repository}: ${need}`
    return new PolicyError('FORGE_REFUSED', `${host} refuses (403: ${message}); ${what}`)
  }
  if (status === 404) {
    const what = 'check forge.repository, and that the token or the App may see it'
    return new PolicyError('FORGE_REFUSED', `${host} shows no ${repository} (404); ${what}`)
  }
  return new PolicyError('FORGE_REFUSED', `${host} refuses (${status}: ${message})`)
}

function tooMany(host: string, seconds: number): PolicyError {
  return unreachable(`${host} asks for a pause of ${Math.ceil(seconds)} s: too many requests`)
}

function unreachable(message: string): PolicyError {
  return new PolicyError('FORGE_UNREACHABLE', message, { retryable: true })
}
