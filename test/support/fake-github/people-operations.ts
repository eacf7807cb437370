import { filled } from './description.ts'
import type { Call, Handler } from './operations.ts'
import { freshPull, issueOf, page } from './pulls.ts'
import { loginOf, pullOf, repositoryOf, userOf } from './shapes.ts'
import type { Account, FakeComment, FakeStatus, State } from './state.ts'
import { invalid, notFound, Refused, touch } from './state.ts'

/** Accounts, whom they ask for reviews, and what they say of a pull request. */
export const PEOPLE_OPERATIONS: Readonly<Record<string, Handler>> = {
  'users/get-authenticated': async (_state, { user }) => {
    // Neither an App's installation nor a workflow acts as a user.
    if (user.type === 'Bot') throw new Refused(403, 'Resource not accessible by integration')
    return { status: 200, body: { ...publicOf(user), private_gists: 0, ...PRIVATE } }
  },
  'users/get-by-id': async (state, { path }) => ({
    status: 200,
    body: publicOf(find(state, ({ id }) => id === Number(path['account_id']))),
  }),
  'users/get-by-username': async (state, { path }) => ({
    status: 200,
    body: publicOf(find(state, (account) => loginOf(account) === path['username'])),
  }),
  'pulls/request-reviewers': async (state, call) => {
    const pull = await freshPull(state, call)
    const wanted = ((call.body['reviewers'] ?? []) as string[]).map((login) =>
      state.accounts.find((account) => loginOf(account) === login && account.type === 'User'),
    )
    if (wanted.includes(pull.author)) {
      throw new Refused(422, 'Review cannot be requested from pull request author.')
    }
    const named = wanted.filter((one) => one !== undefined && one.permission !== 'none')
    // A trap: one whom it cannot be makes it refuse all of them.
    if (named.length !== wanted.length) {
      throw new Refused(
        422,
        `Reviews may only be requested from collaborators. One or more of the users or teams you specified is not a collaborator of the ${state.owner}/${state.name} repository.`,
      )
    }
    if (new Set([...pull.asked, ...named]).size > 15) {
      throw invalid('PullRequest', 'A pull request takes at most 15 reviewers')
    }
    pull.asked = [...new Set([...pull.asked, ...(named as Account[])])]
    touch(state, pull)
    return { status: 201, body: await pullOf(state, pull, 'pull-request-simple') }
  },
  'issues/list-comments': async (state, call) =>
    page(issueOf(state, call).comments.map(commentOf), call.query),
  'issues/create-comment': async (state, call) => {
    const pull = issueOf(state, call)
    // A fork's workflow may read, and no more; people who may read may comment.
    if (call.user.type === 'Bot' && call.user.permission !== 'write') {
      throw new Refused(403, 'Resource not accessible by integration')
    }
    const body = commentBody(call)
    touch(state, pull)
    const comment: FakeComment = {
      ...{ id: state.nextId(), user: call.user, body, createdAt: pull.updatedAt },
    }
    pull.comments.push(comment)
    return { status: 201, body: commentOf(comment) }
  },
  'issues/update-comment': async (state, call) => {
    const id = Number(call.path['comment_id'])
    const pull = state.pulls.find(({ comments }) => comments.some((one) => one.id === id))
    const comment = pull?.comments.find((one) => one.id === id)
    if (pull === undefined || comment === undefined) throw notFound()
    // A trap: who may write may change what others said.
    if (call.user.permission !== 'write' && comment.user !== call.user) {
      throw new Refused(403, 'Resource not accessible by integration')
    }
    comment.body = commentBody(call)
    touch(state, pull)
    return { status: 200, body: commentOf(comment) }
  },
  'repos/create-commit-status': async (state, { path, body }) => {
    const sha = await commitAt(state, path['sha'])
    const description = (body['description'] ?? null) as string | null
    if (description !== null && description.length > 140) {
      throw invalid('Status', 'description is too long (maximum is 140 characters)')
    }
    const status: FakeStatus = {
      ...{ id: state.nextId(), state: body['state'] as 'pending', description },
      ...{ context: String(body['context'] ?? 'default'), createdAt: state.now() },
    }
    const before = state.statuses.get(sha) ?? []
    if (before.filter(({ context }) => context === status.context).length >= 1000) {
      throw invalid('Status', 'This SHA and context has reached the maximum number of statuses.')
    }
    state.statuses.set(sha, [...before, status])
    return { status: 201, body: statusOf(status, 'status') }
  },
  'repos/get-combined-status-for-ref': async (state, { path }) => {
    const sha = await commitAt(state, path['ref'])
    // The latest of each context.
    const latest = new Map((state.statuses.get(sha) ?? []).map((one) => [one.context, one]))
    const statuses = [...latest.values()].map((one) => statusOf(one, 'simple-commit-status'))
    const given = { sha, state: 'pending', total_count: statuses.length, statuses }
    const repository = repositoryOf(state, 'minimal-repository')
    return { status: 200, body: filled('combined-commit-status', { ...given, repository }) }
  },
}

function commentBody({ body }: Call): string {
  const text = String(body['body'])
  if (text.length > 65_536) {
    throw invalid('IssueComment', 'body is too long (maximum is 65536 characters)')
  }
  return text
}

function find(state: State, matches: (account: Account) => boolean): Account {
  const found = state.accounts.find(matches)
  if (found === undefined) throw notFound()
  return found
}

/** What the description wants of one's own account besides. */
const PRIVATE = {
  ...{ total_private_repos: 0, owned_private_repos: 0, disk_usage: 0, collaborators: 0 },
  two_factor_authentication: true,
}

function publicOf(account: Account): Record<string, unknown> {
  return filled('public-user', userOf(account))
}

async function commitAt(state: State, name: string | undefined): Promise<string> {
  const facts = await state.repository.commit(name ?? '')
  if (facts === null) throw new Refused(422, `No commit found for SHA: ${name}`)
  return facts.sha
}

function commentOf({ id, user, body, createdAt }: FakeComment): unknown {
  return filled('issue-comment', {
    ...{ id, body, user: userOf(user), created_at: createdAt, updated_at: createdAt },
  })
}

function statusOf(status: FakeStatus, schema: string): unknown {
  const { id, state, context, description, createdAt } = status
  return filled(schema, {
    ...{ id, state, context, description, created_at: createdAt, updated_at: createdAt },
  })
}
