import { sha256 as sha256State } from '@noble/hashes/sha2.js'
import { decodeHex, encodeHex } from './encoding.ts'
import { PolicyError } from './errors.ts'

/** A SHA-256 digest as text: `sha256:` and 64 lower-case hexadecimal digits. */
export type Digest = `sha256:${string}`

/** SHA-256 over the chunks, one after the other: 32 bytes. */
export function sha256(...chunks: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  EMPTY._cloneInto(SCRATCH)
  for (const chunk of chunks) SCRATCH.update(chunk)
  return takeDigest()
}

/** SHA-256 of a text's UTF-8: 32 bytes. */
export function sha256Text(text: string): Uint8Array<ArrayBuffer> {
  return sha256(bytesOf(text))
}

/** SHA-256 of bytes, or of a text's UTF-8, as 64 lower-case hexadecimal digits. */
export function sha256Hex(data: Uint8Array | string): string {
  return encodeHex(sha256(bytesOf(data)))
}

/** SHA-256 of bytes, or of a text's UTF-8. */
export function digestOf(data: Uint8Array | string): Digest {
  return `sha256:${sha256Hex(data)}`
}

/**
 * A digest from outside, checked.
 *
 * @throws {PolicyError} DIGEST_INVALID
 */
export function parseDigest(text: string): Digest {
  if (!isDigest(text)) {
    throw new PolicyError(
      'DIGEST_INVALID',
      "expected 'sha256:' and 64 lower-case hexadecimal digits",
    )
  }
  return text
}

/** Whether the text is a digest as this project writes it. */
export function isDigest(text: string): text is Digest {
  return DIGEST.test(text)
}

/** The 32 bytes that a digest names. */
export function digestBytes(digest: Digest): Uint8Array<ArrayBuffer> {
  return decodeHex(parseDigest(digest).slice('sha256:'.length))
}

const DIGEST = /^sha256:[0-9a-f]{64}$/

/** An HMAC key with its first block already hashed on both sides: saves half the work on short messages. */
export type HmacKey = { readonly inner: Sha256State; readonly outer: Sha256State }

type Sha256State = ReturnType<typeof sha256State.create>

/** Prepares a key of any length for {@link hmacSha256}. RFC 2104. */
export function hmacKey(key: Uint8Array): HmacKey {
  const block = new Uint8Array(BLOCK_BYTES)
  block.set(key.length > BLOCK_BYTES ? sha256(key) : key)
  const inner = sha256State.create().update(block.map((byte) => byte ^ 0x36))
  const outer = sha256State.create().update(block.map((byte) => byte ^ 0x5c))
  return { inner, outer }
}

/** HMAC-SHA-256 of bytes, or of a text's UTF-8: 32 bytes. RFC 2104. */
export function hmacSha256(
  key: HmacKey | Uint8Array,
  data: Uint8Array | string,
): Uint8Array<ArrayBuffer> {
  const { inner, outer } = key instanceof Uint8Array ? hmacKey(key) : key
  const bytes = bytesOf(data)
  inner._cloneInto(SCRATCH).update(bytes)
  const innerDigest = takeDigest()
  outer._cloneInto(SCRATCH).update(innerDigest)
  return takeDigest()
}

const BLOCK_BYTES = 64

/** The start state. Never updated. */
const EMPTY = sha256State.create()

// One state for all calls: none of them leaves this file before its digest is taken. A fresh one costs a fifth more.
const SCRATCH = sha256State.create()

function takeDigest(): Uint8Array<ArrayBuffer> {
  const digest = new Uint8Array(32)
  SCRATCH.digestInto(digest)
  return digest
}

/**
 * UTF-8 of a text. A lone surrogate is refused: encoders replace it, and then two texts share one digest.
 *
 * @throws {PolicyError} UTF8_INVALID
 */
export function utf8(text: string): Uint8Array<ArrayBuffer> {
  if (!text.isWellFormed()) {
    throw new PolicyError('UTF8_INVALID', 'expected Unicode text, found a lone surrogate')
  }
  return ENCODER.encode(text)
}

/**
 * Text of UTF-8 bytes; a byte order mark stays in the text.
 *
 * @throws {PolicyError} UTF8_INVALID
 */
export function fromUtf8(bytes: Uint8Array): string {
  try {
    return DECODER.decode(bytes)
  } catch (cause) {
    throw new PolicyError('UTF8_INVALID', 'expected UTF-8, found other bytes', { cause })
  }
}

const ENCODER = new TextEncoder()
const DECODER = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Whether two byte strings are equal, in time that depends on the lengths only. */
export function bytesEqual(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  let difference = 0
  for (let i = 0; i < a.length; i++) difference |= (a[i] as number) ^ (b[i] as number)
  return difference === 0
}

/** For hashing at once only: the bytes of a short text lie in a buffer that the next call overwrites. */
function bytesOf(data: Uint8Array | string): Uint8Array {
  if (typeof data !== 'string') return data
  if (data.length * 3 > TEXT_BUFFER.length || !data.isWellFormed()) return utf8(data)
  return TEXT_BUFFER.subarray(0, ENCODER.encodeInto(data, TEXT_BUFFER).written)
}

const TEXT_BUFFER = new Uint8Array(4096)
