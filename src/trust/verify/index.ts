export type { PolicyErrorOptions } from '../../base/errors.ts'
export { PolicyError } from '../../base/errors.ts'
export { CUSTODY_NAMESPACE } from '../../model/custody.ts'
export type {
  CustodyReceipt,
  CustodyStep,
  DecisionProofClaims,
  DecisionReceipt,
  DisclosedReceipt,
  ErasureReceipt,
  ExecutionReceipt,
  GenesisReceipt,
  GrantClaims,
  Receipt,
  Trust,
} from '../../model/generated/types.ts'
export type { LogProblem, LogReport, Witnessed } from '../../model/log-report.ts'
export type { GrantLedger, Jwk, Jwks } from '../../model/ports.ts'
export { REVIEW_NAMESPACE } from '../../model/ports.ts'
export { custodyStatement } from '../receipt/custody.ts'
export { parseReceipt } from '../receipt/statement.ts'
export type { Attested, AttestedCheckpoint, AttestedGate, AttestedReceipt } from './attestation.ts'
export {
  verifyCheckpointAttestation,
  verifyGateAttestation,
  verifyReceiptAttestation,
} from './attestation.ts'
export type { BundleStatement, VerifiedSigner } from './bundle.ts'
export {
  bundleStatement,
  formatBundleSignature,
  verifyBundleSignature,
  verifyCommitSignature,
} from './bundle.ts'
export type { DecisionProofContext, VerifiedDecisionProof } from './decision-proof.ts'
export { checkDecisionProof, verifyDecisionProof } from './decision-proof.ts'
export type { DisclosedFields, HiddenField, OpenedField } from './disclosed.ts'
export { parseDisclosed, verifyDisclosed } from './disclosed.ts'
export type { Call, GrantContext } from './grant.ts'
export { checkGrantTimes, commitCall, openGrant, verifyGrant } from './grant.ts'
export { createMemoryLedger } from './grant-ledger.ts'
export type { LogOptions } from './log.ts'
export { verifyLog } from './log.ts'
export type { LogFiles } from './log-tiles.ts'
export type { CheckpointSigners, Cosignature } from './note.ts'
export { verifyCheckpoint, verifySigners } from './note.ts'
export type { VerifiedReceipt } from './receipt.ts'
export { verifyReceipt } from './receipt.ts'
export type { NoReview, RefusedReview, ReviewContext, VerifiedReview } from './review.ts'
export { collectReviews, verifyReview } from './review.ts'
export { formatReviewBody } from './review-body.ts'
export type { SigstoreStatement, SigstoreTrust } from './sigstore.ts'
export { verifySigstoreBundle } from './sigstore.ts'
export type { VerifiedKey } from './sshsig.ts'
export { verifySshsig } from './sshsig.ts'
export { parseTrust } from './trust.ts'
