import type { ByDetector, CalibrationReport, ProtocolReport, Report } from './evaluate.ts'
import { DETECTORS } from './evaluate.ts'
import { mean } from './figures.ts'
import { ours } from './ours.ts'
import type { FamilyResult, Figures, Outcome } from './protocol.ts'
import { FIGURES } from './protocol.ts'

/** The report for programs: our figures by protocol; all detectors, families and splits under their own keys. */
export function jsonOf(report: Report): string {
  const { protocols, hdfs } = report
  const entries = <T>(of: (protocol: ProtocolReport) => T) =>
    Object.fromEntries(protocols.map((protocol) => [protocol.name, of(protocol)]))
  const detectors = <T, U>(all: ByDetector<T>, of: (one: T) => U) =>
    Object.fromEntries(Object.entries(all).map(([name, one]) => [name, of(one)]))
  const traces = hdfs === null ? {} : { hdfs: { auc: hdfs[ours.name]!.auc } }
  const document = {
    ...entries(({ outcomes }) => outcomes[ours.name]!.figures),
    ...traces,
    folds_salt: report.salt,
    sessions: entries(({ outcomes }) => outcomes[ours.name]!.sessions),
    detectors: {
      ...entries(({ outcomes }) => detectors(outcomes, ({ figures }) => figures)),
      ...(hdfs === null ? {} : { hdfs }),
    },
    families: entries(({ outcomes }) => detectors(outcomes, ({ families }) => families)),
    ...(protocols.some(({ splits }) => splits !== null)
      ? { splits: entries(({ splits }) => splits) }
      : {}),
    left_out: report.leftOut,
  }
  return JSON.stringify(document, null, 2)
}

/** The report for people. */
export function textOf(report: Report): string {
  const lines = report.protocols.flatMap((protocol) => [
    `${titleOf(protocol)}: ${sessionsOf(protocol)} benign sessions`,
    '',
    textTable(figuresTable(protocol)),
    '',
    'detected at nominal 5%, by family; calls from the first of the attack to the alarm, median and 90th percentile',
    '',
    textTable(familiesTable(protocol)),
    '',
    ...splitLines(protocol),
  ])
  const traces = tracesTable(report)
  const hdfs = traces === null ? [] : ['HDFS block traces, with their ends', '', textTable(traces)]
  const missing = report.leftOut.map((text) => `left out: ${text}`)
  return [...lines, ...hdfs, ...missing].join('\n').trimEnd()
}

function splitLines(protocol: ProtocolReport): readonly string[] {
  const table = splitsTable(protocol)
  if (table === null) return []
  return [
    `mean (worst) of ${protocol.splits?.splits} further assignments of folds`,
    '',
    textTable(table),
    '',
    ...(protocol.splits?.calibration ?? []).map(calibrationText),
    '',
  ]
}

/** What a calibration came to, in a sentence. */
export function calibrationText({
  nominal,
  sessions,
  from,
  to,
  alarms,
  within,
  mean_within,
}: CalibrationReport): string {
  const average = mean(alarms).toFixed(1)
  const place = mean_within ? 'within' : 'outside'
  return (
    `nominal ${100 * nominal}%: ${from} to ${to} of ${sessions} sessions are expected to alarm; ${average} do on average, ` +
    `${place} that interval, in which ${within} of ${alarms.length} lie`
  )
}

/** Head and rows; the first column holds names. */
export type Table = { readonly head: readonly string[]; readonly rows: readonly string[][] }

const HEAD = [
  'AUC',
  'alarms at 2%',
  'detected',
  'alarms at 5%',
  'detected',
  'detected, matched 2%',
] as const

/** The domain, and which tasks are tested. */
export function titleOf({ domain, by }: ProtocolReport): string {
  return `${domain}, ${by === 'task' ? 'unseen tasks' : 'recurring tasks'}`
}

export function sessionsOf({ outcomes }: ProtocolReport): number {
  return outcomes[ours.name]?.sessions ?? 0
}

export function figuresTable({ outcomes }: ProtocolReport): Table {
  return {
    head: ['detector', ...HEAD],
    rows: detectorRows(outcomes, ({ figures }) => FIGURES.map((name) => digits(figures[name]))),
  }
}

export function familiesTable({ outcomes }: ProtocolReport): Table {
  const families = Object.keys(outcomes[ours.name]?.families ?? {})
  const cell = (family: FamilyResult | undefined): string => {
    if (family === undefined) return '-'
    const { dr_5, calls_median, calls_p90 } = family
    return calls_median === null ? digits(dr_5) : `${digits(dr_5)} ${calls_median}/${calls_p90}`
  }
  return {
    head: ['detector', ...families],
    rows: detectorRows<Outcome>(outcomes, (outcome) =>
      families.map((family) => cell(outcome.families[family])),
    ),
  }
}

/** Mean and worst of further assignments of folds; null where there are none. */
export function splitsTable({ splits }: ProtocolReport): Table | null {
  if (splits === null) return null
  const cells = (average: Figures, worst: Figures) =>
    FIGURES.map((name) => `${digits(average[name])} (${digits(worst[name])})`)
  return {
    head: ['detector', ...HEAD],
    rows: DETECTORS.map(({ name, title }) => [
      title,
      ...cells(splits.mean[name]!, splits.worst[name]!),
    ]),
  }
}

/** Null without block traces. */
export function tracesTable({ hdfs }: Report): Table | null {
  if (hdfs === null) return null
  return {
    head: ['detector', 'AUC', 'alarms at 1%', 'detected'],
    rows: detectorRows(hdfs, ({ auc, fpr_1, dr_1 }) => [auc, fpr_1, dr_1].map(digits)),
  }
}

function detectorRows<T>(all: ByDetector<T>, cells: (one: T) => readonly string[]): string[][] {
  return DETECTORS.map(({ name, title }) => [title, ...cells(all[name]!)])
}

function digits(share: number): string {
  return share.toFixed(3)
}

function textTable({ head, rows }: Table): string {
  const widths = head.map((cell, i) =>
    Math.max(cell.length, ...rows.map((row) => row[i]?.length ?? 0)),
  )
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0)))
      .join('  ')
      .trimEnd()
  const rule = widths.map((width) => '-'.repeat(width)).join('  ')
  return [line(head), rule, ...rows.map(line)].join('\n')
}
