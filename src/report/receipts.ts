import type {
  LogProblem,
  LogReport,
  MonitorReport,
  PublishReport,
  ReceiptReport,
  ReceiptRow,
  Witnessed,
} from '../model/log-report.ts'
import { type Paint, visible, visibleLine } from './paint.ts'

/** One line a receipt, in log order. */
export function receiptRowsText(rows: readonly ReceiptRow[], paint: Paint): string {
  if (rows.length === 0) return 'no receipts'
  return rows
    .map(({ index, id, stage, decision, issued_at, agent, tool, request, undoes }) => {
      const what =
        stage === 'genesis' ? 'the log begins' : `${decision}  ${agent}  ${tool}`.trimEnd()
      const asked = request === null || stage === 'resolution' ? '' : `  ${request}`
      const back = undoes === undefined ? '' : `  undoes ${undoes}`
      const said = visibleLine(`${id}  ${what}${asked}${back}`)
      return `${String(index).padStart(6)}  ${paint.dim(issued_at)}  ${said}`
    })
    .join('\n')
}

/** What a log's check has shown, and what it has not. */
export function logReportText(report: LogReport, paint: Paint): string {
  const { status, origin, size, receipts, witnesses, proven, not_proven, problems } = report
  const good = status === 'verified' ? paint.green(status) : paint.yellow(status)
  const head = `${status === 'refused' ? paint.red(status) : good}  ${visible(origin ?? '')} ${size === null ? '' : `${size} receipts`}`
  const counts = Object.entries(receipts).map(([decision, count]) => `${decision} ${count}`)
  return [
    head.trimEnd(),
    ...(counts.length === 0 ? [] : [`  ${counts.join(', ')}`]),
    ...witnesses.map(witnessText),
    ...problemLines(problems, paint),
    ...section('proven', proven),
    ...section('not proven', not_proven),
  ].join('\n')
}

/** What the check of single receipts has shown, one after another. */
export function receiptReportsText(reports: readonly ReceiptReport[], paint: Paint): string {
  return reports.map((report) => receiptReportText(report, paint)).join('\n')
}

function receiptReportText(report: ReceiptReport, paint: Paint): string {
  const { status, file, origin, index, size, receipt, witnesses, problems } = report
  const word = status === 'verified' ? paint.green(status) : paint.red(status)
  const place = index === null ? '' : `  ${visible(String(origin))} receipt ${index} of ${size}`
  return [
    `${word}  ${visible(file)}${place}`,
    ...(receipt === null ? [] : [`  ${receiptRowsText([receipt], paint).trim()}`]),
    ...witnesses.map(witnessText),
    ...problemLines(problems, paint),
    ...section('proven', report.proven),
    ...section('not proven', report.not_proven),
  ].join('\n')
}

function witnessText({ witness, at }: Witnessed): string {
  return `  seen by ${visible(witness)} at ${at}`
}

function problemLines(problems: readonly LogProblem[], paint: Paint): string[] {
  return problems.map(
    ({ code, file, message }) =>
      `  ${visibleLine(file)}: ${paint.red(code)}: ${visibleLine(message)}`,
  )
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [`${title}:`, ...lines.map((line) => `  - ${visibleLine(line)}`)]
}

/** What `log publish` did, in one line. */
export function publishText(report: PublishReport): string {
  const { origin, size, before, written, removed, attestations = 0 } = report
  const isSame = before === size && written + removed + attestations === 0
  if (isSame) return `${origin} ${size} receipts, as published`
  const grown = before === null ? 'published' : `published after ${before}`
  const attested = attestations === 0 ? '' : `, ${attestations} attestations added`
  return `${origin} ${size} receipts, ${grown}: ${written} tiles written, ${removed} removed${attested}`
}

/** One look of a monitor: a line, or the alarm with the checkpoints to keep. */
export function monitorText(report: MonitorReport, paint: Paint): string {
  const { status, origin, size, before, witnesses, problems, evidence } = report
  const word = status === 'alarm' ? paint.red('ALARM') : paint.green(status)
  const sizes = [
    ...(size === null ? [] : [`${size} receipts`]),
    ...(before === null || before === size ? [] : [`${before} before`]),
  ]
  return [
    `${word}  ${visible(origin ?? '')} ${sizes.join(', ')}`.trimEnd(),
    ...witnesses.map(witnessText),
    ...problemLines(problems, paint),
    ...evidence.map((note) => `keep as evidence:\n${indented(note)}`),
  ].join('\n')
}

/** Who has signed a published checkpoint. */
export function witnessesText(witnesses: readonly Witnessed[]): string {
  return witnesses.length === 0 ? 'no witness has signed' : witnesses.map(witnessText).join('\n')
}

function indented(note: string): string {
  return note
    .trimEnd()
    .split('\n')
    .map((line) => `  ${visible(line)}`.trimEnd())
    .join('\n')
}
