import { fromUtf8 } from '../../base/digest.ts'
import { formatDuration, parseDuration } from '../../base/duration.ts'
import { PolicyError } from '../../base/errors.ts'
import type { DecisionReceipt, LearnedVersion, Receipt } from '../../model/generated/types.ts'
import type { RequestRecord, Store } from '../../model/ports.ts'
import { openStoreForReading } from '../engine/open-engine.ts'
import { openDecision } from '../engine/record.ts'
import type { Observed, ObservedRun, Transition, Wanted } from './observed.ts'
import { argsOf, nodeOfAction } from './observed.ts'
import type { AskedCall, Ended, LoggedSession, LogMark } from './sessions.ts'
import { marksOf, rejectionsOf, sortSession } from './sessions.ts'

/** What is asked of an engine's folder. */
export type StoreRequest = {
  /** Absolute. */
  readonly data: string
  /** A session has ended when nothing came of it for so long before the newest entry, in milliseconds. */
  readonly idleMs: number
  /** What the baseline's versions learned. */
  readonly learned: readonly LearnedVersion[]
  readonly onProgress?: (receipts: number) => void
}

/**
 * The sessions of an engine's decisions that are the agent's, have ended, and were not learned before. Each decision's
 * sealed inputs are opened; nothing is written.
 *
 * @throws {PolicyError} STORE_FAILED when there is no store; LOG_TRUNCATED when its log is shorter than what was learned
 */
export async function observeStore(request: StoreRequest, wanted: Wanted): Promise<Observed> {
  const store = openStoreForReading(request.data)
  try {
    return await observe(store, request, wanted)
  } finally {
    await store.close()
  }
}

async function observe(store: Store, request: StoreRequest, wanted: Wanted): Promise<Observed> {
  const { idleMs, learned, onProgress } = request
  const [first] = await store.receipts(0, 1)
  const log = first === undefined ? '' : logName(JSON.parse(fromUtf8(first)) as Receipt)
  const marks = marksOf(learned, log)
  const scan = await scanLog(store, { marks, wanted, onProgress })
  checkMarks(marks, scan.size)
  const now = { through: scan.size - 1, newest: scan.newest, idleMs }
  const before = marks.map(({ through, idle }, i): LogMark => {
    return { through, idleMs: parseDuration(idle), newest: scan.newestAt[i] ?? scan.newest }
  })
  const sessions = await sessionsOf(store, scan, wanted)
  const leftOut = { open: 0, refused: 0, erased: 0, known: 0 }
  const runs: ObservedRun[] = []
  const rejections: Transition[] = []
  const forgotten = learned.length > 0 && (learned[0]?.version ?? 1) > 1
  for (const session of sessions) {
    rejections.push(...rejectionsOf(session, marks.at(-1)?.through ?? -1))
    const sorted = sortSession(session, now, before, forgotten)
    if (sorted.kind === 'run') runs.push(sorted.run)
    else if (sorted.kind !== 'silent') leftOut[sorted.kind] += 1
  }
  const read = { log, through: now.through, idle: formatDuration(idleMs), bundle: scan.bundle }
  return { runs, rejections, leftOut, read }
}

/** The log's name and the hash of its key: two engines of one project have two. */
function logName({ predicate }: Receipt): string {
  if (!('verifierKey' in predicate)) {
    throw new PolicyError('LOG_CORRUPT', 'expected the first entry of the log to name its key')
  }
  const [origin = '', hash = ''] = predicate.verifierKey.split('+')
  return `${origin}+${hash}`
}

function checkMarks(marks: readonly { readonly through: number }[], size: number): void {
  const through = Math.max(-1, ...marks.map((mark) => mark.through))
  if (through < size) return
  throw new PolicyError(
    'LOG_TRUNCATED',
    `the baseline learned up to entry ${through} of this log, which ends before ${size}; restore the engine's folder`,
  )
}

type Verdict = { readonly index: number; readonly at: number; readonly receipt: DecisionReceipt }

type Scan = {
  readonly size: number
  /** Unix milliseconds. */
  readonly newest: number
  /** For each mark the newest time up to it. */
  readonly newestAt: readonly number[]
  /** Verdicts on the agent's actions, in log order. */
  readonly verdicts: readonly Verdict[]
  /** How requests ended, by their ids. */
  readonly resolutions: ReadonlyMap<string, Verdict>
  readonly bundle: string | null
}

const PAGE = 1_000

async function scanLog(
  store: Store,
  {
    marks,
    wanted,
    onProgress,
  }: {
    readonly marks: readonly { readonly through: number }[]
    readonly wanted: Wanted
    readonly onProgress: StoreRequest['onProgress']
  },
): Promise<Scan> {
  const verdicts: Verdict[] = []
  const resolutions = new Map<string, Verdict>()
  const newestAt = marks.map(() => 0)
  let [size, newest] = [0, 0]
  let bundle: string | null = null
  for (;;) {
    const page = await store.receipts(size, PAGE)
    if (page.length === 0) break
    for (const bytes of page) {
      const receipt = JSON.parse(fromUtf8(bytes)) as Receipt
      const at = Date.parse(receipt.predicate.issuedAt)
      newest = Math.max(newest, at)
      marks.forEach(({ through }, i) => {
        if (size <= through) newestAt[i] = newest
      })
      const found = decisionOf(receipt, wanted.agent)
      if (found !== null) {
        const verdict = { index: size, at, receipt: found }
        const { stage, request, policyDigest } = found.predicate
        bundle = `sha256:${policyDigest.sha256}`
        if (stage === 'verdict') verdicts.push(verdict)
        else if (request !== undefined) resolutions.set(request, verdict)
      }
      size += 1
    }
    onProgress?.(size)
  }
  return { size, newest, newestAt, verdicts, resolutions, bundle }
}

function decisionOf(receipt: Receipt, agent: string): DecisionReceipt | null {
  const { predicate } = receipt
  if (!('action' in predicate) || predicate.action['agent'] !== agent) return null
  return receipt as DecisionReceipt
}

type Draft = { readonly calls: AskedCall[]; readonly signs: { index: number; at: number }[] }

async function sessionsOf(
  store: Store,
  scan: Scan,
  wanted: Wanted,
): Promise<readonly LoggedSession[]> {
  const requests = new Map(
    (await store.requests({ state: 'all' })).map((record) => [record.request.id, record]),
  )
  // A call that people approved and that then needed others is asked anew: it is one call, where it was asked first.
  const anew = new Set([...requests.values()].flatMap(({ resolution }) => resolution?.next ?? []))
  const drafts = new Map<string, Draft>()
  for (const verdict of scan.verdicts) {
    const opened = await openCall(store, verdict)
    if (opened === null || !wanted.covers(opened.fingerprint)) continue
    const draft = drafts.get(opened.session) ?? { calls: [], signs: [] }
    drafts.set(opened.session, draft)
    draft.signs.push({ index: verdict.index, at: verdict.at })
    const { request } = verdict.receipt.predicate
    const resolved = request === undefined ? undefined : scan.resolutions.get(request)
    if (resolved !== undefined) draft.signs.push({ index: resolved.index, at: resolved.at })
    if (opened.isResult || (request !== undefined && anew.has(request))) continue
    draft.calls.push(await askedCall(store, { verdict, opened, requests, scan }))
  }
  return [...drafts.values()].map(({ calls, signs }) => ({
    calls,
    signs: signs.sort((a, b) => a.index - b.index),
  }))
}

type OpenedCall = {
  /** One text for the fingerprint and the session. */
  readonly session: string
  readonly fingerprint: string | null
  readonly node: string
  /** Null when the inputs were erased. */
  readonly args: string | null
  readonly isResult: boolean
}

/** The call of a verdict, from its sealed inputs, or from what the receipt shows of it where those were erased. */
async function openCall(
  store: Store,
  { receipt: { predicate } }: Verdict,
): Promise<OpenedCall | null> {
  try {
    const { action } = (await openDecision(store, predicate.id)).inputs
    return {
      session: sessionName(action.fingerprint, action.session),
      fingerprint: action.fingerprint,
      node: nodeOfAction(action),
      args: argsOf(action),
      isResult: action.phase === 'result',
    }
  } catch (error) {
    if (!(error instanceof PolicyError) || error.code !== 'STORE_KEY_MISMATCH') throw error
    const { session, service, action, fingerprint, phase } = predicate.action
    // Which session it was of, nobody can tell any more.
    if (typeof session !== 'string') return null
    const print = typeof fingerprint === 'string' ? fingerprint : null
    return {
      session: sessionName(print, session),
      fingerprint: print,
      node: nodeOfAction({ service: String(service), action: String(action) }),
      args: null,
      isResult: phase === 'result',
    }
  }
}

function sessionName(fingerprint: string | null, session: string): string {
  return JSON.stringify([fingerprint, session])
}

async function askedCall(
  store: Store,
  {
    verdict,
    opened,
    requests,
    scan,
  }: {
    readonly verdict: Verdict
    readonly opened: OpenedCall
    readonly requests: ReadonlyMap<string, RequestRecord>
    readonly scan: Scan
  },
): Promise<AskedCall> {
  const { predicate } = verdict.receipt
  const { index } = verdict
  const call = { id: predicate.id, index, node: opened.node, args: opened.args }
  const { decision, request } = predicate
  if (decision === 'deny') return { ...call, ended: { kind: 'refused', index } }
  if (decision !== 'hold') {
    return { ...call, ended: { kind: opened.args === null ? 'erased' : 'ran' } }
  }
  const last = lastOf(requests, request)
  const resolved = last === null ? undefined : scan.resolutions.get(last.request.id)
  if (last === null || resolved === undefined) return { ...call, ended: { kind: 'waiting' } }
  const ended = endedOf(resolved, last.resolution?.by ?? [])
  if (ended.kind !== 'approved' || last.resolution === null) return { ...call, ended }
  // What ran is what people left of it.
  const ran = await openCall(store, {
    ...resolved,
    receipt: renamed(resolved, last.resolution.record),
  })
  if (ran === null || ran.args === null) return { ...call, ended: { kind: 'erased' } }
  return { ...call, args: ran.args, ended }
}

/** The receipt under the id that its sealed inputs stand by: a resolution's predicate names the request. */
function renamed({ receipt }: Verdict, id: string): DecisionReceipt {
  return { ...receipt, predicate: { ...receipt.predicate, id } }
}

/** The request that stands for a call in the end: one that was asked anew has another. */
function lastOf(
  requests: ReadonlyMap<string, RequestRecord>,
  id: string | undefined,
): RequestRecord | null {
  let found = id === undefined ? undefined : requests.get(id)
  for (let left = requests.size; left > 0; left--) {
    const next = found?.resolution?.next
    if (next === undefined || next === null) break
    found = requests.get(next)
  }
  return found ?? null
}

/** @param by - who ended it, as the store knows it */
function endedOf({ index, receipt: { predicate } }: Verdict, by: readonly string[]): Ended {
  const { decision, resolution } = predicate
  if (decision === 'APPROVED' || decision === 'APPROVED_WITH_MODIFICATIONS') {
    return { kind: 'approved', index }
  }
  // People approved some that the policy then refused, and some were rejected by time, which says nothing of anybody. Where
  // the receipt had no room for their proofs, it is taken for their word.
  const approvals = resolution?.approvals ?? []
  const unproven = approvals.length === 0 && by.length > 0
  const rejected = unproven || approvals.some(({ verdict }) => verdict === 'reject')
  return { kind: decision === 'REJECTED' && rejected ? 'rejected' : 'refused', index }
}
