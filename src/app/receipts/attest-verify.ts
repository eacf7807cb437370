import { dirname, join } from 'node:path'
import { fromUtf8 } from '../../base/digest.ts'
import { PolicyError } from '../../base/errors.ts'
import type { AttestationReport } from '../../model/attestation-report.ts'
import type { Trust } from '../../model/generated/types.ts'
import type { Attested } from '../../trust/verify/attestation.ts'
import {
  openAttestation,
  verifyCheckpointAttestation,
  verifyGateAttestation,
  verifyReceiptAttestation,
} from '../../trust/verify/attestation.ts'
import {
  CHECKPOINT_ATTESTATION_TYPE,
  GATE_ATTESTATION_TYPE,
  VERDICT_FILE,
} from '../../trust/verify/attestation-statement.ts'
import { readBytes, readTrust } from './receipts.ts'

/**
 * Verifies one attestation, offline.
 *
 * @param file - the Sigstore bundle
 * @param of.subject - what it is of: a checkpoint, a receipt, or a verdict. Default: the checkpoint or verdict beside it;
 *   of a receipt, the one that it carries
 * @param of.trust - the trust file
 * @throws {PolicyError} TRUST_INVALID, FILE_UNREADABLE for the trust file; all else is in the report
 */
export function verifyAttestationFile(
  file: string,
  of: { readonly subject?: string; readonly trust: string },
): AttestationReport {
  const trust = readTrust(of.trust)
  try {
    return verified(file, of.subject, trust)
  } catch (error) {
    if (!(error instanceof PolicyError) || error.code === 'TRUST_INVALID') throw error
    const problem = { code: error.code, file: error.file ?? file, message: error.message }
    return {
      ...{ status: 'refused', file, kind: null, identity: null, times: [] },
      ...{ proven: [], not_proven: [], problems: [problem] },
    }
  }
}

function verified(file: string, subject: string | undefined, trust: Trust): AttestationReport {
  const text = fromUtf8(readBytes(file))
  const { predicateType } = openAttestation(text, trust)
  if (predicateType === CHECKPOINT_ATTESTATION_TYPE) {
    const note = readBytes(subject ?? file.replace(/\.sigstore\.json$/, '.checkpoint'))
    const found = verifyCheckpointAttestation(text, note, trust)
    const { origin, size } = found.checkpoint
    return reportOf(file, 'checkpoint', found, {
      proven: [
        `it is of a checkpoint of ${origin} over ${size} receipts, which its pinned key signed`,
      ],
      open: ['what the receipts are, and that the log has kept to it: verify the log for that'],
    })
  }
  if (predicateType === GATE_ATTESTATION_TYPE) {
    const found = verifyGateAttestation(
      text,
      readBytes(subject ?? join(dirname(file), VERDICT_FILE)),
      trust,
    )
    return reportOf(file, 'gate', found, {
      proven: [
        `the gate was open for the commit ${found.head}, by the policy ${found.policy}`,
        `it lists ${found.properties.join(', ')}`,
        ...(trust.policies === undefined ? [] : ['the policy is one that the trust file lists']),
      ],
      open: [
        'that the gate judged as it says',
        ...(trust.policies === undefined
          ? ['that the policy is the agreed one (list policies under --trust)']
          : []),
      ],
    })
  }
  const entry = subject === undefined ? null : readBytes(subject)
  const found = verifyReceiptAttestation(text, entry, trust)
  return reportOf(file, 'receipt', found, {
    proven: ['it is of a whole receipt, of a log that the trust file names'],
    open: [
      'that the receipt stands in the log, and that reviews inside it hold: verify the log for that',
    ],
  })
}

function reportOf(
  file: string,
  kind: 'checkpoint' | 'receipt' | 'gate',
  { identity, times }: Attested,
  said: { readonly proven: readonly string[]; readonly open: readonly string[] },
): AttestationReport {
  const { issuer, subject } = identity
  const stamps = times.map((ms) => new Date(ms).toISOString())
  return {
    ...{ status: 'verified', file, kind, identity: { issuer, subject }, times: stamps },
    proven: [
      ...said.proven,
      `${subject} of ${issuer} attested it, and the trust file lists them`,
      `it was signed by ${stamps[0]}, as an authority of the trusted root vouches`,
    ],
    not_proven: said.open,
    problems: [],
  }
}
