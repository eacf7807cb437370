import type { PullStatus } from '../../model/ports.ts'
import { listAt, textAt, valueAt } from '../forge/answer.ts'
import { plainLine } from '../forge/plain.ts'
import type { Context } from './pull.ts'

/** What the status is called on GitHub. A branch rule must not require it: who may set statuses could forge it. */
const STATUS_CONTEXT = 'countersign/approval'

/**
 * Shows where a request stands as a commit status: unlike a check run it may be set by tokens too. The same one is set
 * once, also after a restart. Credentials that may set none are no reason to fail.
 */
export function openStatus(): (
  context: Context,
  headSha: string,
  status: PullStatus,
) => Promise<void> {
  const shown = new Map<string, string>()
  return async ({ client }, sha, { state, description }) => {
    const status = { state, description: plainLine(description, DESCRIPTION_LENGTH_MAX - 1) }
    const wanted = JSON.stringify(status)
    if (!shown.has(sha)) {
      const found = await client.ask(
        'GET /commits/{ref}/status',
        { ref: sha, per_page: 100 },
        [403, 404, 422],
      )
      if (!found.done) return
      const ours = listAt(found.value, 'statuses').find(
        (one) => valueAt(one, ['context']) === STATUS_CONTEXT,
      )
      if (ours !== undefined) shown.set(sha, statusOf(ours))
    }
    if (shown.get(sha) === wanted) return
    const setting = { sha, context: STATUS_CONTEXT, ...status }
    const set = await client.ask('POST /statuses/{sha}', setting, [403, 404, 422])
    if (!set.done) return
    if (shown.size >= SHOWN_MAX) shown.delete(shown.keys().next().value ?? '')
    shown.set(sha, wanted)
  }
}

/** GitHub takes so many characters. */
const DESCRIPTION_LENGTH_MAX = 140
const SHOWN_MAX = 10_000

function statusOf(value: unknown): string {
  const description = valueAt(value, ['description'])
  return JSON.stringify({
    state: textAt(value, 'state'),
    description: typeof description === 'string' ? description : '',
  })
}
