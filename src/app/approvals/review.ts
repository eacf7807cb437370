import { canonicalize } from '../../base/canonical-json.ts'
import type { SigstoreIdentity } from '../../base/certificate-identity.ts'
import { utf8 } from '../../base/digest.ts'
import { PolicyError } from '../../base/errors.ts'
import type { JsonObject, JsonValue } from '../../base/json-value.ts'
import type { CompiledPerson } from '../../model/generated/types.ts'
import type { AnySigner, ForgeIdentity, ForgeReview, RequestRecord } from '../../model/ports.ts'
import { standingRequest } from '../../trust/approve/routes.ts'
import {
  glassRoutesOf,
  type ReviewWords,
  reviewStatement,
  routesOf,
} from '../../trust/approve/statement.ts'
import { batchRoot } from '../../trust/receipt/batch.ts'
import { accountOf, hasAccounts } from '../../trust/verify/poster.ts'
import { nothingToPatchInBatch, verifyReview } from '../../trust/verify/review.ts'
import { formatReviewBody } from '../../trust/verify/review-body.ts'
import type { Parts } from '../engine/parts.ts'
import { makePatch, type Patch, sealPatch } from '../engine/patch.ts'
import { type OpenedDecision, openDecision, recommit } from '../engine/record.ts'
import { findRequest, settleRequest } from '../engine/resolve.ts'
import { nothingToPatch } from './look.ts'
import { openPull, ownerOf } from './opening.ts'
import { spentRoutes } from './ratify.ts'

export type Review = {
  readonly verdict: 'approve' | 'reject' | 'patch'
  /** The whole payload as it should run. Only with `patch`. */
  readonly payload?: JsonObject
  readonly comment?: string
  /** Lets it run in an emergency, for those whom the routes name for that. Only with `approve` and a comment: why. */
  readonly breakGlass?: boolean
}

/**
 * Signs and posts one person's review, then brings the request as far as it goes. Before signing it recomputes the
 * root from the clear action that the person was shown, so that nobody signs for another action than the one they saw.
 * A review of a request in a batch is one of the whole batch: the root of each of its requests is recomputed.
 *
 * @returns the request; the batch of one that is in a batch
 * @throws {PolicyError} REQUEST_RESOLVED, REQUEST_EXPIRED, REQUEST_TAMPERED, KEY_NOT_PINNED, REVIEWER_NOT_ON_ROUTE,
 *   PATCH_INVALID, PATCH_TOO_LARGE, BATCH_PATCH, BATCH_INVALID, BREAK_GLASS_SPENT, USAGE_INVALID for breaking the glass without a word why
 */
export async function reviewRequest(
  parts: Parts,
  id: string,
  review: Review,
  signer: AnySigner,
): Promise<RequestRecord> {
  const asked = await findRequest(parts, id)
  assertOpen(parts, asked)
  const found = asked.batch === undefined ? asked : await findRequest(parts, asked.batch)
  assertOpen(parts, found)
  const { person, routes } = await placeOf(parts, found, signer, review)
  const { patch, sealed } = await checkHeld(parts, found, review)
  await post(parts, found, signer, {
    words: {
      reviewer: person.id,
      routes,
      verdict: review.verdict,
      ...(patch === null ? {} : { patchRoot: patch.committed.root }),
      ...(review.comment === undefined ? {} : { comment: review.comment }),
      ...(review.breakGlass === true ? { breakGlass: true as const } : {}),
      issuedAt: parts.clock(),
    },
    sealed,
    title: `${person.name}: ${review.verdict} of ${found.request.id}`,
  })
  return settleRequest(parts, found.request.id)
}

/** Checks what is held against what is signed, and makes the patch of a review that has one. */
async function checkHeld(
  parts: Parts,
  found: RequestRecord,
  review: Review,
): Promise<{ readonly patch: Patch | null; readonly sealed: Uint8Array | null }> {
  const { ratifies, id, members } = found.request
  if (members !== undefined) {
    if (review.verdict === 'patch') throw nothingToPatchInBatch(id)
    await showMembers(parts, found)
    return { patch: null, sealed: null }
  }
  const held = await openHeld(parts, found)
  if (review.verdict !== 'patch') return { patch: null, sealed: null }
  if (ratifies !== undefined) throw nothingToPatch(ratifies)
  const patch = makePatch(held.inputs, review.payload)
  return { patch, sealed: sealPatch(patch, held.inputs, id) }
}

/** Who signs, and for which routes: those that the person reviews, or on which they break the glass. */
async function placeOf(
  parts: Parts,
  found: RequestRecord,
  signer: AnySigner,
  { verdict, comment = '', breakGlass }: Review,
): ReturnType<typeof standingOf> {
  if (breakGlass !== true) return standingOf(parts, found, signer)
  if (verdict !== 'approve' || comment.trim() === '') {
    const message = 'breaking the glass approves as it is, and needs a comment that says why'
    throw new PolicyError('USAGE_INVALID', message)
  }
  const { request } = found
  const person = await personOf(parts, signer)
  const standing = standingRequest(request, parts.judge.bundle.policy, parts.clock())
  const routes = glassRoutesOf(standing, person.id)
  if (routes.length === 0) {
    const message = `${person.id} may not break the glass on this request`
    throw new PolicyError('REVIEWER_NOT_ON_ROUTE', message)
  }
  const spent = await spentRoutes(parts, request)
  const [gone] = routes.filter((route) => spent.has(route))
  if (gone === undefined) return { person, routes }
  throw new PolicyError(
    'BREAK_GLASS_SPENT',
    `the glass of ${gone} was broken for ${request.agent} before, which people disavowed or have not looked at in time`,
  )
}

/** Signs a statement and posts it; verified first as the engine will, since a review that does not stand blocks. */
async function post(
  parts: Parts,
  found: RequestRecord,
  signer: AnySigner,
  made: { readonly words: ReviewWords; readonly sealed: Uint8Array | null; readonly title: string },
): Promise<void> {
  const { request } = found
  const { pull: number } = await openPull(parts, found)
  const [pull, forge] = [await parts.forge.pull(number), await parts.forge.identity()]
  const statement = reviewStatement({ request, pull, forge }, made.words)
  const bytes = utf8(canonicalize(statement as unknown as JsonValue))
  const signed = await signer.sign(bytes)
  const proof = signer.kind === 'ssh' ? signed : { bundle: signed }
  const body = formatReviewBody(bytes, proof, made.title, made.sealed)
  const review: ForgeReview = {
    id: 'draft',
    commit: pull.headSha,
    ...posterFor(parts, forge, made.words.reviewer),
    state: made.words.verdict === 'reject' ? 'rejected' : 'approved',
    body,
    submittedAt: made.words.issuedAt,
  }
  const { people, sigstore } = parts.judge.bundle.policy
  const owner = ownerOf(parts, request)
  verifyReview({ review, request, pull, forge, people, owner, sigstore, now: parts.clock() })
  const { submittedAt, poster: account } = review
  await parts.forge.postReview(number, { statement, body, submittedAt, account })
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
 * The requests of a batch with their clear actions, in the order of asking. Each is checked against its own root, and the
 * batch against all of them: nothing else is listed, and nothing is left out.
 *
 * @throws {PolicyError} as {@link openHeld}; BATCH_INVALID
 */
export async function showMembers(
  parts: Parts,
  { request: batch }: RequestRecord,
): Promise<readonly ShownRequest[]> {
  const members = await parts.store.members(batch.id)
  const listed = members.map(({ request }) => ({ ...request, request: request.id }))
  if (batchRoot(listed) !== batch.root) {
    throw new PolicyError('BATCH_INVALID', `${batch.id} lists other requests than it has`)
  }
  const shown: ShownRequest[] = []
  for (const member of members) shown.push(await showRequest(parts, member))
  return shown
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
 * @param which - the routes that they review, or also those on which they may break the glass. Default: `reviewed`
 * @throws {PolicyError} KEY_NOT_PINNED, IDENTITY_NOT_PINNED, REVIEWER_NOT_ON_ROUTE
 */
export async function standingOf(
  parts: Parts,
  { request }: RequestRecord,
  signer: AnySigner,
  which: 'reviewed' | 'any' = 'reviewed',
): Promise<{ readonly person: CompiledPerson; readonly routes: readonly string[] }> {
  const person = await personOf(parts, signer)
  const standing = standingRequest(request, parts.judge.bundle.policy, parts.clock())
  const glass = which === 'any' ? glassRoutesOf(standing, person.id) : []
  const routes = [...new Set([...routesOf(standing, person.id), ...glass])]
  if (routes.length > 0) return { person, routes }
  const names = request.routes.map((asked) => asked.id).join(', ')
  throw new PolicyError('REVIEWER_NOT_ON_ROUTE', `${person.id} is on none of the routes ${names}`)
}

/** The person whose entry pins this key, or this identity. @throws {PolicyError} KEY_NOT_PINNED, IDENTITY_NOT_PINNED */
async function personOf(parts: Parts, signer: AnySigner): Promise<CompiledPerson> {
  const { people } = parts.judge.bundle.policy
  if (signer.kind === 'sigstore') return personOfIdentity(people, await signer.identity())
  const { fingerprint } = signer
  const person = people.find(({ keys }) => keys.some((key) => key.fingerprint === fingerprint))
  if (person !== undefined) return person
  throw new PolicyError(
    'KEY_NOT_PINNED',
    `no person on the roster has the key ${fingerprint}; add it to the roster by a pull request`,
  )
}

function personOfIdentity(
  people: readonly CompiledPerson[],
  { issuer, subject }: SigstoreIdentity,
): CompiledPerson {
  const person = people.find(({ identities = [] }) =>
    identities.some((one) => one.issuer === issuer && one.subject === subject),
  )
  if (person !== undefined) return person
  throw new PolicyError(
    'IDENTITY_NOT_PINNED',
    `no person on the roster has the identity ${subject} of ${issuer}; add it to the roster by a pull request`,
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
