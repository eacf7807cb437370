import { utf8 } from '../../base/digest.ts'
import { PolicyError } from '../../base/errors.ts'
import type { NoteSignature, SignedCheckpoint, VerifierKey } from '../receipt/checkpoint.ts'
import { namesKey } from '../receipt/checkpoint.ts'
import { verifyEd25519 } from './ed25519.ts'

/** That a witness saw a checkpoint, and that what it had seen before was the start of it. */
export type Cosignature = {
  readonly witness: VerifierKey
  /** When it signed, by its own clock, in seconds since 1970. */
  readonly time: number
}

/** Who signed a checkpoint. */
export type CheckpointSigners = {
  /** The first key of the log that signed. */
  readonly signer: VerifierKey
  /** By the witnesses' order in the checkpoint. */
  readonly cosignatures: readonly Cosignature[]
}

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
  return verifySigners(checkpoint, keys, []).signer
}

/**
 * The same, where lines of witnesses (C2SP tlog-cosignature) may stand beside those of the log.
 *
 * @param witnesses - keys of type 4; see `parseWitnessKey`
 * @throws {PolicyError} CHECKPOINT_UNTRUSTED for a line by another key, or when no key of the log signed;
 *   SIGNATURE_WRONG
 */
export function verifySigners(
  checkpoint: SignedCheckpoint,
  keys: readonly VerifierKey[],
  witnesses: readonly VerifierKey[],
): CheckpointSigners {
  const signers: VerifierKey[] = []
  const cosignatures: Cosignature[] = []
  for (const line of checkpoint.signatures) {
    const key = keys.find((candidate) => namesKey(line, candidate))
    if (key !== undefined) {
      if (!verifyEd25519(key.publicKey, checkpoint.signed, line.signature)) {
        throw new PolicyError('SIGNATURE_WRONG', "expected the key's signature of this checkpoint")
      }
      signers.push(key)
      continue
    }
    cosignatures.push(verifyCosignature(line, checkpoint.signed, witnesses))
  }
  const all = [...signers, ...cosignatures.map(({ witness }) => witness)]
  if (new Set(all).size !== all.length) {
    throw new PolicyError('CHECKPOINT_UNTRUSTED', 'expected one signature a key')
  }
  const [signer] = signers
  if (signer === undefined) {
    throw new PolicyError('CHECKPOINT_UNTRUSTED', 'expected a signature by a key of the log')
  }
  return { signer, cosignatures }
}

/**
 * Verifies one line as a `cosignature/v1`: eight bytes of time, then an Ed25519 signature over it and the note's text.
 *
 * @param signed - the checkpoint's text
 * @throws {PolicyError} CHECKPOINT_UNTRUSTED for a line by another key; SIGNATURE_WRONG
 */
export function verifyCosignature(
  line: NoteSignature,
  signed: Uint8Array,
  witnesses: readonly VerifierKey[],
): Cosignature {
  const witness = witnesses.find((candidate) => namesKey(line, candidate))
  if (witness === undefined) {
    throw new PolicyError(
      'CHECKPOINT_UNTRUSTED',
      'expected signatures by known keys of this log and by witnesses of the trust file only, found one by another key',
    )
  }
  const { signature } = line
  const time = signature.length === COSIGNATURE_BYTES ? timeOf(signature) : null
  const text = utf8(`cosignature/v1\ntime ${time}\n`)
  const message = new Uint8Array(text.length + signed.length)
  message.set(text)
  message.set(signed, text.length)
  if (time === null || !verifyEd25519(witness.publicKey, message, signature.subarray(TIME_BYTES))) {
    throw new PolicyError(
      'SIGNATURE_WRONG',
      `expected a cosignature of this checkpoint by ${witness.name}`,
    )
  }
  return { witness, time }
}

const TIME_BYTES = 8
const COSIGNATURE_BYTES = TIME_BYTES + 64

/** Seconds since 1970, big-endian; null before 1970-01-01T00:00:01Z and after the year 9999. */
function timeOf(signature: Uint8Array): number | null {
  let time = 0
  for (const byte of signature.subarray(0, TIME_BYTES)) time = time * 256 + byte
  return time >= 1 && time <= TIME_MAX ? time : null
}

const TIME_MAX = 253_402_300_799
