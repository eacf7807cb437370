import { join } from 'node:path'
import { canonicalize } from '../../base/canonical-json.ts'
import { commitAction } from '../../base/commitments.ts'
import { fromUtf8 } from '../../base/digest.ts'
import type { Disclosure } from '../../base/disclosure.ts'
import { decodeHex } from '../../base/encoding.ts'
import { PolicyError } from '../../base/errors.ts'
import type { JsonObject, JsonValue } from '../../base/json-value.ts'
import { parsePath, readPath } from '../../base/path.ts'
import { compareText } from '../../base/position.ts'
import { unseal } from '../../host/seal.ts'
import type { DisclosedReceipt, GrantClaims, Receipt } from '../../model/generated/types.ts'
import type { Store, StoredDecision } from '../../model/ports.ts'
import { isDecision, isExecution, parseReceipt } from '../../trust/receipt/statement.ts'
import { PATCHED_PREFIX, REPORT_PREFIX } from '../../trust/verify/disclosed.ts'
import { type ExecutionReport, reportedCommitment } from '../engine/grants.ts'
import { openStoreForReading } from '../engine/open-engine.ts'
import { actionDocument, type Inputs, isErased } from '../engine/record.ts'
import { proveReceipt } from './receipt-proofs.ts'

export type DiscloseQuestion = {
  /** The engine's data folder, absolute. */
  readonly data: string
  /** A log index, or a decision id. */
  readonly receipt: string
  /** Paths such as `payload.items[].id`, at least one. */
  readonly show: readonly string[]
}

/** A receipt's file, and which fields it shows. */
export type Disclosed = {
  readonly index: number
  /** RFC 8785 text and a newline. */
  readonly text: string
  /** Pointers of what was asked for. */
  readonly shown: readonly string[]
}

/**
 * A receipt with its proof and with what opens some of the fields that it commits to. Paths lead into the action; below
 * `patched` into the action as people left it, and below `report` into what was told of an execution.
 *
 * @throws {PolicyError} RECEIPT_UNKNOWN; PATH_INVALID; FIELD_UNKNOWN for a path that leads to nothing which the receipt
 *   commits to; INPUTS_ERASED; STORE_KEY_MISMATCH; LOG_MISSING and others as {@link proveReceipt}
 */
export async function discloseReceipt(question: DiscloseQuestion): Promise<Disclosed> {
  const { data, receipt: name, show } = question
  const store = openStoreForReading(data)
  try {
    const { index, entry, proof } = await proveReceipt(store, join(data, 'log'), name)
    const paths = show.map(parsePath)
    const { parts, report } = await sealedParts(store, parseReceipt(entry), index)
    const whole = Object.assign({}, ...parts.map(documentOf)) as JsonObject
    const shown = new Set<string>()
    for (const path of paths) {
      const found = readPath(whole, path).map(({ pointer }) => pointer)
      const committed = found.filter((pointer) => isCommitted(parts, pointer))
      if (committed.length === 0) throw unknownField(path.text, found.length > 0)
      for (const pointer of committed) shown.add(pointer)
    }
    const file: DisclosedReceipt = {
      kind: 'DisclosedReceipt',
      entry: fromUtf8(entry),
      proof,
      ...(report === undefined ? {} : { report }),
      disclosures: chosen(parts, shown),
    }
    const text = `${canonicalize(file as unknown as JsonObject)}\n`
    return { index, text, shown: [...shown].sort(compareText) }
  } finally {
    await store.close()
  }
}

/** One of the things that a receipt commits to. Pointers of disclosures begin with the prefix. */
type Part = {
  readonly prefix: string
  readonly document: JsonObject
  readonly disclosures: readonly Disclosure[]
}

type Sealed = { readonly parts: readonly Part[]; readonly report?: Record<string, unknown> }

async function sealedParts(store: Store, receipt: Receipt, index: number): Promise<Sealed> {
  if (isExecution(receipt)) return executionParts(store, receipt.predicate.id)
  if (!isDecision(receipt)) {
    throw new PolicyError('FIELD_UNKNOWN', `receipt ${index} commits to no fields`)
  }
  const { predicate } = receipt
  if (predicate.stage === 'verdict') {
    return { parts: [partOf('', await inputsOf(store, predicate.id))] }
  }
  const record = await store.request(predicate.id)
  if (record === null || record.resolution === null) throw notHere(predicate.id)
  const parts = [partOf('', await inputsOf(store, record.request.decision))]
  if (predicate.resolution?.patchedAction !== undefined) {
    parts.push(partOf(PATCHED_PREFIX, await inputsOf(store, record.resolution.record)))
  }
  return { parts }
}

async function executionParts(store: Store, id: string): Promise<Sealed> {
  const opened = (await open(store, id)) as unknown as {
    readonly claims: GrantClaims
    readonly told: ExecutionReport
  }
  const { result, cost } = opened.told
  if (result === undefined && cost === undefined) {
    throw new PolicyError('FIELD_UNKNOWN', `nothing was reported with ${id}`)
  }
  const { document, committed, disclosures } = reportedCommitment(opened.told, opened.claims)
  const part = {
    prefix: REPORT_PREFIX,
    document,
    disclosures: prefixed(REPORT_PREFIX, disclosures),
  }
  return { parts: [part], report: { ...committed } }
}

function partOf(prefix: string, inputs: Inputs): Part {
  const document = actionDocument(inputs.action)
  const { disclosures } = commitAction(document, {
    seed: decodeHex(inputs.seed),
    fields: [...inputs.hidden, 'result'],
  })
  return { prefix, document, disclosures: prefixed(prefix, disclosures) }
}

function prefixed(prefix: string, disclosures: readonly Disclosure[]): readonly Disclosure[] {
  if (prefix === '') return disclosures
  return disclosures.map(({ pointer, disclosure }) => ({
    pointer: `${prefix}${pointer}`,
    disclosure,
  }))
}

async function inputsOf(store: Store, id: string): Promise<Inputs> {
  return (await open(store, id)) as unknown as Inputs
}

/** What was sealed with a receipt. @throws {PolicyError} INPUTS_ERASED, STORE_KEY_MISMATCH, RECEIPT_UNKNOWN */
async function open(store: Store, id: string): Promise<JsonValue> {
  const stored = await store.decision(id)
  if (stored === null) throw notHere(id)
  const key = await store.subjectKey(stored.inputs.subject)
  if (key === null || isErased(stored)) throw await erased(store, stored)
  return JSON.parse(fromUtf8(unseal(key, stored.inputs.ciphertext, id))) as JsonValue
}

async function erased(store: Store, { id, index }: StoredDecision): Promise<PolicyError> {
  const by = await store.erasedBy(index)
  const where = by === null ? 'its key was shredded' : `receipt ${by} says so`
  return new PolicyError('INPUTS_ERASED', `the inputs of ${id} were erased: ${where}`)
}

function notHere(id: string): PolicyError {
  return new PolicyError('RECEIPT_UNKNOWN', `the inputs of ${id} are not in this store`)
}

/** The part as a member of the whole that paths are read in. */
function documentOf({ prefix, document }: Part): JsonObject {
  return prefix === '' ? document : { [prefix.slice(1)]: document }
}

function isCommitted(parts: readonly Part[], pointer: string): boolean {
  return parts.some(({ prefix, disclosures }) =>
    prefix === pointer ? prefix !== '' : disclosures.some((one) => one.pointer === pointer),
  )
}

function unknownField(path: string, clear: boolean): PolicyError {
  const why = clear ? 'stands in the receipt in clear' : 'is no field that the receipt commits to'
  return new PolicyError('FIELD_UNKNOWN', `${JSON.stringify(path)} ${why}`)
}

/** Disclosures of the fields, of what is below them, and of what they stand in. */
function chosen(parts: readonly Part[], shown: ReadonlySet<string>): Disclosure[] {
  const around = new Set([...shown].flatMap(upTo))
  // A field is below one that is shown when that stands on its own way up.
  return parts.flatMap(({ disclosures }) =>
    disclosures.filter(
      ({ pointer }) => around.has(pointer) || upTo(pointer).some((one) => shown.has(one)),
    ),
  )
}

/** A pointer, and those on the way to it. */
function upTo(pointer: string): string[] {
  const names = pointer.split('/').slice(1)
  return names.map((_name, at) => `/${names.slice(0, at + 1).join('/')}`)
}
