import type { KeyObject } from 'node:crypto'
import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto'
import { PolicyError } from '../base/errors.ts'
import { openSecretFile } from './secret-file.ts'

/** A private key, and the public one of it as base64url of 32 bytes. */
export type Ed25519Key = { readonly key: KeyObject; readonly x: string }

/**
 * Opens an Ed25519 key, making it on first use: PEM, PKCS #8, readable by its owner only. Of two processes that make it
 * at once, both end with the same key.
 *
 * @param what - names it in messages: `the log key`
 * @throws {PolicyError} FILE_UNREADABLE when the file cannot be read, is no Ed25519 key, or others may read it
 */
export function openEd25519Key(file: string, what: string): Ed25519Key {
  const key = keyOf(file, openSecretFile(file, what, newKey), what)
  if (key.asymmetricKeyType !== 'ed25519') throw unusable(file, `${what} ${file} is no Ed25519 key`)
  const { x = '' } = createPublicKey(key).export({ format: 'jwk' })
  return { key, x }
}

function keyOf(file: string, pem: string, what: string): KeyObject {
  try {
    return createPrivateKey(pem)
  } catch (cause) {
    throw unusable(file, `${what} ${file} is no private key in PEM`, cause)
  }
}

function newKey(): string {
  return generateKeyPairSync('ed25519')
    .privateKey.export({ type: 'pkcs8', format: 'pem' })
    .toString()
}

function unusable(file: string, message: string, cause?: unknown): PolicyError {
  return new PolicyError('FILE_UNREADABLE', message, { file, cause })
}
