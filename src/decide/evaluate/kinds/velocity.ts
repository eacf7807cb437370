import { countAttempts } from '../attempts.ts'
import type { Facts } from '../facts.ts'
import { compileBy, countingBucket } from '../facts.ts'
import { VELOCITY_LIMIT_MAX } from '../limits.ts'
import { own, ownDuration, ownInteger, ownText } from '../settings.ts'
import type { Moment } from '../state.ts'
import type { Kind } from './kind.ts'

/** Too many attempts in a sliding window. Every attempt counts, a denied one too. State: as `countAttempts` keeps it. */
export const velocity: Kind = {
  name: 'velocity',
  compile(rule) {
    const limit = ownInteger(rule, rule.spec, 'limit', { min: 1, max: VELOCITY_LIMIT_MAX })
    const per = ownText(rule, rule.spec, 'per')
    const perMs = ownDuration(rule, rule.spec, 'per')
    const by = compileBy(rule, own(rule.spec, 'by'))
    const prefix = `v/${rule.id}/`
    const count = (facts: Facts, moment: Moment) =>
      countAttempts(moment, prefix + countingBucket(facts, by), { limit, perMs })
    return {
      watch: null,
      stateKeys: (facts) => [prefix + countingBucket(facts, by)],
      explain: (facts, moment) => ({ attempts: count(facts, moment).attempts, limit, per }),
      judge(facts, moment) {
        const { attempts, write } = count(facts, moment)
        const writes = [write]
        if (attempts <= limit) return { found: null, writes }
        const message = `More than ${limit} attempts within ${per}.`
        return { found: { message, evidence: { limit, per, by: by.texts } }, writes }
      },
    }
  },
}
