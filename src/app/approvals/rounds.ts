/** Runs one round of work after another, whoever asks for them. */
export type Rounds = {
  /** One that begins after this call; all who ask while one runs share the next. */
  next(): Promise<void>
  /** The one that runs, or a new one. */
  join(): Promise<void>
  idle(): Promise<void>
}

export function openRounds(work: () => Promise<void>): Rounds {
  let running: Promise<void> | null = null
  let queued: Promise<void> | null = null
  const begin = (): Promise<void> => {
    queued = null
    const round = work().finally(() => {
      if (running === round) running = null
    })
    running = round
    return round
  }
  const next = (): Promise<void> => {
    if (queued !== null) return queued
    if (running === null) return begin()
    queued = running.catch(() => undefined).then(begin)
    return queued
  }
  return {
    next,
    join: () => running ?? queued ?? begin(),
    idle: async () => {
      while (running !== null || queued !== null) {
        await (queued ?? running)?.catch(() => undefined)
      }
    },
  }
}

export type Loop = {
  /** Runs from now on, wanted or not. */
  start(): void
  /** Runs as long as it is wanted. */
  wake(): void
  stop(): Promise<void>
}

/** Runs some work again and again, in the background: it keeps no process alive by itself. */
export function openLoop(around: {
  /** How long until the next run, in milliseconds, so long after the last one began. */
  readonly pauseMs: (since: number) => number
  readonly isWanted: () => boolean
  readonly run: () => Promise<void>
}): Loop {
  let [isStarted, isStopped] = [false, false]
  let timer: NodeJS.Timeout | null = null
  let busy: Promise<void> | null = null
  let last = Number.NEGATIVE_INFINITY
  const turn = async (): Promise<void> => {
    timer = null
    last = performance.now()
    // Whoever waits hears of a store that is broken by asking it.
    await around.run().catch(() => undefined)
    busy = null
    plan()
  }
  const plan = (): void => {
    if (isStopped || busy !== null) return
    if (!isStarted && !around.isWanted()) return
    // Planned anew by each who comes: the pause may have become shorter.
    if (timer !== null) clearTimeout(timer)
    const ms = Math.max(0, around.pauseMs(performance.now() - last))
    timer = setTimeout(() => {
      busy = turn()
    }, ms)
    timer.unref()
  }
  return {
    start: () => {
      isStarted = true
      plan()
    },
    wake: plan,
    stop: async () => {
      isStopped = true
      if (timer !== null) clearTimeout(timer)
      await busy
    },
  }
}

/** Lets so many pass at a time; the others wait for their turn. */
export function openLane(width: number): <T>(work: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = []
  let running = 0
  return async (work) => {
    if (running >= width) await new Promise<void>((resolve) => waiting.push(resolve))
    else running += 1
    try {
      return await work()
    } finally {
      const next = waiting.shift()
      if (next === undefined) running -= 1
      else next() // It takes this one's place.
    }
  }
}

/**
 * Waits for some work, but no longer than this.
 *
 * @returns whether it took longer. @throws the signal's reason when it is aborted
 */
export async function within(
  work: Promise<unknown>,
  ms: number,
  signal?: AbortSignal,
): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  let abort = () => {}
  const late = new Promise<true>((resolve, reject) => {
    timer = setTimeout(() => resolve(true), ms)
    abort = () => reject(signal?.reason)
    if (signal?.aborted === true) abort()
    else signal?.addEventListener('abort', abort)
  })
  try {
    return await Promise.race([work.then(() => false), late])
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', abort)
  }
}
