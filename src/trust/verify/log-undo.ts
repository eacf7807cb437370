import { canonicalize } from '../../base/canonical-json.ts'
import { PolicyError } from '../../base/errors.ts'
import type { DecisionReceipt, ExecutionReceipt, Undoes } from '../../model/generated/types.ts'
import { checkNotHeld, type PastCustody } from './log-custody.ts'

/** What rollbacks may refer to, each by log index. */
export type PastUndos = {
  /** Receipts that let a call run. */
  readonly executions: { readonly permits: ReadonlyMap<number, DecisionReceipt> }
  /** What people may have looked at. */
  readonly holds: ReadonlyMap<number, DecisionReceipt>
  readonly broken: ReadonlyMap<number, DecisionReceipt>
  /** Of calls that were taken back: the index of the receipt that let the rollback run, by that of the call's. */
  readonly undone: Map<number, number>
  readonly custody: PastCustody
}

/**
 * Checks a receipt that takes a call back against those before it: it names a receipt that let the call run, of the same
 * project and agent, and which no escrow holds; of a call that people let run, people look at the rollback too; a resolution says what its hold
 * says; and one rollback of a call at most may run.
 *
 * @throws {PolicyError} RECEIPT_INVALID, ESCROW_HELD, ESCROW_VOID
 */
export function checkUndo(receipt: DecisionReceipt, index: number, past: PastUndos): void {
  const { undoes, decision, resolution } = receipt.predicate
  if (resolution !== undefined) {
    const { heldAt, ratifies } = resolution
    const lookedAt = (ratifies === undefined ? past.holds : past.broken).get(heldAt)
    if (!isSame(undoes, lookedAt?.predicate.undoes)) {
      throw invalid('`undoes` as the receipt that people looked at has it')
    }
  }
  if (undoes === undefined) return
  checkNamed(receipt, undoes, past)
  // What people look at afterwards has run already.
  if (!RUNS.has(decision) || resolution?.ratifies !== undefined) return
  const other = past.undone.get(undoes.index)
  if (other !== undefined) {
    throw invalid(`one rollback of receipt ${undoes.index}; receipt ${other} let one run`)
  }
  past.undone.set(undoes.index, index)
}

/** Refuses an execution after the rollback of its call. @throws {PolicyError} RECEIPT_INVALID */
export function checkNotUndone(
  { predicate }: ExecutionReceipt,
  { undone }: Pick<PastUndos, 'undone'>,
): void {
  const { stage, decidedAt } = predicate
  const other = stage === 'redeemed' ? undone.get(decidedAt) : undefined
  if (other !== undefined) throw invalid(`an execution before its rollback by receipt ${other}`)
}

const RUNS: ReadonlySet<string> = new Set([
  'allow',
  'redact',
  'APPROVED',
  'APPROVED_WITH_MODIFICATIONS',
])

const ALONE: ReadonlySet<string> = new Set(['allow', 'redact'])

function checkNamed(receipt: DecisionReceipt, undoes: Undoes, past: PastUndos): void {
  const { action, decision } = receipt.predicate
  if (action['phase'] === 'result') throw invalid('a call as what takes another one back')
  const permit = past.executions.permits.get(undoes.index)
  if (permit === undefined) throw invalid('`undoes` at an earlier receipt that lets a call run')
  if (permit.predicate.id !== undoes.id) throw invalid('the id of the receipt that `undoes` names')
  for (const field of ['project', 'agent']) {
    if (permit.predicate.action[field] !== action[field]) {
      throw invalid(`the ${field} of the call that is taken back`)
    }
  }
  checkNotHeld(undoes.index, past.custody)
  if (permit.predicate.stage === 'resolution' && ALONE.has(decision)) {
    throw invalid('people to look at a rollback of what people let run')
  }
}

function isSame(a: Undoes | undefined, b: Undoes | undefined): boolean {
  return canonicalize({ ...a }) === canonicalize({ ...b })
}

function invalid(expected: string): PolicyError {
  return new PolicyError('RECEIPT_INVALID', `expected ${expected}`)
}
