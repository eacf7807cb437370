import type { ErasureReceipt } from '../../model/generated/types.ts'

/** What was expected of an erasure's receipt beyond its schema; null when it is as it should be. */
export function erasureProblem(fields: ErasureReceipt['predicate']): string | null {
  const { scope, subject, decision, decisions, through, before, tokens, tokensBefore } = fields
  if ((subject !== undefined) !== (scope === 'subject')) return '`subject` at that scope only'
  if ((decision !== undefined) !== (scope === 'decision')) return '`decision` at that scope only'
  if (tokensBefore !== undefined && scope !== 'retention')
    return '`tokensBefore` of a retention only'
  if (before !== undefined && scope === 'decision') return 'no `before` of one decision'
  if ((through !== undefined) !== decisions > 0) return '`through` where decisions were erased only'
  if (decisions === 0 && tokens === 0 && scope !== 'subject') return 'something that was erased'
  return null
}
