import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { gitIn } from '../app/changes/change-case.ts'
import type { ActionWorld } from './support/act-world.ts'
import { openActionWorld, pullEvent, ROOT, runBundle } from './support/act-world.ts'

// What is committed as the Action's bundle is what these sources give, wherever they lie.

const scratch = mkdtempSync(join(tmpdir(), 'countersign-bundle-'))
let world: ActionWorld
beforeAll(async () => {
  world = await openActionWorld()
})
afterAll(async () => {
  await world.close()
  rmSync(scratch, { recursive: true })
})

function buildIn(folder: string): Record<string, string> {
  mkdirSync(folder, { recursive: true })
  for (const name of ['src', 'scripts', 'package.json', 'tsconfig.json']) {
    cpSync(join(ROOT, name), join(folder, name), { recursive: true })
  }
  cpSync(join(ROOT, 'action'), join(folder, 'action'), {
    recursive: true,
    filter: (path) => !path.endsWith('dist'),
  })
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'))
  const { status, stdout, stderr } = spawnSync(process.execPath, ['scripts/action.ts'], {
    ...{ cwd: folder, encoding: 'utf8' },
  })
  expect(status, stderr).toBe(0)
  console.log(stdout.trim().split('\n').at(-1))
  return digests(join(folder, 'action/dist'))
}

function digests(folder: string): Record<string, string> {
  const entries = readdirSync(folder)
    .sort()
    .map((name) => {
      const bytes = readFileSync(join(folder, name))
      return [name, createHash('sha256').update(bytes).digest('hex')] as const
    })
  return Object.fromEntries(entries)
}

test('built in two folders -> the same bytes, and those that are committed', () => {
  const one = buildIn(join(scratch, 'one'))
  expect(buildIn(join(scratch, 'somewhere/else'))).toEqual(one)
  expect(digests(join(ROOT, 'action/dist'))).toEqual(one)
})

test('the bundle names no folder of the machine that built it, and no time', () => {
  for (const name of ['index.mjs', 'worker.mjs', 'judge-worker.js', 'licenses.txt']) {
    const text = readFileSync(join(ROOT, 'action/dist', name), 'utf8')
    expect(text).not.toContain(ROOT)
    expect(text).not.toContain(`${tmpdir()}/countersign`)
  }
})

test('every package in the bundle comes with its licence', () => {
  const text = readFileSync(join(ROOT, 'action/dist/licenses.txt'), 'utf8')
  for (const name of ['octokit', 'ajv', 'yaml', '@actions/core', 'simple-git', 'undici']) {
    expect(text).toMatch(new RegExp(`^${name} \\d`, 'm'))
  }
  expect(text).not.toContain('no licence named')
})

test('a copy of the folder judges the retail example, Rego and all', async () => {
  const source = join(scratch, 'retail.git')
  const draft = join(scratch, 'retail')
  cpSync(join(ROOT, 'examples/retail-agent'), draft, { recursive: true })
  const git = (...args: string[]) =>
    gitIn(draft, ['-c', 'user.name=Pat', '-c', 'user.email=pat@example.com', ...args])
  git('init', '-q', '-b', 'main')
  git('add', '.')
  git('commit', '-q', '-m', 'Start')
  git('checkout', '-q', '-b', 'change')
  const file = join(draft, 'policies/guardrails/orders.yaml')
  spawnSync('sed', ['-i', '0,/then: deny/s//then: hold/', file])
  git('commit', '-q', '-a', '-m', 'Weaken')
  const head = git('rev-parse', 'HEAD').trim()
  gitIn(scratch, ['clone', '-q', '--bare', draft, source])
  gitIn(source, ['update-ref', 'refs/pull/1/head', head])
  const workspace = join(scratch, 'workspace')
  gitIn(scratch, ['clone', '-q', source, workspace])
  const dist = join(scratch, 'dist')
  cpSync(join(ROOT, 'action/dist'), dist, { recursive: true })
  const ran = await runBundle(world, {
    ...{ workspace, event: 'pull_request', bundle: join(dist, 'index.mjs') },
    payload: pullEvent({ number: 1, head, branch: 'change' }),
    inputs: { token: '', comment: 'false', 'check-run': 'none', trace: 'traces/sessions.jsonl' },
  })
  expect(ran, ran.stdout).toMatchObject({ status: 1 })
  expect(['hold', 'deny']).toContain(ran.outputs['verdict'])
  console.log(`cold start to verdict on the retail example: ${Math.round(ran.ms)} ms`)
})
