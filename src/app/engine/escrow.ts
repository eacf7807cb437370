import { encodeHex } from '../../base/encoding.ts'
import { PolicyError } from '../../base/errors.ts'
import type { CustodyHeld, DeliveryState, EscrowRecord } from '../../model/custody.ts'
import type { Request } from '../../model/generated/types.ts'
import type { Resolution } from '../../model/nouns.ts'
import type { GrantRecord, Store, StoreTransaction } from '../../model/ports.ts'
import { isApproval } from './conclude.ts'
import { appendOwn } from './custody-write.ts'
import { escrowHold, escrowRoute, type KeptEscrow } from './escrow-hold.ts'
import type { Parts } from './parts.ts'
import { newId, openDecision, recommit, record } from './record.ts'
import { newRequest } from './request.ts'
import { giveBack } from './reservations.ts'
import { verdictPredicate } from './verdict.ts'

/** Puts a decision into escrow as it is made: nothing lets it run until a delivery releases it. */
export async function putInEscrow(tx: StoreTransaction, decision: string): Promise<void> {
  const nowhere = { permit: null, delivery: null, request: null }
  await tx.custody.putEscrow({ decision, ...nowhere, state: 'held' })
}

/**
 * What is told of a call, without what would let it run while that is in escrow. A decision that was refunded, or for which
 * another one stands, lets nothing run either.
 */
export async function heldBack<T extends Told>(parts: Pick<Parts, 'store'>, told: T): Promise<T> {
  const { payload, ...rest } = told
  if (payload === undefined) return told
  const escrow = await parts.store.custody.escrow(told.decision)
  if (escrow === null || escrow.state === 'released') return told
  const isAnswer = 'status' in told
  const kept = isAnswer ? { status: 'ESCROWED', changes: [], reason: reasonOf(escrow) } : ESCROWED
  // Both shapes keep everything but what lets the call run.
  return { ...rest, ...kept } as unknown as T
}

type Told = { readonly decision: string; readonly payload?: unknown }

const ESCROWED = { escrow: 'held' }

/**
 * Refuses to use up a grant whose decision is in escrow, or was refunded.
 *
 * @throws {PolicyError} ESCROW_HELD, ESCROW_VOID
 */
export async function refuseHeld(tx: StoreTransaction, grant: GrantRecord): Promise<void> {
  const { decision, request } = grant
  const asked = request === null ? null : ((await tx.request(request))?.request.decision ?? null)
  for (const id of [decision, ...(asked === null ? [] : [asked])]) {
    const escrow = await tx.custody.escrow(id)
    if (escrow !== null && escrow.state !== 'released') throw refusal(escrow)
  }
}

/** @returns the error of what may not run yet, or never */
export function refusal(escrow: EscrowRecord): PolicyError {
  const isVoid = escrow.state === 'void'
  const code = isVoid ? 'ESCROW_VOID' : 'ESCROW_HELD'
  return new PolicyError(code, `${reasonOf(escrow)} (decision ${escrow.decision})`, {
    retryable: !isVoid,
  })
}

function reasonOf({ state, delivery, request }: EscrowRecord): string {
  if (state === 'void') return `the delivery ${delivery} was refunded: it never runs`
  if (state === 'asked') return `people decide on it in ${request}`
  if (state === 'moved') return `people let it run by ${request}: ask for that one`
  return delivery === null
    ? 'it is held in escrow, for a delivery to release'
    : `it is held in escrow until the delivery ${delivery} is fulfilled`
}

/** Whether a request is of something in escrow: then it is not asked anew, since nothing would hold that. */
export async function isInEscrow(
  tx: StoreTransaction,
  { id, decision }: Request,
): Promise<boolean> {
  if ((await tx.custody.escrowOfRequest(id)) !== null) return true
  return (await tx.custody.escrow(decision)) !== null
}

/** Lets go all that a delivery holds, or voids it: its outcome said so. */
export async function settleAll(
  tx: StoreTransaction,
  parts: Parts,
  state: DeliveryState,
  made: { readonly as: 'release' | 'refund'; readonly now: number },
): Promise<DeliveryState> {
  const { as, now } = made
  for (const { decision } of state.held) {
    const escrow = await escrowOf(tx, decision)
    await tx.custody.putEscrow({ ...escrow, state: as === 'release' ? 'released' : 'void' })
    if (as === 'refund') await giveBackOf(tx, decision)
  }
  const step = { type: as, held: state.held.map(heldOf) }
  const next = { phase: 'ended', held: [], deadline: null } as const
  return appendOwn(tx, parts, state, { step, next, now })
}

/**
 * Asks people about each thing that a delivery holds, on the normal path of approvals. What was set aside of limits on cost
 * is given back: an approval is judged again, and sets it aside anew.
 */
export async function askPeople(
  tx: StoreTransaction,
  parts: Parts,
  state: DeliveryState,
  made: { readonly because: KeptEscrow['because']; readonly now: number },
): Promise<DeliveryState> {
  let current = state
  for (const held of state.held) {
    const { request, index } = await hold(tx, parts, held, { ...made, delivery: state.delivery })
    const escrow = await escrowOf(tx, held.decision)
    await tx.custody.putEscrow({ ...escrow, request, state: 'asked' })
    const { because, now } = made
    const step = {
      type: 'escalate' as const,
      held: [heldOf(held)],
      because,
      request,
      heldAt: index,
    }
    const next = { phase: 'asked', deadline: null } as const
    current = await appendOwn(tx, parts, current, { step, next, now })
  }
  return current
}

/** The decision that holds the action once more, this time for people; it commits to the action as the first one did. */
async function hold(
  tx: StoreTransaction,
  parts: Parts,
  { decision }: CustodyHeld,
  made: {
    readonly delivery: string
    readonly because: KeptEscrow['because']
    readonly now: number
  },
): Promise<{ readonly request: string; readonly index: number }> {
  const { inputs, predicate } = await openDecision(tx, decision)
  const { delivery, because, now } = made
  const { action } = inputs
  const escrow: KeptEscrow = {
    ...{ delivery, because, obligations: predicate.obligations },
    route: escrowRoute(predicate, parts.judge.bundle.policy),
  }
  const evaluation = escrowHold(escrow)
  const id = newId(parts, 'dec')
  const { root, remains } = recommit(inputs)
  const request = newRequest(parts, { action, evaluation, decision: id, root, now })
  const about = { id, now, remains, evaluation, state: {}, request: request.id }
  await giveBack(tx, inputs)
  const { index } = await record(tx, parts, {
    id,
    root,
    predicate: verdictPredicate(parts, about),
    inputs: {
      ...{ action, seed: inputs.seed, hidden: inputs.hidden, state: {}, now },
      attempt: inputs.attempt ?? inputs.now,
      beside: { escrow },
    },
  })
  await tx.putRequest(request, index)
  return { request: request.id, index }
}

/** Writes down what people said about something in escrow, in the transaction that ends their request. */
export async function settleAsked(
  tx: StoreTransaction,
  parts: Parts,
  ended: {
    readonly request: string
    readonly decision: Resolution
    readonly index: number
    readonly now: number
  },
): Promise<void> {
  const { request, decision, index, now } = ended
  const escrow = await tx.custody.escrowOfRequest(request)
  const state = escrow?.delivery == null ? null : await tx.custody.delivery(escrow.delivery)
  if (escrow === null || state === null) return
  const approved = isApproval(decision)
  await tx.custody.putEscrow({ ...escrow, state: approved ? 'moved' : 'void' })
  const isIt = (one: CustodyHeld) => one.decision === escrow.permit
  const held = state.held.filter((one) => !isIt(one))
  const step = {
    type: approved ? 'release' : 'refund',
    held: state.held.filter(isIt).map(heldOf),
    ...{ request, resolvedAt: index },
  } as const
  const next = { held, phase: held.length === 0 ? 'ended' : 'asked' } as const
  await appendOwn(tx, parts, state, { step, next, now })
}

/** What a delivery holds has an escrow, or the store is broken. @throws {PolicyError} STORE_FAILED */
async function escrowOf(tx: StoreTransaction, decision: string): Promise<EscrowRecord> {
  const escrow = await tx.custody.escrow(decision)
  if (escrow !== null) return escrow
  throw new PolicyError('STORE_FAILED', `the store has lost the escrow of ${decision}`)
}

/** Inputs that were erased tell no more what was set aside. */
async function giveBackOf(tx: StoreTransaction, decision: string): Promise<void> {
  try {
    await giveBack(tx, (await openDecision(tx, decision)).inputs)
  } catch (error) {
    const isGone = error instanceof PolicyError && GONE.has(error.code)
    if (!isGone) throw error
  }
}

const GONE: ReadonlySet<string> = new Set(['STORE_KEY_MISMATCH', 'INPUTS_ERASED'])

function heldOf({ decision, decidedAt }: CustodyHeld): CustodyHeld {
  return { decision, decidedAt }
}

/** The escrow of a decision, for whoever asks what became of it. @throws {PolicyError} ESCROW_INVALID */
export async function findEscrow(
  store: Pick<Store, 'custody'>,
  decision: string,
): Promise<EscrowRecord> {
  const escrow = await store.custody.escrow(decision)
  if (escrow !== null) return escrow
  throw new PolicyError('ESCROW_INVALID', `${decision} is no decision that is held in escrow`)
}

/** A new delivery's id: a UUID of version 4 (RFC 9562). */
export function newDeliveryId({ entropy }: Pick<Parts, 'entropy'>): string {
  const bytes = entropy(16).slice()
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80
  const hex = encodeHex(bytes)
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    hex.slice(12, 16),
    hex.slice(16, 20),
    hex.slice(20),
  ].join('-')
}
