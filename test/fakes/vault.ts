import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/**
 * A server with the answers of Vault's HTTP API that the engine uses, as its published description gives them:
 * https://developer.hashicorp.com/vault/api-docs/secret/kv/kv-v2 ("Read secret version"),
 * https://developer.hashicorp.com/vault/api-docs/auth/approle ("Login with AppRole"),
 * https://developer.hashicorp.com/vault/api-docs (headers, status codes). The integration suite runs the same client
 * against the real server.
 */
export type FakeVault = {
  readonly address: string
  /** Requests so far: method, path, token and namespace. */
  readonly seen: readonly Seen[]
  /** Answers in the place of the usual ones, while it is set. */
  override: ((request: Seen, response: ServerResponse) => void) | null
  /** Tokens that are taken. */
  readonly tokens: Set<string>
  /** Seconds that a token from AppRole says it holds. */
  lease: number
  close(): Promise<void>
}

export type Seen = {
  readonly method: string
  readonly path: string
  readonly token: string | null
  readonly namespace: string | null
  readonly marked: boolean
  readonly body: string
}

export type VaultContents = {
  /** Fields by path below `secret/`. */
  readonly secrets: Readonly<Record<string, Readonly<Record<string, unknown>>>>
  readonly role: { readonly role_id: string; readonly secret_id: string }
}

export async function openFakeVault({ secrets, role }: VaultContents): Promise<FakeVault> {
  const seen: Seen[] = []
  const tokens = new Set<string>()
  const server: Server = createServer((request, response) => {
    readBody(request).then((body) => {
      const header = (name: string) => String(request.headers[name] ?? '') || null
      const one: Seen = {
        method: request.method ?? '',
        path: request.url ?? '',
        token: header('x-vault-token'),
        namespace: header('x-vault-namespace'),
        marked: header('x-vault-request') === 'true',
        body,
      }
      seen.push(one)
      if (fake.override !== null) fake.override(one, response)
      else answer(one, response)
    })
  })
  const answer = (request: Seen, response: ServerResponse): void => {
    if (request.path === '/v1/auth/approle/login' && request.method === 'POST') {
      const given = JSON.parse(request.body) as Record<string, unknown>
      if (given['role_id'] !== role.role_id || given['secret_id'] !== role.secret_id) {
        send(response, 400, { errors: ['invalid role or secret ID'] })
        return
      }
      const token = `role-token-${tokens.size}`
      tokens.add(token)
      const auth = {
        client_token: token,
        lease_duration: fake.lease,
        renewable: true,
        policies: [],
      }
      send(response, 200, { request_id: 'r', auth, warnings: null })
      return
    }
    if (request.token === null || !tokens.has(request.token)) {
      send(response, 403, { errors: ['permission denied'] })
      return
    }
    const path = request.path.replace('/v1/secret/data/', '')
    const data = Object.hasOwn(secrets, path) ? secrets[path] : undefined
    if (data === undefined) {
      send(response, 404, { errors: [] })
      return
    }
    const metadata = { version: 1, destroyed: false, deletion_time: '' }
    send(response, 200, { request_id: 'r', lease_id: '', data: { data, metadata }, auth: null })
  }
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const fake: FakeVault = {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    override: null,
    tokens,
    lease: 3600,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  }
  return fake
}

export function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'Content-Type': 'application/json' })
  response.end(JSON.stringify(body))
}

async function readBody(request: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of request) text += String(chunk)
  return text
}
