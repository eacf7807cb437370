import type { KeyObject } from 'node:crypto'
import { createHash, createPublicKey, verify as verifyWith } from 'node:crypto'
import { sha256, utf8 } from '../../base/digest.ts'
import { encodeBase64url } from '../../base/encoding.ts'
import { PolicyError } from '../../base/errors.ts'
import type { EcdsaCurve, SshPublicKey, SshSignature, Sshsig } from '../../base/ssh-encoding.ts'
import { parseSshsig, sshsigSignedData } from '../../base/ssh-encoding.ts'
import { concatBytes, wireUint32 } from '../../base/ssh-wire.ts'

export type VerifiedKey = {
  /** `SHA256:…` of the key that made the signature. */
  readonly fingerprint: string
  /** As SSH names it: `ssh-ed25519`, `sk-ecdsa-sha2-nistp256@openssh.com`, … */
  readonly keyType: string
}

/**
 * Verifies an SSH signature over a message and says which key made it. Whether that key counts is the caller's
 * question: the key comes out of the signature itself. OpenSSH PROTOCOL.sshsig and, for hardware keys, PROTOCOL.u2f.
 *
 * RSA counts with SHA-2 and at least 2,048 bits. A hardware key counts only when a person touched it; `ssh-keygen -Y
 * verify` takes it without.
 *
 * @param armour - SSHSIG armour
 * @param namespace - what the signature must be for, so that one made for another purpose cannot be put here
 * @throws {PolicyError} SIGNATURE_MALFORMED; SIGNATURE_NAMESPACE; SIGNATURE_NO_PRESENCE; SIGNATURE_WRONG;
 *   KEY_UNSUPPORTED
 */
export function verifySshsig(armour: string, message: Uint8Array, namespace: string): VerifiedKey {
  const sshsig = parseSshsig(armour)
  if (namespace === '' || sshsig.namespace !== namespace) {
    throw new PolicyError(
      'SIGNATURE_NAMESPACE',
      `expected a signature for '${namespace}', found one for another purpose`,
    )
  }
  const data = signedBytes(sshsig, message)
  if (!holds(sshsig, data)) throw wrong()
  return { fingerprint: sshsig.fingerprint, keyType: sshsig.key.type }
}

function signedBytes({ namespace, hash, key, parsed }: Sshsig, message: Uint8Array): Uint8Array {
  const digest = createHash(hash).update(message).digest()
  const data = sshsigSignedData(namespace, hash, digest)
  if (!('application' in key)) return data
  const { flags, counter } = hardware(parsed)
  if ((flags & USER_PRESENT) === 0) {
    throw new PolicyError(
      'SIGNATURE_NO_PRESENCE',
      'expected the flag that a person touched the hardware key; sign with a key made without no-touch-required',
    )
  }
  return concatBytes(
    sha256(utf8(key.application)),
    Uint8Array.of(flags),
    wireUint32(counter),
    sha256(data),
  )
}

/** PROTOCOL.u2f, SSH U2F signatures: bit 0 of the flags. */
const USER_PRESENT = 0x01

function hardware(parsed: SshSignature): { flags: number; counter: number } {
  if ('flags' in parsed) return parsed
  throw new PolicyError('SIGNATURE_MALFORMED', 'expected the flags and counter of a hardware key')
}

function holds({ key, parsed }: Sshsig, data: Uint8Array): boolean {
  const publicKey = importKey(key)
  try {
    return check(key, parsed, { publicKey, data })
  } catch (cause) {
    throw wrong(cause) // OpenSSL throws for some numbers that no signature holds.
  }
}

function wrong(cause?: unknown): PolicyError {
  const message = 'expected a signature of these bytes by this key'
  return new PolicyError('SIGNATURE_WRONG', message, { cause })
}

function check(
  key: SshPublicKey,
  parsed: SshSignature,
  { publicKey, data }: { publicKey: KeyObject; data: Uint8Array },
): boolean {
  if ('r' in parsed && 'curve' in key) {
    const signature = concatBytes(parsed.r, parsed.s)
    return verifyWith(
      ECDSA_HASHES[key.curve],
      data,
      { key: publicKey, dsaEncoding: 'ieee-p1363' },
      signature,
    )
  }
  if (!('signature' in parsed)) return false
  switch (parsed.algorithm) {
    case 'rsa-sha2-256':
      return verifyWith('sha256', data, publicKey, parsed.signature)
    case 'rsa-sha2-512':
      return verifyWith('sha512', data, publicKey, parsed.signature)
    default:
      return verifyWith(null, data, publicKey, parsed.signature)
  }
}

/** RFC 5656 section 6.2.1: the hash follows from the size of the curve. */
const ECDSA_HASHES: Readonly<Record<EcdsaCurve, string>> = {
  nistp256: 'sha256',
  nistp384: 'sha384',
  nistp521: 'sha512',
}

const JWK_CURVES: Readonly<Record<EcdsaCurve, string>> = {
  nistp256: 'P-256',
  nistp384: 'P-384',
  nistp521: 'P-521',
}

function importKey(key: SshPublicKey): KeyObject {
  try {
    return createPublicKey({ key: jwkOf(key), format: 'jwk' })
  } catch (cause) {
    // A point off its curve, for one.
    throw new PolicyError('SIGNATURE_MALFORMED', 'expected a valid public key', { cause })
  }
}

function jwkOf(key: SshPublicKey): Record<string, string> {
  if ('curve' in key) {
    const crv = JWK_CURVES[key.curve]
    return { kty: 'EC', crv, x: encodeBase64url(key.x), y: encodeBase64url(key.y) }
  }
  if (key.type === 'ssh-rsa') {
    return { kty: 'RSA', e: encodeBase64url(key.exponent), n: encodeBase64url(key.modulus) }
  }
  return { kty: 'OKP', crv: 'Ed25519', x: encodeBase64url(key.publicKey) }
}
