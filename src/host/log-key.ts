import type { KeyObject } from 'node:crypto'
import { createPrivateKey, createPublicKey, generateKeyPairSync, sign } from 'node:crypto'
import { decodeBase64url } from '../base/encoding.ts'
import { PolicyError } from '../base/errors.ts'
import type { LogSigner } from '../model/ports.ts'
import { formatVerifierKey } from '../trust/receipt/checkpoint.ts'
import { openSecretFile } from './secret-file.ts'

/**
 * Opens the Ed25519 key that signs a log's checkpoints, making it on first use: PEM, PKCS #8, readable by its owner
 * only. Of two processes that make it at once, both end with the same key.
 *
 * @throws {PolicyError} FILE_UNREADABLE when the file cannot be read, is no Ed25519 key, or others may read it;
 *   CHECKPOINT_INVALID when the origin cannot name a key
 */
export function openLogSigner(file: string, origin: string): LogSigner {
  return signerOf(file, openSecretFile(file, WHAT, newKey), origin)
}

function signerOf(file: string, pem: string, origin: string): LogSigner {
  const key = keyOf(file, pem)
  if (key.asymmetricKeyType !== 'ed25519') throw unusable(file, 'is no Ed25519 key')
  const { x = '' } = createPublicKey(key).export({ format: 'jwk' })
  return {
    origin,
    verifierKey: formatVerifierKey(origin, decodeBase64url(x)),
    sign: (message) => new Uint8Array(sign(null, message, key)),
  }
}

function keyOf(file: string, pem: string): KeyObject {
  try {
    return createPrivateKey(pem)
  } catch (cause) {
    throw unusable(file, 'is no private key in PEM', cause)
  }
}

function newKey(): string {
  return generateKeyPairSync('ed25519')
    .privateKey.export({ type: 'pkcs8', format: 'pem' })
    .toString()
}

function unusable(file: string, what: string, cause?: unknown): PolicyError {
  return new PolicyError('FILE_UNREADABLE', `${WHAT} ${file} ${what}`, { file, cause })
}

const WHAT = 'the log key'
