import { describe, expect, test } from 'vitest'
import { bundleOf, compileFiles, KEYS, policyFiles } from '../../app/support.ts'

const HEAD = 'apiVersion: countersign/v1\nkind: Project\nproject: shop\n'

const problems = async (notify: string, more = '') => {
  const files = policyFiles({ 'countersign.yaml': `${HEAD}${more}notify:\n${notify}` })
  const { diagnostics } = await compileFiles(files)
  return diagnostics
    .filter(({ severity }) => severity === 'error')
    .map(({ code, line, message }) => `${line} ${code} ${message}`)
}

describe('notify', () => {
  test('is compiled with every default', async () => {
    const notify = [
      '  - { webhook: secret://env/HOOK }',
      '  - { webhook: secret://env/ALL, on: [resolved, held], routes: [payments, board] }',
      '  - { smtp: { host: mail.example.com, from: bot@example.com } }',
      '',
    ].join('\n')
    const { policy } = await bundleOf({ 'countersign.yaml': `${HEAD}notify:\n${notify}` })
    const on = ['held', 'escalated', 'break-glass']
    expect(policy.notify).toEqual([
      { webhook: 'secret://env/HOOK', on, routes: null },
      { webhook: 'secret://env/ALL', on: ['held', 'resolved'], routes: ['board', 'payments'] },
      {
        smtp: { host: 'mail.example.com', port: 587, from: 'bot@example.com', ca_file: null },
        ...{ on, routes: null },
      },
    ])
  })

  test('is absent where nobody is told', async () => {
    expect('notify' in (await bundleOf()).policy).toBe(false)
  })

  test.for([
    { name: 'neither a webhook nor a server', notify: '  - { on: [held] }\n', want: 'exactly one' },
    {
      name: 'both',
      notify: '  - { webhook: secret://env/A, smtp: { host: m, from: a@b.c } }\n',
      want: 'exactly one',
    },
    {
      name: 'an address in the file',
      notify: '  - { webhook: "https://hooks.slack.com/x" }\n',
      want: 'webhook',
    },
    {
      name: 'a variable below a folder',
      notify: '  - { webhook: secret://env/a/b }\n',
      want: 'SECRET_REFERENCE_INVALID',
    },
    {
      name: 'a provider that is not set up',
      notify: '  - { webhook: secret://file/hook }\n',
      want: 'no provider "file"',
    },
    {
      name: 'no such route',
      notify: '  - { webhook: secret://env/A, routes: [paiments] }\n',
      want: 'did you mean "payments"',
    },
    { name: 'no such event', notify: '  - { webhook: secret://env/A, on: [hold] }\n', want: 'on' },
    {
      name: 'a sender that is no address',
      notify: '  - { smtp: { host: m, from: "a b" } }\n',
      want: 'from',
    },
    {
      name: 'a sender with a second line',
      notify: '  - { smtp: { host: m, from: "a@b.c\\nBcc: d@e.f" } }\n',
      want: 'from',
    },
    {
      name: 'a password in the file',
      notify: '  - { smtp: { host: m, from: a@b.c, password: x } }\n',
      want: 'password',
    },
  ])('refuses $name', async ({ notify, want }) => {
    const found = await problems(notify)
    expect(found.length).toBeGreaterThan(0)
    expect(found.join('\n')).toContain(want)
  })

  test('a provider that is set up will do', async () => {
    const secrets = 'secrets: { file: { folder: /run/secrets } }\n'
    expect(await problems('  - { webhook: secret://file/hook }\n', secrets)).toEqual([])
  })
})

describe('the address of a person', () => {
  const roster = (email: string) => ({
    'policies/roster.yaml': `apiVersion: countersign/v1\nkind: Roster\npeople:\n  - { id: ana, email: "${email}", keys: [{ fingerprint: '${KEYS.ana.fingerprint}' }] }\n  - { id: bo, keys: [{ fingerprint: '${KEYS.bo.fingerprint}' }] }\n`,
  })

  test('is compiled', async () => {
    const { people } = (await bundleOf(roster('ana@example.com'))).policy
    expect(people.map(({ email }) => email)).toEqual(['ana@example.com', undefined])
  })

  test.for([
    'ana',
    'ana@',
    '@example.com',
    'a na@example.com',
    'ana@example.com\\n',
    'Ana <ana@example.com>',
  ])('%s is none', async (email) => {
    const { diagnostics } = await compileFiles(policyFiles(roster(email)))
    expect(diagnostics.some(({ severity }) => severity === 'error')).toBe(true)
  })
})
