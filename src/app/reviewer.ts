import { resolve } from 'node:path'
import { PolicyError } from '../base/errors.ts'
import type { JsonObject } from '../base/json-value.ts'
import { openReviewSigner } from '../host/ssh-signer.ts'
import type { RequestRecord, ReviewSigner } from '../model/ports.ts'
import { standingRequest } from '../trust/approve/routes.ts'
import { routesOf } from '../trust/approve/statement.ts'
import type { Parts } from './parts.ts'
import { personOf, showRequest } from './review.ts'

/** A person's SSH key: a file, or the one that ssh-agent holds. */
export function openSigner(folder: string, keyFile: string | undefined): Promise<ReviewSigner> {
  return openReviewSigner(keyFile === undefined ? {} : { keyFile: resolve(folder, keyFile) })
}

export type Shown = {
  readonly found: RequestRecord
  /** Only for a person on one of the request's routes. */
  readonly payload?: JsonObject
  readonly context?: JsonObject
}

/**
 * A request as this person may see it: the clear fields are for the people on its routes.
 *
 * @throws {PolicyError} REQUEST_UNKNOWN, KEY_NOT_PINNED, REVIEWER_NOT_ON_ROUTE, REQUEST_TAMPERED
 */
export async function shownTo(
  parts: Parts,
  id: string,
  signer: ReviewSigner | null,
): Promise<Shown> {
  const found = await parts.store.request(id)
  if (found === null) throw new PolicyError('REQUEST_UNKNOWN', `no request ${id} in this store`)
  if (signer === null) return { found }
  const person = personOf(parts, signer.fingerprint)
  const standing = standingRequest(found.request, parts.judge.bundle.policy)
  if (routesOf(standing, person.id).length === 0) {
    throw new PolicyError('REVIEWER_NOT_ON_ROUTE', `${person.id} is on none of the routes of ${id}`)
  }
  return showRequest(parts, found)
}
