import type { PullStatus } from '../../model/ports.ts'
import { listAt, textAt, valueAt } from '../forge/answer.ts'
import { openStatusDisplay, STATUS_CONTEXT } from '../forge/status.ts'
import type { Context } from './context.ts'

/** Shows commit statuses on GitHub. */
export function openStatus(): (
  context: Context,
  headSha: string,
  status: PullStatus,
) => Promise<void> {
  const show = openStatusDisplay()
  return ({ client }, sha, status) =>
    show(sha, status, {
      read: async () => {
        const asking = { ref: sha, per_page: 100 }
        const found = await client.ask('GET /commits/{ref}/status', asking, [403, 404, 422])
        if (!found.done) return undefined
        const ours = listAt(found.value, 'statuses').find(
          (one) => valueAt(one, ['context']) === STATUS_CONTEXT,
        )
        if (ours === undefined) return null
        const description = valueAt(ours, ['description'])
        return {
          state: textAt(ours, 'state'),
          description: typeof description === 'string' ? description : '',
        }
      },
      set: async (words) => {
        const setting = { sha, context: STATUS_CONTEXT, ...words }
        return (await client.ask('POST /statuses/{sha}', setting, [403, 404, 422])).done
      },
    })
}
