import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'
import { reconcileExecutions } from '../../../src/app/receipts/reconcile.ts'
import { openGrant } from '../../../src/trust/verify/grant.ts'
import { runCli } from '../../shells/cli/run.ts'
import { bundleOf, type Opened, openTest, temporaryFolder } from '../support.ts'

const PROJECT = {
  'countersign.yaml':
    'apiVersion: countersign/v1\nkind: Project\nproject: shop\ndefaults: { low: allow, medium: allow }\ngrants: {}\n',
}
const bundle = await bundleOf(PROJECT)
const read = { agent: 'clerk', service: 'shop', action: 'read_order', payload: { id: 7 } } as const
const AT = '2026-03-01T10:00:00Z'
const START = Date.parse(AT)

let opened: Opened
let grants: string[] = []
let file = ''
beforeEach(async () => {
  opened = await openTest({ bundle, clock: () => START })
  grants = []
  for (let i = 0; i < 2; i++) {
    const { grant = '' } = await opened.engine.decide(read)
    await opened.engine.redeem(grant)
    grants.push(grant)
  }
  file = join(temporaryFolder(), 'tool.jsonl')
})

const claims = (at: number) => openGrant(grants[at] ?? '', opened.engine.jwks())
const line = (more: object) => JSON.stringify({ at: AT, ...more })
const reconcile = (lines: readonly string[], since?: number) => {
  writeFileSync(file, `${lines.join('\n')}\n`)
  return reconcileExecutions({
    data: opened.folder,
    executions: file,
    ...(since === undefined ? {} : { since }),
  })
}

test.for<{ name: string; name2: (at: number) => object }>([
  { name: 'by id', name2: (at) => ({ jti: claims(at).jti }) },
  { name: 'by token', name2: (at) => ({ grant: grants[at] }) },
  { name: 'by root', name2: (at) => ({ root: claims(at).root }) },
  {
    name: 'by all',
    name2: (at) => ({ jti: claims(at).jti, grant: grants[at], root: claims(at).root }),
  },
])('$name: each execution has its grant, and each grant its execution', async ({ name2 }) => {
  const tool = { service: 'shop', action: 'read_order', more: { ignored: true } }
  expect(await reconcile([line({ ...tool, ...name2(1) }), '', line(name2(0))])).toEqual({
    executions: 2,
    redeemed: 2,
    matched: 2,
    unredeemed: [],
    unexecuted: [],
  })
})

describe('what does not match', () => {
  test.for<{ name: string; lines: () => readonly string[]; why: readonly string[]; idle: number }>([
    { name: 'no grant', lines: () => [line({})], why: ['none'], idle: 2 },
    {
      name: 'a grant that was made and not redeemed',
      lines: () => [line({ jti: 'grt_x' }), line({ root: `sha256:${'0'.repeat(64)}` })],
      why: ['unredeemed', 'unredeemed'],
      idle: 2,
    },
    {
      name: 'the same grant twice',
      lines: () => [line({ jti: claims(0).jti }), line({ root: claims(0).root })],
      why: ['repeated'],
      idle: 1,
    },
    {
      name: 'another tool',
      lines: () => [line({ service: 'shop', action: 'delete', jti: claims(0).jti })],
      why: ['other-tool'],
      idle: 2,
    },
    {
      name: 'another action of a service that is not named',
      lines: () => [line({ action: 'delete', jti: claims(0).jti })],
      why: ['other-tool'],
      idle: 2,
    },
    {
      name: 'another service of an action that is not named',
      lines: () => [line({ service: 'bank', jti: claims(0).jti })],
      why: ['other-tool'],
      idle: 2,
    },
    {
      name: 'the root of another grant',
      lines: () => [line({ jti: claims(0).jti, root: claims(1).root })],
      why: ['unredeemed'],
      idle: 2,
    },
    {
      name: 'a forged token with a real id',
      lines: () => {
        const [header, body] = (grants[0] ?? '').split('.')
        return [line({ grant: `${header}.${body}.${'A'.repeat(86)}` })]
      },
      why: ['forged'],
      idle: 2,
    },
    {
      name: 'a token and the id of another',
      lines: () => [line({ grant: grants[0], jti: claims(1).jti })],
      why: ['forged'],
      idle: 2,
    },
    { name: 'no executions at all', lines: () => [], why: [], idle: 2 },
  ])('$name -> $why, and $idle redeemed without an execution', async ({ lines, why, idle }) => {
    const found = await reconcile(lines())
    expect(found.unredeemed.map((one) => one.why)).toEqual(why)
    expect(found.unexecuted).toHaveLength(idle)
  })

  test('redemptions before a moment need no execution', async () => {
    expect((await reconcile([], START)).unexecuted).toHaveLength(2)
    expect((await reconcile([], START + 1)).unexecuted).toHaveLength(0)
  })
})

test.for([
  { name: 'no JSON', text: '{' },
  { name: 'a list', text: '[]' },
  { name: 'no time', text: '{"jti":"x"}' },
  { name: 'a time that is none', text: '{"at":"yesterday"}' },
  { name: 'an id that is no text', text: `{"at":"${AT}","jti":1}` },
  { name: 'a key twice', text: `{"at":"${AT}","jti":"a","jti":"b"}` },
  { name: 'a line without bound', text: `{"at":"${AT}","x":"${'x'.repeat(70_000)}"}` },
])('a line with $name -> EXECUTIONS_MALFORMED with its number', async ({ text }) => {
  await expect(reconcile([line({ jti: claims(0).jti }), text])).rejects.toThrow(
    expect.objectContaining({
      code: 'EXECUTIONS_MALFORMED',
      message: expect.stringContaining('line 2'),
    }),
  )
})

describe('the commands', () => {
  const cli = (argv: string) => runCli([...argv.split(' '), '--data', opened.folder], { cwd: '/' })

  test('log reconcile exits 1 when something does not match, and says what', async () => {
    writeFileSync(
      file,
      `${line({ jti: claims(0).jti })}\n${line({ service: 'shop', action: 'x' })}\n`,
    )
    const text = await cli(`log reconcile --executions ${file}`)
    expect(text.code).toBe(1)
    expect(text.stdout).toContain('2 executions, 1 of them matched; 2 redeemed grants')
    expect(text.stdout).toContain('line 2')
    expect(text.stdout).toContain(claims(1).jti)
    const json = await cli(`log reconcile --executions ${file} --format json`)
    expect(json.json).toMatchObject({
      matched: 1,
      unredeemed: [{ line: 2, why: 'none', tool: 'shop.x' }],
      unexecuted: [{ grant: claims(1).jti, tool: 'shop.read_order', agent: 'clerk' }],
    })
  })

  test('and 0 when all does', async () => {
    writeFileSync(file, `${line({ jti: claims(0).jti })}\n${line({ jti: claims(1).jti })}\n`)
    expect((await cli(`log reconcile --executions ${file}`)).code).toBe(0)
  })

  test.for([
    { name: 'a file that is not there', argv: 'log reconcile --executions /no/such', code: 2 },
    { name: 'a time that is none', argv: 'log reconcile --executions x --since soon', code: 2 },
    { name: 'no file', argv: 'log reconcile', code: 2 },
  ])('$name exits $code', async ({ argv, code }) => {
    expect((await cli(argv)).code).toBe(code)
  })

  test('keys jwks prints the public keys, and nothing private', async () => {
    const { json, code } = await cli('keys jwks')
    expect(code).toBe(0)
    expect(json).toEqual(opened.engine.jwks())
    expect(JSON.stringify(json)).not.toContain('"d"')
  })

  test('receipts ls names the executions', async () => {
    const { stdout } = await cli('receipts ls')
    expect(stdout).toMatch(/exe_\w+ {2}redeemed {2}clerk {2}shop\.read_order/)
  })
})
