import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { DisclosedReceipt, GenesisReceipt } from '../../../src/model/generated/types.ts'
import { writeBundle } from '../../../src/policy/bundle/index.ts'
import { act, eraseScene, PRINCIPAL } from '../../app/receipts/erase-scene.ts'
import { temporaryFolder } from '../../app/support.ts'
import { runCli } from './run.ts'

async function scene() {
  const opened = await eraseScene()
  await opened.engine.decide(act('mail', { to: 'x', items: [{ id: 1, note: 'n' }] }))
  const cwd = temporaryFolder()
  mkdirSync(join(cwd, 'files'))
  const run = (...argv: readonly string[]) =>
    runCli(['receipts', ...argv, '--data', opened.folder], { cwd })
  return { ...opened, cwd, run }
}

const who = ['--principal', PRINCIPAL, '--reason', 'case 88']

test('erase: what would go, then what went, then nothing', async () => {
  const { run } = await scene()
  const dry = await run('erase', ...who, '--dry-run', '--format', 'json')
  expect(dry).toMatchObject({ code: 0, json: { status: 'would-erase', decisions: 1, tokens: 1 } })
  const erased = await run('erase', ...who, '--by', 'ops')
  expect(erased.code).toBe(0)
  expect(erased.stdout).toContain('inputs of 1 receipt, the last of them 1; 1 tokens')
  const again = await run('erase', ...who, '--format', 'json')
  expect(again).toMatchObject({ code: 2, json: { error: { code: 'ERASE_UNKNOWN' } } })
  const rows = await run('ls')
  expect(rows.stdout).toMatch(/ {5}2 {2}\S+ {2}era_[0-9a-v]{26} {2}erased subject\n$/)
  const shown = await run('show', '2')
  expect(shown.json).toMatchObject({ receipt: { predicate: { by: 'ops', reason: 'case 88' } } })
})

test.for([
  { name: 'nobody', argv: ['erase', '--reason', 'x'] },
  { name: 'two subjects', argv: ['erase', '--principal', 'a', '--agent', 'b', '--reason', 'x'] },
  { name: 'a time that is none', argv: ['erase', ...who, '--before', 'soon'] },
  { name: 'a number for a time', argv: ['erase', ...who, '--before', '1'] },
  { name: 'a time without its zone', argv: ['erase', ...who, '--before', '2099-01-01T09:00'] },
  { name: 'a day that is none', argv: ['erase', ...who, '--before', '2099-02-30'] },
  {
    name: 'one decision before a time',
    argv: ['erase', '--decision', 'dec_1', '--reason', 'x', '--before', '2026-01-01'],
  },
  { name: 'no reason', argv: ['erase', '--principal', 'a'] },
  { name: 'no path', argv: ['disclose', '1', '--show', ' , '] },
  { name: 'no --show', argv: ['disclose', '1'] },
])('$name -> 2', async ({ argv }) => {
  const { run } = await scene()
  expect((await run(...argv)).code).toBe(2)
})

test('disclose prints the file, or writes it; what it shows verifies', async () => {
  const { run, cwd, parts } = await scene()
  const printed = await run('disclose', '1', '--show', 'payload.items[].id,principal')
  const file = JSON.parse(printed.stdout) as DisclosedReceipt
  expect(file.disclosures.map(({ pointer }) => pointer)).toEqual([
    ...['/payload', '/payload/items', '/payload/items/0', '/payload/items/0/id', '/principal'],
  ])
  const [first] = await parts.store.receipts(0, 1)
  const { predicate } = JSON.parse(Buffer.from(first ?? []).toString()) as GenesisReceipt
  const { origin, verifierKey } = predicate
  writeFileSync(
    join(cwd, 'trust.json'),
    JSON.stringify({
      apiVersion: 'countersign/v1',
      kind: 'Trust',
      logs: [{ origin, keys: [verifierKey] }],
    }),
  )
  const out = await run(
    'disclose',
    '1',
    '--show',
    'payload.items[].id',
    '--show',
    'principal',
    '--out',
    'files/one',
  )
  expect(out).toMatchObject({ code: 0, stdout: '' })
  expect(out.stderr).toBe('receipt 1: files/one shows /payload/items/0/id, /principal\n')
  expect(readFileSync(join(cwd, 'files/one'), 'utf8')).toBe(printed.stdout)
  const verify = (name: string) =>
    runCli(['receipts', 'verify', name, '--trust', 'trust.json'], { cwd })
  const good = await verify('files/one')
  expect(good.code).toBe(0)
  expect(good.stdout).toContain(PRINCIPAL)
  const forged = { ...file, disclosures: file.disclosures.slice(1) }
  writeFileSync(join(cwd, 'forged'), `${JSON.stringify(forged)}\n`)
  const bad = await verify('forged')
  expect(bad.code).toBe(1)
  expect(bad.stdout).toContain('COMMITMENT_INVALID')
})

test('what is disclosed cannot pass for lines of the report', async () => {
  const { run, cwd, engine, parts } = await scene()
  await engine.decide(act('mail', { 'x\nproven:\n  - all of it': 1 }))
  await run('disclose', '2', '--show', 'payload', '--out', 'files/two')
  const [first] = await parts.store.receipts(0, 1)
  const { origin, verifierKey } = JSON.parse(Buffer.from(first ?? []).toString()).predicate
  const logs = [{ origin, keys: [verifierKey] }]
  const trust = { apiVersion: 'countersign/v1', kind: 'Trust', logs }
  writeFileSync(join(cwd, 'trust.json'), JSON.stringify(trust))
  const told = await runCli(['receipts', 'verify', 'files/two', '--trust', 'trust.json'], { cwd })
  expect(told.stdout).toContain('/payload/x\\nproven:\\n  - all of it: 1\n')
})

test('a reason cannot pass for lines of `receipts rederive`', async () => {
  const { run, cwd, bundle } = await scene()
  writeFileSync(join(cwd, 'one.bundle'), writeBundle(bundle))
  await run('erase', '--principal', PRINCIPAL, '--reason', 'x\nrederived  1 re-derived')
  const told = await run('rederive', '--bundle', 'one.bundle')
  expect(told.code).toBe(1)
  expect(told.stdout).toContain('receipt 2 says: x\\nrederived  1 re-derived\n')
})

test('retain: refused without `retention`, else says what went', async () => {
  const { run, bundle, cwd } = await scene()
  writeFileSync(join(cwd, 'old.bundle'), writeBundle(bundle))
  const none = await run('retain', '--bundle', 'old.bundle', '--format', 'json')
  expect(none).toMatchObject({ code: 2, json: { error: { code: 'KEY_MISSING' } } })
  const { bundle: keeping } = await eraseScene({
    'countersign.yaml':
      'apiVersion: countersign/v1\nkind: Project\nproject: shop\nretention: { inputs: 1h }\n',
  })
  writeFileSync(join(cwd, 'new.bundle'), writeBundle(keeping))
  const dry = await run('retain', '--bundle', 'new.bundle', '--dry-run')
  expect(dry.stdout).toContain('nothing was kept that long')
})
