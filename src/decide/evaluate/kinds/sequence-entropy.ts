import { foundBy, scoredOf, scoreMissing } from '../behaviour.ts'
import { ENTROPY_BITS_MAX } from '../limits.ts'
import { loadError, own, ownNumber } from '../settings.ts'
import type { Kind } from './kind.ts'
import { STATELESS } from './kind.ts'

/** A sequence of actions that is too hard or too easy to foretell: a finding when every bound that is given is met. */
export const sequenceEntropy: Kind = {
  name: 'sequence_entropy',
  compile(rule) {
    const bound = (name: string, max: number): number | null =>
      own(rule.spec, name) === undefined ? null : ownNumber(rule, rule.spec, name, { min: 0, max })
    const above = bound('above_bits', ENTROPY_BITS_MAX)
    const below = bound('below_bits', ENTROPY_BITS_MAX)
    const minScore = bound('min_markov_anomaly_score', 1)
    if (above === null && below === null && minScore === null) {
      throw loadError('KEY_MISSING', rule, 'expected a bound on the entropy or on the score')
    }
    const bounds = {
      ...(above === null ? {} : { above_bits: above }),
      ...(below === null ? {} : { below_bits: below }),
      ...(minScore === null ? {} : { min_markov_anomaly_score: minScore }),
    }
    return {
      ...STATELESS,
      judge(facts) {
        const scored = scoredOf(facts)
        if (scored === null) return { found: scoreMissing(facts), writes: [] }
        const { entropy_bits: bits, markov_score: anomaly } = scored.score
        const met =
          (above === null || bits > above) &&
          (below === null || bits < below) &&
          (minScore === null || anomaly >= minScore)
        if (!met) return { found: null, writes: [] }
        return {
          found: foundBy(scored, 'The sequence of actions is outside its bounds.', {
            ...bounds,
            entropy_bits: bits,
            markov_score: anomaly,
          }),
          writes: [],
        }
      },
    }
  },
}
