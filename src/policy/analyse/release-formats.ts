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
    return { ...percentiles(measured(results, 'latencyMs')), ...said }
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
    const costs = measured(results, 'cost')
    const mean = costs.reduce((sum, one) => sum + one, 0) / costs.length
    // Adding leaves an error in the last digits, which would miss a budget that is just kept.
    return { usdPerRun: Number(mean.toPrecision(12)), ...said }
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
  const { said, passed, failed } = promptfoo(value)
  return evalOf({ passed, failed, skipped: 0 }, said)
}

type Promptfoo = {
  readonly said: Evidence
  readonly passed: number
  /** Those that ended in an error included. */
  readonly failed: number
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
  const said = { at: timeAt(summary, 'timestamp'), names }
  const stats = objectOf(summary, 'stats')
  const passed = countOf(stats, 'successes')
  const errors = ownMember(stats, 'errors') === undefined ? 0 : countOf(stats, 'errors')
  const failed = countOf(stats, 'failures') + errors
  if (ownMember(summary, 'results') === undefined) return { said, passed, failed, results: null }
  const results = listOf(summary, 'results')
  checkOnce(results, (one) => ownMember(one, 'id'))
  const succeeded = results.filter((one) => ownMember(one, 'success') === true).length
  if (results.length !== passed + failed || succeeded !== passed) {
    throw malformed('"stats" that count what "results" lists')
  }
  return { said, passed, failed, results }
}

/** What was measured of each result. One that ended in an error, or was answered from the cache, measures no run. */
function measured(results: Promptfoo['results'], key: 'latencyMs' | 'cost'): readonly number[] {
  if (results === null || results.length === 0) {
    throw malformed('at least one of "results", found none')
  }
  return results.map((one) => {
    const response = objectIfAny(one, 'response')
    if (response !== null && ownMember(response, 'cached') === true) {
      throw malformed(
        'results of real runs, found one from the cache; run promptfoo with --no-cache',
      )
    }
    if (ownMember(one, 'failureReason') === PROMPTFOO_ERROR) {
      throw malformed('results of runs that ended, found an error')
    }
    return measureOf(one, key)
  })
}

const PROMPTFOO_ERROR = 2 // ResultFailureReason.ERROR; 1 is an assertion that did not hold.

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
  const { score, accuracy } = scoreOf(results)
  const passed = wholeIfNear(accuracy * scoredOf(score, { total, completed }, about))
  if (ownMember(value, 'samples') !== undefined && ownMember(value, 'samples') !== null) {
    checkSamples(listOf(value, 'samples'), { score, total, passed })
  }
  const stats = objectIfAny(value, 'stats')
  const at = (stats === null ? null : timeAt(stats, 'completed_at')) ?? timeAt(about, 'created')
  const said = { at, names: nameOf([metadataName(about)]) }
  return evalOf({ passed, failed: completed - passed, skipped: total - completed }, said)
}

function scoreOf(results: JsonObject): { readonly score: JsonObject; readonly accuracy: number } {
  const scores = listOf(results, 'scores').flatMap((score) => {
    const accuracy = objectIfAny(objectOf(score, 'metrics'), 'accuracy')
    return accuracy === null ? [] : [{ score, accuracy: measureOf(accuracy, 'value') }]
  })
  const [one, ...more] = scores
  if (one === undefined || more.length > 0) {
    throw malformed(`one score with the metric "accuracy", found ${scores.length}`)
  }
  if (one.accuracy > 1) throw malformed('an accuracy of at most 1')
  return one
}

/**
 * Of how many samples the accuracy is. Inspect counts each epoch of a sample as one, and then takes the accuracy over what
 * is left when epochs are reduced: that is a share of all only if it is their mean, and all were scored.
 */
function scoredOf(
  score: JsonObject,
  { total, completed }: { readonly total: number; readonly completed: number },
  about: JsonObject,
): number {
  const config = objectIfAny(about, 'config')
  const said = config === null ? undefined : ownMember(config, 'epochs')
  const epochs =
    config === null || said === undefined || said === null ? 1 : countOf(config, 'epochs')
  const reducer = ownMember(score, 'reducer') ?? 'mean'
  if (reducer !== 'mean' && (epochs !== 1 || said === undefined)) {
    throw malformed('the mean of epochs, found another reducer')
  }
  const own = ownMember(score, 'scored_samples')
  const scored = own === undefined || own === null ? null : countOf(score, 'scored_samples')
  if (epochs <= 1) {
    if (scored !== null && scored > completed) {
      throw malformed('at most as many scored samples as were completed')
    }
    return scored ?? completed
  }
  if (completed === total && (scored === null || scored * epochs === total)) return total
  throw malformed('epochs of which each was completed and scored')
}

/** As many as were counted, each once; where all say that they are correct or not, the accuracy must follow from them. */
function checkSamples(
  samples: readonly JsonObject[],
  {
    score,
    total,
    passed,
  }: { readonly score: JsonObject; readonly total: number; readonly passed: number },
): void {
  if (samples.length === 0) return
  if (samples.length !== total) throw malformed('as many samples as the results count')
  checkOnce(samples, (one) => {
    const [id, epoch] = [ownMember(one, 'id'), ownMember(one, 'epoch')]
    return id === undefined ? undefined : `${typeof id}:${String(id)} ${String(epoch ?? 1)}`
  })
  const scorer = String(ownMember(score, 'scorer') ?? ownMember(score, 'name'))
  const values = samples.flatMap((one) => {
    const scores = objectIfAny(one, 'scores')
    const found = scores === null ? null : objectIfAny(scores, scorer)
    return found === null ? [] : [ownMember(found, 'value')]
  })
  if (values.length === 0 || !values.every((one) => one === 'C' || one === 'I')) return
  if (values.filter((one) => one === 'C').length === passed) return
  throw malformed('an accuracy that follows from the samples')
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
