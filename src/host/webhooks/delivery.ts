import { createHmac, timingSafeEqual } from 'node:crypto'
import { PolicyError } from '../../base/errors.ts'
import { parseJsonBytes } from '../../base/json-parse.ts'
import type { JsonValue } from '../../base/json-value.ts'
import { WEBHOOK_BYTES_MAX } from '../../base/limits.ts'
import { valueAt } from '../forge/answer.ts'
import { requestOfBranch } from '../forge/names.ts'

/** Headers by lower-case name, as node gives them. */
export type WebhookHeaders = Readonly<Record<string, string | readonly string[] | undefined>>

/** What a forge said happened. A hint where to look: nothing in it is believed. */
export type Delivery = {
  readonly forge: 'github' | 'gitea'
  /** The forge's name of this delivery. It is not signed. */
  readonly delivery: string
  /** The signature of the body: what was signed once is known by it under any name. */
  readonly signature: string
} & (
  | {
      readonly kind: 'pull_request' | 'pull_request_review'
      /** The repository's id, as text. */
      readonly repository: string
      readonly pull: number
      /** From the head branch; null when it is no request's. */
      readonly request: string | null
    }
  | { readonly kind: 'ignored' }
)

/**
 * Checks that a forge sent this, and reads it. GitHub signs with `X-Hub-Signature-256: sha256=` and Gitea with
 * `X-Gitea-Signature`: HMAC-SHA256 of the body's bytes, in hexadecimal. The old `X-Hub-Signature`, of SHA-1, counts for
 * nothing.
 *
 * @param body - the bytes as they came
 * @param secrets - any of them may have signed: during a change the old and the new one
 * @throws {PolicyError} WEBHOOK_UNVERIFIED, WEBHOOK_MALFORMED, WEBHOOK_TOO_LARGE
 * @see https://docs.github.com/webhooks/using-webhooks/validating-webhook-deliveries
 * @see https://docs.gitea.com/usage/webhooks
 */
export function verifyDelivery(
  headers: WebhookHeaders,
  body: Uint8Array,
  secrets: readonly string[],
): Delivery {
  const { forge, signature } = readSignature(headers)
  if (body.length > WEBHOOK_BYTES_MAX) {
    throw new PolicyError('WEBHOOK_TOO_LARGE', `expected at most ${WEBHOOK_BYTES_MAX} bytes`)
  }
  // Every secret is tried, so that the time tells nothing of which one it was.
  const matches = secrets.filter((secret) => {
    const wanted = createHmac('sha256', secret).update(body).digest()
    return secret.length > 0 && timingSafeEqual(wanted, Buffer.from(signature, 'hex'))
  })
  if (matches.length === 0) throw unverified('no secret of ours made this signature')
  const delivery = headerOf(headers, forge === 'gitea' ? 'x-gitea-delivery' : 'x-github-delivery')
  if (delivery === null || !/^[\w-]{1,64}$/.test(delivery)) {
    throw malformed('expected the id of the delivery in its header')
  }
  const event = headerOf(headers, forge === 'gitea' ? 'x-gitea-event' : 'x-github-event')
  const kind = kindOf(forge, event ?? '')
  const about = { forge, delivery, signature }
  if (kind === null) return { ...about, kind: 'ignored' }
  return { ...about, kind, ...readPull(headers, body) }
}

/**
 * Finds out who signed, and how; what is unsigned need not even be read to its end.
 *
 * @throws {PolicyError} WEBHOOK_UNVERIFIED
 */
export function readSignature(headers: WebhookHeaders): Pick<Delivery, 'forge' | 'signature'> {
  // Gitea sends GitHub's headers besides.
  const gitea = headerOf(headers, 'x-gitea-signature')
  const signature = gitea ?? /^sha256=(.*)$/.exec(headerOf(headers, HUB) ?? '')?.[1] ?? ''
  if (!/^[0-9a-f]{64}$/.test(signature)) throw unverified(`expected a signature in ${HUB}`)
  return { forge: gitea === null ? 'github' : 'gitea', signature }
}

const HUB = 'x-hub-signature-256'

function headerOf(headers: WebhookHeaders, name: string): string | null {
  const value = Object.hasOwn(headers, name) ? headers[name] : undefined
  return typeof value === 'string' ? value : null
}

type Kind = 'pull_request' | 'pull_request_review'

/** @returns null for what says nothing of where a request stands */
function kindOf(forge: Delivery['forge'], event: string): Kind | null {
  if (event === 'pull_request' || event === 'pull_request_review') return event
  // Gitea names a review by what it says.
  const isReview = /^pull_request_(?:approved|rejected|comment|review_\w{1,20})$/.test(event)
  return forge === 'gitea' && isReview ? 'pull_request_review' : null
}

function readPull(
  headers: WebhookHeaders,
  body: Uint8Array,
): { readonly repository: string; readonly pull: number; readonly request: string | null } {
  const type = headerOf(headers, 'content-type') ?? ''
  if (!/^application\/json(?:\s*;|$)/i.test(type)) {
    throw malformed("expected application/json; choose it as the webhook's content type")
  }
  let value: JsonValue
  try {
    value = parseJsonBytes(body, { bytesMax: WEBHOOK_BYTES_MAX })
  } catch {
    throw malformed('the body is no JSON')
  }
  const repository = valueAt(value, ['repository', 'id'])
  const pull = valueAt(value, ['pull_request', 'number'])
  if (!isId(repository) || !isId(pull)) throw malformed('it names no pull request of a repository')
  const branch = valueAt(value, ['pull_request', 'head', 'ref'])
  const request = typeof branch === 'string' ? requestOfBranch(branch) : null
  return { repository: String(repository), pull, request }
}

function isId(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 1
}

function unverified(what: string): PolicyError {
  return new PolicyError('WEBHOOK_UNVERIFIED', `the delivery is not verified: ${what}`)
}

function malformed(what: string): PolicyError {
  return new PolicyError('WEBHOOK_MALFORMED', `the delivery cannot be read: ${what}`)
}
