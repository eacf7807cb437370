import { commitAction } from '../../base/commitments.ts'
import type { Digest } from '../../base/digest.ts'
import { decodeBase64url } from '../../base/encoding.ts'
import type { ErrorCode } from '../../base/errors.ts'
import { PolicyError } from '../../base/errors.ts'
import type { JsonObject } from '../../base/json-value.ts'
import {
  GRANT_LENGTH_MAX,
  GRANT_LIFETIME_MS_MAX,
  GRANT_SKEW_MS,
  GRANT_SKEW_MS_MAX,
} from '../../base/limits.ts'
import type { GrantClaims } from '../../model/generated/types.ts'
import type { GrantLedger, Jwks } from '../../model/ports.ts'
import { GRANT_TYPE } from '../../model/ports.ts'
import { validate } from '../../model/validate.ts'
import type { TokenKind } from './jws.ts'
import { openToken } from './jws.ts'

export type GrantContext = {
  /** The engine's public keys, from a place that the tool trusts; never from the grant. */
  readonly jwks: Jwks
  /** The tool's own audience. */
  readonly audience: string
  /** What is about to run. */
  readonly tool: { readonly service: string; readonly action: string }
  /** The payload that is about to run, exactly. */
  readonly payload: JsonObject
  /** Where used grants are remembered: a public key alone cannot tell a second use from the first. */
  readonly ledger: GrantLedger
  /** Unix milliseconds. */
  readonly now: number
  /** How far the engine's clock may differ, at most a minute, in milliseconds. Default: 5 seconds. */
  readonly skewMs?: number
}

/**
 * Checks a grant right before its action runs, and uses it up. It must be signed by a known key, for this tool and
 * audience, over this payload, within its time, and never used before. When it throws, the action must not run.
 *
 * @throws {PolicyError} GRANT_MALFORMED, GRANT_UNTRUSTED, SIGNATURE_WRONG, GRANT_NOT_YET_VALID, GRANT_EXPIRED,
 *   GRANT_UNBOUND, GRANT_REPLAYED, JWKS_INVALID
 */
export function verifyGrant(grant: string, context: GrantContext): GrantClaims {
  const claims = openGrant(grant, context.jwks)
  checkGrantTimes(claims, context.now, context.skewMs)
  if (claims.aud !== context.audience) throw unbound('this audience')
  const { service, action } = context.tool
  if (claims.service !== service || claims.action !== action) throw unbound('this tool')
  if (callRoot(claims, context.payload) !== claims.root) throw unbound('this payload')
  // Last, so that nobody uses up a grant with one that does not hold.
  const until = claims.exp * 1000 + GRANT_SKEW_MS_MAX
  if (!context.ledger.use(claims.jti, until, context.now)) {
    throw new PolicyError('GRANT_REPLAYED', `the grant ${claims.jti} was used before`)
  }
  return claims
}

/**
 * The claims of a grant, its signature checked and nothing else: not its time, not what it is for, not whether it was
 * used.
 *
 * @throws {PolicyError} GRANT_MALFORMED, GRANT_UNTRUSTED, SIGNATURE_WRONG, JWKS_INVALID
 */
export function openGrant(grant: string, jwks: Jwks): GrantClaims {
  const claims = openToken(grant, jwks, GRANT)
  const [problem] = validate('grant', claims)
  if (problem !== undefined) {
    throw failure(
      'GRANT_MALFORMED',
      `a grant: claims as the schema has them; at '${problem.pointer}': ${problem.message}`,
    )
  }
  // The schema has just vouched for its shape.
  return claims as unknown as GrantClaims
}

const GRANT: TokenKind = {
  ...{ name: 'a grant', type: GRANT_TYPE, lengthMax: GRANT_LENGTH_MAX, depthMax: 4 },
  ...{ malformed: 'GRANT_MALFORMED', untrusted: 'GRANT_UNTRUSTED' },
}

/**
 * Whether a grant holds at this moment.
 *
 * @throws {PolicyError} GRANT_NOT_YET_VALID, GRANT_EXPIRED
 */
export function checkGrantTimes(
  { iat, nbf, exp }: Pick<GrantClaims, 'iat' | 'nbf' | 'exp'>,
  now: number,
  skewMs: number = GRANT_SKEW_MS,
): void {
  if (!(skewMs >= 0 && skewMs <= GRANT_SKEW_MS_MAX)) {
    const message = `expected a skew from 0 to ${GRANT_SKEW_MS_MAX} ms`
    throw new PolicyError('USAGE_INVALID', message)
  }
  // Negated, so that a time which is no number passes nothing.
  if (!(exp > iat && (exp - iat) * 1000 <= GRANT_LIFETIME_MS_MAX && nbf >= iat && nbf < exp)) {
    throw new PolicyError('GRANT_EXPIRED', 'expected a grant that holds for at most an hour')
  }
  if (!(now + skewMs >= nbf * 1000)) {
    throw new PolicyError('GRANT_NOT_YET_VALID', 'the grant does not hold yet')
  }
  if (!(now - skewMs < exp * 1000)) throw new PolicyError('GRANT_EXPIRED', 'the grant has ended')
}

/** What a grant's root commits to. */
export type Call = Pick<GrantClaims, 'project' | 'service' | 'action' | 'seed'> & {
  readonly sub: string
}

/**
 * What remains of a call after its payload became salted commitments, and the root over that.
 *
 * @throws {PolicyError} GRANT_UNBOUND when the payload is no plain JSON object that an action could have
 */
export function commitCall(
  { project, sub, service, action, seed }: Call,
  payload: JsonObject,
): { readonly root: Digest; readonly remains: JsonObject } {
  try {
    const document = { project, agent: sub, service, action, payload }
    const { root, committed } = commitAction(document, { seed: decodeBase64url(seed) })
    return { root, remains: committed }
  } catch (cause) {
    throw new PolicyError('GRANT_UNBOUND', 'expected a payload of plain JSON', { cause })
  }
}

function callRoot(call: Call, payload: JsonObject): Digest {
  if (typeof payload !== 'object' || payload === null || Array.isArray(payload)) {
    throw unbound('an object as its payload')
  }
  return commitCall(call, payload).root
}

function unbound(what: string): PolicyError {
  return failure('GRANT_UNBOUND', `a grant for ${what}`)
}

function failure(code: ErrorCode, expected: string): PolicyError {
  return new PolicyError(code, `expected ${expected}`)
}
