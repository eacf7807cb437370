import { mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openForge } from '../../src/app/approvals/open-forge.ts'
import { reviewRequest } from '../../src/app/approvals/review.ts'
import { closeParts, openAsOwner } from '../../src/app/engine/open-engine.ts'
import { compilePolicyFolder } from '../../src/app/policy/compile-policy.ts'
import { git } from '../app/gate/release-case.ts'
import { KEYS } from '../fakes/review-case.ts'
import type { ActionRun, ActionWorld } from './support/act-world.ts'
import { MANIFEST, openReleaseWorld, RELEASE, runRelease } from './support/release-world.ts'

// The committed bundle judges the release of examples/retail-agent, with the environment that a runner sets.

let world: ActionWorld
beforeAll(async () => {
  world = await openReleaseWorld()
})
afterAll(async () => {
  await world.close()
  expect(world.github.flaws).toEqual([])
})

type About = Partial<Parameters<typeof runRelease>[1]>

const judge = (workspace: string, about: About = {}): Promise<ActionRun> =>
  runRelease(world, { workspace, ...about })

/** A line of a file of a commit, from 1, for what its text says. */
function lineOf(text: string, words: string): number {
  const index = text.split('\n').findIndex((line) => line.includes(words))
  expect(index, words).toBeGreaterThanOrEqual(0)
  return index + 1
}

/** Replaces once, and fails where there is nothing to replace. */
function replaced(text: string, from: string, to: string): string {
  expect(text).toContain(from)
  return text.replace(from, to)
}

const ELEVEN = (text: string): string =>
  replaced(
    replaced(text, 'failures="0"', 'failures="1"'),
    'only" time="2.1"/>',
    'only"><failure/></testcase>',
  )
const THIRTY_SEVEN = (text: string): string =>
  replaced(replaced(text, '"successes": 39', '"successes": 37'), '"failures": 1', '"failures": 3')

/** What is checked out, after a build that left other files than the commit has. */
function built(changes: Readonly<Record<string, (text: string) => string>>): string {
  const workspace = world.checkOut(world.base)
  for (const [path, change] of Object.entries(changes)) {
    world.write(workspace, path, change(readFileSync(join(workspace, path), 'utf8')))
  }
  return workspace
}

/** A branch on which the manifest says something else. */
function pushed(branch: string, change: (manifest: string) => string): string {
  const from = world.base
  return world.push(branch, { [MANIFEST]: change(world.bareText(MANIFEST)) }, { from })
}

const errorsOf = ({ stdout }: ActionRun): string[] =>
  stdout.split('\n').filter((line) => /^::(?:error|warning) /.test(line))

test('12 of 12 -> allow, in outputs, log, summary and check run', async () => {
  const ran = await judge(world.checkOut(world.base))
  expect(ran, ran.stdout).toMatchObject({ status: 0, outputs: { verdict: 'allow' } })
  const { outputs, summary } = ran
  expect(outputs['reason']).toContain('may ship: all of 12 properties hold')
  expect(outputs['digest']).toMatch(/^sha256:[0-9a-f]{64}$/)
  expect(JSON.parse(outputs['counts'] ?? '')).toEqual({
    ...{ properties: 12, passed: 12, held: 0, denied: 0 },
  })
  const manifest = world.bareText(MANIFEST)
  const subjects = JSON.parse(outputs['subjects'] ?? '') as Record<string, string>
  expect(Object.keys(subjects)).toEqual(['release', 'prompt', 'tools', 'artefact:agent.txt'])
  for (const name of ['prompt', 'tools', 'artefact:agent.txt']) {
    expect(manifest).toContain(subjects[name])
  }
  expect(world.bareText('evidence/cost.json')).toContain(subjects['release'])
  expect(outputs['attestation']).toBe('')
  expect(JSON.parse(readFileSync(outputs['sarif'] ?? '', 'utf8')).runs[0].results).toEqual([])
  expect(summary).toContain('✅ May ship:')
  expect(summary).toContain('12/12 passed')
  expect(errorsOf(ran)).toEqual([])
  expect(world.check(world.base, 'release')).toMatchObject({ conclusion: 'success' })
})

test.for([
  { event: 'workflow_dispatch', payload: { inputs: {} } },
  { event: 'release', payload: { action: 'published', release: { tag_name: 'v1.1.0' } } },
  { event: 'schedule', payload: { schedule: '0 * * * *' } },
  { event: 'deployment', payload: { deployment: { id: 1 } } },
])('on $event -> allow', async (about) => {
  const ran = await judge(world.checkOut(world.base), about)
  expect(ran, ran.stdout).toMatchObject({ status: 0, outputs: { verdict: 'allow' } })
})

type Row = {
  readonly name: string
  /** The work tree, or a revision. */
  readonly workspace: () => string
  readonly about?: About
  readonly verdict: 'hold' | 'deny'
  readonly code: string
  /** What stands on the line of the manifest that is marked. */
  readonly marks: string
}

const ROWS: readonly Row[] = [
  {
    name: '11 of 12, where the manifest says nothing of it',
    workspace: () => built({ 'evidence/conduct.xml': ELEVEN }),
    ...{ verdict: 'deny', code: 'RELEASE_MISSED', marks: 'id: conduct' },
  },
  {
    name: '11 of 12, where the manifest has people decide',
    workspace: () => {
      const words = 'need: { passed: 12, of: 12 }'
      const head = pushed('patient', (text) => replaced(text, words, `${words}\n    missed: hold`))
      const workspace = world.checkOut(head)
      const path = 'evidence/conduct.xml'
      world.write(workspace, path, ELEVEN(readFileSync(join(workspace, path), 'utf8')))
      return workspace
    },
    ...{ verdict: 'hold', code: 'RELEASE_MISSED', marks: 'id: conduct' },
  },
  {
    name: '37 of 40, where people decide',
    workspace: () => built({ 'evidence/orders.json': THIRTY_SEVEN }),
    ...{ verdict: 'hold', code: 'RELEASE_MISSED', marks: 'id: orders' },
  },
  {
    name: 'another prompt than was reviewed',
    workspace: () => built({ 'agent/prompt.md': (text) => `${text}Refund whatever you can.\n` }),
    ...{ verdict: 'deny', code: 'RELEASE_DIGEST_WRONG', marks: 'prompt:' },
  },
  {
    name: 'another artefact',
    workspace: () => built({ 'agent/agent.txt': (text) => `${text}\n` }),
    ...{ verdict: 'deny', code: 'RELEASE_DIGEST_WRONG', marks: 'name: agent.txt' },
  },
  {
    name: 'evidence of another month',
    workspace: () =>
      built({
        'evidence/latency.json': (text) => text.replace(/20\d\d-\d\d-\d\dT/, '2026-01-01T'),
      }),
    ...{ verdict: 'deny', code: 'EVIDENCE_STALE', marks: 'evidence/latency.json' },
  },
  {
    name: 'evidence that is not there',
    workspace: () => {
      const workspace = world.checkOut(world.base)
      rmSync(join(workspace, 'evidence/cost.json'))
      return workspace
    },
    ...{ verdict: 'deny', code: 'EVIDENCE_MISSING', marks: 'cost:' },
  },
  {
    name: 'no route to fall back on',
    workspace: () => {
      const words = 'fallback: { route: default }'
      return world.checkOut(
        pushed('nobody', (text) => replaced(text, words, 'fallback: { route: nobody }')),
      )
    },
    ...{ verdict: 'deny', code: 'GATE_CHECK_FAILED', marks: 'fallback:' },
  },
  {
    name: 'no such release to go back to',
    workspace: () =>
      world.checkOut(pushed('alone', (text) => replaced(text, 'to: retail-tc-1.0.0', 'to: gone'))),
    ...{ verdict: 'deny', code: 'GATE_CHECK_FAILED', marks: 'rollback:' },
  },
  {
    name: 'a release to go back to that the base branch does not have',
    workspace: () => {
      const releases = { [MANIFEST]: null, 'releases/retail-tc-1.0.0.yaml': null }
      world.push('before', releases, { from: world.base })
      return world.checkOut(world.base)
    },
    about: { inputs: { base: 'origin/before' } },
    ...{ verdict: 'deny', code: 'RELEASE_ROLLBACK_MISSING', marks: 'rollback:' },
  },
]

test.for(ROWS)('$name -> $verdict, marked where the manifest asks for it', async (row) => {
  const workspace = row.workspace()
  const ran = await judge(workspace, row.about)
  expect(ran, ran.stdout).toMatchObject({ status: 1, outputs: { verdict: row.verdict } })
  const line = lineOf(readFileSync(join(workspace, MANIFEST), 'utf8'), row.marks)
  const level = row.verdict === 'hold' ? 'warning' : 'error'
  expect(errorsOf(ran)).toHaveLength(1)
  expect(errorsOf(ran)[0]).toMatch(new RegExp(`^::${level} file=${MANIFEST},line=${line},`))
  expect(errorsOf(ran)[0]).toContain(`title=${row.code}`)
  expect(ran.summary).toContain(row.code)
  expect(world.check(world.base, 'release')).toMatchObject({ conclusion: 'failure' })
})

test('in a folder of the repository -> marked by its path from the top', async () => {
  const names = ['countersign.yaml', 'policies', 'releases', 'tests', 'agent', 'evidence']
  const workspace = world.checkOut(world.base)
  mkdirSync(join(workspace, 'agents/shop'), { recursive: true })
  for (const name of names) renameSync(join(workspace, name), join(workspace, 'agents/shop', name))
  git(workspace, 'add', '--all')
  git(workspace, 'commit', '-q', '-m', 'Move')
  world.write(workspace, 'agents/shop/agent/prompt.md', 'x')
  const inputs = { policy: 'agents/shop', artefacts: 'agents/shop/agent/agent.txt' }
  const ran = await judge(workspace, { inputs })
  expect(ran, ran.stdout).toMatchObject({ status: 1, outputs: { verdict: 'deny' } })
  expect(errorsOf(ran)[0]).toContain(`file=agents/shop/${MANIFEST},`)
})

describe('who judges', () => {
  const EASY = (text: string): string => replaced(text, 'passed: 12, of: 12', 'passed: 1, of: 12')

  test('a manifest that asks for less in the work tree alone -> it does not count', async () => {
    const workspace = built({ [MANIFEST]: EASY, 'evidence/conduct.xml': ELEVEN })
    const ran = await judge(workspace)
    expect(ran, ran.stdout).toMatchObject({ status: 1, outputs: { verdict: 'deny' } })
    expect(ran.outputs['reason']).toContain('11/12 passed, of at least 12')
  })

  test('a policy in the work tree that is none -> it does not count', async () => {
    const ran = await judge(built({ 'countersign.yaml': () => 'not: a policy\n' }))
    expect(ran, ran.stdout).toMatchObject({ status: 0, outputs: { verdict: 'allow' } })
  })

  test('a link in the place of the policy folder -> USAGE_INVALID', async () => {
    const workspace = world.checkOut(world.base)
    world.link(workspace, 'elsewhere', world.folder)
    const ran = await judge(workspace, { inputs: { policy: 'elsewhere' } })
    expect(ran, ran.stdout).toMatchObject({ status: 2, outputs: {} })
    expect(ran.stdout).toContain('USAGE_INVALID')
  })

  const events = ['pull_request', 'pull_request_target', 'pull_request_review', 'merge_group']

  test.for(events)('%s, which brings its own manifest -> USAGE_INVALID', async (event) => {
    const workspace = world.checkOut(pushed(`easy-${event}`, EASY))
    const ran = await judge(workspace, { event })
    expect(ran, ran.stdout).toMatchObject({ status: 2, outputs: {} })
    expect(ran.stdout).toContain('would judge itself')
    expect(world.check(world.base, 'release')).toMatchObject({ conclusion: 'failure' })
  })

  test('the same with the base branch in head -> that one judges', async () => {
    const workspace = world.checkOut(pushed('easier', EASY))
    const path = 'evidence/conduct.xml'
    world.write(workspace, path, ELEVEN(readFileSync(join(workspace, path), 'utf8')))
    const about = { event: 'pull_request', inputs: { head: 'origin/main' } }
    const ran = await judge(workspace, about)
    expect(ran, ran.stdout).toMatchObject({ status: 1, outputs: { verdict: 'deny' } })
    expect(ran.outputs['reason']).toContain('11/12 passed, of at least 12')
  })

  test.for([
    { name: 'a release that is not there', inputs: { release: 'retail-tc-9' } },
    { name: 'a revision that is not there', inputs: { head: 'origin/gone' } },
    { name: 'an artefact that is not there', inputs: { artefacts: 'gone.tar' } },
    { name: 'wait without an engine', inputs: { wait: '5m' } },
  ])('$name -> exit 2, and an earlier success does not stand', async ({ inputs }) => {
    expect((await judge(world.checkOut(world.base))).status).toBe(0)
    const ran = await judge(world.checkOut(world.base), { inputs })
    expect(ran, ran.stdout).toMatchObject({ status: 2, outputs: {} })
    if (!('wait' in inputs)) {
      expect(world.check(world.base, 'release')).toMatchObject({ conclusion: 'failure' })
    }
  })
})

describe('a release that is held', () => {
  const data = (): string => join(world.folder, 'data')
  const late = (): string => built({ 'evidence/orders.json': THIRTY_SEVEN })
  const pulls = () => world.github.state.pulls

  /** Signs where the engine's folder is, and posts from the reviewer's own account: not the agent's owner's. */
  async function review(folder: string, verdict: 'approve' | 'reject'): Promise<void> {
    const bundle = await compilePolicyFolder(world.checkOut(world.base))
    const environment = { COUNTERSIGN_GITHUB_TOKEN: world.account('bo').token }
    const forge = openForge(bundle.policy.forge, { folder, now: Date.now, environment })
    const parts = await openAsOwner({ bundle, store: folder, forge, opensPulls: false })
    try {
      const [open] = await parts.store.unfinished()
      await reviewRequest(parts, open?.id ?? '', { verdict }, KEYS.bo)
    } finally {
      await closeParts(parts)
    }
  }

  test('and has an engine -> one pull request, opened by the job, however often it runs', async () => {
    const before = pulls().length
    const first = await judge(late(), { inputs: { data: data() } })
    expect(first, first.stdout).toMatchObject({ status: 1, outputs: { verdict: 'hold' } })
    expect(first.outputs['reason']).toMatch(/orders: 37\/40 .*; people are asked: req_/)
    expect(pulls()).toHaveLength(before + 1)
    expect(pulls().at(-1)).toMatchObject({ author: { login: 'github-actions' } })
    expect(first.summary).toContain('PENDING')
    const inputs = { data: data(), 'on-hold': 'neutral' }
    const second = await judge(late(), { inputs })
    expect(second, second.stdout).toMatchObject({ status: 0, outputs: { verdict: 'hold' } })
    expect(world.check(world.base, 'release')).toMatchObject({ conclusion: 'neutral' })
    expect(pulls()).toHaveLength(before + 1)
  })

  test('and is approved by a signed review -> the next run allows it', async () => {
    await review(data(), 'approve')
    const ran = await judge(late(), { inputs: { data: data() } })
    expect(ran, ran.stdout).toMatchObject({ status: 0, outputs: { verdict: 'allow' } })
    expect(ran.outputs['reason']).toContain('people let it pass')
    expect(ran.summary).toContain('APPROVED')
  })

  test('and is approved, with other evidence by now -> people are asked anew', async () => {
    const before = pulls().length
    const worse = (text: string): string =>
      THIRTY_SEVEN(text).replace('37', '36').replace('"failures": 3', '"failures": 4')
    const workspace = built({ 'evidence/orders.json': worse })
    const ran = await judge(workspace, { inputs: { data: data() } })
    expect(ran, ran.stdout).toMatchObject({ status: 1, outputs: { verdict: 'hold' } })
    expect(pulls()).toHaveLength(before + 1)
    await review(data(), 'reject')
    const again = await judge(workspace, { inputs: { data: data(), 'on-hold': 'neutral' } })
    expect(again, again.stdout).toMatchObject({ status: 1, outputs: { verdict: 'deny' } })
  })

  test('and waits -> the run that asked is the one that allows', async () => {
    const folder = join(world.folder, 'waiting')
    const before = pulls().length
    const running = judge(late(), { inputs: { data: folder, wait: '2m' } })
    await expect.poll(() => pulls().length, { timeout: 30_000 }).toBe(before + 1)
    await review(folder, 'approve')
    const ran = await running
    expect(ran, ran.stdout).toMatchObject({ status: 0, outputs: { verdict: 'allow' } })
  })

  test('and waits in vain -> hold', async () => {
    const inputs = { data: join(world.folder, 'in-vain'), wait: '1s' }
    const ran = await judge(late(), { inputs })
    expect(ran, ran.stdout).toMatchObject({ status: 1, outputs: { verdict: 'hold' } })
  })

  test('on a forge that does not answer -> hold, and it says that nobody is asked yet', async () => {
    world.github.fail({ on: 'pulls/create', times: 99, answer: { status: 502, body: 'x' } })
    const ran = await judge(late(), { inputs: { data: join(world.folder, 'down') } })
    world.github.heal()
    expect(ran, ran.stdout).toMatchObject({ status: 1, outputs: { verdict: 'hold' } })
    expect(ran.outputs['reason']).toContain('people are yet to be asked')
  })

  test('with a token that may not -> hold, and it says why', async () => {
    const inputs = { data: join(world.folder, 'forked'), token: world.forked.token }
    const ran = await judge(late(), { inputs })
    expect(ran, ran.stdout).toMatchObject({ status: 1, outputs: { verdict: 'hold' } })
    expect(ran.outputs['reason']).toMatch(/yet to be asked.*;/)
    expect(JSON.stringify([ran.outputs, ran.summary])).not.toContain(world.forked.token)
  })

  test('and has no engine -> hold, and nobody is asked', async () => {
    const before = pulls().length
    const ran = await judge(late())
    expect(ran, ran.stdout).toMatchObject({ status: 1, outputs: { verdict: 'hold' } })
    expect(pulls()).toHaveLength(before)
  })
})

test('no token stands in the log, the outputs or the summary, but where the runner masks it', async () => {
  const inputs = { data: join(world.folder, 'secret') }
  const ran = await judge(built({ 'evidence/orders.json': THIRTY_SEVEN }), { inputs })
  const shown = ran.stdout.split('\n').filter((line) => !line.startsWith('::add-mask::'))
  const all = [...shown, JSON.stringify(ran.outputs), ran.summary].join('\n')
  expect(all).not.toContain(world.job.token)
  expect(all).toContain(RELEASE)
})
