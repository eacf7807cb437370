import { digestOf } from '../../base/digest.ts'
import { formatDuration, parseDuration } from '../../base/duration.ts'
import { PolicyError } from '../../base/errors.ts'
import type { CompiledCost, CompiledEval, CompiledLatency } from '../../model/generated/types.ts'
import type { ReleaseProperty } from '../../model/release-gate.ts'
import type { EvalEvidence, Evidence } from './release-evidence.ts'
import { readCost, readEval, readLatency } from './release-formats.ts'

/** What evidence is held against. */
export type EvidenceTerms = {
  /** The release's digest, which evidence names. */
  readonly digest: string
  readonly evidence: 'bound' | 'age'
  /** Unix milliseconds. */
  readonly now: number
}

/** A property, and whether its evidence is known to be of this release and fresh. */
export type JudgedEvidence = {
  readonly property: ReleaseProperty
  readonly isFresh: boolean
  readonly isBound: boolean
}

/** @param read - the file's bytes, or why there are none */
export function judgeEval(
  asked: CompiledEval,
  read: Uint8Array | PolicyError,
  terms: EvidenceTerms,
): JudgedEvidence {
  return judge(`eval/${asked.id}`, asked, read, terms, {
    read: (bytes) => readEval(asked.format, bytes),
    judge: (found) => reached(asked.need, found),
  })
}

/** @param index - from 1: measurements have no name */
export function judgeLatency(
  asked: CompiledLatency,
  index: number,
  read: Uint8Array | PolicyError,
  terms: EvidenceTerms,
): JudgedEvidence {
  return judge(`latency/${index}`, asked, read, terms, {
    read: (bytes) => readLatency(asked.format, bytes),
    judge: ({ p50, p95 }) => {
      const limit = asked.p50_ms
      const half = limit === undefined ? '' : `, p50 ${round(p50)} ms of at most ${limit} ms`
      return {
        isReached: p95 <= asked.p95_ms && (limit === undefined || p50 <= limit),
        detail: `p95 ${round(p95)} ms of at most ${asked.p95_ms} ms${half}`,
      }
    },
  })
}

export function judgeCost(
  asked: CompiledCost,
  read: Uint8Array | PolicyError,
  terms: EvidenceTerms,
): JudgedEvidence {
  return judge('cost', asked, read, terms, {
    read: (bytes) => readCost(asked.format, bytes),
    judge: ({ usdPerRun }) => ({
      isReached: usdPerRun <= asked.usd_per_run,
      detail: `${round(usdPerRun)} USD a run of at most ${asked.usd_per_run} USD`,
    }),
  })
}

type Asked = Pick<CompiledEval, 'file' | 'max_age' | 'digest' | 'missed'>

type Judging<T> = {
  readonly read: (bytes: Uint8Array) => T
  readonly judge: (found: T) => { readonly isReached: boolean; readonly detail: string }
}

function judge<T extends Evidence>(
  id: string,
  asked: Asked,
  read: Uint8Array | PolicyError,
  terms: EvidenceTerms,
  by: Judging<T>,
): JudgedEvidence {
  const { file } = asked
  try {
    if (read instanceof PolicyError) throw read
    const digest = digestOf(read)
    if (asked.digest !== undefined && asked.digest !== digest) {
      throw foreign(`the file has the digest ${digest}, and the release names ${asked.digest}`)
    }
    const found = by.read(read)
    const isBound = bindingOf(asked, found, terms)
    checkAge(asked, found, terms)
    const { isReached, detail } = by.judge(found)
    const property = isReached
      ? { id, passed: true, says: 'allow' as const, code: null, detail, file }
      : { id, passed: false, says: asked.missed, code: 'RELEASE_MISSED', detail, file }
    return { property, isFresh: true, isBound }
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error
    const { code, message } = error
    const property = { id, passed: false, says: 'deny' as const, code, detail: message, file }
    return { property, isFresh: false, isBound: false }
  }
}

/** Whether it is known to be of this release. @throws {PolicyError} EVIDENCE_FOREIGN */
function bindingOf({ digest }: Asked, { names }: Evidence, terms: EvidenceTerms): boolean {
  if (names !== null && names !== terms.digest) {
    throw foreign(`it names the release digest ${names}, and this release has ${terms.digest}`)
  }
  const isBound = names !== null || digest !== undefined
  if (isBound || terms.evidence === 'age') return isBound
  throw foreign(
    `it names no release; have it say release_digest ${terms.digest}, or name its digest in the release`,
  )
}

function checkAge({ max_age: most }: Asked, { at }: Evidence, { now }: EvidenceTerms): void {
  if (at === null) throw stale('it does not say when it was made')
  if (at > now + AHEAD_MS_MAX) throw stale(`it is of the future: ${new Date(at).toISOString()}`)
  const age = Math.max(0, now - at)
  if (age <= parseDuration(most)) return
  const old = formatDuration(Math.floor(age / 1000) * 1000)
  throw stale(`it is ${old} old, and at most ${most} is asked for; run it again`)
}

const AHEAD_MS_MAX = 5 * 60 * 1000 // Clocks of two machines differ by less.

/** @throws {PolicyError} EVIDENCE_FOREIGN for another suite; EVIDENCE_MALFORMED for parts of a pass that are counted */
function reached(
  need: CompiledEval['need'],
  { passed, total }: EvalEvidence,
): { readonly isReached: boolean; readonly detail: string } {
  const { passed: wanted, of, rate } = need
  const shown = `${round(passed)}/${total} passed`
  if (rate !== undefined) {
    return {
      isReached: passed / total >= rate,
      detail: `${shown}, of at least ${round(rate * 100)}%`,
    }
  }
  if (wanted === undefined || of === undefined) {
    throw new PolicyError('EVIDENCE_MALFORMED', 'the release does not say what is enough')
  }
  if (total !== of) throw foreign(`it has ${total} tests, and the suite has ${of}`)
  if (!Number.isInteger(passed)) {
    throw new PolicyError('EVIDENCE_MALFORMED', 'expected whole passes; ask for a rate instead')
  }
  return { isReached: passed >= wanted, detail: `${shown}, of at least ${wanted}` }
}

/** Without the error of the last digits, and never so far that what is missed looks reached. */
function round(value: number): number {
  return Number(value.toPrecision(12))
}

function foreign(message: string): PolicyError {
  return new PolicyError('EVIDENCE_FOREIGN', message)
}

function stale(message: string): PolicyError {
  return new PolicyError('EVIDENCE_STALE', message)
}
