import type { Operand } from '../plan/plan.ts'
import type { Value } from '../values/value.ts'
import type { Evaluation } from './evaluation.ts'

/** The locals of a function that runs; its value comes to lie behind them. */
export type Frame = (Value | undefined)[]

/**
 * Runs a statement, a block or several. Gives PROCEED, or how many blocks to leave beside the innermost: 0 is a
 * statement that is undefined; or RETURN.
 */
export type Run = (frame: Frame, evaluation: Evaluation) => number

export const PROCEED = -1
export const RETURN = 1_000_000_000

/**
 * Where an operand's value is: at an index of the frame, or, where that is below zero, the constant itself. Statements
 * look for themselves: a call for each operand would take as long as most statements do.
 */
export type Slot = { readonly at: number; readonly constant: Value | undefined }

export function slotOf(operand: Operand | undefined): Slot {
  if (operand === undefined) return { at: -1, constant: undefined }
  return 'local' in operand
    ? { at: operand.local, constant: undefined }
    : { at: -1, constant: operand.constant }
}

/** The value of an operand, where time does not matter. */
export function read(frame: Frame, { at, constant }: Slot): Value | undefined {
  return at < 0 ? constant : frame[at]
}

/** Filled, since a hole reads what a polluted Array.prototype holds. */
export function emptyFrame(locals: number): Frame {
  return new Array<Value | undefined>(locals + 1).fill(undefined)
}
