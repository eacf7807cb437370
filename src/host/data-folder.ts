import { randomBytes } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { hmacSha256 } from '../base/digest.ts'
import { decodeHex, encodeHex } from '../base/encoding.ts'
import { PolicyError } from '../base/errors.ts'
import { openSecretFile } from './secret-file.ts'

/** Where the embedded engine keeps what it knows. Every path is absolute or relative to the working directory. */
export type DataFolder = {
  readonly root: string
  readonly store: string
  readonly log: string
  readonly logKey: string
  readonly grantKey: string
  readonly proofKey: string
  /** Key for HMACs of values in state and evidence; 32 bytes. */
  readonly evidenceKey: Uint8Array
  /** Key that wraps the data keys of subjects; 32 bytes. */
  readonly wrappingKey: Uint8Array
}

/**
 * Opens the data folder, making it and its secret on first use. The secret file holds 32 random bytes in hexadecimal
 * and is readable by its owner only; both keys are derived from it.
 *
 * @throws {PolicyError} FILE_UNREADABLE when the folder or its secret cannot be read
 */
export function openDataFolder(root: string): DataFolder {
  try {
    mkdirSync(root, { recursive: true, mode: 0o700 })
  } catch (cause) {
    throw new PolicyError('FILE_UNREADABLE', `cannot make the data folder ${root}`, { cause })
  }
  const secret = readSecret(join(root, 'store.key'))
  return {
    root,
    store: join(root, 'store.sqlite'),
    log: join(root, 'log'),
    logKey: join(root, 'log_key.pem'),
    grantKey: join(root, 'grant_key.pem'),
    proofKey: join(root, 'proof_key.pem'),
    evidenceKey: hmacSha256(secret, 'countersign/evidence/v1'),
    wrappingKey: hmacSha256(secret, 'countersign/wrapping/v1'),
  }
}

const SECRET_BYTES = 32

function readSecret(file: string): Uint8Array {
  const make = () => `${encodeHex(randomBytes(SECRET_BYTES))}\n`
  const text = openSecretFile(file, 'the store key', make).trim()
  if (/^[0-9a-f]{64}$/.test(text)) return decodeHex(text)
  throw new PolicyError('FILE_UNREADABLE', `${file} does not hold 64 hexadecimal digits`, { file })
}
