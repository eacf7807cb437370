import { PolicyError } from '../../base/errors.ts'
import type { DecisionReceipt, ExecutionReceipt } from '../../model/generated/types.ts'

/** What receipts of executions may refer to. */
export type PastExecutions = {
  /** Receipts that let a call run, by log index. */
  readonly permits: Map<number, DecisionReceipt>
  /** Their ids: twice in the log, a decision would be executed twice. */
  readonly ids: Set<string>
  /** Redemptions by log index. */
  readonly redeemed: Map<number, ExecutionReceipt>
  /** Permits that were used up: by log index. */
  readonly used: Set<number>
  readonly grants: Set<string>
  /** Redemptions that were reported on. */
  readonly reported: Set<number>
}

export function newPastExecutions(): PastExecutions {
  return {
    permits: new Map(),
    ids: new Set(),
    redeemed: new Map(),
    used: new Set(),
    grants: new Set(),
    reported: new Set(),
  }
}

/**
 * Keeps a receipt that lets a call run; what came back of one runs nothing.
 *
 * @throws {PolicyError} RECEIPT_INVALID
 */
export function rememberPermit(
  receipt: DecisionReceipt,
  index: number,
  { permits, ids }: PastExecutions,
): void {
  const { id, decision, action, resolution } = receipt.predicate
  // What people look at afterwards has run already.
  if (resolution?.ratifies !== undefined) return
  if (!PERMITS.has(decision) || action['phase'] === 'result') return
  if (ids.has(id)) throw invalid('each decision once')
  ids.add(id)
  permits.set(index, receipt)
}

/**
 * Checks a receipt of an execution against those before it: it follows a decision that let a call of the same agent and
 * tool run, of the same policy, and each decision and each grant is used once.
 *
 * @throws {PolicyError} RECEIPT_INVALID, GRANT_REPLAYED
 */
export function checkExecution(
  receipt: ExecutionReceipt,
  index: number,
  past: PastExecutions,
): void {
  const { predicate } = receipt
  const permit = past.permits.get(predicate.decidedAt)
  if (permit === undefined) throw invalid('`decidedAt` at an earlier receipt that lets a call run')
  checkBinding(receipt, permit)
  if (predicate.stage === 'reported') {
    checkReport(receipt, past)
    return
  }
  if (past.used.has(predicate.decidedAt)) throw replayed('one execution of a decision')
  if (past.grants.has(predicate.grant)) throw replayed('a grant that was not redeemed before')
  past.used.add(predicate.decidedAt)
  past.grants.add(predicate.grant)
  past.redeemed.set(index, receipt)
}

const PERMITS: ReadonlySet<string> = new Set([
  'allow',
  'redact',
  'APPROVED',
  'APPROVED_WITH_MODIFICATIONS',
])

function checkBinding({ predicate }: ExecutionReceipt, permit: DecisionReceipt): void {
  const decided = permit.predicate
  if (predicate.policyDigest.sha256 !== decided.policyDigest.sha256) {
    throw invalid('the policy that decided')
  }
  // A resolution's own id is the request's; its decision is known to the store alone.
  if (decided.stage === 'verdict' && predicate.decision !== decided.id) {
    throw invalid('the decision at `decidedAt`')
  }
  if (predicate.request !== decided.request) throw invalid('the request at `decidedAt`')
  for (const field of ['project', 'agent', 'service', 'action']) {
    if (predicate.call[field] !== decided.action[field]) {
      throw invalid(`the ${field} of the action that was decided on`)
    }
  }
}

function checkReport(receipt: ExecutionReceipt, past: PastExecutions): void {
  const { predicate, subject } = receipt
  const { redeemedAt = -1 } = predicate
  const redeemed = past.redeemed.get(redeemedAt)
  if (redeemed === undefined) throw invalid('`redeemedAt` at an earlier redemption')
  const fields = ['grant', 'decision', 'decidedAt', 'audience'] as const
  const same =
    fields.every((field) => redeemed.predicate[field] === predicate[field]) &&
    redeemed.subject[0]?.digest.sha256 === subject[0]?.digest.sha256
  if (!same) throw invalid('the grant and the call that were redeemed')
  if (redeemed.predicate.reportRoot !== undefined || past.reported.has(redeemedAt)) {
    throw replayed('one report of an execution')
  }
  past.reported.add(redeemedAt)
}

function invalid(expected: string): PolicyError {
  return new PolicyError('RECEIPT_INVALID', `expected ${expected}`)
}

function replayed(expected: string): PolicyError {
  return new PolicyError('GRANT_REPLAYED', `expected ${expected}`)
}
