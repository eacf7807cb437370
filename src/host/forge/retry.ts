import { setTimeout as sleep } from 'node:timers/promises'
import { PolicyError } from '../../base/errors.ts'

export type Patience = {
  readonly tries: number
  /** The pause after so many tries, in milliseconds, by chance: two that keep meeting must fall out of step. */
  readonly pauseMs: (tries: number) => number
  /** What is written to, as an error names it. Default: the forge */
  readonly place?: string
}

/**
 * Repeats `attempt` until it gives a value; null means that somebody else changed the same refs.
 *
 * @throws {PolicyError} FORGE_UNREACHABLE (retryable) when others were quicker every time
 */
export async function retryWith<T>(
  { tries, pauseMs, place = 'the forge' }: Patience,
  attempt: () => Promise<T | null>,
): Promise<T> {
  for (let done = 1; done <= tries; done++) {
    const value = await attempt()
    if (value !== null) return value
    await sleep(pauseMs(done))
  }
  throw tooManyOthers(place)
}

/** Says that trying again did not help. @param place - what is written to */
export function tooManyOthers(place: string): PolicyError {
  const message = `too many others write to ${place}; try again`
  return new PolicyError('FORGE_UNREACHABLE', message, { retryable: true })
}

export type Sending = {
  /** Looks before each try, and does what has to come before. @returns false when there is nothing to send any more */
  prepare(): Promise<boolean>
  send(): Promise<void>
}

/**
 * Sends what is to be there once. A call that failed may have been carried out all the same: it is looked for before it
 * is sent again.
 *
 * @param secondMs - the first pause, in milliseconds; the next one is twice as long
 */
export async function sendOnce(secondMs: number, { prepare, send }: Sending): Promise<void> {
  for (let tries = 1; await prepare(); tries++) {
    try {
      return await send()
    } catch (error) {
      const again = error instanceof PolicyError && error.retryable && tries < SENDS_MAX
      if (!again) throw error
      await sleep(tries * secondMs)
    }
  }
}

const SENDS_MAX = 3
