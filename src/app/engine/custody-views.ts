import { fromUtf8 } from '../../base/digest.ts'
import { PolicyError } from '../../base/errors.ts'
import type { DeliveryState, EscrowRecord } from '../../model/custody.ts'
import type { CustodyReceipt, CustodyStep } from '../../model/generated/types.ts'
import type { Store } from '../../model/ports.ts'
import type { Parts } from './parts.ts'
import { isoTime } from './record.ts'

/** A delivery in one line. */
export type DeliverySummary = {
  readonly delivery: string
  readonly state: DeliveryState['phase']
  readonly outcome: DeliveryState['outcome']
  /** Who began it, who has it, and who is to take it. */
  readonly giver: string
  readonly holder: string
  readonly to: string | null
  readonly steps: number
  readonly held: number
  readonly deadline: string | null
  readonly at: string
}

/** One step as people and programs look at it. */
export type ShownStep = {
  readonly step: CustodyStep
  readonly at: string
  /** The fingerprint of the agent's key; `engine` for what only the engine vouches for, or did itself. */
  readonly by: string
  readonly receipt: { readonly index: number; readonly leaf_hash: string; readonly log: string }
}

export type Delivery = DeliverySummary & {
  readonly chain: readonly ShownStep[]
  /** What becomes of each decision that it holds or held. */
  readonly escrow: readonly Pick<EscrowRecord, 'decision' | 'state' | 'request'>[]
}

type Viewer = Pick<Parts, 'credential'> & { readonly store: Pick<Store, 'custody' | 'receipts'> }

/** Deliveries that agents of the credential have or had a part in. */
export async function listDeliveries(
  { credential, store }: Viewer,
  limit: number,
): Promise<readonly DeliverySummary[]> {
  return (await store.custody.deliveries(credential, limit)).map(summaryOf)
}

/** @throws {PolicyError} DELIVERY_UNKNOWN, also for one of other agents */
export async function showDelivery({ credential, store }: Viewer, id: string): Promise<Delivery> {
  const state = await store.custody.delivery(id)
  if (state === null || !isPartOf(credential, state)) {
    throw new PolicyError('DELIVERY_UNKNOWN', `${id} is no delivery of this credential's agents`)
  }
  const chain: ShownStep[] = []
  for (const { index, leaf } of await store.custody.deliverySteps(id)) {
    const [bytes] = await store.receipts(index, 1)
    if (bytes === undefined) throw new PolicyError('RECEIPT_UNKNOWN', `no receipt ${index}`)
    const { predicate } = JSON.parse(fromUtf8(bytes)) as CustodyReceipt
    chain.push({
      step: predicate.step,
      at: predicate.issuedAt,
      by: predicate.signed?.fingerprint ?? 'engine',
      receipt: { index, leaf_hash: leaf, log: predicate.issuerId },
    })
  }
  const held = chain[0]?.step.held ?? []
  const escrows = await Promise.all(held.map(({ decision }) => store.custody.escrow(decision)))
  const escrow = escrows.flatMap((one) =>
    one === null ? [] : [{ decision: one.decision, state: one.state, request: one.request }],
  )
  return { ...summaryOf(state), chain, escrow }
}

/** Agents come and go within a delivery; who began it and who has it may look at all of it. */
function isPartOf(
  { project, agents }: Parts['credential'],
  { giver, holder, to, ...state }: DeliveryState,
): boolean {
  const owns = (agent: string) => agents.includes('*') || agents.includes(agent)
  return state.project === project && [giver, holder, to ?? giver].some(owns)
}

function summaryOf(state: DeliveryState): DeliverySummary {
  const { delivery, phase, outcome, giver, holder, to, step, held, deadline, at } = state
  return {
    ...{ delivery, state: phase, outcome, giver, holder, to, steps: step, held: held.length },
    ...{ deadline: deadline === null ? null : isoTime(deadline), at: isoTime(at) },
  }
}
