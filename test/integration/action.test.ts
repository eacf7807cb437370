import { existsSync, mkdtempSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { gitIn, limit } from '../app/changes/change-case.ts'
import type { ActionRun, ActionWorld, Proposed } from './support/act-world.ts'
import { openActionWorld, pullEvent, REPOSITORY, runBundle } from './support/act-world.ts'

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

/** A verdict that could not be given stands nowhere. */
function expectNothing({ status, outputs, stdout }: ActionRun, want: { status: number }): void {
  expect({ status, outputs }, stdout).toEqual({ ...want, outputs: {} })
}

const pushed = (branch: string) => ({ ref: `refs/heads/${branch}`, repository: REPOSITORY })

const SCHEDULE = {
  ...{ event: 'schedule', payload: { schedule: '0 * * * *' } },
  environment: { GITHUB_REF: 'refs/heads/main' },
}

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

test.for(['policy', 'approvals'])(
  '%s, rejected by a reviewer -> denied though on-hold is neutral',
  async (mode) => {
    const pull = await weaken()
    await world.approve(pull, 'cy', 'reject')
    const ran = await judge(pull, { mode, 'on-hold': 'neutral' })
    expect(ran, ran.stdout).toMatchObject({ status: 1, outputs: { verdict: 'deny' } })
    expect(world.check(pull.head, mode)).toMatchObject({ conclusion: 'failure' })
  },
)

test.for(['policy', 'approvals'])('%s, approved at an earlier head -> held', async (mode) => {
  const pull = await weaken()
  await world.approve(pull, 'cy')
  const head = world.push(pull.branch, limit('limit: 60'))
  const ran = await judge({ ...pull, head }, { mode })
  expect(ran, ran.stdout).toMatchObject({ status: 1, outputs: { verdict: 'hold' } })
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
    expectNothing(ran, { status })
    expect(ran.stdout).toContain(code)
    expect(world.check(pull.head)).toMatchObject({ conclusion: 'failure' })
  })

  test('has a branch that is called pull -> judged', async () => {
    const pull = await weaken()
    gitIn(world.bare, ['update-ref', 'refs/heads/pull', world.base])
    const workspace = world.checkOut(pull.head)
    gitIn(world.bare, ['update-ref', '-d', 'refs/heads/pull'])
    const ran = await judge(pull, {}, { workspace })
    expect(ran, ran.stdout).toMatchObject({ status: 1, outputs: { verdict: 'hold' } })
  })

  test('and no git -> GIT_FAILED, which says so', async () => {
    const ran = await judge(await weaken(), {}, { environment: { PATH: '/nowhere' } })
    expectNothing(ran, { status: 3 })
    expect(ran.stdout).toMatch(/GIT_FAILED: cannot run git/)
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
    { name: 'a link in the place of a trace', inputs: { trace: 'elsewhere/approvals.git/config' } },
    { name: 'a link in the place of an engine', inputs: { data: 'elsewhere' } },
  ])('$name -> USAGE_INVALID', async ({ inputs }) => {
    const pull = await weaken()
    const workspace = world.checkOut(pull.head)
    world.link(workspace, 'elsewhere', world.folder)
    const ran = await judge(pull, inputs, { workspace })
    expect(ran, ran.stdout).toMatchObject({ status: 2 })
    expect(ran.stdout).toContain('USAGE_INVALID')
  })

  test('a program called git, and a PATH that leads there -> it does not run', async () => {
    const pull = await weaken()
    const workspace = world.checkOut(pull.head)
    world.write(
      workspace,
      'git',
      `#!/bin/sh\ntouch ${world.folder}/ran-git\nexec /usr/bin/git "$@"\n`,
    )
    const environment = { PATH: `.:${process.env['PATH']}` }
    const ran = await judge(pull, {}, { workspace, environment })
    expect(existsSync(join(world.folder, 'ran-git'))).toBe(false)
    expect(ran, ran.stdout).toMatchObject({ status: 1, outputs: { verdict: 'hold' } })
  })

  test('a repository without a work tree, where nothing was checked out -> its configuration does not run', async () => {
    const pull = await weaken()
    const workspace = mkdtempSync(join(world.folder, 'artefact-'))
    gitIn(workspace, ['clone', '-q', '--bare', world.bare, 'repository'])
    const remote = ['remote.origin.uploadpack', `touch ${world.folder}/ran-pack; git-upload-pack`]
    gitIn(join(workspace, 'repository'), ['config', ...remote])
    const ran = await judge(pull, { policy: 'repository' }, { workspace })
    expect(existsSync(join(world.folder, 'ran-pack'))).toBe(false)
    expectNothing(ran, { status: 2 })
  })

  test('a link beside the runner\u2019s folder of files, by its name -> is nothing to it', async () => {
    const pull = await weaken()
    const workspace = world.checkOut(pull.head)
    const temporary = mkdtempSync(join(world.folder, 'temporary-'))
    world.link(workspace, basename(temporary), world.folder)
    const ran = await judge(pull, {}, { workspace, environment: { RUNNER_TEMP: temporary } })
    expect(ran, ran.stdout).toMatchObject({ status: 1, outputs: { verdict: 'hold' } })
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
    const ran = await judge(first, { mode: 'approvals' }, SCHEDULE)
    expect(ran, ran.stdout).toMatchObject({ status: 0 })
    const found = pulls.map(({ head }) => world.check(head, 'approvals')?.conclusion)
    expect(found).toEqual(['failure', 'success'])
  })

  test('schedule with a token that may not write -> the job fails, since nothing else says so', async () => {
    const ran = await judge(
      await weaken(),
      { mode: 'approvals', token: world.forked.token },
      SCHEDULE,
    )
    expect(ran, ran.stdout).toMatchObject({ status: 1 })
  })

  test('schedule, and one that cannot be judged -> no verdict of the others', async () => {
    const [pull, gone] = [
      await world.propose(limit('limit: 3')),
      await world.propose(limit('limit: 2')),
    ]
    gitIn(world.bare, ['update-ref', '-d', `refs/pull/${gone.number}/head`])
    const ran = await judge(pull, { mode: 'approvals' }, SCHEDULE)
    gitIn(world.bare, ['update-ref', `refs/pull/${gone.number}/head`, gone.head])
    expectNothing(ran, { status: 3 })
  })

  test('workflow_dispatch that names a pull request -> that one', async () => {
    const pull = await weaken()
    const inputs = { mode: 'approvals', pull: String(pull.number) }
    const ran = await judge(pull, inputs, {
      ...{ event: 'workflow_dispatch', payload: { inputs: {}, repository: REPOSITORY } },
    })
    expect(ran, ran.stdout).toMatchObject({ status: 1, outputs: { verdict: 'hold' } })
    const { conclusion, annotations } = world.check(pull.head, 'approvals') ?? {}
    expect(conclusion).toBe('failure')
    // The job is the default branch's, and shows nothing at the change.
    expect(annotations).toHaveLength(1)
    expect(ran.stdout).not.toMatch(/^::error/m)
  })

  test('push of a weakened rule -> held, since nobody has reviewed it', async () => {
    const pull = await weaken()
    const payload = { ...pushed(pull.branch), before: world.base, after: pull.head }
    const ran = await judge(pull, {}, { event: 'push', payload })
    expect(ran, ran.stdout).toMatchObject({ status: 1, outputs: { verdict: 'hold' } })
  })

  test('a merge queue whose commit names an issue too -> judged', async () => {
    const pull = await world.propose(limit('limit: 3'))
    const words = `Close #9999 (#${pull.number})\n`
    const ref = `gh-readonly-queue/main/pr-${pull.number}-${world.base}`
    const head = world.push(ref, limit('limit: 3'), { from: world.base, message: words })
    const group = { head_sha: head, head_ref: `refs/heads/${ref}`, base_ref: 'refs/heads/main' }
    const payload = { merge_group: { ...group, base_sha: world.base }, repository: REPOSITORY }
    const ran = await judge(
      { ...pull, head },
      { mode: 'approvals' },
      { event: 'merge_group', payload },
    )
    expect(ran, ran.stdout).toMatchObject({ status: 0, outputs: { verdict: 'allow' } })
    expect(world.check(head, 'approvals')).toMatchObject({ conclusion: 'success' })
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

describe('what is not the head of a change into the default branch', () => {
  // A check run is a commit's, whatever it is proposed for.
  test('the same commit into a branch that allows it -> no check run of the required name', async () => {
    const pull = await weaken()
    expect((await judge(pull, {})).status).toBe(1)
    world.push('loose', limit('limit: 50'), { from: world.base, message: 'Loosen\n' })
    const other = await world.proposeAgain(pull.head, 'loose')
    const ran = await judge(other, {}, { payload: pullEvent(other, 'loose') })
    expect(ran, ran.stdout).toMatchObject({ status: 0, outputs: { verdict: 'allow' } })
    expect(world.check(pull.head)).toMatchObject({ conclusion: 'failure' })
    const named = { sha: pull.head, name: 'countersign/policy (loose)', conclusion: 'success' }
    expect(world.github.state.checkRuns.at(-1)).toMatchObject(named)
  })

  test('pushed after what it weakens was pushed -> no check run of the required name', async () => {
    const pull = await weaken()
    const head = world.push(pull.branch, { 'notes.md': 'harmless\n' })
    const payload = { ...pushed(pull.branch), before: pull.head, after: head }
    const ran = await judge({ ...pull, head }, {}, { event: 'push', payload })
    expect(ran, ran.stdout).toMatchObject({ status: 0, outputs: { verdict: 'allow' } })
    expect(world.check(head)).toBeUndefined()
  })

  test('on the default branch by a push -> the check run', async () => {
    const head = world.push('after-main', limit('limit: 3'), { from: world.base })
    const payload = { ...pushed('main'), before: world.base, after: head }
    const pull = { number: 1, head, branch: 'after-main' }
    const ran = await judge(pull, {}, { event: 'push', payload })
    expect(ran, ran.stdout).toMatchObject({ status: 0 })
    expect(world.check(head)).toMatchObject({ conclusion: 'success' })
  })

  test.for([
    { name: 'a tag', about: { ref: 'refs/tags/v1' } },
    { name: 'a branch that is deleted', about: { ref: 'refs/heads/x', after: '0'.repeat(40) } },
  ])('a push of $name -> names nothing to judge', async ({ about }) => {
    const pull = await weaken()
    const payload = { ...pushed('x'), before: world.base, after: pull.head, ...about }
    const ran = await judge(pull, {}, { event: 'push', payload })
    expectNothing(ran, { status: 2 })
    expect(ran.stdout).toContain('USAGE_INVALID')
  })
})

describe('a run that is started again', () => {
  test('after the pull request was put on another base -> judged by that', async () => {
    const pull = await weaken()
    gitIn(world.bare, ['update-ref', 'refs/heads/old', `${world.base}^`]) // From before there was a policy.
    const ran = await judge(pull, {}, { payload: pullEvent(pull, 'old') })
    expect(ran, ran.stdout).toMatchObject({ status: 1, outputs: { verdict: 'hold' } })
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
  {
    ...{ name: 'no release', inputs: { mode: 'release' }, want: /needs a release/ },
    about: { event: 'workflow_dispatch' },
  },
  {
    name: 'an unknown release',
    inputs: { mode: 'release', release: 'x' },
    about: { event: 'workflow_dispatch' },
    want: /RELEASE_UNKNOWN/,
  },
])('$name -> exit 2, and says why', async ({ inputs = {}, about = {}, want }) => {
  const pull = { number: 1, head: world.base, branch: 'main' }
  const ran: ActionRun = await judge(pull, inputs, about)
  expectNothing(ran, { status: 2 })
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
