import { parseDuration } from '../../base/duration.ts'
import { PolicyError } from '../../base/errors.ts'
import type { RequestRecord, UnfinishedRequest } from '../../model/ports.ts'
import { askAllOverdue } from '../engine/custody-take.ts'
import type { WaitOptions } from '../engine/engine.ts'
import type { Parts } from '../engine/parts.ts'
import { endOverdue, findRequest } from '../engine/resolve.ts'
import { openBells } from './bells.ts'
import { type Failures, forgeTrouble, openFailures } from './forge-trouble.ts'
import { type Look, openLooks } from './looks.ts'
import { openOpeningQueue } from './opening-queue.ts'
import { openLoop, openRounds, within } from './rounds.ts'

/**
 * What goes after requests, for everybody who waits for one: opens their pull requests, looks at those that changed or
 * that time has something to do with, and tells the forge how they ended. One an engine; several engines on one store do
 * not get in each other's way.
 */
export interface Sweeper {
  /** One round, now. What the forge refuses is tried again by later rounds. @throws {PolicyError} STORE_FAILED */
  sweep(): Promise<void>
  /** Opens and publishes what a crash or an outage left, without looking at anything; a long rest goes on without the caller. */
  catchUp(): Promise<void>
  /** Looks at the request of this pull request, such as when a webhook says so. One of no request is nothing. */
  nudge(pull: number): Promise<void>
  /**
   * Opens a new request's pull request, after those that were asked before it.
   *
   * @param limits - how long the caller waits at most; what has begun goes on without them
   * @returns null once it is open; a note when the forge does not take it now, which later rounds will try again
   * @throws the signal's reason when it is aborted
   */
  open(id: string, limits?: WaitOptions): Promise<string | null>
  /** Looks at one request now, and settles it if people or time have decided. @throws {PolicyError} as `settleRequest` */
  look(id: string): Promise<RequestRecord>
  /** Resolves when something has become of the request, and after this time at the latest. */
  wait(id: string, ms: number, signal?: AbortSignal): Promise<void>
  /** Wakes those who wait for a request. */
  ring(id: string): void
  /** What keeps the request from the forge, or null. */
  note(id: string): string | null
  /** Sweeps from now on every poll interval, as it does anyway while somebody waits. */
  start(): void
  /** Ends what runs. Whoever waits gets ENGINE_FAILED (retryable): a token goes on with another engine. */
  stop(): Promise<void>
}

export function openSweeper(parts: Parts): Sweeper {
  const bells = openBells()
  const failures = openFailures(() => paceOf(parts).pollMs)
  const look = openLooks(parts, failures)
  const queue = openOpeningQueue(parts, failures)
  const changes = openChanges(parts)
  const isRead = async (): Promise<boolean> => {
    try {
      await changes.read()
      failures.clear(null)
      return true
    } catch (error) {
      failures.add(null, error)
      return false
    }
  }
  const round = async (): Promise<void> => {
    await askAllOverdue(parts)
    const unfinished = await parts.store.unfinished()
    const waiting = new Set(unfinished.filter(({ ended }) => !ended).map(({ id }) => id))
    bells.ringUnless(waiting) // Another process may have settled it.
    failures.keep(new Set(unfinished.map(({ id }) => id)))
    if (unfinished.length === 0) return
    const isThere = (await queue.finish()) && (await isRead())
    if (isThere) await changes.look(look, failures)
    // What the forge cannot show ends by the clock alone.
    const hidden = unfinished.filter((one) => !isThere || one.pull === null)
    for (const { id, ended, batch } of hidden) {
      if (!ended && batch === null) await quietly(endOverdue(parts, id))
    }
  }
  const rounds = openRounds(round)
  const loop = openLoop({
    pauseMs: (since) => Math.max(paceOf(parts).pollMs - since, failures.restMs()),
    isWanted: () => bells.size() > 0,
    run: () => rounds.join(),
  })
  return {
    sweep: () => {
      failures.wake()
      return rounds.next()
    },
    catchUp: async () => void (await within(queue.finish(), CATCH_UP_MS_MAX)),
    nudge: async (pull) => {
      const found = await parts.store.requestOfPull(pull)
      if (found !== null && !found.published) await quietly(look(found.request.id))
    },
    open: queue.open,
    look: async (id) => {
      const { batch = id } = await findRequest(parts, id)
      await look(batch)
      return findRequest(parts, id)
    },
    wait: (id, ms, signal) => {
      const waiting = bells.wait(id, ms, signal)
      loop.wake()
      return waiting
    },
    ring: bells.ring,
    note: failures.note,
    start: loop.start,
    stop: async () => {
      bells.close(new PolicyError('ENGINE_FAILED', 'the engine was closed', { retryable: true }))
      await Promise.all([queue.stop(), loop.stop()])
      await rounds.idle()
      await queue.stop()
    },
  }
}

const CATCH_UP_MS_MAX = 3_000

type Waiting = UnfinishedRequest & { readonly pull: number }

/** A batch is looked at, and not each of its requests. */
function isWaiting(one: UnfinishedRequest): one is Waiting {
  return !one.ended && one.pull !== null && one.batch === null
}

type Change = {
  readonly mark: string | null
  /** Looks that were made of it, where its mark cannot tell whether it was seen. */
  looks: number
}

/** Keeps what the forge said has changed until somebody has looked at it. */
function openChanges(parts: Parts) {
  const changed = new Map<number, Change>()
  const rotation = openRotation(parts)
  const lookAt = async (look: Look, { id, pull }: Waiting): Promise<void> => {
    const change = changed.get(pull)
    await quietly(
      look(id, change?.mark).then(() => {
        if (change === undefined || changed.get(pull) !== change) return
        change.looks += 1
        if (change.mark !== null || change.looks >= UNDATED_LOOKS) changed.delete(pull)
      }),
    )
  }
  return {
    read: async (): Promise<void> => {
      for (const { number, mark } of await parts.forge.openPulls('changed')) {
        changed.set(number, { mark, looks: 0 })
      }
    },
    look: async (look: Look, failures: Failures): Promise<void> => {
      const open = (await parts.store.unfinished()).filter(isWaiting)
      forgetOthers(changed, open)
      const able = open.filter(({ id }) => !failures.isResting(id))
      const now = parts.clock()
      const chosen = choose(able, { changed, failures, now, max: paceOf(parts).looks })
      const rest = able.filter((one) => !chosen.includes(one))
      const looks = [...chosen, ...rotation(rest, now)].map((one) => lookAt(look, one))
      const failed = (await Promise.allSettled(looks)).find(({ status }) => status === 'rejected')
      if (failed?.status === 'rejected') throw failed.reason
    },
  }
}

/** A change that the forge cannot date is looked at again, in case more has happened at the same moment. */
const UNDATED_LOOKS = 2

/** Drops what has been seen, and pull requests that are no request's of ours. */
function forgetOthers(changed: Map<number, Change>, open: readonly Waiting[]): void {
  const marks = new Map(open.map(({ pull, look }) => [pull, look?.mark]))
  for (const [number, { mark }] of changed) {
    if (!marks.has(number) || (mark !== null && marks.get(number) === mark)) changed.delete(number)
  }
}

/**
 * Those to look at: first what time has something to do with, then what changed, then what is new. Those whose looks
 * fail come last, the longest ago first.
 */
function choose(
  open: readonly Waiting[],
  around: {
    readonly changed: ReadonlyMap<number, Change>
    readonly failures: Failures
    readonly now: number
    readonly max: number
  },
): Waiting[] {
  const isDue = ({ look }: Waiting) => look !== null && look.due <= around.now
  const hasChanged = ({ pull }: Waiting) => around.changed.has(pull)
  const isNew = ({ look }: Waiting) => look === null
  const wanted = [isDue, hasChanged, isNew].flatMap((is) => open.filter(is))
  const failedAt = ({ id }: Waiting) => around.failures.failedAt(id)
  return [...new Set(wanted)].sort((a, b) => failedAt(a) - failedAt(b)).slice(0, around.max)
}

/** Picks those that were not looked at for long, the oldest first, no more than a minute may have. */
function openRotation(parts: Parts): (waiting: readonly Waiting[], now: number) => Waiting[] {
  let next = Number.NEGATIVE_INFINITY
  return (waiting, now) => {
    const { lookMs, pollMs, rotationEveryMs } = paceOf(parts)
    const old = waiting
      .flatMap((one) => (one.look === null ? [] : [{ one, at: one.look.at }]))
      .filter(({ at }) => at + lookMs <= now || at > now) // Or the clock was set back since.
      .sort((a, b) => a.at - b.at)
    const here = performance.now()
    next = Math.max(next, here - pollMs)
    const chosen: Waiting[] = []
    for (const { one } of old) {
      if (next > here) break
      chosen.push(one)
      next += rotationEveryMs
    }
    return chosen
  }
}

/** Requests that are looked at in one round; the others follow in the next one. */
const LOOKS_A_ROUND = { local: 100, other: 10 } as const

/** Requests that are looked at in a minute though nothing seems to have changed. */
const ROTATION_A_MINUTE = { local: 600, other: 12 } as const

/** How often the policy wants the forge to be asked what has changed, in milliseconds. */
export function pollMsOf({ judge }: Pick<Parts, 'judge'>): number {
  const { kind, poll } = judge.bundle.policy.forge
  return parseDuration(poll ?? (kind === 'local' ? '1s' : '5s'))
}

function paceOf(parts: Parts) {
  const { kind, look = '60s' } = parts.judge.bundle.policy.forge
  const where = kind === 'local' ? 'local' : 'other'
  return {
    pollMs: pollMsOf(parts),
    lookMs: parseDuration(look),
    looks: LOOKS_A_ROUND[where],
    rotationEveryMs: 60_000 / ROTATION_A_MINUTE[where],
  }
}

/** Leaves what the forge refuses to later rounds, which know of it. */
async function quietly(work: Promise<unknown>): Promise<void> {
  try {
    await work
  } catch (error) {
    if (forgeTrouble(error) === null) throw error
  }
}
