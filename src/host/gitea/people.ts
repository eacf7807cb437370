import { askEach } from '../forge/logins.ts'
import type { Context } from './context.ts'
import type { Shown } from './pull.ts'

/**
 * Asks people for their review. Whom Gitea does not let be asked, such as who has no access to the repository, is left
 * out; they may review all the same.
 *
 * @param reviewers - ids of accounts
 */
export async function askReviews(
  { client, accounts }: Context,
  shown: Pick<Shown, 'number' | 'author' | 'asked'>,
  reviewers: readonly string[],
): Promise<void> {
  const wanted = reviewers.filter((id) => id !== shown.author && !shown.asked.includes(id))
  const logins: string[] = []
  for (const id of wanted.slice(0, ASKED_MAX)) {
    const login = await accounts.loginOf(id)
    if (login !== null) logins.push(login)
  }
  await askEach(logins, async (names) => {
    const asking = { body: { reviewers: names }, statuses: [403, 404, 422] }
    return (await client.ask(`POST /pulls/${shown.number}/requested_reviewers`, asking)).done
  })
}

/** People asked at a time: a mail each. */
const ASKED_MAX = 50
