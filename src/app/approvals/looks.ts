import type { RequestRecord } from '../../model/ports.ts'
import type { Parts } from '../engine/parts.ts'
import { settle } from '../engine/resolve.ts'
import type { Failures } from './forge-trouble.ts'
import { attend, nextDue } from './notices.ts'
import { openLane } from './rounds.ts'

/** Looks at one request. @param mark - its pull request's, where a list has just shown it */
export type Look = (id: string, mark?: string | null) => Promise<RequestRecord>

const LOOKS_AT_ONCE = 4

/** Looks at requests: one of each at a time, so that ten webhooks about one request are two looks. */
export function openLooks(parts: Parts, failures: Failures): Look {
  const lane = openLane(LOOKS_AT_ONCE)
  const looking = new Map<string, Looking>()
  const once: Look = async (id, mark) => {
    try {
      const found = await lane(() => lookAt(parts, id, mark))
      failures.clear(id)
      return found
    } catch (error) {
      failures.add(id, error)
      throw error
    }
  }
  const look: Look = async (id, mark) => {
    const running = looking.get(id)
    if (running === undefined) {
      const one: Looking = { now: once(id, mark), next: null }
      looking.set(id, one)
      try {
        return await one.now
      } finally {
        if (one.next === null) looking.delete(id)
      }
    }
    // The running one may have read what is older than this call: all who come meanwhile share one more.
    running.next ??= running.now
      .catch(() => undefined)
      .then(() => {
        looking.delete(id)
        return look(id, mark)
      })
    return running.next
  }
  return look
}

type Looking = { readonly now: Promise<RequestRecord>; next: Promise<RequestRecord> | null }

/** One look: settles what is settled, else tells people what is due, and remembers what was seen. */
async function lookAt(parts: Parts, id: string, mark?: string | null): Promise<RequestRecord> {
  const { found, seen } = await settle(parts, id)
  if (seen === null) return found
  // Of a request in a batch, it is the batch that was looked at.
  const { request } = seen.opened
  await attend(parts, seen.opened, { headSha: seen.pull.headSha, counted: seen.counted })
  const due = nextDue(request, await parts.store.notices(request.id))
  // A look that no list led to keeps the mark of before: the next list shows another one, and one more look is made.
  const known = mark === undefined ? ((await parts.store.look(request.id))?.mark ?? null) : mark
  const at = parts.clock()
  await parts.store.transact((tx) => tx.setLook(request.id, { mark: known, at, due }))
  return found
}
