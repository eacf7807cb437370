import type { ReportedCost } from '../../decide/evaluate/index.ts'
import { release, settle } from '../../decide/evaluate/index.ts'
import type { Evaluation, Reservation, StateSlice } from '../../model/nouns.ts'
import type { StoreTransaction } from '../../model/ports.ts'
import type { Inputs } from './record.ts'

/** Gives back what a decision set aside of limits on cost: it will not run, or is judged again. */
export async function giveBack(tx: StoreTransaction, { reserved }: Inputs): Promise<void> {
  if (reserved === undefined) return
  await tx.writeState(release(await tx.readState(keysOf(reserved)), reserved))
}

/**
 * Puts the cost that was reported in the place of what was set aside.
 *
 * @throws {PolicyError} VALUE_INVALID
 */
export async function settleCost(
  tx: StoreTransaction,
  { reserved = [] }: Inputs,
  reported: ReportedCost,
): Promise<void> {
  await tx.writeState(settle(await tx.readState(keysOf(reserved)), reserved, reported))
}

/** Of an evaluation whose state is otherwise discarded: what it sets aside, and the state of that. */
export function onlyReserved(evaluation: Evaluation): Evaluation {
  const { reserved = [], state } = evaluation
  const keys = keysOf(reserved)
  const kept = Object.entries(state).filter(([key]) => keys.includes(key))
  return { ...evaluation, state: Object.fromEntries(kept) }
}

/** The state of an attempt that was denied after its evaluation: nothing is set aside. */
export function withoutReserved({ state, reserved = [] }: Evaluation): StateSlice {
  return { ...state, ...release(state, reserved) }
}

function keysOf(reserved: readonly Reservation[]): readonly string[] {
  return [...new Set(reserved.map(({ key }) => key))]
}
