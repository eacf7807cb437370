import type { CustodyStep } from './generated/types.ts'
import type { Credential } from './nouns.ts'

/** The SSHSIG namespace of custody steps: an agent's signature for another purpose is none here. */
export const CUSTODY_NAMESPACE = 'countersign-custody'

/** What may come next. */
export type CustodyPhase = 'handed' | 'accepted' | 'disputed' | 'asked' | 'ended'

/** How far a delivery has come, as the store keeps it. Everything in it follows from the steps in the log. */
export type DeliveryState = {
  readonly delivery: string
  readonly project: string
  readonly phase: CustodyPhase
  /** The number of the last step, the leaf hash of its receipt and the log index of that. */
  readonly step: number
  readonly leaf: string
  readonly index: number
  /** Who began it. */
  readonly giver: string
  /** Who has it; after a handoff still the one who gave. */
  readonly holder: string
  /** Who is to take it; null when nobody is. */
  readonly to: string | null
  readonly outcomeBy: 'giver' | 'receiver'
  /** The last outcome that was recorded. */
  readonly outcome: 'fulfilled' | 'disputed' | 'failed' | null
  /** What is held in escrow, and has been neither released nor refunded. */
  readonly held: readonly CustodyHeld[]
  /** When people are asked about that, in Unix milliseconds; null when nothing is held, or they have been. */
  readonly deadline: number | null
  readonly mandates: NonNullable<CustodyStep['mandates']> | null
  /** When its last step was taken, in Unix milliseconds. */
  readonly at: number
}

/** One thing in escrow: the decision that would let it run. */
export type CustodyHeld = { readonly decision: string; readonly decidedAt: number }

/** Where one step of a delivery stands in the log. */
export type DeliveryStep = { readonly step: number; readonly index: number; readonly leaf: string }

/**
 * What keeps a decision from running. `held`: until a delivery releases it; `asked`: people look at it; `moved`: they let it
 * run, by the decision that ended their request; `released`; `void`: it never runs.
 */
export type EscrowRecord = {
  /** The decision as it was asked for. */
  readonly decision: string
  /** The decision that would let it run, once a delivery holds it: another one where people approved it. */
  readonly permit: string | null
  readonly delivery: string | null
  readonly request: string | null
  readonly state: 'held' | 'asked' | 'moved' | 'released' | 'void'
}

/** What a store can tell of deliveries. */
export interface CustodyReadings {
  delivery(id: string): Promise<DeliveryState | null>
  /** Those of the project that one of the agents began, has or is to take; the last to have gone on first, at most `limit`. */
  deliveries(
    of: Pick<Credential, 'project' | 'agents'>,
    limit: number,
  ): Promise<readonly DeliveryState[]>
  /** In order. */
  deliverySteps(id: string): Promise<readonly DeliveryStep[]>
  /** Deliveries that people must be asked about by now. */
  overdueDeliveries(now: number): Promise<readonly string[]>
  /** By the decision as it was asked for, or by the one that would let it run. */
  escrow(decision: string): Promise<EscrowRecord | null>
}

/** The same within a unit of work, with what can be written. */
export interface CustodyTransaction extends CustodyReadings {
  putDelivery(state: DeliveryState): Promise<void>
  /** @returns false when the delivery has a step of that number */
  putDeliveryStep(delivery: string, step: DeliveryStep): Promise<boolean>
  /** Uses a decision up for a handoff. @returns false when it was used before */
  useDecision(decision: string, delivery: string): Promise<boolean>
  /** Binds a mandate to a delivery. @returns false when it is bound to another one */
  bindMandate(mandate: string, delivery: string): Promise<boolean>
  escrowOfRequest(request: string): Promise<EscrowRecord | null>
  putEscrow(record: EscrowRecord): Promise<void>
}
