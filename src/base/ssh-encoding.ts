import { bytesEqual, sha256, utf8 } from './digest.ts'
import { decodeBase64, encodeBase64 } from './encoding.ts'
import { PolicyError } from './errors.ts'
import { SSHSIG_BYTES_MAX } from './limits.ts'
import type { WireReader } from './ssh-wire.ts'
import { concatBytes, malformedSignature, readWire, wireString, wireUint32 } from './ssh-wire.ts'

export type EcdsaCurve = 'nistp256' | 'nistp384' | 'nistp521'

/** A public key in its parts: RFC 4253 (rsa), RFC 5656 (ecdsa), RFC 8709 (ed25519), OpenSSH PROTOCOL.u2f (sk-). */
export type SshPublicKey =
  | { readonly type: 'ssh-ed25519'; readonly publicKey: Uint8Array }
  | {
      readonly type: `ecdsa-sha2-${EcdsaCurve}`
      readonly curve: EcdsaCurve
      /** x and y, big-endian, each as long as the curve's field. */
      readonly x: Uint8Array
      readonly y: Uint8Array
    }
  | {
      readonly type: 'ssh-rsa'
      /** Big-endian without leading zeros, as a JWK has them. */
      readonly exponent: Uint8Array
      readonly modulus: Uint8Array
    }
  | {
      readonly type: 'sk-ssh-ed25519@openssh.com'
      readonly publicKey: Uint8Array
      /** Usually `ssh:`. */
      readonly application: string
    }
  | {
      readonly type: 'sk-ecdsa-sha2-nistp256@openssh.com'
      readonly curve: 'nistp256'
      readonly x: Uint8Array
      readonly y: Uint8Array
      readonly application: string
    }

/** A signature in its parts. The hardware kinds also sign their flags and counter. */
export type SshSignature =
  | { readonly algorithm: 'ssh-ed25519'; readonly signature: Uint8Array }
  | { readonly algorithm: 'rsa-sha2-256' | 'rsa-sha2-512'; readonly signature: Uint8Array }
  | {
      readonly algorithm: `ecdsa-sha2-${EcdsaCurve}`
      /** Big-endian, each padded to the length of the curve's field: side by side they are IEEE P1363. */
      readonly r: Uint8Array
      readonly s: Uint8Array
    }
  | {
      readonly algorithm: 'sk-ssh-ed25519@openssh.com'
      readonly signature: Uint8Array
      /** Bit 0: a person touched the key. Bit 2: the key knew the person (PIN, finger). */
      readonly flags: number
      readonly counter: number
    }
  | {
      readonly algorithm: 'sk-ecdsa-sha2-nistp256@openssh.com'
      readonly r: Uint8Array
      readonly s: Uint8Array
      readonly flags: number
      readonly counter: number
    }

export type SshsigHash = 'sha256' | 'sha512'

/** An SSHSIG as it travels: OpenSSH PROTOCOL.sshsig, version 1. */
export type SshsigParts = {
  /** The public key in wire encoding. */
  readonly publicKey: Uint8Array
  /** What the signature is for; never empty. */
  readonly namespace: string
  /** Which hash of the message was signed. */
  readonly hash: SshsigHash
  /** The signature in wire encoding. */
  readonly signature: Uint8Array
}

/** An SSHSIG read: its parts, and key and signature taken apart. */
export type Sshsig = SshsigParts & {
  readonly key: SshPublicKey
  readonly fingerprint: SshFingerprint
  readonly parsed: SshSignature
}

/** As `ssh-keygen -l` prints it: base64 of SHA-256 without padding. */
export type SshFingerprint = `SHA256:${string}`

/**
 * Takes a public key in wire encoding apart. Says nothing on whether a point lies on its curve.
 *
 * @throws {PolicyError} KEY_UNSUPPORTED for another type, or RSA outside RSA_BITS_MIN to RSA_BITS_MAX;
 *   SIGNATURE_MALFORMED when the bytes are no key
 */
export function parseSshPublicKey(blob: Uint8Array): SshPublicKey {
  const reader = readWire(blob)
  const key = readPublicKey(reader, reader.text())
  reader.end()
  return key
}

/** The fingerprint of a public key in wire encoding. */
export function sshFingerprint(blob: Uint8Array): SshFingerprint {
  return `SHA256:${encodeBase64(sha256(blob)).replace('=', '')}`
}

/**
 * Takes a signature in wire encoding apart.
 *
 * @throws {PolicyError} KEY_UNSUPPORTED for another algorithm (SHA-1 `ssh-rsa` too); SIGNATURE_MALFORMED
 */
export function parseSshSignature(blob: Uint8Array): SshSignature {
  const reader = readWire(blob)
  const signature = readSignature(reader, reader.text())
  reader.end()
  return signature
}

/**
 * Reads an armoured SSHSIG and checks all that needs no cryptography: bounds, no trailing bytes, strict base64,
 * a namespace, an empty reserved field, and a signature algorithm that fits the key.
 *
 * @throws {PolicyError} SIGNATURE_MALFORMED; KEY_UNSUPPORTED
 */
export function parseSshsig(armoured: string): Sshsig {
  const reader = readWire(unarmour(armoured))
  if (!bytesEqual(reader.raw(MAGIC.length), MAGIC)) throw malformedSignature('the preamble SSHSIG')
  if (reader.uint32() !== VERSION) throw malformedSignature('version 1')
  const publicKey = reader.string()
  const namespace = reader.text()
  if (namespace === '') throw malformedSignature('a namespace')
  if (reader.string().length > 0) throw malformedSignature('an empty reserved field')
  const hash = reader.text()
  if (hash !== 'sha256' && hash !== 'sha512') throw malformedSignature('sha256 or sha512')
  const signature = reader.string()
  reader.end()
  const key = parseSshPublicKey(publicKey)
  const parsed = parseSshSignature(signature)
  const fits =
    key.type === 'ssh-rsa' ? parsed.algorithm.startsWith('rsa-') : parsed.algorithm === key.type
  if (!fits) throw malformedSignature("an algorithm of the key's type")
  const fingerprint = sshFingerprint(publicKey)
  return { publicKey, namespace, hash, signature, key, fingerprint, parsed }
}

/** The armoured text that {@link parseSshsig} and `ssh-keygen -Y verify` read, with a line feed at its end. */
export function encodeSshsig(parts: SshsigParts): string {
  const blob = concatBytes(
    MAGIC,
    wireUint32(VERSION),
    wireString(parts.publicKey),
    wireString(utf8(parts.namespace)),
    wireString(new Uint8Array()),
    wireString(utf8(parts.hash)),
    wireString(parts.signature),
  )
  const base64 = encodeBase64(blob)
  const lines: string[] = []
  for (let i = 0; i < base64.length; i += LINE_LENGTH) lines.push(base64.slice(i, i + LINE_LENGTH))
  return [ARMOUR_BEGIN, ...lines, ARMOUR_END, ''].join('\n')
}

/** The bytes that the key signs, for a message whose digest is given (32 bytes for sha256, 64 for sha512). */
export function sshsigSignedData(
  namespace: string,
  hash: SshsigHash,
  digest: Uint8Array,
): Uint8Array<ArrayBuffer> {
  if (namespace === '') throw malformedSignature('a namespace')
  if (digest.length !== (hash === 'sha256' ? 32 : 64)) throw malformedSignature(`a ${hash} digest`)
  return concatBytes(
    MAGIC,
    wireString(utf8(namespace)),
    wireString(new Uint8Array()),
    wireString(utf8(hash)),
    wireString(digest),
  )
}

/** Smaller RSA moduli are refused, as OpenSSH's default policy for signatures does. */
export const RSA_BITS_MIN = 2048

/** OpenSSH makes none larger. */
export const RSA_BITS_MAX = 16_384

const MAGIC = utf8('SSHSIG')
const VERSION = 1
const ARMOUR_BEGIN = '-----BEGIN SSH SIGNATURE-----'
const ARMOUR_END = '-----END SSH SIGNATURE-----'
const LINE_LENGTH = 70 // As ssh-keygen writes them.
const ED25519_KEY_BYTES = 32
const ED25519_SIGNATURE_BYTES = 64

/** Length of a coordinate in bytes. */
const FIELD_BYTES: Readonly<Record<EcdsaCurve, number>> = {
  nistp256: 32,
  nistp384: 48,
  nistp521: 66,
}

function readPublicKey(reader: WireReader, type: string): SshPublicKey {
  switch (type) {
    case 'ssh-ed25519':
      return { type, publicKey: fixed(reader.string(), ED25519_KEY_BYTES) }
    case 'sk-ssh-ed25519@openssh.com': {
      const publicKey = fixed(reader.string(), ED25519_KEY_BYTES)
      return { type, publicKey, application: reader.text() }
    }
    case 'ecdsa-sha2-nistp256':
      return { type, ...readPoint(reader, 'nistp256') }
    case 'ecdsa-sha2-nistp384':
      return { type, ...readPoint(reader, 'nistp384') }
    case 'ecdsa-sha2-nistp521':
      return { type, ...readPoint(reader, 'nistp521') }
    case 'sk-ecdsa-sha2-nistp256@openssh.com':
      return { type, ...readPoint(reader, 'nistp256'), application: reader.text() }
    case 'ssh-rsa':
      return readRsa(reader)
    default:
      throw unsupported('an Ed25519, ECDSA or RSA key, or a hardware one')
  }
}

function readPoint<Curve extends EcdsaCurve>(
  reader: WireReader,
  curve: Curve,
): { curve: Curve; x: Uint8Array; y: Uint8Array } {
  if (reader.text() !== curve) throw malformedSignature('the curve that the type names')
  const length = FIELD_BYTES[curve]
  const point = fixed(reader.string(), 1 + 2 * length)
  if (point[0] !== UNCOMPRESSED) throw malformedSignature('an uncompressed point')
  return { curve, x: point.subarray(1, 1 + length), y: point.subarray(1 + length) }
}

const UNCOMPRESSED = 0x04 // SEC 1 section 2.3.3; the other forms are not allowed in SSH (RFC 5656 section 3.1).

function readRsa(reader: WireReader): SshPublicKey {
  const exponent = reader.positive()
  const modulus = reader.positive()
  const bits = modulus.length * 8 - (Math.clz32(modulus[0] as number) - 24)
  if (bits < RSA_BITS_MIN || bits > RSA_BITS_MAX) {
    throw unsupported(`an RSA key of ${RSA_BITS_MIN} to ${RSA_BITS_MAX} bits`)
  }
  // An exponent of 1 makes every message its own signature; an even one has no inverse.
  const last = exponent.at(-1) as number
  if (last % 2 === 0 || (exponent.length === 1 && last < 3)) {
    throw unsupported('an RSA key with an odd exponent of at least 3')
  }
  return { type: 'ssh-rsa', exponent, modulus }
}

function readSignature(reader: WireReader, algorithm: string): SshSignature {
  switch (algorithm) {
    case 'ssh-ed25519':
      return { algorithm, signature: fixed(reader.string(), ED25519_SIGNATURE_BYTES) }
    case 'sk-ssh-ed25519@openssh.com': {
      const signature = fixed(reader.string(), ED25519_SIGNATURE_BYTES)
      return { algorithm, signature, flags: reader.byte(), counter: reader.uint32() }
    }
    case 'ecdsa-sha2-nistp256':
      return { algorithm, ...readEcdsa(reader.string(), 'nistp256') }
    case 'ecdsa-sha2-nistp384':
      return { algorithm, ...readEcdsa(reader.string(), 'nistp384') }
    case 'ecdsa-sha2-nistp521':
      return { algorithm, ...readEcdsa(reader.string(), 'nistp521') }
    case 'sk-ecdsa-sha2-nistp256@openssh.com': {
      const numbers = readEcdsa(reader.string(), 'nistp256')
      return { algorithm, ...numbers, flags: reader.byte(), counter: reader.uint32() }
    }
    case 'rsa-sha2-256':
    case 'rsa-sha2-512': {
      const signature = reader.string()
      if (signature.length * 8 > RSA_BITS_MAX) throw malformedSignature('a shorter RSA signature')
      return { algorithm, signature }
    }
    default:
      throw unsupported('a signature by Ed25519, ECDSA, or RSA with SHA-2')
  }
}

function readEcdsa(blob: Uint8Array, curve: EcdsaCurve): { r: Uint8Array; s: Uint8Array } {
  const reader = readWire(blob)
  const r = padded(reader.positive(), FIELD_BYTES[curve])
  const s = padded(reader.positive(), FIELD_BYTES[curve])
  reader.end()
  return { r, s }
}

function padded(integer: Uint8Array, length: number): Uint8Array {
  if (integer.length > length) throw malformedSignature('an integer of the size of the curve')
  return concatBytes(new Uint8Array(length - integer.length), integer)
}

function fixed(bytes: Uint8Array, length: number): Uint8Array {
  if (bytes.length !== length) throw malformedSignature(`${length} bytes`)
  return bytes
}

/** Line ends may be CRLF, because forges send them so; there is no other white space. */
function unarmour(armoured: string): Uint8Array {
  if (armoured.length > 2 * SSHSIG_BYTES_MAX) throw malformedSignature('a shorter text')
  const lines = armoured.replace(/\r?\n$/, '').split(/\r?\n/)
  const body = lines.slice(1, -1)
  if (lines[0] !== ARMOUR_BEGIN || lines.at(-1) !== ARMOUR_END || body.length === 0) {
    throw malformedSignature(`the lines ${ARMOUR_BEGIN} and ${ARMOUR_END} around base64`)
  }
  let bytes: Uint8Array
  try {
    bytes = decodeBase64(body.join(''))
  } catch (cause) {
    throw malformedSignature('strict base64', cause)
  }
  if (bytes.length > SSHSIG_BYTES_MAX) throw malformedSignature('a shorter signature')
  return bytes
}

function unsupported(expected: string): PolicyError {
  return new PolicyError('KEY_UNSUPPORTED', `expected ${expected}`)
}
