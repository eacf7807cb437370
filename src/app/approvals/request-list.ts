import type { RequestRecord } from '../../model/ports.ts'
import type { Parts } from '../engine/parts.ts'
import { within } from './rounds.ts'

/** A request of a list; a batch with its requests, in the order of asking. */
export type ListedRequest = RequestRecord & { readonly members?: readonly RequestRecord[] }

/**
 * Requests as they stand after one round of the sweeper: what people and time have decided is resolved on the way. When
 * the forge is away, or a request cannot be resolved, it goes on waiting, and is listed so. Where very many wait, what is
 * known is listed after a moment, and the round goes on behind it. Requests in a batch are listed as one.
 */
export async function lookAtRequests(
  parts: Parts,
  state: 'waiting' | 'resolved' | 'all',
): Promise<readonly ListedRequest[]> {
  const sweep = parts.sweeper.sweep()
  const isLong = (await parts.store.unfinished()).length > MANY
  await (isLong ? within(sweep, MANY_MS_MAX) : sweep)
  const found = await parts.store.requests({ state })
  const alone = found.filter(({ batch }) => batch === undefined)
  return Promise.all(alone.map((one) => withMembers(parts, one)))
}

/** More than a forge shows on one page. */
const MANY = 100
const MANY_MS_MAX = 500

/** A batch with its requests; any other request as it is. */
export async function withMembers(parts: Parts, found: RequestRecord): Promise<ListedRequest> {
  if (found.request.members === undefined) return found
  return { ...found, members: await parts.store.members(found.request.id) }
}
