import type { Figures } from '../stats.ts'
import type { MemoryReport } from './memory.ts'
import type { RunawayReport } from './runaway.ts'

export type Row = {
  readonly policy: string
  readonly evaluator: string
  readonly figures: Figures
  readonly load_ms: number
}

export type RegoReport = {
  readonly opa: string
  readonly node: string
  readonly realistic: readonly Row[]
  readonly exclusive: readonly Row[]
  readonly memory: MemoryReport
  readonly runaways: readonly RunawayReport[]
}

/** The report for people: microseconds, and how many times faster than OPA in Go each is. */
export function reportText(report: RegoReport): string {
  const { memory } = report
  const lines = [`OPA ${report.opa} in Go beside us on Node ${report.node}`, '']
  const width = Math.max(
    ...[...report.realistic, ...report.exclusive].map(nameOf).map(({ length }) => length),
  )
  for (const row of report.realistic) lines.push(line(row, report.realistic, width))
  lines.push('')
  for (const row of report.exclusive) {
    const group = report.exclusive.filter(({ policy }) => policy === row.policy)
    lines.push(line(row, group, width))
  }
  lines.push('', growthText(report.exclusive))
  lines.push(
    `${memory.evaluations} evaluations: resident ${memory.resident_settled_mib.toFixed(1)} MiB once settled, ` +
      `${memory.resident_end_mib.toFixed(1)} MiB at the end (${memory.growth_percent.toFixed(1)}%), ` +
      `${Math.round(memory.garbage_bytes)} bytes of garbage each`,
  )
  lines.push('', 'policies without an end, each in a process of its own, first evaluation:')
  for (const { name, end, ms, above_mib } of report.runaways) {
    lines.push(
      `  ${ms.toFixed(1).padStart(6)} ms ${above_mib.toFixed(1).padStart(6)} MiB  ${name}: ${end}`,
    )
  }
  return `${lines.join('\n')}\n`
}

function nameOf({ policy, evaluator }: Row): string {
  return `${policy}: ${evaluator}`
}

function line(row: Row, group: readonly Row[], width: number): string {
  const [peer] = group
  const { p50_us, p99_us } = row.figures
  const ratio = peer === undefined ? Number.NaN : peer.figures.p50_us / p50_us
  const times = row === peer ? '' : `  ${ratio.toFixed(1)}x`
  return `${nameOf(row).padEnd(width)}  p50 ${us(p50_us)}  p99 ${us(p99_us)}  load ${row.load_ms.toFixed(0).padStart(5)} ms${times}`
}

function us(value: number): string {
  return `${value.toFixed(2).padStart(8)} µs`
}

/** How the time grows with rules that never apply together. */
function growthText(rows: readonly Row[]): string {
  const ours = rows.filter(({ evaluator }) => evaluator === 'generated code')
  const [first] = ours
  const parts = ours.map(
    ({ policy, figures }) =>
      `${policy} ${(figures.p50_us / (first?.figures.p50_us ?? Number.NaN)).toFixed(2)}`,
  )
  return `generated code, times of the first: ${parts.join(', ')}`
}
