import type { ExportFacts } from './export-facts.ts'

/** What an HTML report counts and draws. */
export type ExportSummary = {
  /** By decision, of the receipts that were asked for. */
  readonly decisions: ReadonlyMap<string, number>
  readonly executions: number
  readonly bins: readonly TimeBin[]
  /** Width of a bin, in milliseconds. */
  readonly binMs: number
  /** Sorted by name. */
  readonly agents: readonly AgentRow[]
  readonly waits: readonly WaitBin[]
  /** Of approvals, in milliseconds; null without any. */
  readonly medianWaitMs: number | null
}

export type TimeBin = { readonly from: number; readonly counts: ReadonlyMap<string, number> }

export type AgentRow = {
  readonly agent: string
  readonly counts: ReadonlyMap<string, number>
  readonly executions: number
  readonly medianWaitMs: number | null
}

export type WaitBin = { readonly label: string; readonly count: number }

/** The verdicts, from the mildest to the strictest, as they are stacked. */
export const VERDICTS = ['allow', 'redact', 'hold', 'deny'] as const

/** How requests end, in the order of tables. */
export const ENDINGS = ['APPROVED', 'APPROVED_WITH_MODIFICATIONS', 'REJECTED', 'EXPIRED'] as const

/**
 * Counts what an export says.
 *
 * @param asked - the receipts that were asked for
 * @param waits - how long each approval took, in milliseconds, by its log index
 */
export function summarize(
  asked: readonly ExportFacts[],
  waits: ReadonlyMap<number, number>,
): ExportSummary {
  const verdicts = asked.filter(({ stage }) => stage === 'verdict')
  const { bins, binMs } = binned(verdicts)
  const byAgent = new Map<string, ExportFacts[]>()
  for (const facts of asked) {
    if (facts.agent === '') continue
    byAgent.set(facts.agent, [...(byAgent.get(facts.agent) ?? []), facts])
  }
  const agents = [...byAgent]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([agent, facts]) => ({
      agent,
      counts: countsOf(facts),
      executions: executionsIn(facts),
      medianWaitMs: median(waitsOf(facts, waits)),
    }))
  const all = waitsOf(asked, waits)
  return {
    ...{ decisions: countsOf(asked), executions: executionsIn(asked), bins, binMs, agents },
    ...{ waits: waitBins(all), medianWaitMs: median(all) },
  }
}

/** A span of time, short: `42 s`, `3 min`, `1.5 h`, `2.1 d`. */
export function spanText(ms: number): string {
  if (ms < MINUTE) return `${Math.round(ms / 1000)} s`
  if (ms < HOUR) return `${Math.round(ms / MINUTE)} min`
  return ms < DAY ? `${rounded(ms / HOUR)} h` : `${rounded(ms / DAY)} d`
}

function rounded(value: number): number {
  return Math.round(value * 10) / 10
}

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

function countsOf(facts: readonly ExportFacts[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const { stage, decision } of facts) {
    if (stage !== 'verdict' && stage !== 'resolution') continue
    counts.set(decision, (counts.get(decision) ?? 0) + 1)
  }
  return counts
}

function executionsIn(facts: readonly ExportFacts[]): number {
  return facts.filter(({ stage, decision }) => stage === 'execution' && decision === 'redeemed')
    .length
}

function waitsOf(facts: readonly ExportFacts[], waits: ReadonlyMap<number, number>): number[] {
  return facts.flatMap(({ index }) => waits.get(index) ?? [])
}

/** The lower one of the two in the middle, so that it is a time that somebody waited. */
function median(values: readonly number[]): number | null {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? null
}

const BIN_WIDTHS = [
  ...[MINUTE, 5 * MINUTE, 15 * MINUTE, HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR],
  ...[DAY, 7 * DAY, 30 * DAY, 365 * DAY],
]
const BINS_MAX = 60
const BINS_MIN = 24

function binned(verdicts: readonly ExportFacts[]): Pick<ExportSummary, 'bins' | 'binMs'> {
  let [from, to] = [Infinity, -Infinity]
  for (const { time } of verdicts) {
    from = Math.min(from, Date.parse(time))
    to = Math.max(to, Date.parse(time))
  }
  if (verdicts.length === 0) return { bins: [], binMs: HOUR }
  const fits = (width: number) => Math.floor(to / width) - Math.floor(from / width) < BINS_MAX
  const widest = Math.ceil((to - from + 1) / BINS_MAX)
  const binMs = BIN_WIDTHS.find(fits) ?? widest
  const first = Math.floor(from / binMs)
  const count = Math.max(BINS_MIN, Math.floor(to / binMs) - first + 1)
  const counts = Array.from({ length: count }, () => new Map<string, number>())
  for (const { time, decision } of verdicts) {
    const bin = counts[Math.floor(Date.parse(time) / binMs) - first]
    bin?.set(decision, (bin.get(decision) ?? 0) + 1)
  }
  return { bins: counts.map((one, i) => ({ from: (first + i) * binMs, counts: one })), binMs }
}

const WAITS: readonly (readonly [label: string, below: number])[] = [
  ['< 1 min', MINUTE],
  ['1–5 min', 5 * MINUTE],
  ['5–15 min', 15 * MINUTE],
  ['15–60 min', HOUR],
  ['1–4 h', 4 * HOUR],
  ['4–24 h', DAY],
  ['> 1 d', Infinity],
]

function waitBins(waits: readonly number[]): WaitBin[] {
  let least = -Infinity
  return WAITS.map(([label, below]) => {
    const count = waits.filter((ms) => ms >= least && ms < below).length
    least = below
    return { label, count }
  })
}
