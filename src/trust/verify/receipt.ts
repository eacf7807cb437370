import { PolicyError } from '../../base/errors.ts'
import type { Receipt, Trust } from '../../model/generated/types.ts'
import type { SignedCheckpoint } from '../receipt/checkpoint.ts'
import { parseVerifierKey } from '../receipt/checkpoint.ts'
import { checkProof } from '../receipt/proof.ts'
import { isGenesis, parseReceipt } from '../receipt/statement.ts'
import type { Cosignature } from './note.ts'
import { verifySigners } from './note.ts'
import { verifyTrustedCheckpoint } from './witness.ts'

/** A receipt that a log vouches for. */
export type VerifiedReceipt = {
  readonly receipt: Receipt
  readonly origin: string
  readonly index: number
  /** The size of the log whose checkpoint covers it. */
  readonly size: number
  /** Witnesses of the trust file that signed the checkpoint. */
  readonly cosignatures: readonly Cosignature[]
}

/**
 * Checks one receipt with its proof (c2sp.org/tlog-proof), without the log: the entry's place under the root, and
 * the root's signature. Says nothing on the receipts around it; `verifyLog` does.
 *
 * @param pinned - a trust file, or the log's verifier key from somewhere the auditor trusts
 * @throws {PolicyError} PROOF_INVALID; CHECKPOINT_INVALID; CHECKPOINT_UNTRUSTED; CHECKPOINT_UNWITNESSED;
 *   SIGNATURE_WRONG; RECEIPT_INVALID; TRUST_INVALID
 */
export function verifyReceipt(
  entry: Uint8Array,
  proof: string,
  pinned: Trust | string,
): VerifiedReceipt {
  const { signed, index } = checkProof(proof, entry)
  const { origin, size } = signed
  const cosignatures = verifySignatures(signed, pinned)
  const receipt = parseReceipt(entry)
  const named = isGenesis(receipt) ? receipt.predicate.origin : receipt.predicate.issuerId
  if (named !== origin) throw new PolicyError('RECEIPT_INVALID', 'expected a receipt of this log')
  if (isGenesis(receipt) !== (index === 0)) {
    throw new PolicyError('RECEIPT_INVALID', 'expected the genesis as entry 0 and nowhere else')
  }
  return { receipt, origin, index, size, cosignatures }
}

function verifySignatures(
  signed: SignedCheckpoint,
  pinned: Trust | string,
): readonly Cosignature[] {
  if (typeof pinned !== 'string') return verifyTrustedCheckpoint(signed, pinned)
  const key = parseVerifierKey(pinned)
  if (key.name !== signed.origin) {
    throw new PolicyError('CHECKPOINT_UNTRUSTED', `no key is pinned for ${signed.origin}`)
  }
  return verifySigners(signed, [key], []).cosignatures
}
