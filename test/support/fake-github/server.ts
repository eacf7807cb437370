import { createHash, verify } from 'node:crypto'
import { once } from 'node:events'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Matched, matchOperation, requestFlaws, responseFlaws } from './description.ts'
import { needsWrite, OPERATIONS } from './operations.ts'
import { newGuard } from './protection-operations.ts'
import { openRepository } from './repository.ts'
import { appOf, loginOf } from './shapes.ts'
import type { Account, FakePull, FakeReview, State } from './state.ts'
import { Refused, touch } from './state.ts'

/** What to answer instead, for calls of one operation. */
export type Fault = {
  /** GitHub's operation id, as `pulls/merge`; any call when it is missing. */
  readonly on?: string
  /** Default: 1. */
  readonly times?: number
  /** `before`: the call is not carried out. `after`: it is, and the answer is lost. Default: `before` */
  readonly when?: 'before' | 'after'
  /** Default: the connection breaks. */
  readonly answer?: {
    readonly status: number
    readonly headers?: Readonly<Record<string, string>>
    /** JSON; a text is sent as it is, as HTML. */
    readonly body: unknown
  }
  /** Something that others do at this moment. */
  readonly meanwhile?: () => Promise<void>
}

type Seen = { readonly operation: string; readonly status: number; readonly conditional: boolean }

export type FakeGithub = Awaited<ReturnType<typeof startFakeGithub>>

/**
 * GitHub's API over a real bare repository: only what the forge uses. Each request and each answer is held against
 * GitHub's own description; what does not fit stands in `flaws`.
 *
 * @param options.prefix - of every path, as on an Enterprise server
 */
export async function startFakeGithub(options: {
  readonly folder: string
  readonly prefix?: string
  readonly app?: { readonly id: number; readonly installation: number; readonly publicKey: string }
  /** Requests an hour; what is answered by 304 counts for nothing. Default: 5,000 */
  readonly rateLimit?: number
  /** How long an answer takes, in milliseconds: half before the call is carried out, half after. Default: 0 */
  readonly latencyMs?: () => number
}) {
  const { folder, prefix = '', rateLimit = 5000 } = options
  const latencyMs = options.latencyMs ?? (() => 0)
  const graphqlPath = `${prefix.replace(/\/api\/v3$/, '/api')}/graphql`
  const repository = openRepository(folder)
  const flaws: string[] = []
  const seen: Seen[] = []
  let faults: (Fault & { left: number })[] = []
  let port = 0
  let ids = 5_000_000_000 // Ids of reviews have outgrown 32 bits.
  let clock = Date.parse('2026-11-21T09:05:00Z')
  let stopped = false
  let spent = 0
  const state: State = {
    ...{ repository, id: 987_654_321, owner: 'acme', name: 'approvals', base: 'main' },
    ...{
      accounts: [],
      pulls: [],
      slug: 'countersign',
      statuses: new Map(),
      checkRuns: [],
      protectedBase: false,
      graphql: true,
      mergeCommitsAllowed: true,
      guard: newGuard(),
    },
    url: () => `http://127.0.0.1:${port}${prefix}`,
    // GitHub's times are whole seconds.
    now: () => {
      if (!stopped) clock += 1000
      return new Date(clock).toISOString().replace('.000', '')
    },
    nextId: () => ++ids,
  }
  await repository.init(state.base)
  const readme = await repository.tree(null, [
    { mode: '100644', path: 'README.md', oid: await repository.blob('# Approvals\n') },
  ])
  const who = { name: 'admin', email: 'admin@users.test' }
  const root = await repository.makeCommit(readme, [], 'Start\n', who)
  await repository.git('update-ref', `refs/heads/${state.base}`, root)
  const addAccount = (login: string, about: Partial<Account> = {}): Account => {
    const id = 100_000 + state.accounts.length
    const token = `ghp_${createHash('sha256').update(login).digest('hex').slice(0, 36)}`
    const account: Account = { id, login, type: 'User', permission: 'write', token, ...about }
    state.accounts.push(account)
    return account
  }
  const heads = (): Record<string, string> => ({
    ...rates(rateLimit - spent),
    // Its clock has gone on a little, unless it stands still.
    date: new Date(clock + (stopped ? 0 : 10_000)).toUTCString(),
  })
  // Documents that were sound once: a list is of the same ones again and again.
  const sound = new WeakSet<object>()
  const newFlaws = (matched: Matched, status: number, body: unknown): string[] => {
    const known = (value: unknown): boolean =>
      typeof value === 'object' && value !== null && sound.has(value)
    if (Array.isArray(body) && body.length > 0 && body.every(known)) return []
    const found = responseFlaws(matched, status, body)
    if (found.length === 0 && Array.isArray(body)) {
      for (const value of body) if (typeof value === 'object' && value !== null) sound.add(value)
    }
    return found
  }
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    respond(request, response).catch((error: unknown) => {
      flaws.push(String(error))
      response.destroy()
    })
  }

  const respond = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = new URL(request.url ?? '', 'http://fake.test')
    const text = await bodyOf(request)
    if (request.method === 'POST' && url.pathname === graphqlPath) {
      return answerViewer(request, response, text)
    }
    const matched = matchOperation(request.method ?? '', url.pathname.slice(prefix.length))
    if (!url.pathname.startsWith(prefix) || matched === null) {
      flaws.push(`no operation ${request.method} ${url.pathname}`)
      return send(response, 404, { message: 'Not Found' })
    }
    const { id } = matched.operation
    const conditional = request.headers['if-none-match'] !== undefined
    let entry: Seen = { operation: id, status: 0, conditional }
    const log = (status: number): void => {
      entry = { ...entry, status }
      seen.push(entry)
      spent += 1
    }
    const delayMs = latencyMs() / 2
    if (delayMs > 0) await sleep(delayMs)
    const fault = faults.find(({ on, left }) => left > 0 && (on === undefined || on === id))
    if (fault !== undefined) {
      fault.left -= 1
      await fault.meanwhile?.()
      const isPlain = fault.answer === undefined && fault.meanwhile !== undefined
      if (fault.when !== 'after' && !isPlain) {
        log(fault.answer?.status ?? 0)
        if (fault.answer === undefined) return void response.destroy()
        const { status, headers, body } = fault.answer
        return send(response, status, body, { ...rates(rateLimit - spent), ...headers })
      }
    }
    const { status, body, more } = await carryOut(matched, url, text, request)
    log(status)
    for (const flaw of newFlaws(matched, status, body)) flaws.push(`${id} ${status}: ${flaw}`)
    if (delayMs > 0) await sleep(delayMs)
    if (fault?.when === 'after') return void response.destroy()
    const headers = heads()
    if (more === true) {
      url.searchParams.set('page', String(Number(url.searchParams.get('page') ?? 1) + 1))
      headers['link'] = `<${state.url()}${url.pathname}${url.search}>; rel="next"`
    }
    if (request.method === 'GET' && status === 200) {
      // A trap: of the body alone, so that a next page does not change it.
      headers['etag'] = etagOf(body)
      if (request.headers['if-none-match'] === headers['etag']) {
        seen[seen.lastIndexOf(entry)] = { ...entry, status: 304 }
        spent -= 1
        // A trap: what the first answer linked to is all that the caller knows.
        const { link: _link, ...kept } = headers
        return send(response, 304, undefined, kept)
      }
    }
    send(response, status, body, headers)
  }

  /** GraphQL, which the description of REST says nothing of: who asks, also where it is a bot. */
  const answerViewer = (request: IncomingMessage, response: ServerResponse, text: string): void => {
    const token = /^(?:token|bearer) (.+)$/i.exec(request.headers.authorization ?? '')?.[1]
    const user = state.accounts.find((one) => one.token === token)
    const { query } = JSON.parse(text) as { query?: unknown }
    if (query !== '{ viewer { login } }') flaws.push(`no such query: ${String(query)}`)
    seen.push({ operation: 'graphql', status: user === undefined ? 401 : 200, conditional: false })
    if (user === undefined) send(response, 401, { message: 'Bad credentials' })
    else if (!state.graphql) send(response, 403, { message: 'Resource not accessible' })
    else send(response, 200, { data: { viewer: { login: loginOf(user) } } })
  }

  const carryOut = async (matched: Matched, url: URL, text: string, request: IncomingMessage) => {
    const { operation, path } = matched
    const body = text === '' ? undefined : (JSON.parse(text) as Record<string, unknown>)
    for (const flaw of requestFlaws(matched, url.searchParams, body)) {
      flaws.push(`${operation.id}: ${flaw}`)
    }
    try {
      const credential = /^(?:token|bearer) (.+)$/i.exec(request.headers.authorization ?? '')?.[1]
      if (operation.id.startsWith('apps/')) {
        const app = appBy(credential ?? '')
        if (operation.id === 'apps/get-authenticated')
          return { status: 200, body: app, more: false }
        return installationToken(path['installation_id'] ?? '')
      }
      const user = state.accounts.find(({ token }) => token === credential)
      if (user === undefined) throw new Refused(401, 'Bad credentials')
      const named = path['owner'] === state.owner && path['repo'] === state.name
      const inRepository = path['repo'] !== undefined
      if (inRepository && (!named || user.permission === 'none'))
        throw new Refused(404, 'Not Found')
      if (spent >= rateLimit) throw new Refused(403, 'API rate limit exceeded for user ID 1.')
      if (needsWrite(operation.id) && user.permission !== 'write') {
        throw new Refused(403, 'Resource not accessible by personal access token')
      }
      if (state.guard.refused.has(operation.id)) {
        throw new Refused(403, 'Resource not accessible by personal access token')
      }
      const handler = OPERATIONS[operation.id]
      if (handler === undefined) throw new Error(`no handler ${operation.id}`)
      return await handler(state, { user, path, query: url.searchParams, body: body ?? {} })
    } catch (error) {
      if (error instanceof Refused) return { status: error.status, body: error.body, more: false }
      throw error
    }
  }

  const appBy = (jwt: string): unknown => {
    const [header = '', payload = '', signature = ''] = jwt.split('.')
    const { app } = options
    const signed = Buffer.from(`${header}.${payload}`)
    const bytes = Buffer.from(signature, 'base64url')
    const sound = app !== undefined && verify('RSA-SHA256', signed, app.publicKey, bytes)
    const claims = sound ? JSON.parse(Buffer.from(payload, 'base64url').toString()) : {}
    if (!sound || Number(claims.iss) !== app.id) {
      throw new Refused(401, 'A JSON web token could not be decoded')
    }
    return appOf(state, app.id)
  }

  const installationToken = (installation: string) => {
    if (Number(installation) !== options.app?.installation) throw new Refused(404, 'Not Found')
    const bot =
      state.accounts.find(({ type }) => type === 'Bot') ?? addAccount(state.slug, { type: 'Bot' })
    const expires_at = new Date(Date.now() + 3_600_000).toISOString()
    return { status: 201, body: { token: bot.token, expires_at }, more: false }
  }

  let server: Server = createServer(answer)
  const listen = async (): Promise<void> => {
    server = createServer(answer)
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
    port = (server.address() as AddressInfo).port
  }
  const refuse = async (): Promise<void> => {
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  }
  await listen()
  return {
    state,
    flaws,
    seen,
    get url() {
      return state.url()
    },
    addAccount,
    /** How often an operation was asked for. */
    count: (operation: string, status?: number): number =>
      seen.filter((one) => one.operation === operation && (status ?? one.status) === one.status)
        .length,
    /** By operation: how often it was asked for, and how often that cost nothing since nothing had changed. */
    calls: (): Record<string, { asked: number; unchanged: number }> => {
      const calls: Record<string, { asked: number; unchanged: number }> = {}
      for (const { operation, status } of seen) {
        const call = calls[operation] ?? { asked: 0, unchanged: 0 }
        calls[operation] = call
        call.asked += 1
        if (status === 304) call.unchanged += 1
      }
      return calls
    },
    /** Requests that counted against the rate limit. */
    spent: (): number => spent,
    /** Stops the clock: all that happens, and the date of every answer, is of the same second. */
    stopClock: (stop: boolean): void => {
      stopped = stop
    },
    fail: (fault: Fault): void => {
      faults.push({ ...fault, left: fault.times ?? 1 })
    },
    heal: (): void => {
      faults = []
    },
    /** Refuses connections until `listen`. */
    refuse,
    listen,
    pull: (number: number): FakePull => state.pulls[number - 1] as FakePull,
    review: (number: number, about: Partial<FakeReview> & { user: Account | null }): FakeReview => {
      const pull = state.pulls[number - 1] as FakePull
      const review: FakeReview = {
        ...{ id: state.nextId(), body: '', state: 'APPROVED', commit: pull.headSha },
        ...{ submittedAt: state.now(), ...about },
      }
      pull.reviews.push(review)
      touch(state, pull)
      return review
    },
    /** Puts so many open pull requests into lists at once; nothing is behind them. */
    fill: (count: number, author: Account): void => {
      for (let i = 0; i < count; i++) {
        const number = state.pulls.length + 1
        state.pulls.push({
          ...{ number, author, base: state.base, headSha: root, headRepository: state.id },
          ...{ branch: `countersign/req_${String(number).padStart(20, '0')}`, title: '', body: '' },
          ...{ state: 'open', mergedAt: null, mergeSha: null, updatedAt: state.now() },
          ...{ reviews: [], labels: [], asked: [], comments: [] },
        })
      }
    },
    /** Lets something happen to a pull request. */
    touch: (number: number): void => touch(state, state.pulls[number - 1] as FakePull),
    /** Pushes a commit with these files onto a branch. */
    push: async (branch: string, files: Readonly<Record<string, string>>): Promise<string> => {
      const ref = `refs/heads/${branch}`
      const from = (await repository.read(ref)) ?? root
      const entries = await Promise.all(
        Object.entries(files).map(async ([path, text]) => ({
          ...{ mode: '100644', path, oid: await repository.blob(text) },
        })),
      )
      const tree = await repository.tree(`${from}^{tree}`, entries)
      const sha = await repository.makeCommit(tree, [from], 'Push\n', who)
      await repository.git('update-ref', ref, sha)
      return sha
    },
    close: refuse,
  }
}

function etagOf(body: unknown): string {
  return `W/"${createHash('sha256').update(textOf(body)).digest('hex')}"`
}

/** Texts of what lists are made of: the same documents come again and again. */
const texts = new WeakMap<object, string>()

function textOf(body: unknown): string {
  if (!Array.isArray(body)) return JSON.stringify(body)
  const parts = body.map((value: unknown) => {
    if (typeof value !== 'object' || value === null) return JSON.stringify(value)
    const text = texts.get(value) ?? JSON.stringify(value)
    texts.set(value, text)
    return text
  })
  return `[${parts.join(',')}]`
}

function rates(left: number): Record<string, string> {
  const reset = String(Math.floor(Date.now() / 1000) + 3600)
  return {
    'x-ratelimit-limit': '5000',
    'x-ratelimit-remaining': String(Math.max(0, left)),
    'x-ratelimit-reset': reset,
  }
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString('utf8')
}

function send(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): void {
  const html = typeof body === 'string'
  const type = html ? 'text/html' : 'application/json; charset=utf-8'
  response.writeHead(status, {
    ...(body === undefined ? {} : { 'content-type': type }),
    ...headers,
  })
  response.end(body === undefined ? undefined : html ? body : textOf(body))
}
