import { describe, expect, test } from 'vitest'
import { mailCredentials, noticeSecrets } from '../../src/app/approvals/open-notifier.ts'
import { examineForge, examineNotices } from '../../src/app/doctor-forge.ts'
import { PolicyError } from '../../src/base/errors.ts'
import type { CompiledPerson, CompiledPolicy } from '../../src/model/generated/types.ts'
import type { Forge } from '../../src/model/ports.ts'

const unauthorized = async (): Promise<never> => {
  throw new PolicyError('FORGE_UNAUTHORIZED', 'set COUNTERSIGN_GITHUB_TOKEN')
}

function forge(changes: Partial<Forge> = {}): Pick<Forge, 'identity' | 'self' | 'openPulls'> {
  return {
    identity: async () => ({ kind: 'github', host: 'github.com', repository: '42' }),
    self: async () => '7',
    openPulls: async () => [],
    ...changes,
  }
}

describe('the forge', () => {
  test.for([
    { name: 'an account', forge: forge(), states: ['ok', 'ok', 'ok'], says: 'act as account 7' },
    {
      name: 'an App, which is no account',
      forge: forge({ self: async () => null }),
      states: ['ok', 'ok', 'ok'],
      says: 'no account',
    },
    {
      name: 'the local one, which needs no credentials',
      forge: forge({
        identity: async () => ({ kind: 'local', host: '', repository: 'r' }),
        self: unauthorized,
      }),
      states: ['ok'],
      says: 'local',
    },
    {
      name: 'no credentials',
      forge: forge({ identity: unauthorized }),
      states: ['failed'],
      says: 'FORGE_UNAUTHORIZED',
    },
    {
      name: 'credentials that may not read',
      forge: forge({ openPulls: unauthorized }),
      states: ['failed'],
      says: 'FORGE_UNAUTHORIZED',
    },
  ])('$name: $states', async ({ forge: looked, states, says }) => {
    const found = await examineForge(looked)
    expect(found.map(({ state }) => state)).toEqual(states)
    expect(found.map(({ message }) => message).join()).toContain(says)
  })
})

const person = (id: string, email?: string): CompiledPerson => ({
  ...{ id, name: id, roles: [], keys: [] },
  ...(email === undefined ? {} : { email }),
})

const hook = (webhook: string): NonNullable<CompiledPolicy['notify']>[number] => ({
  ...{ webhook, on: ['held'], routes: null },
})

const SMTP = { smtp: { host: 'mail', port: 587, from: 'a@b', ca_file: null }, on: [], routes: null }

describe('targets of notices', () => {
  test.for([
    { name: 'an address', env: { HOOK: 'https://hooks.example/xoxSecret' }, state: 'ok' },
    { name: 'a loopback address', env: { HOOK: 'http://127.0.0.1:9/xoxSecret' }, state: 'ok' },
    { name: 'no variable', env: {}, state: 'failed' },
    { name: 'no address', env: { HOOK: 'xoxSecret' }, state: 'failed' },
    { name: 'an address without TLS', env: { HOOK: 'http://hooks/xoxSecret' }, state: 'failed' },
  ])('a webhook with $name is $state, and is not shown', async ({ env, state }) => {
    const notify = [hook('secret://env/HOOK')]
    const secrets = noticeSecrets({ notify }, { folder: '/', environment: env })
    const found = await examineNotices({ notify, people: [] }, { secrets, environment: env })
    expect(found.map((one) => one.state)).toEqual([state])
    expect(JSON.stringify(found)).not.toContain('xoxSecret')
  })

  test('variables that the policy does not name stay closed', async () => {
    const environment = { HOOK: 'https://a', OTHER: 'b' }
    const { env, file } = noticeSecrets(
      { notify: [hook('secret://env/HOOK')] },
      { folder: '/', environment },
    )
    expect(await env?.read('HOOK')).toBe('https://a')
    await expect(env?.read('OTHER')).rejects.toThrow('lets nobody read')
    expect(file).toBeNull()
  })

  const [all, some] = [[person('ana', 'ana@b')], [person('ana', 'ana@b'), person('bo')]]
  const [user, password] = [
    { COUNTERSIGN_SMTP_USER: 'u' },
    { COUNTERSIGN_SMTP_PASSWORD: 'passw0rd' },
  ]
  test.for([
    {
      name: 'everybody has an address',
      people: all,
      env: {},
      state: 'ok',
      says: 'without a login',
    },
    {
      name: 'with a login',
      people: all,
      env: { ...user, ...password },
      state: 'ok',
      says: 'with a',
    },
    { name: 'somebody has none', people: some, env: {}, state: 'warning', says: 'for bo' },
    { name: 'a user alone', people: all, env: user, state: 'failed', says: 'both' },
    { name: 'a password alone', people: all, env: password, state: 'failed', says: 'both' },
  ])('a mail server: $name: $state', async ({ people, env, state, says }) => {
    const secrets = { env: null, file: null, vault: null }
    const found = await examineNotices({ notify: [SMTP], people }, { secrets, environment: env })
    expect(found).toEqual([
      expect.objectContaining({ state, message: expect.stringContaining(says) }),
    ])
    expect(JSON.stringify(found)).not.toContain('passw0rd')
    expect(mailCredentials(env) === null).toBe(
      !('COUNTERSIGN_SMTP_USER' in env && 'COUNTERSIGN_SMTP_PASSWORD' in env),
    )
  })
})
