import { fromUtf8 } from '../../base/digest.ts'
import { PolicyError } from '../../base/errors.ts'
import { writeAtomically } from '../../host/files.ts'
import { readNote, readProof } from '../../host/log-folder.ts'
import type { Trust } from '../../model/generated/types.ts'
import type { ReceiptReport } from '../../model/log-report.ts'
import type { Store } from '../../model/ports.ts'
import { checkProof } from '../../trust/receipt/proof.ts'
import { verifyReceipt } from '../../trust/verify/index.ts'
import { witnessed, witnessProofs } from '../../trust/verify/witness.ts'
import { findReceipt, readBytes, readTrust, rowOf } from './receipts.ts'

/** What a proof's file is called, after the name of its receipt's file. */
const PROOF_SUFFIX = '.tlog-proof'

/** A receipt to the byte, and the proof (c2sp.org/tlog-proof@v1) that it stands in the log. */
export type ProvenReceipt = {
  readonly index: number
  readonly entry: Uint8Array
  readonly proof: string
}

/**
 * The proof of a receipt under the log's present checkpoint.
 *
 * @param name - a log index, or a decision id
 * @throws {PolicyError} RECEIPT_UNKNOWN; LOG_MISSING; LOG_CORRUPT; PROOF_INVALID when the folder is not the store's
 */
export async function proveReceipt(
  store: Store,
  folder: string,
  name: string,
): Promise<ProvenReceipt> {
  const { index } = await findReceipt(store, name)
  const [entry] = await store.receipts(index, 1)
  if (entry === undefined) throw new PolicyError('RECEIPT_UNKNOWN', `no receipt ${name}`)
  for (let tries = 1; ; tries++) {
    const note = readNote(folder)
    try {
      const proof = readProof(folder, index)
      checkProof(proof, entry)
      return { index, entry, proof }
    } catch (error) {
      // A running engine replaces partial tiles; its newer checkpoint calls for others.
      if (tries >= TRIES_MAX || readNote(folder) === note) throw error
    }
  }
}

const TRIES_MAX = 4

/**
 * Writes a receipt and, beside it, its proof.
 *
 * @returns the names of both files
 * @throws {PolicyError} FILE_UNREADABLE
 */
export async function writeProvenReceipt(
  file: string,
  { entry, proof }: ProvenReceipt,
): Promise<readonly string[]> {
  await writeAtomically(file, entry)
  await writeAtomically(`${file}${PROOF_SUFFIX}`, proof)
  return [file, `${file}${PROOF_SUFFIX}`]
}

/**
 * Verifies receipts that came as files, each with its proof beside it, offline.
 *
 * @param files - receipts or their proofs, absolute; naming both is naming one
 * @param trust - the trust file
 * @throws {PolicyError} TRUST_INVALID, FILE_UNREADABLE for the trust file; all else is in the reports
 */
export function verifyReceiptFiles(files: readonly string[], trust: string): ReceiptReport[] {
  const pinned = readTrust(trust)
  const receipts = files.map((file) =>
    file.endsWith(PROOF_SUFFIX) ? file.slice(0, -PROOF_SUFFIX.length) : file,
  )
  return [...new Set(receipts)].map((file) => verifyFile(file, pinned))
}

function verifyFile(file: string, trust: Trust): ReceiptReport {
  try {
    return verifyEntry(file, trust)
  } catch (error) {
    if (!(error instanceof PolicyError) || error.code === 'TRUST_INVALID') throw error
    const problem = { code: error.code, file: error.file ?? file, message: error.message }
    return {
      ...{ status: 'refused', file, origin: null, index: null, size: null, receipt: null },
      ...{ witnesses: [], proven: [], not_proven: [], problems: [problem] },
    }
  }
}

function verifyEntry(file: string, trust: Trust): ReceiptReport {
  const entry = readBytes(file)
  const verified = verifyReceipt(entry, fromUtf8(readBytes(`${file}${PROOF_SUFFIX}`)), trust)
  const { receipt, origin, index, size, cosignatures } = verified
  const row = rowOf(index, receipt)
  const proven = [
    `it is receipt ${index} of ${size} under a checkpoint that the log's key signed`,
    `the key is one that the trust file pins for ${origin}`,
    'it is whole, names this log, and its subject is the digest of its action',
  ]
  const open = [
    'what the receipts around it say, and that reviews inside it hold: verify the whole log for that',
    "that the times are right: they are the engine's and the reviewers' own",
  ]
  if (trust.policies !== undefined && 'policyDigest' in receipt.predicate) {
    checkPolicy(receipt.predicate.policyDigest.sha256, trust.policies)
    proven.push('it names a policy that the trust file lists')
  }
  proven.push(...witnessProofs(cosignatures))
  if (cosignatures.length === 0) {
    open.push('that others were shown the same log: no witness has signed')
  }
  return {
    ...{ status: 'verified', file, origin, index, size, receipt: row },
    ...{ witnesses: witnessed(cosignatures), proven, not_proven: open, problems: [] },
  }
}

function checkPolicy(digest: string, policies: readonly string[]): void {
  if (policies.includes(`sha256:${digest}`)) return
  throw new PolicyError('RECEIPT_INVALID', 'expected a policy that the trust file lists')
}
