import { PolicyError } from '../../base/errors.ts'
import type { Store, StoreTransaction } from '../../model/ports.ts'

export type Unit<T> = (tx: StoreTransaction) => Promise<T>

/** Runs units of work in groups: one transaction and one publication of the log for all that wait at that moment. */
export interface Batcher {
  /** Resolves when the unit is committed and the log that holds it is on disk. A unit that throws leaves nothing. */
  run<T>(unit: Unit<T>): Promise<T>
  idle(): Promise<void>
}

/** @param publish - brings the log folder up to the store */
export function openBatcher(store: Store, publish: () => Promise<void>): Batcher {
  let waiting: Job[] = []
  let working: Promise<void> | null = null

  const drain = async () => {
    while (waiting.length > 0) {
      const jobs = waiting.slice(0, BATCH_MAX)
      waiting = waiting.slice(BATCH_MAX)
      // What did not fit into the batch's time goes first in the next one.
      waiting = [...(await runTogether(store, publish, jobs)), ...waiting]
    }
    working = null
  }
  return {
    run: (unit) =>
      new Promise((resolve, reject) => {
        if (waiting.length >= WAITING_MAX) {
          reject(
            new PolicyError('STORE_FAILED', `${WAITING_MAX} decisions wait for the store already`, {
              retryable: true,
            }),
          )
          return
        }
        waiting.push({ unit, resolve: resolve as (value: unknown) => void, reject })
        // Callers of the same tick share a batch.
        working ??= Promise.resolve().then(drain)
      }),
    idle: async () => {
      while (working !== null) await working
    },
  }
}

const BATCH_MAX = 256
const BATCH_MS_MAX = 250 // A batch holds the store's lock, for which other processes wait.
const WAITING_MAX = 16_384

type Job = {
  readonly unit: Unit<unknown>
  readonly resolve: (value: unknown) => void
  readonly reject: (error: unknown) => void
}

type Ended = { readonly job: Job; readonly end: () => void }

/** @returns the jobs that there was no time for */
async function runTogether(
  store: Store,
  publish: () => Promise<void>,
  jobs: readonly Job[],
): Promise<readonly Job[]> {
  let begun = 0
  try {
    const ended = await store.transact(async (tx) => {
      const list: Ended[] = []
      const deadline = performance.now() + BATCH_MS_MAX
      for (const job of jobs) {
        begun += 1
        list.push(await runOne(tx, job))
        if (performance.now() > deadline) break
      }
      return list
    })
    await publish()
    for (const { end } of ended) end()
    return jobs.slice(begun)
  } catch (error) {
    for (const job of jobs) job.reject(error)
    return []
  }
}

async function runOne(tx: StoreTransaction, job: Job): Promise<Ended> {
  try {
    const value = await tx.nested(() => job.unit(tx))
    return { job, end: () => job.resolve(value) }
  } catch (error) {
    return { job, end: () => job.reject(error) }
  }
}
