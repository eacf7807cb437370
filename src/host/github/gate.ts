import { setTimeout as sleep } from 'node:timers/promises'

/**
 * Lets changes pass one after another: `burst` at once, then one every `everyMs`. GitHub asks for a second between
 * changes, and counts them by the minute: a few at once keep an agent from waiting for its pull request.
 */
export function openGate(around: {
  readonly burst: number
  readonly everyMs: number
}): () => Promise<void> {
  const { burst, everyMs } = around
  let next = Number.NEGATIVE_INFINITY // When the last place of the burst is free again, less the burst.
  let tail: Promise<void> = Promise.resolve()
  const pass = async (): Promise<void> => {
    const now = performance.now()
    next = Math.max(next, now - (burst - 1) * everyMs)
    const waitMs = next - now
    next += everyMs
    if (waitMs > 0) await sleep(waitMs)
  }
  return () => {
    tail = tail.then(pass)
    return tail
  }
}
