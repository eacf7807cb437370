import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { goTool } from '../../scripts/tools.ts'
import { type Bundle, readBundle } from '../../src/policy/bundle/index.ts'
import { freshClone, run, succeed, temporaryFolder } from './support/host.ts'

// The reference implementation reads what we build, and judges as we do.

const opa = goTool('opa')
const folder = temporaryFolder('opa')
const sources = join(folder, 'sources')
let clone: string
let bundle: Bundle
let digest: string

beforeAll(() => {
  clone = freshClone()
  countersign('init', join(folder, 'x'), '--project', 'billing')
  digest = countersign('build', '--policy', join(folder, 'x'), '-o', join(folder, 'x.bundle'))
  bundle = readBundle(readFileSync(join(folder, 'x.bundle')))
  for (const [path, bytes] of bundle.files) {
    if (!path.endsWith('.rego') && path !== 'data.json') continue
    mkdirSync(dirname(join(sources, path)), { recursive: true })
    writeFileSync(join(sources, path), bytes)
  }
})

function countersign(...args: string[]): string {
  return succeed('npx', ['countersign', ...args], { cwd: clone }).trim()
}

type Inspected = {
  readonly manifest: { revision: string; roots: string[]; rego_version: number }
  readonly namespaces: Record<string, string[]>
  readonly wasm_modules: { entrypoints: string[] }[]
}

test('opa inspect reads the bundle, and gives our digest as its revision', () => {
  const text = succeed(opa, ['inspect', '--format', 'json', 'x.bundle'], { cwd: folder })
  const { manifest, namespaces, wasm_modules: modules } = JSON.parse(text) as Inspected
  expect(digest).toMatch(/^sha256:[0-9a-f]{64}$/)
  expect(manifest).toMatchObject({ revision: digest, roots: ['countersign'], rego_version: 1 })
  expect(namespaces).toMatchObject({
    data: ['data.json'],
    'data.countersign.lib': ['countersign/lib.rego'],
    'data.countersign.refunds': ['policies/rego/refunds.rego'],
    'data.countersign.refunds.deny': ['policy.wasm'],
  })
  expect(modules.map(({ entrypoints }) => entrypoints)).toEqual([['data.countersign.refunds.deny']])
})

test('opa inspect refuses half a bundle; ours refuses one changed byte too', () => {
  const bytes = readFileSync(join(folder, 'x.bundle'))
  const broken = join(folder, 'broken.bundle')
  writeFileSync(broken, bytes.subarray(0, bytes.length / 2))
  expect(run(opa, ['inspect', 'broken.bundle'], { cwd: folder }).code).not.toBe(0)
  for (const at of [0, 10, Math.floor(bytes.length / 2), bytes.length - 1]) {
    const changed = Uint8Array.from(bytes)
    changed[at]! ^= 1
    writeFileSync(broken, changed)
    const { code, stderr } = run('npx', ['countersign', 'inspect', broken], { cwd: clone })
    expect(stderr).toContain('BUNDLE_CORRUPT')
    expect(code).toBe(2)
  }
})

test('opa test and opa check accept the Rego of the scaffold, and count the tests that we count', () => {
  cpSync(join(folder, 'x/policies/rego'), join(sources, 'policies/rego'), { recursive: true })
  succeed(opa, ['check', '--strict', sources], { cwd: folder })
  expect(succeed(opa, ['test', sources], { cwd: folder })).toContain('PASS: 6/6')
  const ours = JSON.parse(
    countersign('test', '--policy', join(folder, 'x'), '--format', 'json'),
  ) as object
  expect(ours).toMatchObject({ passed: 16, failed: 0 })
})

test.for([
  { name: 'a good refund', payload: { user_id: 'u-1', amount: 25, reason: 'twice' }, said: 0 },
  { name: 'too much', payload: { user_id: 'u-1', amount: 1000.5, reason: 'twice' }, said: 1 },
  { name: 'no amount', payload: { user_id: 'u-1', reason: 'twice' }, said: 1 },
  { name: 'an amount as text', payload: { user_id: 'u-1', amount: '25', reason: 'x' }, said: 1 },
  { name: 'too much for no reason', payload: { user_id: 'u-1', amount: 2000 }, said: 2 },
  { name: 'nothing at all', payload: {}, said: 2 },
])('opa eval gives the messages that decide gives: $name, $said', ({ name, payload, said }) => {
  const action = { service: 'billing', action: 'refund_payment', payload }
  const input = join(folder, `${name}.json`)
  writeFileSync(input, JSON.stringify({ action, state: {}, now: '2026-01-01T00:00:00.000Z' }))
  const theirs = JSON.parse(
    succeed(
      opa,
      ['eval', '-d', sources, '-i', input, '--format', 'raw', 'data.countersign.refunds.deny'],
      { cwd: folder },
    ),
  ) as { msg: string }[]
  const asked = { agent: 'billing-agent', session: 's', ...action }
  const { code, stdout } = run(
    'npx',
    [
      ...['countersign', 'decide', JSON.stringify(asked), '--format', 'json'],
      ...['--bundle', join(folder, 'x.bundle'), '--data', join(folder, `data ${name}`)],
    ],
    { cwd: clone },
  )
  const { verdict, findings } = JSON.parse(stdout) as {
    verdict: string
    findings: { rule: string; message: string }[]
  }
  const ours = findings.filter(({ rule }) => rule === 'rego/refunds').map((one) => one.message)
  expect(ours.sort()).toEqual(theirs.map(({ msg }) => msg).sort())
  expect(theirs).toHaveLength(said)
  expect(verdict).toBe(said === 0 ? 'hold' : 'deny')
  expect(code).toBe(1)
})
