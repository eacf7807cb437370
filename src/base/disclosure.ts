import { sha256Text } from './digest.ts'
import { encodeBase64url } from './encoding.ts'
import { PolicyError } from './errors.ts'
import { JSON_DEPTH_MAX } from './limits.ts'

/** What opens one commitment: keep it as secret as the value in it. */
export type Disclosure = {
  /** Where the value stands in the action (RFC 6901). */
  readonly pointer: string
  /** base64url of the RFC 8785 text of `[salt, name, value]`, or of `[salt, value]` for an array element. */
  readonly disclosure: string
}

/** Keys with a meaning in SD-JWT (RFC 9901); an action that holds one anywhere is refused. */
export const COMMITMENT_KEYS = ['_sd', '_sd_alg', '...'] as const

/** Salt of 128 bits, as RFC 9901 section 9.3 recommends: the first bytes of HMAC-SHA-256(seed, JSON pointer). */
export const SALT_BYTES = 16

/** Digest of a disclosure as its parent holds it: base64url of SHA-256 over its ASCII. */
export function disclosureDigest(disclosure: string): string {
  return encodeBase64url(sha256Text(disclosure))
}

/** The hash function of all digests, by its IANA name. */
export const SD_ALG = 'sha-256'

/**
 * Whether a key is reserved: SD-JWT's own, or `__proto__`, which the JSON readers of other languages and this one
 * take for different things.
 */
export function isReservedKey(key: string): boolean {
  return key === '_sd' || key === '...' || key === '_sd_alg' || key === '__proto__'
}

/**
 * Bounds the nesting of an action. `depth` counts the arrays and objects around the one at hand.
 *
 * @throws {PolicyError} ACTION_TOO_DEEP
 */
export function checkDepth(depth: number): void {
  if (depth < JSON_DEPTH_MAX) return
  throw new PolicyError('ACTION_TOO_DEEP', `expected at most ${JSON_DEPTH_MAX} levels of nesting`)
}
