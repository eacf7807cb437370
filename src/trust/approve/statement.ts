import { type Digest, digestBytes, parseDigest } from '../../base/digest.ts'
import { encodeHex } from '../../base/encoding.ts'
import type { Request, ReviewStatement } from '../../model/generated/types.ts'
import type { ForgeIdentity, Pull } from '../../model/ports.ts'

export type ReviewWords = {
  readonly reviewer: string
  readonly verdict: 'approve' | 'reject' | 'patch'
  /** The routes that the review is for. Default: every asked route that lists the reviewer. */
  readonly routes?: readonly string[]
  /** The root over the patched action. Only with `patch`. */
  readonly patchRoot?: Digest
  /** Mandatory with `breakGlass`: why. */
  readonly comment?: string
  /** Lets the action run in an emergency. Only with `approve`. Default routes then: those that name the reviewer for it. */
  readonly breakGlass?: true
  /** Unix milliseconds. */
  readonly issuedAt: number
}

/** Which request a review is about, and where it is reviewed. */
export type ReviewSubject = {
  readonly request: Request
  readonly pull: Pull
  readonly forge: ForgeIdentity
}

/**
 * What a reviewer signs, bound to one request on one pull request of one forge. The bytes to sign are the UTF-8 of
 * its RFC 8785 form.
 *
 * @throws {PolicyError} DIGEST_INVALID when the request names a root or a policy that is no digest
 */
export function reviewStatement(
  { request, pull, forge }: ReviewSubject,
  words: ReviewWords,
): ReviewStatement {
  const ofReviewer = words.breakGlass === true ? glassRoutesOf : routesOf
  const routes = words.routes ?? ofReviewer(request, words.reviewer)
  return {
    _type: 'https://in-toto.io/Statement/v1',
    subject: [{ name: request.id, digest: { sha256: hexOf(request.root) } }],
    predicateType: 'https://countersign.dev/attestation/review/v0.1',
    predicate: {
      request: request.id,
      verdict: words.verdict,
      ...(words.patchRoot === undefined ? {} : { patch: { root: words.patchRoot } }),
      ...(words.comment === undefined ? {} : { comment: words.comment }),
      ...(words.breakGlass === true ? { breakGlass: true } : {}),
      forge: { kind: forge.kind, host: forge.host, repository: forge.repository },
      pull: {
        number: pull.number,
        baseRef: pull.baseRef,
        baseSha: pull.baseSha,
        headSha: pull.headSha,
      },
      policyDigest: { sha256: hexOf(request.policy) },
      route: [...new Set(routes)].sort(),
      reviewer: words.reviewer,
      nonce: request.nonce,
      expiresAt: request.expires_at,
      issuedAt: new Date(words.issuedAt).toISOString(),
    },
  }
}

/** The asked routes that list this person, sorted. */
export function routesOf(request: Pick<Request, 'routes'>, reviewer: string): string[] {
  return request.routes
    .filter((route) => route.reviewers.includes(reviewer))
    .map((route) => route.id)
    .sort()
}

/** The asked routes on which this person may break the glass, sorted. */
export function glassRoutesOf(request: Pick<Request, 'routes'>, reviewer: string): string[] {
  return request.routes
    .filter((route) => route.break_glass?.reviewers.includes(reviewer) === true)
    .map((route) => route.id)
    .sort()
}

function hexOf(digest: string): string {
  return encodeHex(digestBytes(parseDigest(digest)))
}
