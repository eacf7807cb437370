import { canonicalize } from '../../base/canonical-json.ts'
import { fromUtf8 } from '../../base/digest.ts'
import { type JsonChange, jsonChanges } from '../../base/json-changes.ts'
import type { JsonObject, JsonValue } from '../../base/json-value.ts'
import { REQUESTS_WAITING_MAX } from '../../base/limits.ts'
import { toPointer } from '../../base/pointer.ts'
import { ownership } from '../../model/action.ts'
import type { DecisionReceipt, Finding, Request } from '../../model/generated/types.ts'
import type { Evaluation, JudgedAction, StateSlice } from '../../model/nouns.ts'
import type { RequestRecord, Store, StoreTransaction } from '../../model/ports.ts'
import type { CannotReason } from '../../model/rederive-report.ts'
import { decisionReceipt } from '../../trust/receipt/index.ts'
import { escrowHold } from '../engine/escrow-hold.ts'
import type { Judge } from '../engine/judge.ts'
import {
  type Inputs,
  newId,
  type OpenedDecision,
  type Predicate,
  recommit,
  subjectOf,
} from '../engine/record.ts'
import { newRequest } from '../engine/request.ts'
import { callMismatch } from '../engine/results.ts'
import { opensTokens } from '../engine/tokens.ts'
import type { Undo } from '../engine/undo.ts'
import {
  denial,
  deniedInstead,
  evaluateOrDeny,
  isUnreceivable,
  runs,
  tooManyWaiting,
  unreceived,
  verdictPredicate,
} from '../engine/verdict.ts'
import { evaluatedAs, undoAgain, undoChanges } from './rederive-undo.ts'

/** What receipts are derived from, beside what is sealed with each. */
export type Scene = {
  readonly store: Pick<
    Store,
    'decision' | 'request' | 'members' | 'subjectKey' | 'erasedBy' | 'receipts'
  >
  readonly evidenceKey: Uint8Array
  /** The log's. */
  readonly origin: string
  /** By the log index of an erasure, the receipts of which was found that it took their inputs. */
  readonly excused: Map<number, Set<number>>
}

/** A receipt in its log. */
export type Placed = { readonly index: number; readonly predicate: Predicate }

export type Cannot = {
  readonly reason: CannotReason
  readonly message: string
  /** Log index of the receipt that says that the inputs were erased. */
  readonly erasure?: number
}

export type Rederived =
  | {
      readonly predicate: Predicate
      /** What differs beside the predicate: sealed inputs, and the request that it opened. */
      readonly beside: readonly JsonChange[]
    }
  | Cannot

/** Derives a verdict's predicate again from bundle, state, action and time. */
export async function rederiveVerdict(
  scene: Scene,
  { index, predicate: given }: Placed,
  { inputs, stored }: OpenedDecision,
  judge: Judge,
): Promise<Rederived> {
  if (inputs.beside === undefined && given.findings.some(isOfTheStore)) return NOT_KEPT
  const undo = undoAgain(given, inputs)
  const judged = await evaluationAgain(scene, index, inputs, { judge, undo })
  if (judged.findings.some(isTimeout)) return TIMED_OUT
  const undone = await undoChanges(scene, { index, predicate: given }, inputs, judge)
  if ('reason' in undone) return undone
  const parts = { judge, signer: { origin: scene.origin }, evidenceKey: scene.evidenceKey }
  // Which fields are private is the bundle's to say.
  const { root, remains } = recommit({ ...inputs, hidden: hiddenOf(inputs, judge) })
  const predicateOf = (evaluation: Evaluation): Predicate =>
    verdictPredicate(parts, {
      ...{ id: given.id, now: inputs.now, remains, evaluation, state: inputs.state },
      ...(given.call === undefined ? {} : { call: given.call }),
      ...(undo === null ? {} : { undoes: undo.undoes }),
      ...(evaluation.verdict === 'hold' ? { request: given.request ?? ANY_REQUEST } : {}),
    })
  const evaluation = receivable(judged, predicateOf)
  const made = { action: inputs.action, evaluation, decision: given.id, root, now: inputs.now }
  const request =
    evaluation.verdict === 'hold' ? newRequest({ ...parts, entropy: noEntropy }, made) : null
  return {
    predicate: predicateOf(evaluation),
    beside: [
      ...inputChanges(scene, inputs, stored.inputs.subject, judge),
      ...sealedChange('reserved', inputs.reserved, evaluation.reserved),
      ...(await callChanges(scene, index, inputs.action, given.call)),
      ...undone,
      ...(await requestChanges(scene, given.request, request)),
    ],
  }
}

/** A view of the store as it was when a receipt was written. */
function storeAt(
  { store }: Scene,
  index: number,
): Pick<StoreTransaction, 'decision' | 'requestOfDecision'> {
  const decision = async (id: string) => {
    const found = await store.decision(id)
    return found === null || found.index >= index ? null : found
  }
  return {
    decision,
    requestOfDecision: async (id) => {
      const found = await decision(id)
      if (found === null) return null
      const { request } = (JSON.parse(fromUtf8(found.receipt)) as DecisionReceipt).predicate
      const record = request === undefined ? null : await store.request(request)
      return record === null ? null : unresolvedAt(record, index)
    },
  }
}

function unresolvedAt(record: RequestRecord, index: number): RequestRecord {
  const { resolution } = record
  return resolution !== null && resolution.receiptIndex >= index
    ? { ...record, resolution: null }
    : record
}

/** The verdict before its receipt is written, in the engine's order. */
async function evaluationAgain(
  scene: Scene,
  index: number,
  inputs: Inputs,
  { judge, undo }: { readonly judge: Judge; readonly undo: Undo | null },
): Promise<Evaluation> {
  const { action, now, attempt, beside = {} } = inputs
  const refused = beside.credential === undefined ? null : ownership(action, beside.credential)
  if (refused !== null) return denial(refused.code, refused.message)
  if (beside.escrow !== undefined) return escrowHold(beside.escrow)
  if (beside.call !== undefined) {
    const mismatch = await callMismatch(storeAt(scene, index), action, beside.call)
    if (mismatch !== null) return denial('CALL_MISMATCH', mismatch)
  }
  const state = stateAsked(inputs.state, judge.stateKeys(action))
  const leaveOut = attempt === undefined ? {} : { leaveOut: attempt }
  const said = await evaluateOrDeny(judge, { action, state, now, ...leaveOut })
  const evaluation = evaluatedAs(said, undo, judge)
  const { waiting = 0, unopened } = beside
  if (evaluation.verdict === 'hold' && waiting >= REQUESTS_WAITING_MAX) {
    return deniedInstead(evaluation, tooManyWaiting(waiting))
  }
  const opens = unopened !== undefined && runs(evaluation.verdict) && opensTokens({ judge }, action)
  return opens ? deniedInstead(evaluation, unopened) : evaluation
}

/** The evaluation, or the denial that takes its place when no receipt can hold it. */
function receivable(
  evaluation: Evaluation,
  predicateOf: (evaluation: Evaluation) => Predicate,
): Evaluation {
  try {
    decisionReceipt(predicateOf(evaluation))
    return evaluation
  } catch (error) {
    if (isUnreceivable(error)) return deniedInstead(evaluation, unreceived(error))
    throw error
  }
}

/** What of the state this bundle asks for: a judge refuses any other. */
export function stateAsked(state: StateSlice, keys: readonly string[]): StateSlice {
  const asked = new Set(keys)
  return Object.fromEntries(Object.entries(state).filter(([key]) => asked.has(key)))
}

/** What is sealed and would not be under this key and bundle. */
export function inputChanges(
  { evidenceKey }: Scene,
  inputs: Inputs,
  subject: string,
  judge: Judge,
): JsonChange[] {
  const { action, state } = inputs
  const asked = new Set(judge.stateKeys(action))
  const unasked = Object.keys(state).filter((key) => !asked.has(key))
  return [
    ...(subjectOf({ evidenceKey }, action) === subject ? [] : [{ pointer: '/inputs/subject' }]),
    ...unasked.sort().map((key) => ({ pointer: toPointer(['inputs', 'state', key]) })),
    ...sealedChange('hidden', inputs.hidden, hiddenOf(inputs, judge)),
  ]
}

/** Which fields are private is the bundle's to say; of what people are asked about in escrow, that of its first decision. */
function hiddenOf({ action, hidden, beside }: Inputs, judge: Judge): readonly string[] {
  return beside?.escrow === undefined ? judge.privateFields(action) : hidden
}

/** Says that a sealed member is another, never what it is. */
export function sealedChange(name: string, before: unknown, after: unknown): JsonChange[] {
  const text = (value: unknown) => canonicalize((value ?? null) as JsonValue)
  return text(before) === text(after) ? [] : [{ pointer: toPointer(['inputs', name]) }]
}

async function callChanges(
  scene: Scene,
  index: number,
  action: JudgedAction,
  call: string | undefined,
): Promise<JsonChange[]> {
  if (call === undefined) return []
  const mismatch = await callMismatch(storeAt(scene, index), action, call)
  return mismatch === null ? [] : [{ pointer: '/call', before: call }]
}

/** What people were asked, compared with what the bundle asks of them; id and nonce were drawn. */
async function requestChanges(
  { store }: Scene,
  id: string | undefined,
  derived: Request | null,
): Promise<JsonChange[]> {
  if (id === undefined || derived === null) return [] // The predicate says that already.
  const kept = (await store.request(id))?.request ?? null
  if (kept === null) return [{ pointer: '/request', before: id }]
  const { id: _id, nonce: _nonce, ...before } = kept
  const { id: _drawn, nonce: _other, ...after } = derived
  return jsonChanges(plain(before), plain(after), REQUEST_CHANGES_MAX).map((change) => ({
    ...change,
    pointer: `/request${change.pointer}`,
  }))
}

const REQUEST_CHANGES_MAX = 5

function plain(value: object): JsonValue {
  return value as JsonObject
}

/** Stands in for what a request draws. */
function noEntropy(bytes: number): Uint8Array {
  return new Uint8Array(bytes)
}

/** As long as any: whether a receipt can hold it hangs on that. */
const ANY_REQUEST = newId({ entropy: noEntropy }, 'req')

function isTimeout({ code }: Finding): boolean {
  return code === 'ENGINE_TIMEOUT'
}

/** Denials that come of more than policy, state, action and time. */
const OF_THE_STORE: ReadonlySet<string> = new Set([
  'engine/project-not-owned',
  'engine/agent-not-owned',
  'engine/role-not-owned',
  'engine/call-mismatch',
  'engine/requests-too-many',
  'engine/token-unknown',
  'engine/token-unreadable',
])

function isOfTheStore({ rule }: Finding): boolean {
  return OF_THE_STORE.has(rule)
}

export const NOT_KEPT: Cannot = {
  reason: 'not-kept',
  message: 'it was made by a version that kept less than it takes',
}

export const TIMED_OUT: Cannot = {
  reason: 'timed-out',
  message: 'its evaluation took longer than the bundle allows; the machine is overloaded',
}
