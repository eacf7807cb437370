import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { writeBundle } from '../../../src/policy/bundle/index.ts'
import { bundleOf, openTest } from '../../app/support.ts'
import { openMemoryForge } from '../../fakes/memory-forge.ts'
import { runCli } from './run.ts'

const read = { agent: 'clerk', service: 'shop', action: 'read_order', payload: { id: 'o-1' } }
const RULES = `apiVersion: countersign/v1\nkind: Guardrails\nrules:\n  - { id: reads/none, on: { action: read_order }, pattern: { path: payload.id, matches: '^o' }, then: deny }\n`

/** A folder with data, `bundles/own.bundle` and `other.bundle`, which denies reads. */
async function shop() {
  const bundle = await bundleOf()
  const { engine, folder } = await openTest({ bundle, forge: openMemoryForge() })
  const outcome = await engine.decide(read)
  await engine.decide({ ...read, action: 'delete' })
  mkdirSync(join(folder, 'bundles'))
  writeFileSync(join(folder, 'bundles/own.bundle'), writeBundle(bundle))
  writeFileSync(join(folder, 'bundles/own.bundle.sig'), 'a signature is no bundle')
  const other = await bundleOf({ 'policies/guardrails/reads.yaml': RULES })
  writeFileSync(join(folder, 'other.bundle'), writeBundle(other))
  const cli = (...argv: string[]) =>
    runCli(['receipts', 'rederive', '--data', '.', ...argv], { cwd: folder })
  return { cli, folder, engine, outcome }
}

test('everything re-derives: exit 0, with a count of each', async () => {
  const { cli } = await shop()
  expect(await cli('--bundles', 'bundles')).toEqual({
    code: 0,
    stdout: 'rederived  2 re-derived, 0 differ, 0 cannot be; 1 not decisions\n',
    ...{ stderr: '', json: undefined },
  })
  const { json } = await cli('--bundle', 'bundles/own.bundle', '--format', 'json')
  expect(json).toMatchObject({ status: 'rederived', counts: { rederived: 2, not_decisions: 1 } })
})

test('progress shows on a terminal', async () => {
  const { folder } = await shop()
  const argv = ['receipts', 'rederive', '--data', '.', '--bundles', 'bundles']
  const { stderr } = await runCli(argv, { cwd: folder, terminal: true })
  expect(stderr).toContain('deriving again: 1 of 3 receipts')
})

test.for([
  { name: 'an index', which: '1', rederived: 1 },
  { name: 'a range', which: '1..2', rederived: 2 },
  { name: 'the genesis alone', which: '0', rederived: 0 },
])('$name', async ({ which, rederived }) => {
  const { cli } = await shop()
  const { code, json } = await cli(which, '--bundles', 'bundles', '--format', 'json')
  expect(code).toBe(0)
  expect(json).toMatchObject({ counts: { rederived } })
})

test('a file with a receipt, and one that somebody has changed', async () => {
  const { cli, folder, outcome } = await shop()
  const shown = await runCli(['receipts', 'show', outcome.decision, '--data', '.'], { cwd: folder })
  writeFileSync(join(folder, 'receipt.json'), shown.stdout)
  expect(await cli('receipt.json', '--bundles', 'bundles')).toMatchObject({ code: 0 })
  writeFileSync(join(folder, 'receipt.json'), shown.stdout.replace('"allow"', '"deny"'))
  const changed = await cli('receipt.json', '--bundles', 'bundles')
  expect(changed.code).toBe(1)
  expect(changed.stdout).toContain('/decision: "deny" -> "allow"')
})

test('another policy differs: exit 1, with places and both values, without the clear one', async () => {
  const { cli, outcome } = await shop()
  const { code, stdout } = await cli('1', '--under', 'other.bundle')
  expect(code).toBe(1)
  expect(stdout).toContain(`     1  ${outcome.decision}  differs\n`)
  expect(stdout).toContain('/decision: "allow" -> "deny"')
  expect(stdout).toContain('differs  0 re-derived, 1 differs, 0 cannot be; 0 not decisions')
  expect(stdout).not.toContain('o-1')
})

test('a bundle that is missing: exit 1, and which digest', async () => {
  const { cli } = await shop()
  const { code, stdout } = await cli('--bundle', 'other.bundle')
  expect(code).toBe(1)
  expect(stdout).toMatch(/bundle-missing: no bundle has sha256:[0-9a-f]{64}/)
  expect(stdout).toContain('incomplete  0 re-derived, 0 differ, 2 cannot be (bundle-missing 2)')
})

test.for([
  { name: 'no bundle', argv: [], code: 'USAGE_INVALID' },
  {
    name: 'a bundle beside --under',
    argv: ['--bundle', 'other.bundle', '--under', 'other.bundle'],
    code: 'USAGE_INVALID',
  },
  { name: 'no such receipt', argv: ['7', '--bundles', 'bundles'], code: 'RECEIPT_UNKNOWN' },
  { name: 'a range backwards', argv: ['2..1', '--bundles', 'bundles'], code: 'RECEIPT_UNKNOWN' },
  { name: 'no such file', argv: ['x.json', '--bundles', 'bundles'], code: 'FILE_UNREADABLE' },
  { name: 'no such folder', argv: ['--bundles', 'none'], code: 'FILE_UNREADABLE' },
  { name: 'no bundle in a file', argv: ['--bundle', 'store.key'], code: 'BUNDLE_CORRUPT' },
  { name: 'no receipt', argv: ['other.bundle', '--bundles', 'bundles'], code: 'RECEIPT_INVALID' },
])('$name is refused with $code', async ({ argv, code }) => {
  const { cli } = await shop()
  const ran = await cli(...argv)
  expect(ran.code).not.toBe(0)
  expect(ran.stdout + ran.stderr).toContain(code)
})
