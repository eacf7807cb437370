import { filled } from './description.ts'
import type { CommitFacts } from './repository.ts'
import type { Account, FakePull, FakeReview, State } from './state.ts'

/** Documents as GitHub answers with them. */

export function userOf(account: Account): Record<string, unknown> {
  const { id, type } = account
  return filled('simple-user', { id, login: loginOf(account), type })
}

export function loginOf({ login, type }: Account): string {
  return type === 'Bot' ? `${login}[bot]` : login
}

export function repositoryOf(state: State, schema = 'repository', id = state.id): unknown {
  const { name, owner, base } = state
  const account = { id: 1, login: owner, type: 'User', permission: 'write', token: '' } as const
  return filled(schema, {
    ...{ id, name, full_name: `${owner}/${name}`, owner: userOf(account) },
    default_branch: state.guard.defaultBranch ?? base,
  })
}

export function refOf(ref: string, sha: string): unknown {
  const object = { type: 'commit', sha, url: 'https://github.test/commit' }
  return filled('git-ref', { ref, object })
}

export function gitCommitOf(facts: CommitFacts): unknown {
  const { sha, tree, message, name, email, date } = facts
  const who = { name, email, date }
  return filled('git-commit', {
    ...{ sha, message, author: who, committer: who, parents: parentsOf(facts) },
    tree: { sha: tree, url: 'https://github.test/tree' },
  })
}

export function commitOf(state: State, facts: CommitFacts, files?: readonly unknown[]): unknown {
  const { sha, message, name, email, date, tree } = facts
  const who = { name, email, date }
  const account = state.accounts.find(({ login }) => email === `${login}@users.test`)
  const user = account === undefined ? null : userOf(account)
  return filled('commit', {
    ...{ sha, parents: parentsOf(facts), author: user, committer: user },
    commit: {
      ...{ url: 'https://github.test/commit', author: who, committer: who, message },
      ...{ comment_count: 0, tree: { sha: tree, url: 'https://github.test/tree' } },
    },
    ...(files === undefined ? {} : { files }),
  })
}

function parentsOf({ parents }: CommitFacts): unknown {
  const url = 'https://github.test/commit'
  return parents.map((sha) => ({ sha, url, html_url: url }))
}

export async function pullOf(
  state: State,
  pull: FakePull,
  schema = 'pull-request',
): Promise<unknown> {
  const { number, author, branch, base, title, body, mergedAt } = pull
  const side = (ref: string, sha: string, id: number): unknown => ({
    ...{ label: `${state.owner}:${ref}`, ref, sha, user: userOf(author) },
    repo: repositoryOf(state, 'repository', id),
  })
  return filled(schema, {
    ...{ id: number + 10_000, number, title, body, state: pull.state, user: userOf(author) },
    // A trap: this is the base branch of now, not of when the pull request was opened.
    base: side(base, (await state.repository.read(`refs/heads/${base}`)) ?? '', state.id),
    head: side(branch, pull.headSha, pull.headRepository),
    labels: pull.labels.map((name, id) => filled('label', { id: id + 1, name, description: '' })),
    requested_reviewers: pull.asked.map(userOf),
    updated_at: pull.updatedAt,
    ...{ merged_at: mergedAt, merge_commit_sha: pull.mergeSha },
    closed_at: pull.state === 'closed' ? pull.updatedAt : null,
    ...(schema === 'pull-request' ? { merged: mergedAt !== null, commits: 1 } : {}),
    html_url: `https://github.test/${state.owner}/${state.name}/pull/${number}`,
  })
}

export function reviewOf(review: FakeReview): unknown {
  const { id, user, body, state, commit, submittedAt } = review
  return filled('pull-request-review', {
    ...{ id, body, state, commit_id: commit, user: user === null ? null : userOf(user) },
    // A trap: true of whoever belongs to the organisation, whatever they may do.
    author_association: 'MEMBER',
    ...(state === 'PENDING' ? {} : { submitted_at: submittedAt }),
  })
}

export function appOf({ slug }: State, id: number): unknown {
  return filled('integration', { id, slug, name: slug })
}
