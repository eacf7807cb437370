import type { JsonChange } from '../base/json-changes.ts'

/** Why a receipt cannot be derived again. */
export type CannotReason =
  /** The receipt says so itself: the clock or a fault of the engine ended the evaluation. */
  | 'of-the-machine'
  /** Its inputs were erased, or the key of its subject was shredded. */
  | 'inputs-erased'
  /** The inputs do not open with the key of this folder, or are not there. */
  | 'inputs-unreadable'
  /** None of the bundles has the digest that the receipt names. */
  | 'bundle-missing'
  /** It was made by a version that kept less than it takes. */
  | 'not-kept'
  /** The clock ended the evaluation this time. */
  | 'timed-out'

/** A receipt that says something else than what is derived again. */
export type DifferingReceipt = {
  readonly index: number
  /** The decision's id, or the request's. */
  readonly id: string
  /**
   * At most CHANGES_MAX. Pointers are into the predicate; below `/inputs` into what is sealed with it, and below `/request`
   * into the request that it opened. What could be a clear value is not shown.
   */
  readonly changes: readonly JsonChange[]
}

export type UnderivedReceipt = {
  readonly index: number
  readonly id: string
  readonly reason: CannotReason
  readonly message: string
  /** With `inputs-erased`: log index of the receipt that says so, where there is one. */
  readonly erasure?: number
}

/** What deriving receipts again has shown. */
export type RederiveReport = {
  /** `differs` when one does; else `incomplete` when one cannot be derived. */
  readonly status: 'rederived' | 'differs' | 'incomplete'
  readonly counts: {
    readonly rederived: number
    readonly differs: number
    readonly cannot: number
    /** The genesis, and receipts of executions, erasures and the like: nothing was evaluated for them. */
    readonly not_decisions: number
  }
  /** How many cannot be derived, by reason. */
  readonly cannot: Readonly<Partial<Record<CannotReason, number>>>
  /** The first of them, at most PROBLEMS_MAX. */
  readonly differing: readonly DifferingReceipt[]
  readonly underived: readonly UnderivedReceipt[]
}
