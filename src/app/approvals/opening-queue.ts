import type { RequestRecord } from '../../model/ports.ts'
import type { WaitOptions } from '../engine/engine.ts'
import type { Parts } from '../engine/parts.ts'
import { findRequest, publishResolution } from '../engine/resolve.ts'
import { formBatches, gatheringNote, gathersUntil } from './batches.ts'
import type { Failures } from './forge-trouble.ts'
import { tellOnce } from './notices.ts'
import { mayOpen, openPull } from './opening.ts'
import { within } from './rounds.ts'

/** Brings requests to the forge, and how they ended, one after another in the order of asking. */
export type OpeningQueue = {
  /** Whatever waits. @returns whether the forge can be used */
  finish(): Promise<boolean>
  /** @returns null once this request's pull request is open, else a note on what keeps it */
  open(id: string, limits?: WaitOptions): Promise<string | null>
  /** Begins nothing more, and resolves once what runs has ended. */
  stop(): Promise<void>
}

const OPENING_MS_MAX = 10_000 // Longer than a forge takes, and far from the time that an agent waits.
const OPENING_MS_MIN = 1_000 // So that also those who do not wait for people hear what the forge says.
/** Refusals one after another that are taken for the forge's, not the requests' fault. */
const REFUSALS_MAX = 3

export function openOpeningQueue(parts: Parts, failures: Failures): OpeningQueue {
  let isStopped = false
  const finishing = { parts, failures, isStopped: () => isStopped }
  let turn: Promise<unknown> = Promise.resolve()
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const next = turn.then(work, work)
    turn = next.catch(() => undefined)
    return next
  }
  const isOpen = async (id: string) => (await parts.store.request(id))?.pull != null
  return {
    finish: () => inTurn(() => finish(finishing)),
    open: async (id, { timeoutMs = OPENING_MS_MAX, signal } = {}) => {
      if (await isOpen(id)) return null
      if (failures.isResting(id)) return failures.note(id) ?? BEHIND_OTHERS
      const opening = inTurn(async () => {
        if (!failures.isResting(null) && !(await isOpen(id))) await finish(finishing, id)
      })
      const ms = Math.min(Math.max(timeoutMs, OPENING_MS_MIN), OPENING_MS_MAX)
      const late = await within(opening, ms, signal)
      const found = await findRequest(parts, id)
      if (found.pull !== null) return null
      const gathering = gatheringNote(parts, found)
      if (gathering !== null) return gathering
      return failures.note(id) ?? (late ? 'its pull request is being opened' : BEHIND_OTHERS)
    },
    stop: async () => {
      isStopped = true
      await turn
    },
  }
}

const BEHIND_OTHERS = 'its pull request is opened after those that were asked before it'

/** @param last - where to stop */
async function finish(
  {
    parts,
    failures,
    isStopped,
  }: {
    readonly parts: Parts
    readonly failures: Failures
    readonly isStopped: () => boolean
  },
  last?: string,
): Promise<boolean> {
  let refusals = 0
  // A forge that cannot say who it is opens nothing either.
  const opens = await mayOpen(parts).catch(() => false)
  if (opens) await formBatches(parts)
  const stop = last === undefined ? null : ((await findRequest(parts, last)).batch ?? last)
  const unfinished = await parts.store.unfinished()
  const todo = unfinished.filter(
    ({ batch, ended, pull }) => batch === null && (pull === null ? opens : ended),
  )
  // Those that were refused come last, the longest ago first: they must not keep the others waiting.
  todo.sort((a, b) => failures.failedAt(a.id) - failures.failedAt(b.id))
  for (const { id } of todo) {
    if (isStopped()) return true
    if (!failures.isResting(id)) {
      try {
        const found = await findRequest(parts, id)
        if (found.resolution === null) await openInTurn(parts, found)
        else await publishResolution(parts, found)
        failures.clear(id)
        refusals = 0
      } catch (error) {
        if (failures.add(id, error)) return false
        refusals += 1
        if (refusals >= REFUSALS_MAX) return true
      }
    }
    if (id === stop) break
  }
  return true
}

/** Opens a request unless it still gathers. People hear of it now at the latest, whoever asked. */
async function openInTurn(parts: Parts, found: RequestRecord): Promise<void> {
  if (gathersUntil(parts, found) !== null) return
  const { request } = found
  let where: string | null = null
  try {
    const { pull } = await openPull(parts, found)
    where = parts.forge.where(pull)
  } finally {
    await tellOnce(parts, request, 'held', { where })
  }
}
