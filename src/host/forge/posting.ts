import { PolicyError } from '../../base/errors.ts'
import type { ForgeReview } from '../../model/ports.ts'

export type Posting = {
  /** The account that posts; null where the forge does not say. */
  readonly self: string | null
  /** The reviewer's, by the roster; null where it has none. */
  readonly account: string | null
  /** What to do with a token of the reviewer's own, as an error says it. */
  readonly remedy: 'post the review with' | 'use'
}

/**
 * Refuses to post as another account than the reviewer's: such a review would stand in the way of what it approves.
 *
 * @throws {PolicyError} REVIEW_POSTER
 */
export function checkPosting({ self, account, remedy }: Posting): void {
  if (account === null || self === null || self === account) return
  throw new PolicyError(
    'REVIEW_POSTER',
    `these credentials are of the account ${self}, and the reviewer's on the roster is ${account}: ${remedy} a token of the reviewer's own`,
  )
}

/** Whether this account's review with this body stands on this commit already. A word-for-word copy by others is none. */
export function isPosted(
  reviews: readonly ForgeReview[],
  { self, commit, body }: Pick<Posting, 'self'> & Pick<ForgeReview, 'commit' | 'body'>,
): boolean {
  return reviews.some(
    (review) =>
      (self === null || review.poster === self) &&
      review.body === body &&
      review.commit === commit &&
      review.state !== 'dismissed',
  )
}
