import { TrustedRoot } from '@sigstore/protobuf-specs'
import { type TrustMaterial, toTrustMaterial } from '@sigstore/verify'
import { PolicyError } from '../base/errors.ts'
import { parseJson } from '../base/json-parse.ts'
import type { JsonObject, JsonValue } from '../base/json-value.ts'
import { TRUSTED_ROOT_LENGTH_MAX } from '../base/limits.ts'

/**
 * Reads a Sigstore `trusted_root.json`: the certificate authorities, logs and time stamp authorities that count
 * (github.com/sigstore/protobuf-specs, `sigstore_trustroot.proto`). What comes back holds what is understood and nothing
 * else, in the one form of ProtoJSON.
 *
 * @throws {PolicyError} SIGSTORE_ROOT_INVALID
 */
export function readTrustedRoot(text: string): JsonObject {
  if (text.length > TRUSTED_ROOT_LENGTH_MAX) {
    throw invalid(`at most ${TRUSTED_ROOT_LENGTH_MAX} characters`)
  }
  let value: JsonValue
  try {
    value = parseJson(text)
  } catch (cause) {
    throw invalid('strict JSON', cause)
  }
  const root = rootOf(value)
  materialOf(root)
  return TrustedRoot.toJSON(root) as JsonObject
}

/**
 * The keys and certificates of a trusted root, ready to verify with.
 *
 * @throws {PolicyError} SIGSTORE_ROOT_INVALID
 */
export function openTrustedRoot(value: unknown): TrustMaterial {
  return materialOf(rootOf(value))
}

function rootOf(value: unknown): TrustedRoot {
  let root: TrustedRoot
  try {
    root = TrustedRoot.fromJSON(value)
  } catch (cause) {
    throw invalid('the fields of a trusted root', cause)
  }
  if (!MEDIA_TYPES.includes(root.mediaType)) {
    throw invalid(`"mediaType": one of ${MEDIA_TYPES.join(', ')}`)
  }
  if (root.certificateAuthorities.length === 0) throw invalid('at least one certificate authority')
  // A certificate is valid for minutes: without a time that somebody vouches for, nothing can be verified.
  if (root.timestampAuthorities.length + root.tlogs.length === 0) {
    throw invalid('at least one time stamp authority or log')
  }
  return root
}

const MEDIA_TYPES = [
  'application/vnd.dev.sigstore.trustedroot+json;version=0.1',
  'application/vnd.dev.sigstore.trustedroot.v0.1+json',
  'application/vnd.dev.sigstore.trustedroot.v0.2+json',
]

function materialOf(root: TrustedRoot): TrustMaterial {
  try {
    const chains = [...root.certificateAuthorities, ...root.timestampAuthorities]
    if (chains.some(({ certChain }) => (certChain?.certificates.length ?? 0) === 0)) {
      throw invalid('certificates in each chain')
    }
    return toTrustMaterial(root)
  } catch (cause) {
    if (cause instanceof PolicyError) throw cause
    throw invalid('keys and certificates that can be read', cause)
  }
}

function invalid(expected: string, cause?: unknown): PolicyError {
  return new PolicyError('SIGSTORE_ROOT_INVALID', `the trusted root: expected ${expected}`, {
    cause,
  })
}
