import { setTimeout as sleep } from 'node:timers/promises'
import { PolicyError } from '../../base/errors.ts'
import type { PullNotice, PullStatus } from '../../model/ports.ts'
import { listAt, textAt, valueAt } from '../forge/answer.ts'
import { noticeBody, noticeMarker } from '../forge/notice.ts'
import { plainLine } from '../forge/plain.ts'
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
  for (let tries = 1; ; tries++) {
    // Asked first: Gitea answers a question about the comments of nothing with a fault of its own.
    const shown = await showPull(context, number)
    if (await isGiven(context, number, noticeMarker(notice.key))) return
    if (shown.state === 'open') await askReviews(context, shown, notice.reviewers)
    try {
      await client.ask(`POST /issues/${number}/comments`, { body: { body } })
      return
    } catch (error) {
      // One that failed may have been taken all the same: it is looked for before it is sent again.
      const again = error instanceof PolicyError && error.retryable && tries < TRIES_MAX
      if (!again) throw error
      await sleep(tries * client.secondMs)
    }
  }
}

const TRIES_MAX = 3

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

/** What the status is called on Gitea. A branch rule must not require it: who may push could forge it. */
const STATUS_CONTEXT = 'countersign/approval'

/**
 * Shows where a request stands as a commit status. The same one is set once, also after a restart. Credentials that may
 * set none are no reason to fail.
 */
export function openStatus(): (
  context: Context,
  on: { readonly number: number; readonly headSha: string },
  status: PullStatus,
) => Promise<void> {
  const shown = new Map<string, string>()
  return async ({ client, where }, { number, headSha: sha }, { state, description }) => {
    const status = { state, description: plainLine(description, DESCRIPTION_LENGTH_MAX - 1) }
    const wanted = JSON.stringify(status)
    if (!shown.has(sha)) {
      const statuses = [400, 403, 404, 422]
      const found = await client.ask(`GET /commits/${encodeURIComponent(sha)}/status`, { statuses })
      if (!found.done) return
      const list = valueAt(found.value, ['statuses'])
      const ours = Array.isArray(list)
        ? list.find((one) => valueAt(one, ['context']) === STATUS_CONTEXT)
        : undefined
      if (ours !== undefined) shown.set(sha, statusOf(ours))
    }
    if (shown.get(sha) === wanted) return
    const set = await client.ask(`POST /statuses/${encodeURIComponent(sha)}`, {
      body: { context: STATUS_CONTEXT, target_url: where(number), ...status },
      statuses: [400, 403, 404, 422],
    })
    if (!set.done) return
    if (shown.size >= SHOWN_MAX) shown.delete(shown.keys().next().value ?? '')
    shown.set(sha, wanted)
  }
}

/** As many characters as on other forges. */
const DESCRIPTION_LENGTH_MAX = 140
const SHOWN_MAX = 10_000

function statusOf(value: unknown): string {
  return JSON.stringify({
    state: textAt(value, 'status'),
    description: textAt(value, 'description'),
  })
}
