import { canonicalize } from '../../base/canonical-json.ts'
import { bytesEqual, fromUtf8 } from '../../base/digest.ts'
import { PolicyError } from '../../base/errors.ts'
import { type JsonChange, jsonChanges } from '../../base/json-changes.ts'
import type { JsonObject, JsonValue } from '../../base/json-value.ts'
import { PROBLEMS_MAX } from '../../base/limits.ts'
import type {
  DecisionReceipt,
  ErasureReceipt,
  GenesisReceipt,
  Receipt,
} from '../../model/generated/types.ts'
import type { Store, StoredDecision } from '../../model/ports.ts'
import type {
  CannotReason,
  DifferingReceipt,
  RederiveReport,
  UnderivedReceipt,
} from '../../model/rederive-report.ts'
import { decisionReceipt } from '../../trust/receipt/index.ts'
import { isDecision, isErasure, isGenesis, parseReceipt } from '../../trust/receipt/statement.ts'
import { type OpenedDecision, openDecision } from '../engine/record.ts'
import type { Shelf } from './bundle-shelf.ts'
import { rederiveResolution } from './rederive-resolution.ts'
import { type Cannot, type Rederived, rederiveVerdict, type Scene } from './rederive-verdict.ts'

export type RederiveRequest = {
  readonly store: Store
  /** Of the folder that the store lies in. */
  readonly evidenceKey: Uint8Array
  readonly shelf: Shelf
  /** Log indices, both included; or a receipt's exact bytes. Default: all. */
  readonly only?: { readonly from: number; readonly to: number } | Uint8Array
  /** Is told now and then how far it is. */
  readonly onProgress?: (done: number, all: number) => void
}

/**
 * Evaluates what receipts are about again, from the sealed inputs of each and the bundle that it names, and compares byte
 * for byte. Reads page by page, so that the size of the log costs no memory.
 *
 * @throws {PolicyError} RECEIPT_UNKNOWN for receipts that the store does not have; RECEIPT_INVALID for bytes that are none
 */
export async function rederive(request: RederiveRequest): Promise<RederiveReport> {
  const { store, evidenceKey, shelf, only, onProgress } = request
  const [first] = await store.receipts(0, 1)
  if (first === undefined) throw new PolicyError('RECEIPT_UNKNOWN', 'no receipt in this store')
  const { origin } = (JSON.parse(fromUtf8(first)) as GenesisReceipt).predicate
  const scene: Scene = { store, evidenceKey, origin, excused: new Map() }
  const counts = { rederived: 0, differs: 0, cannot: 0, not_decisions: 0 }
  const reasons: Partial<Record<CannotReason, number>> = {}
  const differing: DifferingReceipt[] = []
  const underived: UnderivedReceipt[] = []
  const size = await store.size()
  const range = only === undefined || only instanceof Uint8Array ? { from: 0, to: size - 1 } : only
  if (range.from > range.to || range.to >= size) {
    const message = `expected receipts from 0 to ${size - 1}, which is what this store has`
    throw new PolicyError('RECEIPT_UNKNOWN', message)
  }
  const entries =
    only instanceof Uint8Array ? oneEntry(store, only) : entriesOf(store, range.from, range.to)
  const all = only instanceof Uint8Array ? 1 : range.to - range.from + 1
  let done = 0
  for await (const { index, bytes } of entries) {
    const found = await rederiveOne(scene, shelf, index, bytes)
    done += 1
    onProgress?.(done, all)
    if (found === null) counts.not_decisions += 1
    else if ('reason' in found) {
      counts.cannot += 1
      reasons[found.reason] = (reasons[found.reason] ?? 0) + 1
      if (underived.length < PROBLEMS_MAX) underived.push({ index, ...found })
    } else if (found.changes.length === 0) counts.rederived += 1
    else {
      counts.differs += 1
      if (differing.length < PROBLEMS_MAX) differing.push({ index, ...found })
    }
  }
  const incomplete = counts.cannot > 0 ? 'incomplete' : 'rederived'
  const status = counts.differs > 0 ? 'differs' : incomplete
  return { status, counts, cannot: reasons, differing, underived }
}

type Entry = { readonly index: number; readonly bytes: Uint8Array }

const PAGE = 256 // Of receipts that have 64 KiB at most.

async function* entriesOf(store: Store, from: number, to: number): AsyncGenerator<Entry> {
  for (let index = from; index <= to; ) {
    const page = await store.receipts(index, Math.min(PAGE, to - index + 1))
    if (page.length === 0) return
    for (const bytes of page) {
      yield { index, bytes }
      index += 1
    }
  }
}

/** A receipt that came by another way, at the place of the one that the store has in its stead. */
async function* oneEntry(store: Store, bytes: Uint8Array): AsyncGenerator<Entry> {
  const receipt = parseReceipt(bytes)
  const { id } = receipt.predicate as { readonly id?: string }
  const index = isGenesis(receipt) ? 0 : await indexOf(store, receipt)
  if (index !== null) yield { index, bytes }
  else throw new PolicyError('RECEIPT_UNKNOWN', `this store has no receipt of ${id}`)
}

async function indexOf(store: Store, receipt: Receipt): Promise<number | null> {
  const { predicate } = receipt as DecisionReceipt
  if (predicate.stage !== 'resolution') return (await store.decision(predicate.id))?.index ?? null
  return (await store.request(predicate.id))?.resolution?.receiptIndex ?? null
}

type Found =
  | { readonly id: string; readonly changes: readonly JsonChange[] }
  | ({ readonly id: string } & Cannot)

/** Null for what nobody decided: the genesis, what came of a grant, a step of a delivery. */
async function rederiveOne(
  scene: Scene,
  shelf: Shelf,
  index: number,
  bytes: Uint8Array,
): Promise<Found | null> {
  const receipt = JSON.parse(fromUtf8(bytes)) as Receipt
  if (!isDecision(receipt)) return null
  const { predicate } = receipt as DecisionReceipt
  const { id } = predicate
  const made = await derivedAgain(scene, shelf, { index, predicate })
  if ('reason' in made) return { id, ...made }
  const changes = jsonChanges(plain(predicate), plain(made.predicate), CHANGES_MAX)
  const found = [...made.beside, ...changes].slice(0, CHANGES_MAX).map(shown)
  if (found.length > 0 || isWhole(bytes, made.predicate)) return { id, changes: found }
  return { id, changes: [{ pointer: '' }] }
}

const CHANGES_MAX = 20

/** Whether a receipt with this predicate has these bytes, its subject included. */
function isWhole(bytes: Uint8Array, predicate: DecisionReceipt['predicate']): boolean {
  try {
    return bytesEqual(bytes, decisionReceipt(predicate))
  } catch (error) {
    if (error instanceof PolicyError) return false
    throw error
  }
}

async function derivedAgain(
  scene: Scene,
  shelf: Shelf,
  placed: { readonly index: number; readonly predicate: DecisionReceipt['predicate'] },
): Promise<Rederived> {
  const { predicate } = placed
  if (predicate.rederivable === false) return OF_THE_MACHINE
  const digest = `sha256:${predicate.policyDigest.sha256}`
  const judge = await shelf.judge(digest)
  if (judge === null) return { reason: 'bundle-missing', message: `no bundle has ${digest}` }
  if (predicate.stage === 'verdict') {
    const opened = await openOrSay(scene, predicate.id)
    return 'reason' in opened ? opened : rederiveVerdict(scene, placed, opened, judge)
  }
  const record = await scene.store.request(predicate.id)
  if (record === null || record.resolution === null) return UNREADABLE
  const opened = await openOrSay(scene, record.resolution.record)
  if ('reason' in opened) return opened
  const held = await openOrSay(scene, record.request.decision)
  if ('reason' in held) return held
  const batch = record.batch === undefined ? null : await scene.store.request(record.batch)
  return rederiveResolution(scene, placed, { record, batch, opened, held }, judge)
}

async function openOrSay(scene: Scene, id: string): Promise<OpenedDecision | Cannot> {
  try {
    return await openDecision(scene.store, id)
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error
    if (error.code === 'RECEIPT_UNKNOWN') return UNREADABLE
    if (error.code !== 'STORE_KEY_MISMATCH') throw error
    return (await erasureOf(scene, id)) ?? UNREADABLE
  }
}

/** How inputs went that were erased, with the receipt that says so; null when none does. */
async function erasureOf({ store, excused }: Scene, id: string): Promise<Cannot | null> {
  const stored = await store.decision(id)
  if (stored === null) return null
  const erasure = await store.erasedBy(stored.index)
  if (erasure === null) return null
  const [bytes] = await store.receipts(erasure, 1)
  const receipt = bytes === undefined ? null : (JSON.parse(fromUtf8(bytes)) as Receipt)
  if (receipt === null || !isErasure(receipt)) return null
  // A receipt of another erasure does not excuse what is missing here, nor does one excuse more than it tells of.
  if (!covers(receipt, stored)) return null
  const found = excused.get(erasure) ?? new Set()
  excused.set(erasure, found.add(stored.index))
  const { decisions, reason } = receipt.predicate
  if (found.size > decisions) return null
  const message = `erased on purpose, as receipt ${erasure} says: ${reason}`
  return { reason: 'inputs-erased', message, erasure }
}

/** Whether a receipt can be about an erasure of these inputs, by what the log says. */
function covers(
  { predicate }: ErasureReceipt,
  { index, receipt, inputs }: StoredDecision,
): boolean {
  const { scope, subject, before, through = -1 } = predicate
  if (scope === 'subject' && subject !== inputs.subject) return false
  const { issuedAt } = (JSON.parse(fromUtf8(receipt)) as DecisionReceipt).predicate
  const isOldEnough = before === undefined || Date.parse(issuedAt) < Date.parse(before)
  return isOldEnough && index <= through
}

const OF_THE_MACHINE: Cannot = {
  reason: 'of-the-machine',
  message: 'the clock or a fault of the engine ended its evaluation, as it says itself',
}

const UNREADABLE: Cannot = {
  reason: 'inputs-unreadable',
  message:
    'its inputs are not here or do not open with the key of this folder, and no receipt says that they were erased',
}

/** What may be a clear value under another bundle is named, not shown; long values are cut. */
function shown({ pointer, before, after }: JsonChange): JsonChange {
  if (PRIVATE.test(pointer)) return { pointer }
  return {
    pointer,
    ...(before === undefined ? {} : { before: clipped(before) }),
    ...(after === undefined ? {} : { after: clipped(after) }),
  }
}

const PRIVATE =
  /^\/(?:action|inputs|request\/(?:fields|session|principal)|resolution\/patchedAction)(?:\/|$)/

function clipped(value: JsonValue): JsonValue {
  if (typeof value !== 'string' && (typeof value !== 'object' || value === null)) return value
  const text = typeof value === 'string' ? value : canonicalize(value)
  return text.length <= VALUE_LENGTH_MAX
    ? value
    : `${text.slice(0, VALUE_LENGTH_MAX).toWellFormed()}…`
}

const VALUE_LENGTH_MAX = 400

function plain(value: object): JsonValue {
  return value as JsonObject
}
