import { canonicalize } from '../base/canonical-json.ts'
import { utf8 } from '../base/digest.ts'
import { encodeBase64 } from '../base/encoding.ts'
import type { JsonValue } from '../base/json-value.ts'
import type { ExportHeader, ExportRecord } from '../model/receipt-export.ts'
import type { ExportFacts } from './export-facts.ts'
import { factsOf } from './export-facts.ts'
import { visibleLine } from './paint.ts'

/** The first line of an export as CSV (RFC 4180): the names of its columns. Ends with CR LF, as each line does. */
export function exportCsvHead({ show }: ExportHeader): string {
  const names = [...COLUMNS.map(([name]) => name), ...show.map(cell), ...MACHINE]
  return `${names.join(',')}\r\n`
}

/**
 * A receipt as a line of CSV. What a person reads comes first, then what a program verifies, in base64: the receipt, its
 * proof and, as JSON, the rest of its line. The last column holds the export's header in the first row and its end in
 * the last.
 *
 * @param beside - the text of those lines, each with its line feed; empty in other rows
 */
export function exportCsvRow(record: ExportRecord, header: ExportHeader, beside: string): string {
  const facts = factsOf(record, header)
  const { entry, proof, disclosures, patched } = record.line
  const rest = {
    ...(disclosures === undefined ? {} : { disclosures }),
    ...(patched === undefined ? {} : { patched }),
  }
  const opened = Object.keys(rest).length === 0 ? '' : canonicalize(rest as unknown as JsonValue)
  const cells = [
    ...COLUMNS.map(([, value]) => cell(value(facts, record))),
    ...header.show.map((path) => cell(facts.shown.get(path) ?? '')),
    ...[entry, proof, opened, beside].map((text) => encodeBase64(utf8(text))),
  ]
  return `${cells.join(',')}\r\n`
}

/** Names of the columns that the row ends with. */
const MACHINE = ['receipt', 'proof', 'disclosures', 'export'] as const

type Column = readonly [
  name: string,
  value: (facts: ExportFacts, record: ExportRecord) => string | number,
]

const COLUMNS: readonly Column[] = [
  ['index', ({ index }) => index],
  ['context', (_, { line }) => (line.context === true ? 'context' : '')],
  ['time', ({ time }) => time],
  ['stage', ({ stage }) => stage],
  ['decision', ({ decision }) => decision],
  ['project', ({ project }) => project],
  ['agent', ({ agent }) => agent],
  ['principal', ({ principal }) => principal],
  ['tool', ({ tool }) => tool],
  ['policy', ({ policy }) => policy],
  ['policy_name', ({ policyName }) => policyName],
  ['id', ({ id }) => id],
  ['request', ({ request }) => request],
  ['held_at', ({ heldAt }) => heldAt ?? ''],
  ['decided_at', ({ decidedAt }) => decidedAt ?? ''],
  ['reason', ({ reason }) => reason],
  ['reviewers', ({ reviews }) => joined(reviews.map((one) => `${one.reviewer}: ${one.verdict}`))],
  ['signed_by', ({ reviews }) => joined(reviews.map(({ by }) => by))],
  ['assurance', ({ reviews }) => joined(reviews.map(({ assurance }) => assurance))],
  ['routes', ({ routes }) => joined(routes)],
  ['rules', ({ rules }) => joined(rules)],
  ['findings', ({ findings }) => joined(findings)],
  ['grant', ({ grant }) => grant],
  ['audience', ({ audience }) => audience],
]

function joined(texts: readonly string[]): string {
  return texts.join('; ')
}

/** A cell that no spreadsheet takes for a formula, on one line. */
function cell(value: string | number): string {
  const shown = visibleLine(String(value))
  const first = FORMULA.test(shown) || FORMULA.test(String(value)) ? `'${shown}` : shown
  // Where a semicolon ends a cell, one begins after it.
  const harmless = first.replace(LATER_FORMULA, "$1'$2")
  return /[",;\r\n]|^\s|\s$/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless
}

const LATER_FORMULA = /(;\s*)([=+\-@\uff1d\uff0b\uff0d\uff20])/gu
/** What starts a formula in some spreadsheet; the last four are the full-width forms. */
const FORMULA = /^[\s\p{Cf}]*[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]|^[\t\r\n]/u
