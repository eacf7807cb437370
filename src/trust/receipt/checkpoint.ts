import { bytesEqual, fromUtf8, sha256, utf8 } from '../../base/digest.ts'
import { decodeBase64, encodeBase64, encodeHex } from '../../base/encoding.ts'
import { PolicyError } from '../../base/errors.ts'
import { CHECKPOINT_LENGTH_MAX, CHECKPOINT_SIGNATURES_MAX } from '../../base/limits.ts'
import type { LogSigner } from '../../model/ports.ts'
import { HASH_BYTES } from './merkle.ts'

/** What a log says of itself: its name, how many entries it has, and their Merkle root (32 bytes). */
export type Checkpoint = {
  readonly origin: string
  readonly size: number
  readonly root: Uint8Array
}

/** One signature line of a note. */
export type NoteSignature = {
  readonly name: string
  /** First four bytes of a hash over name and key: which key, not a proof. */
  readonly keyHash: Uint8Array
  readonly signature: Uint8Array
}

/** A checkpoint as read. Nothing in it holds before a signature over `signed` has been verified. */
export type SignedCheckpoint = Checkpoint & {
  /** The bytes that the signatures are over. */
  readonly signed: Uint8Array
  readonly signatures: readonly NoteSignature[]
}

/** An Ed25519 key that signs notes under a name. */
export type VerifierKey = {
  readonly name: string
  readonly keyHash: Uint8Array
  /** 32 bytes. */
  readonly publicKey: Uint8Array
}

/** The text that a checkpoint's signatures are over (C2SP tlog-checkpoint, without extension lines). */
export function checkpointText({ origin, size, root }: Checkpoint): string {
  return `${origin}\n${size}\n${encodeBase64(root)}\n`
}

/**
 * A checkpoint as a signed note (C2SP signed-note).
 *
 * @throws {PolicyError} CHECKPOINT_INVALID when the signer is for another log
 */
export function signCheckpoint(checkpoint: Checkpoint, signer: LogSigner): string {
  const key = parseVerifierKey(signer.verifierKey)
  if (signer.origin !== checkpoint.origin) throw invalid('a signer of the same origin')
  if (key.name !== checkpoint.origin) throw invalid('a key named after the origin')
  const text = checkpointText(checkpoint)
  const signature = signer.sign(utf8(text))
  const line = new Uint8Array(key.keyHash.length + signature.length)
  line.set(key.keyHash)
  line.set(signature, key.keyHash.length)
  return `${text}\n${DASH}${key.name} ${encodeBase64(line)}\n`
}

/**
 * Reads a checkpoint. Strict: one text for one meaning, so no extension lines, no carriage returns, no leading
 * zeros, strict base64.
 *
 * @throws {PolicyError} CHECKPOINT_INVALID
 */
export function parseCheckpoint(note: Uint8Array | string): SignedCheckpoint {
  const text = typeof note === 'string' ? note : noteText(note)
  if (text.length > CHECKPOINT_LENGTH_MAX) {
    throw invalid(`at most ${CHECKPOINT_LENGTH_MAX} characters`)
  }
  const lines = text.split('\n')
  const [origin = '', size = '', root = '', blank, ...rest] = lines
  if (rest.pop() !== '') throw invalid('a last line that ends in a newline')
  if (blank !== '') throw invalid('three lines and a blank one before the signatures')
  if (!isKeyName(origin)) throw invalid('an origin without spaces or `+`')
  if (rest.length === 0 || rest.length > CHECKPOINT_SIGNATURES_MAX) {
    throw invalid(`1 to ${CHECKPOINT_SIGNATURES_MAX} signatures`)
  }
  const checkpoint = { origin, size: parseSize(size), root: parseHash(root) }
  return {
    ...checkpoint,
    signed: utf8(checkpointText(checkpoint)),
    signatures: rest.map(parseSignatureLine),
  }
}

function noteText(note: Uint8Array): string {
  try {
    return fromUtf8(note)
  } catch (cause) {
    throw new PolicyError('CHECKPOINT_INVALID', 'expected UTF-8, found other bytes', { cause })
  }
}

/**
 * Reads a decimal number without leading zeros.
 *
 * @throws {PolicyError} CHECKPOINT_INVALID
 */
function parseSize(text: string): number {
  const size = Number(text)
  if (!/^(?:0|[1-9][0-9]{0,15})$/.test(text) || !Number.isSafeInteger(size)) {
    throw invalid('a decimal size below 2^53')
  }
  return size
}

function parseHash(text: string): Uint8Array {
  const hash = strictBase64(text)
  if (hash.length !== HASH_BYTES) throw invalid('a root of 32 bytes')
  return hash
}

/** Em dash and space start a signature line. */
const DASH = '\u2014 '

/**
 * Reads one line `— name base64` of a note.
 *
 * @throws {PolicyError} CHECKPOINT_INVALID
 */
export function parseSignatureLine(line: string): NoteSignature {
  const [name = '', base64 = '', ...more] = line.startsWith(DASH)
    ? line.slice(DASH.length).split(' ')
    : []
  if (!isKeyName(name) || more.length > 0) throw invalid('signature lines `— name base64`')
  const bytes = strictBase64(base64)
  if (bytes.length <= KEY_HASH_BYTES) throw invalid('a key hash and a signature')
  return { name, keyHash: bytes.slice(0, KEY_HASH_BYTES), signature: bytes.slice(KEY_HASH_BYTES) }
}

/** `name+hash+key` (C2SP signed-note) of an Ed25519 public key of 32 bytes. */
export function formatVerifierKey(name: string, publicKey: Uint8Array): string {
  if (!isKeyName(name)) throw invalid('a key name without spaces or `+`')
  if (publicKey.length !== PUBLIC_KEY_BYTES) throw invalid('a public key of 32 bytes')
  const typed = Uint8Array.of(ED25519, ...publicKey)
  return `${name}+${encodeHex(keyHashOf(name, typed))}+${encodeBase64(typed)}`
}

/**
 * Reads a verifier key.
 *
 * @throws {PolicyError} CHECKPOINT_INVALID when it is malformed, of another algorithm, or its hash is wrong
 */
export function parseVerifierKey(text: string): VerifierKey {
  return parseKey(text, ED25519, 'a verifier key `name+hash+key` with an Ed25519 key')
}

/**
 * Reads a witness's verifier key (C2SP tlog-cosignature): Ed25519 of type 4, which signs with a time.
 *
 * @throws {PolicyError} CHECKPOINT_INVALID when it is malformed, of another type, or its hash is wrong
 */
export function parseWitnessKey(text: string): VerifierKey {
  return parseKey(text, COSIGNATURE_V1, 'a witness key `name+hash+key` of type 4 (cosignature/v1)')
}

function parseKey(text: string, type: number, expected: string): VerifierKey {
  const [name = '', hash = '', ...rest] = text.split('+')
  // Base64 has plus signs of its own.
  const typed = strictBase64(rest.join('+'))
  if (!isKeyName(name) || typed.length !== 1 + PUBLIC_KEY_BYTES || typed[0] !== type) {
    throw invalid(expected)
  }
  const keyHash = keyHashOf(name, typed)
  if (encodeHex(keyHash) !== hash) throw invalid('the hash that the key and its name have')
  return { name, keyHash, publicKey: typed.slice(1) }
}

/** Whether a signature line says that this key made it. */
export function namesKey(signature: NoteSignature, key: VerifierKey): boolean {
  return signature.name === key.name && bytesEqual(signature.keyHash, key.keyHash)
}

/** Whether a text may name a key: not empty, no white space or control characters, no plus. */
export function isKeyName(text: string): boolean {
  return KEY_NAME.test(text)
}

const KEY_NAME = /^[^\s+\p{Cc}]+$/u
const ED25519 = 0x01
const COSIGNATURE_V1 = 0x04
const PUBLIC_KEY_BYTES = 32
const KEY_HASH_BYTES = 4

function keyHashOf(name: string, typed: Uint8Array): Uint8Array {
  return sha256(utf8(`${name}\n`), typed).slice(0, KEY_HASH_BYTES)
}

function strictBase64(text: string): Uint8Array {
  try {
    return decodeBase64(text)
  } catch (cause) {
    throw new PolicyError('CHECKPOINT_INVALID', 'expected strict base64', { cause })
  }
}

function invalid(expected: string): PolicyError {
  return new PolicyError('CHECKPOINT_INVALID', `expected ${expected}`)
}
