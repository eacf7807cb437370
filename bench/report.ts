import type { DurableReport } from './durable.ts'
import type { CaseReport, Comparison } from './in-process.ts'
import type { Figures } from './stats.ts'

export type BenchReport = {
  readonly date: string
  readonly quick: boolean
  readonly machine: {
    readonly cpu: string
    readonly cores: number
    readonly memory_gib: number
    readonly load_1m: number
    readonly os: string
    readonly node: string
    readonly file_system: string
  }
  readonly peer: { readonly opa: string; readonly go: string }
  readonly in_process: readonly CaseReport[]
  readonly durable: readonly DurableReport[]
  readonly aim: Aim
}

/** What `evaluate` is meant to reach without Rego; reported, never a gate. */
export type Aim = {
  readonly p50_us_at_100: number
  readonly p50_us_at_10000: number
  /** How many times the first the second is. */
  readonly times: number
  /** Whether both are within the aim's microseconds. */
  readonly met: boolean
}

/** The aim at 100 rules, in microseconds; at 10,000 it is twice that. */
export const AIM_P50_US = 10

/** NaN, and so an aim that is missed, where a case was not measured. */
export function aimOf(cases: readonly CaseReport[]): Aim {
  const p50 = (rules: number) => {
    const found = cases.find(
      (one) => one.rules === rules && one.rego === 'none' && one.tools === 'usual',
    )
    const comparison = found?.comparisons.find(({ ours }) => ours === 'evaluate')
    return comparison?.ours_figures.p50_us ?? Number.NaN
  }
  const [small, large] = [p50(100), p50(10_000)]
  return {
    p50_us_at_100: small,
    p50_us_at_10000: large,
    times: large / small,
    met: small <= AIM_P50_US && large <= 2 * AIM_P50_US,
  }
}

/** For people: ratios first, then the figures that they come from. */
export function reportText(report: BenchReport): string {
  const { machine, peer, aim } = report
  const sections = [
    `Countersign beside OPA ${peer.opa} (${peer.go}), ${report.date}${report.quick ? ', quick' : ''}`,
    `${machine.cores} cores, ${machine.cpu}, ${machine.memory_gib} GiB, load ${machine.load_1m.toFixed(1)}, ${machine.os}, Node ${machine.node}, ${machine.file_system}`,
    '',
    'In process: the time of OPA over ours, above 1 where ours is faster (p50 / p99 / decisions a second)',
    table(
      ['rules', 'Rego', 'tools', ...COMPARED.map(([, name]) => name)],
      report.in_process.map((one) => [...caseCells(one), ...one.comparisons.map(ratios)]),
    ),
    '',
    'Microseconds p50 / p99, and decisions a second: ours, OPA',
    table(
      ['rules', 'Rego', 'tools', ...COMPARED.flatMap(([, name]) => [name, 'OPA'])],
      report.in_process.map((one) => [
        ...caseCells(one),
        ...one.comparisons.flatMap((each) => [
          figures(each.ours_figures),
          figures(each.peer_figures),
        ]),
      ]),
    ),
    '',
    `The aim of evaluate without Rego is ${aim.met ? 'met' : 'missed'}: ${micros(aim.p50_us_at_100)} µs p50 at 100 rules (at most ${AIM_P50_US}), ${micros(aim.p50_us_at_10000)} at 10,000 (at most ${2 * AIM_P50_US}), ${aim.times.toFixed(2)} times as long.`,
    `Both sides gave the same verdict on every input (${report.in_process.map(({ verdicts }) => sum(verdicts)).reduce((a, b) => a + b, 0)} in all).`,
    '',
    'Durable decide: its time over that of a raw append of 1 KiB with fdatasync (p50 / decisions a second)',
    table(
      ['rules', 'Rego', 'callers', 'ratio', 'decide', 'append + fdatasync'],
      report.durable.map((one) => [
        String(one.rules),
        one.rego,
        String(one.callers),
        `${ratio(one.decide.p50_us, one.append.p50_us)} / ${ratio(one.append.per_second, one.decide.per_second)}`,
        figures(one.decide),
        figures(one.append),
      ]),
    ),
  ]
  return `${sections.join('\n')}\n`
}

/** How the two sides are paired, in the order of the comparisons. */
const COMPARED: readonly (readonly [Comparison['ours'], string])[] = [
  ['evaluate', 'evaluate / EvalParsedInput'],
  ['value', 'value in / EvalInput'],
  ['text', 'text in / json + EvalInput'],
]

function caseCells({ rules, rego, tools }: CaseReport): readonly string[] {
  return [String(rules), rego, tools]
}

function ratios({ ours_figures: ours, peer_figures: peer }: Comparison): string {
  return [
    ratio(peer.p50_us, ours.p50_us),
    ratio(peer.p99_us, ours.p99_us),
    ratio(ours.per_second, peer.per_second),
  ].join(' / ')
}

function ratio(above: number, below: number): string {
  const value = above / below
  return value < 100 ? value.toPrecision(2) : value.toFixed(0)
}

function figures({ p50_us, p99_us, per_second }: Figures): string {
  return `${micros(p50_us)} / ${micros(p99_us)}, ${Math.round(per_second)}/s`
}

function micros(us: number): string {
  return us < 100 ? us.toFixed(1) : String(Math.round(us))
}

function sum(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((a, b) => a + b, 0)
}

/** A Markdown table, aligned for terminals. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((name, column) =>
    Math.max(name.length, ...rows.map((row) => row[column]?.length ?? 0)),
  )
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`
  const rule = `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`
  return [line(head), rule, ...rows.map(line)].join('\n')
}
