import { PolicyError } from '../../base/errors.ts'

/**
 * Why the forge does not do what it should, in words for whoever waits; null for an error that is the engine's own, such
 * as a store that fails. What is no error of ours is named by its code alone: its words may quote anything.
 */
export function forgeTrouble(error: unknown): string | null {
  if (!(error instanceof PolicyError)) return 'the forge failed (ENGINE_FAILED)'
  if (error.code !== ERASED && OWN.some((prefix) => error.code.startsWith(prefix))) return null
  return `${error.message.slice(0, NOTE_LENGTH_MAX).toWellFormed()} (${error.code})`
}

/** Codes of what holds or makes receipts: no forge causes those. */
const OWN = ['STORE_', 'RECEIPT_', 'LOG_', 'ENGINE_', 'CHECKPOINT_'] as const
/** Of one request, whose inputs nobody can read any more: the others go on. */
const ERASED = 'STORE_KEY_MISMATCH'
const NOTE_LENGTH_MAX = 500

/** What the forge has refused so far, and when to ask again. Under null stands the forge as a whole. */
export type Failures = {
  /** @returns whether it is about the forge as a whole. @throws the error itself when it is none of the forge's */
  add(id: string | null, error: unknown): boolean
  clear(id: string | null): void
  /** Forgets those that are of none of these requests. */
  keep(ids: ReadonlySet<string>): void
  isResting(id: string | null): boolean
  /** What keeps a request from the forge, or null. */
  note(id: string): string | null
  /** When it last failed, so that those which fail again and again come last; 0 when it did not. */
  failedAt(id: string): number
  /** Until the forge may be asked again, in milliseconds. */
  restMs(): number
  /** Everything may be tried again at once. */
  wake(): void
}

type Failure = { tries: number; at: number; until: number; note: string }

export function openFailures(pollMs: () => number): Failures {
  const failures = new Map<string | null, Failure>()
  const rest = (id: string | null) => (failures.get(id)?.until ?? 0) - performance.now()
  return {
    add: (id, error) => {
      const note = forgeTrouble(error)
      if (note === null) throw error
      const of = isOutage(error) ? null : id
      const known = failures.get(of)
      // Ten calls that fail at one moment are one failure.
      if (known !== undefined && rest(of) > 0) failures.set(of, { ...known, note })
      else {
        const tries = (known?.tries ?? 0) + 1
        const pause = Math.min(pollMs() * 2 ** Math.min(tries - 1, DOUBLINGS_MAX), REST_MS_MAX)
        const at = performance.now()
        failures.set(of, { tries, at, until: at + pause, note })
      }
      return of === null
    },
    clear: (id) => {
      failures.delete(id)
      failures.delete(null) // It answered.
    },
    keep: (ids) => {
      for (const id of failures.keys()) if (id !== null && !ids.has(id)) failures.delete(id)
    },
    isResting: (id) => rest(id) > 0 || rest(null) > 0,
    note: (id) => failures.get(null)?.note ?? failures.get(id)?.note ?? null,
    failedAt: (id) => failures.get(id)?.at ?? 0,
    restMs: () => Math.max(0, rest(null)),
    wake: () => {
      for (const failure of failures.values()) failure.until = 0
    },
  }
}

const REST_MS_MAX = 60_000
const DOUBLINGS_MAX = 10

/** Whether an error is about the forge as a whole: none of its requests would fare better. */
function isOutage(error: unknown): boolean {
  if (!(error instanceof PolicyError)) return false
  return error.code === 'FORGE_UNREACHABLE' || error.code === 'FORGE_UNAUTHORIZED'
}
