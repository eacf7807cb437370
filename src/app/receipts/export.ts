import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { canonicalize } from '../../base/canonical-json.ts'
import { fromUtf8, utf8 } from '../../base/digest.ts'
import { PolicyError } from '../../base/errors.ts'
import type { JsonValue } from '../../base/json-value.ts'
import { EXPORT_HTML_RECEIPTS_MAX } from '../../base/limits.ts'
import type { Path } from '../../base/path.ts'
import type { Receipt } from '../../model/generated/types.ts'
import type { Store } from '../../model/ports.ts'
import type {
  ExportEnd,
  ExportFormat,
  ExportHeader,
  ExportLine,
  ExportRecord,
} from '../../model/receipt-export.ts'
import { exportCsvHead, exportCsvRow } from '../../report/export-csv.ts'
import { exportHtml } from '../../report/export-html.ts'
import { cefEvent, ocsfEvent, type SiemWriter } from '../../report/export-siem.ts'
import { openStoreForReading } from '../engine/open-engine.ts'
import { openFields } from './export-disclosures.ts'
import { refuseExisting, writeInPieces } from './export-file.ts'
import { namePolicies, type PolicyNames } from './export-policies.ts'
import { openProofs, type Proofs } from './export-proofs.ts'
import { type EntryReader, entriesOf, type Question, selectReceipts } from './export-select.ts'

export type ExportRequest = Question & {
  /** The engine's data folder, absolute. */
  readonly data: string
  readonly format: ExportFormat
  /** Absolute. */
  readonly out: string
  readonly force: boolean
  /** Fields to open. */
  readonly show: readonly Path[]
  readonly policies?: PolicyNames
  /** Of this product, as a SIEM is told. */
  readonly version: string
  readonly onProgress?: (done: number) => void
}

export type ExportSummary = {
  readonly origin: string
  readonly first: number
  readonly last: number
  readonly size: number
  /** Receipts written, and those of them that were not asked for. */
  readonly receipts: number
  readonly context: number
  /** Receipts whose inputs were erased, or are not in this store, so that nothing of them is shown. */
  readonly erased: number
}

/**
 * Writes the receipts of a period with their proofs under the log's present checkpoint, one after another, so that their
 * number costs no memory; an HTML report, which is one page, holds a bounded number.
 *
 * @throws {PolicyError} EXPORT_EMPTY, EXPORT_TOO_LARGE, FILE_EXISTS, FILE_UNREADABLE, STORE_FAILED, LOG_MISSING,
 *   LOG_CORRUPT, LOG_FORKED, and what the named policies are refused for
 */
export async function exportReceipts(request: ExportRequest): Promise<ExportSummary> {
  const { data, format, out, force } = request
  if (!force) await refuseExisting(out)
  const store = openStoreForReading(data)
  try {
    const proofs = openProofs(join(data, 'log'))
    const read = entriesOf(store)
    const { size } = proofs.checkpoint
    let done = 0
    const tick = () => request.onProgress?.(++done)
    const selection = await selectReceipts(read, size, request, tick)
    const { first, last, indexes, context } = selection
    if (format === 'html' && indexes.length > EXPORT_HTML_RECEIPTS_MAX) {
      throw new PolicyError(
        'EXPORT_TOO_LARGE',
        `${indexes.length} receipts are more than the ${EXPORT_HTML_RECEIPTS_MAX} that one page holds; choose a shorter period, or --format jsonl or csv`,
      )
    }
    const header: ExportHeader = {
      ...{ kind: 'ReceiptExport', version: 1, origin: proofs.checkpoint.origin },
      ...{ period: request.period, filters: request.filters },
      ...{ show: request.show.map(({ text }) => text), first, last, size },
      checkpoint: proofs.note,
      policies: await namePolicies(selection.policies, request.policies),
    }
    const scene: Scene = { ...{ store, read, proofs, header, indexes, context, tick }, erased: 0 }
    await writeInPieces(out, piecesOf(scene, request), { force })
    const counts = { receipts: indexes.length, context: context.size, erased: scene.erased }
    return { origin: header.origin, first, last, size, ...counts }
  } finally {
    await store.close()
  }
}

type Scene = {
  readonly store: Store
  readonly read: EntryReader
  readonly proofs: Proofs
  readonly header: ExportHeader
  readonly indexes: readonly number[]
  readonly context: ReadonlySet<number>
  readonly tick: () => void
  erased: number
}

function piecesOf(scene: Scene, request: ExportRequest): AsyncGenerator<string> {
  switch (request.format) {
    case 'jsonl':
      return jsonLines(scene, request)
    case 'csv':
      return csvLines(scene, request)
    case 'html':
      return htmlPage(scene, request)
    case 'ocsf':
      return siemLines(scene, request, ocsfEvent)
    case 'cef':
      return siemLines(scene, request, cefEvent)
  }
}

async function* jsonLines(scene: Scene, request: ExportRequest): AsyncGenerator<string> {
  for await (const { text } of linesOf(scene, request)) yield text
}

async function* csvLines(scene: Scene, request: ExportRequest): AsyncGenerator<string> {
  const { header } = scene
  yield exportCsvHead(header)
  let beside = ''
  let waiting: ExportRecord | null = null
  for await (const { text, record } of linesOf(scene, request)) {
    if (record === null) {
      // The header goes into the first row, the end into the last.
      beside += text
      continue
    }
    if (waiting !== null) {
      yield exportCsvRow(waiting, header, beside)
      beside = ''
    }
    waiting = record
  }
  if (waiting !== null) yield exportCsvRow(waiting, header, beside)
}

async function* htmlPage(scene: Scene, request: ExportRequest): AsyncGenerator<string> {
  const records: ExportRecord[] = []
  const texts: string[] = []
  for await (const { text, record } of linesOf(scene, request)) {
    texts.push(text)
    if (record !== null) records.push(record)
  }
  yield exportHtml({ header: scene.header, records, lines: utf8(texts.join('')) })
}

async function* siemLines(
  scene: Scene,
  request: ExportRequest,
  write: SiemWriter,
): AsyncGenerator<string> {
  for await (const { record } of linesOf(scene, request)) {
    if (record === null || record.line.context === true) continue
    const event = write(record, scene.header, request.version)
    if (event !== null) yield `${event}\n`
  }
}

/** A line of an export with its line feed; `record` is null for the header and the end. */
type Written = { readonly text: string; readonly record: ExportRecord | null }

async function* linesOf(scene: Scene, request: ExportRequest): AsyncGenerator<Written> {
  const hash = createHash('sha256')
  const written = (value: object, record: ExportRecord | null): Written => {
    const text = `${canonicalize(value as JsonValue)}\n`
    hash.update(utf8(text))
    return { text, record }
  }
  yield written(scene.header, null)
  for (const index of scene.indexes) {
    const record = await recordAt(scene, request, index)
    yield written(record.line, record)
    scene.tick()
  }
  const digest = `sha256:${hash.digest('hex')}`
  const end: ExportEnd = { kind: 'ReceiptExportEnd', lines: scene.indexes.length, digest }
  yield { text: `${canonicalize(end as unknown as JsonValue)}\n`, record: null }
}

async function recordAt(
  scene: Scene,
  { show }: ExportRequest,
  index: number,
): Promise<ExportRecord> {
  const bytes = await scene.read(index)
  const entry = fromUtf8(bytes)
  const receipt = JSON.parse(entry) as Receipt
  const { isErased, ...opened } = await openFields(scene.store, receipt, show)
  if (isErased) scene.erased += 1
  const line: ExportLine = {
    ...{ index, entry, proof: scene.proofs.proofOf(index, bytes) },
    ...(scene.context.has(index) ? { context: true } : {}),
    ...opened,
  }
  return { line, receipt }
}
