import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { generateSshKey, writeSshKey } from '../../../src/host/ssh-key.ts'
import type { Outcome } from '../../../src/model/generated/types.ts'
import { writeBundle } from '../../../src/policy/bundle/index.ts'
import { bundleOf, KEYS, temporaryFolder } from '../../app/support.ts'
import { runCli } from './run.ts'

// decide, requests, receipts, log, doctor: each on a folder of its own, with a bundle built once.

let bytes: Uint8Array
beforeAll(async () => {
  bytes = writeBundle(await bundleOf())
})

let cwd = ''
beforeEach(async () => {
  cwd = temporaryFolder()
  writeFileSync(join(cwd, 'shop.bundle'), bytes)
  await writeSshKey(join(cwd, 'ana_key'), KEYS.ana)
})

const READ = '{"agent":"clerk","service":"shop","action":"read_order"}'
const REFUND =
  '{"agent":"clerk","service":"shop","action":"refund","payload":{"amount":50,"to":"customer-7"}}'

const cli = (line: string, stdin = '') =>
  runCli([...line.split(' '), '--bundle', 'shop.bundle'], { cwd, stdin })

async function hold(): Promise<string> {
  const { json } = await runCli(['decide', REFUND, '--bundle', 'shop.bundle', '--format', 'json'], {
    cwd,
  })
  return String((json as Outcome).request?.id)
}

describe('decide', () => {
  test.for([
    { name: 'an allowed action', action: READ, code: 0, verdict: 'allow' },
    { name: 'a held action', action: REFUND, code: 1, verdict: 'hold' },
    {
      name: 'a denied action',
      action: READ.replace('read_order', 'delete'),
      code: 1,
      verdict: 'deny',
    },
  ])('$name exits $code', async ({ action, code, verdict }) => {
    for (const way of ['argument', 'file', 'stdin']) {
      writeFileSync(join(cwd, 'action.json'), action)
      const given = { argument: action, file: '@action.json', stdin: '-' }[way] ?? ''
      const ran = await runCli(['decide', given, '--bundle', 'shop.bundle', '--format', 'json'], {
        cwd,
        stdin: way === 'stdin' ? action : '',
      })
      expect(ran.code).toBe(code)
      expect(ran.json).toMatchObject({ verdict })
    }
  })

  test.for([
    { name: 'no JSON', action: '{', code: 'JSON_MALFORMED' },
    { name: 'no agent', action: '{"service":"s","action":"a"}', code: 'ACTION_INVALID' },
    {
      name: 'a duplicate key',
      action: '{"agent":"clerk","agent":"boss","service":"s","action":"a"}',
      code: 'ACTION_AMBIGUOUS',
    },
    { name: 'a file that is not there', action: '@nothing.json', code: 'FILE_UNREADABLE' },
  ])('$name exits 2 with $code', async ({ action, code }) => {
    const ran = await runCli(['decide', action, '--bundle', 'shop.bundle', '--format', 'json'], {
      cwd,
    })
    expect(ran.code).toBe(2)
    expect(ran.json).toMatchObject({ error: { code } })
  })

  test('people read the verdict, the rule and its place', async () => {
    const { stdout } = await runCli(['decide', REFUND, '--bundle', 'shop.bundle'], { cwd })
    expect(stdout).toMatch(/^hold {2}dec_/)
    expect(stdout).toContain('refunds/any policies/guardrails/refunds.yaml:8:5')
    expect(stdout).toContain('waits for payments as req_')
  })

  test('an idempotency key gives the same decision', async () => {
    const once = await runCli(
      ['decide', REFUND, '--bundle', 'shop.bundle', '--idempotency-key', 'k', '--format', 'json'],
      { cwd },
    )
    const twice = await runCli(
      ['decide', REFUND, '--bundle', 'shop.bundle', '--idempotency-key', 'k', '--format', 'json'],
      { cwd },
    )
    expect((twice.json as Outcome).decision).toBe((once.json as Outcome).decision)
  })
})

describe('requests', () => {
  test('are listed, shown masked, and in clear with the key of a person on the route', async () => {
    const id = await hold()
    expect((await cli('requests ls')).stdout).toMatch(
      new RegExp(`^${id} {2}PENDING {2}shop.refund for clerk, high`),
    )
    const masked = await cli(`requests show ${id}`)
    expect(masked.stdout).toContain('/payload/amount: 50')
    expect(masked.stdout).not.toContain('customer-7')
    expect(masked.stderr).toContain('--key')
    const clear = await cli(`requests show ${id} --key ana_key`)
    expect(clear.stdout).toContain('customer-7')
    const json = await cli(`requests show ${id} --key ana_key --format json`)
    expect(json.json).toMatchObject({ id, state: 'PENDING', payload: { to: 'customer-7' } })
  })

  test.for([
    { verb: 'approve', more: '', state: 'APPROVED' },
    { verb: 'reject', more: ' --comment no', state: 'REJECTED' },
    {
      verb: 'patch',
      more: ' --payload {"amount":20,"to":"customer-7"}',
      state: 'APPROVED_WITH_MODIFICATIONS',
    },
  ])('$verb -> $state', async ({ verb, more, state }) => {
    const id = await hold()
    const ran = await cli(`requests ${verb} ${id}${more} --key ana_key --format json`)
    expect(ran.code).toBe(0)
    expect(ran.json).toMatchObject({ id, state, by: ['ana'] })
    expect(ran.stderr.includes('/amount: 50 -> 20')).toBe(verb === 'patch')
    expect((await cli('requests ls')).stdout).toBe('no requests\n')
    expect((await cli('requests ls --state all')).stdout).toContain(state)
  })

  test.for([
    {
      name: 'an unknown request',
      line: 'requests approve req_nothing --key ana_key',
      code: 'REQUEST_UNKNOWN',
    },
    {
      name: 'a key that is not there',
      line: 'requests approve ID --key nothing',
      code: 'FILE_UNREADABLE',
    },
    {
      name: 'a key on no roster',
      line: 'requests approve ID --key stranger',
      code: 'KEY_NOT_PINNED',
    },
    {
      name: 'a patch that is no JSON',
      line: 'requests patch ID --payload { --key ana_key',
      code: 'JSON_MALFORMED',
    },
    {
      name: 'a patch that is no object',
      line: 'requests patch ID --payload [1] --key ana_key',
      code: 'PATCH_INVALID',
    },
    {
      name: 'a patch without a payload',
      line: 'requests patch ID --key ana_key',
      code: 'USAGE_INVALID',
    },
    { name: 'a state that is none', line: 'requests ls --state open', code: 'USAGE_INVALID' },
  ])('$name -> $code, and the request waits on', async ({ line, code }) => {
    await writeSshKey(join(cwd, 'stranger'), generateSshKey('stranger'))
    const id = await hold()
    const ran = await cli(`${line.replace('ID', id)} --format json`)
    expect(ran.code).toBe(2)
    expect(ran.json).toMatchObject({ error: { code } })
    expect((await cli('requests ls')).stdout).toContain('PENDING')
  })
})

describe('receipts and log', () => {
  test('ls lists every receipt, show prints one', async () => {
    const id = await hold()
    const { json } = await runCli(['receipts', 'ls', '--format', 'json'], { cwd })
    expect(json).toMatchObject([
      { stage: 'genesis' },
      { decision: 'hold', tool: 'shop.refund', request: id },
    ])
    const shown = await runCli(['receipts', 'show', '1'], { cwd })
    expect(shown.json).toMatchObject({
      index: 1,
      receipt: { predicate: { stage: 'verdict', decision: 'hold' } },
    })
    const missing = await runCli(['receipts', 'show', '9'], { cwd })
    expect(missing.code).toBe(2)
  })

  test('verify tells what is proven, and exits 1 on a flipped byte', async () => {
    await hold()
    for (const command of ['receipts', 'log']) {
      const good = await runCli([command, 'verify', '.countersign/log'], { cwd })
      expect(good.code).toBe(0)
      expect(good.stdout).toMatch(/^self-consistent; key not pinned/)
    }
    const file = join(cwd, '.countersign/log/tile/entries/000.p/2')
    const entries = readFileSync(file)
    entries[100] = (entries[100] ?? 0) ^ 1
    writeFileSync(file, entries)
    const bad = await runCli(['receipts', 'verify', '.countersign/log', '--format', 'json'], {
      cwd,
    })
    expect(bad.code).toBe(1)
    expect(bad.json).toMatchObject({
      status: 'refused',
      problems: [{ file: 'tile/entries/000.p/2' }],
    })
  })

  test.for([
    { name: 'no log', line: 'receipts verify nowhere', code: 'LOG_MISSING' },
    {
      name: 'no trust file',
      line: 'receipts verify .countersign/log --trust nothing',
      code: 'FILE_UNREADABLE',
    },
    {
      name: 'a trust file that is none',
      line: 'receipts verify .countersign/log --trust shop.bundle',
      code: 'TRUST_INVALID',
    },
    { name: 'no store', line: 'receipts ls --data nowhere', code: 'STORE_FAILED' },
  ])('$name -> $code', async ({ line, code }) => {
    await hold()
    const ran = await runCli([...line.split(' '), '--format', 'json'], { cwd })
    expect(ran.code).not.toBe(0)
    expect(ran.json).toMatchObject({ error: { code } })
  })

  test('log checkpoint prints the signed note', async () => {
    await hold()
    const { stdout } = await cli('log checkpoint')
    expect(stdout).toMatch(/^countersign\.local\/shop\n2\n[^\n]+\n\n— countersign\.local\/shop /)
  })
})

describe('doctor', () => {
  test('all is well on a folder that works, and on one that is not there yet', async () => {
    const before = await cli('doctor --format json')
    expect(before.code).toBe(0)
    await hold()
    const after = await cli('doctor --format json')
    expect(after.code).toBe(0)
    expect(after.json).toContainEqual({
      name: 'log',
      state: 'ok',
      message: 'self-consistent; key not pinned',
    })
  })

  test('a flipped byte in the log is found', async () => {
    await hold()
    const file = join(cwd, '.countersign/log/tile/0/000.p/2')
    const tile = readFileSync(file)
    tile[0] = (tile[0] ?? 0) ^ 1
    writeFileSync(file, tile)
    const { code, stdout } = await cli('doctor')
    expect(code).toBe(1)
    expect(stdout).toMatch(/failed/)
  })

  test('a bundle that is none is found', async () => {
    writeFileSync(join(cwd, 'shop.bundle'), 'no bundle')
    const { code, json } = await cli('doctor --format json')
    expect(code).toBe(1)
    expect(json).toContainEqual(expect.objectContaining({ name: 'policy', state: 'failed' }))
  })
})
