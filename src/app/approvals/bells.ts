/** Those who wait for something to become of a request, by its id. */
export type Bells = {
  /** Resolves when it is rung, and after this time at the latest. @throws the signal's reason when it is aborted */
  wait(id: string, ms: number, signal?: AbortSignal): Promise<void>
  ring(id: string): void
  /** Rings for all but these. */
  ringUnless(ids: ReadonlySet<string>): void
  /** For how many requests somebody waits. */
  size(): number
  /** Ends every waiting, of now and later, with this error. */
  close(reason: Error): void
}

export function openBells(): Bells {
  const waiting = new Map<string, Set<() => void>>()
  let closed: Error | null = null
  const ring = (id: string): void => {
    for (const wake of waiting.get(id) ?? []) wake()
  }
  return {
    wait: (id, ms, signal) =>
      new Promise((resolve, reject) => {
        const wakes = waiting.get(id) ?? new Set()
        const end = (settle: () => void) => {
          clearTimeout(timer)
          signal?.removeEventListener('abort', abort)
          wakes.delete(wake)
          if (wakes.size === 0) waiting.delete(id)
          settle()
        }
        const wake = () => end(() => (closed === null ? resolve() : reject(closed)))
        const abort = () => end(() => reject(signal?.reason))
        const timer = setTimeout(wake, ms)
        if (signal?.aborted === true) return abort()
        if (closed !== null) return wake()
        signal?.addEventListener('abort', abort)
        waiting.set(id, wakes.add(wake))
      }),
    ring,
    ringUnless: (ids) => {
      for (const id of [...waiting.keys()]) if (!ids.has(id)) ring(id)
    },
    size: () => waiting.size,
    close: (reason) => {
      closed = reason
      for (const id of [...waiting.keys()]) ring(id)
    },
  }
}
