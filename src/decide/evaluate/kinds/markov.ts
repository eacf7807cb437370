import type { JsonObject } from '../../../base/json-value.ts'
import type { CompiledRule } from '../../../model/generated/types.ts'
import type { BehaviourChannel, EdgeScore } from '../../../model/nouns.ts'
import { CHANNELS } from '../../behaviour/channels.ts'
import { nearestPath } from '../../behaviour/nearest-path.ts'
import type { Scored } from '../behaviour.ts'
import { foundBy, oddestChannels, scoredOf, scoreMissing } from '../behaviour.ts'
import { invalid, own, ownInteger, ownNumber, ownTexts } from '../settings.ts'
import type { CompiledKind, Found, Kind } from './kind.ts'
import { STATELESS } from './kind.ts'

/**
 * A session that behaves unlike its baseline, or a step that people have rejected. By `channels`: a score from
 * `min_score` on, with `burst` calls above the baseline's threshold in a row; at high and critical priority no burst is
 * waited for. By `edges`: the same transition odd by its own statistics, `burst` passages in a row.
 */
export const markov: Kind = {
  name: 'markov',
  compile(rule) {
    const method = own(rule.spec, 'method') ?? 'channels'
    if (method === 'edges') return byEdges(rule)
    if (method !== 'channels') throw invalid(rule, 'expected method to be channels or edges')
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
        const scored = scoredOf(facts)
        if (scored === null) return { found: scoreMissing(facts), writes: [] }
        const { score } = scored
        const { priority } = facts.target
        const needed = priority === 'high' || priority === 'critical' ? 1 : burst
        // A single call needs no burst: the rule's own bound may be lower than the baseline's.
        const lasts = needed === 1 || score.burst >= needed
        const oddest = oddestChannels(score)
        const [reason = 'markov'] = oddest
        const named = oddest.some(
          (channel) => score.channels[channel] === score.channels[reason] && channels.has(channel),
        )
        const odd = score.markov_score >= minScore && lasts && named
        if (!odd && !score.rejected) return { found: null, writes: [] }
        return {
          found: odd ? foundOdd(scored, { minScore, reason }) : foundRejected(scored),
          writes: [],
        }
      },
    }
  },
}

function byEdges(rule: CompiledRule): CompiledKind {
  const burst =
    own(rule.spec, 'burst') === undefined
      ? EDGE_BURST
      : ownInteger(rule, rule.spec, 'burst', { min: 1, max: 10 })
  return {
    ...STATELESS,
    judge(facts) {
      const scored = scoredOf(facts)
      if (scored === null) return { found: scoreMissing(facts), writes: [] }
      const { edge, rejected } = scored.score
      if (edge === null) return { found: scoreMissing(facts), writes: [] }
      if (edge.run >= burst) return { found: foundEdge(scored, edge), writes: [] }
      return { found: rejected ? foundRejected(scored) : null, writes: [] }
    },
  }
}

const EDGE_BURST = 2

function foundEdge(scored: Scored, { run, z, order }: EdgeScore): Found {
  const message =
    z === null
      ? 'The session makes a transition that was never seen, again and again.'
      : 'The session makes a transition that is odd by its own statistics, again and again.'
  return foundBy(scored, message, { run, z: z ?? 'never seen', order, ...pathOf(scored) })
}

function foundOdd(
  scored: Scored,
  { minScore, reason }: { readonly minScore: number; readonly reason: BehaviourChannel },
): Found {
  const { score } = scored
  return foundBy(scored, `The session behaves unlike its baseline: ${WHY[reason]}.`, {
    min_score: minScore,
    score: score.markov_score,
    channel: reason,
    bits: score.channels[reason],
    burst: score.burst,
    ...pathOf(scored),
  })
}

function foundRejected(scored: Scored): Found {
  const message = 'People have rejected this step, and no learned session made it.'
  return foundBy(scored, message, { rejected: true })
}

function pathOf({ published, call }: Scored): JsonObject {
  return { normal_path: nearestPath(published.baseline.chain, call) }
}

const WHY: Readonly<Record<BehaviourChannel, string>> = {
  markov: 'its steps are unlikely',
  novelty: 'it takes steps that were never seen',
  repeat: 'it repeats a step too often',
  precede: 'a step lacks the one that comes before it',
  service: 'it calls a service that was never called',
  duplicate: 'it makes the same call too often',
  trigram: 'too many of its steps follow each other as never before',
}
