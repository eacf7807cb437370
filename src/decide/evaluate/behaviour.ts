import { PolicyError } from '../../base/errors.ts'
import type { JsonObject } from '../../base/json-value.ts'
import type { BehaviourChannel, BehaviourScore, StateSlice } from '../../model/nouns.ts'
import type { CallScore } from '../behaviour/baseline.ts'
import { lowerBound, rarity, scoreOf } from '../behaviour/calibrate.ts'
import { CHANNELS } from '../behaviour/channels.ts'
import { nodeOf } from '../behaviour/node.ts'
import type { PublishedBaseline } from '../behaviour/published.ts'
import type { Running } from '../behaviour/running.ts'
import { advanceSession, isRunningState } from '../behaviour/running.ts'
import { callDigest } from './call-digest.ts'
import type { Facts } from './facts.ts'
import { shortDigest } from './facts.ts'
import type { Found } from './kinds/kind.ts'
import { SESSION_MEMORY_MS } from './limits.ts'
import type { LoadedPolicy, Selection } from './policy.ts'
import type { Moment, Write } from './state.ts'
import { readState } from './state.ts'

/** What is known of how a session behaves, up to and with one call. */
export type Behaviour =
  /** The agent has no baseline, or this is no call: nobody scored it. */
  | { readonly kind: 'none' }
  /** The agent has baselines, but none yet for this fingerprint, which its file approves: it is learned anew. */
  | { readonly kind: 'unknown' }
  /** What was remembered of the session cannot be read. */
  | { readonly kind: 'damaged' }
  | Scored

export type Scored = {
  readonly kind: 'scored'
  readonly published: PublishedBaseline
  readonly call: CallScore
  readonly score: BehaviourScore
}

export const NOT_SCORED: Behaviour = { kind: 'none' }

/** Scores a call against the baseline of its agent, and says what to remember of the session. */
export function judgeBehaviour(
  loaded: Pick<LoadedPolicy, 'baselineOf' | 'scoresEdges'>,
  { agent }: Pick<Selection, 'agent'>,
  facts: Facts,
  moment: Moment,
): { readonly behaviour: Behaviour; readonly writes: readonly Write[] } {
  const published = publishedFor(loaded, facts)
  if (published === null) return { behaviour: NOT_SCORED, writes: [] }
  if (published === 'unknown') {
    // The caller says what its fingerprint is: an invented one must not get it out of being scored.
    const approved = agent?.fingerprints.has(facts.action.fingerprint ?? '') === true
    return { behaviour: approved ? { kind: 'unknown' } : NOT_SCORED, writes: [] }
  }
  const key = behaviourKey(facts)
  let before: ReturnType<typeof readBefore>
  try {
    before = readBefore(moment, key)
  } catch {
    return { behaviour: { kind: 'damaged' }, writes: [] }
  }
  const { service, action } = facts.action
  const one = { node: nodeOf(service, action), args: callDigest(facts, 'arguments') }
  const priority = loaded.scoresEdges ? facts.target.priority : null
  const running = advanceSession(published.baseline, before, one, priority)
  const behaviour: Behaviour = {
    kind: 'scored',
    published,
    call: running.call,
    score: scoreCall(published, running),
  }
  const entry = { value: running.state, until: moment.now + SESSION_MEMORY_MS }
  return { behaviour, writes: [{ key, entry }] }
}

/** The state keys of a session's behaviour: none when nothing scores it. */
export function behaviourKeys(
  loaded: Pick<LoadedPolicy, 'baselineOf'>,
  facts: Facts,
): readonly string[] {
  const published = publishedFor(loaded, facts)
  return published === null || published === 'unknown' ? [] : [behaviourKey(facts)]
}

/**
 * State in which sessions are remembered as they were when a call was asked for. The call is scored where it stood in
 * its session, however far that has gone while people looked at it.
 */
export function behaviourAsAsked({
  current,
  asked,
  now,
}: {
  readonly current: StateSlice
  readonly asked: StateSlice
  readonly now: number
}): StateSlice {
  const others = Object.entries(current).filter(([key]) => !key.startsWith(PREFIX))
  const then = Object.entries(asked)
    .filter(([key]) => key.startsWith(PREFIX))
    .map(([key, { value, until }]) => [key, { value, until: Math.max(until, now + 1) }] as const)
  return Object.fromEntries([...others, ...then])
}

const PREFIX = 'b/'

/**
 * The score that a rule may rely on; null when nobody scored the action.
 *
 * @throws {PolicyError} STATE_INVALID when what was remembered of the session is damaged
 */
export function scoredOf({ behaviour }: Facts): Scored | null {
  if (behaviour.kind === 'scored') return behaviour
  if (behaviour.kind !== 'damaged') return null
  throw new PolicyError('STATE_INVALID', 'expected what was remembered of the session')
}

/**
 * What a rule that demands a score says when there is none. Of an agent that has baselines, but none for the approved
 * fingerprint of this call, it only reports: such an agent is learned anew.
 */
export function scoreMissing({ behaviour }: Facts): Found {
  if (behaviour.kind !== 'unknown') {
    return {
      message: 'The rule demands a behaviour score, and nobody scored the action.',
      evidence: { score: 'missing' },
    }
  }
  return {
    message: 'No baseline knows this fingerprint of the agent yet.',
    evidence: { score: 'missing', baseline: 'shadow' },
    shadow: true,
  }
}

/** A finding by the score: says the step and what is usual beside what the rule says, and only reports in shadow. */
export function foundBy(scored: Scored, message: string, evidence: JsonObject): Found {
  return {
    message,
    evidence: { ...evidence, ...evidenceOf(scored) },
    ...(scored.published.enforced ? {} : { shadow: true as const }),
  }
}

function evidenceOf({ published, call }: Scored): JsonObject {
  const { sums } = published.baseline.calibration
  return {
    baseline: published.enforced
      ? `version ${published.version}`
      : `version ${published.version}, shadow`,
    from: call.from,
    to: call.to,
    // What has decayed counts in part.
    seen: round(call.seen),
    surprisal_bits: round(call.surprisal),
    expected_bits: round(call.entropy),
    odder_sessions: sums.length - lowerBound(sums, call.total),
    calibration_sessions: sums.length,
    ...(call.missing === null ? {} : { missing: call.missing }),
  }
}

/**
 * What Rego packages read as `input.state.behaviour`. Without a score its numbers are absent, so that what asks for
 * them is undefined.
 *
 * @throws {PolicyError} STATE_INVALID when what was remembered of the session is damaged
 */
export function behaviourInput(facts: Facts): JsonObject {
  const scored = scoredOf(facts)
  if (scored === null) return { baseline: facts.behaviour.kind === 'unknown' ? 'shadow' : 'none' }
  const { published, score } = scored
  return {
    baseline: published.enforced ? 'enforced' : 'shadow',
    version: published.version,
    markov_score: score.markov_score,
    entropy_bits: score.entropy_bits,
    burst: score.burst,
    rejected: score.rejected,
    channels: { ...score.channels },
  }
}

/** The channels, oddest first; of equally odd ones in their own order. */
export function oddestChannels({ channels }: BehaviourScore): readonly BehaviourChannel[] {
  return [...CHANNELS].sort((a, b) => channels[b] - channels[a])
}

function publishedFor(
  loaded: Pick<LoadedPolicy, 'baselineOf'>,
  { action, target }: Facts,
): ReturnType<LoadedPolicy['baselineOf']> {
  return target.phase === 'call' ? loaded.baselineOf(action) : null
}

function readBefore(moment: Moment, key: string) {
  return readState(moment, key, isRunningState)
}

function behaviourKey({ action, key }: Facts): string {
  const { agent, fingerprint, session } = action
  const text = JSON.stringify(['session', agent, fingerprint, session])
  return `${PREFIX}${shortDigest(key, text, 16)}`
}

function scoreCall(
  { baseline }: PublishedBaseline,
  { call, burst, edge }: Running,
): BehaviourScore {
  const channels = Object.fromEntries(
    CHANNELS.map((channel) => [
      channel,
      round(rarity(baseline.meters[channel], call.channels[channel])),
    ]),
  ) as BehaviourScore['channels']
  return {
    markov_score: call.rejected ? 1 : scoreOf(baseline.calibration.sums, call.total),
    entropy_bits: round(call.entropy),
    burst,
    edge:
      edge === null
        ? null
        : { run: edge.run, z: Number.isFinite(edge.z) ? edge.z : null, order: edge.order },
    rejected: call.rejected,
    channels,
  }
}

/** To thousandths, for people; what is compared with a bound was rounded before. */
function round(bits: number): number {
  return Math.round(bits * 1000) / 1000
}
