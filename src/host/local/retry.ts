import { retryWith } from '../forge/retry.ts'

/** Repeats `attempt` until it gives a value; null means that somebody else changed the same refs. */
export function retry<T>(attempt: () => Promise<T | null>): Promise<T> {
  return retryWith({ tries: TRIES_MAX, pauseMs: () => Math.random() * PAUSE_MS_MAX }, attempt)
}

/** Tries at one change while other processes win; each of them has done its work by then. */
const TRIES_MAX = 200
const PAUSE_MS_MAX = 20
