import { PolicyError } from '../../base/errors.ts'
import type { Change, ChangeForge, ProposedPull } from '../../model/ports.ts'
import { authorsOf, idAt, listAt, textAt, valueAt } from '../forge/answer.ts'
import { BODY_LENGTH_MAX, cut, headDiffers, oidAt, TITLE_LENGTH_MAX } from '../forge/names.ts'
import { checkPosting, isPosted } from '../forge/posting.ts'
import type { GithubForgeOptions } from '../forge-github.ts'
import type { Context } from '../github/context.ts'
import { openContext } from '../github/context.ts'
import { GITHUB_API_URL } from '../github/credentials.ts'
import { readReviews } from '../github/pull.ts'

/**
 * Changes of a policy repository on GitHub: its pull requests, from forks too, since nothing of a head is run. The same
 * options as the forge's; `base` does not count, since each pull request has its own.
 */
export function openGithubChanges(options: Omit<GithubForgeOptions, 'base'>): ChangeForge {
  const { repository, apiUrl = GITHUB_API_URL, timing } = options
  let opened: Context | null = null
  const context = (): Context => {
    opened ??= openContext({
      ...{ apiUrl, repository, base: '', credentials: options.credentials() },
      ...(timing === undefined ? {} : { timing }),
    })
    return opened
  }
  return {
    identity: async () => ({
      kind: 'github',
      host: new URL(apiUrl).host,
      repository: await context().repository(),
    }),
    change: async (number) => readChange(context(), number),
    pushers: async (commits) => accountsOf(context(), commits),
    reviews: async ({ number }) => readReviews(context(), number),
    postReview: async (change, review) => postReview(context(), change, review),
    propose: async (branch, text) => propose(context(), branch, text),
  }
}

async function readChange(context: Context, number: number): Promise<Change> {
  const { client } = context
  if (!Number.isSafeInteger(number) || number < 1) throw unknown(number)
  const answer = await client.ask('GET /pulls/{pull_number}', { pull_number: number }, [404])
  const repository = await context.repository() // Says so when it is the repository that cannot be seen.
  if (!answer.done) throw unknown(number)
  const { value } = answer
  // A name can go to another repository. The head may lie in a fork: it is data.
  if (String(valueAt(value, ['base', 'repo', 'id'])) !== repository) {
    throw new PolicyError(
      'REQUEST_TAMPERED',
      `the base of pull request ${number} is in another repository`,
    )
  }
  const baseRef = textAt(value, 'base', 'ref')
  const state = textAt(value, 'state') === 'open' ? 'open' : 'closed'
  const merged = typeof valueAt(value, ['merged_at']) === 'string'
  // GitHub's own base.sha is that of the last push; what counts is where the branch is now.
  const branch = await client.get('GET /git/ref/{ref}', { ref: `heads/${baseRef}` })
  if (textAt(branch, 'ref') !== `refs/heads/${baseRef}`) throw unknown(number)
  return {
    number,
    state: merged ? 'merged' : state,
    baseRef,
    tip: oidAt(branch, 'object', 'sha'),
    headSha: oidAt(value, 'head', 'sha'),
    author: valueAt(value, ['user']) === null ? '' : String(idAt(value, 'user', 'id')),
  }
}

/** By id. Commits that GitHub knows nobody for add nobody: their signatures say more. */
async function accountsOf({ client }: Context, commits: readonly string[]): Promise<string[]> {
  const accounts = new Set<string>()
  for (const ref of commits) {
    const commit = await client.get('GET /commits/{ref}', { ref })
    if (textAt(commit, 'sha') !== ref) throw new PolicyError('FORGE_CONFLICT', `no commit ${ref}`)
    for (const id of authorsOf(commit)) accounts.add(String(id))
  }
  return [...accounts].sort()
}

async function postReview(
  context: Context,
  change: Change,
  { verdict, body, account }: Parameters<ChangeForge['postReview']>[1],
): Promise<void> {
  const { client } = context
  const { number, headSha } = change
  const self = await context.people.self()
  checkPosting({ self, account, remedy: 'use' })
  const posted = await readReviews(context, number)
  if (isPosted(posted, { self, commit: headSha, body })) return
  const now = await readChange(context, number)
  if (now.headSha !== headSha) throw headDiffers(number)
  const posting = {
    ...{ pull_number: number, commit_id: headSha, body },
    event: verdict === 'reject' ? 'REQUEST_CHANGES' : 'APPROVE',
    // One that failed may have been taken all the same; who tries again meets it above.
    request: { retries: 0 },
  }
  const answer = await client.ask('POST /pulls/{pull_number}/reviews', posting, [422])
  if (answer.done) return
  if (/your own pull request/i.test(answer.message)) {
    const message = `this account opened pull request ${number}; somebody else must review it`
    throw new PolicyError('REVIEW_SELF', message)
  }
  throw new PolicyError('FORGE_REFUSED', `GitHub does not take the review (422: ${answer.message})`)
}

function unknown(number: number): PolicyError {
  return new PolicyError('REQUEST_UNKNOWN', `the forge has no pull request ${number}`)
}

async function propose(
  { client }: Context,
  { name, baseRef }: Parameters<ChangeForge['propose']>[0],
  { title, body }: Parameters<ChangeForge['propose']>[1],
): Promise<ProposedPull> {
  const words = { title: cut(title, TITLE_LENGTH_MAX), body: cut(body, BODY_LENGTH_MAX) }
  const filter = { head: `${client.owner}:${name}`, base: baseRef, state: 'open', per_page: 100 }
  // GitHub ignores a filter that it does not understand: each is looked at.
  const isOurs = (value: unknown): boolean =>
    textAt(value, 'head', 'ref') === name &&
    textAt(value, 'base', 'ref') === baseRef &&
    valueAt(value, ['head', 'repo', 'id']) === valueAt(value, ['base', 'repo', 'id'])
  const open = listAt(await client.get('GET /pulls', filter)).find(isOurs)
  const pull =
    open === undefined
      ? await client.get('POST /pulls', { ...words, head: name, base: baseRef })
      : await client.get('PATCH /pulls/{pull_number}', {
          ...words,
          pull_number: idAt(open, 'number'),
        })
  return { number: idAt(pull, 'number'), where: textAt(pull, 'html_url') }
}
