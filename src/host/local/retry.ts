import { setTimeout as sleep } from 'node:timers/promises'
import { PolicyError } from '../../base/errors.ts'

/** Repeats `attempt` until it gives a value; null means that somebody else changed the same refs. */
export async function retry<T>(attempt: () => Promise<T | null>): Promise<T> {
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    const value = await attempt()
    if (value !== null) return value
    await sleep(Math.random() * PAUSE_MS_MAX) // Two that keep meeting must fall out of step.
  }
  throw new PolicyError('FORGE_UNREACHABLE', 'too many others write to the forge; try again', {
    retryable: true,
  })
}

/** Tries at one change while other processes win; each of them has done its work by then. */
const TRIES_MAX = 200
const PAUSE_MS_MAX = 20
