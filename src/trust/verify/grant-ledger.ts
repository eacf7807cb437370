import { GRANTS_REMEMBERED_MAX } from '../../base/limits.ts'
import type { GrantLedger } from '../../model/ports.ts'

/**
 * A ledger of used grants in memory, for a tool of one process that does not restart within a grant's lifetime. Full of
 * grants that have not ended, it takes none.
 *
 * @param max - grants remembered at a time. Default: a million
 */
export function createMemoryLedger(max: number = GRANTS_REMEMBERED_MAX): GrantLedger {
  const used = new Map<string, number>()
  let forgotten = 0
  const forget = (now: number): void => {
    for (const [id, until] of used) if (until < now) used.delete(id)
    forgotten = Math.max(forgotten, now)
  }
  let forgetAt = SWEEP_GRANTS
  return {
    use(id, until, now) {
      if (used.size >= Math.min(forgetAt, max)) {
        forget(now)
        forgetAt = Math.max(SWEEP_GRANTS, used.size * 2)
      }
      // A grant that ended before what was forgotten may have been used: the clock went back.
      if (until < forgotten || used.has(id) || used.size >= max) return false
      used.set(id, until)
      return true
    },
  }
}

const SWEEP_GRANTS = 1024
