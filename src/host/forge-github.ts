import { PolicyError } from '../base/errors.ts'
import type { Forge } from '../model/ports.ts'
import { headDiffers } from './forge/names.ts'
import { checkPosting, isPosted } from './forge/posting.ts'
import { sendOnce } from './forge/retry.ts'
import { openTurns } from './forge/turns.ts'
import type { GithubTiming } from './github/client.ts'
import type { Context } from './github/context.ts'
import { openContext } from './github/context.ts'
import type { GithubCredentials } from './github/credentials.ts'
import { GITHUB_API_URL } from './github/credentials.ts'
import { openPullList } from './github/list.ts'
import { giveNotice } from './github/notice.ts'
import { openPull } from './github/open.ts'
import { isOnBase, readPull, readReviews, showPull } from './github/pull.ts'
import { settlePull } from './github/settle.ts'
import { openStatus } from './github/status.ts'

export type GithubForgeOptions = {
  /** `owner/name`: the approvals repository. */
  readonly repository: string
  /** The branch that resolved requests are committed to. */
  readonly base: string
  /** The API's address. Default: the public GitHub's; `https://HOST/api/v3` for an Enterprise server. */
  readonly apiUrl?: string
  /** Asked for at the first call, so that what needs no forge needs no credentials. */
  readonly credentials: () => GithubCredentials
  readonly timing?: GithubTiming
}

/**
 * A repository on GitHub. A request is the branch `countersign/<id>` of one commit that adds
 * `requests/<id>/request.json`, and its pull request; the outcome goes to the base branch beside it.
 *
 * Nothing that GitHub shows is believed but who posted what, and when: what a pull request asks for is read from its
 * head commit, which must add one request and nothing else.
 *
 * Calls throw FORGE_UNREACHABLE (retryable) in an outage or when GitHub asks for a pause, FORGE_UNAUTHORIZED and
 * FORGE_REFUSED when the credentials do not suffice.
 */
export function openGithubForge(options: GithubForgeOptions): Forge {
  const { repository, base, apiUrl = GITHUB_API_URL, timing } = options
  const host = new URL(apiUrl).host
  let opened: Context | null = null
  const context = (): Context => {
    opened ??= openContext({
      ...{ apiUrl, repository, base, credentials: options.credentials() },
      ...(timing === undefined ? {} : { timing }),
    })
    return opened
  }
  const [list, status, turns] = [openPullList(), openStatus(), openTurns()]
  return {
    identity: async () => ({ kind: 'github', host, repository: await context().repository() }),
    self: async () => context().people.self(),
    open: async (request, opening) => openPull(context(), request, opening),
    openPulls: async (which) => list(context(), which),
    notify: (number, notice) =>
      turns(`notice ${number}`, () => giveNotice(context(), number, notice)),
    setStatus: (_number, headSha, shown) =>
      turns(`status ${headSha}`, () => status(context(), headSha, shown)),
    pull: async (number) => readPull(context(), number),
    reviews: async (number) => readReviews(context(), number),
    postReview: async (number, review) => postReview(context(), number, review),
    onBase: async (ancestor) => isOnBase(context(), ancestor),
    settle: async (number, headSha, closing) => settlePull(context(), { number, headSha, closing }),
    where: (number) => `${webOf(apiUrl)}/${repository}/pull/${number}`,
  }
}

/** Where people see it. */
function webOf(apiUrl: string): string {
  const { protocol, host } = new URL(apiUrl)
  return `${protocol}//${host.replace(/^api\.(?=github\.com$|[\w-]+\.ghe\.com$)/, '')}`
}

async function postReview(
  context: Context,
  number: number,
  { statement, body, account }: Parameters<Forge['postReview']>[1],
): Promise<void> {
  const { verdict, pull } = statement.predicate
  const { client } = context
  const self = await context.people.self()
  checkPosting({ self, account, remedy: 'post the review with' })
  const posting = {
    ...{ pull_number: number, commit_id: pull.headSha, body },
    event: verdict === 'reject' ? 'REQUEST_CHANGES' : 'APPROVE',
    // One that failed may have been taken all the same: it is looked for before it is sent again.
    request: { retries: 0 },
  }
  const prepare = async (): Promise<boolean> => {
    const shown = await showPull(context, number)
    if (shown.state !== 'open') {
      throw new PolicyError('REQUEST_RESOLVED', `pull request ${number} is ${shown.state}`)
    }
    if (pull.headSha !== shown.headSha) throw headDiffers(number)
    const posted = await readReviews(context, number)
    return !isPosted(posted, { self, commit: pull.headSha, body })
  }
  const send = async (): Promise<void> => {
    const answer = await client.ask('POST /pulls/{pull_number}/reviews', posting, [422])
    if (!answer.done) throw refused(number, answer.message)
  }
  await sendOnce(client.secondMs, { prepare, send })
}

function refused(number: number, message: string): PolicyError {
  if (/your own pull request/i.test(message)) {
    return new PolicyError(
      'REVIEW_SELF',
      `this account opened pull request ${number}, and GitHub lets nobody review their own: give the engine an App or an account of its own`,
    )
  }
  return new PolicyError('FORGE_REFUSED', `GitHub does not take the review (422: ${message})`)
}
