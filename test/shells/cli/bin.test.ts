import { spawn, spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { minimalPolicy, temporaryFolder } from './policies.ts'

const BIN = join(import.meta.dirname, '../../../src/shells/cli/bin.ts')

function bin(
  argv: readonly string[],
  options: { cwd: string; env?: Record<string, string>; node?: readonly string[] },
) {
  const { cwd, env = {}, node = [] } = options
  const { status, stdout, stderr } = spawnSync(process.execPath, [...node, BIN, ...argv], {
    cwd,
    encoding: 'utf8',
    env: { PATH: process.env['PATH'] ?? '', ...env },
  })
  return { status, stdout, stderr }
}

test.for([
  { argv: ['test'], status: 0 },
  { argv: ['test', '--run', '('], status: 2 },
  { argv: ['frobnicate'], status: 2 },
])('the program $argv -> exit $status', ({ argv, status }) => {
  expect(bin(argv, { cwd: minimalPolicy() }).status).toBe(status)
})

test('replay gives the same digest in two processes', () => {
  const cwd = minimalPolicy()
  const digests = [1, 2].map(() => {
    const { stdout } = bin(['replay', 'traces/sessions.jsonl', '--format', 'json'], { cwd })
    return (JSON.parse(stdout) as { verdict_digest: string }).verdict_digest
  })
  expect(digests[0]).toMatch(/^sha256:/)
  expect(digests[1]).toBe(digests[0])
})

test('a reader that closes early ends the program quietly', async () => {
  const child = spawn(process.execPath, [BIN, 'inspect', '--format', 'json'], {
    cwd: minimalPolicy(),
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let stderr = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  child.stdout.destroy()
  const code = await new Promise((resolve) => child.on('close', resolve))
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
})

// A Node that says that it is another version: what an old one would do, without having one.
const posingAs = (version: string) => [
  '--import',
  `data:text/javascript,Object.defineProperty(process,'version',{value:'${version}'})`,
]

/** A copy of the program without a Node beside it. */
function lonelyBin(): string {
  const folder = temporaryFolder()
  const file = join(folder, 'bin.mjs')
  writeFileSync(file, stripTypeScriptTypes(readFileSync(BIN, 'utf8')))
  mkdirSync(join(folder, 'home'))
  return file
}

function runLonely(
  file: string,
  argv: readonly string[],
  version: string,
  env: Record<string, string>,
) {
  const { status, stdout, stderr, signal } = spawnSync(
    process.execPath,
    [...posingAs(version), file, ...argv],
    { encoding: 'utf8', env: { HOME: join(file, '..', 'home'), PATH: '', ...env } },
  )
  return { status, stdout, stderr, signal }
}

test.for(['v20.20.2', 'v18.0.0', 'v22.22.1', 'v23.9.0', 'v24.14.9', 'v25.1.0', 'nonsense'])(
  'on Node %s, with no other one to be found -> NODE_UNSUPPORTED, exit 3',
  (version) => {
    const file = lonelyBin()
    const ran = runLonely(file, ['check'], version, {})
    expect(ran).toMatchObject({ status: 3, stdout: '' })
    expect(ran.stderr).toMatch(/^NODE_UNSUPPORTED: Node .* Install one/)
    const asJson = runLonely(file, ['check', '--format', 'json'], version, {})
    expect(JSON.parse(asJson.stdout)).toMatchObject({ error: { code: 'NODE_UNSUPPORTED' } })
  },
)

test.for(['v22.22.2', 'v22.23.0', 'v24.15.0', 'v26.0.0', 'v31.4.1'])(
  'on Node %s it goes on by itself',
  (version) => {
    const file = lonelyBin()
    writeFileSync(join(file, '..', 'main.ts'), 'export const runProcess = async () => 7')
    expect(runLonely(file, [], version, {}).status).toBe(7)
  },
)

/** A program that poses as a supported Node and tells how it was called. */
function fakeNode(file: string, body: string): void {
  mkdirSync(join(file, '..'), { recursive: true })
  writeFileSync(
    file,
    `#!/bin/sh\nif [ "$1" = --version ]; then echo v24.15.0; exit; fi\n${body}\n`,
    { mode: 0o755 },
  )
}

test.for([
  {
    name: 'named in COUNTERSIGN_NODE',
    place: 'my/node',
    env: (home: string) => ({ COUNTERSIGN_NODE: join(home, 'my/node') }),
  },
  { name: 'on PATH', place: 'bin/node', env: (home: string) => ({ PATH: join(home, 'bin') }) },
  { name: 'of nvm', place: '.nvm/versions/node/v24.15.0/bin/node', env: () => ({}) },
  { name: 'of volta', place: '.volta/tools/image/node/24.15.0/bin/node', env: () => ({}) },
  {
    name: 'of fnm',
    place: '.local/share/fnm/node-versions/v24.15.0/installation/bin/node',
    env: () => ({}),
  },
])('on an old Node it goes on with a newer one $name', ({ place, env }) => {
  const file = lonelyBin()
  const home = join(file, '..', 'home')
  fakeNode(join(home, place), 'for last; do :; done; echo "with $last"; exit 9')
  const ran = runLonely(file, ['check', 'a b'], 'v20.0.0', env(home))
  expect(ran).toMatchObject({ status: 9, stdout: 'with a b\n', stderr: '' })
})

test.for([
  { name: 'is too old itself', version: 'v20.1.0' },
  { name: 'says nothing', version: '' },
])('a Node on PATH that $name is passed over', ({ version }) => {
  const file = lonelyBin()
  const home = join(file, '..', 'home')
  mkdirSync(join(home, 'bin'))
  writeFileSync(join(home, 'bin/node'), `#!/bin/sh\necho ${version}\n`, { mode: 0o755 })
  expect(runLonely(file, [], 'v20.0.0', { PATH: join(home, 'bin') })).toMatchObject({ status: 3 })
})

test('the newer Node that ends by a signal ends the program by it', () => {
  const file = lonelyBin()
  const home = join(file, '..', 'home')
  fakeNode(join(home, 'bin/node'), 'kill -TERM $$')
  expect(runLonely(file, [], 'v20.0.0', { PATH: join(home, 'bin') })).toMatchObject({
    signal: 'SIGTERM',
  })
})

test('a signal to the program reaches the newer Node', async () => {
  const file = lonelyBin()
  const home = join(file, '..', 'home')
  fakeNode(
    join(home, 'bin/node'),
    // It ends by itself, so that a signal that does not arrive fails the test and not the whole run.
    'trap "echo stopped; exit 5" TERM; echo started; i=0; while [ $i -lt 200 ]; do /bin/sleep 0.05; i=$((i+1)); done',
  )
  const child = spawn(process.execPath, [...posingAs('v20.0.0'), file], {
    env: { HOME: home, PATH: join(home, 'bin') },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let stdout = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
    if (text.includes('started')) child.kill('SIGTERM')
  })
  const code = await new Promise((resolve) => child.on('close', resolve))
  expect({ code, stdout }).toEqual({ code: 5, stdout: 'started\nstopped\n' })
})

test('two Nodes that send each other round in circles are stopped', () => {
  const file = lonelyBin()
  const home = join(file, '..', 'home')
  const posing = posingAs('v20.0.0').map((word) => `'${word.replaceAll("'", '"')}'`)
  fakeNode(join(home, 'bin/node'), `exec ${process.execPath} ${posing.join(' ')} "$@"`)
  const ran = runLonely(file, [], 'v20.0.0', { PATH: join(home, 'bin') })
  expect(ran).toMatchObject({ status: 3, stderr: expect.stringMatching(/^NODE_UNSUPPORTED/) })
})
