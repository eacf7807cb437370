import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { deviceToken } from '../../../src/host/sigstore/device-flow.ts'
import {
  ambientToken,
  readIdentityToken,
  tokenFrom,
} from '../../../src/host/sigstore/identity-token.ts'
import { openSigstoreSigner } from '../../../src/host/sigstore/signer.ts'
import { temporaryFolder } from '../../app/support.ts'

const NOW = Date.parse('2026-11-21T10:00:00Z')

/** A token that nobody signed: what is read of it is read before anybody could check. */
function tokenOf(claims: object): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  return `${part({ alg: 'RS256' })}.${part(claims)}.c2lnbmF0dXJl`
}

const SOUND = {
  aud: 'sigstore',
  exp: NOW / 1000 + 60,
  email: 'ana@example.com',
  email_verified: true,
}
const asked = { audience: 'sigstore', now: NOW }

function codeOf(work: () => unknown): string {
  try {
    work()
    return 'read'
  } catch (error) {
    return `${(error as { code?: string }).code ?? error}`
  }
}

const later = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'done',
    (error: { code?: string }) => error.code ?? `${error}`,
  )

let server: Server | undefined
afterEach(() => {
  server?.closeAllConnections()
  server?.close()
})

type Reply = readonly [status: number, body: unknown, headers?: Record<string, string>]

/** Answers each path with what the test says, and remembers what was asked. */
async function serve(reply: (path: string, form: URLSearchParams, url: string) => Reply) {
  const seen: { path: string; headers: IncomingMessage['headers'] }[] = []
  let url = ''
  const started = createServer(async (request, response) => {
    let text = ''
    for await (const chunk of request) text += String(chunk)
    const path = request.url ?? ''
    seen.push({ path, headers: request.headers })
    const [status, body, headers = {}] = reply(path, new URLSearchParams(text), url)
    const json = typeof body === 'string' ? body : JSON.stringify(body)
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(json)
  })
  server = started
  await new Promise<void>((resolve) => started.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(started.address() as AddressInfo).port}`
  return { url, seen }
}

describe('a token', () => {
  test('is handed on as it is, without the white space around it', () => {
    expect(readIdentityToken(`${tokenOf(SOUND)}\n`, asked)).toBe(tokenOf(SOUND))
    expect(readIdentityToken(tokenOf({ ...SOUND, aud: ['x', 'sigstore'] }), asked)).toBeTruthy()
  })

  test.for([
    { name: 'empty', text: '' },
    { name: 'no JWT', text: 'hunter2' },
    { name: 'too long', text: tokenOf({ ...SOUND, more: 'x'.repeat(20_000) }) },
    { name: 'for another audience', text: tokenOf({ ...SOUND, aud: 'shop' }) },
    { name: 'for no audience', text: tokenOf({ exp: SOUND.exp }) },
    { name: 'expired', text: tokenOf({ ...SOUND, exp: NOW / 1000 }) },
    { name: 'for ever', text: tokenOf({ aud: 'sigstore' }) },
  ])('$name -> IDENTITY_TOKEN_INVALID, and no word of it', ({ text }) => {
    let message = ''
    try {
      readIdentityToken(text, asked)
    } catch (error) {
      message = `${(error as Error).message} ${JSON.stringify((error as Error).cause ?? null)}`
    }
    expect(codeOf(() => readIdentityToken(text, asked))).toBe('IDENTITY_TOKEN_INVALID')
    if (text !== '') expect(message).not.toContain(text.slice(0, 6))
  })
})

describe('what the surroundings give', () => {
  const about = { audience: 'sigstore', timeoutMs: 2000 }

  test('nothing -> nothing', () => {
    expect(ambientToken({}, about)).toBeNull()
    expect(ambientToken({ SIGSTORE_ID_TOKEN: '' }, about)).toBeNull()
    expect(ambientToken({ ACTIONS_ID_TOKEN_REQUEST_URL: 'https://x' }, about)).toBeNull()
  })

  test('SIGSTORE_ID_TOKEN', async () => {
    expect(await ambientToken({ SIGSTORE_ID_TOKEN: 'a.b.c' }, about)?.()).toBe('a.b.c')
  })

  test('GitHub Actions, for our audience, with the token of the job', async () => {
    const { url, seen } = await serve(() => [200, { value: 'a.b.c' }])
    const environment = {
      ACTIONS_ID_TOKEN_REQUEST_URL: `${url}/token?api-version=2.0`,
      ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'job-token',
    }
    expect(await ambientToken(environment, about)?.()).toBe('a.b.c')
    expect(seen).toMatchObject([
      {
        path: '/token?api-version=2.0&audience=sigstore',
        headers: { authorization: 'Bearer job-token' },
      },
    ])
  })

  test.for<{ name: string; reply: Reply; code: string }>([
    { name: 'a no', reply: [403, {}], code: 'SIGSTORE_REFUSED' },
    { name: 'an error of its own', reply: [503, {}], code: 'SIGSTORE_UNREACHABLE' },
    { name: 'no value', reply: [200, {}], code: 'SIGSTORE_REFUSED' },
    { name: 'a value that is no text', reply: [200, { value: 7 }], code: 'SIGSTORE_REFUSED' },
    { name: 'no JSON', reply: [200, '<html>'], code: 'SIGSTORE_REFUSED' },
    {
      name: 'somewhere else',
      reply: [302, '', { location: '/other' }],
      code: 'SIGSTORE_UNREACHABLE',
    },
    { name: 'no end', reply: [200, `"${'a'.repeat(300_000)}"`], code: 'SIGSTORE_UNREACHABLE' },
  ])('GitHub answers with $name -> $code', async ({ reply, code }) => {
    const { url, seen } = await serve(() => reply)
    const environment = {
      ACTIONS_ID_TOKEN_REQUEST_URL: url,
      ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'job-token',
    }
    expect(await later(ambientToken(environment, about)?.() ?? Promise.resolve())).toBe(code)
    expect(seen).toHaveLength(1)
  })

  test('a file comes before them, and nobody at all is an error', async () => {
    const source = { environment: {}, issuer: 'https://x', clientId: 'sigstore', say: null }
    expect(await later(tokenFrom({ ...source, file: null })())).toBe('IDENTITY_TOKEN_MISSING')
    const file = `${temporaryFolder()}/none`
    const environment = { SIGSTORE_ID_TOKEN: 'a.b.c' }
    expect(await later(tokenFrom({ ...source, environment, file })())).toBe('FILE_UNREADABLE')
    expect(await tokenFrom({ ...source, environment, file: null })()).toBe('a.b.c')
  })
})

describe('the device grant (RFC 8628)', () => {
  const CODES = { device_code: 'd', user_code: 'WDJB-MJHT', expires_in: 20, interval: 1 }

  async function signIn(given: {
    readonly discovery?: object
    readonly codes?: object
    readonly polls?: readonly Reply[]
  }) {
    const polls = [...(given.polls ?? [[200, { id_token: 'a.b.c' }]])]
    const { url, seen } = await serve((path, _form, own) => {
      if (path.startsWith('/.well-known')) {
        const endpoints = {
          device_authorization_endpoint: `${own}/code`,
          token_endpoint: `${own}/token`,
        }
        return [200, { issuer: own, ...endpoints, ...given.discovery }]
      }
      if (path === '/code')
        return [200, { ...CODES, verification_uri: `${own}/go`, ...given.codes }]
      return (polls.shift() as Reply | undefined) ?? [400, { error: 'authorization_pending' }]
    })
    const said: string[] = []
    const ask = deviceToken({
      ...{ issuer: url, clientId: 'sigstore', timeoutMs: 2000, secondMs: 1 },
      say: (text) => said.push(text),
    })
    const got = await ask().catch((error: { code?: string }) => error.code ?? `${error}`)
    return {
      got,
      said: said.join('\n'),
      asked: seen.filter(({ path }) => path === '/token').length,
    }
  }

  test('says where to go, waits as asked, and gives the token', async () => {
    const wait: Reply = [400, { error: 'authorization_pending' }]
    const polls: Reply[] = [wait, [400, { error: 'slow_down' }], wait, [200, { id_token: 'a.b.c' }]]
    const { got, said, asked: count } = await signIn({ polls })
    expect({ got, count }).toEqual({ got: 'a.b.c', count: 4 })
    expect(said).toContain('/go and check that it shows the code WDJB-MJHT')
  })

  test.for([
    {
      name: 'refused',
      polls: [[400, { error: 'access_denied' }]] as Reply[],
      want: 'IDENTITY_TOKEN_MISSING',
    },
    {
      name: 'too late',
      polls: [[400, { error: 'expired_token' }]] as Reply[],
      want: 'IDENTITY_TOKEN_MISSING',
    },
    { name: 'never', polls: [] as Reply[], want: 'IDENTITY_TOKEN_MISSING' },
    {
      name: 'no id_token',
      polls: [[200, { access_token: 'x' }]] as Reply[],
      want: 'SIGSTORE_REFUSED',
    },
    {
      name: 'another error',
      polls: [[400, { error: 'invalid_grant' }]] as Reply[],
      want: 'SIGSTORE_REFUSED',
    },
    { name: 'a server in trouble', polls: [[500, {}]] as Reply[], want: 'SIGSTORE_UNREACHABLE' },
  ])('answered with $name -> $want', async ({ polls, want }) => {
    expect((await signIn({ polls })).got).toBe(want)
  })

  test.for<{ name: string; discovery?: object; codes?: object }>([
    { name: "another issuer's document", discovery: { issuer: 'https://evil.example' } },
    { name: 'no device grant', discovery: { device_authorization_endpoint: null } },
    {
      name: 'a token endpoint without TLS',
      discovery: { token_endpoint: 'http://evil.example/t' },
    },
    { name: 'an endpoint that is no address', discovery: { token_endpoint: 'token' } },
    { name: 'no code', codes: { user_code: null } },
    { name: 'a page without TLS', codes: { verification_uri: 'http://evil.example' } },
    { name: 'a code that steers the terminal', codes: { user_code: 'A\u001b[2J' } },
    {
      name: 'a script for an address',
      codes: { verification_uri_complete: 'javascript:alert(1)' },
    },
  ])('an issuer with $name -> SIGSTORE_REFUSED, and nobody is sent there', async (row) => {
    const { name: _, ...given } = row
    const { got, said, asked: count } = await signIn(given)
    expect({ got, said, count }).toEqual({ got: 'SIGSTORE_REFUSED', said: '', count: 0 })
  })
})

describe('services that fail', () => {
  const signer = (url: string, token = tokenOf({ ...SOUND, exp: Date.now() / 1000 + 60 })) =>
    openSigstoreSigner({
      ...{ fulcioUrl: url, rekorUrl: url, tsaUrl: url, timeoutMs: 500, clock: Date.now },
      token: async () => token,
    })

  test.for<{ name: string; reply: Reply; code: string }>([
    { name: 'no', reply: [400, { message: 'bad token' }], code: 'SIGSTORE_REFUSED' },
    { name: 'trouble', reply: [500, {}], code: 'SIGSTORE_UNREACHABLE' },
    { name: 'too many requests', reply: [429, {}], code: 'SIGSTORE_UNREACHABLE' },
    { name: 'no JSON', reply: [200, '<html>'], code: 'SIGSTORE_UNREACHABLE' },
    { name: 'no certificate', reply: [200, {}], code: 'SIGSTORE_UNREACHABLE' },
    {
      name: 'a certificate that is none',
      reply: [200, { signedCertificateEmbeddedSct: { chain: { certificates: ['x'] } } }],
      code: 'SIGSTORE_REFUSED',
    },
  ])('Fulcio answers $name -> $code', async ({ reply, code }) => {
    const { url } = await serve(() => reply)
    expect(await later(signer(url).identity())).toBe(code)
  })

  test('nobody is there -> SIGSTORE_UNREACHABLE, and the token is in no error', async () => {
    const failed = await signer('http://127.0.0.1:9')
      .identity()
      .catch((error: Error) => error)
    expect(failed).toMatchObject({ code: 'SIGSTORE_UNREACHABLE', retryable: true })
    const causes = JSON.stringify([failed, (failed as Error).message, (failed as Error).cause])
    expect(causes).not.toContain('c2lnbmF0dXJl')
  })

  test('an address that nobody verified -> IDENTITY_TOKEN_INVALID, and the token is in no error', async () => {
    const { url } = await serve(() => [500, {}])
    const claims = { ...SOUND, exp: Date.now() / 1000 + 60, email_verified: false }
    const failed = await signer(url, tokenOf(claims))
      .identity()
      .catch((error: Error) => error)
    expect(failed).toMatchObject({ code: 'IDENTITY_TOKEN_INVALID' })
    expect(`${(failed as Error).message} ${(failed as Error).cause}`).not.toContain('c2lnbmF0dXJl')
  })
})
