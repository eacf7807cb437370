import { PolicyError } from '../../base/errors.ts'
import type { Trust } from '../../model/generated/types.ts'
import type { Witnessed } from '../../model/log-report.ts'
import type { SignedCheckpoint, VerifierKey } from '../receipt/checkpoint.ts'
import type { Cosignature } from './note.ts'
import { verifySigners } from './note.ts'
import { trustedKeys, trustedWitnesses } from './trust.ts'

/**
 * Verifies a checkpoint under a trust file: every signature is by a key of its log or by a listed witness, and as many
 * witnesses have signed as the file asks for.
 *
 * @returns the witnesses' signatures
 * @throws {PolicyError} CHECKPOINT_UNTRUSTED, SIGNATURE_WRONG, CHECKPOINT_UNWITNESSED, TRUST_INVALID
 */
export function verifyTrustedCheckpoint(
  checkpoint: SignedCheckpoint,
  trust: Trust,
): readonly Cosignature[] {
  return requireQuorum(verifyPinnedCheckpoint(checkpoint, trust), trust)
}

/**
 * As many witnesses have signed as the trust file asks for.
 *
 * @throws {PolicyError} CHECKPOINT_UNWITNESSED
 */
export function requireQuorum(
  cosignatures: readonly Cosignature[],
  trust: Trust | undefined,
): readonly Cosignature[] {
  const need = trust?.witnesses?.need ?? 0
  if (cosignatures.length >= need) return cosignatures
  throw new PolicyError(
    'CHECKPOINT_UNWITNESSED',
    `expected signatures of ${need} witnesses that the trust file lists, found ${cosignatures.length}`,
  )
}

/**
 * The same, however many witnesses have signed: for a checkpoint that waits for them.
 *
 * @throws {PolicyError} CHECKPOINT_UNTRUSTED, SIGNATURE_WRONG, TRUST_INVALID
 */
export function verifyPinnedCheckpoint(
  checkpoint: SignedCheckpoint,
  trust: Trust,
): readonly Cosignature[] {
  const keys = pinnedKeys(trust, checkpoint.origin)
  return verifySigners(checkpoint, keys, trustedWitnesses(trust)).cosignatures
}

/** The keys that a trust file pins for a log. @throws {PolicyError} CHECKPOINT_UNTRUSTED, TRUST_INVALID */
export function pinnedKeys(trust: Trust, origin: string): readonly VerifierKey[] {
  const keys = trustedKeys(trust, origin)
  if (keys !== null) return keys
  throw new PolicyError('CHECKPOINT_UNTRUSTED', `the trust file pins no key for ${origin}`)
}

/** Who saw a checkpoint and when, as reports say it. */
export function witnessed(cosignatures: readonly Cosignature[]): readonly Witnessed[] {
  return cosignatures.map(({ witness, time }) => ({
    witness: witness.name,
    at: new Date(time * 1000).toISOString(),
  }))
}

/** What witnesses' signatures prove, in words. */
export function witnessProofs(cosignatures: readonly Cosignature[]): string[] {
  return witnessed(cosignatures).map(
    ({ witness, at }) =>
      `${witness} saw this checkpoint at ${at}, and it had seen no other history of the log`,
  )
}
