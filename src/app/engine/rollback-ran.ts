import { fromUtf8 } from '../../base/digest.ts'
import { PolicyError } from '../../base/errors.ts'
import type { JsonObject, JsonValue } from '../../base/json-value.ts'
import type { DecisionReceipt, Receipt } from '../../model/generated/types.ts'
import type { Credential, JudgedAction } from '../../model/nouns.ts'
import type { RequestRecord, Store, StoredDecision } from '../../model/ports.ts'
import { isExecution } from '../../trust/receipt/statement.ts'
import { isApproval } from './conclude.ts'
import { isErased, type OpenedDecision, openDecision, type Undoes } from './record.ts'
import { type ChangeParts, changed } from './tokens.ts'
import { runs } from './verdict.ts'

/** What is asked of a store about calls that ran. */
export type RanStore = Pick<Store, 'decision' | 'request' | 'subjectKey'>

/** A decision that let a call run, wherever it stands. */
export type Permit = {
  /** The receipt that let it run. */
  readonly undoes: Undoes
  /** The decision whose sealed inputs hold what ran. */
  readonly stored: StoredDecision
  /** Decisions that its result may have named. */
  readonly calls: readonly string[]
}

/** A call as it ran. */
export type Ran = {
  readonly action: JudgedAction
  /** With what obligations and people made of it. */
  readonly payload: JsonObject
  /** Routes on which people let it run; sorted. */
  readonly routes: readonly string[]
  /** When it was let run, Unix milliseconds. */
  readonly at: number
  /** Whether it takes back another call itself. */
  readonly undoes: boolean
}

/**
 * The receipt that let a call run, by any name that the call has: a log index, a decision's or an execution's id, a
 * request's.
 *
 * @throws {PolicyError} RECEIPT_UNKNOWN for what no agent of the credential asked; UNDO_NOT_RUN
 */
export async function findPermit(
  store: RanStore & Pick<Store, 'receipts'>,
  credential: Credential,
  name: string,
): Promise<Permit> {
  const receipt = await namedReceipt(store, name)
  if (receipt === null || !isOwned(receipt, credential)) {
    const message = `no receipt ${name} of this credential's agents; see \`countersign receipts ls\``
    throw new PolicyError('RECEIPT_UNKNOWN', message)
  }
  if (isExecution(receipt)) {
    return findPermit(store, credential, String(receipt.predicate.decidedAt))
  }
  const { predicate } = receipt as DecisionReceipt
  if (predicate.stage === 'resolution') return endedPermit(store, predicate.id)
  if (predicate.action['phase'] === 'result') {
    throw notRun(`${name} is about what a call gave back; name the call`)
  }
  if (predicate.request !== undefined) return endedPermit(store, predicate.request)
  if (!runs(predicate.decision)) throw notRun(`${name} was denied, so nothing ran`)
  return { ...(await permitOf(store, predicate.id, predicate.id)), calls: [predicate.id] }
}

/** The permit that a rollback's receipt names; null where there is none. */
export async function permitNamed(store: RanStore, undoes: Undoes): Promise<Permit | null> {
  const request = await store.request(undoes.id)
  const record = request === null ? undoes.id : request.resolution?.record
  const stored = record === undefined ? null : await store.decision(record)
  if (stored === null || stored.index !== undoes.index) return null
  const { predicate } = receiptOf(stored)
  const allowed = request === null ? runs(predicate.decision) : isApproved(request)
  if (!allowed || predicate.id !== undoes.id) return null
  return { undoes, stored, calls: callsOf(stored.id, request) }
}

/**
 * Opens what ran.
 *
 * @throws {PolicyError} UNDO_INPUTS_ERASED when the key of its subject was shredded; STORE_KEY_MISMATCH
 */
export async function openRan(
  store: RanStore,
  parts: ChangeParts,
  { stored }: Permit,
): Promise<Ran> {
  const { inputs, predicate } = await openKept(store, stored)
  const { action } = inputs
  return {
    action,
    payload: changed(parts, action, predicate.obligations).payload,
    routes: predicate.stage === 'resolution' ? predicate.route : [],
    at: stored.at,
    undoes: predicate.undoes !== undefined,
  }
}

/** Opens a decision for a rollback. @throws {PolicyError} UNDO_INPUTS_ERASED */
async function openKept(store: RanStore, stored: StoredDecision): Promise<OpenedDecision> {
  const { id, inputs } = stored
  const isKept = !isErased(stored) && (await store.subjectKey(inputs.subject)) !== null
  if (isKept) return openDecision(store, id)
  const message = `the inputs of ${id} were erased, so nobody knows what ran; take it back by hand`
  throw new PolicyError('UNDO_INPUTS_ERASED', message)
}

/** What a call gave back, as the agent could see it. */
export type SeenResult = { readonly decision: string; readonly result: JsonValue }

/** Opens a result that was judged; null when it is none of this call, or was kept back. */
async function openResult(
  store: RanStore,
  parts: ChangeParts,
  { calls }: Pick<Permit, 'calls'>,
  decision: string,
): Promise<SeenResult | null> {
  const stored = await store.decision(decision)
  if (stored === null) return null
  const { predicate } = receiptOf(stored)
  if (predicate.call === undefined || !calls.includes(predicate.call)) return null
  if (!runs(predicate.decision)) return null
  const { inputs } = await openKept(store, stored)
  const { result = null } = changed(parts, inputs.action, predicate.obligations)
  return { decision, result }
}

/**
 * The first result of a call that was judged and handed on; null when there is none. Reads the log behind the call.
 *
 * @param before - the log index to stop at. Default: the log's end
 */
export async function findResult(
  store: RanStore & Pick<Store, 'receipts'>,
  parts: ChangeParts,
  permit: Permit,
  before = Infinity,
): Promise<SeenResult | null> {
  const marks = permit.calls.map((id) => Buffer.from(`"call":${JSON.stringify(id)}`))
  for (let from = permit.stored.index + 1; from < before; from += PAGE) {
    const page = await store.receipts(from, Math.min(PAGE, before - from))
    for (const bytes of page) {
      // Most receipts are none of it: they need not be parsed.
      const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
      if (!marks.some((mark) => buffer.includes(mark))) continue
      const { id } = (JSON.parse(fromUtf8(bytes)) as DecisionReceipt).predicate
      const found = await openResult(store, parts, permit, id)
      if (found !== null) return found
    }
    if (page.length < PAGE) return null
  }
  return null
}

const PAGE = 256 // Of receipts that have 64 KiB at most.

export function notRun(message: string): PolicyError {
  return new PolicyError('UNDO_NOT_RUN', message)
}

async function namedReceipt(
  store: RanStore & Pick<Store, 'receipts'>,
  name: string,
): Promise<Receipt | null> {
  if (/^\d{1,15}$/.test(name)) {
    const [bytes] = await store.receipts(Number(name), 1)
    return bytes === undefined ? null : (JSON.parse(fromUtf8(bytes)) as Receipt)
  }
  const decision = (await store.request(name))?.request.decision ?? name
  const stored = await store.decision(decision)
  return stored === null ? null : (receiptOf(stored) as Receipt)
}

/** What no agent asked, such as the log's first entry, is nobody's. */
function isOwned(receipt: Receipt, { project, agents }: Credential): boolean {
  const { action, call } = receipt.predicate as {
    readonly action?: unknown
    readonly call?: unknown
  }
  const named = isExecution(receipt) ? call : action
  if (typeof named !== 'object' || named === null) return false
  const { project: of, agent } = named as Readonly<Record<string, unknown>>
  return of === project && (agents.includes('*') || agents.includes(String(agent)))
}

/** The permit of a request that people let run. @throws {PolicyError} UNDO_NOT_RUN, RECEIPT_UNKNOWN */
async function endedPermit(store: RanStore, id: string): Promise<Permit> {
  const found = await store.request(id)
  if (found === null) throw new PolicyError('RECEIPT_UNKNOWN', `no request ${id} in this store`)
  const { request, resolution } = found
  if (request.ratifies !== undefined) {
    throw notRun(`${id} looks at what had run already; name ${request.ratifies}`)
  }
  if (resolution === null) {
    throw notRun(`${id} still waits for people; reject it, and nothing runs`)
  }
  if (!isApproved(found)) {
    const next = resolution.next === null ? '' : `; it was asked anew as ${resolution.next}`
    throw notRun(`${id} ended as ${resolution.decision}, so nothing ran${next}`)
  }
  return {
    ...(await permitOf(store, resolution.record, id)),
    calls: callsOf(resolution.record, found),
  }
}

async function permitOf(
  store: RanStore,
  decision: string,
  id: string,
): Promise<Omit<Permit, 'calls'>> {
  const stored = await store.decision(decision)
  if (stored === null)
    throw new PolicyError('RECEIPT_UNKNOWN', `no decision ${decision} in this store`)
  return { stored, undoes: { index: stored.index, id } }
}

function isApproved({ request, resolution }: RequestRecord): boolean {
  return resolution !== null && isApproval(resolution.decision) && request.ratifies === undefined
}

function callsOf(record: string, request: RequestRecord | null): readonly string[] {
  return request === null ? [record] : [request.request.decision, record]
}

function receiptOf({ receipt }: StoredDecision): DecisionReceipt {
  return JSON.parse(fromUtf8(receipt)) as DecisionReceipt
}
