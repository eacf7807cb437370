import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { PolicyError } from '../base/errors.ts'

/**
 * Encrypts with AES-256-GCM (NIST SP 800-38D).
 *
 * @param key - 32 bytes
 * @param context - authenticated, not encrypted: binds the text to the record that it belongs to
 * @returns 12 bytes of nonce, the ciphertext, 16 bytes of tag
 */
export function seal(key: Uint8Array, plaintext: Uint8Array, context: string): Uint8Array {
  const nonce = randomBytes(NONCE_BYTES)
  const cipher = createCipheriv('aes-256-gcm', key, nonce)
  cipher.setAAD(Buffer.from(context, 'utf8'))
  return Buffer.concat([nonce, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()])
}

/** Reverses {@link seal}. @throws {PolicyError} STORE_KEY_MISMATCH when key, context or bytes are not the sealed ones */
export function unseal(key: Uint8Array, sealed: Uint8Array, context: string): Uint8Array {
  if (sealed.length < NONCE_BYTES + TAG_BYTES) throw mismatch(context)
  const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, NONCE_BYTES))
  decipher.setAAD(Buffer.from(context, 'utf8'))
  decipher.setAuthTag(sealed.subarray(sealed.length - TAG_BYTES))
  const body = sealed.subarray(NONCE_BYTES, sealed.length - TAG_BYTES)
  try {
    return Buffer.concat([decipher.update(body), decipher.final()])
  } catch (cause) {
    throw mismatch(context, cause)
  }
}

const NONCE_BYTES = 12
const TAG_BYTES = 16

function mismatch(context: string, cause?: unknown): PolicyError {
  return new PolicyError(
    'STORE_KEY_MISMATCH',
    `the sealed record ${context} does not open: the key is another one, or the record was changed`,
    { cause },
  )
}
