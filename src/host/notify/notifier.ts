import { setTimeout as sleep } from 'node:timers/promises'
import { PolicyError } from '../../base/errors.ts'
import { NOTICE_TRIES_MAX, NOTICES_WAITING_MAX } from '../../base/limits.ts'
import { parseSecretReference, type SecretReference } from '../../base/secret-reference.ts'
import type { CompiledNoticeTarget, CompiledPolicy } from '../../model/generated/types.ts'
import type { NoticeEvent, Notifier } from '../../model/ports.ts'
import { NoticeFailure } from './failure.ts'
import { type MailCredentials, sendMail } from './mail.ts'
import { postWebhook } from './webhook.ts'

export type NotifierSurroundings = {
  /** The policy of this moment: its targets, and the addresses of its people. */
  readonly policy: () => Pick<CompiledPolicy, 'notify' | 'people'>
  /** The value of the secret that is a webhook's URL. */
  readonly secret: (reference: SecretReference) => Promise<string>
  readonly mail: MailCredentials | null
  /** Told of each notice that was dropped, without its address. Default: a warning of the process. */
  readonly warn?: (message: string) => void
  /** Pause before the second try, in milliseconds; each later one is twice as long. Default: 1 second. */
  readonly pauseMs?: number
}

/** A notifier with queues in memory: what a process has not told when it ends is not told. */
export type QueuedNotifier = Notifier & {
  /** Resolves when nothing waits any more, and after this many milliseconds at the latest. */
  idle(withinMs: number): Promise<void>
  /** Notices that were given up since it was opened. */
  dropped(): number
}

/**
 * Tells the targets that a policy names. `notify` never throws: it resolves when every target has been told or given up
 * on. One target's trouble delays no other one.
 */
export function openNotifier(around: NotifierSurroundings): QueuedNotifier {
  const lines = new Map<string, Line>()
  const running = new Set<Promise<void>>()
  let dropped = 0
  const drop = (target: CompiledNoticeTarget, why: string): void => {
    dropped++
    const said = `a notice to ${nameOf(target)} was dropped: ${why} (${dropped} dropped so far)`
    if (around.warn === undefined) process.emitWarning(said, { code: 'COUNTERSIGN_NOTICE_DROPPED' })
    else around.warn(said)
  }
  const tell = (target: CompiledNoticeTarget, event: NoticeEvent): Promise<void> => {
    const key = nameOf(target)
    const line = lines.get(key) ?? { last: Promise.resolve(), waiting: 0 }
    lines.set(key, line)
    if (line.waiting >= NOTICES_WAITING_MAX) {
      drop(target, `${NOTICES_WAITING_MAX} wait already`)
      return Promise.resolve()
    }
    line.waiting++
    line.last = line.last
      .then(() => deliver(around, target, event))
      .catch((error) => drop(target, wordsOf(error)))
      .finally(() => {
        line.waiting--
      })
    return line.last
  }
  return {
    notify: async (event) => {
      const told = Promise.all(
        targetsOf(around.policy(), event).map((target) => tell(target, event)),
      ).then(() => undefined)
      running.add(told)
      await told.finally(() => running.delete(told))
    },
    idle: async (withinMs) => {
      if (running.size === 0) return
      const ended = new AbortController()
      const late = sleep(withinMs, undefined, { signal: ended.signal }).catch(() => undefined)
      await Promise.race([Promise.all(running), late])
      ended.abort()
    },
    dropped: () => dropped,
  }
}

/** What one target has been told so far, and how much waits. */
type Line = { last: Promise<void>; waiting: number }

/** Whom an event is for: break-glass is for everybody. */
function targetsOf(
  { notify = [] }: Pick<CompiledPolicy, 'notify'>,
  { kind, request }: NoticeEvent,
): readonly CompiledNoticeTarget[] {
  if (kind === 'break-glass') return notify
  const asked = new Set(request.routes.map(({ id }) => id))
  return notify.filter(
    ({ on, routes }) => on.includes(kind) && (routes?.some((route) => asked.has(route)) ?? true),
  )
}

/** @throws {NoticeFailure} the last one */
async function deliver(
  around: NotifierSurroundings,
  target: CompiledNoticeTarget,
  event: NoticeEvent,
): Promise<void> {
  const send = senderOf(around, target, event)
  for (let tries = 1; ; tries++) {
    try {
      return await send()
    } catch (error) {
      const failure = error instanceof NoticeFailure ? error : undefined
      if (failure?.retryable !== true || tries >= NOTICE_TRIES_MAX) throw error
      const pause = Math.min((around.pauseMs ?? PAUSE_MS) * 2 ** (tries - 1), PAUSE_MS_MAX)
      // A notice must not keep a process from ending.
      await sleep(failure.afterMs ?? pause, undefined, { ref: false })
    }
  }
}

const PAUSE_MS = 1_000
const PAUSE_MS_MAX = 60_000

function senderOf(
  around: NotifierSurroundings,
  target: CompiledNoticeTarget,
  event: NoticeEvent,
): () => Promise<void> {
  const { webhook, smtp } = target
  if (webhook !== undefined) {
    return async () => postWebhook(await urlOf(around, webhook), event)
  }
  if (smtp === undefined) return async () => undefined
  const to = new Set(
    around
      .policy()
      .people.flatMap(({ id, email }) =>
        email !== undefined && (event.people.includes(id) || event.kind === 'break-glass')
          ? [email]
          : [],
      ),
  )
  return () => sendMail(smtp, around.mail, event, to)
}

async function urlOf(around: NotifierSurroundings, webhook: string): Promise<string> {
  const reference = parseSecretReference(webhook)
  if (reference === null) throw new NoticeFailure('no reference', { retryable: false })
  try {
    return (await around.secret(reference)).trim()
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error
    throw new NoticeFailure(`its address cannot be had (${error.code})`, {
      retryable: error.retryable,
    })
  }
}

/** A target by what the policy calls it: never by its address. */
function nameOf({ webhook, smtp }: CompiledNoticeTarget): string {
  return webhook ?? (smtp === undefined ? 'nobody' : `mail server ${smtp.host}:${smtp.port}`)
}

function wordsOf(error: unknown): string {
  // Any other error may quote what it was about.
  return error instanceof NoticeFailure ? error.message : 'an unexpected failure'
}
