import { isJsonObject, type JsonObject, ownMember } from '../../base/json-value.ts'
import type { CompiledCost, CompiledEval, CompiledLatency } from '../../model/generated/types.ts'
import {
  type CostEvidence,
  checkKeys,
  countOf,
  type EvalEvidence,
  type Evidence,
  evalOf,
  type LatencyEvidence,
  listOf,
  malformed,
  measureOf,
  metadataName,
  nameOf,
  objectIfAny,
  objectOf,
  RELEASE_DIGEST,
  readObject,
  timeAt,
} from './release-evidence.ts'
import { readJunit } from './release-junit.ts'

/** @throws {PolicyError} EVIDENCE_MALFORMED for what is no result of this format, or says two things */
export function readEval(format: CompiledEval['format'], bytes: Uint8Array): EvalEvidence {
  if (format === 'junit') return readJunit(bytes)
  if (format === 'promptfoo') return promptfooEval(readObject(bytes))
  if (format === 'inspect') return inspectEval(readObject(bytes))
  if (format === 'counts') return countsEval(readObject(bytes))
  throw malformed('a known format')
}

/** @throws {PolicyError} EVIDENCE_MALFORMED */
export function readLatency(format: CompiledLatency['format'], bytes: Uint8Array): LatencyEvidence {
  const value = readObject(bytes)
  if (format === 'promptfoo') {
    const { said, results } = promptfoo(value)
    return { ...percentiles(listed(results).map((one) => measureOf(one, 'latencyMs'))), ...said }
  }
  if (format === 'samples') {
    checkKeys(value, ['samples_ms', 'at', 'metadata'])
    const samples = ownMember(value, 'samples_ms')
    if (!Array.isArray(samples)) throw malformed('a list under "samples_ms"')
    const measured = samples.map((one) => measureOf({ one }, 'one'))
    return { ...percentiles(measured), ...plain(value) }
  }
  if (format !== 'summary') throw malformed('a known format')
  checkKeys(value, ['count', 'p50_ms', 'p95_ms', 'p99_ms', 'at', 'metadata'])
  const [p50, p95] = [measureOf(value, 'p50_ms'), measureOf(value, 'p95_ms')]
  if (countOf(value, 'count') === 0) throw malformed('at least one run, found none')
  if (p50 > p95) throw malformed('a "p50_ms" of at most "p95_ms"')
  return { p50, p95, ...plain(value) }
}

/** @throws {PolicyError} EVIDENCE_MALFORMED */
export function readCost(format: CompiledCost['format'], bytes: Uint8Array): CostEvidence {
  const value = readObject(bytes)
  if (format === 'promptfoo') {
    const { said, results } = promptfoo(value)
    const costs = listed(results).map((one) => measureOf(one, 'cost'))
    return { usdPerRun: costs.reduce((sum, one) => sum + one, 0) / costs.length, ...said }
  }
  if (format !== 'summary') throw malformed('a known format')
  checkKeys(value, ['runs', 'usd', 'at', 'metadata'])
  const runs = countOf(value, 'runs')
  if (runs === 0) throw malformed('at least one run, found none')
  return { usdPerRun: measureOf(value, 'usd') / runs, ...plain(value) }
}

/** `{passed, failed, skipped, at, metadata: {release_digest}}`. */
function countsEval(value: JsonObject): EvalEvidence {
  checkKeys(value, ['passed', 'failed', 'skipped', 'at', 'metadata'])
  const skipped = ownMember(value, 'skipped') === undefined ? 0 : countOf(value, 'skipped')
  const counted = { passed: countOf(value, 'passed'), failed: countOf(value, 'failed'), skipped }
  return evalOf(counted, plain(value))
}

function plain(value: JsonObject): Evidence {
  return { at: timeAt(value, 'at'), names: nameOf([metadataName(value)]) }
}

function promptfooEval(value: JsonObject): EvalEvidence {
  const { said, stats, results } = promptfoo(value)
  const passed = countOf(stats, 'successes')
  const errors = ownMember(stats, 'errors') === undefined ? 0 : countOf(stats, 'errors')
  const failed = countOf(stats, 'failures') + errors
  if (results !== null) {
    const succeeded = results.filter((one) => ownMember(one, 'success') === true).length
    if (results.length !== passed + failed || succeeded !== passed) {
      throw malformed('"stats" that count what "results" lists')
    }
  }
  return evalOf({ passed, failed, skipped: 0 }, said)
}

type Promptfoo = {
  readonly said: Evidence
  readonly stats: JsonObject
  readonly results: readonly JsonObject[] | null
}

/** The file that `promptfoo eval --output` writes, or the summary within it; versions 2 and 3. */
function promptfoo(value: JsonObject): Promptfoo {
  const isWhole = isJsonObject(ownMember(value, 'results'))
  if (isWhole && ownMember(value, 'stats') !== undefined) throw malformed('one "stats", found two')
  const summary = isWhole ? objectOf(value, 'results') : value
  const version = ownMember(summary, 'version')
  if (version !== 2 && version !== 3) throw malformed('the results of promptfoo, version 2 or 3')
  const config = isWhole ? objectIfAny(value, 'config') : null
  const tags = config === null ? null : objectIfAny(config, 'tags')
  const tag = tags === null ? undefined : ownMember(tags, RELEASE_DIGEST)
  const names = nameOf([metadataName(isWhole ? value : summary), metadataName(config), tag])
  const results = ownMember(summary, 'results') === undefined ? null : listOf(summary, 'results')
  if (results !== null) checkOnce(results, (one) => ownMember(one, 'id'))
  const said = { at: timeAt(summary, 'timestamp'), names }
  return { said, stats: objectOf(summary, 'stats'), results }
}

function listed(results: Promptfoo['results']): readonly JsonObject[] {
  if (results !== null && results.length > 0) return results
  throw malformed('at least one of "results", found none')
}

/** A log of Inspect, as JSON. Its one accuracy is what counts; samples that were not scored have not passed. */
function inspectEval(value: JsonObject): EvalEvidence {
  if (ownMember(value, 'status') !== 'success')
    throw malformed('an evaluation with the status success')
  if (ownMember(value, 'invalidated') === true) throw malformed('a log that was not invalidated')
  const about = objectOf(value, 'eval')
  const results = objectOf(value, 'results')
  const [total, completed] = [
    countOf(results, 'total_samples'),
    countOf(results, 'completed_samples'),
  ]
  if (completed > total) throw malformed('at most as many completed samples as there are')
  const { accuracy, scored } = scoreOf(results, completed)
  if (ownMember(value, 'samples') !== undefined && ownMember(value, 'samples') !== null) {
    const samples = listOf(value, 'samples')
    if (samples.length !== 0 && samples.length !== total) {
      throw malformed('as many samples as the results count')
    }
    checkOnce(samples, (one) => {
      const [id, epoch] = [ownMember(one, 'id'), ownMember(one, 'epoch')]
      return id === undefined ? undefined : `${typeof id}:${String(id)} ${String(epoch ?? 1)}`
    })
  }
  const stats = objectIfAny(value, 'stats')
  const at = (stats === null ? null : timeAt(stats, 'completed_at')) ?? timeAt(about, 'created')
  const passed = wholeIfNear(accuracy * scored)
  const said = { at, names: nameOf([metadataName(about)]) }
  return evalOf({ passed, failed: completed - passed, skipped: total - completed }, said)
}

function scoreOf(
  results: JsonObject,
  completed: number,
): { readonly accuracy: number; readonly scored: number } {
  const scores = listOf(results, 'scores').flatMap((score) => {
    const accuracy = objectIfAny(objectOf(score, 'metrics'), 'accuracy')
    return accuracy === null ? [] : [{ score, accuracy: measureOf(accuracy, 'value') }]
  })
  const [one, ...more] = scores
  if (one === undefined || more.length > 0) {
    throw malformed(`one score with the metric "accuracy", found ${scores.length}`)
  }
  if (one.accuracy > 1) throw malformed('an accuracy of at most 1')
  const said = ownMember(one.score, 'scored_samples')
  const scored =
    said === undefined || said === null ? completed : countOf(one.score, 'scored_samples')
  if (scored > completed) throw malformed('at most as many scored samples as were completed')
  return { accuracy: one.accuracy, scored }
}

/** A share of a count, without the error of the share's last digit. */
function wholeIfNear(count: number): number {
  const whole = Math.round(count)
  return Math.abs(count - whole) < 1e-6 ? whole : count
}

/** What stands twice may have been counted twice. */
function checkOnce(list: readonly JsonObject[], keyOf: (one: JsonObject) => unknown): void {
  const seen = new Set<unknown>()
  for (const one of list) {
    const key = keyOf(one)
    if (key === undefined || key === null) continue
    if (seen.has(key)) throw malformed('each test once, found one twice')
    seen.add(key)
  }
}

/** By nearest rank: the smallest value that is at least as large as this share of all. */
function percentiles(samples: readonly number[]): { readonly p50: number; readonly p95: number } {
  if (samples.length === 0) throw malformed('at least one run, found none')
  const sorted = [...samples].sort((a, b) => a - b)
  const rank = (percent: number) => sorted[Math.ceil((percent * sorted.length) / 100) - 1] ?? 0
  return { p50: rank(50), p95: rank(95) }
}
