import type { Failures } from './forge-trouble.ts'
import { openPull } from './opening.ts'
import type { Parts } from './parts.ts'
import { findRequest, publishResolution } from './resolve.ts'
import { within } from './rounds.ts'

/** Brings requests to the forge, and how they ended, one after another in the order of asking. */
export type OpeningQueue = {
  /** Whatever waits. @returns whether the forge can be used */
  finish(): Promise<boolean>
  /** @returns null once this request's pull request is open, else a note on what keeps it */
  open(id: string): Promise<string | null>
  idle(): Promise<void>
}

const OPENING_WAIT_MS = 10_000 // Longer than a forge takes, and far from the time that an agent waits.
/** Refusals one after another that are taken for the forge's, not the requests' fault. */
const REFUSALS_MAX = 3

export function openOpeningQueue(parts: Parts, failures: Failures): OpeningQueue {
  let turn: Promise<unknown> = Promise.resolve()
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const next = turn.then(work, work)
    turn = next.catch(() => undefined)
    return next
  }
  const isOpen = async (id: string) => (await parts.store.request(id))?.pull != null
  return {
    finish: () => inTurn(() => finish(parts, failures)),
    open: async (id) => {
      if (await isOpen(id)) return null
      if (failures.isResting(id)) return failures.note(id) ?? BEHIND_OTHERS
      const opening = inTurn(async () => {
        if (!failures.isResting(null) && !(await isOpen(id))) await finish(parts, failures, id)
      })
      const late = await within(opening, OPENING_WAIT_MS)
      if (await isOpen(id)) return null
      return failures.note(id) ?? (late ? 'its pull request is being opened' : BEHIND_OTHERS)
    },
    idle: async () => void (await turn),
  }
}

const BEHIND_OTHERS = 'its pull request is opened after those that were asked before it'

/** @param last - where to stop */
async function finish(parts: Parts, failures: Failures, last?: string): Promise<boolean> {
  let refusals = 0
  for (const { id, pull, ended } of await parts.store.unfinished()) {
    if (!ended && pull !== null) continue
    if (!failures.isResting(id)) {
      try {
        const found = await findRequest(parts, id)
        if (found.resolution === null) await openPull(parts, found)
        else await publishResolution(parts, found)
        failures.clear(id)
        refusals = 0
      } catch (error) {
        if (failures.add(id, error)) return false
        refusals += 1
        if (refusals >= REFUSALS_MAX) return true
      }
    }
    if (id === last) break
  }
  return true
}
