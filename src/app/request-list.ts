import { PolicyError } from '../base/errors.ts'
import type { RequestRecord } from '../model/ports.ts'
import type { Parts } from './parts.ts'
import { settleRequest } from './resolve.ts'

/** Requests as they stand after one look at the forge: what people and time have decided is resolved on the way. */
export async function lookAtRequests(
  parts: Parts,
  state: 'waiting' | 'resolved' | 'all',
): Promise<readonly RequestRecord[]> {
  for (const { request } of await parts.store.requests({ state: 'waiting' })) {
    try {
      await settleRequest(parts, request.id)
    } catch (error) {
      // A forge that is away, or a request that cannot be resolved: it goes on waiting, and is listed so.
      if (!(error instanceof PolicyError)) throw error
    }
  }
  return parts.store.requests({ state })
}
