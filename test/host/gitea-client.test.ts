import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { openGiteaForge } from '../../src/host/forge-gitea.ts'
import { openGiteaClient } from '../../src/host/gitea/client.ts'
import { readGiteaCredentials } from '../../src/host/gitea/credentials.ts'

const TOKEN = 'c'.repeat(40)
const servers: Server[] = []

afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    server.close()
  }
})

/** A server that answers as it is told. @returns its API's address */
async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  servers.push(server)
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', () => resolve()))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/v1`
}

function clientOf(apiUrl: string, timing = { secondMs: 1, timeoutMs: 2000, retries: 2 }) {
  const about = { apiUrl, repository: 'acme/approvals', timing }
  return openGiteaClient({ ...about, credentials: { token: TOKEN } })
}

const json = (status: number, body: unknown, headers = {}): RequestListener => {
  return (_request, response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers })
    response.end(typeof body === 'string' ? body : JSON.stringify(body))
  }
}

describe('answers', () => {
  test.for([
    {
      name: '401',
      answer: json(401, { message: TOKEN }),
      want: 'FORGE_UNAUTHORIZED',
      says: /token/,
    },
    { name: '403', answer: json(403, { message: 'no' }), want: 'FORGE_REFUSED', says: /read:user/ },
    { name: '404', answer: json(404, {}), want: 'FORGE_REFUSED', says: /forge\.repository/ },
    {
      name: '422 with the token in it',
      answer: json(422, { message: `bad ${TOKEN}\n\u202ex` }),
      want: 'FORGE_REFUSED',
      says: /422: bad \[token\] x\)/,
    },
    { name: '423', answer: json(423, { message: 'x' }), want: 'FORGE_REFUSED', says: /archived/ },
    { name: '429', answer: json(429, {}), want: 'FORGE_UNREACHABLE', says: /429/ },
    { name: '500', answer: json(500, 'oh'), want: 'FORGE_UNREACHABLE', says: /500/ },
    { name: 'HTML', answer: json(200, '<h1>'), want: 'FORGE_UNREACHABLE', says: /not an answer/ },
    {
      name: 'a redirect to another server',
      answer: json(301, '', { location: 'https://evil.test/api/v1/repos/acme/approvals' }),
      want: 'FORGE_REFUSED',
      says: /redirects/,
    },
    {
      name: 'a redirect to another part of the server',
      answer: json(301, '', { location: '/login' }),
      want: 'FORGE_REFUSED',
      says: /redirects/,
    },
    {
      name: 'a redirect without end',
      answer: json(301, '', { location: '/api/v1/repos/acme/approvals' }),
      want: 'FORGE_REFUSED',
      says: /redirects/,
    },
    {
      name: 'no answer',
      answer: ((request) => request.socket.destroy()) as RequestListener,
      want: 'FORGE_UNREACHABLE',
      says: /cannot be reached/,
    },
  ])('$name -> $want', async ({ answer, want, says }) => {
    const error = await clientOf(await serve(answer))
      .get('GET ')
      .catch((cause: unknown) => cause)
    expect(error).toMatchObject({ code: want, retryable: want === 'FORGE_UNREACHABLE' })
    expect(String(error)).toMatch(says)
    expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain(TOKEN)
  })

  test('that is too long -> FORGE_UNREACHABLE', async () => {
    const url = await serve((_request, response) => {
      const part = Buffer.alloc(1024 * 1024, 0x20)
      for (let i = 0; i < 34; i++) response.write(part)
      response.end()
    })
    const client = clientOf(url, { secondMs: 1, timeoutMs: 5000, retries: 0 })
    const error = await client.get('GET ').catch((cause: unknown) => cause)
    expect(error).toMatchObject({ code: 'FORGE_UNREACHABLE' })
    expect(String(error)).toMatch(/too long/)
  })

  test('that fails twice is read the third time; a change is sent once', async () => {
    const asked: string[] = []
    const url = await serve((request, response) => {
      asked.push(`${request.method} ${request.headers.authorization === `token ${TOKEN}`}`)
      json(asked.length < 3 ? 502 : 200, { id: 7 })(request, response)
    })
    const client = clientOf(url)
    expect(await client.get('GET ')).toEqual({ id: 7 })
    expect(asked).toEqual(['GET true', 'GET true', 'GET true'])
    asked.length = 0
    await expect(client.get('POST /pulls')).rejects.toMatchObject({ retryable: true })
    expect(asked).toEqual(['POST true'])
  })

  test('a redirect within the API is followed with the same method and body', async () => {
    const asked: string[] = []
    const url = await serve((request, response) => {
      request.setEncoding('utf8').on('data', (text) => asked.push(String(text)))
      asked.push(`${request.method} ${request.url}`)
      const moved = request.url === '/api/v1/repos/acme/approvals/pulls'
      if (moved) json(301, '', { location: '/api/v1/repos/acme/new/pulls' })(request, response)
      else json(201, { id: 1 })(request, response)
    })
    expect(await clientOf(url).get('POST /pulls', { body: { a: 1 } })).toEqual({ id: 1 })
    const sent = ['POST /api/v1/repos/acme/approvals/pulls', '{"a":1}']
    expect(asked).toEqual([...sent, 'POST /api/v1/repos/acme/new/pulls', '{"a":1}'])
  })
})

describe('a list', () => {
  const routes: Record<string, unknown> = {
    '/api/v1/repos/acme/approvals': { id: 1 },
    '/api/v1/settings/api': { max_response_items: 2 },
  }
  const review = (id: number) => ({
    ...{ id, user: { id: -1 }, state: 'APPROVED', body: '', commit_id: 'x', dismissed: false },
    submitted_at: '2026-01-01T00:00:00Z',
  })
  const forgeOn = (apiUrl: string) =>
    openGiteaForge({
      ...{ apiUrl, repository: 'acme/approvals', base: 'main' },
      credentials: () => ({ token: TOKEN }),
      timing: { secondMs: 1, timeoutMs: 2000, retries: 0 },
    })

  /** @param pages - what each reading of each page gives, in turn */
  async function listing(pages: (page: number, reading: number) => unknown[], total: () => string) {
    let readings = 0
    return forgeOn(
      await serve((request, response) => {
        const url = new URL(request.url ?? '', 'http://x')
        const known = routes[url.pathname]
        if (known !== undefined) return json(200, known)(request, response)
        const page = Number(url.searchParams.get('page'))
        if (page === 1) readings += 1
        const count = total()
        const headers = count === '' ? {} : { 'x-total-count': count }
        json(200, pages(page, readings), headers)(request, response)
      }),
    )
  }

  test('without a total -> FORGE_UNREACHABLE', async () => {
    const forge = await listing(
      () => [review(1)],
      () => '',
    )
    const reading = forge.reviews(1)
    await expect(reading).rejects.toMatchObject({ code: 'FORGE_UNREACHABLE', retryable: true })
  })

  test('whose pages shift while they are read is read until it holds still', async () => {
    // Of 1, 2, 3 the first goes after the first page was read, and 4 comes: 3 would be missed.
    const forge = await listing(
      (page, reading) => {
        if (reading === 1) return page === 1 ? [review(1), review(2)] : [review(4)]
        return page === 1 ? [review(2), review(3)] : [review(4)]
      },
      () => '3',
    )
    expect((await forge.reviews(1)).map(({ id }) => id)).toEqual(['2', '3', '4'])
  })

  test('that never holds still -> FORGE_UNREACHABLE', async () => {
    const forge = await listing(
      (page, reading) => (page === 1 ? [review(1), review(2)] : [review(reading + 2)]),
      () => '3',
    )
    await expect(forge.reviews(1)).rejects.toMatchObject({ code: 'FORGE_UNREACHABLE' })
  })

  test('of more than 10,000 -> FORGE_CONFLICT', async () => {
    const forge = await listing(
      () => [review(1), review(2)],
      () => '10001',
    )
    await expect(forge.reviews(1)).rejects.toMatchObject({ code: 'FORGE_CONFLICT' })
  })
})

describe('credentials', () => {
  const url = 'https://git.test/api/v1'
  test.for([
    { name: 'its own', env: { COUNTERSIGN_GITEA_TOKEN: `${TOKEN}\n` } },
    {
      name: 'the ambient one, to its server',
      env: { GITEA_TOKEN: TOKEN, GITEA_SERVER_URL: 'https://git.test/' },
    },
    {
      name: "the ambient one of Gitea's runner",
      env: { GITEA_TOKEN: TOKEN, GITEA_ACTIONS: 'true', GITHUB_SERVER_URL: 'https://git.test' },
    },
  ])('$name is read', ({ env }) => {
    expect(readGiteaCredentials(env, url)).toEqual({ token: TOKEN })
  })

  test.for([
    { name: 'none', env: {} },
    { name: 'an empty one', env: { COUNTERSIGN_GITEA_TOKEN: ' ' } },
    { name: 'one of two words', env: { COUNTERSIGN_GITEA_TOKEN: `${TOKEN} ${TOKEN}` } },
    { name: 'the ambient one of no server', env: { GITEA_TOKEN: TOKEN } },
    {
      name: 'the ambient one of another server',
      env: { GITEA_TOKEN: TOKEN, GITEA_SERVER_URL: 'https://git.test:8443' },
    },
    {
      name: "another forge's runner's",
      env: { GITEA_TOKEN: TOKEN, GITHUB_SERVER_URL: 'https://git.test' },
    },
    { name: 'inherited ones', env: Object.create({ COUNTERSIGN_GITEA_TOKEN: TOKEN }) as object },
  ])('$name -> FORGE_UNAUTHORIZED', ({ env }) => {
    let error: unknown
    try {
      readGiteaCredentials(env as Record<string, string>, url)
    } catch (cause) {
      error = cause
    }
    expect(error).toMatchObject({ code: 'FORGE_UNAUTHORIZED', retryable: false })
    expect(String(error)).not.toContain(TOKEN)
  })

  test.for([
    ['https://git.test/api/v1', 'https://git.test/acme/approvals/pulls/7'],
    ['https://corp.test/git/api/v1/', 'https://corp.test/git/acme/approvals/pulls/7'],
  ] as const)('%s -> %s', ([apiUrl, want]) => {
    const about = { repository: 'acme/approvals', base: 'main', apiUrl }
    const forge = openGiteaForge({ ...about, credentials: () => ({ token: TOKEN }) })
    expect(forge.where(7)).toBe(want)
  })
})
