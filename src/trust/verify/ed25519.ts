import { createPublicKey, verify } from 'node:crypto'
import { encodeBase64url } from '../../base/encoding.ts'

/**
 * Whether an Ed25519 signature (RFC 8032) of a message holds.
 *
 * @param publicKey - 32 bytes
 */
export function verifyEd25519(
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  const key = createPublicKey({
    key: { kty: 'OKP', crv: 'Ed25519', x: encodeBase64url(publicKey) },
    format: 'jwk',
  })
  return verify(null, message, key, signature)
}
