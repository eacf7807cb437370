import type { Amount } from '../../base/amount.ts'
import { readAmount, timesRate } from '../../base/amount.ts'
import { PolicyError } from '../../base/errors.ts'
import type { JsonValue } from '../../base/json-value.ts'
import type { Reservation, StateEntry, StateSlice } from '../../model/nouns.ts'
import { COST_SLICES_MAX } from './limits.ts'
import { isTime } from './state.ts'

/**
 * What was set aside within one slice of a window: the time of the last amount, and the sum in 10^-12 as decimal text.
 * A list of them is ordered by time.
 */
export type Slice = readonly [last: number, sum: string]

/** What an action really cost, by the path of the field that its estimate stands in. */
export type ReportedCost = Readonly<Record<string, number | string>>

/** The sum over all slices. */
export function sumOf(slices: readonly Slice[]): Amount {
  return slices.reduce((total, [, sum]) => total + BigInt(sum), 0n)
}

/** Adds an amount at a time that is not before the last one. */
export function addAmount(
  slices: readonly Slice[],
  added: { readonly at: number; readonly amount: Amount; readonly sliceMs: number },
): readonly Slice[] {
  const { at, amount, sliceMs } = added
  const merged: Slice[] = []
  for (const [last, sum] of [...slices, [at, String(amount)] as const]) {
    const before = merged.at(-1)
    if (before !== undefined && Math.floor(before[0] / sliceMs) === Math.floor(last / sliceMs)) {
      merged[merged.length - 1] = [last, String(bounded(BigInt(before[1]) + BigInt(sum)))]
    } else merged.push([last, sum])
  }
  return merged
}

/** Whether a value is a list of slices as this file writes them. */
export function isSlices(value: JsonValue): value is readonly Slice[] {
  if (!Array.isArray(value) || value.length > COST_SLICES_MAX) return false
  let before = 0
  for (const slice of value as readonly unknown[]) {
    if (!Array.isArray(slice) || slice.length !== 2) return false
    const [last, sum] = slice as readonly unknown[]
    if (!isTime(last) || last < before) return false
    if (typeof sum !== 'string' || !SUM.test(sum)) return false
    before = last
  }
  return true
}

/**
 * Gives back what an attempt set aside, when its request is rejected or expires, or before it is judged again. What has
 * left its window since is gone already, and a damaged entry stays as it is: it denies whoever reads it next.
 *
 * @param state - at least the entries under the reservations' keys
 * @returns the entries that changed
 */
export function release(state: StateSlice, reservations: readonly Reservation[]): StateSlice {
  return shift(state, reservations, ({ amount }) => -BigInt(amount))
}

/**
 * Puts the real cost of an action that has run in the place of what was set aside for it. Under a rule that settles by
 * `raise` a lower cost changes nothing, since whoever runs the action reports it too.
 *
 * @param state - at least the entries under the reservations' keys
 * @returns the entries that changed
 * @throws {PolicyError} VALUE_INVALID for a field that no reservation was read from, or a cost that is no amount
 */
export function settle(
  state: StateSlice,
  reservations: readonly Reservation[],
  reported: ReportedCost,
): StateSlice {
  const fields = new Set(reservations.map(({ field }) => field))
  for (const field of Object.keys(reported)) {
    if (fields.has(field)) continue
    const known = [...fields].sort().join(', ') || 'none'
    throw invalid(`a cost by a field that a limit was counted by (${known}), found another`)
  }
  return shift(state, reservations, (one) => {
    if (!Object.hasOwn(reported, one.field)) return 0n
    const read = readAmount(reported[one.field], one.minor)
    if (typeof read === 'string') throw invalid(`an amount as the cost of ${one.field}: ${read}`)
    // Several rates applied to one list of amounts: its sum alone says nothing.
    if (one.rate === null) return 0n
    const difference = timesRate(read, BigInt(one.rate)) - BigInt(one.amount)
    return one.settle === 'raise' && difference < 0n ? 0n : difference
  })
}

const SUM = /^(?:0|[1-9][0-9]{0,39})$/
const SUM_MAX = 10n ** 40n - 1n // Any limit is far below it.

function shift(
  state: StateSlice,
  reservations: readonly Reservation[],
  byHowMuch: (reservation: Reservation) => Amount,
): StateSlice {
  const changed = new Map<string, StateEntry>()
  for (const reservation of reservations) {
    const { key, at, sliceMs } = reservation
    const difference = byHowMuch(reservation)
    const entry =
      changed.get(key) ?? (Object.hasOwn(state, key) ? (state[key] as StateEntry) : null)
    if (difference === 0n || entry === null || !isSlices(entry.value)) continue
    const slices = entry.value
    // A slice's time is its last amount's, so an amount lies in the first slice that does not end before it; unless that
    // is a later one, because its own has left the window.
    const index = slices.findIndex(([last]) => last >= at)
    const [last, sum] = slices[index] ?? []
    if (last === undefined || sum === undefined) continue
    if (Math.floor(last / sliceMs) !== Math.floor(at / sliceMs)) continue
    // A slice of nothing stays: somebody who set nothing aside in it may yet report a cost.
    const left = bounded(BigInt(sum) + difference)
    changed.set(key, { value: slices.with(index, [last, `${left}`]), until: entry.until })
  }
  return Object.fromEntries(changed)
}

function bounded(sum: Amount): Amount {
  if (sum < 0n) return 0n
  return sum > SUM_MAX ? SUM_MAX : sum
}

function invalid(expected: string): PolicyError {
  return new PolicyError('VALUE_INVALID', `expected ${expected}`)
}
