import { PolicyError } from '../../base/errors.ts'
import type { JsonValue } from '../../base/json-value.ts'
import type { StateEntry, StateSlice } from '../../model/nouns.ts'
import { TIME_MS_MAX } from './limits.ts'

/** The state that was read, and the time of the action. Times are Unix milliseconds. */
export type Moment = {
  readonly state: StateSlice
  readonly now: number
  /** When an earlier attempt was made that must not count: a request's own, when it resolves. */
  readonly leaveOut: number | null
}

/** One state entry to write. */
export type Write = { readonly key: string; readonly entry: StateEntry }

/**
 * The value under a key, checked; null when there is none, or when it may be forgotten by now: a store that has
 * swept it and one that has not give the same verdict.
 *
 * @throws {PolicyError} STATE_INVALID when the entry is of another shape: nothing can be counted on it
 */
export function readState<T extends JsonValue>(
  moment: Moment,
  key: string,
  isShape: (value: JsonValue) => value is T,
): T | null {
  if (!Object.hasOwn(moment.state, key)) return null
  const entry: unknown = moment.state[key]
  if (!isEntry(entry) || !isShape(entry.value)) {
    throw new PolicyError('STATE_INVALID', 'expected the state that this rule wrote, found another')
  }
  return entry.until <= moment.now ? null : entry.value
}

/** Whether a value is a time in Unix milliseconds. */
export function isTime(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= TIME_MS_MAX
}

/** The list without the one attempt that is left out, if it holds it: the newest of its time. */
export function withoutLeftOut<T>(
  attempts: readonly T[],
  { leaveOut }: Moment,
  timeOf: (attempt: T) => number,
): readonly T[] {
  if (leaveOut === null) return attempts
  const index = attempts.findLastIndex((attempt) => timeOf(attempt) === leaveOut)
  return index < 0 ? attempts : attempts.toSpliced(index, 1)
}

/** Whether writing would change nothing. */
export function isUnchanged(state: StateSlice, { key, entry }: Write): boolean {
  if (!Object.hasOwn(state, key)) return false
  const before = state[key]
  return before !== undefined && before.until === entry.until && isSame(before.value, entry.value)
}

function isEntry(value: unknown): value is StateEntry {
  return (
    typeof value === 'object' &&
    value !== null &&
    Object.hasOwn(value, 'value') &&
    Object.hasOwn(value, 'until') &&
    Number.isSafeInteger((value as StateEntry).until)
  )
}

// State values are scalars and arrays of such, at most two deep.
function isSame(a: JsonValue, b: JsonValue): boolean {
  if (a === b) return true
  if (!Array.isArray(a) || !Array.isArray(b) || a.length !== b.length) return false
  return a.every((member, i) => isSame(member as JsonValue, b[i] as JsonValue))
}
