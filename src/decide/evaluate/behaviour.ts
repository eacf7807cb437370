import { PolicyError } from '../../base/errors.ts'
import type { BehaviourChannel, BehaviourScore } from '../../model/nouns.ts'
import type { Facts } from './facts.ts'
import type { Found } from './kinds/kind.ts'
import { ENTROPY_BITS_MAX } from './limits.ts'
import { isObject, own } from './settings.ts'

/** The channels of a score; of equally odd ones the first names the reason. */
export const CHANNELS: readonly BehaviourChannel[] = ['markov', 'novelty', 'repeat', 'precede']

/**
 * The behaviour score of an action, checked; null when nobody scored it.
 *
 * @throws {PolicyError} STATE_INVALID when a part of it is missing, no number, or out of its bounds
 */
export function checkedScore({ behaviour }: Facts): BehaviourScore | null {
  const score: unknown = behaviour
  if (score === null) return null
  if (isScore(score)) return score
  throw new PolicyError('STATE_INVALID', 'expected a behaviour score with numbers in their bounds')
}

/** What a rule that demands a score says when there is none. */
export const SCORE_MISSING: Found = {
  message: 'The rule demands a behaviour score, and nobody scored the action.',
  evidence: { score: 'missing' },
}

function isScore(score: unknown): score is BehaviourScore {
  if (!isObject(score)) return false
  const channels = own(score, 'channels')
  const burst = own(score, 'burst')
  return (
    isWithin(own(score, 'markov_score'), 1) &&
    isWithin(own(score, 'entropy_bits'), ENTROPY_BITS_MAX) &&
    isWithin(burst, Number.MAX_SAFE_INTEGER) &&
    Number.isSafeInteger(burst) &&
    isObject(channels) &&
    CHANNELS.every((channel) => isWithin(own(channels, channel), Number.MAX_VALUE))
  )
}

// NaN and infinity are within no bounds.
function isWithin(value: unknown, max: number): boolean {
  return typeof value === 'number' && value >= 0 && value <= max
}
