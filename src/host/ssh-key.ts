import type { JsonWebKey, KeyObject } from 'node:crypto'
import { createHash, createPrivateKey, randomBytes, sign as signWith } from 'node:crypto'
import { chmod, open, readFile, stat } from 'node:fs/promises'
import { utf8 } from '../base/digest.ts'
import { decodeBase64, decodeBase64url, encodeBase64, encodeBase64url } from '../base/encoding.ts'
import { PolicyError } from '../base/errors.ts'
import type { EcdsaCurve } from '../base/ssh-encoding.ts'
import {
  encodeSshsig,
  parseSshPublicKey,
  sshFingerprint,
  sshsigSignedData,
} from '../base/ssh-encoding.ts'
import type { WireReader } from '../base/ssh-wire.ts'
import { concatBytes, readWire, wireString, wireUint32 } from '../base/ssh-wire.ts'
import { type Entropy, REVIEW_NAMESPACE, type ReviewSigner } from '../model/ports.ts'

export type SshKeyPair = {
  /** The file's text: `openssh-key-v1`, not encrypted. */
  readonly privateKey: string
  /** The `.pub` file's line, with a line feed. */
  readonly publicKey: string
  /** `SHA256:…` as `ssh-keygen -lf` prints it. */
  readonly fingerprint: string
}

/**
 * A fresh Ed25519 key pair in OpenSSH's own format (OpenSSH PROTOCOL.key), as `ssh-keygen -t ed25519 -N ''` makes it.
 *
 * @param comment - one line that says whose key it is
 */
export function generateSshKey(comment: string, entropy: Entropy = randomBytes): SshKeyPair {
  const seed = entropy(32)
  const pkcs8 = Buffer.from(concatBytes(PKCS8_ED25519, seed))
  const { x } = createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' }).export({
    format: 'jwk',
  })
  const publicKey = decodeBase64url(x ?? '')
  const type = wireString(utf8('ssh-ed25519'))
  const blob = concatBytes(type, wireString(publicKey))
  const note = comment.replace(/\s+/g, ' ').trim()
  const check = entropy(4)
  const secret = concatBytes(
    check,
    check,
    blob,
    wireString(concatBytes(seed, publicKey)),
    wireString(utf8(note)),
  )
  const padding = Uint8Array.from({ length: (8 - (secret.length % 8)) % 8 }, (_, i) => i + 1)
  const file = concatBytes(
    MAGIC,
    wireString(utf8('none')),
    wireString(utf8('none')),
    wireString(new Uint8Array()),
    wireUint32(1),
    wireString(blob),
    wireString(concatBytes(secret, padding)),
  )
  const lines = encodeBase64(file).match(/.{1,70}/g) ?? []
  return {
    privateKey: [BEGIN, ...lines, END, ''].join('\n'),
    publicKey: `${['ssh-ed25519', encodeBase64(blob), note].join(' ').trim()}\n`,
    fingerprint: sshFingerprint(blob),
  }
}

/**
 * Writes a key pair to `file` (mode 0600) and `file.pub`. Never replaces a file.
 *
 * @throws {PolicyError} FILE_EXISTS; FILE_UNREADABLE when the folder cannot be written to
 */
export async function writeSshKey(file: string, pair: SshKeyPair): Promise<void> {
  await writeNew(file, pair.privateKey, 0o600)
  await writeNew(`${file}.pub`, pair.publicKey, 0o644)
}

/** A key file as far as it can be read without a passphrase. */
export type SshKeyFile =
  | { readonly kind: 'public'; readonly blob: Uint8Array }
  /** Encrypted, or its secret sits in hardware: only OpenSSH itself can sign with it. */
  | { readonly kind: 'locked'; readonly blob: Uint8Array }
  | { readonly kind: 'open'; readonly blob: Uint8Array; readonly signer: ReviewSigner }

/**
 * Reads an OpenSSH private key file, or a public one.
 *
 * @throws {PolicyError} FILE_UNREADABLE when it is missing, or a private key that others may read; KEY_UNSUPPORTED
 *   for another format or type
 */
export async function readSshKey(file: string): Promise<SshKeyFile> {
  const text = await readText(file)
  if (text.includes(BEGIN_ANY)) await checkPermissions(file)
  return readSshKeyText(text, file)
}

/**
 * Reads the text of such a file.
 *
 * @param file - where it stands, for messages
 * @throws {PolicyError} KEY_UNSUPPORTED for another format or type
 */
export function readSshKeyText(text: string, file: string): SshKeyFile {
  if (!text.includes(BEGIN_ANY)) return { kind: 'public', blob: parsePublicKeyLine(text, file) }
  const base64 = ARMOUR.exec(text)?.[1]
  if (base64 === undefined) {
    throw unsupported(file, 'a key in the OpenSSH format; convert it with ssh-keygen -p -f FILE')
  }
  try {
    return parsePrivateKey(decodeBase64(base64.replace(/\s/g, '')), file)
  } catch (cause) {
    if (cause instanceof PolicyError && cause.code === 'KEY_UNSUPPORTED') throw cause
    throw unsupported(file, 'a whole key in the OpenSSH format', cause)
  }
}

/**
 * The key of a line such as `ssh-ed25519 AAAA… comment`, in wire encoding.
 *
 * @param file - where it stands, for the message
 * @throws {PolicyError} KEY_UNSUPPORTED
 */
export function parsePublicKeyLine(line: string, file: string): Uint8Array {
  const [type, base64 = ''] = line.trim().split(/\s+/)
  try {
    const blob = decodeBase64(base64)
    if (parseSshPublicKey(blob).type === type) return blob
  } catch (cause) {
    throw unsupported(file, 'an SSH key of type Ed25519, ECDSA or RSA', cause)
  }
  throw unsupported(file, 'a key of the type that its line names')
}

const BEGIN = '-----BEGIN OPENSSH PRIVATE KEY-----'
const END = '-----END OPENSSH PRIVATE KEY-----'
const BEGIN_ANY = '-----BEGIN '
const ARMOUR = new RegExp(`^\\s*${BEGIN}\\s+([A-Za-z0-9+/=\\s]+?)\\s+${END}\\s*$`)
const MAGIC = utf8('openssh-key-v1\0')

/** RFC 8410: the DER of an Ed25519 private key, up to its 32 bytes. */
const PKCS8_ED25519 = Uint8Array.of(
  ...[
    0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
  ],
)

function parsePrivateKey(bytes: Uint8Array, file: string): SshKeyFile {
  const reader = readWire(bytes)
  if (!Buffer.from(reader.raw(MAGIC.length)).equals(MAGIC)) {
    throw unsupported(file, 'the preamble openssh-key-v1')
  }
  const cipher = reader.text()
  const kdf = reader.text()
  reader.string()
  if (reader.uint32() !== 1) throw unsupported(file, 'one key in the file')
  const blob = reader.string()
  const { type } = parseSshPublicKey(blob)
  if (cipher !== 'none' || kdf !== 'none' || type.startsWith('sk-')) return { kind: 'locked', blob }
  const secret = readWire(reader.string())
  const check = secret.uint32()
  if (secret.uint32() !== check) throw unsupported(file, 'equal check numbers')
  if (secret.text() !== type) throw unsupported(file, 'one type for both halves of the key')
  const { key, algorithm, hash } = readSecret(secret, type, file)
  return { kind: 'open', blob, signer: signerOf({ blob, key, algorithm, hash }) }
}

type SecretKey = {
  readonly key: KeyObject
  /** As the signature names it; RSA's differs from the key's type. */
  readonly algorithm: string
  /** What node:crypto hashes the signed data with; null for Ed25519. */
  readonly hash: string | null
}

function readSecret(secret: WireReader, type: string, file: string): SecretKey {
  if (type === 'ssh-ed25519') {
    const x = secret.string()
    const d = secret.string().subarray(0, 32)
    const key = importKey({ kty: 'OKP', crv: 'Ed25519', x: b64u(x), d: b64u(d) })
    return { key, algorithm: type, hash: null }
  }
  if (type === 'ssh-rsa') {
    return { key: readRsa(secret), algorithm: 'rsa-sha2-512', hash: 'sha512' }
  }
  const curve = type.slice('ecdsa-sha2-'.length)
  if (!isCurve(curve) || secret.text() !== curve) throw unsupported(file, 'a NIST curve')
  const { crv, length, hash } = CURVES[curve]
  const point = secret.string()
  const d = secret.positive()
  const padded = concatBytes(new Uint8Array(length - d.length), d)
  const x = b64u(point.subarray(1, 1 + length))
  const y = b64u(point.subarray(1 + length))
  return { key: importKey({ kty: 'EC', crv, x, y, d: b64u(padded) }), algorithm: type, hash }
}

/** OpenSSH leaves out two of the numbers that a JWK wants: d mod (p - 1) and d mod (q - 1). */
function readRsa(secret: WireReader): KeyObject {
  const n = secret.positive()
  const e = secret.positive()
  const d = secret.positive()
  const qi = secret.positive()
  const p = secret.positive()
  const q = secret.positive()
  const modulo = (prime: Uint8Array): string => {
    const hex = (toBigInt(d) % (toBigInt(prime) - 1n)).toString(16)
    return b64u(Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex'))
  }
  return importKey({
    ...{ kty: 'RSA', n: b64u(n), e: b64u(e), d: b64u(d), p: b64u(p), q: b64u(q) },
    ...{ dp: modulo(p), dq: modulo(q), qi: b64u(qi) },
  })
}

function importKey(key: JsonWebKey): KeyObject {
  return createPrivateKey({ key, format: 'jwk' })
}

function toBigInt(bytes: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(bytes).toString('hex')}`)
}

const b64u = encodeBase64url

const CURVES: Readonly<Record<EcdsaCurve, { crv: string; length: number; hash: string }>> = {
  nistp256: { crv: 'P-256', length: 32, hash: 'sha256' },
  nistp384: { crv: 'P-384', length: 48, hash: 'sha384' },
  nistp521: { crv: 'P-521', length: 66, hash: 'sha512' },
}

function isCurve(name: string): name is EcdsaCurve {
  return Object.hasOwn(CURVES, name)
}

function signerOf({ blob, key, algorithm, hash }: SecretKey & { blob: Uint8Array }): ReviewSigner {
  const wireOf = (data: Uint8Array): Uint8Array => {
    if (!algorithm.startsWith('ecdsa-')) return signWith(hash, data, key)
    const pair = signWith(hash, data, { key, dsaEncoding: 'ieee-p1363' })
    const half = pair.length / 2
    return concatBytes(wireInteger(pair.subarray(0, half)), wireInteger(pair.subarray(half)))
  }
  return {
    kind: 'ssh',
    fingerprint: sshFingerprint(blob),
    sign: async (statement, namespace = REVIEW_NAMESPACE) => {
      const digest = createHash('sha512').update(statement).digest()
      const data = sshsigSignedData(namespace, 'sha512', digest)
      const signature = concatBytes(wireString(utf8(algorithm)), wireString(wireOf(data)))
      return encodeSshsig({
        publicKey: blob,
        namespace,
        hash: 'sha512',
        signature,
      })
    },
  }
}

/** A positive mpint of RFC 4251: no leading zeros, but one where the top bit would make the number negative. */
function wireInteger(bytes: Uint8Array): Uint8Array {
  const start = bytes.findIndex((byte) => byte !== 0)
  const short = start < 0 ? new Uint8Array() : bytes.subarray(start)
  const sign = (short[0] ?? 0) >= 0x80 ? Uint8Array.of(0) : new Uint8Array()
  return wireString(concatBytes(sign, short))
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (cause) {
    throw new PolicyError('FILE_UNREADABLE', `expected an SSH key at ${file}`, { cause, file })
  }
}

/** A private key that others may read is no longer private; OpenSSH refuses it too. */
async function checkPermissions(file: string): Promise<void> {
  if (process.platform === 'win32') return
  const { mode } = await stat(file)
  if ((mode & 0o077) === 0) return
  const found = (mode & 0o777).toString(8)
  throw new PolicyError(
    'FILE_UNREADABLE',
    `expected a private key that only you may read, found mode ${found}; run chmod 600 ${file}`,
    { file },
  )
}

async function writeNew(file: string, text: string, mode: number): Promise<void> {
  try {
    const handle = await open(file, 'wx', mode)
    try {
      await handle.writeFile(text)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await chmod(file, mode) // The umask may have taken bits away.
  } catch (cause) {
    const exists = (cause as NodeJS.ErrnoException).code === 'EEXIST'
    if (exists)
      throw new PolicyError('FILE_EXISTS', `${file} exists; choose another name`, { file })
    throw new PolicyError('FILE_UNREADABLE', `cannot write ${file}`, { cause, file })
  }
}

function unsupported(file: string, expected: string, cause?: unknown): PolicyError {
  return new PolicyError('KEY_UNSUPPORTED', `expected ${expected} in ${file}`, { cause, file })
}
