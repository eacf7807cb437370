import { sha256Hex } from '../../base/digest.ts'
import { BEGIN } from '../../decide/behaviour/index.ts'
import type { LearnedVersion } from '../../model/generated/types.ts'
import type { ObservedRun, Transition } from './observed.ts'

/** How a call that was asked for ended. */
export type Ended =
  /** It could run at once. */
  | { readonly kind: 'ran' }
  /** People let it run, perhaps changed. */
  | { readonly kind: 'approved'; readonly index: number }
  /** People said no. */
  | { readonly kind: 'rejected'; readonly index: number }
  /** It was denied, or nobody answered. */
  | { readonly kind: 'refused'; readonly index: number }
  | { readonly kind: 'waiting' }
  /** What was asked is known to nobody any more. */
  | { readonly kind: 'erased' }

/** One call of a session, in the order of asking. */
export type AskedCall = {
  /** The decision's id. */
  readonly id: string
  /** Log index of the verdict. */
  readonly index: number
  readonly node: string
  /** A digest of the arguments that ran; null when they are not known. */
  readonly args: string | null
  readonly ended: Ended
}

/** What a log tells of one session. */
export type LoggedSession = {
  readonly calls: readonly AskedCall[]
  /** Everything that shows it alive: verdicts, results, resolutions. Unix milliseconds. */
  readonly signs: readonly { readonly index: number; readonly at: number }[]
}

/** How far a log was read. */
export type LogMark = {
  /** The last index that was read. */
  readonly through: number
  /** The newest time up to there, Unix milliseconds. */
  readonly newest: number
  readonly idleMs: number
}

/** What can be made of a session. */
export type Sorted =
  | { readonly kind: 'run'; readonly run: ObservedRun }
  /** Nothing new, or one that was learned and whose continuation is not learned again. */
  | { readonly kind: 'silent' | 'open' | 'refused' | 'erased' | 'known' }

/**
 * Whether a session is to be learned now. It ended when nothing had come of it for the idle time, and no call of it
 * waits; once it had ended for an earlier version it is learned no more, whatever follows under its name.
 *
 * @param marks - of the versions before, oldest first; `null` in the place of those that the file forgot
 */
export function sortSession(
  session: LoggedSession,
  now: LogMark,
  marks: readonly LogMark[],
  forgotten: boolean,
): Sorted {
  const { calls } = session
  const before = marks.at(-1)?.through ?? -1
  if (calls.length === 0) return { kind: 'silent' }
  const isNews = session.signs.some(({ index }) => index > before)
  if (wasLearned(session, marks, forgotten)) return { kind: isNews ? 'known' : 'silent' }
  // First: what was refused needs no waiting for.
  if (calls.some(({ ended }) => ended.kind === 'refused' || ended.kind === 'rejected')) {
    return { kind: isNews ? 'refused' : 'silent' }
  }
  if (!hadEnded(session, now)) return { kind: 'open' }
  if (calls.some(({ ended }) => ended.kind === 'erased')) {
    return { kind: isNews || before < 0 ? 'erased' : 'silent' }
  }
  return { kind: 'run', run: runOf(session) }
}

/**
 * The transitions that people rejected after a log index. The call that was asked for before, and the one before that ran,
 * may be two: both lead there.
 */
export function rejectionsOf({ calls }: LoggedSession, after: number): readonly Transition[] {
  let [asked, ran] = [BEGIN, BEGIN]
  const found: Transition[] = []
  for (const { node, ended } of calls) {
    if (ended.kind === 'rejected' && ended.index > after) {
      for (const from of new Set([asked, ran])) found.push({ from, to: node })
    }
    asked = node
    if (ended.kind === 'ran' || ended.kind === 'approved') ran = node
  }
  return found
}

/** The marks of one log that a baseline's versions left. */
export function marksOf(
  learned: readonly LearnedVersion[],
  log: string,
): readonly Required<Pick<LearnedVersion, 'through' | 'idle'>>[] {
  return learned.flatMap((one) =>
    one.log === log && one.through !== undefined && one.idle !== undefined
      ? [{ through: one.through, idle: one.idle }]
      : [],
  )
}

function wasLearned(
  session: LoggedSession,
  marks: readonly LogMark[],
  forgotten: boolean,
): boolean {
  const [oldest] = marks
  const began = session.signs[0]?.index ?? 0
  // What versions learned that the file does not list any more: rather nothing than twice.
  if (forgotten && oldest !== undefined && began <= oldest.through) return true
  return marks.some((mark) => hadEnded(session, mark))
}

/** Whether the session was there, and over, for whoever read the log so far. */
function hadEnded({ signs, calls }: LoggedSession, { through, newest, idleMs }: LogMark): boolean {
  const seen = signs.filter(({ index }) => index <= through)
  if (seen.length === 0 || !calls.some(({ index }) => index <= through)) return false
  const last = seen.reduce((latest, { at }) => Math.max(latest, at), 0)
  const waits = calls.some(({ index, ended }) => index <= through && endOf(index, ended) > through)
  return !waits && last <= newest - idleMs
}

/** Log index from which it is known how a call ended. */
function endOf(index: number, ended: Ended): number {
  if (ended.kind === 'waiting') return Number.POSITIVE_INFINITY
  return ended.kind === 'ran' || ended.kind === 'erased' ? index : ended.index
}

function runOf({ calls, signs }: LoggedSession): ObservedRun {
  // Not the session's own name, which its agent chose: it could choose which sessions the baseline calibrates on.
  const id = sha256Hex(calls.map((call) => call.id).join('\n'))
  const approvals = calls.flatMap(({ node, ended }, i) =>
    ended.kind === 'approved' ? [{ from: calls[i - 1]?.node ?? BEGIN, to: node }] : [],
  )
  return {
    session: {
      id,
      group: id,
      calls: calls.map(({ node, args }) => ({ node, args })),
      ended: true,
    },
    approvals,
    // By steps: a session may have more signs than a call takes arguments.
    began: signs.reduce((first, { at }) => Math.min(first, at), Number.POSITIVE_INFINITY),
    ended: signs.reduce((last, { at }) => Math.max(last, at), 0),
  }
}
