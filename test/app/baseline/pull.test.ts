import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runCli } from '../../shells/cli/run.ts'
import type { FakeGithub } from '../../support/fake-github/server.ts'
import { startFakeGithub } from '../../support/fake-github/server.ts'
import type { Account } from '../../support/fake-github/state.ts'
import { policyFiles } from '../support.ts'
import { commitAll, git, policyRepository, reviewedBaseline, traceOf, write } from './support.ts'

// `baseline propose --push --pull`: the branch goes to the repository, the pull request to its forge.

let github: FakeGithub
let author: Account
const bare = join(mkdtempSync(join(tmpdir(), 'countersign-baseline-pull-')), 'policies.git')

beforeAll(async () => {
  github = await startFakeGithub({ folder: bare })
  author = github.addAccount('learner')
})

afterAll(async () => {
  await github.close()
  rmSync(dirname(bare), { recursive: true })
  expect(github.flaws).toEqual([])
})

async function prepared(): Promise<string> {
  const project = policyFiles().get('countersign.yaml')
  const roster = policyFiles().get('policies/roster.yaml') ?? ''
  let account = 200
  const folder = policyRepository({
    'countersign.yaml': `${project}forge: { kind: github, repository: acme/approvals, api_url: "${github.url}" }\n`,
    'policies/roster.yaml': roster.replaceAll(' }] }', () => {
      account += 1
      return ` }], accounts: { github: "${account}" } }`
    }),
  })
  await reviewedBaseline(folder, { 'read_order mail': 60 })
  git(folder, 'remote', 'add', 'origin', bare)
  git(bare, 'update-ref', '-d', 'refs/heads/baselines/clerk-2')
  git(folder, 'push', '-qf', 'origin', 'main')
  return folder
}

function pullOf(json: unknown): { readonly number: number; readonly where: string } {
  return (json as { pull: { number: number; where: string } }).pull
}

const ARGV = ['baseline', 'propose', 'clerk', '--trace', 'traces/second.jsonl', '--no-flips']
const PUSH = [...ARGV, '--push', 'origin', '--pull', '--format', 'json']

test('opens one pull request, and gives it new words when the proposal is replaced', async () => {
  const cwd = await prepared()
  const env = { COUNTERSIGN_GITHUB_TOKEN: author.token, PATH: process.env['PATH'] ?? '' }
  write(cwd, 'traces/second.jsonl', traceOf({ 'read_order mail': 4 }, 'second'))
  commitAll(cwd, 'Record')
  git(cwd, 'push', '-qf', 'origin', 'main')
  const first = await runCli(PUSH, { cwd, env })
  const number = pullOf(first.json).number
  expect(first.json).toMatchObject({ state: 'proposed', pull: { number: expect.any(Number) } })
  expect(await runCli(PUSH, { cwd, env })).toMatchObject({ json: { pull: { number } } })
  write(cwd, 'traces/second.jsonl', traceOf({ 'read_order mail': 9 }, 'third'))
  const replaced = await runCli([...PUSH, '--replace'], { cwd, env })
  expect(replaced.json).toMatchObject({ state: 'proposed', pull: { number } })
  expect(pullOf(replaced.json).where).toBe(`https://github.test/acme/approvals/pull/${number}`)
})

test.for([
  { name: 'no push', argv: [...ARGV, '--pull'], token: true, code: 'USAGE_INVALID', exit: 2 },
  { name: 'no credentials', argv: PUSH, token: false, code: 'FORGE_UNAUTHORIZED', exit: 2 },
])('with $name -> $code', async ({ argv, token, code, exit }) => {
  const cwd = await prepared()
  write(cwd, 'traces/second.jsonl', traceOf({ 'read_order mail': 5 }, 'fourth'))
  const env = {
    PATH: process.env['PATH'] ?? '',
    ...(token ? { COUNTERSIGN_GITHUB_TOKEN: author.token } : {}),
  }
  const ran = await runCli([...argv, '--replace', '--format', 'json'], { cwd, env })
  expect(ran).toMatchObject({ code: exit, json: { error: { code } } })
})
