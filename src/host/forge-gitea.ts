import type { Forge } from '../model/ports.ts'
import type { GiteaTiming } from './gitea/client.ts'
import type { Context } from './gitea/context.ts'
import { openContext } from './gitea/context.ts'
import type { GiteaCredentials } from './gitea/credentials.ts'
import { openPullList } from './gitea/list.ts'
import { giveNotice, openStatus } from './gitea/notice.ts'
import { openPull } from './gitea/open.ts'
import { postReview } from './gitea/post.ts'
import { isOnBase, readPull } from './gitea/pull.ts'
import { readReviews } from './gitea/reviews.ts'
import { settlePull } from './gitea/settle.ts'

export type GiteaForgeOptions = {
  /** `owner/name`: the approvals repository. */
  readonly repository: string
  /** The branch that resolved requests are committed to. */
  readonly base: string
  /** `https://HOST/api/v1`. */
  readonly apiUrl: string
  /** Asked for at the first call, so that what needs no forge needs no credentials. */
  readonly credentials: () => GiteaCredentials
  readonly timing?: GiteaTiming
}

/**
 * A repository on Gitea. A request is the branch `countersign/<id>` of one commit that adds
 * `requests/<id>/request.json`, and its pull request; the outcome goes to the base branch beside it.
 *
 * Nothing that Gitea shows is believed but who posted what, and when: what a pull request asks for is read from its
 * head commit, which must add one request and nothing else.
 *
 * Calls throw FORGE_UNREACHABLE (retryable) in an outage, FORGE_UNAUTHORIZED and FORGE_REFUSED when the credentials do
 * not suffice.
 */
export function openGiteaForge(options: GiteaForgeOptions): Forge {
  const { repository, base, timing } = options
  const apiUrl = options.apiUrl.replace(/\/+$/, '')
  const where = (number: number): string =>
    `${apiUrl.replace(/\/api\/v1$/, '')}/${repository}/pulls/${number}`
  let opened: Context | null = null
  const context = (): Context => {
    opened ??= openContext({
      ...{ apiUrl, repository, base, where, credentials: options.credentials() },
      ...(timing === undefined ? {} : { timing }),
    })
    return opened
  }
  const [list, status] = [openPullList(), openStatus()]
  const inTurn = async <T>(key: string, work: (context: Context) => Promise<T>): Promise<T> => {
    const current = context()
    return current.turns(key, () => work(current))
  }
  return {
    identity: async () => {
      const { host } = new URL(apiUrl)
      return { kind: 'gitea', host, repository: await context().repository() }
    },
    self: async () => context().accounts.self(),
    open: (request, opening) => inTurn('open', (current) => openPull(current, request, opening)),
    openPulls: (which) => inTurn('list', (current) => list(current, which)),
    notify: (number, notice) =>
      inTurn(`notice ${number}`, (current) => giveNotice(current, number, notice)),
    setStatus: (number, headSha, shown) =>
      inTurn(`status ${headSha}`, (current) => status(current, { number, headSha }, shown)),
    pull: async (number) => readPull(context(), number),
    reviews: async (number) => readReviews(context(), number),
    postReview: async (number, review) => postReview(context(), number, review),
    onBase: async (ancestor) => isOnBase(context(), ancestor),
    settle: (number, headSha, closing) =>
      inTurn('settle', (current) => settlePull(current, { number, headSha, closing })),
    where,
  }
}
