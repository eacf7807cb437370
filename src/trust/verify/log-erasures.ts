import { PolicyError } from '../../base/errors.ts'
import type { ErasureReceipt } from '../../model/generated/types.ts'

/**
 * Checks a receipt of an erasure against its place: it is about receipts before it, and it is told once. That the inputs
 * are gone, and that nothing else is, no log can show.
 *
 * @param ids - of the erasures before it
 * @throws {PolicyError} RECEIPT_INVALID
 */
export function checkErasure({ predicate }: ErasureReceipt, index: number, ids: Set<string>): void {
  const { id, through } = predicate
  if (through !== undefined && through >= index) throw invalid('`through` at an earlier receipt')
  if (ids.has(id)) throw invalid('each erasure once')
  ids.add(id)
}

function invalid(expected: string): PolicyError {
  return new PolicyError('RECEIPT_INVALID', `expected ${expected}`)
}
