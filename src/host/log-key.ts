import { sign } from 'node:crypto'
import { decodeBase64url } from '../base/encoding.ts'
import type { LogSigner } from '../model/ports.ts'
import { formatVerifierKey } from '../trust/receipt/checkpoint.ts'
import { openEd25519Key } from './ed25519-key.ts'

/**
 * Opens the Ed25519 key that signs a log's checkpoints, making it on first use; see {@link openEd25519Key}.
 *
 * @throws {PolicyError} FILE_UNREADABLE; CHECKPOINT_INVALID when the origin cannot name a key
 */
export function openLogSigner(file: string, origin: string): LogSigner {
  const { key, x } = openEd25519Key(file, 'the log key')
  return {
    origin,
    verifierKey: formatVerifierKey(origin, decodeBase64url(x)),
    sign: (message) => new Uint8Array(sign(null, message, key)),
  }
}
