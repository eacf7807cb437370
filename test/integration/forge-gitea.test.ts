import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import type { Forge } from '../../src/model/ports.ts'
import { closingOf, numbered, post, TEXT, testForge } from '../contract/forge.ts'
import {
  FAST,
  type GiteaTeam,
  type GiteaWorld,
  openTeam,
  openWorld,
} from './support/gitea-world.ts'

// Gitea 1.26.0, built from its Go module: its own server, database and git.

let team: GiteaTeam
beforeAll(async () => {
  team = await openTeam()
})
afterAll(async () => {
  await team.gitea.close()
})

// Most of the time is spent in Git's processes and in the whole seconds of Gitea's clock.
describe.concurrent('the contract', () => {
  testForge('Gitea', async () => {
    const world = await openWorld(team)
    type Comment = { readonly body: string }
    return {
      forge: world.open(),
      again: () => world.open(),
      people: team.roster,
      said: async (number) => {
        const comments = await world.ask(team.engine, `GET /issues/${number}/comments`)
        return (comments as Comment[]).map(({ body }) => body)
      },
    }
  })
})

const ID = 'req_00000000000000000001'
const BRANCH = `countersign/${ID}`
type Opened = { readonly world: GiteaWorld; readonly forge: Forge; readonly headSha: string }

async function opened(settings: object = {}, reviewers: readonly string[] = []): Promise<Opened> {
  const world = await openWorld(team, settings)
  const forge = world.open()
  expect(await forge.open(numbered(1), { ...TEXT, reviewers })).toBe(1)
  return { world, forge, headSha: (await forge.pull(1)).headSha }
}

/** Commits files as bo does, who may write. */
async function push(world: GiteaWorld, branch: string, files: Record<string, string>, from = '') {
  const entries = Object.entries(files).map(([path, text]) => {
    return { operation: 'upload', path, content: Buffer.from(text).toString('base64') }
  })
  const branches = from === '' ? { branch } : { branch: from, new_branch: branch }
  await world.ask(team.people.bo, 'POST /contents', { ...branches, files: entries })
}

/** A review as Gitea's own page posts it. */
async function review(world: GiteaWorld, who: keyof GiteaTeam['people'], words: object) {
  const made = await world.ask(team.people[who], 'POST /pulls/1/reviews', words)
  return made as { readonly id: number }
}

const filesOn = async (world: GiteaWorld, ref: string) =>
  (await world.git('ls-tree', '-r', '--name-only', ref)).trim().split('\n')

describe.concurrent('reviews on Gitea', () => {
  test.for([
    ['APPROVED', 'approved'],
    ['REQUEST_CHANGES', 'rejected'],
    ['COMMENT', 'commented'],
    ['APPROVE', null], // What GitHub wants: here it is a draft.
    ['PENDING', null],
  ] as const)('the event %s -> %s', async ([event, want]) => {
    const { world, forge } = await opened()
    await review(world, 'bo', { event, body: 'words' })
    const found = await forge.reviews(1)
    expect(found.map(({ state }) => state)).toEqual(want === null ? [] : [want])
  })

  test('dismissed: it keeps its state on Gitea, and is dismissed here', async () => {
    const { world, forge } = await opened()
    const { id } = await review(world, 'bo', { event: 'APPROVED', body: 'words' })
    await world.ask(team.gitea.admin, `POST /pulls/1/reviews/${id}/dismissals`, { message: 'no' })
    expect(await world.ask(team.engine, `GET /pulls/1/reviews/${id}`)).toMatchObject({
      ...{ state: 'APPROVED', dismissed: true },
    })
    expect(await forge.reviews(1)).toMatchObject([{ id: String(id), state: 'dismissed' }])
  })

  test('a comment on the pull request, and being asked for a review, are none', async () => {
    const { world, forge } = await opened({}, [String(team.people.cy.id)])
    await world.ask(team.people.bo, 'POST /issues/1/comments', { body: 'words' })
    const raw = (await world.ask(team.engine, 'GET /pulls/1/reviews')) as { state: string }[]
    expect(raw.map(({ state }) => state)).toEqual(['REQUEST_REVIEW'])
    expect(await forge.reviews(1)).toEqual([])
  })

  test('by a bot: posted by a bot', async () => {
    const { world, forge } = await opened()
    const bot = await team.gitea.user('robot', 'bot')
    await world.ask(team.gitea.admin, 'PUT /collaborators/robot', { permission: 'write' })
    await world.ask(bot, 'POST /pulls/1/reviews', { event: 'APPROVED', body: 'words' })
    expect(await forge.reviews(1)).toMatchObject([
      { poster: String(bot.id), posterKind: 'bot', state: 'approved' },
    ])
  })

  test('by an account that hides from the engine: not a person, as far as Gitea tells', async () => {
    const { world, forge } = await opened()
    const shy = await team.gitea.user('shy')
    await world.ask(team.gitea.admin, 'PUT /collaborators/shy', { permission: 'write' })
    await team.gitea.ask(team.gitea.admin, 'PATCH /admin/users/shy', {
      ...{ visibility: 'private', source_id: 0, login_name: 'shy' },
    })
    await world.ask(shy, 'POST /pulls/1/reviews', { event: 'APPROVED', body: 'words' })
    expect(await forge.reviews(1)).toMatchObject([{ poster: String(shy.id), posterKind: 'bot' }])
  })

  test('by an account that is deleted: gone', async () => {
    const { world, forge } = await opened()
    const fay = await team.gitea.user('fay')
    await world.ask(team.gitea.admin, 'PUT /collaborators/fay', { permission: 'write' })
    await world.ask(fay, 'POST /pulls/1/reviews', { event: 'APPROVED', body: 'words' })
    expect(await forge.reviews(1)).toMatchObject([{ posterKind: 'person' }])
    await team.gitea.ask(team.gitea.admin, 'DELETE /admin/users/fay')
    expect(await forge.reviews(1)).toMatchObject([
      { poster: null, posterKind: 'gone', state: 'approved' },
    ])
  })

  test('whose words were edited on the page: what was posted stays what is verified', async () => {
    const { world, forge } = await opened()
    await post(forge, 1, numbered(1), 'bo')
    const [before] = await forge.reviews(1)
    const timeline = await world.ask(team.engine, 'GET /issues/1/timeline')
    const entry = (timeline as { id: number; type: string }[]).find(({ type }) => type === 'review')
    const edited = await world.ask(team.gitea.admin, `PATCH /issues/comments/${entry?.id}`, {
      body: 'other words',
    })
    expect(edited).toMatchObject({ body: 'other words' })
    expect(await forge.reviews(1)).toEqual([before])
  })

  test('of 50, on three pages, with drafts of others among them: all come, each once', async () => {
    const { world, forge } = await opened()
    for (let i = 0; i < 15; i++) await review(world, 'bo', { event: 'COMMENT', body: `${i}` })
    await review(world, 'cy', { event: 'PENDING', body: 'a draft' })
    for (let i = 15; i < 50; i++) await review(world, 'bo', { event: 'COMMENT', body: `${i}` })
    const bodies = (await forge.reviews(1)).map(({ body }) => body)
    expect(bodies).toEqual(Array.from({ length: 50 }, (_, i) => `${i}`))
    // The first page lacks the draft, and is not the last for it.
    expect(await world.ask(team.engine, 'GET /pulls/1/reviews?limit=50')).toHaveLength(19)
  })

  test('a deleted one is gone, and a later one of the same account stays', async () => {
    const { world, forge } = await opened()
    const { id } = await review(world, 'bo', { event: 'APPROVED', body: 'one' })
    await review(world, 'bo', { event: 'REQUEST_CHANGES', body: 'two' })
    await world.ask(team.people.bo, `DELETE /pulls/1/reviews/${id}`)
    expect(await forge.reviews(1)).toMatchObject([{ body: 'two', state: 'rejected' }])
  })

  test('posted twice is there once', async () => {
    const { forge } = await opened()
    await post(forge, 1, numbered(1), 'ana')
    await post(forge, 1, numbered(1), 'ana')
    expect(await forge.reviews(1)).toHaveLength(1)
  })

  test('the account that opened it cannot review -> REVIEW_SELF', async () => {
    const world = await openWorld(team)
    const forge = world.open({ token: team.people.bo.token })
    await forge.open(numbered(1), TEXT)
    await expect(post(forge, 1, numbered(1), 'bo')).rejects.toMatchObject({ code: 'REVIEW_SELF' })
  })

  test.for(['ana', 'bo'] as const)(
    "%s's review with a token of another account -> REVIEW_POSTER, and nothing is posted",
    async (reviewer) => {
      const { world, forge, headSha } = await opened()
      const other = reviewer === 'ana' ? team.people.bo : team.people.ana
      const account = String(other.id)
      const statement = { predicate: { reviewer, verdict: 'approve', pull: { headSha } } }
      const posting = { statement: statement as never, body: 'x', submittedAt: 0, account }
      const posted = world.open().postReview(1, posting)
      await expect(posted).rejects.toMatchObject({ code: 'REVIEW_POSTER' })
      expect(await forge.reviews(1)).toEqual([])
    },
  )
})

describe.concurrent('what others do to the repository on Gitea', () => {
  test('a second push -> REQUEST_TAMPERED, settling FORGE_CONFLICT, and the reviews are stale', async () => {
    const { world, forge, headSha } = await opened()
    await post(forge, 1, numbered(1), 'bo')
    await push(world, BRANCH, { 'policies/all.yaml': 'allow: all' })
    await expect(forge.pull(1)).rejects.toMatchObject({ code: 'REQUEST_TAMPERED' })
    const settling = forge.settle(1, headSha, closingOf())
    await expect(settling).rejects.toMatchObject({ code: 'FORGE_CONFLICT' })
    // Commit ids alone are gone by: Gitea's own mark of a stale review comes later.
    expect(await forge.reviews(1)).toMatchObject([{ commit: headSha, state: 'approved' }])
    expect(await filesOn(world, 'main')).toEqual(['README.md'])
  })

  test.for([
    { name: 'another file', files: { 'a.txt': 'a' } },
    { name: 'a file before it', files: { '.a': 'a' } },
    { name: 'a file after it', files: { 'z.txt': 'a' } },
    {
      name: 'another request',
      files: { 'requests/req_00000000000000000002/request.json': '{}\n' },
    },
    { name: 'the README changed', files: { 'README.md': 'x' } },
  ])('a branch that holds the request and $name -> REQUEST_TAMPERED', async ({ files }) => {
    const world = await openWorld(team)
    const all = { [`requests/${ID}/request.json`]: '{}\n', ...files }
    await push(world, BRANCH, all, 'main')
    const opening = world.open().open(numbered(1), TEXT)
    await expect(opening).rejects.toMatchObject({
      code: 'REQUEST_TAMPERED',
      message: expect.stringContaining('does more than add one request'),
    })
    expect(await world.ask(team.engine, 'GET /pulls?state=all')).toEqual([])
  })

  test.for(['120000', '160000'])(
    "a file that becomes a link or a submodule (%s), which Gitea's list of files leaves out -> REQUEST_TAMPERED",
    async (mode) => {
      const world = await openWorld(team)
      await push(world, 'main', { 'z.txt': 'a' })
      const forge = world.open()
      await forge.open(numbered(1), TEXT)
      const main = (await world.git('rev-parse', 'main')).trim()
      const blob = (await world.git('rev-parse', 'main:README.md')).trim()
      const request = (await world.git('ls-tree', BRANCH, 'requests')).trim()
      const { execFileSync } = await import('node:child_process')
      const folder = (await world.git('rev-parse', '--absolute-git-dir')).trim()
      const git = (args: string[], input = '') =>
        execFileSync('git', ['-C', folder, ...args], { input })
          .toString()
          .trim()
      const readme = `100644 blob ${blob}\tREADME.md`
      const changed = `${mode} ${mode === '120000' ? `blob ${blob}` : `commit ${main}`}\tz.txt`
      const tree = git(['mktree', '--missing'], `${readme}\n${request}\n${changed}\n`)
      const identity = ['-c', 'user.name=x', '-c', 'user.email=x@y']
      const commit = git([...identity, 'commit-tree', '-p', main, '-m', 'x', tree])
      git(['update-ref', `refs/heads/${BRANCH}`, commit])
      const listed = await world.ask(team.engine, `GET /git/commits/${commit}`)
      expect((listed as { files: unknown[] }).files).toHaveLength(1)
      await expect(forge.pull(1)).rejects.toMatchObject({ code: 'REQUEST_TAMPERED' })
    },
  )

  test('a branch that holds another request -> REQUEST_TAMPERED', async () => {
    const world = await openWorld(team)
    await push(world, BRANCH, { [`requests/${ID}/request.json`]: '{}\n' }, 'main')
    const opening = world.open().open(numbered(1), TEXT)
    await expect(opening).rejects.toMatchObject({ code: 'REQUEST_TAMPERED' })
  })

  test("a branch that bears a commit's id as its name stands for nothing", async () => {
    const { world, forge, headSha } = await opened()
    await world.git('update-ref', `refs/heads/${headSha}`, 'main')
    await world.ask(team.gitea.admin, 'GET /branches')
    expect(await forge.onBase(headSha)).toBe(false)
    expect(await world.open().pull(1)).toMatchObject({ headSha })
  })

  test('a pull request from a fork -> REQUEST_TAMPERED', async () => {
    const world = await openWorld(team)
    const { bo } = team.people
    const name = `fork-${Date.now()}`
    await world.ask(bo, 'POST /forks', { name })
    const files = [{ operation: 'create', path: `requests/${ID}/request.json`, content: 'e30K' }]
    const route = `POST /repos/bo/${name}/contents`
    await team.gitea.ask(bo, route, { branch: 'main', new_branch: BRANCH, files })
    const head = `bo/${name}:${BRANCH}`
    await world.ask(bo, 'POST /pulls', { head, base: 'main', title: 'x' })
    await expect(world.open().pull(1)).rejects.toMatchObject({ code: 'REQUEST_TAMPERED' })
    expect(await world.open().openPulls('all')).toEqual([])
  })

  test("others' pull requests -> REQUEST_TAMPERED, and they are not listed", async () => {
    const { world, forge } = await opened()
    await push(world, 'feature', { 'a.txt': 'a' }, 'main')
    const about = { head: 'feature', base: 'main', title: 'mine' }
    await world.ask(team.people.bo, 'POST /pulls', about)
    await expect(forge.pull(2)).rejects.toMatchObject({ code: 'REQUEST_TAMPERED' })
    for (const which of ['all', 'changed'] as const) {
      expect((await world.open().openPulls(which)).map(({ number }) => number)).toEqual([1])
    }
    // An issue is no pull request.
    await world.ask(team.people.bo, 'POST /issues', { title: 'an issue' })
    await expect(forge.pull(3)).rejects.toMatchObject({ code: 'REQUEST_UNKNOWN' })
    expect((await forge.openPulls('changed')).map(({ number }) => number)).toEqual([1])
  })

  test('the base moves: the base commit stays, and it settles', async () => {
    const { world, forge, headSha } = await opened()
    const { baseSha } = await forge.pull(1)
    await push(world, 'main', { 'other.txt': 'x' })
    expect(await forge.pull(1)).toMatchObject({ baseSha, headSha })
    await forge.settle(1, headSha, closingOf())
    expect(await forge.onBase(headSha)).toBe(true)
    expect(await filesOn(world, 'main')).toContain('other.txt')
  })

  test.for(['REJECTED', 'APPROVED'] as const)(
    'its branch deleted by hand, then %s: it is closed, and the outcome kept',
    async (decision) => {
      const { world, forge, headSha } = await opened()
      await world.ask(team.people.bo, `DELETE /branches/${BRANCH}`)
      // Gitea closes it a moment later.
      const closed = { state: 'closed', headSha }
      await vi.waitFor(async () => expect(await forge.pull(1)).toMatchObject(closed), 20_000)
      await forge.settle(1, headSha, closingOf({ decision }))
      expect(await world.git('show', `main:requests/${ID}/decision.json`)).toBe('{"receipt":1}')
      expect(await forge.open(numbered(1), TEXT)).toBe(1)
    },
  )

  test('its branch made anew after the end: the head stays what it was', async () => {
    const { world, forge, headSha } = await opened()
    await forge.settle(1, headSha, closingOf())
    await push(world, BRANCH, { 'a.txt': 'a' }, 'main')
    expect(await forge.pull(1)).toMatchObject({ state: 'merged', headSha })
  })

  test('branches that Gitea deletes by itself: it settles, and opens to the same number', async () => {
    const { world, forge, headSha } = await opened({ default_delete_branch_after_merge: true })
    await forge.settle(1, headSha, closingOf())
    expect(await forge.pull(1)).toMatchObject({ state: 'merged', headSha })
    expect((await world.git('branch', '--list', 'countersign/*')).trim()).toBe('')
    expect(await forge.open(numbered(1), TEXT)).toBe(1)
  })

  test('another outcome on the base is replaced by ours', async () => {
    const { world, forge, headSha } = await opened()
    await push(world, 'main', { [`requests/${ID}/decision.json`]: 'forged' })
    await forge.settle(1, headSha, closingOf())
    expect(await world.git('show', `main:requests/${ID}/decision.json`)).toBe('{"receipt":1}')
  })

  test('a merge that cannot be made -> FORGE_REFUSED', async () => {
    const { world, forge, headSha } = await opened()
    await push(world, 'main', { [`requests/${ID}/request.json`]: 'another' })
    const impatient = world.open({ timing: { ...FAST, mergeMs: 1000 } })
    const settling = impatient.settle(1, headSha, closingOf())
    await expect(settling).rejects.toMatchObject({ code: 'FORGE_REFUSED' })
    expect(await forge.pull(1)).toMatchObject({ state: 'open' })
  })

  test.for([
    { settings: { allow_merge_commits: false }, says: /merge commits/ },
    { protection: { enable_push: false, required_approvals: 2 }, says: /main/ },
  ])('a rule that stands against it -> FORGE_REFUSED: $says', async ({ says, ...row }) => {
    const { world, forge, headSha } = await opened(row.settings ?? {})
    if (row.protection !== undefined) {
      const about = { rule_name: 'main', ...row.protection }
      await world.ask(team.gitea.admin, 'POST /branch_protections', about)
    }
    const error = await forge.settle(1, headSha, closingOf()).catch((cause: unknown) => cause)
    expect(error).toMatchObject({ code: 'FORGE_REFUSED', retryable: false })
    expect(String(error)).toMatch(says)
    expect(await forge.pull(1)).toMatchObject({ state: 'open' })
  })

  test("an agent's words do not reach commit messages, and its outcome lies beside the request", async () => {
    const world = await openWorld(team)
    const forge = world.open()
    const request = numbered(1, { action: 'fixes #1 @acme/all\n\nReviewed-by: ana', agent: '@all' })
    await forge.open(request, TEXT)
    await post(forge, 1, request, 'ana')
    const { headSha } = await forge.pull(1)
    await forge.settle(1, headSha, closingOf({ reason: 'closes #2', by: ['@cy #3'] }))
    const messages = await world.git('log', '--format=%B', 'main')
    expect(messages).not.toMatch(/@|#|Reviewed-by: ana/)
    expect(messages).toContain(`Approve ${ID}`)
    const files = await filesOn(world, 'main')
    expect(files.filter((file) => file.startsWith(`requests/${ID}/`))).toHaveLength(4)
  })
})

describe.concurrent('people and display on Gitea', () => {
  const asked = async (world: GiteaWorld) => {
    const pull = await world.ask(team.engine, 'GET /pulls/1')
    const { requested_reviewers: users } = pull as { requested_reviewers: { login: string }[] }
    return users.map(({ login }) => login).toSorted()
  }

  test('those who can be asked are, the others are left out, and who has reviewed is not again', async () => {
    const stranger = await team.gitea.user('stranger')
    const ids = [...Object.values(team.people), stranger, team.engine].map(({ id }) => String(id))
    const { world, forge } = await opened({}, ids)
    expect(await asked(world)).toEqual(['ana', 'bo', 'cy'])
    await post(forge, 1, numbered(1), 'bo')
    const rows = async () => {
      const reviews = await world.ask(team.engine, 'GET /pulls/1/reviews')
      return (reviews as { state: string }[]).map(({ state }) => state).toSorted()
    }
    const before = await rows()
    expect(before.filter((state) => state === 'APPROVED')).toHaveLength(1)
    await world.open().open(numbered(1), { ...TEXT, reviewers: ids })
    expect(await rows()).toEqual(before)
  })

  test('a notice asks for more reviews, and a marker that somebody else wrote stops none', async () => {
    const { world, forge } = await opened()
    const body = 'mine\n\n<!-- countersign:escalate-a -->\n'
    await world.ask(team.people.bo, 'POST /issues/1/comments', { body })
    const reviewers = [String(team.people.cy.id)]
    await forge.notify(1, { key: 'escalate-a', text: 'Now you.', reviewers })
    expect(await asked(world)).toEqual(['cy'])
    expect(await world.ask(team.engine, 'GET /issues/1/comments')).toHaveLength(2)
  })

  test('the status is shown on the head, each once', async () => {
    const { world, forge, headSha } = await opened()
    const read = () => world.ask(team.engine, `GET /commits/${headSha}/statuses`)
    const waiting = { state: 'pending', description: '0 of 2 reviews' } as const
    await forge.setStatus(1, headSha, waiting)
    await forge.setStatus(1, headSha, waiting)
    await world.open().setStatus(1, headSha, waiting)
    expect(await read()).toMatchObject([
      { context: 'countersign/approval', status: 'pending', target_url: forge.where(1) },
    ])
    await forge.setStatus(1, headSha, { state: 'success', description: 'APPROVED' })
    expect(await read()).toHaveLength(2)
  })

  test("where people see it is the page's address, and the id is of the repository", async () => {
    const { world, forge } = await opened()
    expect(forge.where(1)).toBe(`${new URL(team.gitea.url).origin}/${world.repository}/pulls/1`)
    const shown = (await world.ask(team.engine, 'GET ')) as { id: number }
    const { host } = new URL(team.gitea.url)
    expect(await forge.identity()).toEqual({ kind: 'gitea', host, repository: `${shown.id}` })
    expect(await forge.self()).toBe(String(team.engine.id))
    expect(await forge.pull(1)).toMatchObject({ author: String(team.engine.id) })
  })
})

describe.concurrent('what Gitea refuses', () => {
  test.for([
    { name: 'an unknown token', token: '0'.repeat(40), want: 'FORGE_UNAUTHORIZED' },
    {
      name: 'a token that may not write',
      scopes: 'read:repository,read:user',
      want: 'FORGE_REFUSED',
    },
    { name: 'a token that may not read accounts', scopes: 'read:issue', want: 'FORGE_REFUSED' },
    { name: 'who may only read', login: 'ana', want: 'FORGE_REFUSED' },
    { name: 'who may see nothing', login: 'nobody', want: 'FORGE_REFUSED' },
  ] as const)('$name cannot open -> $want', async ({ want, ...row }) => {
    const world = await openWorld(team)
    let token: string = 'token' in row ? row.token : team.people.ana.token
    if ('scopes' in row) token = await team.gitea.token('engine', row.scopes)
    if ('login' in row && row.login === 'nobody') token = (await team.gitea.user('nobody')).token
    const error = await world
      .open({ token })
      .open(numbered(1), TEXT)
      .catch((cause: unknown) => cause)
    expect(error).toMatchObject({ code: want, retryable: false })
    expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain(token)
    expect((await world.git('branch', '--list', 'countersign/*')).trim()).toBe('')
  })

  test('the scopes that the guide names are enough for everything', async () => {
    const world = await openWorld(team)
    const token = await team.gitea.token('engine', 'write:repository,write:issue,read:user')
    const forge = world.open({ token })
    await forge.open(numbered(1), { ...TEXT, reviewers: [String(team.people.bo.id)] })
    const { headSha } = await forge.pull(1)
    await forge.notify(1, { key: 'remind-1', text: 'Still waiting.', reviewers: [] })
    await forge.setStatus(1, headSha, { state: 'pending', description: 'waiting' })
    await post(forge, 1, numbered(1), 'bo')
    expect(await forge.reviews(1)).toMatchObject([{ posterKind: 'person' }])
    expect(await forge.openPulls('all')).toHaveLength(1)
    await forge.settle(1, headSha, closingOf())
    expect(await forge.onBase(headSha)).toBe(true)
  })

  test('an archived repository -> FORGE_REFUSED, and what is there can still be read', async () => {
    const { world, forge, headSha } = await opened()
    await world.ask(team.gitea.admin, 'PATCH ', { archived: true })
    for (const call of [
      () => forge.open(numbered(2), TEXT),
      () => forge.settle(1, headSha, closingOf()),
      () => forge.notify(1, { key: 'remind-1', text: 'x', reviewers: [] }),
    ]) {
      await expect(call()).rejects.toMatchObject({ code: 'FORGE_REFUSED', retryable: false })
    }
    expect(await forge.pull(1)).toMatchObject({ state: 'open', headSha })
  })

  test('a base branch that is not there -> GIT_FAILED', async () => {
    const world = await openWorld(team)
    await world.ask(team.gitea.admin, 'POST /branches', { new_branch_name: 'other' })
    await world.ask(team.gitea.admin, 'PATCH ', { default_branch: 'other' })
    await world.ask(team.gitea.admin, 'DELETE /branches/main')
    const opening = world.open().open(numbered(1), TEXT)
    await expect(opening).rejects.toMatchObject({ code: 'GIT_FAILED' })
  })

  test('a repository that was renamed is followed; another one of its old name is not', async () => {
    const { world, forge, headSha } = await opened()
    const name = world.repository.split('/')[1] ?? ''
    await world.ask(team.gitea.admin, 'PATCH ', { name: `${name}-new` })
    expect(await forge.open(numbered(2), TEXT)).toBe(2)
    await forge.settle(1, headSha, closingOf())
    expect(await forge.pull(1)).toMatchObject({ state: 'merged' })
    const about = { name, auto_init: true, default_branch: 'main' }
    await team.gitea.ask(team.gitea.admin, 'POST /user/repos', about)
    await team.gitea.ask(team.gitea.admin, `PUT /repos/${world.repository}/collaborators/engine`, {
      permission: 'write',
    })
    await expect(forge.open(numbered(1), TEXT)).rejects.toMatchObject({ retryable: false })
  })
})

describe('outages', () => {
  afterEach(async () => {
    await team.gitea.stop()
    await team.gitea.start()
  })

  test('the server is down: every call fails and may be tried again, then all goes on', async () => {
    const { world, headSha } = await opened()
    const forge = world.open({ timing: { ...FAST, secondMs: 1 } })
    await forge.identity()
    await team.gitea.stop()
    const calls = [
      () => forge.open(numbered(2), TEXT),
      () => forge.openPulls('changed'),
      () => forge.self(),
      () => forge.notify(1, { key: 'a', text: 'b', reviewers: [] }),
      () => forge.setStatus(1, headSha, { state: 'pending', description: 'x' }),
      () => forge.pull(1),
      () => forge.reviews(1),
      () => forge.onBase(headSha),
      () => forge.settle(1, headSha, closingOf()),
      () => post(forge, 1, numbered(1), 'ana'),
    ]
    for (const call of calls) {
      await expect(call()).rejects.toMatchObject({ code: 'FORGE_UNREACHABLE', retryable: true })
    }
    await team.gitea.start()
    expect(await forge.open(numbered(2), TEXT)).toBe(2)
    await post(forge, 1, numbered(1), 'ana')
    await forge.settle(1, headSha, closingOf())
    expect(await forge.pull(1)).toMatchObject({ state: 'merged' })
  })

  // Early it leaves branches in Git that it does not list, later pull requests without reviewers.
  test.for([400, 1500])(
    'a server that dies after %d ms of opening six: each is there once in the end',
    async (ms) => {
      const world = await openWorld(team)
      const requests = Array.from({ length: 6 }, (_, i) => numbered(i + 1))
      const openAll = async (forge: Forge) =>
        Promise.allSettled(requests.map((request) => forge.open(request, TEXT)))
      const first = openAll(world.open())
      await sleep(ms)
      await team.gitea.stop()
      await first
      await team.gitea.start()
      let again = await openAll(world.open({ timing: { ...FAST, secondMs: 1000 } }))
      for (let tries = 1; tries < 4 && again.some(({ status }) => status === 'rejected'); tries++) {
        again = await openAll(world.open({ timing: { ...FAST, secondMs: 1000 } }))
      }
      const numbers = again.map((one) => (one.status === 'fulfilled' ? one.value : one.reason))
      expect(numbers.toSorted((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6])
      expect(await world.ask(team.engine, 'GET /pulls?state=all')).toHaveLength(6)
    },
  )

  test('an answer that does not come in time -> FORGE_UNREACHABLE', async () => {
    const world = await openWorld(team)
    const forge = world.open({ timing: { secondMs: 1, timeoutMs: 1, retries: 1 } })
    await expect(forge.openPulls('all')).rejects.toMatchObject({ code: 'FORGE_UNREACHABLE' })
  })
})
