import { resolve } from 'node:path'
import { PolicyError } from '../../base/errors.ts'
import type { JsonObject } from '../../base/json-value.ts'
import { openReviewSigner } from '../../host/ssh-signer.ts'
import type { CompiledPolicy } from '../../model/generated/types.ts'
import type { AnySigner, Clock, KeylessSigner, ReviewSigner } from '../../model/ports.ts'
import type { Parts } from '../engine/parts.ts'
import { findRequest } from '../engine/resolve.ts'
import { type ListedRequest, withMembers } from './request-list.ts'
import { type ShownRequest, showMembers, showRequest, standingOf } from './review.ts'

/** A person's SSH key: a file, or the one that ssh-agent holds. */
export function openSigner(folder: string, keyFile: string | undefined): Promise<ReviewSigner> {
  return openReviewSigner(keyFile === undefined ? {} : { keyFile: resolve(folder, keyFile) })
}

/** What says through which services people sign: the policy, and the time. */
export type SigningParts = {
  readonly judge: { readonly bundle: { readonly policy: Pick<CompiledPolicy, 'sigstore'> } }
  readonly clock: Clock
}

/**
 * A key that lives for minutes, certified for whoever the identity token names. The token comes from a file, else from the
 * surroundings of a workload, else a person signs in with a browser on any device.
 *
 * @param from.tokenFile - relative to `from.folder`
 * @param from.say - shows the person where to sign in; null where nobody is there to read it
 * @throws {PolicyError} SIGSTORE_UNCONFIGURED; the signer IDENTITY_TOKEN_MISSING and as openSigstoreSigner says
 */
export async function openKeylessSigner(
  parts: SigningParts,
  from: {
    readonly folder: string
    readonly tokenFile?: string | undefined
    readonly environment: Readonly<Record<string, string | undefined>>
    readonly say: ((text: string) => void) | null
  },
): Promise<KeylessSigner> {
  const { sigstore } = parts.judge.bundle.policy
  if (sigstore === undefined) {
    const message = 'the policy sets up no Sigstore; add "sigstore" to countersign.yaml'
    throw new PolicyError('SIGSTORE_UNCONFIGURED', message)
  }
  const { openSigstoreSigner, tokenFrom } = await import('../../host/sigstore/index.ts')
  const { client_id: clientId, oidc_issuer: issuer } = sigstore
  const file = from.tokenFile === undefined ? null : resolve(from.folder, from.tokenFile)
  return openSigstoreSigner({
    fulcioUrl: sigstore.fulcio_url,
    rekorUrl: sigstore.rekor_url,
    tsaUrl: sigstore.tsa_url,
    clientId,
    token: tokenFrom({ file, environment: from.environment, issuer, clientId, say: from.say }),
    clock: parts.clock,
  })
}

export type Shown = {
  readonly found: ListedRequest
  /** Only for a person on one of the request's routes. */
  readonly payload?: JsonObject
  readonly context?: JsonObject
  /** Of a batch, instead of its own. */
  readonly members?: readonly ShownRequest[]
}

/**
 * A request as this person may see it: the clear fields are for the people on its routes. Of a request in a batch, the whole
 * batch is shown, since a review is one of all of it.
 *
 * @throws {PolicyError} REQUEST_UNKNOWN, KEY_NOT_PINNED, IDENTITY_NOT_PINNED, REVIEWER_NOT_ON_ROUTE, REQUEST_TAMPERED
 */
export async function shownTo(parts: Parts, id: string, signer: AnySigner | null): Promise<Shown> {
  const asked = await findRequest(parts, id)
  const { batch } = asked
  const found = batch === undefined ? asked : await findRequest(parts, batch)
  const listed = await withMembers(parts, found)
  if (signer === null) return { found: listed }
  await standingOf(parts, found, signer, 'any')
  if (listed.members === undefined) return showRequest(parts, found)
  return { found: listed, members: await showMembers(parts, found) }
}

/**
 * Refuses a review by the name of one request of a batch: it would cover all of them, and whoever looked at this one
 * before it was gathered has not seen the others.
 *
 * @throws {PolicyError} BATCH_WHOLE
 */
export async function assertWhole(parts: Parts, id: string): Promise<void> {
  const { batch } = await findRequest(parts, id)
  if (batch === undefined) return
  const members = await parts.store.members(batch)
  throw new PolicyError(
    'BATCH_WHOLE',
    `${id} is one of the ${members.length} requests of the batch ${batch}, and a review covers all of them: look at 'requests show ${batch}', then review ${batch}`,
  )
}
