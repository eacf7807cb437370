import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openGithubForge } from '../../src/host/forge-github.ts'
import { readGithubCredentials } from '../../src/host/github/credentials.ts'
import { openGate } from '../../src/host/github/gate.ts'
import type { Forge } from '../../src/model/ports.ts'
import { closingOf, numbered, post, TEXT } from '../contract/forge.ts'
import { startFakeGithub } from '../support/fake-github/server.ts'
import { FAST, openWorld, type World } from '../support/fake-github/world.ts'

let world: World
beforeEach(async () => {
  world = await openWorld()
})
afterEach(async () => {
  await world.close()
})

const ID = 'req_00000000000000000001'
const BRANCH = `countersign/${ID}`

async function opened(forge: Forge = world.open()): Promise<{ forge: Forge; headSha: string }> {
  expect(await forge.open(numbered(1), TEXT)).toBe(1)
  return { forge, headSha: (await forge.pull(1)).headSha }
}

const read = (...args: string[]) => world.github.state.repository.git(...args)
const filesOn = async (ref: string) => (await read('ls-tree', '-r', '--name-only', ref)).split('\n')

describe('what GitHub refuses', () => {
  const SECRET = `ghp_${'a'.repeat(36)}`
  test.for([
    {
      name: '401',
      answer: { status: 401, body: { message: `Bad ${SECRET}` } },
      want: 'FORGE_UNAUTHORIZED',
      says: /replace the token/,
    },
    {
      name: '403',
      answer: {
        status: 403,
        headers: { 'x-accepted-github-permissions': 'contents=read' },
        body: { message: `No ${SECRET}` },
      },
      want: 'FORGE_REFUSED',
      says: /contents=read/,
    },
    {
      name: '404',
      answer: { status: 404, body: { message: 'Not Found' } },
      want: 'FORGE_REFUSED',
      says: /forge\.repository/,
    },
    {
      name: '422',
      answer: {
        status: 422,
        body: { message: 'Validation Failed', errors: [{ message: SECRET }, 'two'] },
      },
      want: 'FORGE_REFUSED',
      says: /Validation Failed; \[token\]; two/,
    },
    {
      name: '451',
      answer: { status: 451, body: { message: 'a\n\u202eb' } },
      want: 'FORGE_REFUSED',
      says: /451: a b/,
    },
    {
      name: 'a page of HTML',
      answer: { status: 200, body: '<h1>Log in</h1>' },
      want: 'FORGE_UNREACHABLE',
      says: /not an answer/,
    },
    {
      name: 'another document',
      answer: { status: 200, body: { id: 'x' } },
      want: 'FORGE_UNREACHABLE',
      says: /has no id/,
    },
    {
      name: '500 for ever',
      answer: { status: 500, body: 'oh' },
      want: 'FORGE_UNREACHABLE',
      says: /500/,
    },
    { name: 'no answer at all', want: 'FORGE_UNREACHABLE', says: /cannot be reached/ },
  ] as const)('$name -> $want', async ({ want, says, ...row }) => {
    world.github.fail({ times: 99, ...('answer' in row ? { answer: row.answer } : {}) })
    const error = await world
      .open()
      .identity()
      .catch((cause: unknown) => cause)
    expect(error).toMatchObject({ code: want, retryable: want === 'FORGE_UNREACHABLE' })
    expect(String(error)).toMatch(says)
    const all = JSON.stringify(error, Object.getOwnPropertyNames(error))
    expect(all).not.toContain(SECRET)
    expect(all).not.toContain(world.bot.token)
  })

  test.for([
    { name: 'an unknown token', token: `ghp_${'0'.repeat(36)}`, want: 'FORGE_UNAUTHORIZED' },
    { name: 'who may only read', login: 'ana', want: 'FORGE_REFUSED' },
    { name: 'who may see nothing', login: 'outsider', want: 'FORGE_REFUSED' },
  ] as const)('$name cannot open -> $want', async ({ want, ...row }) => {
    const outsider = world.github.addAccount('outsider', { permission: 'none' })
    const tokens = { ana: world.people.ana.token, outsider: outsider.token }
    const token = 'token' in row ? row.token : tokens[row.login]
    await expect(world.open({ token }).open(numbered(1), TEXT)).rejects.toMatchObject({
      code: want,
    })
    expect(await read('branch', '--list', 'countersign/*')).toBe('')
  })

  test('a base branch that is not there -> GIT_FAILED', async () => {
    await read('update-ref', '-d', 'refs/heads/main')
    const opening = world.open().open(numbered(1), TEXT)
    await expect(opening).rejects.toMatchObject({ code: 'GIT_FAILED' })
  })

  test('the account that opened it cannot review -> REVIEW_SELF', async () => {
    const forge = world.open({ token: world.people.ana.token })
    world.people.ana.permission = 'write'
    await forge.open(numbered(1), TEXT)
    await expect(post(forge, 1, numbered(1), 'ana')).rejects.toMatchObject({ code: 'REVIEW_SELF' })
  })
})

describe('requests and texts of others', () => {
  test.for([
    '',
    '../main',
    'req_',
    'req_0000000000000000000/',
    `${ID}\n`,
    `req_${'a'.repeat(41)}`,
    'req_0000000000000000000A',
  ])('the id %o -> REQUEST_TAMPERED, and nothing is asked', async (id) => {
    const opening = world.open().open(numbered(1, { id }), TEXT)
    await expect(opening).rejects.toMatchObject({ code: 'REQUEST_TAMPERED' })
    expect(world.github.seen).toEqual([])
  })

  test('texts that are too long are cut to what GitHub takes', async () => {
    const text = { title: 'é'.repeat(1000), body: '😀'.repeat(50_000), reviewers: [] }
    await world.open().open(numbered(1), text)
    expect(world.github.pull(1).body).toHaveLength(65_536)
    expect(world.github.pull(1).title).toHaveLength(256)
  })

  test("an agent's words do not reach commit messages", async () => {
    const forge = world.open()
    const request = numbered(1, { action: 'fixes #1 @acme/all\n\nReviewed-by: ana', agent: '@all' })
    await forge.open(request, TEXT)
    const { headSha } = await forge.pull(1)
    await forge.settle(1, headSha, closingOf({ reason: 'closes #2', by: ['@cy #3'] }))
    expect(await read('log', '--format=%B', 'main')).not.toMatch(/@|#|Reviewed-by: ana/)
  })
})

describe('reviews', () => {
  test('of 250, on three pages, all come, oldest first', async () => {
    const { forge } = await opened()
    for (let i = 0; i < 250; i++) world.github.review(1, { user: world.people.bo, body: `${i}` })
    const reviews = await forge.reviews(1)
    expect(reviews.map(({ body }) => body)).toEqual(Array.from({ length: 250 }, (_, i) => `${i}`))
    expect(world.github.count('pulls/list-reviews')).toBe(3)
  })

  test('the 101st is seen although the page before it did not change', async () => {
    const { forge } = await opened()
    for (let i = 0; i < 100; i++) world.github.review(1, { user: world.people.bo })
    expect(await forge.reviews(1)).toHaveLength(100)
    world.github.review(1, { user: world.people.cy, state: 'CHANGES_REQUESTED' })
    expect((await forge.reviews(1)).at(-1)).toMatchObject({ state: 'rejected' })
  })

  test('a page that fails fails them all', async () => {
    const { forge } = await opened()
    for (let i = 0; i < 150; i++) world.github.review(1, { user: world.people.bo })
    let pages = 0
    world.github.fail({
      ...{ on: 'pulls/list-reviews', times: 1 },
      meanwhile: async () => {
        pages += 1
        world.github.fail({ on: 'pulls/list-reviews', times: 9, answer: { status: 502, body: '' } })
      },
    })
    await expect(forge.reviews(1)).rejects.toMatchObject({ code: 'FORGE_UNREACHABLE' })
    expect(pages).toBe(1)
  })

  test.for([
    ['APPROVED', 'approved'],
    ['CHANGES_REQUESTED', 'rejected'],
    ['COMMENTED', 'commented'],
    ['DISMISSED', 'dismissed'],
    ['PENDING', null],
    ['SOMETHING_NEW', 'commented'],
  ] as const)('%s -> %s', async ([state, want]) => {
    const { forge } = await opened()
    world.github.review(1, { user: world.bot, state: state as 'APPROVED' })
    const [review] = await forge.reviews(1)
    expect(review?.state ?? null).toBe(want)
  })

  test('say by whom: a person, a bot, or an account that is gone', async () => {
    const { forge } = await opened()
    for (const user of [world.people.cy, world.bot, null]) world.github.review(1, { user })
    const found = (await forge.reviews(1)).map(({ poster, posterKind }) => [poster, posterKind])
    const { cy } = world.people
    expect(found).toEqual([
      [String(cy.id), 'person'],
      [String(world.bot.id), 'bot'],
      [null, 'gone'],
    ])
  })

  test('edited and dismissed afterwards are seen so', async () => {
    const { forge } = await opened()
    const review = world.github.review(1, { user: world.people.bo, body: 'one' })
    expect(await forge.reviews(1)).toMatchObject([{ body: 'one', state: 'approved' }])
    review.body = 'two'
    expect(await forge.reviews(1)).toMatchObject([{ body: 'two', state: 'approved' }])
    review.state = 'DISMISSED'
    expect(await forge.reviews(1)).toMatchObject([{ body: 'two', state: 'dismissed' }])
  })

  test('that somebody else has posted word for word is posted all the same', async () => {
    const { forge } = await opened()
    const { ana, bo, cy } = world.people
    await post(world.open({ token: bo.token }), 1, numbered(1), 'ana')
    const [{ body } = { body: '' }] = await forge.reviews(1)
    Object.assign(world.github.pull(1).reviews[0] ?? {}, { user: cy })
    const { headSha } = await forge.pull(1)
    const predicate = { reviewer: 'ana', verdict: 'approve', pull: { headSha } }
    const review = { statement: { predicate } as never, body, submittedAt: 0, account: null }
    for (let i = 0; i < 2; i++) await forge.postReview(1, review)
    const posters = (await forge.reviews(1)).map(({ poster }) => poster)
    expect(posters).toEqual([cy, ana].map(({ id }) => String(id)))
  })

  test('posted while the answer is lost, once', async () => {
    const { forge } = await opened()
    world.github.fail({ on: 'pulls/create-review', when: 'after' })
    await post(forge, 1, numbered(1), 'ana')
    expect(await forge.reviews(1)).toHaveLength(1)
    expect(world.github.count('pulls/create-review')).toBe(1)
  })

  test('on a head that moved meanwhile -> FORGE_CONFLICT', async () => {
    const { forge } = await opened()
    const move = async () => void (await world.github.push(BRANCH, { 'a.txt': 'a' }))
    world.github.fail({
      on: 'pulls/create-review',
      meanwhile: move,
      answer: { status: 502, body: '' },
    })
    await expect(post(forge, 1, numbered(1), 'ana')).rejects.toMatchObject({
      code: 'FORGE_CONFLICT',
    })
    expect(await forge.reviews(1)).toEqual([])
  })
})

describe('what others do to the repository', () => {
  test('a second push -> REQUEST_TAMPERED, and settling FORGE_CONFLICT', async () => {
    const { forge, headSha } = await opened()
    await world.github.push(BRANCH, { 'policies/all.yaml': 'allow: all' })
    await expect(forge.pull(1)).rejects.toMatchObject({ code: 'REQUEST_TAMPERED' })
    await expect(forge.settle(1, headSha, closingOf())).rejects.toMatchObject({
      code: 'FORGE_CONFLICT',
    })
    expect(await filesOn('main')).toEqual(['README.md', ''])
  })

  test('a push between look and merge -> FORGE_CONFLICT, and nothing is merged', async () => {
    const { forge, headSha } = await opened()
    const move = async () => void (await world.github.push(BRANCH, { 'a.txt': 'a' }))
    world.github.fail({ on: 'pulls/merge', meanwhile: move })
    await expect(forge.settle(1, headSha, closingOf())).rejects.toMatchObject({
      code: 'FORGE_CONFLICT',
    })
    expect(await filesOn('main')).toEqual(['README.md', ''])
  })

  test.for(['a.txt', 'z.txt'])(
    'a branch that holds the request and %s -> REQUEST_TAMPERED',
    async (file) => {
      await world.github.push(BRANCH, { [`requests/${ID}/request.json`]: '{}', [file]: 'a' })
      const opening = world.open().open(numbered(1), TEXT)
      await expect(opening).rejects.toMatchObject({
        code: 'REQUEST_TAMPERED',
        message: expect.stringContaining('does more than add one request'),
      })
      expect(world.github.state.pulls).toEqual([])
    },
  )

  test('a branch that holds another request -> REQUEST_TAMPERED', async () => {
    await world.github.push(BRANCH, { [`requests/${ID}/request.json`]: '{}\n' })
    const opening = world.open().open(numbered(1), TEXT)
    await expect(opening).rejects.toMatchObject({ code: 'REQUEST_TAMPERED' })
  })

  test.for(['base', 'head'])('the %s in another repository -> REQUEST_TAMPERED', async (side) => {
    const { forge } = await opened()
    if (side === 'base') world.github.state.id += 1
    else Object.assign(world.github.pull(1), { headRepository: 1 })
    await expect(forge.pull(1)).rejects.toMatchObject({ code: 'REQUEST_TAMPERED' })
  })

  test('a tag of the same name as the base does not stand for it', async () => {
    const { forge, headSha } = await opened()
    await read('update-ref', 'refs/tags/main', headSha)
    expect(await forge.onBase(headSha)).toBe(false)
  })

  test('a request that is longer than any answer may be -> FORGE_UNREACHABLE', async () => {
    const { forge } = await opened()
    const content = 'a'.repeat(33 * 1024 * 1024)
    const blob = { sha: 'f'.repeat(40), size: 1, encoding: 'base64', content }
    world.github.fail({ on: 'git/get-blob', times: 9, answer: { status: 200, body: blob } })
    await expect(world.open().pull(1)).rejects.toMatchObject({
      code: 'FORGE_UNREACHABLE',
      message: expect.stringContaining('too long'),
    })
    expect(await forge.pull(1)).toMatchObject({ number: 1 })
  })

  test('the base moves: the base commit stays, and it settles', async () => {
    const { forge, headSha } = await opened()
    const { baseSha } = await forge.pull(1)
    await world.github.push('main', { 'other.txt': 'x' })
    expect(await forge.pull(1)).toMatchObject({ baseSha, headSha })
    await forge.settle(1, headSha, closingOf())
    expect(await forge.onBase(headSha)).toBe(true)
    expect(await filesOn('main')).toContain('other.txt')
  })

  test('the base moves between reading and writing it: nothing is lost', async () => {
    const { forge, headSha } = await opened()
    const move = async () => void (await world.github.push('main', { 'other.txt': 'x' }))
    world.github.fail({ on: 'git/update-ref', times: 2, meanwhile: move })
    await forge.settle(1, headSha, closingOf({ decision: 'REJECTED' }))
    const files = await filesOn('main')
    expect(files).toContain('other.txt')
    expect(files).toContain(`requests/${ID}/decision.json`)
    expect(world.github.count('git/update-ref', 422)).toBeGreaterThan(0)
  })

  test.for(['REJECTED', 'APPROVED'] as const)(
    'a deleted branch, then %s: it is closed, and the outcome kept',
    async (decision) => {
      const { forge, headSha } = await opened()
      await read('update-ref', '-d', `refs/heads/${BRANCH}`)
      world.github.pull(1).state = 'closed'
      expect(await forge.pull(1)).toMatchObject({ state: 'closed', headSha })
      await forge.settle(1, headSha, closingOf({ decision }))
      expect(await read('show', `main:requests/${ID}/decision.json`)).toBe('{"receipt":1}')
      expect(await forge.open(numbered(1), TEXT)).toBe(1)
    },
  )

  test('another outcome on the base is replaced by ours', async () => {
    const { forge, headSha } = await opened()
    await world.github.push('main', { [`requests/${ID}/decision.json`]: 'forged' })
    await forge.settle(1, headSha, closingOf())
    expect(await read('show', `main:requests/${ID}/decision.json`)).toBe('{"receipt":1}')
  })

  test('a merge that cannot be made -> FORGE_REFUSED', async () => {
    const { forge, headSha } = await opened()
    await world.github.push('main', { [`requests/${ID}/request.json`]: 'another' })
    const settling = forge.settle(1, headSha, closingOf())
    await expect(settling).rejects.toMatchObject({ code: 'FORGE_REFUSED' })
    const answer = { status: 405, body: { message: 'Pull Request is not mergeable' } }
    world.github.fail({ on: 'pulls/merge', times: 99, answer })
    const again = forge.settle(1, headSha, closingOf())
    await expect(again).rejects.toMatchObject({ code: 'FORGE_REFUSED' })
  })

  test.for([
    { rule: { protectedBase: true }, says: /main/ },
    { rule: { mergeCommitsAllowed: false }, says: /merge commits/i },
  ])('a rule that stands against it -> FORGE_REFUSED: $says', async ({ rule, says }) => {
    const { forge, headSha } = await opened()
    Object.assign(world.github.state, rule)
    const error = await forge.settle(1, headSha, closingOf()).catch((cause: unknown) => cause)
    expect(error).toMatchObject({ code: 'FORGE_REFUSED', retryable: false })
    expect(String(error)).toMatch(says)
    Object.assign(world.github.state, { protectedBase: false, mergeCommitsAllowed: true })
    await forge.settle(1, headSha, closingOf())
    expect(await forge.pull(1)).toMatchObject({ state: 'merged' })
  })
})

describe('an answer that is lost, or a crash after the call', () => {
  const OPENING = [
    'git/create-tree',
    'git/create-commit',
    'git/create-ref',
    'pulls/create',
    'issues/add-labels',
  ]
  const SETTLING = [
    'pulls/merge',
    'git/create-tree',
    'git/create-commit',
    'git/update-ref',
    'git/delete-ref',
  ]

  test.for(OPENING)('%s while opening: one branch, one pull request', async (on) => {
    world.github.fail({ on, when: 'after', times: 3 })
    const first = await world
      .open()
      .open(numbered(1), TEXT)
      .catch((cause: unknown) => cause)
    if (first !== 1) expect(first).toMatchObject({ code: 'FORGE_UNREACHABLE' })
    world.github.heal()
    expect(await world.open().open(numbered(1), TEXT)).toBe(1)
    expect(world.github.state.pulls).toHaveLength(1)
    expect(world.github.pull(1).labels).toEqual(['countersign', 'priority: high'])
    expect((await world.open().pull(1)).requestText).toContain(ID)
  })

  test.for(SETTLING)('%s while settling: one merge, one outcome', async (on) => {
    const { headSha } = await opened()
    const before = Number(await read('rev-list', '--count', '--first-parent', 'main'))
    world.github.fail({ on, when: 'after', times: 3 })
    await world
      .open()
      .settle(1, headSha, closingOf())
      .catch((cause: unknown) => {
        expect(cause).toMatchObject({ code: 'FORGE_UNREACHABLE' })
      })
    world.github.heal()
    await world.open().settle(1, headSha, closingOf())
    expect(await world.open().pull(1)).toMatchObject({ state: 'merged', headSha })
    expect(Number(await read('rev-list', '--count', '--first-parent', 'main'))).toBe(before + 2)
    expect(await read('branch', '--list', 'countersign/*')).toBe('')
    expect(await read('fsck', '--strict', '--no-progress', '--no-dangling')).toBe('')
  })

  test('a rejection that was closed only: the outcome follows', async () => {
    const { forge, headSha } = await opened()
    world.github.fail({ on: 'git/create-tree', times: 9, answer: { status: 502, body: '' } })
    const closing = closingOf({ decision: 'REJECTED' })
    await expect(forge.settle(1, headSha, closing)).rejects.toMatchObject({ retryable: true })
    expect(await forge.pull(1)).toMatchObject({ state: 'closed' })
    world.github.heal()
    await forge.settle(1, headSha, closing)
    expect(await filesOn('main')).toContain(`requests/${ID}/decision.json`)
  })
})

describe('limits and outages', () => {
  test('what did not change is asked for by its ETag', async () => {
    const { forge } = await opened()
    await forge.reviews(1)
    const from = world.github.seen.length
    for (let i = 0; i < 5; i++) {
      await forge.pull(1)
      await forge.reviews(1)
    }
    const polled = world.github.seen.slice(from)
    expect(polled).toHaveLength(10)
    expect(polled.every(({ conditional, status }) => conditional && status === 304)).toBe(true)
  })

  test('a 502 that passes is tried again', async () => {
    world.github.fail({ times: 2, answer: { status: 502, body: '' } })
    expect(await world.open().identity()).toMatchObject({ repository: '987654321' })
    expect(world.github.count('repos/get')).toBe(3)
  })

  const SECONDARY = {
    status: 403,
    headers: { 'retry-after': '3' },
    body: { message: 'You have exceeded a secondary rate limit. Please wait a few minutes.' },
  }

  test('a short pause that GitHub asks for is kept', async () => {
    const forge = world.open({ timing: { ...FAST, secondMs: 20 } })
    world.github.fail({ answer: SECONDARY })
    const start = performance.now()
    await forge.identity()
    expect(performance.now() - start).toBeGreaterThan(55)
    expect(world.github.count('repos/get')).toBe(2)
  })

  test.for([
    { name: 'secondary', answer: { ...SECONDARY, headers: { 'retry-after': '60' } } },
    {
      name: 'secondary, 429',
      answer: { ...SECONDARY, status: 429, headers: { 'retry-after': '60' } },
    },
    { name: 'secondary, of a length that is not said', answer: { ...SECONDARY, headers: {} } },
    {
      name: 'primary',
      answer: {
        status: 403,
        headers: {
          'x-ratelimit-remaining': '0',
          'x-ratelimit-reset': String(Math.floor(Date.now() / 1000) + 900),
        },
        body: { message: 'API rate limit exceeded for user ID 1.' },
      },
    },
  ])(
    'a long pause ($name) -> FORGE_UNREACHABLE, and nothing is asked meanwhile',
    async ({ answer }) => {
      const forge = world.open({ timing: { ...FAST, secondMs: 5 } })
      world.github.fail({ answer })
      const code = { code: 'FORGE_UNREACHABLE', retryable: true }
      await expect(forge.identity()).rejects.toMatchObject(code)
      for (let i = 0; i < 5; i++) await expect(forge.identity()).rejects.toMatchObject(code)
      expect(world.github.seen).toHaveLength(1)
      if (answer.headers['retry-after' as never] === undefined) return
      await sleep(60 * 5 + 20)
      expect(await forge.identity()).toMatchObject({ kind: 'github' })
    },
  )

  test('a pause asked for while labels are set is no missing permission', async () => {
    const answer = { ...SECONDARY, headers: { 'retry-after': '60' } }
    const forge = world.open({ timing: { ...FAST, secondMs: 5 } })
    world.github.fail({ on: 'issues/add-labels', answer })
    const opening = forge.open(numbered(1), TEXT)
    await expect(opening).rejects.toMatchObject({ code: 'FORGE_UNREACHABLE', retryable: true })
    await sleep(60 * 5 + 20)
    expect(await forge.open(numbered(1), TEXT)).toBe(1)
    expect(world.github.pull(1).labels).toContain('countersign')
  })

  test('labels that may not be set are left out', async () => {
    world.github.fail({ on: 'issues/add-labels', answer: { status: 403, body: { message: 'No' } } })
    expect(await world.open().open(numbered(1), TEXT)).toBe(1)
  })

  test('an outage for a while: every call fails and may be tried again, then all goes on', async () => {
    const { forge, headSha } = await opened()
    await world.github.refuse()
    const calls = [
      () => forge.open(numbered(2), TEXT),
      () => forge.pull(1),
      () => forge.reviews(1),
      () => forge.onBase(headSha),
      () => forge.settle(1, headSha, closingOf()),
      () => post(forge, 1, numbered(1), 'ana'),
    ]
    for (const call of calls) {
      await expect(call()).rejects.toMatchObject({ code: 'FORGE_UNREACHABLE', retryable: true })
    }
    await world.github.listen()
    expect(await forge.open(numbered(2), TEXT)).toBe(2)
    await post(forge, 1, numbered(1), 'ana')
    await forge.settle(1, headSha, closingOf())
    expect(await forge.pull(1)).toMatchObject({ state: 'merged' })
  })

  test('an answer that does not come in time -> FORGE_UNREACHABLE', async () => {
    const forge = world.open({ timing: { ...FAST, timeoutMs: 30 } })
    const meanwhile = async () => void (await sleep(200))
    world.github.fail({ times: 9, meanwhile, answer: { status: 502, body: '' } })
    await expect(forge.identity()).rejects.toMatchObject({ code: 'FORGE_UNREACHABLE' })
  })

  test('changes are paced: a few at once, then one after another', async () => {
    const pass = openGate({ burst: 3, everyMs: 50 })
    const start = performance.now()
    const times = await Promise.all(
      Array.from({ length: 6 }, async () => {
        await pass()
        return performance.now() - start
      }),
    )
    // A busy machine only makes it later.
    for (const [i, at] of [0, 0, 0, 45, 95, 145].entries()) {
      expect(times[i]).toBeGreaterThanOrEqual(at)
    }
  })

  test('every change of a forge passes the gate', async () => {
    const forge = world.open({ timing: { ...FAST, secondMs: 400 } })
    const start = performance.now()
    for (let i = 1; i <= 4; i++) await forge.open(numbered(i), TEXT) // 5 changes each.
    await Promise.all([5, 6].map((i) => forge.open(numbered(i), TEXT)))
    // Twenty of the thirty are of the burst.
    expect(performance.now() - start).toBeGreaterThan(3900)
  })
})

describe('credentials', () => {
  const TOKEN = `ghp_${'b'.repeat(36)}`
  test.for([
    { name: 'its own', env: { COUNTERSIGN_GITHUB_TOKEN: TOKEN } },
    { name: 'the ambient one', env: { GITHUB_TOKEN: `${TOKEN}\n` } },
    {
      name: 'its own, to another server',
      env: { COUNTERSIGN_GITHUB_TOKEN: TOKEN },
      url: 'https://ghe.test/api/v3',
    },
    {
      name: 'the ambient one, to the server it is of',
      env: { GITHUB_TOKEN: TOKEN, GITHUB_API_URL: 'https://ghe.test/api/v3' },
      url: 'https://ghe.test/api/v3',
    },
  ])('$name is read', ({ env, url }) => {
    expect(readGithubCredentials(env, url)).toEqual({ kind: 'token', token: TOKEN })
  })

  test.for([
    { name: 'none', env: {} },
    { name: 'an empty one', env: { GITHUB_TOKEN: ' ' } },
    { name: 'one of two words', env: { COUNTERSIGN_GITHUB_TOKEN: `${TOKEN}\n${TOKEN}` } },
    {
      name: 'the ambient one for another server',
      env: { GITHUB_TOKEN: TOKEN },
      url: 'https://evil.test',
    },
    {
      name: 'the ambient one of an Enterprise server, for the public GitHub',
      env: { GITHUB_TOKEN: TOKEN, GITHUB_API_URL: 'https://ghe.test/api/v3' },
      url: 'https://api.github.com',
    },
    { name: 'half an App', env: { COUNTERSIGN_GITHUB_APP_ID: '1', GITHUB_TOKEN: TOKEN } },
    {
      name: 'an App without a key',
      env: {
        COUNTERSIGN_GITHUB_APP_ID: '1',
        COUNTERSIGN_GITHUB_INSTALLATION_ID: '2',
        COUNTERSIGN_GITHUB_APP_KEY_FILE: '/nowhere',
      },
    },
    {
      name: 'an App without a number',
      env: {
        COUNTERSIGN_GITHUB_APP_ID: 'x',
        COUNTERSIGN_GITHUB_INSTALLATION_ID: '2',
        COUNTERSIGN_GITHUB_APP_KEY_FILE: '/nowhere',
      },
    },
  ])('$name -> FORGE_UNAUTHORIZED', ({ env, url }) => {
    let error: unknown
    try {
      readGithubCredentials(env, url)
    } catch (cause) {
      error = cause
    }
    expect(error).toMatchObject({ code: 'FORGE_UNAUTHORIZED', retryable: false })
    expect(String(error)).not.toContain(TOKEN)
  })

  test.for([true, false])("an App's installation, key sound: %o", async (sound) => {
    const folder = mkdtempSync(join(tmpdir(), 'countersign-app-'))
    const pair = () => generateKeyPairSync('rsa', { modulusLength: 2048 })
    const [{ privateKey, publicKey }, other] = [pair(), pair()]
    const pem = { type: 'pkcs1', format: 'pem' } as const
    writeFileSync(join(folder, 'key.pem'), (sound ? privateKey : other.privateKey).export(pem))
    const github = await startFakeGithub({
      ...{ folder: join(folder, 'r.git'), prefix: '/api/v3' },
      app: { id: 7, installation: 8, publicKey: publicKey.export(pem).toString() },
    })
    const environment = {
      COUNTERSIGN_GITHUB_APP_ID: '7',
      COUNTERSIGN_GITHUB_INSTALLATION_ID: '8',
      COUNTERSIGN_GITHUB_APP_KEY_FILE: join(folder, 'key.pem'),
    }
    const forge = openGithubForge({
      ...{ repository: 'acme/approvals', base: 'main', apiUrl: github.url, timing: FAST },
      credentials: () => readGithubCredentials(environment, github.url),
    })
    if (sound) {
      expect(await forge.open(numbered(1), TEXT)).toBe(1)
      expect(github.pull(1).author).toMatchObject({ type: 'Bot' })
      expect(github.count('apps/create-installation-access-token')).toBe(1)
      expect(forge.where(1)).toBe(`${new URL(github.url).origin}/acme/approvals/pull/1`)
    } else {
      await expect(forge.identity()).rejects.toMatchObject({ code: 'FORGE_UNAUTHORIZED' })
    }
    await github.close()
    rmSync(folder, { recursive: true })
    expect(github.flaws).toEqual([])
  })

  test.for([
    ['https://api.github.com', 'https://github.com/acme/approvals/pull/7'],
    ['https://api.acme.ghe.com', 'https://acme.ghe.com/acme/approvals/pull/7'],
    ['https://api.corp.test/api/v3', 'https://api.corp.test/acme/approvals/pull/7'],
  ])('%s -> %s', ([apiUrl, want]) => {
    const about = { repository: 'acme/approvals', base: 'main', apiUrl: apiUrl as string }
    const forge = openGithubForge({ ...about, credentials: () => readGithubCredentials({}) })
    expect(forge.where(7)).toBe(want)
  })
})
