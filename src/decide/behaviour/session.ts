import { sha256Text } from '../../base/digest.ts'
import { encodeHex } from '../../base/encoding.ts'
import { CALLS_LEARNED_MAX } from './limits.ts'
import { END } from './node.ts'

/** One call as the chain sees it. */
export type ObservedCall = {
  /** As `nodeOf` writes it. */
  readonly node: string
  /** A digest of the arguments; null when they are not known, and then no call equals this one. */
  readonly args: string | null
}

/** What an agent did in one session. */
export type ObservedSession = {
  readonly id: string
  /** Sessions of one group, such as runs of one task, are held out together in calibration. Else the id. */
  readonly group: string
  readonly calls: readonly ObservedCall[]
  /** Whether the last call is known to be the last. */
  readonly ended: boolean
}

/** A session without its arguments: for each call its node and whether it repeats an earlier one exactly. */
export type Trail = {
  /** 32 hexadecimal digits that stand for the session: of SHA-256. */
  readonly digest: string
  /** 16 hexadecimal digits that stand for its group. */
  readonly group: string
  readonly ended: boolean
  /** Whether the arguments of some call are known, so that an equal one would show. */
  readonly compared: boolean
  readonly steps: readonly Step[]
}

export type Step = { readonly node: string; readonly duplicate: boolean }

/**
 * What is learned of a session: at most the first `CALLS_LEARNED_MAX` calls. A call is a duplicate when an earlier
 * one of the session has the same node and the same arguments.
 */
export function trailOf({ id, group, calls, ended }: ObservedSession): Trail {
  const seen = new Set<string>()
  const steps = calls.slice(0, CALLS_LEARNED_MAX).map(({ node, args }) => {
    const call = args === null ? null : `${node} ${args}`
    const duplicate = call !== null && seen.has(call)
    if (call !== null) seen.add(call)
    return { node, duplicate }
  })
  const whole = ended && steps.length === calls.length
  const text = JSON.stringify([
    id,
    whole,
    seen.size > 0,
    steps.map((step) => [step.node, step.duplicate]),
  ])
  return {
    digest: encodeHex(sha256Text(text).subarray(0, 16)),
    group: encodeHex(sha256Text(JSON.stringify(['group', group])).subarray(0, 8)),
    ended: whole,
    compared: seen.size > 0,
    steps,
  }
}

/** The steps of a session, and its end where that is known. */
export function withEnd({ steps, ended }: Pick<Trail, 'steps' | 'ended'>): readonly Step[] {
  return ended ? [...steps, { node: END, duplicate: false }] : steps
}
