import { execFileSync, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:https'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { JsonObject } from '../../src/base/json-value.ts'
import { openVault } from '../../src/host/secrets/vault.ts'
import type { CompiledVault } from '../../src/model/generated/types.ts'
import { bundleOf, openTest } from '../app/support.ts'

// The server of HashiCorp Vault 1.21.4, built from its Go module: its HTTP API in front of its own core.

const tools = process.env['COUNTERSIGN_TOOLS'] ?? join(homedir(), '.cache', 'countersign-tools')
const program = join(tools, 'vault-server')
const folder = mkdtempSync(join(tmpdir(), 'countersign-vault-'))
const value = `v-${randomBytes(12).toString('hex')}`
const environment: Record<string, string> = {}
let server: ReturnType<typeof spawn> | null = null
let started = { address: '', token: '', certificate: '' }

beforeAll(async () => {
  mkdirSync(tools, { recursive: true })
  const source = new URL('./vault-server/', import.meta.url).pathname
  // Some five minutes of two cores at first; the Go build cache makes it seconds when nothing changed.
  execFileSync(
    'go',
    ['build', '-trimpath', '-buildvcs=false', '-ldflags=-s -w', '-o', program, '.'],
    {
      cwd: source,
      stdio: 'inherit',
    },
  )
  const running = spawn(program, { stdio: ['pipe', 'pipe', 'inherit'] })
  server = running
  const [line] = await once(createInterface({ input: running.stdout }), 'line')
  started = JSON.parse(String(line))
  writeFileSync(join(folder, 'ca.pem'), started.certificate)
  environment['VAULT_TOKEN'] = started.token
  await prepare()
})

afterAll(() => {
  server?.stdin?.end() // It ends when its input does.
  rmSync(folder, { recursive: true, force: true })
})

/** Secrets, a policy for one of them, and a role with it. */
async function prepare(): Promise<void> {
  await ask('POST', 'secret/data/team/stripe', { data: { key: value, value: 'other', number: 5 } })
  await ask('POST', 'secret/data/team/private', { data: { value } })
  await ask('POST', 'secret/data/team/gone', { data: { value } })
  await ask('DELETE', 'secret/data/team/gone')
  const policy = 'path "secret/data/team/stripe" { capabilities = ["read"] }'
  await ask('PUT', 'sys/policies/acl/engine', { policy })
  await ask('POST', 'auth/approle/role/engine', { token_policies: ['engine'], token_ttl: '10m' })
  const role = await ask('GET', 'auth/approle/role/engine/role-id')
  const own = await ask('POST', 'auth/approle/role/engine/secret-id')
  environment['ROLE_ID'] = String((role['data'] as JsonObject)['role_id'])
  environment['SECRET_ID'] = String((own['data'] as JsonObject)['secret_id'])
}

/** Asks the server as its owner. */
async function ask(method: string, path: string, body?: object): Promise<JsonObject> {
  const sent = request(new URL(`/v1/${path}`, started.address), {
    method,
    ca: started.certificate,
    headers: { 'X-Vault-Token': started.token },
  })
  sent.end(body === undefined ? '' : JSON.stringify(body))
  const [answer] = await once(sent, 'response')
  let text = ''
  for await (const chunk of answer) text += String(chunk)
  if (answer.statusCode >= 400) throw new Error(`${method} ${path}: ${answer.statusCode} ${text}`)
  return text === '' ? {} : JSON.parse(text)
}

function settings(changes: Partial<CompiledVault> = {}): CompiledVault {
  return {
    address: started.address,
    mount: 'secret',
    namespace: null,
    ca_file: join(folder, 'ca.pem'),
    time_out: '5s',
    token: { env: 'VAULT_TOKEN' },
    app_role: null,
    ...changes,
  }
}

const byRole = (): Partial<CompiledVault> => ({
  token: null,
  app_role: { mount: 'approle', role_id: { env: 'ROLE_ID' }, secret_id: { env: 'SECRET_ID' } },
})

const read = (name: string, changes: Partial<CompiledVault> = {}) =>
  openVault(settings(changes), environment).read(name)

describe('with a token', () => {
  test('a field -> its value', async () => {
    expect(await read('team/stripe#key')).toBe(value)
    expect(await read('team/stripe')).toBe('other')
  })

  test.for(['team/stripe#number', 'team/stripe#none', 'team/none', 'team/gone', 'team'])(
    '%s -> SECRET_MISSING',
    async (name) => {
      await expect(read(name)).rejects.toMatchObject({ code: 'SECRET_MISSING' })
    },
  )

  test('a mount that is not there -> SECRET_MISSING', async () => {
    await expect(read('team/stripe', { mount: 'other' })).rejects.toMatchObject({
      code: 'SECRET_MISSING',
    })
  })

  test("without the server's certificate -> SECRET_UNAVAILABLE", async () => {
    await expect(read('team/stripe', { ca_file: null })).rejects.toMatchObject({
      code: 'SECRET_UNAVAILABLE',
      message: expect.stringMatching(/SELF_SIGNED|UNABLE_TO_VERIFY/),
    })
  })

  test('plain HTTP to the TLS port -> SECRET_UNAVAILABLE', async () => {
    const address = started.address.replace('https:', 'http:')
    await expect(read('team/stripe', { address })).rejects.toMatchObject({
      code: 'SECRET_UNAVAILABLE',
    })
  })
})

describe('by AppRole', () => {
  test('what the role may read -> its value; another secret -> SECRET_MISSING', async () => {
    const vault = openVault(settings(byRole()), environment)
    expect(await vault.read('team/stripe#key')).toBe(value)
    await expect(vault.read('team/private')).rejects.toMatchObject({ code: 'SECRET_MISSING' })
  })

  test('a token that was revoked is got anew', async () => {
    const vault = openVault(settings(byRole()), environment)
    await vault.read('team/stripe')
    const listed = await ask('LIST', 'auth/token/accessors')
    const accessors = (listed['data'] as { keys: string[] }).keys
    for (const accessor of accessors) {
      const { data } = await ask('POST', 'auth/token/lookup-accessor', { accessor })
      const policies = (data as JsonObject)['policies'] as string[]
      if (policies.includes('engine')) await ask('POST', 'auth/token/revoke-accessor', { accessor })
    }
    expect(await vault.read('team/stripe#key')).toBe(value)
  })

  test('a wrong secret id -> SECRET_UNAVAILABLE, without a word of it', async () => {
    const vault = openVault(settings(byRole()), { ...environment, SECRET_ID: 'not-the-secret-id' })
    const error = await vault.read('team/stripe').catch((thrown: Error) => thrown)
    expect(error).toMatchObject({ code: 'SECRET_UNAVAILABLE', retryable: true })
    expect(String(error)).not.toContain('not-the-secret-id')
  })
})

describe('the engine', () => {
  const head = 'apiVersion: countersign/v1\nkind: '
  const call = {
    agent: 'clerk',
    service: 'shop',
    action: 'mail',
    payload: { key: 'secret://vault/team/stripe#key' },
  }

  async function open() {
    const vault = `{ address: '${started.address}', ca_file: '${join(folder, 'ca.pem')}', token: { env: VAULT_TEST_TOKEN } }`
    const bundle = await bundleOf({
      'countersign.yaml': `${head}Project\nproject: shop\ndefaults: { low: allow }\nsecrets: { vault: ${vault} }\n`,
      'policies/agents/clerk.yaml': `${head}Agent\nagent: clerk\nscopes: [{ tools: ['shop.*'] }]\ncredentials: [{ secret: 'secret://vault/team/*', tools: [shop.mail] }]\n`,
    })
    return openTest({ bundle })
  }

  test('hands on what the server has', async () => {
    process.env['VAULT_TEST_TOKEN'] = started.token
    const { engine } = await open()
    expect((await engine.ask(call)).payload).toEqual({ key: value })
  })

  test('runs nothing while its token is not taken, and runs it afterwards by the same key', async () => {
    process.env['VAULT_TEST_TOKEN'] = 'revoked'
    const { engine } = await open()
    await expect(engine.ask(call, { idempotencyKey: 'one' })).rejects.toMatchObject({
      code: 'SECRET_MISSING',
    })
    process.env['VAULT_TEST_TOKEN'] = started.token
    expect((await engine.ask(call, { idempotencyKey: 'one' })).payload).toEqual({ key: value })
  })
})

test('a server that is sealed -> SECRET_UNAVAILABLE', async () => {
  await ask('PUT', 'sys/seal')
  await expect(read('team/stripe')).rejects.toMatchObject({
    code: 'SECRET_UNAVAILABLE',
    retryable: true,
    message: expect.stringContaining('503'),
  })
})
