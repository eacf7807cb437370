import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { freshClone, run, succeed, temporaryFolder } from './support/host.ts'

// What a person types first, on the host's own npm and Node, however old.

/** After the installation; a generous bound, since machines differ. The aim is 15 seconds. */
const DEMO_MS_MAX = 60_000

const folder = temporaryFolder('first')
let clone: string

beforeAll(() => {
  clone = freshClone()
})

test('npm ci leaves the command, its schemas and the Rego compiler in place', () => {
  for (const file of [
    'dist/index.js',
    'dist/shells/cli/bin.js',
    'dist/host/rego-compiler/opa-compiler.wasm.br',
    'dist/host/rego-compiler/OPA-LICENSE',
    'dist/host/rego-compiler/NOTICE',
  ]) {
    expect(existsSync(join(clone, file)), file).toBe(true)
  }
  const { version } = JSON.parse(readFileSync(join(clone, 'package.json'), 'utf8'))
  expect(succeed('npx', ['countersign', '--version'], { cwd: clone })).toContain(version)
})

test('npm run demo prints the three outcomes and verified, and exits 0', () => {
  const started = performance.now()
  const { code, stdout, stderr } = run('npm', ['run', 'demo'], { cwd: clone })
  const took = performance.now() - started
  console.log(`npm run demo took ${Math.round(took)} ms`)
  expect(stderr).not.toMatch(/error/i)
  expect(stdout).toMatch(/^ {3}APPROVED: /m)
  expect(stdout).toMatch(/^ {3}REJECTED: /m)
  expect(stdout).toMatch(/^ {3}APPROVED_WITH_MODIFICATIONS: .*\n +~ \/amount: 480 -> 200$/m)
  expect(stdout).toMatch(/\d+ receipts, verified$/m)
  expect(stdout).toMatch(/one byte flipped: refused/)
  expect(code).toBe(0)
  expect(took).toBeLessThan(DEMO_MS_MAX)
})

test('init, check, test and build, one after another, all exit 0', () => {
  const policy = join(folder, 'x')
  const bundle = join(folder, 'x.bundle')
  const line = [
    `npx countersign init ${policy}`,
    `npx countersign check --policy ${policy}`,
    `npx countersign test --policy ${policy}`,
    `npx countersign build --policy ${policy} -o ${bundle}`,
  ].join(' && ')
  const { code, stdout } = run('sh', ['-c', line], { cwd: clone })
  expect(code).toBe(0)
  expect(stdout).toMatch(/^\d+ passed, 0 failed/m)
  expect(stdout.trim()).toMatch(/\nsha256:[0-9a-f]{64}$/)
  expect(existsSync(bundle)).toBe(true)
})

test('a second init leaves the folder as it is, and exits 2', () => {
  const policy = join(folder, 'x')
  const before = readFileSync(join(policy, 'policies/roster.yaml'))
  const { code, stderr } = run('npx', ['countersign', 'init', policy], { cwd: clone })
  expect(stderr).toContain('FILE_EXISTS')
  expect(code).toBe(2)
  expect(readFileSync(join(policy, 'policies/roster.yaml'))).toEqual(before)
})

test('the library and its verifier are imported by name, as a dependency', () => {
  const program = `
    import { open } from 'countersign'
    import { verifyLog } from 'countersign/verify'
    console.log(typeof open, verifyLog(new Map()).status)
  `
  const node = join(clone, 'node_modules', '.bin', 'node')
  const args = ['--input-type=module', '--eval', program]
  expect(succeed(node, args, { cwd: clone }).trim()).toBe('function refused')
})
