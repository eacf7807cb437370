import type { LogReport, ReceiptRow } from '../model/log-report.ts'
import { type Paint, visible } from './paint.ts'

/** One line a receipt, in log order. */
export function receiptRowsText(rows: readonly ReceiptRow[], paint: Paint): string {
  if (rows.length === 0) return 'no receipts'
  return rows
    .map(({ index, id, stage, decision, issued_at, agent, tool, request }) => {
      const what =
        stage === 'genesis' ? 'the log begins' : `${decision}  ${agent}  ${visible(tool)}`
      const asked = request === null || stage === 'resolution' ? '' : `  ${request}`
      return `${String(index).padStart(6)}  ${paint.dim(issued_at)}  ${id}  ${what}${asked}`
    })
    .join('\n')
}

/** What a log's check has shown, and what it has not. */
export function logReportText(report: LogReport, paint: Paint): string {
  const { status, origin, size, receipts, proven, not_proven, problems } = report
  const good = status === 'verified' ? paint.green(status) : paint.yellow(status)
  const head = `${status === 'refused' ? paint.red(status) : good}  ${origin ?? ''} ${size === null ? '' : `${size} receipts`}`
  const counts = Object.entries(receipts).map(([decision, count]) => `${decision} ${count}`)
  return [
    head.trimEnd(),
    ...(counts.length === 0 ? [] : [`  ${counts.join(', ')}`]),
    ...problems.map(
      ({ code, file, message }) => `  ${file}: ${paint.red(code)}: ${visible(message)}`,
    ),
    ...section('proven', proven),
    ...section('not proven', not_proven),
  ].join('\n')
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [`${title}:`, ...lines.map((line) => `  - ${line}`)]
}
