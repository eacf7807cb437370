import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { writeSshKey } from '../../../src/host/ssh-key.ts'
import { writeBundle } from '../../../src/policy/bundle/index.ts'
import { rollbackBundle } from '../../app/engine/rollback-scene.ts'
import { KEYS, temporaryFolder } from '../../app/support.ts'
import { runCli } from './run.ts'

// `countersign rollback RECEIPT` from the first call to the approval on the local forge, and from several processes.

async function shop(): Promise<string> {
  const folder = temporaryFolder()
  writeFileSync(join(folder, 'b'), writeBundle(await rollbackBundle()))
  await writeSshKey(join(folder, 'key'), KEYS.ana)
  return folder
}

const cli = (cwd: string, ...argv: readonly string[]) => runCli(argv, { cwd })
const BUNDLE = ['--bundle', 'b']
const JSON_FORMAT = ['--format', 'json']

function action(name: string, payload: object): string {
  return JSON.stringify({ agent: 'clerk', service: 'shop', action: name, payload })
}

test('an approved call is taken back by another approval, and every receipt verifies', async () => {
  const cwd = await shop()
  const approve = async (): Promise<void> => {
    const listed = await cli(cwd, 'requests', 'ls', ...BUNDLE, ...JSON_FORMAT)
    const [{ id }] = listed.json as [{ id: string }]
    const ran = await cli(cwd, 'requests', 'approve', id, '--key', 'key', ...BUNDLE)
    expect(ran).toMatchObject({ code: 0 })
  }
  expect((await cli(cwd, 'decide', action('pay', { amount: 5 }), ...BUNDLE)).code).toBe(1)
  await approve()
  const preview = await cli(cwd, 'rollback', '2', '--dry-run', ...BUNDLE, ...JSON_FORMAT)
  expect(preview).toMatchObject({
    code: 1,
    json: {
      ...{ dry_run: true, verdict: 'hold', route: ['payments'], undoes: { index: 2 } },
      action: { action: 'unpay', payload: { amount: 5 } },
    },
  })
  const asked = await cli(cwd, 'rollback', '2', '--reason', 'twice', ...BUNDLE)
  expect(asked.code).toBe(1)
  expect(asked.stdout).toMatch(/^PENDING {2}dec_.*\n {2}takes back receipt 2 \(req_/)
  const again = await cli(cwd, 'rollback', '1', ...BUNDLE, ...JSON_FORMAT)
  expect(again).toMatchObject({ code: 2, json: { error: { code: 'UNDO_DONE' } } })
  await approve()
  const rows = (await cli(cwd, 'receipts', 'ls', ...JSON_FORMAT)).json
  expect(rows).toMatchObject([
    {},
    { decision: 'hold' },
    { decision: 'APPROVED' },
    { decision: 'hold', tool: 'shop.unpay', undoes: 2 },
    { decision: 'APPROVED', tool: 'shop.unpay', undoes: 2 },
  ])
  expect((await cli(cwd, 'receipts', 'ls')).stdout).toContain('shop.unpay  undoes 2')
  expect(await cli(cwd, 'receipts', 'verify', '.countersign/log')).toMatchObject({ code: 0 })
  expect(await cli(cwd, 'receipts', 'rederive', ...BUNDLE)).toMatchObject({ code: 0 })
})

test('an allowed rollback prints the payload to run, and exits with 0', async () => {
  const cwd = await shop()
  await cli(cwd, 'decide', action('mail', { to: 'u-1', text: 'hello' }), ...BUNDLE)
  expect(await cli(cwd, 'rollback', '1', '--dry-run', ...BUNDLE)).toMatchObject({ code: 0 })
  const ran = await cli(cwd, 'rollback', '1', ...BUNDLE)
  expect(ran.code).toBe(0)
  expect(ran.stdout).toContain('ALLOWED')
  expect(ran.stdout).toContain('"to": "u-1"')
})

test.for([
  { name: '--policy without a folder', argv: ['1', '--policy'] },
  { name: '--format markdown', argv: ['1', '--format', 'markdown'] },
  { name: 'both a folder and a bundle', argv: ['1', '--policy', '.', '--bundle', 'b'] },
  { name: '--push', argv: ['1', '--push', 'origin'] },
])('a receipt with $name -> 2', async ({ argv }) => {
  expect(await cli(temporaryFolder(), 'rollback', ...argv)).toMatchObject({ code: 2 })
})

test('of processes that roll a call back at once, one does', { timeout: 120_000 }, async () => {
  const cwd = await shop()
  await cli(cwd, 'decide', action('mail', { to: 'u-1', text: 'hello' }), ...BUNDLE)
  const bin = join(import.meta.dirname, '../../../src/shells/cli/bin.ts')
  const words = [bin, 'rollback', '1', ...BUNDLE, ...JSON_FORMAT]
  const runs = [1, 2, 3].map(
    () =>
      new Promise<{ code: number | null; stdout: string }>((resolve) => {
        const child = spawn(process.execPath, words, { cwd })
        let stdout = ''
        child.stdout.on('data', (chunk: Buffer) => {
          stdout += chunk.toString()
        })
        child.on('close', (code) => resolve({ code, stdout }))
      }),
  )
  const ended = await Promise.all(runs)
  expect(ended.map(({ code }) => code).sort()).toEqual([0, 2, 2])
  const refused = ended.filter(({ code }) => code === 2).map(({ stdout }) => JSON.parse(stdout))
  expect(refused).toMatchObject([
    { error: { code: 'UNDO_DONE' } },
    { error: { code: 'UNDO_DONE' } },
  ])
  const { json } = await cli(cwd, 'receipts', 'ls', ...JSON_FORMAT)
  expect(json).toHaveLength(3)
})
