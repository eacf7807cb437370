import type { JsonValue } from '../../../base/json-value.ts'
import type { Facts } from '../facts.ts'
import { compileBy, countingBucket } from '../facts.ts'
import { VELOCITY_LIMIT_MAX } from '../limits.ts'
import { own, ownDuration, ownInteger, ownText } from '../settings.ts'
import type { Moment } from '../state.ts'
import { isTime, readState, withoutLeftOut } from '../state.ts'
import type { Kind } from './kind.ts'

/**
 * Too many attempts in a sliding window. Every attempt counts, a denied one too. State: the times of the newest
 * attempts, at most one more than `limit`, so that the count stays right when one is left out. A clock that goes back stands still here.
 */
export const velocity: Kind = {
  name: 'velocity',
  compile(rule) {
    const limit = ownInteger(rule, rule.spec, 'limit', { min: 1, max: VELOCITY_LIMIT_MAX })
    const per = ownText(rule, rule.spec, 'per')
    const perMs = ownDuration(rule, rule.spec, 'per')
    const by = compileBy(rule, own(rule.spec, 'by'))
    const prefix = `v/${rule.id}/`
    const count = (facts: Facts, moment: Moment) => {
      const key = prefix + countingBucket(facts, by)
      const times = readState(moment, key, isTimes) ?? []
      const at = Math.max(moment.now, times.at(-1) ?? 0)
      const recent = withoutLeftOut(times, moment, (time) => time).filter(
        // By the clock of this moment: a time from the future, damaged or not, makes no other one old.
        (time) => moment.now - time < perMs,
      )
      return { key, at, recent, attempts: recent.length + 1 }
    }
    return {
      watch: null,
      stateKeys: (facts) => [prefix + countingBucket(facts, by)],
      explain: (facts, moment) => ({ attempts: count(facts, moment).attempts, limit, per }),
      judge(facts, moment) {
        const { key, at, recent, attempts } = count(facts, moment)
        const value = [...recent, at].slice(-limit - 1)
        const writes = [{ key, entry: { value, until: at + perMs } }]
        if (attempts <= limit) return { found: null, writes }
        const message = `More than ${limit} attempts within ${per}.`
        return { found: { message, evidence: { limit, per, by: by.texts } }, writes }
      },
    }
  },
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
