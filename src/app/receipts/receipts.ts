import { readFileSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { fromUtf8 } from '../../base/digest.ts'
import { PolicyError } from '../../base/errors.ts'
import { readLogFiles, readNote } from '../../host/log-folder.ts'
import type {
  CustodyReceipt,
  DecisionReceipt,
  ErasureReceipt,
  ExecutionReceipt,
  Receipt,
  Trust,
} from '../../model/generated/types.ts'
import type { LogReport, ReceiptRow } from '../../model/log-report.ts'
import type { Store } from '../../model/ports.ts'
import { isCustody, isErasure } from '../../trust/receipt/statement.ts'
import { ATTESTATIONS_FOLDER } from '../../trust/verify/attestation-log.ts'
import { parseTrust, verifyLog } from '../../trust/verify/index.ts'
import { attestationsIn, readAttestations } from './attest-files.ts'

const PAGE = 1_000

/** The receipts of a store in log order. */
export async function* listReceipts(store: Store, from = 0): AsyncGenerator<ReceiptRow> {
  for (let index = from; ; ) {
    const page = await store.receipts(index, PAGE)
    if (page.length === 0) return
    for (const bytes of page) {
      yield rowOf(index, JSON.parse(fromUtf8(bytes)) as Receipt)
      index += 1
    }
  }
}

/** A receipt by log index or by decision id. @throws {PolicyError} RECEIPT_UNKNOWN */
export async function findReceipt(
  store: Store,
  name: string,
): Promise<{ readonly index: number; readonly receipt: Receipt }> {
  if (/^\d+$/.test(name)) {
    const [bytes] = await store.receipts(Number(name), 1)
    if (bytes !== undefined) return { index: Number(name), receipt: JSON.parse(fromUtf8(bytes)) }
  }
  const stored = await store.decision(name)
  if (stored !== null) return { index: stored.index, receipt: JSON.parse(fromUtf8(stored.receipt)) }
  throw new PolicyError(
    'RECEIPT_UNKNOWN',
    `no receipt ${name} in this store; see \`countersign receipts ls\``,
  )
}

/**
 * Verifies a receipt log's folder, offline, against a trust file if there is one; with its attestations, which lie in it
 * or beside it.
 *
 * @param since - a checkpoint of an earlier day: proves that the log only grew since
 * @throws {PolicyError} LOG_MISSING, TRUST_INVALID, FILE_UNREADABLE
 */
export function verifyLogFolder(
  folder: string,
  options: { readonly trust?: string; readonly since?: string } = {},
): LogReport {
  // First these: what is attested meanwhile must not seem to be ahead of the log.
  const beside = readAttestations(attestationsIn(dirname(folder)))
  const files = readLogFiles(folder)
  const isInside = [...files.keys()].some((path) => path.startsWith(`${ATTESTATIONS_FOLDER}/`))
  return verifyLog(files, {
    ...(isInside || beside.size === 0 ? {} : { attestations: beside }),
    ...(options.trust === undefined ? {} : { trust: readTrust(options.trust) }),
    ...(options.since === undefined ? {} : { since: fromUtf8(readBytes(options.since)) }),
  })
}

/** The signed checkpoint of a log's folder. @throws {PolicyError} LOG_MISSING */
export function readCheckpoint(folder: string): string {
  const note = readNote(folder)
  if (note !== null) return note
  throw new PolicyError('LOG_MISSING', `no checkpoint in ${folder}`)
}

/** Whether something is a file, as opposed to a folder or nothing. */
export function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true
}

/** @throws {PolicyError} TRUST_INVALID, FILE_UNREADABLE */
export function readTrust(file: string): Trust {
  const bytes = readBytes(file)
  try {
    return parseTrust(fromUtf8(bytes))
  } catch (cause) {
    if (cause instanceof PolicyError && cause.code === 'TRUST_INVALID') throw cause
    throw new PolicyError('TRUST_INVALID', `${file} is no UTF-8 text`, { cause, file })
  }
}

/** @throws {PolicyError} FILE_UNREADABLE */
export function readBytes(file: string): Uint8Array {
  try {
    return readFileSync(file)
  } catch (cause) {
    throw new PolicyError('FILE_UNREADABLE', `cannot read ${file}`, { cause, file })
  }
}

/** A receipt as `receipts ls` lists it. */
export function rowOf(index: number, receipt: Receipt): ReceiptRow {
  if (receipt.predicateType === 'https://countersign.dev/attestation/log-genesis/v0.1') {
    const issued = receipt.predicate.issuedAt
    return {
      index,
      id: 'genesis',
      stage: 'genesis',
      decision: '',
      issued_at: issued,
      agent: '',
      tool: '',
      request: null,
    }
  }
  if (receipt.predicateType === 'https://countersign.dev/attestation/execution/v0.1') {
    return executionRow(index, receipt as ExecutionReceipt)
  }
  if (isErasure(receipt)) return erasureRow(index, receipt)
  if (isCustody(receipt)) return custodyRow(index, receipt)
  const { predicate } = receipt as DecisionReceipt
  const { agent, service, action } = predicate.action as Record<string, string>
  return {
    index,
    id: predicate.id,
    stage: predicate.stage,
    decision: predicate.decision,
    issued_at: predicate.issuedAt,
    agent: agent ?? '',
    tool: `${service}.${action}`,
    request: predicate.request ?? null,
    ...(predicate.undoes === undefined ? {} : { undoes: predicate.undoes.index }),
  }
}

/** A step of a delivery: its tool is the delivery. */
function custodyRow(index: number, { predicate }: CustodyReceipt): ReceiptRow {
  const { id, step, issuedAt } = predicate
  const decision = step.outcome ?? step.type
  const agent = step.agent ?? ''
  const request = step.request ?? null
  return {
    ...{ index, id, stage: 'custody', decision, issued_at: issuedAt, agent, request },
    tool: `delivery ${step.delivery}`,
  }
}

/** What was erased: of whom stands there as a pseudonym. */
function erasureRow(index: number, { predicate }: ErasureReceipt): ReceiptRow {
  const { id, scope, issuedAt } = predicate
  const decision = `erased ${scope}`
  return {
    index,
    id,
    stage: 'erasure',
    decision,
    issued_at: issuedAt,
    agent: '',
    tool: '',
    request: null,
  }
}

function executionRow(index: number, { predicate }: ExecutionReceipt): ReceiptRow {
  const { agent, service, action } = predicate.call as Record<string, string>
  return {
    index,
    id: predicate.id,
    stage: 'execution',
    decision: predicate.stage,
    issued_at: predicate.issuedAt,
    agent: agent ?? '',
    tool: `${service}.${action}`,
    request: predicate.request ?? null,
  }
}
