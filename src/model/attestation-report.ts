import type { PolicyError } from '../base/errors.ts'
import type { LogProblem } from './log-report.ts'

/** One attestation that was made. */
export type MadeAttestation = {
  /** How many receipts the checkpoint is over, or the receipt's log index. */
  readonly of: { readonly checkpoint: number } | { readonly receipt: number }
  /** Below the data folder. */
  readonly file: string
  readonly issuer: string
  readonly subject: string
  /** When, as an authority vouches: RFC 3339, UTC. */
  readonly at: string
}

/** What one round of attesting did. */
export type AttestReport = {
  readonly attested: readonly MadeAttestation[]
  /** What was due and is not done. */
  readonly queued: { readonly checkpoint: number | null; readonly resolutions: readonly number[] }
  /** What kept it from being done; null when all is. */
  readonly trouble: PolicyError | null
}

/** What the check of one attestation found; see `log verify-attestation`. */
export type AttestationReport = {
  readonly status: 'verified' | 'refused'
  /** As it was named. */
  readonly file: string
  readonly kind: 'checkpoint' | 'receipt' | 'gate' | null
  /** Who attested; null when it is refused. */
  readonly identity: { readonly issuer: string; readonly subject: string } | null
  /** When, by each authority that vouches for it: RFC 3339, UTC, sorted. */
  readonly times: readonly string[]
  readonly proven: readonly string[]
  readonly not_proven: readonly string[]
  readonly problems: readonly LogProblem[]
}
