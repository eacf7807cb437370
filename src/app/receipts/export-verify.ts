import { readFile } from 'node:fs/promises'
import { canonicalize } from '../../base/canonical-json.ts'
import { fromUtf8, utf8 } from '../../base/digest.ts'
import { decodeBase64 } from '../../base/encoding.ts'
import { PolicyError } from '../../base/errors.ts'
import { parseJson } from '../../base/json-parse.ts'
import { isJsonObject, type JsonObject, type JsonValue } from '../../base/json-value.ts'
import {
  EXPORT_HTML_BYTES_MAX,
  EXPORT_HTML_RECEIPTS_MAX,
  EXPORT_LINE_BYTES_MAX,
} from '../../base/limits.ts'
import { readLines, sizeOf } from '../../host/files.ts'
import type { Trust } from '../../model/generated/types.ts'
import type { ExportRecord, ExportReport } from '../../model/receipt-export.ts'
import { exportCsvHead, exportCsvRow } from '../../report/export-csv.ts'
import { EMBEDDED_AFTER, EMBEDDED_BEFORE, exportHtml } from '../../report/export-html.ts'
import { type ExportChecker, newExportChecker } from '../../trust/verify/export.ts'

type Verified = ExportReport['format']

/**
 * Verifies an export, offline. Beyond its receipts, what a CSV or an HTML report shows to people must be what its receipts
 * say: it is written again from them and compared byte for byte.
 *
 * @throws {PolicyError} TRUST_INVALID, FILE_UNREADABLE; all else is in the report
 */
export async function verifyExportFile(
  file: string,
  format: Verified,
  trust: Trust,
): Promise<ExportReport> {
  const check = { jsonl: verifyJsonLines, csv: verifyCsv, html: verifyHtml }[format]
  const checker = newExportChecker(trust, { file, format, place: placeOf(file, format) })
  try {
    await check(file, checker)
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error
    if (error.code === 'TRUST_INVALID' || error.code === 'FILE_UNREADABLE') throw error
    const at = error.at === undefined ? '' : `:${error.at.line}`
    checker.refuse({ code: error.code, file: `${file}${at}`, message: error.message })
  }
  return checker.report()
}

/** Where a line of an export stands in its file: the header of a CSV is in the row of its first receipt. */
function placeOf(file: string, format: Verified): (line: number) => string {
  if (format === 'html') return (line) => `${file} (embedded line ${line})`
  return format === 'jsonl' ? (line) => `${file}:${line}` : (line) => `${file}:${Math.max(2, line)}`
}

async function verifyJsonLines(file: string, checker: ExportChecker): Promise<void> {
  let bytes = 0
  for await (const line of readLines(file, EXPORT_LINE_BYTES_MAX)) {
    checker.line(line.text)
    bytes += utf8(line.text).length + 1
    // A byte order mark, a carriage return or a missing line feed leave the text as it is.
    if (line.bytes !== bytes)
      throw at(line.number, 'expected lines of UTF-8 that end in a line feed')
    if (checker.isOver()) return
  }
}

async function verifyCsv(file: string, checker: ExportChecker): Promise<void> {
  let head = ''
  let bytes = 0
  for await (const { text, number, bytes: read } of readLines(file, EXPORT_LINE_BYTES_MAX)) {
    bytes += utf8(text).length + 2
    if (read !== bytes) throw at(number, 'expected lines of UTF-8 that end in CR LF')
    if (number === 1) head = text
    else verifyRow(checker, { head, text, number })
    if (checker.isOver()) return
  }
}

type Row = { readonly head: string; readonly text: string; readonly number: number }

function verifyRow(checker: ExportChecker, row: Row): void {
  const cells = cellsOf(row)
  const [receipt = '', proof = '', opened = '', beside = ''] = cells
    .slice(-4)
    .map((cell) => decoded(cell, row))
  const besides = beside.split('\n')
  if (besides.pop() !== '') throw at(row.number, 'expected whole lines in the last column')
  if (checker.header() === null) {
    checker.line(besides.shift() ?? '')
    const header = checker.header()
    if (header === null) return
    if (`${row.head}\r\n` !== exportCsvHead(header)) {
      throw at(1, 'expected the names of the columns as the export has them')
    }
  }
  const index = Number(/\nindex (\d{1,15})\n/.exec(proof)?.[1] ?? -1)
  const line = {
    ...(opened === '' ? {} : objectOf(opened, row)),
    ...{ index, entry: receipt, proof },
    ...(cells[1] === 'context' ? { context: true } : {}),
  }
  const record = checker.line(canonicalize(line))
  if (record !== null) compareRow(checker, record, { ...row, beside })
  for (const one of besides) {
    if (checker.line(one) === null) continue
    throw at(row.number, 'expected a row for each receipt; one is in the last column only')
  }
}

/** What the row shows to people is what its receipt says. */
function compareRow(
  checker: ExportChecker,
  record: ExportRecord,
  { head, text, number, beside }: Row & { readonly beside: string },
): void {
  const header = checker.header()
  if (header === null) return
  const expected = exportCsvRow(record, header, beside)
  if (`${text}\r\n` === expected) return
  const names = splitRow(head) ?? []
  const wanted = splitRow(expected.slice(0, -2)) ?? []
  const found = splitRow(text) ?? []
  const column = wanted.findIndex((cell, i) => cell !== found[i])
  const what = column < 0 ? 'it is written otherwise' : `the column ${names[column] ?? column + 1}`
  throw at(number, `the row does not say what its receipt says: ${what}`)
}

function cellsOf({ head, text, number }: Row): string[] {
  const cells = splitRow(text)
  const columns = splitRow(head)?.length
  if (cells !== null && cells.length === columns && columns > 4) return cells
  throw at(number, 'expected a row of CSV with a cell for each column')
}

/** The cells of one line of RFC 4180; null when it is none. */
function splitRow(text: string): string[] | null {
  const cells: string[] = []
  for (let i = 0; ; ) {
    if (text[i] === '"') {
      let cell = ''
      let end = text.indexOf('"', i + 1)
      for (let from = i + 1; ; ) {
        if (end < 0) return null
        cell += text.slice(from, end)
        if (text[end + 1] !== '"') break
        cell += '"'
        from = end + 2
        end = text.indexOf('"', from)
      }
      cells.push(cell)
      i = end + 1
    } else {
      const end = text.indexOf(',', i)
      cells.push(text.slice(i, end < 0 ? undefined : end))
      i = end < 0 ? text.length : end
    }
    if (i === text.length) return cells
    if (text[i] !== ',') return null
    i += 1
  }
}

function decoded(cell: string, { number }: Row): string {
  try {
    return fromUtf8(decodeBase64(cell))
  } catch (cause) {
    throw at(number, 'expected base64 of text in the last columns', cause)
  }
}

function objectOf(text: string, { number }: Row): JsonObject {
  let value: JsonValue = null
  try {
    value = parseJson(text, { bytesMax: EXPORT_LINE_BYTES_MAX })
  } catch (cause) {
    throw at(number, 'expected disclosures as JSON', cause)
  }
  if (isJsonObject(value)) return value
  throw at(number, 'expected disclosures as a JSON object')
}

async function verifyHtml(file: string, checker: ExportChecker): Promise<void> {
  if ((await sizeOf(file)) > EXPORT_HTML_BYTES_MAX) {
    throw unlike(`at most ${EXPORT_HTML_BYTES_MAX} bytes`)
  }
  const page = await readFile(file).catch((cause) => {
    throw new PolicyError('FILE_UNREADABLE', `cannot read ${file}`, { cause, file })
  })
  const text = page.toString('utf8')
  const lines = embeddedIn(text)
  const records: ExportRecord[] = []
  const texts = fromUtf8(lines).split('\n')
  if (texts.pop() !== '') throw unlike('whole lines in the export of the page')
  for (const one of texts) {
    const record = checker.line(one)
    if (record !== null) records.push(record)
    if (records.length > EXPORT_HTML_RECEIPTS_MAX) {
      throw unlike(`at most ${EXPORT_HTML_RECEIPTS_MAX} receipts in a page`)
    }
  }
  const header = checker.header()
  // Of what is refused already the page need not be made.
  if (header === null || checker.isOver()) return
  const expected = exportHtml({ header, records, lines })
  if (page.equals(Buffer.from(expected))) return
  const found = text.split('\n')
  const wanted = expected.split('\n')
  const line = wanted.findIndex((one, i) => one !== found[i]) + 1
  throw at(
    line || found.length,
    `the page does not show what its receipts say${near(wanted[line - 1])}`,
  )
}

/** The receipt that a row of a table is about. */
function near(row: string | undefined): string {
  const index = /data-label="Receipt"><div>(\d+)</.exec(row ?? '')?.[1]
  return index === undefined ? '' : `: the row of receipt ${index}`
}

function embeddedIn(page: string): Uint8Array {
  const [before, ...rest] = page.split(EMBEDDED_BEFORE)
  const [base64 = ''] = (rest[0] ?? '').split(EMBEDDED_AFTER)
  try {
    if (before !== undefined && rest.length === 1) return decodeBase64(base64)
  } catch (cause) {
    throw new PolicyError('EXPORT_INVALID', 'expected the export in strict base64', { cause })
  }
  throw unlike('one export in the page')
}

function unlike(expected: string): PolicyError {
  return new PolicyError('EXPORT_INVALID', `expected ${expected}`)
}

function at(line: number, message: string, cause?: unknown): PolicyError {
  return new PolicyError('EXPORT_INVALID', message, { at: { line, column: 1 }, cause })
}
