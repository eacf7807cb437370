import { open } from 'node:fs/promises'
import { fromUtf8 } from '../../base/digest.ts'
import { PolicyError } from '../../base/errors.ts'
import type { Trust } from '../../model/generated/types.ts'
import type { LogReport, ReceiptReport } from '../../model/log-report.ts'
import type { DisclosedReport, ExportReport } from '../../model/receipt-export.ts'
import { verifyDisclosed } from '../../trust/verify/disclosed.ts'
import { witnessed, witnessProofs } from '../../trust/verify/witness.ts'
import { verifyPublishedLog } from './export-published.ts'
import { verifyExportFile } from './export-verify.ts'
import { openPublishedLog } from './follow-log.ts'
import { verifyReceiptFiles } from './receipt-proofs.ts'
import { readBytes, readTrust, rowOf } from './receipts.ts'

/** What the check of one file found. */
export type FileReport = ReceiptReport | DisclosedReport | ExportReport

/** Whether a report is of an export, which has many receipts. */
export function isExportReport(report: FileReport): report is ExportReport {
  return 'format' in report
}

/** Whether a report is of a receipt that came with some of its fields. */
export function isDisclosedReport(report: FileReport): report is DisclosedReport {
  return 'fields' in report
}

/**
 * Verifies files offline, each as what it holds: a receipt with its proof beside it, a receipt that came with some of its
 * fields, or an export.
 *
 * @param files - absolute
 * @param trust - the trust file
 * @throws {PolicyError} TRUST_INVALID; FILE_UNREADABLE for the trust file and for exports; all else is in the reports
 */
export async function verifyFiles(files: readonly string[], trust: string): Promise<FileReport[]> {
  const pinned = readTrust(trust)
  const reports: FileReport[] = []
  const plain: string[] = []
  for (const file of files) {
    const kind = await kindOf(file)
    if (kind === 'receipt') plain.push(file)
    else if (kind === 'disclosed') reports.push(verifyDisclosedFile(file, pinned))
    else reports.push(await verifyExportFile(file, kind, pinned))
  }
  return [...(plain.length === 0 ? [] : verifyReceiptFiles(plain, trust)), ...reports]
}

/**
 * Verifies a published log by its address, as its folder would be.
 *
 * @param files - absolute
 * @throws {PolicyError} LOG_UNREACHABLE, USAGE_INVALID, TRUST_INVALID, FILE_UNREADABLE, EXPORT_TOO_LARGE
 */
export function verifyPublished(
  address: string,
  files: { readonly trust?: string; readonly since?: string },
): Promise<LogReport> {
  const { trust, since } = files
  const options = {
    ...(trust === undefined ? {} : { trust: readTrust(trust) }),
    ...(since === undefined ? {} : { since: fromUtf8(readBytes(since)) }),
  }
  return verifyPublishedLog(openPublishedLog(address, '/'), options, Date.now)
}

type FileKind = ExportReport['format'] | 'receipt' | 'disclosed'

/** What a file holds, by how it begins; where that is nothing known, by its name. */
async function kindOf(file: string): Promise<FileKind> {
  const head = await headOf(file)
  for (const [begins, kind] of BEGINNINGS) if (begins.test(head)) return kind
  if (/^CEF:0\||"class_uid":6003/.test(head)) {
    const message =
      'events for a SIEM hold no proofs; verify the log, or an export as jsonl, csv or html'
    throw new PolicyError('EXPORT_INVALID', message, { file })
  }
  const [, extension] = /\.(jsonl|csv|html)$/i.exec(file) ?? []
  return extension === undefined ? 'receipt' : (extension.toLowerCase() as FileKind)
}

const BEGINNINGS: readonly (readonly [RegExp, FileKind])[] = [
  [/^\{"checkpoint":/, 'jsonl'],
  [/^index,context,/, 'csv'],
  [/^<!doctype html>/i, 'html'],
  [/^\s*\{\s*"(?:disclosures"\s*:|kind"\s*:\s*"DisclosedReceipt")/, 'disclosed'],
]

const HEAD_BYTES = 4_096

async function headOf(file: string): Promise<string> {
  try {
    const handle = await open(file)
    try {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0)
      return buffer.toString('latin1', 0, bytesRead)
    } finally {
      await handle.close()
    }
  } catch (cause) {
    throw new PolicyError('FILE_UNREADABLE', `cannot read ${file}`, { cause, file })
  }
}

function verifyDisclosedFile(file: string, trust: Trust): DisclosedReport {
  try {
    return disclosedReport(file, trust)
  } catch (error) {
    if (!(error instanceof PolicyError) || error.code === 'TRUST_INVALID') throw error
    const problem = { code: error.code, file, message: error.message }
    return {
      ...{ status: 'refused', file, origin: null, index: null, size: null, receipt: null },
      ...{ witnesses: [], proven: [], not_proven: [], problems: [problem], fields: [], hidden: [] },
    }
  }
}

function disclosedReport(file: string, trust: Trust): DisclosedReport {
  const verified = verifyDisclosed(fromUtf8(readBytes(file)), trust)
  const { receipt, origin, index, size, cosignatures, fields, hidden } = verified
  const digest = 'policyDigest' in receipt.predicate ? receipt.predicate.policyDigest.sha256 : null
  const isListed = digest === null || trust.policies?.includes(`sha256:${digest}`) !== false
  if (!isListed) {
    throw new PolicyError('RECEIPT_INVALID', 'expected a policy that the trust file lists')
  }
  return {
    ...{ status: 'verified', file, origin, index, size, receipt: rowOf(index, receipt) },
    witnesses: witnessed(cosignatures),
    proven: [
      `it is receipt ${index} of ${size} under a checkpoint that a key pinned for ${origin} signed`,
      'it is whole, names this log, and its subject is the digest of its action',
      `${fields.length} fields have the values shown: the receipt committed to them`,
      ...(trust.policies === undefined || digest === null
        ? []
        : ['it names a policy that the trust file lists']),
      ...witnessProofs(cosignatures),
    ],
    not_proven: [
      'what the hidden fields are',
      'what the receipts around it say, and that reviews inside it hold: verify the whole log for that',
      "that the times are right: they are the engine's and the reviewers' own",
      ...(cosignatures.length === 0
        ? ['that others were shown the same log: no witness has signed']
        : []),
    ],
    ...{ problems: [], fields, hidden },
  }
}
