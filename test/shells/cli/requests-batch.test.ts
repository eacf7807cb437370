import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, beforeEach, expect, test } from 'vitest'
import { writeSshKey } from '../../../src/host/ssh-key.ts'
import { writeBundle } from '../../../src/policy/bundle/index.ts'
import { batchPolicy } from '../../app/approvals/batch-scene.ts'
import { bundleOf, KEYS, temporaryFolder } from '../../app/support.ts'
import { runCli } from './run.ts'

// Three refunds that share a pull request, as people on the command line see them.

let bytes: Uint8Array
beforeAll(async () => {
  const payments = ', batch: { max: 3, within: 1h }'
  bytes = writeBundle(await bundleOf(batchPolicy({ payments })))
})

let cwd = ''
let ids: string[] = []
beforeEach(async () => {
  cwd = temporaryFolder()
  writeFileSync(join(cwd, 'shop.bundle'), bytes)
  await writeSshKey(join(cwd, 'ana_key'), KEYS.ana)
  ids = []
  for (const amount of [11, 22, 33]) {
    const action = { agent: 'clerk', service: 'shop', action: 'refund', payload: { amount } }
    const { json } = await cli(['decide', JSON.stringify(action), '--format', 'json'])
    ids.push(String((json as { request: { id: string } }).request.id))
  }
})

const cli = (words: readonly string[]) => runCli([...words, '--bundle', 'shop.bundle'], { cwd })

test('requests ls shows a batch as one, with its requests', async () => {
  const { json } = await cli(['requests', 'ls', '--format', 'json'])
  expect(json).toMatchObject([{ state: 'PENDING', pull: 1, members: ids.map((id) => ({ id })) }])
  const { stdout } = await cli(['requests', 'ls'])
  expect(stdout).toContain('shop.refund (3 times) for clerk')
  for (const id of ids) expect(stdout).toContain(`  ${id}`)
})

test('requests show of any of them shows all, in clear for a person on the route', async () => {
  const { stdout } = await cli(['requests', 'show', String(ids[1]), '--key', 'ana_key'])
  for (const amount of [11, 22, 33]) expect(stdout).toContain(`"amount": ${amount}`)
  const { json } = await cli(['requests', 'show', String(ids[1]), '--format', 'json'])
  expect(json).not.toHaveProperty('clear')
})

test.for(['approve', 'reject'])(
  'requests %s wants the batch by its own id, and ends all',
  async (verdict) => {
    const refused = await cli(['requests', verdict, String(ids[1]), '--key', 'ana_key'])
    expect(refused.code).not.toBe(0)
    const [, batch = ''] = /requests of the batch (req_\w+)/.exec(refused.stderr) ?? []
    expect(refused.stderr).toContain('BATCH_WHOLE')
    expect((await cli(['requests', verdict, batch, '--key', 'ana_key'])).code).toBe(0)
    const { json } = await cli(['requests', 'ls', '--state', 'resolved', '--format', 'json'])
    const state = verdict === 'approve' ? 'APPROVED' : 'REJECTED'
    expect(json).toMatchObject([{ state, members: ids.map((id) => ({ id, state })) }])
  },
)

test('requests patch of one of them is refused, and nothing is signed', async () => {
  const patch = ['--payload', '{"amount":1}', '--key', 'ana_key']
  const ran = await cli(['requests', 'patch', String(ids[1]), ...patch])
  expect(ran.code).not.toBe(0)
  expect(ran.stderr).toContain('BATCH_PATCH')
})
