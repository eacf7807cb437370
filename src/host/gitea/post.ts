import { PolicyError } from '../../base/errors.ts'
import type { Forge } from '../../model/ports.ts'
import { headDiffers } from '../forge/names.ts'
import { checkPosting, isPosted } from '../forge/posting.ts'
import { sendOnce } from '../forge/retry.ts'
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
  checkPosting({ self, account, remedy: 'post the review with' })
  // Gitea takes an event that it does not know for a draft, and says nothing.
  const event = verdict === 'reject' ? 'REQUEST_CHANGES' : 'APPROVED'
  const posting = { body: { event, commit_id: pull.headSha, body }, statuses: [422] }
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
    const answer = await client.ask(`POST /pulls/${number}/reviews`, posting)
    if (!answer.done) throw await refused(context, number, answer.message)
  }
  await sendOnce(client.secondMs, { prepare, send })
}

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
