import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { writeBundle } from '../../../src/policy/bundle/index.ts'
import { bundleOf, temporaryFolder } from '../../app/support.ts'
import { runCli } from './run.ts'

const NAME = 'COUNTERSIGN_TEST_SECRET'
const HEAD = 'apiVersion: countersign/v1\nkind: '
const ACTION = `{"agent":"clerk","service":"shop","action":"mail","payload":{"key":"secret://env/${NAME}"}}`

let cwd = ''
beforeEach(async () => {
  cwd = temporaryFolder()
  process.env[NAME] = `v-${randomBytes(12).toString('hex')}`
  const bundle = await bundleOf({
    'countersign.yaml': `${HEAD}Project\nproject: shop\ndefaults: { low: allow }\nsecrets: { env: { names: [${NAME}] } }\n`,
    'policies/agents/clerk.yaml': `${HEAD}Agent\nagent: clerk\nscopes: [{ tools: ['shop.*'] }]\ncredentials: [{ secret: secret://env/${NAME}, tools: [shop.mail], rotate_by: 2026-01-31 }]\n`,
  })
  writeFileSync(join(cwd, 'shop.bundle'), writeBundle(bundle))
})
afterEach(() => {
  delete process.env[NAME]
})

const decide = (...flags: string[]) =>
  runCli(['decide', ACTION, '--bundle', 'shop.bundle', '--format', 'json', ...flags], { cwd })

test('decide prints the reference', async () => {
  const { code, json, stdout } = await decide()
  expect(code).toBe(0)
  expect(json).toMatchObject({ verdict: 'allow', payload: { key: `secret://env/${NAME}` } })
  expect(stdout).not.toContain(process.env[NAME])
})

test('decide --with-secrets prints the value', async () => {
  expect((await decide('--with-secrets')).json).toMatchObject({
    payload: { key: process.env[NAME] },
  })
})

test('decide --with-secrets without the secret exits 3', async () => {
  delete process.env[NAME]
  const { code, json } = await decide('--with-secrets')
  expect(code).toBe(3)
  expect(json).toMatchObject({ error: { code: 'SECRET_MISSING', retryable: false } })
})

test.for([
  { name: 'before the first decision', decisions: 0 },
  { name: 'after it', decisions: 1 },
])('doctor says which secrets are old or cannot be had, $name', async ({ decisions }) => {
  for (let i = 0; i < decisions; i++) await decide()
  delete process.env[NAME]
  const { code, json } = await runCli(['doctor', '--bundle', 'shop.bundle', '--format', 'json'], {
    cwd,
  })
  expect(code).toBe(1)
  expect(json).toEqual(
    expect.arrayContaining([
      { name: 'rotation', state: 'failed', message: expect.stringContaining('2026-01-31') },
      { name: 'secret', state: 'failed', message: expect.stringContaining('SECRET_MISSING') },
    ]),
  )
})
