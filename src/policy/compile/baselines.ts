import { canonicalize } from '../../base/canonical-json.ts'
import { utf8 } from '../../base/digest.ts'
import type { JsonValue } from '../../base/json-value.ts'
import type { Position } from '../../base/position.ts'
import { compareText } from '../../base/position.ts'
import { compileBaseline } from '../../decide/behaviour/baseline.ts'
import { settlingOf } from '../../decide/behaviour/settle.ts'
import type { BaselineDocument, TableKey, TableProblem } from '../../decide/behaviour/text.ts'
import { parseTables, TABLE_KEYS } from '../../decide/behaviour/text.ts'
import type {
  BaselineFile,
  CompiledBaselineEntry,
  CompiledPolicy,
} from '../../model/generated/types.ts'
import { baselinePath } from '../bundle/index.ts'
import type { Documents, Entry } from './documents.ts'
import type { Report } from './report.ts'
import { suggestion } from './report.ts'

/** The share of normal sessions that may raise an alarm, where a baseline does not say it. */
export const RATE = 0.02

/**
 * Reads the tables of a baseline that its schema has been asked about.
 *
 * @param text - the file's, with `\n` line ends
 * @param placeOf - where the value of a key stands in it
 */
export function readBaseline(
  file: BaselineFile,
  text: string,
  placeOf: (key: string) => Position,
): { readonly value: BaselineDocument } | { readonly problems: readonly TableProblem[] } {
  const lines = text.split('\n')
  const problems = TABLE_KEYS.flatMap((table): TableProblem[] => {
    const { line, column } = placeOf(table)
    const literal = (file[table] ?? '') === '' || lines[line - 1]?.[column - 1] === '|'
    const message = 'expected a literal block: "|" after the key, then one row a line'
    return literal ? [] : [{ table, line, column, message, code: 'BASELINE_INVALID' }]
  })
  if (problems.length > 0) return { problems }
  const firstRow = (table: TableKey): Position => {
    const line = placeOf(table).line + 1
    return { line, column: (lines[line - 1] ?? '').search(/\S|$/) + 1 }
  }
  const read = parseTables(file, firstRow)
  if ('problems' in read) return read
  const { sessions: _, calls: __, ...rest } = file
  for (const table of TABLE_KEYS) delete rest[table]
  return { value: { ...rest, snapshot: read.snapshot } }
}

/** Checks what baselines say of agents, of each other and of their own past. */
export function checkBaselines({ baselines, agents, broken }: Documents, report: Report): void {
  const names = agents.map(({ value }) => value.agent)
  const first = new Map<string, Entry<BaselineDocument>>()
  for (const entry of baselines) {
    const { agent, fingerprint } = entry.value
    if (!broken.has('Agent') && !names.includes(agent)) {
      const message = `no agent ${JSON.stringify(agent)}${suggestion(agent, names)}`
      report.error(entry.at('/agent'), 'REFERENCE_UNKNOWN', message)
    }
    checkApproved(entry, agents, report)
    const key = JSON.stringify([agent, fingerprint ?? null])
    const before = first.get(key)?.at('/agent')
    if (before === undefined) first.set(key, entry)
    else {
      const message = `the baseline of ${nameOf(entry.value)} is at ${before.file}:${before.line}:${before.column} already; keep one`
      report.error(entry.at('/agent'), 'ID_DUPLICATE', message)
    }
    checkPast(entry, report)
  }
}

/**
 * The baselines of a bundle: what the policy lists of them, nothing where there are none, and the file of each.
 *
 * @throws {PolicyError} BASELINE_TOO_LARGE, never for documents that were read
 */
export function compileBaselines({ baselines }: Pick<Documents, 'baselines'>): {
  readonly listed: Pick<CompiledPolicy, 'baselines'>
  readonly files: readonly (readonly [path: string, bytes: Uint8Array])[]
} {
  if (baselines.length === 0) return { listed: {}, files: [] }
  const sorted = [...baselines].sort(
    ({ value: a }, { value: b }) =>
      compareText(a.agent, b.agent) || compareText(a.fingerprint ?? '', b.fingerprint ?? ''),
  )
  return {
    listed: { baselines: sorted.map(compileEntry) },
    files: sorted.map(({ value: { snapshot, rate = RATE, half_life: halfLife = null } }, index) => {
      const compiled = compileBaseline(snapshot, { rate, halfLife })
      return [baselinePath(index), utf8(canonicalize(compiled as unknown as JsonValue))]
    }),
  }
}

function compileEntry(entry: Entry<BaselineDocument>, index: number): CompiledBaselineEntry {
  const { agent, fingerprint = null, version, mode = 'auto' } = entry.value
  const { rate = RATE, half_life = null } = entry.value
  const progress = settlingOf(entry.value, rate)
  return {
    path: baselinePath(index),
    agent,
    fingerprint,
    version,
    mode,
    rate,
    half_life,
    sessions: progress.sessions,
    sessions_needed: progress.sessionsNeeded,
    entropy_millibits: progress.entropyMillibits,
    entropy_range_ppm: progress.entropyRangePpm,
    novelty_ppm: progress.noveltyPpm,
    settled: progress.settled,
    ...entry.at('/agent'),
  }
}

/** A fingerprint that the agent's file does not approve is never asked about. */
function checkApproved(
  entry: Entry<BaselineDocument>,
  agents: Documents['agents'],
  report: Report,
): void {
  const { agent, fingerprint } = entry.value
  const approved = agents.find(({ value }) => value.agent === agent)?.value.fingerprints
  if (fingerprint === undefined || approved === undefined || approved.includes(fingerprint)) return
  const message = `the agent ${JSON.stringify(agent)} does not approve this fingerprint${suggestion(fingerprint, approved)}`
  report.warn(entry.at('/fingerprint'), 'REFERENCE_UNKNOWN', message)
}

function checkPast(entry: Entry<BaselineDocument>, report: Report): void {
  const { version, previous, learned = [] } = entry.value
  if (version === 1 && previous !== undefined) {
    const message = 'expected no "previous" in version 1: nothing was before it'
    report.error(entry.at('/previous'), 'BASELINE_INVALID', message)
  }
  if (version > 1 && previous === undefined) {
    const message = `expected "previous" in version ${version}: the digest of the text of version ${version - 1}`
    report.error(entry.at('/version'), 'BASELINE_INVALID', message)
  }
  learned.forEach((one, index) => {
    const before = learned[index - 1]?.version ?? 0
    if (one.version > before && one.version <= version) return
    const message = `expected versions in order, each once, up to ${version}`
    report.error(entry.at(`/learned/${index}/version`), 'BASELINE_INVALID', message)
  })
}

function nameOf({ agent, fingerprint }: BaselineDocument): string {
  const own =
    fingerprint === undefined ? '' : ` with the fingerprint ${JSON.stringify(fingerprint)}`
  return `${JSON.stringify(agent)}${own}`
}
