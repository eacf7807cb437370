import type { BehaviourChannel, BehaviourScore } from '../../../model/nouns.ts'
import { CHANNELS, checkedScore, SCORE_MISSING } from '../behaviour.ts'
import { invalid, own, ownInteger, ownNumber, ownTexts } from '../settings.ts'
import type { Kind } from './kind.ts'
import { STATELESS } from './kind.ts'

/**
 * A session that behaves unlike its baseline: a score from `min_score` on, with `burst` calls above the baseline's
 * threshold in a row. At high and critical priority no burst is waited for.
 */
export const markov: Kind = {
  name: 'markov',
  compile(rule) {
    const minScore = ownNumber(rule, rule.spec, 'min_score', { min: 0, max: 1 })
    const burst =
      own(rule.spec, 'burst') === undefined
        ? 1
        : ownInteger(rule, rule.spec, 'burst', { min: 1, max: 10 })
    const channels = new Set<string>(ownTexts(rule, rule.spec, 'channels') ?? CHANNELS)
    if ([...channels].some((channel) => !CHANNELS.some((known) => known === channel))) {
      throw invalid(rule, `expected channels to be some of ${CHANNELS.join(', ')}`)
    }
    return {
      ...STATELESS,
      judge(facts) {
        const score = checkedScore(facts)
        if (score === null) return { found: SCORE_MISSING, writes: [] }
        const { priority } = facts.target
        const needed = priority === 'high' || priority === 'critical' ? 1 : burst
        // A single call needs no burst: the rule's own bound may be lower than the baseline's.
        const lasts = needed === 1 || score.burst >= needed
        const oddest = oddestOf(score)
        const [reason = 'markov'] = oddest
        const named = oddest.some((channel) => channels.has(channel))
        if (score.markov_score < minScore || !lasts || !named) return { found: null, writes: [] }
        const evidence = {
          min_score: minScore,
          score: score.markov_score,
          channel: reason,
          bits: score.channels[reason],
          burst: score.burst,
        }
        return {
          found: { message: `The session behaves unlike its baseline: ${WHY[reason]}.`, evidence },
          writes: [],
        }
      },
    }
  },
}

const WHY: Readonly<Record<BehaviourChannel, string>> = {
  markov: 'its steps are unlikely',
  novelty: 'it takes steps that were never seen',
  repeat: 'it repeats a step too often',
  precede: 'a step lacks the one that comes before it',
}

/** The channels with the most bits: several when they are equally odd. */
function oddestOf({ channels }: BehaviourScore): readonly BehaviourChannel[] {
  const most = Math.max(...CHANNELS.map((channel) => channels[channel]))
  return CHANNELS.filter((channel) => channels[channel] === most)
}
