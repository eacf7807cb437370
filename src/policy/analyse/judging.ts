import type { HmacKey } from '../../base/digest.ts'
import { hmacKey, sha256Text } from '../../base/digest.ts'
import type { LoadedPolicy } from '../../decide/evaluate/index.ts'
import { evaluate, stateKeys } from '../../decide/evaluate/index.ts'
import type { Evaluation, JudgedAction, StateEntry, StateSlice } from '../../model/nouns.ts'

/**
 * Keys the HMACs in state and evidence of tests and replays. It is public and never changes, so that the same trace
 * gives the same bytes anywhere; an engine's own key is secret and another.
 */
export const REPLAY_KEY: HmacKey = hmacKey(sha256Text('countersign replay key v1'))

/** When tests and replays start, in Unix milliseconds: 2026-01-01T00:00:00Z. */
export const REPLAY_EPOCH = Date.UTC(2026, 0, 1)

/** Time from one step to the next, in milliseconds, where nothing else is said. */
export const REPLAY_STEP_MS = 1000

/** Judges actions one after another, in one state that lives in memory. */
export type Bench = {
  judge(action: JudgedAction, now: number): Evaluation
  /** Forgets everything. */
  reset(): void
}

export function createBench(policy: LoadedPolicy): Bench {
  const state = new Map<string, StateEntry>()
  let sweepAt = SWEEP_ENTRIES
  return {
    judge(action, now) {
      const slice = sliceOf(state, stateKeys(policy, action, REPLAY_KEY))
      const evaluation = evaluate(policy, { action, state: slice, now, key: REPLAY_KEY })
      for (const [key, entry] of Object.entries(evaluation.state)) state.set(key, entry)
      if (state.size > sweepAt) sweepAt = sweep(state, now)
      return evaluation
    },
    reset: () => state.clear(),
  }
}

const SWEEP_ENTRIES = 100_000

function sliceOf(state: ReadonlyMap<string, StateEntry>, keys: readonly string[]): StateSlice {
  const slice: Record<string, StateEntry> = {}
  for (const key of keys) {
    const entry = state.get(key)
    if (entry !== undefined) slice[key] = entry
  }
  return slice
}

/** Drops what may be forgotten, which no verdict can tell. @returns the size at which to look again */
function sweep(state: Map<string, StateEntry>, now: number): number {
  for (const [key, { until }] of state) if (until <= now) state.delete(key)
  return Math.max(SWEEP_ENTRIES, state.size * 2)
}
