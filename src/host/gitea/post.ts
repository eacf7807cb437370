import { setTimeout as sleep } from 'node:timers/promises'
import { PolicyError } from '../../base/errors.ts'
import type { Forge, ForgeReview } from '../../model/ports.ts'
import { headDiffers } from '../forge/names.ts'
import type { Context } from './context.ts'
import { showPull } from './pull.ts'
import { readReviews } from './reviews.ts'

/** Posts a review as the account of the token, once: one that is there already is left. */
export async function postReview(
  context: Context,
  number: number,
  { statement, body, account }: Parameters<Forge['postReview']>[1],
): Promise<void> {
  const { verdict, pull } = statement.predicate
  const { client } = context
  const self = await context.accounts.self()
  if (account !== null && account !== self) {
    throw new PolicyError(
      'REVIEW_POSTER',
      `these credentials are of the account ${self}, and the reviewer's on the roster is ${account}: post the review with a token of the reviewer's own`,
    )
  }
  // Gitea takes an event that it does not know for a draft, and says nothing.
  const event = verdict === 'reject' ? 'REQUEST_CHANGES' : 'APPROVED'
  const posting = { body: { event, commit_id: pull.headSha, body }, statuses: [422] }
  for (let tries = 1; ; tries++) {
    const shown = await showPull(context, number)
    if (shown.state !== 'open') {
      throw new PolicyError('REQUEST_RESOLVED', `pull request ${number} is ${shown.state}`)
    }
    if (pull.headSha !== shown.headSha) throw headDiffers(number)
    const posted = await readReviews(context, number)
    const isOurs = (review: ForgeReview): boolean =>
      review.poster === self &&
      review.body === body &&
      review.commit === pull.headSha &&
      review.state !== 'dismissed'
    if (posted.some(isOurs)) return
    try {
      const answer = await client.ask(`POST /pulls/${number}/reviews`, posting)
      if (answer.done) return
      throw await refused(context, number, answer.message)
    } catch (error) {
      // One that failed may have been taken all the same: it is looked for before it is sent again.
      const again = error instanceof PolicyError && error.retryable && tries < TRIES_MAX
      if (!again) throw error
      await sleep(tries * client.secondMs)
    }
  }
}

const TRIES_MAX = 3

async function refused(context: Context, number: number, message: string): Promise<PolicyError> {
  if (/your own pull/i.test(message)) {
    return new PolicyError(
      'REVIEW_SELF',
      `this account opened pull request ${number}, and Gitea lets nobody review their own: give the engine an account of its own`,
    )
  }
  const { state } = await showPull(context, number)
  if (state !== 'open') {
    return new PolicyError('REQUEST_RESOLVED', `pull request ${number} is ${state}`)
  }
  return new PolicyError('FORGE_REFUSED', `Gitea does not take the review (422: ${message})`)
}
