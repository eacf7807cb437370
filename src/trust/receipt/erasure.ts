import type { ErasureReceipt } from '../../model/generated/types.ts'

/** What was expected of an erasure's receipt beyond its schema; null when it is as it should be. */
export function erasureProblem(fields: ErasureReceipt['predicate']): string | null {
  const { scope, subject, decision, decisions, through, before, tokens, tokensBefore } = fields
  const isPast = (time: string | undefined) =>
    time !== undefined && Date.parse(time) < Date.parse(fields.issuedAt)
  if ((subject !== undefined) !== (scope === 'subject')) return '`subject` at that scope only'
  if ((decision !== undefined) !== (scope === 'decision')) return '`decision` at that scope only'
  if (tokensBefore !== undefined && scope !== 'retention')
    return '`tokensBefore` of a retention only'
  if (before !== undefined && scope === 'decision') return 'no `before` of one decision'
  if ((through !== undefined) !== decisions > 0) return '`through` where decisions were erased only'
  // The first receipt of a log has no inputs.
  if (decisions > (through ?? 0)) return 'no more decisions than receipts up to `through`'
  if (scope === 'retention' && decisions > 0 && !isPast(before)) return '`before` in the past'
  if (scope === 'retention' && tokens > 0 && !isPast(tokensBefore))
    return '`tokensBefore` in the past'
  if (decisions === 0 && tokens === 0 && scope !== 'subject') return 'something that was erased'
  return null
}
