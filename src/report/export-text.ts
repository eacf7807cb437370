import { canonicalize } from '../base/canonical-json.ts'
import type { DisclosedReport, ExportReport } from '../model/receipt-export.ts'
import type { Paint } from './paint.ts'
import { visible, visibleLine } from './paint.ts'

/** Text as HTML shows it: nothing in it is markup, and what hides becomes visible. */
export function escapeHtml(text: string): string {
  return visible(text).replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '')
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** What the check of an export has shown, and what it has not. */
export function exportReportText(report: ExportReport, paint: Paint): string {
  const { status, file, origin, first, last, size, receipts, witnesses, problems } = report
  const word = status === 'verified' ? paint.green(status) : paint.red(status)
  const place =
    origin === null ? '' : `  ${visible(origin)} receipts ${first} to ${last} of ${size}`
  const counts = Object.entries(receipts).map(([decision, count]) => `${decision} ${count}`)
  return [
    `${word}  ${visible(file)}${place}`,
    ...(counts.length === 0 ? [] : [`  ${counts.join(', ')}`]),
    ...witnesses.map(({ witness, at }) => `  seen by ${visible(witness)} at ${at}`),
    ...problems.map(
      (one) => `  ${visibleLine(one.file)}: ${paint.red(one.code)}: ${visibleLine(one.message)}`,
    ),
    ...section('proven', report.proven),
    ...section('not proven', report.not_proven),
  ].join('\n')
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [`${title}:`, ...lines.map((line) => `  - ${visibleLine(line)}`)]
}

/** What is shown of a receipt that came with some of its fields, and how much stays hidden. */
export function disclosedText({ status, fields, hidden }: DisclosedReport): string {
  if (status === 'refused') return ''
  const shown = fields.map(({ pointer, value }) => `  ${pointer}: ${canonicalize(value)}`)
  const closed = hidden.map(({ pointer, members }) =>
    members === undefined ? `  ${pointer}` : `  ${members} below ${pointer === '' ? '/' : pointer}`,
  )
  return [
    ...(shown.length === 0 ? [] : ['shown:', ...shown]),
    ...(closed.length === 0 ? [] : ['hidden:', ...closed]),
  ]
    .map(visibleLine)
    .join('\n')
}
