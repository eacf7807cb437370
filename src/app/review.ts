import { canonicalize } from '../base/canonical-json.ts'
import { utf8 } from '../base/digest.ts'
import { PolicyError } from '../base/errors.ts'
import type { JsonObject, JsonValue } from '../base/json-value.ts'
import type { CompiledPerson } from '../model/generated/types.ts'
import type { ForgeIdentity, ForgeReview, RequestRecord, ReviewSigner } from '../model/ports.ts'
import { standingRequest } from '../trust/approve/routes.ts'
import { type ReviewWords, reviewStatement, routesOf } from '../trust/approve/statement.ts'
import { accountOf, hasAccounts } from '../trust/verify/poster.ts'
import { verifyReview } from '../trust/verify/review.ts'
import { formatReviewBody } from '../trust/verify/review-body.ts'
import type { Parts } from './parts.ts'
import { makePatch, sealPatch } from './patch.ts'
import { type OpenedDecision, openDecision, recommit } from './record.ts'
import { findRequest, openPull, ownerOf, settleRequest } from './resolve.ts'

export type Review = {
  readonly verdict: 'approve' | 'reject' | 'patch'
  /** The whole payload as it should run. Only with `patch`. */
  readonly payload?: JsonObject
  readonly comment?: string
}

/**
 * Signs and posts one person's review, then brings the request as far as it goes. Before signing it recomputes the
 * root from the clear action that the person was shown, so that nobody signs for another action than the one they saw.
 *
 * @throws {PolicyError} REQUEST_RESOLVED, REQUEST_EXPIRED, REQUEST_TAMPERED, KEY_NOT_PINNED, REVIEWER_NOT_ON_ROUTE,
 *   PATCH_INVALID, PATCH_TOO_LARGE
 */
export async function reviewRequest(
  parts: Parts,
  id: string,
  review: Review,
  signer: ReviewSigner,
): Promise<RequestRecord> {
  const found = await findRequest(parts, id)
  assertOpen(parts, found)
  const { person, routes } = standingOf(parts, found, signer)
  const held = await openHeld(parts, found)
  const patch = review.verdict === 'patch' ? makePatch(held.inputs, review.payload) : null
  const sealed = patch === null ? null : sealPatch(patch, held.key, id)
  await post(parts, found, signer, {
    words: {
      reviewer: person.id,
      routes,
      verdict: review.verdict,
      ...(patch === null ? {} : { patchRoot: patch.committed.root }),
      ...(review.comment === undefined ? {} : { comment: review.comment }),
      issuedAt: parts.clock(),
    },
    sealed,
    title: `${person.name}: ${review.verdict} of ${id}`,
  })
  return settleRequest(parts, id)
}

/** Signs a statement and posts it; verified first as the engine will, since a review that does not stand blocks. */
async function post(
  parts: Parts,
  found: RequestRecord,
  signer: ReviewSigner,
  made: { readonly words: ReviewWords; readonly sealed: Uint8Array | null; readonly title: string },
): Promise<void> {
  const { request } = found
  const { pull: number } = await openPull(parts, found)
  const [pull, forge] = [await parts.forge.pull(number), await parts.forge.identity()]
  const statement = reviewStatement({ request, pull, forge }, made.words)
  const bytes = utf8(canonicalize(statement as unknown as JsonValue))
  const body = formatReviewBody(bytes, await signer.sign(bytes), made.title, made.sealed)
  const review: ForgeReview = {
    id: 'draft',
    commit: pull.headSha,
    ...posterFor(parts, forge, made.words.reviewer),
    state: made.words.verdict === 'reject' ? 'rejected' : 'approved',
    body,
    submittedAt: made.words.issuedAt,
  }
  const { people } = parts.judge.bundle.policy
  const owner = ownerOf(parts, request)
  verifyReview({ review, request, pull, forge, people, owner, now: parts.clock() })
  await parts.forge.postReview(number, { statement, body, submittedAt: review.submittedAt })
}

/** The account that the review must come from; the forge says afterwards which one it did come from. */
function posterFor(
  parts: Parts,
  forge: ForgeIdentity,
  reviewer: string,
): Pick<ForgeReview, 'poster' | 'posterKind'> {
  if (!hasAccounts(forge)) return { poster: null, posterKind: 'none' }
  const person = parts.judge.bundle.policy.people.find(({ id }) => id === reviewer)
  const account = person === undefined ? undefined : accountOf(person, forge)
  return { poster: account ?? null, posterKind: 'person' }
}

/** A request with its clear action, for a person on the roster. */
export type ShownRequest = {
  readonly found: RequestRecord
  readonly payload: JsonObject
  readonly context: JsonObject
}

/** @throws {PolicyError} as {@link openHeld} */
export async function showRequest(parts: Parts, found: RequestRecord): Promise<ShownRequest> {
  const { action } = (await openHeld(parts, found)).inputs
  return { found, payload: action.payload, context: action.context }
}

/**
 * Opens what a request's action was made from, and checks that it is the one the request's root commits to.
 *
 * @throws {PolicyError} REQUEST_TAMPERED, or STORE_KEY_MISMATCH when the action was erased
 */
async function openHeld(parts: Parts, found: RequestRecord): Promise<OpenedDecision> {
  const { decision, root, id } = found.request
  const held = await openDecision(parts.store, decision)
  if (recommit(held.inputs).root === root) return held
  throw new PolicyError(
    'REQUEST_TAMPERED',
    `the stored action of ${id} is not the one that its root commits to; do not sign`,
  )
}

/**
 * Who signs, and for which of a request's routes under the policy of this moment; at least one.
 *
 * @throws {PolicyError} KEY_NOT_PINNED, REVIEWER_NOT_ON_ROUTE
 */
export function standingOf(
  parts: Parts,
  { request }: RequestRecord,
  signer: ReviewSigner,
): { readonly person: CompiledPerson; readonly routes: readonly string[] } {
  const person = personOf(parts, signer.fingerprint)
  const routes = routesOf(standingRequest(request, parts.judge.bundle.policy), person.id)
  if (routes.length > 0) return { person, routes }
  const names = request.routes.map((asked) => asked.id).join(', ')
  throw new PolicyError('REVIEWER_NOT_ON_ROUTE', `${person.id} is on none of the routes ${names}`)
}

/** The person whose entry pins this key. @throws {PolicyError} KEY_NOT_PINNED */
function personOf(parts: Parts, fingerprint: string): CompiledPerson {
  const person = parts.judge.bundle.policy.people.find(({ keys }) =>
    keys.some((key) => key.fingerprint === fingerprint),
  )
  if (person !== undefined) return person
  throw new PolicyError(
    'KEY_NOT_PINNED',
    `no person on the roster has the key ${fingerprint}; add it to the roster by a pull request`,
  )
}

function assertOpen(parts: Parts, found: RequestRecord): void {
  const { request, resolution } = found
  if (resolution !== null) {
    throw new PolicyError(
      'REQUEST_RESOLVED',
      `${request.id} ended as ${resolution.decision} before`,
    )
  }
  if (parts.clock() >= Date.parse(request.expires_at)) {
    throw new PolicyError('REQUEST_EXPIRED', `${request.id} expired at ${request.expires_at}`)
  }
}
