import type { SigstoreIdentity } from '../../base/certificate-identity.ts'
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
export type VerifiedReview = (SignedReview | KeylessReview | PlainReview) & {
  readonly kind: 'review'
  /** The roster entry that pins the key, and the account where the forge has some. */
  readonly reviewer: string
  readonly verdict: 'approve' | 'reject' | 'patch'
  /** The routes that it is for, sorted; each one is asked for by the request. */
  readonly route: readonly string[]
  /** Only with `patch`: the root that was signed, and the payload, encrypted, that must open to it. */
  readonly patch?: SealedPatch
  readonly comment?: string
  /** It lets the action run in an emergency; it counts for nothing else. Only with `approve`, and never unsigned. */
  readonly breakGlass?: true
  /** When the reviewer says to have signed; without a signature, when the forge says it was posted. RFC 3339, UTC. */
  readonly issuedAt: string
}

/** What shows that a person signed; a receipt keeps it. */
export type SignedEvidence = SignedReview | KeylessReview

type SignedReview = {
  readonly assurance: 'ssh'
  /** The pinned key that made the signature, `SHA256:…`. */
  readonly fingerprint: string
  /** The signed bytes as text: RFC 8785, without a line feed at the end. */
  readonly statement: string
  /** SSHSIG armour. */
  readonly signature: string
}

type KeylessReview = {
  readonly assurance: 'sigstore'
  /** Whom the certificate names that signed; pinned in the roster entry. */
  readonly identity: SigstoreIdentity
  /** The signed bytes as text: RFC 8785, without a line feed at the end. */
  readonly statement: string
  /** A Sigstore bundle v0.3 as RFC 8785 JSON. */
  readonly bundle: string
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

/** One route as it counts at a moment. */
export type StandingRoute = AskedRoute & {
  /** What the route asks for by now, where its groups are others than when it was asked: both must be satisfied. */
  readonly also?: AskedRoute
}

/** A request as it counts at a moment. */
export type StandingRequest = Omit<Request, 'routes'> & { routes: StandingRoute[] }

/** Whether a review is signed as a route wants it. */
export function isAssured(
  { signature }: Pick<AskedRoute, 'signature'>,
  { assurance }: Pick<VerifiedReview, 'assurance'>,
): boolean {
  if (signature === 'none') return true
  return signature === 'signed' ? assurance !== 'none' : assurance === signature
}
