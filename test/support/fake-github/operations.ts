import { CHECK_OPERATIONS } from './check-operations.ts'
import { filled } from './description.ts'
import { GIT_OPERATIONS } from './git-operations.ts'
import { PEOPLE_OPERATIONS } from './people-operations.ts'
import { PROTECTION_OPERATIONS } from './protection-operations.ts'
import { freshPull, issueOf, page, refresh } from './pulls.ts'
import { pullOf, repositoryOf, reviewOf } from './shapes.ts'
import type { Account, FakePull, FakeReview, State } from './state.ts'
import { invalid, Refused, touch } from './state.ts'

export type Call = {
  readonly user: Account
  readonly path: Readonly<Record<string, string>>
  readonly query: URLSearchParams
  readonly body: Readonly<Record<string, unknown>>
}

export type Answer = {
  readonly status: number
  readonly body: unknown
  /** Whether a next page is there. */
  readonly more?: boolean
}

export type Handler = (state: State, call: Call) => Promise<Answer>

/** By GitHub's operation id. */
export const OPERATIONS: Readonly<Record<string, Handler>> = {
  ...GIT_OPERATIONS,
  ...CHECK_OPERATIONS,
  ...PEOPLE_OPERATIONS,
  ...PROTECTION_OPERATIONS,
  'repos/get': async (state) => ({ status: 200, body: repositoryOf(state, 'full-repository') }),
  'pulls/list': listPulls,
  'pulls/create': createPull,
  'pulls/get': async (state, call) => ({
    status: 200,
    body: await pullOf(state, await freshPull(state, call)),
  }),
  'pulls/update': async (state, call) => {
    const pull = await freshPull(state, call)
    if (call.body['state'] === 'closed') pull.state = 'closed'
    for (const word of ['title', 'body'] as const) {
      if (typeof call.body[word] === 'string') pull[word] = call.body[word]
    }
    touch(state, pull)
    return { status: 200, body: await pullOf(state, pull) }
  },
  'pulls/merge': merge,
  'pulls/list-reviews': async (state, call) => {
    const { reviews } = await freshPull(state, call)
    // One that is not submitted is shown to nobody but its author.
    const seen = reviews.filter(({ state: at, user }) => at !== 'PENDING' || user === call.user)
    return page(seen.map(reviewOf), call.query)
  },
  'pulls/create-review': createReview,
  'issues/add-labels': async (state, call) => {
    const pull = issueOf(state, call)
    touch(state, pull)
    pull.labels = [...new Set([...pull.labels, ...(call.body['labels'] as string[])])]
    const labels = pull.labels.map((name, id) =>
      filled('label', { id: id + 1, name, description: '' }),
    )
    return { status: 200, body: labels }
  },
}

/** What the account must be able to do. */
export function needsWrite(id: string): boolean {
  return !/(?:\/get|\/list|\/compare|\/create-review$|\/create-comment$|\/update-comment$)/.test(id)
}

async function listPulls(state: State, { query }: Call): Promise<Answer> {
  const wanted = query.get('state') ?? 'open'
  const head = query.get('head')
  const found = state.pulls.filter(
    (pull) =>
      (wanted === 'all' || pull.state === wanted) &&
      (query.get('base') === null || pull.base === query.get('base')) &&
      // A trap: a filter without an owner is no filter.
      (head === null || !head.includes(':') || head === `${state.owner}:${pull.branch}`),
  )
  const newest = query.get('direction') !== 'asc'
  if (query.get('sort') === 'updated') {
    found.sort((a, b) => (a.updatedAt < b.updatedAt ? -1 : a.updatedAt > b.updatedAt ? 1 : 0))
  }
  if (newest) found.reverse()
  const { body, ...answer } = page(found, query)
  for (const pull of body as FakePull[]) await refresh(state, pull)
  const tips = new Map<string, string | null>()
  for (const { base } of body as FakePull[]) {
    if (!tips.has(base)) tips.set(base, await state.repository.read(`refs/heads/${base}`))
  }
  const shown = (body as FakePull[]).map((pull) =>
    listedPull(state, pull, tips.get(pull.base) ?? null),
  )
  return { ...answer, body: await Promise.all(shown) }
}

/** Documents are the same objects until something changes, so that long lists are quick. */
const listed = new WeakMap<FakePull, { readonly key: string; readonly value: unknown }>()

async function listedPull(state: State, pull: FakePull, tip: string | null): Promise<unknown> {
  const { headSha, labels, asked, updatedAt, headRepository } = pull
  const about = [tip, headSha, labels, asked.map(({ id }) => id), updatedAt, pull.state]
  const key = JSON.stringify([...about, headRepository, state.id, state.owner, state.name])
  const known = listed.get(pull)
  if (known?.key === key) return known.value
  const value = await pullOf(state, pull, 'pull-request-simple')
  listed.set(pull, { key, value })
  return value
}

async function createPull(state: State, { body, user }: Call): Promise<Answer> {
  const [branch, base] = [String(body['head']), String(body['base'])]
  const { repository } = state
  const headSha = await repository.read(`refs/heads/${branch}`)
  const tip = await repository.read(`refs/heads/${base}`)
  if (headSha === null || tip === null) throw invalid('PullRequest', 'head or base is invalid')
  const text = String(body['body'] ?? '')
  if (text.length > 65_536)
    throw invalid('PullRequest', 'body is too long (maximum is 65536 characters)')
  if (String(body['title']).length > 256)
    throw invalid('PullRequest', 'title is too long (maximum is 256 characters)')
  if ((await repository.count(tip, headSha)) === 0) {
    throw invalid('PullRequest', `No commits between ${base} and ${branch}`)
  }
  if (state.pulls.some((pull) => pull.branch === branch && pull.state === 'open')) {
    throw invalid('PullRequest', `A pull request already exists for ${state.owner}:${branch}.`)
  }
  const pull: FakePull = {
    ...{ number: state.pulls.length + 1, author: user, branch, base, headSha },
    ...{ title: String(body['title']), body: text, headRepository: state.id },
    ...{ state: 'open', mergedAt: null, mergeSha: null, reviews: [], labels: [] },
    ...{ asked: [], comments: [], updatedAt: state.now() },
  }
  state.pulls.push(pull)
  await repository.git('update-ref', `refs/pull/${pull.number}/head`, headSha)
  return { status: 201, body: await pullOf(state, pull) }
}

async function merge(state: State, call: Call): Promise<Answer> {
  const pull = await freshPull(state, call)
  const { repository } = state
  if (pull.state !== 'open') throw new Refused(405, 'Pull Request is not mergeable')
  if (!state.mergeCommitsAllowed) {
    throw new Refused(405, 'Merge commits are not allowed on this repository.')
  }
  if (call.body['sha'] !== undefined && call.body['sha'] !== pull.headSha) {
    throw new Refused(409, 'Head branch was modified. Review and try the merge again.')
  }
  const ref = `refs/heads/${pull.base}`
  const tip = (await repository.read(ref)) ?? ''
  const tree = await repository.merge(tip, pull.headSha)
  if (tree === null) throw new Refused(405, 'Pull Request has merge conflicts')
  const title = call.body['commit_title'] ?? `Merge pull request #${pull.number}`
  const message = `${title}\n\n${call.body['commit_message'] ?? pull.title}\n`
  const who = { name: call.user.login, email: `${call.user.login}@users.test` }
  const sha = await repository.makeCommit(tree, [tip, pull.headSha], message, who)
  if (!(await repository.move(ref, tip, sha))) {
    throw new Refused(405, 'Base branch was modified. Review and try the merge again.')
  }
  Object.assign(pull, { state: 'closed', mergedAt: state.now(), mergeSha: sha })
  touch(state, pull)
  return { status: 200, body: { sha, merged: true, message: 'Pull Request successfully merged' } }
}

/** @see https://docs.github.com/rest/pulls/reviews: without an event it stays pending */
const STATES: Readonly<Record<string, FakeReview['state']>> = {
  APPROVE: 'APPROVED',
  REQUEST_CHANGES: 'CHANGES_REQUESTED',
  COMMENT: 'COMMENTED',
}

async function createReview(state: State, call: Call): Promise<Answer> {
  const pull = await freshPull(state, call)
  const { user, body } = call
  const event = String(body['event'])
  const text = String(body['body'] ?? '')
  const own = pull.author === user
  if (own && event === 'APPROVE')
    throw new Refused(422, 'Unprocessable Entity', ['Review Can not approve your own pull request'])
  if (own && event === 'REQUEST_CHANGES') {
    throw new Refused(422, 'Unprocessable Entity', [
      'Review Can not request changes on your own pull request',
    ])
  }
  if (text.length > 65_536)
    throw new Refused(422, 'Unprocessable Entity', [
      'Body is too long (maximum is 65536 characters)',
    ])
  const commit = String(body['commit_id'] ?? pull.headSha)
  if ((await state.repository.type(commit)) !== 'commit') {
    throw new Refused(422, 'Unprocessable Entity', ['Commit is not part of the pull request'])
  }
  const review: FakeReview = {
    ...{ id: state.nextId(), user, body: text, commit, submittedAt: state.now() },
    state: STATES[event] ?? 'PENDING',
  }
  pull.reviews.push(review)
  pull.asked = pull.asked.filter((one) => one !== user)
  touch(state, pull)
  return { status: 200, body: reviewOf(review) }
}
