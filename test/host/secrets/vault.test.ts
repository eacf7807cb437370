import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openVault } from '../../../src/host/secrets/vault.ts'
import type { CompiledVault } from '../../../src/model/generated/types.ts'
import { type FakeVault, openFakeVault, send } from '../../fakes/vault.ts'

const VALUE = ['the', 'clear', 'value'].join('-')
const TOKEN = ['the', 'own', 'token'].join('-')
const ROLE = { role_id: 'role-1', secret_id: ['own', 'secret', 'id'].join('-') }
const ENVIRONMENT = {
  VAULT_TOKEN: TOKEN,
  ROLE_ID: ROLE.role_id,
  SECRET_ID: ROLE.secret_id,
  EMPTY: '',
}

let fake: FakeVault
let folder = ''

beforeEach(async () => {
  fake = await openFakeVault({
    secrets: {
      stripe: { value: VALUE, key: 'another', number: 5, empty: '', nothing: null, list: ['x'] },
      'team/mail': { password: VALUE },
    },
    role: ROLE,
  })
  fake.tokens.add(TOKEN)
  folder = mkdtempSync(join(tmpdir(), 'countersign-vault-'))
})
afterEach(async () => {
  await fake.close()
  rmSync(folder, { recursive: true, force: true })
})

function settings(changes: Partial<CompiledVault> = {}): CompiledVault {
  return {
    address: fake.address,
    mount: 'secret',
    namespace: null,
    ca_file: null,
    time_out: '2s',
    token: { env: 'VAULT_TOKEN' },
    app_role: null,
    ...changes,
  }
}

const APP_ROLE: Partial<CompiledVault> = {
  token: null,
  app_role: { mount: 'approle', role_id: { env: 'ROLE_ID' }, secret_id: { env: 'SECRET_ID' } },
}

const open = (changes: Partial<CompiledVault> = {}) => openVault(settings(changes), ENVIRONMENT)

/** The error of a read; it holds neither the value nor what the engine logs in with. */
async function failureOf(changes: Partial<CompiledVault>, name = 'stripe'): Promise<unknown> {
  const error: unknown = await open(changes)
    .read(name)
    .catch((thrown: unknown) => thrown)
  const all = [error, (error as Error).cause].map(
    (one) => `${String(one)} ${(one as Error)?.stack}`,
  )
  for (const secret of [VALUE, TOKEN, ROLE.secret_id]) expect(all.join()).not.toContain(secret)
  return error
}

describe('with a token', () => {
  test.for([
    { name: 'stripe', want: VALUE },
    { name: 'stripe#value', want: VALUE },
    { name: 'stripe#key', want: 'another' },
    { name: 'team/mail#password', want: VALUE },
  ])('$name -> its value', async ({ name, want }) => {
    expect(await open().read(name)).toBe(want)
    expect(fake.seen).toMatchObject([
      { method: 'GET', token: TOKEN, marked: true, namespace: null },
    ])
  })

  test('from a file, under a namespace and another mount', async () => {
    const file = join(folder, 'token')
    writeFileSync(file, `${TOKEN}\n`, { mode: 0o600 })
    fake.override = (_, response) => send(response, 200, { data: { data: { value: 'v' } } })
    const vault = open({ token: { file }, namespace: 'payments', mount: 'kv/prod' })
    expect(await vault.read('stripe')).toBe('v')
    expect(fake.seen).toMatchObject([
      { path: '/v1/kv/prod/data/stripe', token: TOKEN, namespace: 'payments' },
    ])
  })

  test.for([
    'stripe#number',
    'stripe#empty',
    'stripe#nothing',
    'stripe#list',
    'stripe#toString',
    'absent',
    'team',
  ])('%s -> SECRET_MISSING', async (name) => {
    expect(await failureOf({}, name)).toMatchObject({ code: 'SECRET_MISSING', retryable: false })
  })

  test('a token that is not taken -> SECRET_MISSING, asked once', async () => {
    fake.tokens.clear()
    expect(await failureOf({})).toMatchObject({ code: 'SECRET_MISSING' })
    expect(fake.seen).toHaveLength(1)
  })

  test.for([
    { name: 'no variable', token: { env: 'NOWHERE' } },
    { name: 'an empty one', token: { env: 'EMPTY' } },
    { name: 'no file', token: { file: '/nowhere/token' } },
  ])('$name -> SECRET_UNAVAILABLE, and nothing is asked', async ({ token }) => {
    expect(await failureOf({ token })).toMatchObject({
      code: 'SECRET_UNAVAILABLE',
      retryable: true,
    })
    expect(fake.seen).toEqual([])
  })

  test('a token in a file that others may read -> SECRET_UNAVAILABLE', async () => {
    const file = join(folder, 'token')
    writeFileSync(file, TOKEN)
    chmodSync(file, 0o644)
    expect(await failureOf({ token: { file } })).toMatchObject({ code: 'SECRET_UNAVAILABLE' })
  })

  test('a token with a line within -> SECRET_UNAVAILABLE', async () => {
    const vault = openVault(settings(), { VAULT_TOKEN: 'a\r\nX-Other: b' })
    await expect(vault.read('stripe')).rejects.toMatchObject({ code: 'SECRET_UNAVAILABLE' })
    expect(fake.seen).toEqual([])
  })
})

describe('by AppRole', () => {
  test('one login serves many reads', async () => {
    const vault = open(APP_ROLE)
    expect(await vault.read('stripe')).toBe(VALUE)
    expect(await vault.read('team/mail#password')).toBe(VALUE)
    expect(fake.seen.map(({ method }) => method)).toEqual(['POST', 'GET', 'GET'])
    expect(fake.seen[0]?.token).toBeNull()
  })

  test('a token that has ended is got anew', async () => {
    const vault = open(APP_ROLE)
    fake.lease = 0
    await vault.read('stripe')
    await vault.read('stripe')
    expect(fake.seen.map(({ method }) => method)).toEqual(['POST', 'GET', 'POST', 'GET'])
  })

  test('a token that was revoked is got anew, once', async () => {
    const vault = open(APP_ROLE)
    await vault.read('stripe')
    fake.tokens.clear()
    expect(await vault.read('stripe')).toBe(VALUE)
    expect(fake.seen.map(({ method }) => method)).toEqual(['POST', 'GET', 'GET', 'POST', 'GET'])
  })

  test('a fresh token that is not taken -> SECRET_MISSING, without another login', async () => {
    fake.override = ({ path }, response) =>
      path.endsWith('/login')
        ? send(response, 200, { auth: { client_token: 't', lease_duration: 60 } })
        : send(response, 403, { errors: ['permission denied'] })
    expect(await failureOf(APP_ROLE)).toMatchObject({ code: 'SECRET_MISSING' })
    expect(fake.seen).toHaveLength(2)
  })

  test.for([
    { name: 'refused', status: 400, body: { errors: [`invalid ${'secret'} id`] } },
    { name: 'answered without a token', status: 200, body: { auth: null } },
    {
      name: 'answered with a number',
      status: 200,
      body: { auth: { client_token: 5, lease_duration: 1 } },
    },
    { name: 'answered with a list', status: 200, body: [] },
  ])('a login that is $name -> SECRET_UNAVAILABLE', async ({ status, body }) => {
    fake.override = (_, response) => send(response, status, body)
    expect(await failureOf(APP_ROLE)).toMatchObject({ code: 'SECRET_UNAVAILABLE', retryable: true })
  })
})

describe('a server that fails', () => {
  test.for([429, 472, 500, 502, 503])('%d -> SECRET_UNAVAILABLE', async (status) => {
    fake.override = (_, response) => send(response, status, { errors: [VALUE] })
    expect(await failureOf({})).toMatchObject({ code: 'SECRET_UNAVAILABLE', retryable: true })
  })

  test.for([
    { name: 'no JSON', body: `{"data":{"data":{"value":"${VALUE}"` },
    { name: 'nothing', body: '' },
    { name: 'a text', body: `"${VALUE}"` },
    { name: 'KV version 1', body: `{"data":{"value":"${VALUE}"}}` },
    { name: 'a prototype', body: '{"__proto__":{"data":{"data":{"value":"x"}}}}' },
  ])('200 with $name -> SECRET_MISSING', async ({ body }) => {
    fake.override = (_, response) => response.end(body)
    expect(await failureOf({})).toMatchObject({ code: 'SECRET_MISSING' })
  })

  test('another address is not followed: the token goes nowhere else', async () => {
    fake.override = (_, response) => {
      response.writeHead(307, { Location: `${fake.address}/v1/secret/data/stripe` })
      response.end()
    }
    expect(await failureOf({})).toMatchObject({ code: 'SECRET_UNAVAILABLE' })
    expect(fake.seen).toHaveLength(1)
  })

  test.for([
    { name: 'silence', override: () => undefined },
    {
      name: 'a byte now and then',
      override: (_: unknown, response: import('node:http').ServerResponse) => {
        response.writeHead(200)
        const timer = setInterval(() => response.write(' '), 20)
        response.on('close', () => clearInterval(timer))
      },
    },
  ])('$name -> SECRET_UNAVAILABLE, in time', async ({ override }) => {
    fake.override = override
    const start = performance.now()
    expect(await failureOf({ time_out: '150ms' })).toMatchObject({
      code: 'SECRET_UNAVAILABLE',
      message: expect.stringContaining('150 ms'),
    })
    expect(performance.now() - start).toBeLessThan(15_000)
  })

  test('more than a mebibyte -> SECRET_UNAVAILABLE', async () => {
    fake.override = (_, response) => response.end('x'.repeat(1024 * 1024 + 1))
    expect(await failureOf({})).toMatchObject({ code: 'SECRET_UNAVAILABLE' })
  })

  test('a connection that breaks -> SECRET_UNAVAILABLE', async () => {
    fake.override = (_, response) => {
      response.writeHead(200, { 'Content-Length': 100 })
      response.write(VALUE)
      response.destroy()
    }
    expect(await failureOf({})).toMatchObject({ code: 'SECRET_UNAVAILABLE' })
  })

  test('nobody there -> SECRET_UNAVAILABLE', async () => {
    const { address } = fake
    await fake.close()
    expect(await failureOf({ address })).toMatchObject({
      code: 'SECRET_UNAVAILABLE',
      message: expect.stringContaining('ECONNREFUSED'),
    })
  })

  test('certificates that cannot be read -> SECRET_UNAVAILABLE', async () => {
    expect(await failureOf({ ca_file: '/nowhere/ca.pem' })).toMatchObject({
      code: 'SECRET_UNAVAILABLE',
    })
  })
})
