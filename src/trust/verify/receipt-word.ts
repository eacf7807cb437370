import type { Receipt } from '../../model/generated/types.ts'
import { isCustody, isErasure, isExecution, isGenesis } from '../receipt/statement.ts'

/** What a receipt is counted as. */
export function wordOf(receipt: Receipt): string {
  if (isGenesis(receipt)) return 'genesis'
  if (isExecution(receipt)) return `execution ${receipt.predicate.stage}`
  if (isErasure(receipt)) return 'erasure'
  if (isCustody(receipt)) return `custody ${receipt.predicate.step.type}`
  return receipt.predicate.decision
}
