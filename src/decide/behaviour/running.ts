import type { JsonValue } from '../../base/json-value.ts'
import type { Priority } from '../../model/generated/types.ts'
import type { Baseline, CallScore } from './baseline.ts'
import { scored } from './baseline.ts'
import type { Progress } from './channels.ts'
import { knownId, newProgress, nodeName, observe } from './channels.ts'
import type { LiteralScore, LiteralState } from './edges.ts'
import { EDGES_REMEMBERED_MAX, literalStep } from './edges.ts'
import { CALLS_REMEMBERED_MAX, SEEN_MAX } from './limits.ts'
import type { ObservedCall } from './session.ts'

/** A session that goes on, one call further. */
export type Running = {
  readonly call: CallScore
  /** Calls in a row, this one included, above the baseline's threshold. */
  readonly burst: number
  /** What the literal rule says of the transition; null where nobody asks. */
  readonly edge: LiteralScore | null
  /** What to remember of the session: JSON of at most two levels, bounded, with nodes by name. */
  readonly state: JsonValue
}

/**
 * Scores the next call of a session.
 *
 * @param state - what the last step gave, as `isRunningState` found it; null at the first call
 * @param edges - the priority by which the literal rule judges the transition; null to leave it out
 */
export function advanceSession(
  baseline: Baseline,
  state: RunningState | null,
  { node, args }: ObservedCall,
  edges: Priority | null = null,
): Running {
  const { chain } = baseline
  const { progress, burst, calls } = restore(baseline, state)
  const duplicate = args !== null && calls.includes(args)
  const call = scored(baseline, observe(chain, progress, { node, duplicate }))
  const above = call.total > baseline.threshold ? burst + 1 : 0
  const edge =
    edges === null ? null : literalStep(chain, literalState(state), { ...call, priority: edges })
  const remembered = args === null || duplicate ? calls : [...calls, args]
  const names = (ids: Iterable<number>): string[] =>
    [...ids].map((id) => nodeName(chain, progress, id))
  return {
    call,
    burst: above,
    edge,
    state: [
      [
        progress.calls,
        progress.markov,
        progress.novelty,
        progress.unseen,
        progress.duplicates,
        above,
      ],
      [...progress.lengths],
      names(progress.recent),
      names(progress.seen).slice(0, SEEN_MAX),
      remembered.slice(-CALLS_REMEMBERED_MAX),
      (edge?.state ?? []).map(([name]) => name),
      (edge?.state ?? []).map(([, run]) => run),
    ],
  }
}

/** What is remembered of a session: its numbers, its runs, its newest nodes, all its nodes, its calls, odd edges. */
export type RunningState = readonly [
  numbers: readonly number[],
  lengths: readonly number[],
  recent: readonly string[],
  seen: readonly string[],
  calls: readonly string[],
  edges: readonly string[],
  edgeRuns: readonly number[],
]

/** Whether a value has the form that `advanceSession` gives. */
export function isRunningState(value: JsonValue): value is JsonValue & RunningState {
  if (!Array.isArray(value) || value.length !== 7) return false
  const [numbers, lengths, recent, seen, calls, edges, runs] = value as readonly unknown[]
  return (
    isNumbers(numbers, 6) &&
    isNumbers(lengths, 3) &&
    isTexts(recent, 3) &&
    isTexts(seen, SEEN_MAX) &&
    isTexts(calls, CALLS_REMEMBERED_MAX) &&
    isTexts(edges, EDGES_REMEMBERED_MAX) &&
    isNumbers(runs, edges.length)
  )
}

function restore(
  { chain }: Baseline,
  state: RunningState | null,
): { readonly progress: Progress; readonly burst: number; readonly calls: readonly string[] } {
  const progress = newProgress()
  if (state === null) return { progress, burst: 0, calls: [] }
  const [[calls = 0, markov = 0, novelty = 0, unseen = 0, duplicates = 0, burst = 0]] = state
  const [, lengths, recent, seen, known] = state
  Object.assign(progress, { calls, markov, novelty, unseen, duplicates })
  lengths.forEach((length, i) => {
    progress.lengths[i] = length
  })
  // The newest first: of too many strangers those that repeat are told apart.
  for (const node of recent) progress.recent.push(knownId(chain, progress, node))
  for (const node of seen) progress.seen.add(knownId(chain, progress, node))
  return { progress, burst, calls: known }
}

function literalState(state: RunningState | null): LiteralState {
  if (state === null) return []
  const [, , , , , edges, runs] = state
  return edges.map((edge, i) => [edge, runs[i] ?? 0])
}

function isNumbers(value: unknown, length: number): boolean {
  return (
    Array.isArray(value) &&
    value.length === length &&
    value.every((one) => typeof one === 'number' && one >= 0 && Number.isFinite(one))
  )
}

function isTexts(value: unknown, lengthMax: number): value is readonly string[] {
  return (
    Array.isArray(value) &&
    value.length <= lengthMax &&
    value.every((one) => typeof one === 'string')
  )
}
