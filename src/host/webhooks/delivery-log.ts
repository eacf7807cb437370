import { WEBHOOK_DELIVERIES_MAX, WEBHOOK_DELIVERY_MS } from '../../base/limits.ts'
import type { Clock } from '../../model/ports.ts'

/** Which deliveries have come already. */
export type DeliveryLog = {
  /** Notes a name. @returns false when it was noted before, and is not forgotten yet */
  isNew(name: string): boolean
}

/**
 * Remembers names of deliveries for a time, and never more than so many: a forge that sends one twice is heard once. In
 * memory alone, since one that is heard twice does no harm.
 */
export function openDeliveryLog(around: {
  readonly now: Clock
  /** Default: WEBHOOK_DELIVERIES_MAX */
  readonly max?: number
  /** Milliseconds. Default: WEBHOOK_DELIVERY_MS */
  readonly forMs?: number
}): DeliveryLog {
  const { now, max = WEBHOOK_DELIVERIES_MAX, forMs = WEBHOOK_DELIVERY_MS } = around
  /** Oldest first. */
  const until = new Map<string, number>()
  return {
    isNew: (name) => {
      const at = now()
      for (const [oldest, end] of until) {
        if (end > at && until.size < max) break
        until.delete(oldest)
      }
      if (until.has(name)) return false
      until.set(name, at + forMs)
      return true
    },
  }
}
