import { resolve } from 'node:path'
import type { JsonObject } from '../base/json-value.ts'
import { openReviewSigner } from '../host/ssh-signer.ts'
import type { RequestRecord, ReviewSigner } from '../model/ports.ts'
import type { Parts } from './parts.ts'
import { findRequest } from './resolve.ts'
import { showRequest, standingOf } from './review.ts'

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
  const found = await findRequest(parts, id)
  if (signer === null) return { found }
  standingOf(parts, found, signer)
  return showRequest(parts, found)
}
