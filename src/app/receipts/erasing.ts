import { canonicalize } from '../../base/canonical-json.ts'
import { digestOf } from '../../base/digest.ts'
import type { JsonObject } from '../../base/json-value.ts'
import type { Erasable, ErasureTarget } from '../../model/erasing.ts'
import type { ErasureReceipt } from '../../model/generated/types.ts'
import type { Entropy, Store, StoreTransaction } from '../../model/ports.ts'
import { erasureReceipt } from '../../trust/receipt/index.ts'
import type { Unit } from '../engine/batch.ts'
import { isoTime, newId } from '../engine/record.ts'

/** Where erasures are written. */
export type ErasingPlace = {
  readonly store: Store
  /** Runs a unit, and brings the log folder up to the store. */
  readonly run: <T>(unit: Unit<T>) => Promise<T>
  /** The log's. */
  readonly origin: string
  readonly entropy: Entropy
}

/** Why, and by whom. */
export type Said = { readonly reason: string; readonly by?: string }

/** An erasure, and where its receipt stands. */
export type WrittenErasure = Pick<Erasable, 'decisions' | 'tokens' | 'through'> & {
  readonly id: string
  readonly index: number
}

/**
 * Erases, and writes the receipt that says so, in one transaction.
 *
 * @param rewrite - whether `scrub` is to write the whole store anew
 * @returns null when there was nothing to erase
 */
export async function writeErasure(
  tx: StoreTransaction,
  place: Pick<ErasingPlace, 'origin' | 'entropy'>,
  target: ErasureTarget,
  about: Said & { readonly now: number; readonly rewrite: boolean },
): Promise<WrittenErasure | null> {
  const found = await tx.erasable(target)
  if (isNothing(found)) return null
  const { decisions, tokens, through } = found
  const { reason, by, now, rewrite } = about
  const id = newId(place, 'era')
  const fields: ErasureReceipt['predicate'] = {
    id,
    ...scopeOf(target),
    ...{ reason, decisions, tokens },
    ...(through === null ? {} : { through }),
    ...(by === undefined ? {} : { by }),
    issuedAt: isoTime(now),
    issuerId: place.origin,
  }
  const index = await tx.appendDecision({
    id,
    at: now,
    agent: '',
    root: digestOf(canonicalize(fields as unknown as JsonObject)),
    receipt: erasureReceipt(fields),
    inputs: { subject: '', ciphertext: new Uint8Array() },
  })
  await tx.erase(target, index, rewrite)
  return { id, index, decisions, tokens, through }
}

/** Whether an erasure would change nothing. */
export function isNothing({ decisions, tokens, keyed }: Erasable): boolean {
  return decisions === 0 && tokens === 0 && !keyed
}

/** What the receipt says of the target: never a name. */
function scopeOf(
  target: ErasureTarget,
): Pick<ErasureReceipt['predicate'], 'scope' | 'subject' | 'decision' | 'before' | 'tokensBefore'> {
  if (target.scope === 'decision') return target
  if (target.scope === 'subject') {
    const { scope, subject, before } = target
    return { scope, subject, ...(before === undefined ? {} : { before: isoTime(before) }) }
  }
  const { scope, inputsBefore, tokensBefore } = target
  return {
    scope,
    ...(inputsBefore === null ? {} : { before: isoTime(inputsBefore) }),
    ...(tokensBefore === null ? {} : { tokensBefore: isoTime(tokensBefore) }),
  }
}
