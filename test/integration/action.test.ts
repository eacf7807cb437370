import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { gitIn, limit } from '../app/changes/change-case.ts'
import type { ActionRun, ActionWorld, Proposed } from './support/act-world.ts'
import { openActionWorld, pullEvent, runBundle } from './support/act-world.ts'

// The committed bundle by itself, with the environment that a runner sets: what goes wrong, and what act has no event for.

let world: ActionWorld
beforeAll(async () => {
  world = await openActionWorld()
})
afterAll(async () => {
  await world.close()
  expect(world.github.flaws).toEqual([])
})

type About = Partial<Parameters<typeof runBundle>[1]>

function judge(pull: Proposed, inputs: Record<string, string>, about: About = {}) {
  return runBundle(world, {
    ...{ workspace: about.workspace ?? world.checkOut(pull.head), event: 'pull_request' },
    ...{ payload: pullEvent(pull), inputs, ...about },
  })
}

const weaken = () => world.propose(limit('limit: 50'))

test('a change that waits -> the same verdict in outputs, files, summary and check run', async () => {
  const pull = await weaken()
  const ran = await judge(pull, {})
  const { outputs, summary } = ran
  expect(ran, ran.stdout).toMatchObject({ status: 1, outputs: { verdict: 'hold' } })
  expect(outputs['digest']).toMatch(/^sha256:[0-9a-f]{64}$/)
  expect(outputs['base-digest']).toMatch(/^sha256:[0-9a-f]{64}$/)
  expect(outputs['digest']).not.toBe(outputs['base-digest'])
  expect(JSON.parse(outputs['counts'] ?? '')).toMatchObject({ errors: 0, weakened: 1 })
  const sarif = JSON.parse(readFileSync(outputs['sarif'] ?? '', 'utf8'))
  expect(sarif.runs[0].results.map(({ ruleId }: { ruleId: string }) => ruleId)).toContain(
    'policy weaker',
  )
  expect(readFileSync(outputs['junit'] ?? '', 'utf8')).toContain('<testcase')
  expect(summary).toContain('```mermaid')
  expect(world.check(pull.head)?.title).toContain('hold')
})

test('no token stands in the log, the outputs or the summary, but where the runner masks it', async () => {
  const { stdout, outputs, summary } = await judge(await weaken(), {})
  const basic = Buffer.from(`x-access-token:${world.job.token}`).toString('base64')
  const shown = stdout.split('\n').filter((line) => !line.startsWith('::add-mask::'))
  for (const secret of [world.job.token, basic]) {
    expect([...shown, JSON.stringify(outputs), summary].join('\n')).not.toContain(secret)
  }
})

test.for([
  { mode: 'approvals', onHold: 'neutral', status: 0, conclusion: 'neutral' },
  { mode: 'policy', onHold: 'neutral', status: 0, conclusion: 'neutral' },
  { mode: 'approvals', onHold: 'failure', status: 1, conclusion: 'failure' },
])('$mode, on-hold $onHold -> exit $status, a check run that says $conclusion', async (row) => {
  const pull = await weaken()
  const ran = await judge(pull, { mode: row.mode, 'on-hold': row.onHold })
  expect(ran, ran.stdout).toMatchObject({ status: row.status, outputs: { verdict: 'hold' } })
  expect(world.check(pull.head, row.mode)).toMatchObject({ conclusion: row.conclusion })
})

test('a test that fails -> denied though on-hold is neutral, with a mark at the test', async () => {
  const file = world.bareText('tests/notes.yaml').replace('verdict: allow', 'verdict: deny')
  const pull = await world.propose({ 'tests/notes.yaml': file })
  const ran = await judge(pull, { 'on-hold': 'neutral' })
  expect(ran, ran.stdout).toMatchObject({ status: 1, outputs: { verdict: 'deny' } })
  expect(ran.stdout).toMatch(/^::error file=tests\/notes\.yaml,line=\d+/m)
})

describe('the clone', () => {
  test('is shallow -> the history is fetched', async () => {
    const pull = await weaken()
    const workspace = world.checkOut(pull.head, ['--depth', '1'])
    expect(gitIn(workspace, ['rev-parse', '--is-shallow-repository']).trim()).toBe('true')
    const ran = await judge(pull, {}, { workspace })
    expect(ran, ran.stdout).toMatchObject({ status: 1, outputs: { verdict: 'hold' } })
    expect(ran.stdout).toContain('fetch-depth: 0')
  })

  test.for<{ name: string; spoil: (workspace: string) => void; code: string; status: number }>([
    {
      name: 'is partial',
      spoil: (at) => void gitIn(at, ['config', 'remote.origin.promisor', 'true']),
      ...{ code: 'GIT_FAILED', status: 3 },
    },
    {
      name: 'has no remote',
      spoil: (at) => void gitIn(at, ['remote', 'remove', 'origin']),
      ...{ code: 'GIT_FAILED', status: 3 },
    },
  ])('$name -> $code, and the check run is a failure', async ({ spoil, code, status }) => {
    const pull = await weaken()
    const workspace = world.checkOut(pull.head)
    spoil(workspace)
    const ran = await judge(pull, {}, { workspace })
    expect(ran, ran.stdout).toMatchObject({ status, outputs: {} })
    expect(ran.stdout).toContain(code)
    expect(world.check(pull.head)).toMatchObject({ conclusion: 'failure' })
  })

  test('has hooks -> none runs', async () => {
    const pull = await weaken()
    const workspace = world.checkOut(pull.head)
    world.write(workspace, '.git/hooks/reference-transaction', '#!/bin/sh\ntouch ../ran\nexit 1\n')
    const ran = await judge(pull, {}, { workspace })
    expect(ran, ran.stdout).toMatchObject({ status: 1, outputs: { verdict: 'hold' } })
  })
})

describe('what the head puts into the work tree', () => {
  test.for([
    { name: 'a link in the place of the policy folder', inputs: { policy: 'elsewhere' } },
    { name: 'a link in the place of a report', inputs: { sarif: 'elsewhere/x.sarif' } },
  ])('$name -> USAGE_INVALID', async ({ inputs }) => {
    const pull = await weaken()
    const workspace = world.checkOut(pull.head)
    world.link(workspace, 'elsewhere', world.folder)
    const ran = await judge(pull, inputs, { workspace })
    expect(ran, ran.stdout).toMatchObject({ status: 2 })
    expect(ran.stdout).toContain('USAGE_INVALID')
  })

  test('other rules than the commit has -> they do not count', async () => {
    const pull = await weaken()
    const workspace = world.checkOut(pull.head)
    world.write(workspace, 'countersign.yaml', 'not: a policy\n')
    world.write(workspace, 'policies/roster.yaml', 'nor: this\n')
    const ran = await judge(pull, {}, { workspace })
    expect(ran, ran.stdout).toMatchObject({ status: 1, outputs: { verdict: 'hold' } })
  })
})

describe('events', () => {
  test('schedule -> every open change has its check run, and the job passes', async () => {
    const pulls = [await weaken(), await world.propose(limit('limit: 2'))]
    const [first] = pulls
    if (first === undefined) throw new Error('no pull request')
    const ran = await judge(
      first,
      { mode: 'approvals' },
      {
        ...{ event: 'schedule', payload: { schedule: '0 * * * *' } },
        environment: { GITHUB_REF: 'refs/heads/main' },
      },
    )
    expect(ran, ran.stdout).toMatchObject({ status: 0 })
    const found = pulls.map(({ head }) => world.check(head, 'approvals')?.conclusion)
    expect(found).toEqual(['failure', 'success'])
  })

  test('schedule with a token that may not write -> the job fails, since nothing else says so', async () => {
    const ran = await judge(
      await weaken(),
      { mode: 'approvals', token: world.forked.token },
      {
        ...{ event: 'schedule', payload: { schedule: '0 * * * *' } },
        environment: { GITHUB_REF: 'refs/heads/main' },
      },
    )
    expect(ran, ran.stdout).toMatchObject({ status: 1 })
  })

  test('workflow_dispatch that names a pull request -> that one', async () => {
    const pull = await weaken()
    const inputs = { mode: 'approvals', pull: String(pull.number) }
    const ran = await judge(pull, inputs, { event: 'workflow_dispatch', payload: { inputs: {} } })
    expect(ran, ran.stdout).toMatchObject({ status: 1, outputs: { verdict: 'hold' } })
    expect(world.check(pull.head, 'approvals')).toMatchObject({ conclusion: 'failure' })
  })

  test('push of a weakened rule -> held, since nobody has reviewed it', async () => {
    const pull = await weaken()
    const payload = { before: world.base, after: pull.head }
    const ran = await judge(pull, {}, { event: 'push', payload })
    expect(ran, ran.stdout).toMatchObject({ status: 1, outputs: { verdict: 'hold' } })
  })

  test('a pull request that has moved on -> FORGE_CONFLICT', async () => {
    const pull = await weaken()
    const workspace = world.checkOut(pull.head)
    world.push(pull.branch, limit('limit: 60'))
    const ran = await judge(pull, {}, { workspace })
    expect(ran, ran.stdout).toMatchObject({ status: 3 })
    expect(ran.stdout).toContain('FORGE_CONFLICT')
  })

  test('after a success, the forge gives no answer -> the check run is a failure', async () => {
    const pull = await world.propose(limit('limit: 3'))
    const workspace = world.checkOut(pull.head)
    expect((await judge(pull, {}, { workspace })).status).toBe(0)
    expect(world.check(pull.head)).toMatchObject({ conclusion: 'success' })
    const answer = { status: 422, body: { message: 'no' } }
    world.github.fail({ on: 'pulls/get', times: 9, answer })
    const ran = await judge(pull, {}, { workspace })
    world.github.heal()
    expect(ran, ran.stdout).toMatchObject({ status: 2 })
    expect(world.check(pull.head)).toMatchObject({ conclusion: 'failure' })
  })
})

test.for<{ name: string; inputs?: Record<string, string>; about?: About; want: RegExp }>([
  { name: 'a mode that is none', inputs: { mode: 'polite' }, want: /mode to be one of/ },
  { name: 'a number that is none', inputs: { pull: '12;id' }, want: /pull to be a number/ },
  { name: 'trace and data', inputs: { trace: 'a.jsonl', data: 'b' }, want: /either trace or data/ },
  { name: 'a folder outside', inputs: { policy: '../x' }, want: /below the workspace/ },
  { name: 'attest with policy', inputs: { attest: 'out' }, want: /approvals or release/ },
  { name: 'an event without a change', about: { event: 'gollum' }, want: /names nothing to judge/ },
  { name: 'an event that is empty', about: { payload: {} }, want: /no sound pull_request/ },
  {
    name: 'a branch that would be a refspec',
    about: {
      payload: {
        pull_request: { number: 1, head: { sha: 'a'.repeat(40) }, base: { ref: 'x:refs/heads/y' } },
      },
    },
    want: /no sound pull_request\.base\.ref/,
  },
  { name: 'no release', inputs: { mode: 'release' }, want: /needs a release/ },
  {
    name: 'an unknown release',
    inputs: { mode: 'release', release: 'x' },
    want: /RELEASE_UNKNOWN/,
  },
])('$name -> exit 2, and says why', async ({ inputs = {}, about = {}, want }) => {
  const pull = { number: 1, head: world.base, branch: 'main' }
  const ran: ActionRun = await judge(pull, inputs, about)
  expect(ran, ran.stdout).toMatchObject({ status: 2, outputs: {} })
  expect(ran.stdout).toMatch(want)
  expect(ran.stdout).toContain('See https://')
})

test('without a token -> FORGE_UNAUTHORIZED', async () => {
  const ran = await judge(await weaken(), { token: '' })
  expect(ran, ran.stdout).toMatchObject({ status: 2 })
  expect(ran.stdout).toContain('FORGE_UNAUTHORIZED')
})

test.for(['v20.20.2', 'v22.22.1', 'v24.14.0', 'v25.9.0'])(
  'on Node %s -> it says so',
  async (version) => {
    const text = `Object.defineProperty(process,'version',{value:'${version}'})`
    const environment = {
      NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(text)}`,
    }
    const pull = { number: 1, head: world.base, branch: 'main' }
    const ran = await judge(pull, {}, { environment, workspace: join(world.folder) })
    expect(ran.status).toBe(3)
    expect(ran.stdout).toMatch(/^::error title=NODE_UNSUPPORTED::.* is too old/m)
  },
)
