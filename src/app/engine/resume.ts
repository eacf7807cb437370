import { timingSafeEqual } from 'node:crypto'
import { canonicalize } from '../../base/canonical-json.ts'
import { hmacSha256 } from '../../base/digest.ts'
import { encodeBase64url } from '../../base/encoding.ts'
import type { Parts } from './parts.ts'

type Keyed = Pick<Parts, 'credential' | 'evidenceKey'>

/**
 * What an agent goes on waiting with: it names one request, for the project and the agents of one credential. To its
 * holder it is opaque. It lets nobody see or do more than the request's id does with that credential.
 */
export function resumeToken(parts: Keyed, request: string): string {
  return `${PREFIX}${request.slice(REQUEST_PREFIX.length)}.${sealOf(parts, request)}`
}

/** The request that a token of this credential names; null for any other text. */
export function requestOfToken(parts: Keyed, token: string): string | null {
  const [, name, seal] = TOKEN.exec(token) ?? []
  if (name === undefined || seal === undefined) return null
  const request = `${REQUEST_PREFIX}${name}`
  const [given, wanted] = [Buffer.from(seal), Buffer.from(sealOf(parts, request))]
  if (given.length !== wanted.length) return null
  return timingSafeEqual(given, wanted) ? request : null
}

export function isResumeToken(text: string): boolean {
  return text.startsWith(PREFIX)
}

const PREFIX = 'rsm_'
const REQUEST_PREFIX = 'req_'
const TOKEN = /^rsm_([0-9a-z]{1,64})\.([\w-]{43})$/

function sealOf({ credential, evidenceKey }: Keyed, request: string): string {
  const { project, agents } = credential
  // A key of its own: no other HMAC of the evidence key can pass for one of these.
  const key = hmacSha256(evidenceKey, 'countersign/resume/v1')
  return encodeBase64url(hmacSha256(key, canonicalize([project, [...agents].sort(), request])))
}
