import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type ActionsApi, openActionsApi } from '../../src/host/github/actions-api.ts'
import type { Account } from '../support/fake-github/state.ts'
import { FAST, openWorld, type World } from '../support/fake-github/world.ts'

const MARKER = '<!-- countersign:gate:policy -->'

let world: World
let workflow: Account
let fork: Account

beforeAll(async () => {
  world = await openWorld()
  workflow = world.github.addAccount('github-actions', { type: 'Bot' })
  fork = world.github.addAccount('fork', { type: 'Bot', permission: 'read' })
})
afterAll(() => world.close())

const api = (by: Account = workflow): ActionsApi =>
  openActionsApi({
    ...{ apiUrl: world.github.url, token: by.token, repository: 'acme/approvals', timing: FAST },
  })

let branches = 0

async function pull(): Promise<number> {
  const branch = `topic-${++branches}`
  await world.github.push(branch, { [`${branch}.md`]: 'x\n' })
  const answer = await fetch(`${world.github.url}/repos/acme/approvals/pulls`, {
    method: 'POST',
    headers: { authorization: `token ${world.people.bo.token}` },
    body: JSON.stringify({ title: 'Topic', head: branch, base: 'main', body: '' }),
  })
  return ((await answer.json()) as { number: number }).number
}

const bodies = (number: number): string[] =>
  world.github.pull(number).comments.map(({ body }) => body)

function comment(number: number, user: Account, body: string): void {
  const id = world.github.state.nextId()
  world.github.pull(number).comments.push({ id, user, body, createdAt: '2026-11-21T09:00:00Z' })
}

describe('the sticky comment', () => {
  test('posted, posted again, changed -> one comment, written twice', async () => {
    const number = await pull()
    const body = `${MARKER}\n\nheld`
    expect(await api().stickyComment({ number, marker: MARKER, body })).toMatchObject({
      change: 'created',
    })
    expect(await api().stickyComment({ number, marker: MARKER, body })).toMatchObject({
      change: 'same',
    })
    const later = { number, marker: MARKER, body: 'allowed' }
    expect(await api().stickyComment(later)).toMatchObject({ change: 'updated' })
    expect(bodies(number)).toEqual([`${MARKER}\nallowed`])
  })

  test.for([
    { name: 'a person', user: () => world.people.ana, body: `${MARKER}\nmine` },
    { name: 'another bot', user: () => world.bot, body: `${MARKER}\nmine` },
    { name: 'itself, quoting the marker', user: () => workflow, body: `see ${MARKER}` },
    {
      name: 'itself, for another mode',
      user: () => workflow,
      body: '<!-- countersign:gate:release -->',
    },
  ])('the marker in a comment of $name -> left alone', async ({ user, body }) => {
    const number = await pull()
    comment(number, user(), body)
    const posted = await api().stickyComment({ number, marker: MARKER, body: 'held' })
    expect(posted).toMatchObject({ posted: true, change: 'created' })
    expect(bodies(number)).toEqual([body, `${MARKER}\nheld`])
  })

  test('its own after a hundred others -> found', async () => {
    const number = await pull()
    for (let i = 0; i < 120; i++) comment(number, world.people.ana, `${i}`)
    comment(number, workflow, `${MARKER}\nold`)
    await api().stickyComment({ number, marker: MARKER, body: 'new' })
    expect(bodies(number).at(-1)).toBe(`${MARKER}\nnew`)
    expect(bodies(number)).toHaveLength(121)
  })

  test("a person's token -> their own comment", async () => {
    const number = await pull()
    const { bo } = world.people
    await api(bo).stickyComment({ number, marker: MARKER, body: 'one' })
    await api(bo).stickyComment({ number, marker: MARKER, body: 'two' })
    expect(bodies(number)).toEqual([`${MARKER}\ntwo`])
  })

  test("an App's token -> its own comment, and not the workflow's", async () => {
    const number = await pull()
    comment(number, workflow, `${MARKER}\nof the workflow`)
    await api(world.bot).stickyComment({ number, marker: MARKER, body: 'one' })
    await api(world.bot).stickyComment({ number, marker: MARKER, body: 'two' })
    expect(bodies(number)).toEqual([`${MARKER}\nof the workflow`, `${MARKER}\ntwo`])
  })

  test("a workflow's token that GraphQL does not answer -> its own comment", async () => {
    const number = await pull()
    world.github.state.graphql = false
    await api().stickyComment({ number, marker: MARKER, body: 'one' })
    await api().stickyComment({ number, marker: MARKER, body: 'two' })
    world.github.state.graphql = true
    expect(bodies(number)).toEqual([`${MARKER}\ntwo`])
  })

  test('a person who calls themselves as the bot -> left alone', async () => {
    const number = await pull()
    const posing = { ...world.people.ana, login: 'github-actions[bot]' }
    comment(number, posing, `${MARKER}\nmine`)
    await api().stickyComment({ number, marker: MARKER, body: 'held' })
    expect(bodies(number)).toEqual([`${MARKER}\nmine`, `${MARKER}\nheld`])
  })

  test('an answer that is lost -> one comment', async () => {
    const number = await pull()
    world.github.fail({ on: 'issues/create-comment', when: 'after' })
    const posted = await api().stickyComment({ number, marker: MARKER, body: 'held' })
    expect(posted).toMatchObject({ posted: true })
    expect(bodies(number)).toEqual([`${MARKER}\nheld`])
  })

  test("a fork's token -> not posted, and why", async () => {
    const number = await pull()
    const posted = await api(fork).stickyComment({ number, marker: MARKER, body: 'held' })
    expect(posted).toMatchObject({ posted: false })
    expect(posted).toHaveProperty('why', expect.stringContaining('not accessible'))
    expect(bodies(number)).toEqual([])
  })

  test.for([
    { name: 'no such pull request', number: 9999, fault: null },
    {
      name: 'the forge is down',
      number: 1,
      fault: { times: 9, answer: { status: 502, body: 'x' } },
    },
    {
      name: 'the credentials are refused',
      number: 1,
      fault: { times: 9, answer: { status: 401, body: {} } },
    },
  ])('$name -> not posted, and why', async ({ number, fault }) => {
    if (fault !== null) world.github.fail(fault)
    const posted = await api().stickyComment({ number, marker: MARKER, body: 'held' })
    world.github.heal()
    expect(posted).toMatchObject({ posted: false, why: expect.stringMatching(/./) })
  })

  test('a body that is too long -> cut to what GitHub takes', async () => {
    const number = await pull()
    const body = 'x'.repeat(70_000)
    expect(await api().stickyComment({ number, marker: MARKER, body })).toMatchObject({
      posted: true,
    })
    expect(bodies(number)[0]).toHaveLength(65_536)
  })
})

describe('a check run', () => {
  const run = (count: number, sha: string) => ({
    ...{ sha, name: 'countersign/policy', conclusion: 'failure' as const, title: 'deny' },
    summary: '## deny',
    annotations: Array.from({ length: count }, (_, i) => ({
      ...{ file: 'policies/rules.yaml', line: i, column: 0, level: 'error' as const },
      ...{ id: 'policy weaker', message: `limit ${i}` },
    })),
  })
  const head = async () => world.github.push('checked', { 'a.md': 'x\n' })

  test.for([
    { count: 0, calls: 0 },
    { count: 50, calls: 0 },
    { count: 51, calls: 1 },
    { count: 120, calls: 2 },
  ])('$count annotations -> $calls more calls, none lost', async ({ count, calls }) => {
    const before = world.github.count('checks/update')
    const posted = await api().checkRun(run(count, await head()))
    expect(posted).toMatchObject({ posted: true })
    expect(world.github.count('checks/update') - before).toBe(calls)
    const made = world.github.state.checkRuns.at(-1)
    expect(made).toMatchObject({ conclusion: 'failure', status: 'completed', title: 'deny' })
    expect(made?.annotations).toHaveLength(count)
  })

  test.for([
    { name: 'of ASCII', summary: 'x'.repeat(70_000), bytes: 65_532 },
    { name: 'of two bytes a character', summary: 'é'.repeat(40_000), bytes: 65_531 },
    { name: 'of four bytes a character', summary: '🙂'.repeat(20_000), bytes: 65_531 },
  ])('a summary $name that is too long -> cut to what GitHub takes', async ({ summary, bytes }) => {
    const posted = await api().checkRun({ ...run(0, await head()), summary })
    expect(posted).toMatchObject({ posted: true })
    const made = world.github.state.checkRuns.at(-1)?.summary ?? ''
    expect(Buffer.byteLength(made)).toBe(bytes)
    expect(made.slice(0, -1)).toBe(summary.slice(0, made.length - 1))
    expect(made.at(-1)).toBe('…')
  })

  test.for([
    { name: "a fork's token", by: () => fork, why: 'not accessible' },
    { name: "a person's token", by: () => world.people.bo, why: 'GitHub App' },
  ])('$name -> not posted, and why', async ({ by, why }) => {
    const posted = await api(by()).checkRun(run(1, await head()))
    expect(posted).toHaveProperty('why', expect.stringContaining(why))
  })

  test('a commit that is not there -> not posted', async () => {
    expect(await api().checkRun(run(1, '1'.repeat(40)))).toMatchObject({ posted: false })
  })
})

describe('open pull requests', () => {
  test('those into a branch, with heads', async () => {
    const number = await pull()
    const found = await api().openPulls('main')
    const { headSha } = world.github.pull(number)
    expect(found).toContainEqual({ number, headSha, baseRef: 'main', isFork: false })
    expect(await api().openPulls('other')).toEqual([])
  })

  test('the forge is down -> FORGE_UNREACHABLE', async () => {
    world.github.fail({ times: 9, answer: { status: 502, body: 'x' } })
    await expect(api().openPulls('main')).rejects.toMatchObject({ code: 'FORGE_UNREACHABLE' })
    world.github.heal()
  })
})

test.for([
  { name: 'a token of two words', about: { token: 'a b' }, code: 'FORGE_UNAUTHORIZED' },
  { name: 'a repository without an owner', about: { repository: 'x' }, code: 'USAGE_INVALID' },
  { name: 'a repository that is a path', about: { repository: 'a/b/../c' }, code: 'USAGE_INVALID' },
])('$name -> $code', ({ about, code }) => {
  const options = { apiUrl: 'http://127.0.0.1:1', token: 't', repository: 'a/b', ...about }
  expect(() => openActionsApi(options)).toThrow(expect.objectContaining({ code }))
})
