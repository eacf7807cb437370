import { fromUtf8 } from '../../base/digest.ts'
import type { DecisionReceipt } from '../../model/generated/types.ts'
import type { JudgedAction } from '../../model/nouns.ts'
import type { StoreTransaction } from '../../model/ports.ts'
import type { Predicate } from './record.ts'

/** What has been decided. */
type Past = Pick<StoreTransaction, 'decision' | 'requestOfDecision'>

/**
 * Why a result is not that of the call whose decision its caller names, or null when it may be: the decision must be
 * about a call of the same agent, service and action, and that call must have been allowed, by the policy or by people.
 */
export async function callMismatch(
  tx: Past,
  action: JudgedAction,
  call: string,
): Promise<string | null> {
  if (action.phase !== 'result') return 'only a result belongs to a call; leave `call` out'
  const predicate = await predicateOf(tx, call)
  // One message for both: whether another agent's decision exists is nobody's business.
  if (predicate === null || !isSameCall(predicate, action)) {
    return 'no decision of this agent about this service and action has the id that `call` names'
  }
  if (await wasAllowed(tx, predicate, call)) return null
  return 'the call that the result belongs to was not allowed'
}

/** A decision's receipt is enough: agent and tool stand there in clear, also when its inputs were erased. */
async function predicateOf(tx: Past, id: string): Promise<Predicate | null> {
  const stored = await tx.decision(id)
  if (stored === null) return null
  const { predicate } = JSON.parse(fromUtf8(stored.receipt)) as DecisionReceipt
  return Object.hasOwn(predicate, 'action') ? predicate : null // The genesis entry has none.
}

function isSameCall({ action: of }: Predicate, action: JudgedAction): boolean {
  const names = ['project', 'agent', 'service', 'action'] as const
  if (!names.every((name) => Object.hasOwn(of, name) && of[name] === action[name])) return false
  return !Object.hasOwn(of, 'phase') || of['phase'] === 'call'
}

const APPROVALS: readonly string[] = ['APPROVED', 'APPROVED_WITH_MODIFICATIONS']

async function wasAllowed(tx: Past, of: Predicate, call: string): Promise<boolean> {
  if (of.stage === 'resolution') return APPROVALS.includes(of.decision)
  if (of.decision !== 'hold') return of.decision === 'allow' || of.decision === 'redact'
  const resolution = (await tx.requestOfDecision(call))?.resolution
  return resolution != null && APPROVALS.includes(resolution.decision)
}
