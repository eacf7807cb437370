import type { RequestRecord } from '../model/ports.ts'
import type { Parts } from './parts.ts'

/**
 * Requests as they stand after one round of the sweeper: what people and time have decided is resolved on the way. When
 * the forge is away, or a request cannot be resolved, it goes on waiting, and is listed so.
 */
export async function lookAtRequests(
  parts: Parts,
  state: 'waiting' | 'resolved' | 'all',
): Promise<readonly RequestRecord[]> {
  await parts.sweeper.sweep()
  return parts.store.requests({ state })
}
