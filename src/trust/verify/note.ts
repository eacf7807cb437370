import { createPublicKey, verify } from 'node:crypto'
import { encodeBase64url } from '../../base/encoding.ts'
import { PolicyError } from '../../base/errors.ts'
import type { NoteSignature, SignedCheckpoint, VerifierKey } from '../receipt/checkpoint.ts'
import { namesKey } from '../receipt/checkpoint.ts'

/**
 * Verifies a checkpoint's signatures. Every line must be of a key that is given, none twice, and each must hold:
 * stricter than C2SP signed-note, which lets unknown lines pass, because a line nobody checks can be altered unseen.
 *
 * @returns the first key that signed
 * @throws {PolicyError} CHECKPOINT_UNTRUSTED for a line by another key; SIGNATURE_WRONG
 */
export function verifyCheckpoint(
  checkpoint: SignedCheckpoint,
  keys: readonly VerifierKey[],
): VerifierKey {
  const signers = checkpoint.signatures.map((line) => {
    const key = keys.find((candidate) => namesKey(line, candidate))
    if (key === undefined) {
      throw new PolicyError(
        'CHECKPOINT_UNTRUSTED',
        'expected signatures by known keys of this log only, found one by another key',
      )
    }
    if (!holds(line, key, checkpoint.signed)) {
      throw new PolicyError('SIGNATURE_WRONG', "expected the key's signature of this checkpoint")
    }
    return key
  })
  if (new Set(signers).size !== signers.length) {
    throw new PolicyError('CHECKPOINT_UNTRUSTED', 'expected one signature a key')
  }
  const [first] = signers
  if (first === undefined) throw new PolicyError('CHECKPOINT_UNTRUSTED', 'expected a signature')
  return first
}

function holds(
  { signature }: NoteSignature,
  { publicKey }: VerifierKey,
  signed: Uint8Array,
): boolean {
  const key = createPublicKey({
    key: { kty: 'OKP', crv: 'Ed25519', x: encodeBase64url(publicKey) },
    format: 'jwk',
  })
  return verify(null, signed, key, signature)
}
