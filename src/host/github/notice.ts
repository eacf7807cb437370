import { PolicyError } from '../../base/errors.ts'
import { FORGE_REVIEWS_MAX } from '../../base/limits.ts'
import type { PullNotice } from '../../model/ports.ts'
import { listAt, valueAt } from '../forge/answer.ts'
import { checkNumber } from '../forge/names.ts'
import { noticeBody, noticeMarker } from '../forge/notice.ts'
import { sendOnce } from '../forge/retry.ts'
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
  checkNumber(number)
  const body = noticeBody(notice)
  const prepare = async (): Promise<boolean> => {
    if (await isGiven(context, number, noticeMarker(notice.key))) return false
    const shown = await showPull(context, number)
    if (shown.state === 'open') await askReviews(context, shown, notice)
    return true
  }
  const send = async (): Promise<void> => {
    // One that failed may have been taken all the same: it is looked for before it is sent again.
    const posting = { issue_number: number, body, request: { retries: 0 } }
    const answer = await client.ask('POST /issues/{issue_number}/comments', posting, [410, 422])
    if (answer.done) return
    throw new PolicyError(
      'FORGE_REFUSED',
      `GitHub does not take the comment (${answer.status}: ${answer.message})`,
    )
  }
  await sendOnce(client.secondMs, { prepare, send })
}

const PAGE = 100

async function isGiven(context: Context, number: number, marker: string): Promise<boolean> {
  const { client, people } = context
  const self = await people.self()
  for (let page = 1; page <= FORGE_REVIEWS_MAX / PAGE; page++) {
    const parameters = { issue_number: number, per_page: PAGE, page }
    const answer = await client.ask('GET /issues/{issue_number}/comments', parameters, [404, 410])
    if (!answer.done) {
      await context.repository()
      throw new PolicyError('REQUEST_UNKNOWN', `the forge has no pull request ${number}`)
    }
    const values = listAt(answer.value)
    // Anybody may write the marker into a comment of their own.
    if (values.some((value) => isOurs(value, self) && endsIn(value, marker))) return true
    if (!answer.more && values.length < PAGE) return false
  }
  throw new PolicyError('FORGE_CONFLICT', `pull request ${number} has too many comments`)
}

/** @param self - null for a workflow's token, whose account is a bot's */
function isOurs(value: unknown, self: string | null): boolean {
  if (self === null) return valueAt(value, ['user', 'type']) === 'Bot'
  return String(valueAt(value, ['user', 'id'])) === self
}

function endsIn(value: unknown, marker: string): boolean {
  const body = valueAt(value, ['body'])
  return typeof body === 'string' && body.trimEnd().endsWith(marker)
}
