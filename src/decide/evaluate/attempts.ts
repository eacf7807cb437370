import type { JsonValue } from '../../base/json-value.ts'
import { VELOCITY_LIMIT_MAX } from './limits.ts'
import type { Moment, Write } from './state.ts'
import { isTime, readState, withoutLeftOut } from './state.ts'

/**
 * The attempts under a key within a sliding window, this one included, and what to write down. State: the times of the
 * newest attempts, at most one more than `limit`, so that the count stays right when one is left out. A clock that goes
 * back stands still here.
 *
 * @throws {PolicyError} STATE_INVALID
 */
export function countAttempts(
  moment: Moment,
  key: string,
  { limit, perMs }: { readonly limit: number; readonly perMs: number },
): { readonly attempts: number; readonly write: Write } {
  const times = readState(moment, key, isTimes) ?? []
  const at = Math.max(moment.now, times.at(-1) ?? 0)
  const recent = withoutLeftOut(times, moment, (time) => time).filter(
    // By the clock of this moment: a time from the future, damaged or not, makes no other one old.
    (time) => moment.now - time < perMs,
  )
  const value = [...recent, at].slice(-limit - 1)
  return { attempts: recent.length + 1, write: { key, entry: { value, until: at + perMs } } }
}

function isTimes(value: JsonValue): value is readonly number[] {
  if (!Array.isArray(value) || value.length > VELOCITY_LIMIT_MAX + 1) return false
  let last = 0
  for (const time of value as readonly unknown[]) {
    if (!isTime(time) || time < last) return false
    last = time
  }
  return true
}
