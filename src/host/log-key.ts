import type { KeyObject } from 'node:crypto'
import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  randomBytes,
  sign,
} from 'node:crypto'
import {
  closeSync,
  fsyncSync,
  linkSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { decodeBase64url, encodeHex } from '../base/encoding.ts'
import { PolicyError } from '../base/errors.ts'
import type { LogSigner } from '../model/ports.ts'
import { formatVerifierKey } from '../trust/receipt/checkpoint.ts'

/**
 * Opens the Ed25519 key that signs a log's checkpoints, making it on first use: PEM, PKCS #8, readable by its owner
 * only. Of two processes that make it at once, both end with the same key.
 *
 * @throws {PolicyError} FILE_UNREADABLE when the file cannot be read, is no Ed25519 key, or others may read it;
 *   CHECKPOINT_INVALID when the origin cannot name a key
 */
export function openLogSigner(file: string, origin: string): LogSigner {
  if (statSync(file, { throwIfNoEntry: false }) === undefined) createLogKey(file)
  return loadLogSigner(file, origin)
}

/**
 * Opens a log key that exists.
 *
 * @throws {PolicyError} as openLogSigner
 */
export function loadLogSigner(file: string, origin: string): LogSigner {
  const key = readKey(file)
  if (key.asymmetricKeyType !== 'ed25519') throw unreadable(file, 'is no Ed25519 key')
  const { x = '' } = createPublicKey(key).export({ format: 'jwk' })
  return {
    origin,
    verifierKey: formatVerifierKey(origin, decodeBase64url(x)),
    sign: (message) => new Uint8Array(sign(null, message, key)),
  }
}

function readKey(file: string): KeyObject {
  let pem: Buffer
  let mode: number
  try {
    mode = statSync(file).mode
    pem = readFileSync(file)
  } catch (cause) {
    throw unreadable(file, 'cannot be read', cause)
  }
  if (process.platform !== 'win32' && (mode & OTHERS) !== 0) {
    throw unreadable(file, 'can be read by others; run chmod 600 on it')
  }
  try {
    return createPrivateKey(pem)
  } catch (cause) {
    throw unreadable(file, 'is no private key in PEM', cause)
  }
}

/** Permission bits of group and others. */
const OTHERS = 0o077

/** Writes the key beside its place and links it in: a reader never meets half a file. */
function createLogKey(file: string): void {
  const { privateKey } = generateKeyPairSync('ed25519')
  const draft = `${file}.${encodeHex(randomBytes(8))}`
  try {
    const handle = openSync(draft, 'wx', 0o600)
    writeSync(handle, privateKey.export({ type: 'pkcs8', format: 'pem' }).toString())
    fsyncSync(handle)
    closeSync(handle)
    linkSync(draft, file)
    syncFolder(dirname(file))
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') {
      throw unreadable(file, 'cannot be made', cause)
    }
  } finally {
    rmSync(draft, { force: true })
  }
}

/** Makes a new name last: a log whose key a power cut took could never sign again. */
function syncFolder(folder: string): void {
  if (process.platform === 'win32') return
  const handle = openSync(folder, 'r')
  fsyncSync(handle)
  closeSync(handle)
}

function unreadable(file: string, what: string, cause?: unknown): PolicyError {
  return new PolicyError('FILE_UNREADABLE', `the log key ${file} ${what}`, { file, cause })
}
