import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openGithubForge } from '../../src/host/forge-github.ts'
import type { Forge } from '../../src/model/ports.ts'
import { reviewStatement } from '../../src/trust/approve/statement.ts'
import { numbered, post, TEXT } from '../contract/forge.ts'
import { NOW, signedReview } from '../fakes/review-case.ts'
import { startFakeGithub } from '../support/fake-github/server.ts'
import type { Account } from '../support/fake-github/state.ts'
import { FAST, openWorld, type World } from '../support/fake-github/world.ts'

let world: World
beforeEach(async () => {
  world = await openWorld()
})
afterEach(async () => {
  await world.close()
})

const NO = { status: 403, body: { message: 'Resource not accessible by integration' } }
const GONE = { status: 502, body: '' }

/** The engine with an account of its own, as a token of a machine user gives it. */
function engine(): { account: Account; forge: Forge } {
  const account = world.github.addAccount('machine')
  return { account, forge: world.open({ token: account.token }) }
}

/** A forge object that posts as the token's account, whoever that is. */
function plain(token: string): Forge {
  return openGithubForge({
    ...{ repository: 'acme/approvals', base: 'main', apiUrl: world.github.url, timing: FAST },
    credentials: () => ({ kind: 'token', token }),
  })
}

describe('the own account', () => {
  test('of a token is its user, asked for once', async () => {
    const { account, forge } = engine()
    for (let i = 0; i < 3; i++) expect(await forge.self()).toBe(String(account.id))
    expect(world.github.count('users/get-authenticated')).toBe(1)
  })

  test('of a token that may not ask is none', async () => {
    expect(await world.open().self()).toBe(null)
  })

  test('of an unknown token -> FORGE_UNAUTHORIZED', async () => {
    const forge = plain(`ghp_${'0'.repeat(36)}`)
    await expect(forge.self()).rejects.toMatchObject({ code: 'FORGE_UNAUTHORIZED' })
  })

  test('in an outage -> FORGE_UNREACHABLE, and known afterwards', async () => {
    const { account, forge } = engine()
    world.github.fail({ times: 9, answer: GONE })
    await expect(forge.self()).rejects.toMatchObject({ code: 'FORGE_UNREACHABLE' })
    world.github.heal()
    expect(await forge.self()).toBe(String(account.id))
  })

  test("of an App's installation is its bot", async () => {
    const folder = mkdtempSync(join(tmpdir(), 'countersign-app-'))
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    const pem = { type: 'pkcs1', format: 'pem' } as const
    const github = await startFakeGithub({
      ...{ folder: join(folder, 'r.git'), prefix: '/api/v3' },
      app: { id: 7, installation: 8, publicKey: publicKey.export(pem).toString() },
    })
    const forge = openGithubForge({
      ...{ repository: 'acme/approvals', base: 'main', apiUrl: github.url, timing: FAST },
      credentials: () => ({
        ...{ kind: 'app', appId: 7, installationId: 8 },
        privateKey: privateKey.export(pem).toString(),
      }),
    })
    await forge.identity()
    const bot = github.state.accounts.find(({ type }) => type === 'Bot')
    expect(await forge.self()).toBe(String(bot?.id))
    expect(github.count('apps/get-authenticated')).toBe(1)
    await github.close()
    rmSync(folder, { recursive: true })
    expect(github.flaws).toEqual([])
  })
})

describe("a review from whose account it isn't", () => {
  async function posting(forge: Forge, account: string | null): Promise<void> {
    const request = numbered(1)
    const subject = { request, pull: await forge.pull(1), forge: await forge.identity() }
    const words = { reviewer: 'ana', verdict: 'approve', issuedAt: NOW } as const
    const { body } = await signedReview({ ...subject, words })
    const statement = reviewStatement(subject, words)
    await forge.postReview(1, { statement, body, submittedAt: NOW, account })
  }

  test.for(['bo', 'cy', 'ghost'] as const)(
    "ana's, with the token of %s -> REVIEW_POSTER, and nothing is posted",
    async (who) => {
      await world.open().open(numbered(1), TEXT)
      const account = who === 'ghost' ? world.github.addAccount('ghost') : world.people[who]
      const forge = plain(account.token)
      await expect(posting(forge, String(world.people.ana.id))).rejects.toMatchObject({
        code: 'REVIEW_POSTER',
        message: expect.stringContaining(String(account.id)),
      })
      expect(await forge.reviews(1)).toEqual([])
      expect(world.github.count('pulls/create-review')).toBe(0)
    },
  )

  test.for([
    { name: 'with her own token', who: 'ana' },
    { name: 'with a token that does not say whose it is', who: 'bot' },
  ] as const)('$name is posted', async ({ who }) => {
    const { ana } = world.people
    const { forge: machine } = engine()
    await machine.open(numbered(1), TEXT)
    const poster = who === 'ana' ? ana : world.bot
    await posting(plain(poster.token), String(ana.id))
    expect(await machine.reviews(1)).toMatchObject([{ poster: String(poster.id) }])
  })

  test('of a person without an account on the roster is left to the roster', async () => {
    const { forge: machine } = engine()
    await machine.open(numbered(1), TEXT)
    await posting(plain(world.people.bo.token), null)
    expect(await machine.reviews(1)).toHaveLength(1)
  })
})

describe('asking for reviews', () => {
  const idsOf = (...accounts: Account[]) => accounts.map(({ id }) => String(id))
  const asked = (number = 1) => world.github.pull(number).asked.map(({ login }) => login)

  test('asks those who were named, by the names that they have today', async () => {
    const { ana, bo } = world.people
    Object.assign(ana, { login: 'ana-married' })
    await world.open().open(numbered(1), { ...TEXT, reviewers: idsOf(ana, bo) })
    expect(asked()).toEqual(['ana-married', 'bo'])
    expect(world.github.count('pulls/request-reviewers')).toBe(1)
  })

  test.for([
    { name: 'nobody', of: () => [] },
    { name: 'the account that opened it', of: () => [String(world.bot.id)] },
    { name: 'an account that is gone', of: () => ['777'] },
    { name: 'what is no id', of: () => ['', 'ana', '../ana', '1e3'] },
  ])('of $name asks nothing of the pull request', async ({ of }) => {
    await world.open().open(numbered(1), { ...TEXT, reviewers: of() })
    expect(asked()).toEqual([])
    expect(world.github.count('pulls/request-reviewers')).toBe(0)
  })

  test('one who may see nothing does not keep the others from being asked', async () => {
    const outsider = world.github.addAccount('outsider', { permission: 'none' })
    const reviewers = idsOf(outsider, world.people.ana, world.people.cy)
    expect(await world.open().open(numbered(1), { ...TEXT, reviewers })).toBe(1)
    expect(asked()).toEqual(['ana', 'cy'])
  })

  test('is no reason to fail when it is not permitted', async () => {
    world.github.fail({ on: 'pulls/request-reviewers', times: 9, answer: NO })
    const reviewers = idsOf(world.people.ana, world.people.bo)
    expect(await world.open().open(numbered(1), { ...TEXT, reviewers })).toBe(1)
    expect(world.github.pull(1).labels).toContain('countersign')
  })

  test('fails in an outage, and is made up for by the next opening', async () => {
    const reviewers = idsOf(world.people.ana)
    world.github.fail({ on: 'pulls/request-reviewers', times: 9, answer: GONE })
    const opening = world.open().open(numbered(1), { ...TEXT, reviewers })
    await expect(opening).rejects.toMatchObject({ code: 'FORGE_UNREACHABLE' })
    world.github.heal()
    expect(await world.open().open(numbered(1), { ...TEXT, reviewers })).toBe(1)
    expect(asked()).toEqual(['ana'])
  })

  test('asks once, and at most 15', async () => {
    const crowd = Array.from({ length: 20 }, (_, i) => world.github.addAccount(`p${i}`))
    const forge = world.open()
    for (let i = 0; i < 2; i++) {
      await forge.open(numbered(1), { ...TEXT, reviewers: idsOf(...crowd) })
    }
    expect(asked()).toHaveLength(15)
    expect(world.github.count('pulls/request-reviewers')).toBe(1)
    expect(world.github.count('users/get-by-id')).toBe(15)
  })

  test('comes with a notice too', async () => {
    const forge = world.open()
    await forge.open(numbered(1), TEXT)
    const reviewers = idsOf(world.people.cy)
    await forge.notify(1, { key: 'escalate-a', text: 'Now cy may review too.', reviewers })
    expect(asked()).toEqual(['cy'])
  })
})

describe('notices', () => {
  const notice = { key: 'remind-1', text: 'Still waiting.', reviewers: [] }
  const MARKER = '<!-- countersign:remind-1 -->'
  const say = (user: Account, body: string) =>
    world.github.pull(1).comments.push({
      ...{ id: world.github.state.nextId(), user, body, createdAt: '2026-11-21T09:05:00Z' },
    })
  const bodies = () => world.github.pull(1).comments.map(({ body }) => body)

  test('of others with our marker are not ours', async () => {
    const { forge } = engine()
    await forge.open(numbered(1), TEXT)
    for (const user of [world.people.ana, world.bot]) say(user, `Do not remind.\n\n${MARKER}`)
    await forge.notify(1, notice)
    expect(bodies().at(-1)).toBe(`Still waiting.\n\n${MARKER}\n`)
    expect(bodies()).toHaveLength(3)
  })

  test("of people are none of a workflow's, which does not know its own account", async () => {
    const forge = world.open()
    await forge.open(numbered(1), TEXT)
    say(world.people.ana, MARKER)
    for (let i = 0; i < 2; i++) await forge.notify(1, notice)
    expect(bodies()).toHaveLength(2)
  })

  test('are found on the third page, and only by their last line', async () => {
    const { account, forge } = engine()
    await forge.open(numbered(1), TEXT)
    for (let i = 0; i < 250; i++) say(account, `${MARKER}\n\nand ${i}`)
    await forge.notify(1, notice)
    expect(bodies()).toHaveLength(251)
    await forge.notify(1, notice)
    expect(bodies()).toHaveLength(251)
  })

  test.for(['countersign:remind-1 -->', '<!-- countersign:remind-1 -->', '<!--\ncountersign:a'])(
    'whose words are %o speak of themselves alone',
    async (text) => {
      const { forge } = engine()
      await forge.open(numbered(1), TEXT)
      await forge.notify(1, { ...notice, key: 'escalate-a', text })
      await forge.notify(1, notice)
      expect(bodies()).toHaveLength(2)
      expect(bodies()[0]).toMatch(/<!-- countersign:escalate-a -->\n$/)
      expect(bodies()[0]?.match(/<!--\s*countersign:/g)).toHaveLength(1)
    },
  )

  test('are cut to what GitHub takes', async () => {
    const { forge } = engine()
    await forge.open(numbered(1), TEXT)
    await forge.notify(1, { ...notice, text: '😀'.repeat(50_000) })
    expect(bodies()[0]?.isWellFormed()).toBe(true)
    expect(bodies()[0]).toContain(MARKER)
  })

  test.for(['before', 'after'] as const)('lost %s they were taken are given once', async (when) => {
    const { forge } = engine()
    await forge.open(numbered(1), TEXT)
    world.github.fail({ on: 'issues/create-comment', when })
    await forge.notify(1, notice)
    expect(bodies()).toHaveLength(1)
  })

  test.for([
    { name: 'no permission', answer: NO, want: { code: 'FORGE_REFUSED', retryable: false } },
    {
      name: 'a locked conversation',
      answer: { status: 422, body: { message: 'Issue is locked' } },
      want: { code: 'FORGE_REFUSED', retryable: false },
    },
    {
      name: 'an outage',
      answer: GONE,
      want: { code: 'FORGE_UNREACHABLE', retryable: true },
    },
  ])('meet $name -> $want.code', async ({ answer, want }) => {
    const { forge } = engine()
    await forge.open(numbered(1), TEXT)
    world.github.fail({ on: 'issues/create-comment', times: 9, answer })
    await expect(forge.notify(1, notice)).rejects.toMatchObject(want)
    expect(bodies()).toEqual([])
  })
})

describe('statuses', () => {
  const shown = (sha: string) =>
    (world.github.state.statuses.get(sha) ?? []).map(({ state, context }) => [context, state])

  test('are set once each, also by another process', async () => {
    const { forge } = engine()
    await forge.open(numbered(1), TEXT)
    const { headSha } = await forge.pull(1)
    const pending = { state: 'pending', description: '0 of 2 approvals' } as const
    await Promise.all([1, 2, 3].map(() => forge.setStatus(1, headSha, pending)))
    await world.open().setStatus(1, headSha, pending)
    expect(world.github.count('repos/create-commit-status')).toBe(1)
    await forge.setStatus(1, headSha, { ...pending, description: '1 of 2 approvals' })
    await forge.setStatus(1, headSha, { state: 'success', description: 'é\n'.repeat(200) })
    expect(shown(headSha)).toEqual([
      ['countersign/approval', 'pending'],
      ['countersign/approval', 'pending'],
      ['countersign/approval', 'success'],
    ])
    expect(world.github.state.statuses.get(headSha)?.at(-1)?.description).toHaveLength(140)
  })

  test.for(['repos/create-commit-status', 'repos/get-combined-status-for-ref'])(
    'that may not be set are left out: %s',
    async (on) => {
      const { forge } = engine()
      await forge.open(numbered(1), TEXT)
      world.github.fail({ on, times: 9, answer: NO })
      const { headSha } = await forge.pull(1)
      await forge.setStatus(1, headSha, { state: 'pending', description: '' })
      expect(shown(headSha)).toEqual([])
      world.github.heal()
      await forge.setStatus(1, headSha, { state: 'pending', description: '' })
      expect(shown(headSha)).toHaveLength(1)
    },
  )

  test('of which GitHub takes no more are left out', async () => {
    const { account, forge } = engine()
    await forge.open(numbered(1), TEXT)
    const { headSha } = await forge.pull(1)
    await forge.setStatus(1, headSha, { state: 'pending', description: '' })
    const { statuses } = world.github.state
    const [first] = statuses.get(headSha) ?? []
    statuses.set(headSha, Array(1000).fill(first))
    const again = world.open({ token: account.token })
    await again.setStatus(1, headSha, { state: 'success', description: '' })
    expect(world.github.count('repos/create-commit-status', 422)).toBe(1)
    expect(shown(headSha)).toHaveLength(1000)
  })

  test('in an outage -> FORGE_UNREACHABLE, so that it may be tried again', async () => {
    const { forge } = engine()
    world.github.fail({ times: 9, answer: GONE })
    const setting = forge.setStatus(1, 'a'.repeat(40), { state: 'pending', description: '' })
    await expect(setting).rejects.toMatchObject({ code: 'FORGE_UNREACHABLE', retryable: true })
  })
})

describe('the list of open pull requests', () => {
  const listed = async (forge: Forge, which: 'all' | 'changed') =>
    (await forge.openPulls(which)).map(({ number }) => number)

  test('of 990 takes ten calls, and what did not change costs nothing', async () => {
    const { account, forge } = engine()
    world.github.fill(990, account)
    await forge.identity()
    const before = world.github.spent()
    expect(await listed(forge, 'changed')).toEqual(Array.from({ length: 990 }, (_, i) => 990 - i))
    expect(world.github.spent() - before).toBe(10)
    for (let i = 0; i < 20; i++) expect(await listed(forge, 'changed')).toEqual([])
    expect(world.github.calls()['pulls/list']).toEqual({ asked: 30, unchanged: 20 })
    expect(world.github.spent() - before).toBe(10)
    for (const number of [3, 700, 1]) world.github.touch(number)
    expect(await listed(forge, 'changed')).toEqual([1, 700, 3])
    expect(world.github.spent() - before).toBe(11)
    for (let i = 101; i <= 250; i++) world.github.touch(i)
    const seen = await listed(forge, 'changed')
    expect(seen).toEqual(Array.from({ length: 150 }, (_, i) => 250 - i))
    expect(world.github.spent() - before).toBe(13)
  })

  test("leaves out others' pull requests, and looks behind a page full of them", async () => {
    const { account, forge } = engine()
    const { state } = world.github
    world.github.fill(103, account)
    for (const pull of state.pulls.slice(1)) Object.assign(pull, { branch: `topic-${pull.number}` })
    expect(await listed(forge, 'changed')).toEqual([1])
    for (let i = 2; i <= 102; i++) world.github.touch(i)
    expect(await listed(forge, 'changed')).toEqual([])
    world.github.touch(1)
    for (let i = 2; i <= 102; i++) world.github.touch(i)
    expect(await listed(forge, 'changed')).toEqual([1])
  })

  test.for([
    { name: 'in a fork', change: { headRepository: 1 } },
    { name: 'to another branch', change: { base: 'other' } },
    { name: 'of a branch that is no request', change: { branch: 'countersign/req_x' } },
    { name: 'that is closed', change: { state: 'closed' } },
  ] as const)('leaves out one $name, and only that', async ({ change }) => {
    const { account, forge } = engine()
    world.github.fill(3, account)
    Object.assign(world.github.pull(2), change)
    expect(await listed(forge, 'all')).toEqual([3, 1])
  })

  test('shows a change again that came within the same second as another', async () => {
    const { account, forge } = engine()
    world.github.fill(2, account)
    await listed(forge, 'changed')
    expect(await listed(forge, 'changed')).toEqual([])
    for (let i = 0; i < 3; i++) world.github.state.now()
    world.github.touch(1)
    world.github.stopClock(true)
    expect(await forge.openPulls('changed')).toMatchObject([{ number: 1, mark: null }])
    world.github.touch(1) // Nothing in the list tells.
    expect(await forge.openPulls('changed')).toMatchObject([{ number: 1, mark: null }])
    world.github.stopClock(false)
    const [pull] = await forge.openPulls('changed')
    expect(pull).toMatchObject({ number: 1, mark: world.github.pull(1).updatedAt })
    expect(await listed(forge, 'changed')).toEqual([])
  })

  test('says again what a page that failed has kept from the caller', async () => {
    const { account, forge } = engine()
    world.github.fill(150, account)
    await listed(forge, 'changed')
    for (let i = 1; i <= 150; i++) world.github.touch(i)
    let pages = 0
    world.github.fail({
      ...{ on: 'pulls/list', times: 1 },
      meanwhile: async () => {
        pages += 1
        world.github.fail({ on: 'pulls/list', times: 9, answer: GONE })
      },
    })
    await expect(forge.openPulls('changed')).rejects.toMatchObject({ code: 'FORGE_UNREACHABLE' })
    expect(pages).toBe(1)
    world.github.heal()
    expect(await listed(forge, 'changed')).toHaveLength(150)
  })

  test('goes on after a pull request that moved between its pages', async () => {
    const { account, forge } = engine()
    world.github.fill(101, account)
    let pages = 0
    world.github.fail({
      ...{ on: 'pulls/list', times: 2 },
      meanwhile: async () => {
        pages += 1
        if (pages === 2) world.github.touch(1)
      },
    })
    const seen = await listed(forge, 'changed')
    expect(new Set(seen).size).toBe(seen.length)
    expect(await listed(forge, 'changed')).toContain(1)
  })
})

test('a limit that is spent -> FORGE_UNREACHABLE, and what is unchanged spends nothing', async () => {
  const limited = await openWorld('', { rateLimit: 20 })
  const forge = limited.open()
  await forge.open(numbered(1), TEXT)
  await forge.openPulls('changed')
  const spent = limited.github.spent()
  for (let i = 0; i < 50; i++) await forge.openPulls('changed')
  expect(limited.github.spent()).toBe(spent)
  let calls = 0
  const more = async () => {
    for (; calls < 40; calls++) await limited.open().identity()
  }
  await expect(more()).rejects.toMatchObject({ code: 'FORGE_UNREACHABLE', retryable: true })
  expect(calls).toBe(20 - spent)
  await limited.close()
})

test('with answers that take their time, two engines still open one pull request and both reviews stay', async () => {
  const slow = await openWorld('', { latencyMs: () => 20 * Math.random() })
  const [one, other] = [slow.open(), slow.open()]
  const numbers = await Promise.all([one, other].map((forge) => forge.open(numbered(1), TEXT)))
  expect(numbers).toEqual([1, 1])
  await Promise.all([post(one, 1, numbered(1), 'ana'), post(other, 1, numbered(1), 'bo')])
  expect(await one.reviews(1)).toHaveLength(2)
  await slow.close()
})
