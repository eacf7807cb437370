import type { CompiledBaselineEntry } from '../../model/generated/types.ts'
import type { Baseline } from './baseline.ts'

/** A baseline of a loaded policy. */
export type PublishedBaseline = {
  readonly agent: string
  /** Null for every fingerprint of the agent that has no baseline of its own. */
  readonly fingerprint: string | null
  readonly version: number
  /** False in shadow: findings are reported and decide nothing. */
  readonly enforced: boolean
  readonly baseline: Baseline
}

/** Whether a baseline has left shadow: by its owner's word, or because it has settled. */
export function isEnforced({
  mode,
  settled,
}: Pick<CompiledBaselineEntry, 'mode' | 'settled'>): boolean {
  return mode === 'enforce' || (mode === 'auto' && settled)
}
