import { PolicyError } from '../../base/errors.ts'
import { FORGE_REVIEWS_MAX } from '../../base/limits.ts'
import type { ForgeReview, PosterKind } from '../../model/ports.ts'
import { idAt, listAt, textAt, valueAt } from '../forge/answer.ts'
import { byAge, checkNumber, tampered } from '../forge/names.ts'
import type { Context } from './context.ts'
import { foundOf } from './pull.ts'

/**
 * All reviews, oldest first. What nobody has submitted yet, and Gitea's notes of who was asked for one, are none.
 *
 * Pages are cut by position, and a review that is deleted meanwhile moves the others: more than one page is read until
 * two readings agree.
 */
export async function readReviews(context: Context, number: number): Promise<ForgeReview[]> {
  checkNumber(number)
  let before: string | null = null
  for (let tries = 0; tries < READS_MAX; tries++) {
    const { pages, values } = await readPages(context, number)
    const now = JSON.stringify(values)
    if (pages > 1 && now !== before) {
      before = now
      continue
    }
    const shown = values.filter((value) => !NOT_SUBMITTED.has(textAt(value, 'state')))
    const reviews = new Map<string, ForgeReview>()
    for (const value of shown) {
      // One after another: each poster is asked about once.
      const review = await readReview(context, value)
      reviews.set(review.id, review)
    }
    return [...reviews.values()].sort(byAge)
  }
  throw new PolicyError(
    'FORGE_UNREACHABLE',
    `the reviews of pull request ${number} keep changing; try again`,
    { retryable: true },
  )
}

const READS_MAX = 6
const NOT_SUBMITTED: ReadonlySet<string> = new Set(['PENDING', 'REQUEST_REVIEW'])

type Pages = { readonly pages: number; readonly values: readonly unknown[] }

/** A page may hold fewer than it has room for, since others' drafts are counted and not shown: the total counts. */
async function readPages(context: Context, number: number): Promise<Pages> {
  const limit = await context.pageSize()
  const values: unknown[] = []
  for (let page = 1; ; page++) {
    const asking = { query: { limit, page }, statuses: [404] }
    const answer = await context.client.ask(`GET /pulls/${number}/reviews`, asking)
    values.push(...listAt(await foundOf(context, number, answer)))
    const total = answer.done ? answer.total : null
    if (total === null) throw noTotal()
    if (total > FORGE_REVIEWS_MAX) {
      throw new PolicyError('FORGE_CONFLICT', `pull request ${number} has too many reviews`)
    }
    if (page * limit >= total) return { pages: page, values }
  }
}

export function noTotal(): PolicyError {
  return new PolicyError(
    'FORGE_UNREACHABLE',
    "not an answer of the forge's API: it has no X-Total-Count",
    { retryable: true },
  )
}

async function readReview(context: Context, value: unknown): Promise<ForgeReview> {
  const submittedAt = Date.parse(textAt(value, 'submitted_at'))
  if (Number.isNaN(submittedAt)) throw tampered('the time of a review')
  const commit = valueAt(value, ['commit_id'])
  const state = textAt(value, 'state')
  const known = Object.hasOwn(STATES, state) ? (STATES[state] ?? 'commented') : 'commented'
  return {
    id: String(idAt(value, 'id')),
    commit: typeof commit === 'string' ? commit : '',
    ...(await posterOf(context, valueAt(value, ['user']))),
    // A dismissed review keeps its state.
    state: valueAt(value, ['dismissed']) === true ? 'dismissed' : known,
    body: textAt(value, 'body'),
    submittedAt,
  }
}

const STATES: Readonly<Record<string, ForgeReview['state']>> = {
  APPROVED: 'approved',
  REQUEST_CHANGES: 'rejected',
  COMMENT: 'commented',
}

/** Who posted: a deleted account is -1, Gitea's own accounts are below. */
async function posterOf(
  { accounts }: Context,
  user: unknown,
): Promise<{ readonly poster: string | null; readonly posterKind: PosterKind }> {
  const id = valueAt(user, ['id'])
  if (user === null || id === GHOST_ID) return { poster: null, posterKind: 'gone' }
  if (typeof id !== 'number' || !Number.isSafeInteger(id)) throw tampered('who posted a review')
  const poster = String(id)
  return { poster, posterKind: (await accounts.loginOf(poster)) === null ? 'bot' : 'person' }
}

const GHOST_ID = -1
