import type { Digest } from '../../base/digest.ts'
import type { Request } from '../../model/generated/types.ts'

/** A payload that should run instead of the one that was asked for. */
export type SealedPatch = {
  /** The root over the salted commitments of the patched action. */
  readonly root: Digest
  readonly sealed: Uint8Array
}

/**
 * A review by a person on the roster, bound to exactly one request on one pull request. Its signature holds, or it has
 * none and is only for routes that ask for none. Only the verifier makes these.
 */
export type VerifiedReview = (SignedReview | PlainReview) & {
  readonly kind: 'review'
  /** The roster entry that pins the key, and the account where the forge has some. */
  readonly reviewer: string
  readonly verdict: 'approve' | 'reject' | 'patch'
  /** The routes that it is for, sorted; each one is asked for by the request. */
  readonly route: readonly string[]
  /** Only with `patch`: the root that was signed, and the payload, encrypted, that must open to it. */
  readonly patch?: SealedPatch
  readonly comment?: string
  /** When the reviewer says to have signed; without a signature, when the forge says it was posted. RFC 3339, UTC. */
  readonly issuedAt: string
}

type SignedReview = {
  readonly assurance: 'ssh'
  /** The pinned key that made the signature, `SHA256:…`. */
  readonly fingerprint: string
  /** The signed bytes as text: RFC 8785, without a line feed at the end. */
  readonly statement: string
  /** SSHSIG armour. */
  readonly signature: string
}

type PlainReview = {
  readonly assurance: 'none'
  /** The forge's id of the account that posted it. */
  readonly account: string
  /** The forge's id of the review. */
  readonly review: string
}

/** A review that claims to be signed and does not stand. It keeps the request from being approved. */
export type RefusedReview = {
  /** The forge's id of the review. */
  readonly review: string
  /** The error's code, such as SIGNATURE_WRONG. */
  readonly code: string
  readonly message: string
}

/** One route that a request waits for. */
export type AskedRoute = Request['routes'][number]
