import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type ChangeQuery, judgeChange } from '../../../src/app/changes/judge-change.ts'
import { judgeMergeGroup } from '../../../src/app/changes/judge-merge-group.ts'
import { reviewChange } from '../../../src/app/changes/review-change.ts'
import type { ReviewSigner } from '../../../src/model/ports.ts'
import { KEYS } from '../../fakes/review-case.ts'
import type { FakeGithub } from '../../support/fake-github/server.ts'
import { startFakeGithub } from '../../support/fake-github/server.ts'
import type { Account } from '../../support/fake-github/state.ts'
import type { Commit, Files } from './change-case.ts'
import {
  baseFiles,
  CHANGES,
  importCommit,
  limit,
  NOW,
  PEOPLE,
  rosterOf,
  routes,
} from './change-case.ts'

const folder = mkdtempSync(join(tmpdir(), 'countersign-changes-github-'))
const bare = join(folder, 'approvals.git')
let github: FakeGithub
let base = ''
const accounts = new Map<string, Account>()

beforeAll(async () => {
  github = await startFakeGithub({ folder: bare })
  for (const login of ['ana', 'bo', 'cy', 'dee', 'pat'])
    accounts.set(login, github.addAccount(login))
  accounts.set('robot', github.addAccount('robot', { type: 'Bot' }))
})

afterAll(async () => {
  await github.close()
  rmSync(folder, { recursive: true })
  expect(github.flaws).toEqual([])
})

function accountOf(login: string): Account {
  const account = accounts.get(login)
  if (account === undefined) throw new Error(login)
  return account
}

const forge = () =>
  `forge: { kind: github, repository: acme/approvals, api_url: "${github.url}" }\n`

function roster(): string {
  const people = Object.entries(PEOPLE).map(([id, keys]) => {
    return [id, `${keys}, accounts: { github: "${accountOf(id).id}" }`] as const
  })
  return rosterOf(Object.fromEntries(people))
}

beforeEach(() => {
  const files = { ...baseFiles(`${CHANGES}${forge()}`), 'policies/roster.yaml': roster() }
  base = importCommit(bare, 'refs/heads/main', files, { from: 'refs/heads/main^0' })
})

let branches = 0

async function propose(
  files: Files,
  about: Commit & { readonly by?: string } = {},
): Promise<{ number: number; head: string; branch: string }> {
  const branch = `change-${++branches}`
  const head = importCommit(bare, `refs/heads/${branch}`, files, { ...about, from: base })
  const { token } = accountOf(about.by ?? 'pat')
  const answer = await fetch(`${github.url}/repos/acme/approvals/pulls`, {
    method: 'POST',
    headers: { authorization: `token ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ title: 'Change', head: branch, base: 'main', body: '' }),
  })
  const { number } = (await answer.json()) as { number: number }
  return { number, head, branch }
}

function query(number: number, head: string, as = 'pat'): ChangeQuery {
  return {
    ...{ folder: bare, base: 'main', head, pull: number, clock: () => NOW },
    environment: { COUNTERSIGN_GITHUB_TOKEN: accountOf(as).token },
  }
}

const judge = async (number: number, head: string) =>
  (await judgeChange(query(number, head))).report

async function approve(
  number: number,
  head: string,
  as: keyof typeof KEYS,
  signer: ReviewSigner = KEYS[as],
) {
  return (await reviewChange(query(number, head, as), { verdict: 'approve' }, signer)).report
}

describe('a weakened rule on GitHub', () => {
  test('the right review -> open; a later push -> closed', async () => {
    const { number, head, branch } = await propose(limit('limit: 50'))
    expect((await judge(number, head)).verdict).toBe('closed')
    expect((await approve(number, head, 'cy')).verdict).toBe('open')
    const later = importCommit(bare, `refs/heads/${branch}`, limit('limit: 60'), {})
    await expect(judge(number, head)).rejects.toMatchObject({ code: 'FORGE_CONFLICT' })
    expect(await judge(number, later)).toMatchObject({ verdict: 'closed', reviews: [] })
  })

  test.for<{ name: string; about: Commit & { by?: string }; want: string }>([
    { name: 'who opened it', about: { by: 'cy' }, want: 'REVIEW_SELF' },
    { name: 'the author of its commit', about: { email: 'cy@users.test' }, want: 'REVIEW_SELF' },
  ])('approved by $name -> $want', async ({ about, want }) => {
    const { number, head } = await propose(limit('limit: 50'), about)
    await expect(approve(number, head, 'cy')).rejects.toMatchObject({ code: want })
    expect((await judge(number, head)).verdict).toBe('closed')
  })

  test('a token of another account -> REVIEW_POSTER, and nothing is posted', async () => {
    const { number, head } = await propose(limit('limit: 50'))
    const reviewing = reviewChange(query(number, head, 'ana'), { verdict: 'approve' }, KEYS.cy)
    await expect(reviewing).rejects.toMatchObject({ code: 'REVIEW_POSTER' })
    expect(github.pull(number).reviews).toEqual([])
  })

  test.for<{ name: string; by: string; state?: 'DISMISSED' | 'COMMENTED'; want: object }>([
    { name: 'another account', by: 'ana', want: { refused: [{ code: 'REVIEW_POSTER' }] } },
    { name: 'a bot', by: 'robot', want: { refused: [{ code: 'REVIEW_POSTER' }] } },
    { name: 'dismissed', by: 'cy', state: 'DISMISSED', want: { refused: [], reviews: [] } },
    { name: 'a comment', by: 'cy', state: 'COMMENTED', want: { refused: [], reviews: [] } },
  ])(
    'a signed review, posted by $name -> closed',
    async ({ by, state = 'APPROVED' as const, want }) => {
      const { number, head } = await propose(limit('limit: 50'))
      await approve(number, head, 'cy')
      const [review] = github.pull(number).reviews.splice(0)
      github.review(number, { user: accountOf(by), body: review?.body ?? '', state })
      expect(await judge(number, head)).toMatchObject({ verdict: 'closed', ...want })
    },
  )

  test('the same review on another pull request of the same head -> REVIEW_UNBOUND', async () => {
    const first = await propose(limit('limit: 50'))
    await approve(first.number, first.head, 'cy')
    const [review] = github.pull(first.number).reviews
    const second = await propose(limit('limit: 50'), { message: 'Change the policy\n' })
    expect(second.head).toBe(first.head)
    github.review(second.number, { user: accountOf('cy'), body: review?.body ?? '' })
    expect(await judge(second.number, second.head)).toMatchObject({
      verdict: 'closed',
      refused: [{ code: 'REVIEW_UNBOUND' }],
    })
  })

  test('an approval without a signature -> it does not count', async () => {
    const { number, head } = await propose(limit('limit: 50'))
    github.review(number, { user: accountOf('cy') })
    expect(await judge(number, head)).toMatchObject({
      verdict: 'closed',
      ignored: [{ code: 'REVIEW_UNSIGNED' }],
    })
  })

  test('a push while it is judged -> FORGE_CONFLICT', async () => {
    const { number, head, branch } = await propose(limit('limit: 50'))
    await approve(number, head, 'cy')
    const meanwhile = async (): Promise<void> => {
      importCommit(bare, `refs/heads/${branch}`, limit('limit: 60'), {})
    }
    github.fail({ on: 'pulls/list-reviews', meanwhile })
    await expect(judge(number, head)).rejects.toMatchObject({ code: 'FORGE_CONFLICT' })
  })

  test('the base that is named is not the branch any more -> CHANGE_BASE_STALE', async () => {
    const { number, head } = await propose(limit('limit: 50'))
    importCommit(bare, 'refs/heads/main', { 'README.md': 'Hello\n' }, {})
    const stale = { ...query(number, head), base }
    await expect(judgeChange(stale)).rejects.toMatchObject({ code: 'CHANGE_BASE_STALE' })
  })

  test('there is no such pull request -> REQUEST_UNKNOWN', async () => {
    await expect(judge(9_999, base)).rejects.toMatchObject({ code: 'REQUEST_UNKNOWN' })
  })

  test('the head lies in a fork -> judged alike', async () => {
    const { number, head } = await propose(limit('limit: 3'))
    Object.assign(github.pull(number), { headRepository: 1234 })
    expect((await judge(number, head)).verdict).toBe('open')
  })

  test('the forge refuses -> FORGE_REFUSED', async () => {
    const { number, head } = await propose(limit('limit: 50'))
    github.fail({ times: 9, answer: { status: 422, body: { message: 'no' } } })
    await expect(judge(number, head)).rejects.toMatchObject({ code: 'FORGE_REFUSED' })
    github.heal()
  })
})

describe('a merge queue', () => {
  const queue = (files: Files, heads: readonly string[], message = 'Merge\n'): string => {
    const [first = '', ...others] = heads
    const about = { from: base, merges: [first, ...others].filter((head) => head !== ''), message }
    return importCommit(bare, `refs/heads/queue-${++branches}`, files, about)
  }
  const group = (head: string, pulls?: readonly number[]) => {
    const { pull: _, ...rest } = query(1, head)
    return judgeMergeGroup(pulls === undefined ? rest : { ...rest, pulls })
  }

  test('two approved changes, merged as they are -> open', async () => {
    const one = await propose(limit('limit: 50'))
    const two = await propose(routes('quorum: 2', 'quorum: 1'))
    await approve(one.number, one.head, 'cy')
    await approve(two.number, two.head, 'bo')
    const files = { ...limit('limit: 50'), ...routes('quorum: 2', 'quorum: 1') }
    const head = queue(files, [one.head, two.head])
    const report = await group(head, [one.number, two.number])
    expect(report).toMatchObject({ verdict: 'open', problems: [] })
    expect(report.changes.map(({ verdict }) => verdict)).toEqual(['open', 'open'])
  })

  test('one of two approved -> closed, and says which', async () => {
    const one = await propose(limit('limit: 50'))
    const two = await propose(routes('quorum: 2', 'quorum: 1'))
    await approve(one.number, one.head, 'cy')
    const files = { ...limit('limit: 50'), ...routes('quorum: 2', 'quorum: 1') }
    const report = await group(queue(files, [one.head, two.head]), [one.number, two.number])
    expect(report).toMatchObject({ verdict: 'closed', problems: [{ about: String(two.number) }] })
  })

  test.for([
    { name: 'more than was approved', files: limit('limit: 51') },
    { name: 'a file that nobody proposed', files: { ...limit('limit: 50'), 'x.md': 'x\n' } },
    { name: 'less', files: {} },
  ])('the queue holds $name -> MERGE_GROUP_DIFFERS', async ({ files }) => {
    const one = await propose(limit('limit: 50'))
    await approve(one.number, one.head, 'cy')
    const report = await group(queue(files, [one.head]), [one.number])
    expect(report).toMatchObject({
      verdict: 'closed',
      problems: [{ code: 'MERGE_GROUP_DIFFERS' }],
    })
  })

  test.for([
    { name: 'a merge', words: (number: number) => `Merge pull request #${number} from acme/x\n` },
    { name: 'a squash', words: (number: number) => `Raise a limit (#${number})\n` },
  ])('$name names its pull request -> found and judged', async ({ words }) => {
    const one = await propose(limit('limit: 50'))
    await approve(one.number, one.head, 'cy')
    const head = queue(limit('limit: 50'), [one.head], words(one.number))
    expect(await group(head)).toMatchObject({ verdict: 'open' })
  })

  test('its words name another, harmless pull request -> MERGE_GROUP_DIFFERS', async () => {
    const harmless = await propose(limit('limit: 3'))
    const bad = await propose(limit('limit: 50'))
    const words = `Merge pull request #${harmless.number} from acme/x\n`
    const report = await group(queue(limit('limit: 50'), [bad.head], words))
    expect(report).toMatchObject({
      verdict: 'closed',
      problems: [{ code: 'MERGE_GROUP_DIFFERS' }],
    })
  })

  test('it names none -> MERGE_GROUP_DIFFERS', async () => {
    const one = await propose(limit('limit: 3'))
    const judging = group(queue(limit('limit: 3'), [one.head]))
    await expect(judging).rejects.toMatchObject({ code: 'MERGE_GROUP_DIFFERS' })
  })
})
