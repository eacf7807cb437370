import { canonicalize } from '../../base/canonical-json.ts'
import { openCommitments, rootOf } from '../../base/commitments.ts'
import { fromUtf8, utf8 } from '../../base/digest.ts'
import { type Disclosure, disclosureDigest } from '../../base/disclosure.ts'
import { decodeBase64url } from '../../base/encoding.ts'
import { PolicyError } from '../../base/errors.ts'
import { parseJson } from '../../base/json-parse.ts'
import type { JsonObject, JsonValue } from '../../base/json-value.ts'
import { DISCLOSED_BYTES_MAX, DISCLOSED_DEPTH_MAX } from '../../base/limits.ts'
import { joinPointer } from '../../base/pointer.ts'
import type { DisclosedReceipt, Receipt, Trust } from '../../model/generated/types.ts'
import { validate } from '../../model/validate.ts'
import { isErasure, isExecution, isGenesis } from '../receipt/statement.ts'
import type { VerifiedReceipt } from './receipt.ts'
import { verifyReceipt } from './receipt.ts'

/** A value that the disclosures open: no object or list that has something in it. */
export type OpenedField = { readonly pointer: string; readonly value: JsonValue }

/** Something that stays hidden: an element of a list by its pointer, or members of an object by the object's. */
export type HiddenField = {
  readonly pointer: string
  /** How many: names of hidden members are hidden too. */
  readonly members?: number
}

/** A receipt that a log vouches for, with what is shown of the fields that it commits to. */
export type DisclosedFields = VerifiedReceipt & {
  /**
   * In the order in which they stand. Pointers are into the action; below `/patched` into the action as people left it, and
   * below `/report` into what was told of an execution.
   */
  readonly fields: readonly OpenedField[]
  readonly hidden: readonly HiddenField[]
}

/**
 * Checks a receipt that came with some of its fields, offline: its place in the log as `verifyReceipt` does, and that each
 * disclosure is one that the receipt commits to, at its pointer and once.
 *
 * @param text - a disclosed receipt's file: RFC 8785 text and a newline
 * @param pinned - a trust file, or the log's verifier key from somewhere the auditor trusts
 * @throws {PolicyError} DISCLOSURE_INVALID when the file is none; COMMITMENT_INVALID when a disclosure is not the
 *   receipt's; as `verifyReceipt`
 */
export function verifyDisclosed(text: string, pinned: Trust | string): DisclosedFields {
  const { entry, proof, report, disclosures } = parseDisclosed(text)
  const verified = verifyReceipt(utf8(entry), proof, pinned)
  const parts = committedParts(verified.receipt, report)
  const fields: OpenedField[] = []
  const hidden: HiddenField[] = []
  let left = disclosures.length
  for (const { prefix, committed } of parts) {
    const own = disclosures.flatMap((one) => below(one, prefix) ?? [])
    left -= own.length
    openCommitments(committed, own)
    survey({ prefix, byDigest: byDigest(own), fields, hidden }, committed)
  }
  if (left > 0) throw invalid('only fields of what this receipt commits to')
  return { ...verified, fields, hidden }
}

/**
 * Reads a disclosed receipt's file, without checking what it says.
 *
 * @throws {PolicyError} DISCLOSURE_INVALID
 */
export function parseDisclosed(text: string): DisclosedReceipt {
  let value: JsonValue
  try {
    value = parseJson(text, { bytesMax: DISCLOSED_BYTES_MAX, depthMax: DISCLOSED_DEPTH_MAX })
  } catch (cause) {
    throw new PolicyError('DISCLOSURE_INVALID', 'expected strict JSON', { cause })
  }
  const [problem] = validate('disclosed-receipt', value)
  if (problem !== undefined) {
    throw invalid(`a disclosed receipt; at '${problem.pointer}': ${problem.message}`)
  }
  if (`${canonicalize(value)}\n` !== text) throw invalid('RFC 8785 text and a newline')
  return value as unknown as DisclosedReceipt
}

/** Where the pointers of the action as people left it begin. */
export const PATCHED_PREFIX = '/patched'

/** Where the pointers of what was told of an execution begin. */
export const REPORT_PREFIX = '/report'

type Part = { readonly prefix: string; readonly committed: JsonObject }

/** What a receipt commits to. @throws {PolicyError} DISCLOSURE_INVALID when the report is not the receipt's */
function committedParts(receipt: Receipt, report: DisclosedReceipt['report']): readonly Part[] {
  if (isExecution(receipt)) {
    const call = { prefix: '', committed: receipt.predicate.call as JsonObject }
    if (report === undefined) return [call]
    const committed = report as JsonObject
    if (rootOf(committed) !== receipt.predicate.reportRoot) {
      throw invalid("a report whose digest is the receipt's `reportRoot`")
    }
    return [call, { prefix: REPORT_PREFIX, committed }]
  }
  if (report !== undefined) throw invalid('`report` of an execution only')
  if (isGenesis(receipt) || isErasure(receipt)) return []
  if (!('action' in receipt.predicate)) return []
  const { action, resolution } = receipt.predicate
  const parts = [{ prefix: '', committed: action as JsonObject }]
  const patched = resolution?.patchedAction
  if (patched !== undefined)
    parts.push({ prefix: PATCHED_PREFIX, committed: patched as JsonObject })
  return parts
}

/** The disclosure as its own part has it; null when it is another part's. */
function below({ pointer, disclosure }: Disclosure, prefix: string): Disclosure | null {
  const own =
    [PATCHED_PREFIX, REPORT_PREFIX].find((one) => `${pointer}/`.startsWith(`${one}/`)) ?? ''
  return own === prefix ? { pointer: pointer.slice(prefix.length), disclosure } : null
}

/** What opens to what, once all of it has been checked. */
function byDigest(disclosures: readonly Disclosure[]): ReadonlyMap<string, readonly JsonValue[]> {
  return new Map(
    disclosures.map(({ disclosure }) => {
      const content = JSON.parse(fromUtf8(decodeBase64url(disclosure))) as readonly JsonValue[]
      return [disclosureDigest(disclosure), content.slice(1)]
    }),
  )
}

type Survey = {
  readonly prefix: string
  /** Name and value, or the value of an element. */
  readonly byDigest: ReadonlyMap<string, readonly JsonValue[]>
  readonly fields: OpenedField[]
  readonly hidden: HiddenField[]
}

/** Sorts what a part commits to into shown and hidden. */
function survey(about: Survey, { _sd: digests = [] }: JsonObject): void {
  members(about, '', digests as readonly string[])
}

function members(about: Survey, pointer: string, digests: readonly string[]): void {
  const opened = digests.flatMap((digest) => {
    const [name, value] = about.byDigest.get(digest) ?? []
    return value === undefined ? [] : [[String(name), value] as const]
  })
  const rest = digests.length - opened.length
  if (rest > 0) about.hidden.push({ pointer: `${about.prefix}${pointer}`, members: rest })
  opened.sort(([a], [b]) => (a < b ? -1 : 1))
  for (const [name, value] of opened) walk(about, joinPointer(pointer, name), value)
}

function walk(about: Survey, pointer: string, value: JsonValue): void {
  const place = `${about.prefix}${pointer}`
  if (Array.isArray(value) && value.length > 0) {
    const elements = value as readonly { readonly '...': string }[]
    elements.forEach((element, index) => {
      const at = joinPointer(pointer, index)
      const opened = about.byDigest.get(element['...'])
      if (opened === undefined) about.hidden.push({ pointer: `${about.prefix}${at}` })
      else walk(about, at, opened[0] as JsonValue)
    })
    return
  }
  if (typeof value === 'object' && value !== null && Object.hasOwn(value, '_sd')) {
    members(about, pointer, (value as { readonly _sd: readonly string[] })._sd)
  } else about.fields.push({ pointer: place, value })
}

function invalid(expected: string): PolicyError {
  return new PolicyError('DISCLOSURE_INVALID', `expected ${expected}`)
}
