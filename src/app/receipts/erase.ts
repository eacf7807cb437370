import { PolicyError } from '../../base/errors.ts'
import { ERASURE_BY_LENGTH_MAX, ERASURE_REASON_LENGTH_MAX } from '../../base/limits.ts'
import type { ErasureTarget } from '../../model/erasing.ts'
import type { ErasureReport } from '../../model/erasure-report.ts'
import type { Store, StoreTransaction } from '../../model/ports.ts'
import { isExecution, parseReceipt } from '../../trust/receipt/statement.ts'
import { type Inputs, openDecision, subjectOf } from '../engine/record.ts'
import { isNothing, type Said, writeErasure } from './erasing.ts'
import { type OpenedPlace, openErasingPlace } from './erasing-place.ts'

/** Whose inputs are to go. An agent's key is that of its actions on nobody's behalf. */
export type ErasedWho =
  | { readonly principal: string }
  | { readonly agent: string }
  | { readonly decision: string }

export type EraseQuestion = Said & {
  /** The engine's data folder, absolute. */
  readonly data: string
  readonly who: ErasedWho
  /** Only what is older, in Unix milliseconds; never of one decision. Default: all. */
  readonly before?: number
  /** Whether to say only what would go. */
  readonly dryRun: boolean
  /** Unix milliseconds. */
  readonly now: number
}

/**
 * Erases the clear values of one subject, or of one decision, and writes the receipt that says so. All of it or nothing:
 * a crash leaves the one or the other, and what was deleted is overwritten by the next run, or by the engine's start.
 *
 * @throws {PolicyError} ERASE_REASON; ERASE_UNKNOWN when there is nothing to erase; ERASE_PENDING while requests or deliveries are
 *   under way that need it; RECEIPT_UNKNOWN for no decision; STORE_FAILED (retryable) when the files could not be overwritten yet
 */
export async function eraseInputs(question: EraseQuestion): Promise<ErasureReport> {
  const place = await openErasingPlace(question.data)
  try {
    const target = await targetOf(place, question)
    checkSaid(question, await namesOf(place.store, question.who, target))
    const report = question.dryRun
      ? await place.store.transact((tx) => preview(tx, target))
      : await place.run((tx) => eraseNow(tx, place, target, question))
    return report
  } finally {
    // Also what an earlier run deleted and could not overwrite.
    if (!question.dryRun) await place.store.scrub().finally(() => place.close())
    else await place.close()
  }
}

/** Checks what is said of an erasure before it is written into a log that nobody can change. */
function checkSaid({ reason, by }: Said, names: readonly string[]): void {
  checkLength('the reason', reason, ERASURE_REASON_LENGTH_MAX)
  if (by !== undefined) checkLength('who erases', by, ERASURE_BY_LENGTH_MAX)
  const said = plain(`${reason}\n${by ?? ''}`)
  for (const name of names) {
    if (!holds(said, plain(name))) continue
    const message =
      'the reason names the person whose inputs are to be erased; receipts stay for good'
    throw new PolicyError('ERASE_REASON', message)
  }
}

function checkLength(what: string, text: string, max: number): void {
  if (text.trim() !== '' && text.length <= max && text.isWellFormed()) return
  throw new PolicyError('ERASE_REASON', `expected ${what} in 1 to ${max} characters`)
}

function plain(text: string): string {
  return text.normalize('NFKC').toLowerCase()
}

/** Whether a name stands in a text by itself: `al` is not in `legal`. */
function holds(text: string, name: string): boolean {
  for (let at = text.indexOf(name); at >= 0; at = text.indexOf(name, at + 1)) {
    const [before = '', after = ''] = [text.slice(0, at).at(-1), text.at(at + name.length)]
    if (!LETTER.test(before) && !LETTER.test(after)) return true
  }
  return false
}

const LETTER = /[\p{L}\p{N}]/u

async function targetOf(
  { store, evidenceKey }: OpenedPlace,
  { who, before }: EraseQuestion,
): Promise<ErasureTarget> {
  if ('decision' in who) {
    if (before !== undefined) throw new PolicyError('USAGE_INVALID', '`before` is for a subject')
    return { scope: 'decision', decision: await decisionOf(store, who.decision) }
  }
  const named = 'principal' in who ? { ...who, agent: '' } : { ...who, principal: null }
  const subject = subjectOf({ evidenceKey }, named)
  return { scope: 'subject', subject, ...(before === undefined ? {} : { before }) }
}

/** The decision that a receipt's id stands for: a request's and an execution's stand in theirs. */
async function decisionOf(store: Store, name: string): Promise<string> {
  const id = (await store.request(name))?.request.decision ?? name
  const stored = await store.decision(id)
  if (stored === null) {
    throw new PolicyError('RECEIPT_UNKNOWN', `no decision ${name} in this store`)
  }
  const receipt = parseReceipt(stored.receipt)
  return isExecution(receipt) ? receipt.predicate.decision : id
}

/** Names that the receipt must not hold: that of the principal, whole or after `user:`. */
async function namesOf(
  store: Store,
  who: ErasedWho,
  target: ErasureTarget,
): Promise<readonly string[]> {
  const principal = 'principal' in who ? who.principal : await principalOf(store, target)
  if (principal === null) return []
  const last = principal.split(/[:/]/).at(-1) ?? ''
  return [principal, last].filter((name) => name.trim() !== '')
}

async function principalOf(store: Store, target: ErasureTarget): Promise<string | null> {
  if (target.scope !== 'decision') return null
  try {
    // A step of a delivery has other inputs.
    const { action }: Partial<Inputs> = (await openDecision(store, target.decision)).inputs
    return action?.principal ?? null
  } catch (error) {
    if (error instanceof PolicyError) return null // Erased already, or a receipt without an action.
    throw error
  }
}

async function preview(tx: StoreTransaction, target: ErasureTarget): Promise<ErasureReport> {
  const waiting = await tx.waitingFor(target)
  const { decisions, tokens, through } = await tx.erasable(target)
  return { status: 'would-erase', ...shownOf(target), decisions, tokens, through, waiting }
}

async function eraseNow(
  tx: StoreTransaction,
  place: OpenedPlace,
  target: ErasureTarget,
  { reason, by, now }: EraseQuestion,
): Promise<ErasureReport> {
  const waiting = await tx.waitingFor(target)
  if (waiting.length > 0) {
    const some = waiting.slice(0, LISTED_MAX).join(', ')
    const more = waiting.length > LISTED_MAX ? ` and ${waiting.length - LISTED_MAX} more` : ''
    throw new PolicyError(
      'ERASE_PENDING',
      `requests wait, or deliveries hold something, that could not go on any more: ${some}${more}; let them end first`,
    )
  }
  if (isNothing(await tx.erasable(target))) {
    throw new PolicyError('ERASE_UNKNOWN', 'nothing is kept that could be erased')
  }
  const said = { reason, ...(by === undefined ? {} : { by }) }
  const made = await writeErasure(tx, place, target, { ...said, now, rewrite: true })
  if (made === null) throw new PolicyError('ERASE_UNKNOWN', 'nothing is kept that could be erased')
  const { id, index, decisions, tokens, through } = made
  const counts = { decisions, tokens, through }
  return { status: 'erased', ...shownOf(target), ...counts, waiting: [], receipt: { id, index } }
}

const LISTED_MAX = 20

function shownOf(target: ErasureTarget): Pick<ErasureReport, 'scope' | 'subject' | 'decision'> {
  const { scope } = target
  if (target.scope === 'subject') return { scope, subject: target.subject }
  return target.scope === 'decision' ? { scope, decision: target.decision } : { scope }
}
