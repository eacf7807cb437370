import { resolve } from 'node:path'
import { PolicyError } from '../base/errors.ts'
import type { JsonObject } from '../base/json-value.ts'
import { openReviewSigner } from '../host/ssh-signer.ts'
import type { AnySigner, KeylessSigner, RequestRecord, ReviewSigner } from '../model/ports.ts'
import type { Parts } from './parts.ts'
import { findRequest } from './resolve.ts'
import { showRequest, standingOf } from './review.ts'

/** A person's SSH key: a file, or the one that ssh-agent holds. */
export function openSigner(folder: string, keyFile: string | undefined): Promise<ReviewSigner> {
  return openReviewSigner(keyFile === undefined ? {} : { keyFile: resolve(folder, keyFile) })
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
  parts: Parts,
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
  const { openSigstoreSigner, tokenFrom } = await import('../host/sigstore/index.ts')
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
  readonly found: RequestRecord
  /** Only for a person on one of the request's routes. */
  readonly payload?: JsonObject
  readonly context?: JsonObject
}

/**
 * A request as this person may see it: the clear fields are for the people on its routes.
 *
 * @throws {PolicyError} REQUEST_UNKNOWN, KEY_NOT_PINNED, IDENTITY_NOT_PINNED, REVIEWER_NOT_ON_ROUTE, REQUEST_TAMPERED
 */
export async function shownTo(parts: Parts, id: string, signer: AnySigner | null): Promise<Shown> {
  const found = await findRequest(parts, id)
  if (signer === null) return { found }
  await standingOf(parts, found, signer, 'any')
  return showRequest(parts, found)
}
