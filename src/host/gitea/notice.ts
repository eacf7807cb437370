import type { PullNotice, PullStatus } from '../../model/ports.ts'
import { listAt, textAt, valueAt } from '../forge/answer.ts'
import { noticeBody, noticeMarker } from '../forge/notice.ts'
import { sendOnce } from '../forge/retry.ts'
import { openStatusDisplay, STATUS_CONTEXT } from '../forge/status.ts'
import type { Context } from './context.ts'
import { askReviews } from './people.ts'
import { showPull } from './pull.ts'

/**
 * Says something in a comment, once a key: it is looked for first, among the comments of the same account. Reviews are
 * asked for before, so that a crash between the two leaves nobody out.
 */
export async function giveNotice(
  context: Context,
  number: number,
  notice: PullNotice,
): Promise<void> {
  const { client } = context
  const body = noticeBody(notice)
  const prepare = async (): Promise<boolean> => {
    // Asked first: Gitea answers a question about the comments of nothing with a fault of its own.
    const shown = await showPull(context, number)
    if (await isGiven(context, number, noticeMarker(notice.key))) return false
    if (shown.state === 'open') await askReviews(context, shown, notice.reviewers)
    return true
  }
  const send = async (): Promise<void> => {
    await client.ask(`POST /issues/${number}/comments`, { body: { body } })
  }
  await sendOnce(client.secondMs, { prepare, send })
}

async function isGiven(context: Context, number: number, marker: string): Promise<boolean> {
  const self = await context.accounts.self()
  // Gitea gives all comments at once.
  const comments = listAt(await context.client.get(`GET /issues/${number}/comments`))
  // Anybody may write the marker into a comment of their own.
  return comments.some(
    (one) =>
      String(valueAt(one, ['user', 'id'])) === self &&
      textAt(one, 'body').trimEnd().endsWith(marker),
  )
}

/** Shows commit statuses on Gitea, with a link to the pull request. */
export function openStatus(): (
  context: Context,
  on: { readonly number: number; readonly headSha: string },
  status: PullStatus,
) => Promise<void> {
  const show = openStatusDisplay()
  return ({ client, where }, { number, headSha }, status) => {
    const sha = encodeURIComponent(headSha)
    const statuses = [400, 403, 404, 422]
    return show(headSha, status, {
      read: async () => {
        const found = await client.ask(`GET /commits/${sha}/status`, { statuses })
        if (!found.done) return undefined
        const list = valueAt(found.value, ['statuses'])
        if (!Array.isArray(list)) return null
        const ours = list.find((one) => valueAt(one, ['context']) === STATUS_CONTEXT)
        if (ours === undefined) return null
        return { state: textAt(ours, 'status'), description: textAt(ours, 'description') }
      },
      set: async (words) => {
        const body = { context: STATUS_CONTEXT, target_url: where(number), ...words }
        return (await client.ask(`POST /statuses/${sha}`, { body, statuses })).done
      },
    })
  }
}
