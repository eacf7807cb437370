import { createHash } from 'node:crypto'
import { openCommitments } from '../../base/commitments.ts'
import { utf8 } from '../../base/digest.ts'
import type { ErrorCode } from '../../base/errors.ts'
import { PolicyError } from '../../base/errors.ts'
import type { JsonObject } from '../../base/json-value.ts'
import { PROBLEMS_MAX } from '../../base/limits.ts'
import { compareText } from '../../base/position.ts'
import type { DecisionReceipt, Receipt, Trust } from '../../model/generated/types.ts'
import type { LogProblem } from '../../model/log-report.ts'
import type {
  ExportEnd,
  ExportHeader,
  ExportLine,
  ExportRecord,
  ExportReport,
} from '../../model/receipt-export.ts'
import { passesFilters, policiesOf, referencesOf } from '../../model/receipt-export.ts'
import { parseCheckpoint } from '../receipt/checkpoint.ts'
import { checkProof } from '../receipt/proof.ts'
import { exportClaims } from './export-claims.ts'
import { isExportEnd, parseExportHeader, parseExportLine } from './export-lines.ts'
import type { ReceiptChecker } from './log-receipts.ts'
import { newReceiptChecker } from './log-receipts.ts'
import type { Cosignature } from './note.ts'
import { pinnedKeys, verifyTrustedCheckpoint, witnessed } from './witness.ts'

/** Checks an export line by line, in constant memory but for the receipts that later ones may refer to. */
export type ExportChecker = {
  /**
   * @param text - a line without its line feed
   * @returns the receipt in it; null for the header, the end, and what is refused
   */
  line(text: string): ExportRecord | null
  /** The header, once it has been accepted. */
  header(): ExportHeader | null
  /** Something that is wrong beside the lines; nothing more is read. */
  refuse(problem: LogProblem): void
  /** Whether nothing more need be read. */
  isOver(): boolean
  report(): ExportReport
}

/**
 * A checker for one export: every receipt under the one checkpoint of its header, which a pinned key has signed; the
 * reviews inside; the disclosures; and, without a filter, that nothing between the first and the last is missing.
 *
 * @param about - `file` and `format` are for the report; `name` makes a place out of the number of a line
 * @throws {PolicyError} TRUST_INVALID from `line`; all else is in the report
 */
export function newExportChecker(
  trust: Trust,
  about: Pick<ExportReport, 'file' | 'format'> & { readonly place?: (line: number) => string },
): ExportChecker {
  const { file, format, place = (line: number) => `${file}:${line}` } = about
  const state = newState(trust)
  let number = 0
  const attempt = (work: () => ExportRecord | null, fatal: boolean): ExportRecord | null => {
    try {
      return work()
    } catch (error) {
      if (!(error instanceof PolicyError) || error.code === 'TRUST_INVALID') throw error
      state.problems.push({ code: error.code, file: place(number), message: error.message })
      state.isFatal ||= fatal
      return null
    }
  }
  const isOver = () => state.isFatal || state.problems.length >= PROBLEMS_MAX
  return {
    line: (text) => {
      number += 1
      if (isOver()) return null
      const isFirst = state.scene === null
      return attempt(() => (isFirst ? begin(state, text) : next(state, text)), isFirst)
    },
    header: () => state.scene?.header ?? null,
    refuse: (problem) => {
      state.problems.push(problem)
      state.isFatal = true
    },
    isOver,
    report: () => {
      if (!isOver()) attempt(() => finish(state), true)
      return reportOf(state, { file, format }, trust)
    },
  }
}

type Scene = {
  readonly header: ExportHeader
  readonly cosignatures: readonly Cosignature[]
  readonly checker: ReceiptChecker
}

type State = {
  readonly trust: Trust
  readonly problems: LogProblem[]
  readonly hash: ReturnType<typeof createHash>
  readonly policies: Set<string>
  /** Log indexes of receipts that are only there for others, and of those that others refer to. */
  readonly contexts: Set<number>
  readonly referred: Set<number>
  scene: Scene | null
  end: ExportEnd | null
  isFatal: boolean
  lines: number
  /** Log index of the last line, and of the last receipt that was asked for; -1 before the first. */
  at: number
  asked: number
  /** Disclosures that were checked. */
  opened: number
}

function newState(trust: Trust): State {
  return {
    ...{ trust, problems: [], hash: createHash('sha256') },
    ...{ policies: new Set<string>(), contexts: new Set<number>(), referred: new Set<number>() },
    ...{ scene: null, end: null, isFatal: false, lines: 0, at: -1, asked: -1, opened: 0 },
  }
}

function begin(state: State, text: string): null {
  const header = parseExportHeader(text)
  const checkpoint = parseCheckpoint(header.checkpoint)
  if (checkpoint.origin !== header.origin) throw invalid("the checkpoint's origin in the header")
  if (checkpoint.size !== header.size) throw invalid("the checkpoint's size in the header")
  const cosignatures = verifyTrustedCheckpoint(checkpoint, state.trust)
  const { origin } = header
  const keys = pinnedKeys(state.trust, origin)
  const checker = newReceiptChecker({
    ...{ origin, keys, trust: state.trust },
    isPartial: isFiltered(header),
  })
  state.scene = { header, cosignatures, checker }
  feed(state, text)
  return null
}

function feed({ hash }: State, text: string): void {
  hash.update(utf8(text)).update('\n')
}

function next(state: State, text: string): ExportRecord | null {
  if (state.end !== null) throw invalid('nothing after the end')
  const line = parseExportLine(text)
  if (isExportEnd(line)) {
    state.end = line
    return null
  }
  feed(state, text)
  state.lines += 1
  checkPlace(state, line)
  return checkLine(state, line)
}

/** Order, and no gap between the receipts that were asked for. */
function checkPlace(state: State, { index, context }: ExportLine): void {
  const { header } = sceneOf(state)
  const before = state.at
  if (index === before) throw invalid(`receipt ${index} once`)
  if (index < before) throw invalid(`receipt ${index} before receipt ${before}, as in the log`)
  state.at = index
  if (context === true) {
    state.contexts.add(index)
    return
  }
  const isFirst = state.asked < 0
  const expected = isFirst ? header.first : state.asked + 1
  state.asked = index
  if (index > header.last) throw invalid(`no receipt after ${header.last}`)
  if (index === expected || (!isFirst && isFiltered(header))) return
  throw invalid(`receipt ${expected}, which is missing; here is receipt ${index}`)
}

function checkLine(state: State, line: ExportLine): ExportRecord {
  const { header, checker } = sceneOf(state)
  const { index } = line
  const entry = utf8(line.entry)
  const proof = checkProof(line.proof, entry)
  if (proof.index !== index) throw failure('PROOF_INVALID', `a proof of receipt ${index}`)
  if (proof.checkpoint !== header.checkpoint) {
    throw failure('PROOF_INVALID', 'a proof that leads to the checkpoint in the header')
  }
  const receipt = checker.check(index, entry)
  for (const policy of policiesOf(receipt)) state.policies.add(policy)
  for (const reference of referencesOf(receipt)) state.referred.add(reference)
  checkScope(header, line, receipt)
  checkDisclosures(state, line, receipt)
  return { line, receipt }
}

/** Whether a receipt was asked for, or shows that the period begins or ends here. */
function checkScope(header: ExportHeader, line: ExportLine, receipt: Receipt): void {
  const { period, first, last } = header
  const at = Date.parse(receipt.predicate.issuedAt)
  const isIn =
    (period.from === undefined || at >= Date.parse(period.from)) &&
    (period.to === undefined || at < Date.parse(period.to))
  const { index } = line
  const passes = passesFilters(receipt, header.filters)
  if (line.context !== true) {
    if (!passes) throw invalid('a receipt that the filters ask for')
    // Times may overtake each other by a little; the ends of the period are what they say.
    const mustBeIn = isFiltered(header) || index === first || index === last
    if (mustBeIn && !isIn) throw invalid('a receipt of the period')
    return
  }
  // Tables leave out what is context.
  const wasAskedFor = isFiltered(header) ? isIn && passes : index >= first && index <= last
  if (wasAskedFor) throw invalid('a receipt that was asked for to be marked as one')
  if (isFiltered(header)) return
  // Of a neighbour that is within the period there may be more that were left out.
  if (isIn && (index === first - 1 || index === last + 1)) {
    const where = index < first ? 'before' : 'after'
    throw invalid(`no receipt of the period ${where} it: some are missing`)
  }
}

function checkDisclosures(state: State, line: ExportLine, receipt: Receipt): void {
  const { disclosures, patched } = line
  if (disclosures === undefined && patched === undefined) return
  const { action, resolution } = (receipt as DecisionReceipt).predicate
  if (disclosures !== undefined) {
    if (action === undefined) throw failure('COMMITMENT_INVALID', 'disclosures of an action only')
    openCommitments(action as JsonObject, disclosures)
    state.opened += disclosures.length
  }
  if (patched === undefined) return
  const { patchedAction } = resolution ?? {}
  if (patchedAction === undefined) {
    throw failure('COMMITMENT_INVALID', 'disclosures of a patch where there is one')
  }
  openCommitments(patchedAction as JsonObject, patched)
  state.opened += patched.length
}

function finish(state: State): null {
  if (state.scene === null) throw invalid('the header of an export')
  const { header } = state.scene
  if (state.end === null) throw invalid('the end of the export: it is cut short')
  // What was refused line by line would only be refused again here.
  if (state.problems.length > 0) return null
  if (state.end.lines !== state.lines) {
    throw invalid(`${state.end.lines} receipts, and there are ${state.lines}`)
  }
  if (state.asked !== header.last) {
    throw invalid(`receipts up to ${header.last}; the last is ${state.asked}`)
  }
  checkEnds(state, header)
  const named = header.policies.map(({ digest }) => digest)
  if (named.join() !== [...state.policies].sort(compareText).join()) {
    throw invalid('in the header the policies that its receipts name')
  }
  const digest = `sha256:${state.hash.digest('hex')}`
  if (digest !== state.end.digest) throw invalid('lines with the digest that its end gives')
  return null
}

/** The neighbours of an export without a filter show that the period begins and ends where it says. */
function checkEnds({ contexts, referred }: State, header: ExportHeader): void {
  const { first, last, size, period } = header
  const edges = new Set<number>()
  if (!isFiltered(header)) {
    if (first > 0) edges.add(first - 1)
    if (last < size - 1) edges.add(last + 1)
    const hasBegun = period.from !== undefined || first === 0
    const hasEnded = period.to !== undefined || last === size - 1
    if (!hasBegun || !hasEnded) throw invalid('all receipts where no period was asked for')
    for (const edge of edges) {
      if (!contexts.has(edge)) throw invalid(`receipt ${edge}, which shows where the period ends`)
    }
  }
  for (const context of contexts) {
    if (referred.has(context) || edges.has(context)) continue
    throw invalid(`no receipt ${context}, to which none refers`)
  }
}

function isFiltered({ filters }: ExportHeader): boolean {
  return Object.keys(filters).length > 0
}

function sceneOf({ scene }: State): Scene {
  if (scene === null) throw invalid('the header of an export')
  return scene
}

function reportOf(
  { scene, problems, opened, contexts }: State,
  about: Pick<ExportReport, 'file' | 'format'>,
  trust: Trust,
): ExportReport {
  const header = scene?.header ?? null
  const place = {
    ...about,
    origin: header?.origin ?? null,
    first: header?.first ?? null,
    last: header?.last ?? null,
    size: header?.size ?? null,
  }
  if (scene === null || problems.length > 0) {
    const found = problems.slice(0, PROBLEMS_MAX)
    return {
      ...{ status: 'refused', ...place, receipts: {}, witnesses: [] },
      ...{ proven: [], not_proven: [], problems: found },
    }
  }
  const { cosignatures, checker } = scene
  const check = checker.counts()
  const facts = { header: scene.header, check, cosignatures, trust, opened, contexts }
  return {
    ...{ status: 'verified', ...place, receipts: check.counts },
    ...{ witnesses: witnessed(cosignatures), ...exportClaims(facts), problems: [] },
  }
}

function invalid(expected: string): PolicyError {
  return failure('EXPORT_INVALID', expected)
}

function failure(code: ErrorCode, expected: string): PolicyError {
  return new PolicyError(code, `expected ${expected}`)
}
