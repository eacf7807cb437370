import { PolicyError } from '../../base/errors.ts'
import type { JsonObject } from '../../base/json-value.ts'
import { ESCROW_DEADLINE_MS_MAX } from '../../base/limits.ts'
import type { DeliveryState } from '../../model/custody.ts'
import type { CustodyStep } from '../../model/generated/types.ts'
import type { StoreTransaction } from '../../model/ports.ts'
import { isDecision, parseReceipt } from '../../trust/receipt/statement.ts'
import { unattested } from '../receipts/attestor.ts'
import { bindMandates, checkMandates, type MandateInput, namesOf } from './custody-mandates.ts'
import { type CustodyPermit, findPermit } from './custody-permits.ts'
import { checkNext, proofOfStep } from './custody-rules.ts'
import { appendStep, type NewStep } from './custody-write.ts'
import { askPeople, refusal, settleAll } from './escrow.ts'
import { escrowRoute } from './escrow-hold.ts'
import type { Parts } from './parts.ts'
import { openDecision } from './record.ts'

/** A step that was taken, where its receipt stands, and how the delivery stands after it. */
export type StepTaken = {
  readonly delivery: string
  readonly step: number
  readonly state: DeliveryState['phase']
  readonly outcome: DeliveryState['outcome']
  readonly receipt: { readonly index: number; readonly leaf_hash: string; readonly log: string }
  /** The requests that ask people about what is held. */
  readonly requests: readonly string[]
}

export type Submission = {
  readonly step: CustodyStep
  readonly signature?: string
  readonly mandates: readonly MandateInput[]
}

/**
 * Checks a step, writes it and does what follows from it, in one transaction: two processes cannot both succeed.
 *
 * @throws {PolicyError} CUSTODY_*, ESCROW_*, MANDATE_*, DELIVERY_UNKNOWN, AGENT_NOT_OWNED; those of a signature;
 *   ACTION_PENDING (retryable) for a handoff whose approval waits for its attestation
 */
export async function takeStep(parts: Parts, given: Submission): Promise<StepTaken> {
  const { step } = given
  await refuseUnattested(parts, step)
  const taken = await parts.batcher.run(async (tx) => {
    // In here: the policy that pins the keys is the one that the receipt names.
    const proof = proofOfStep(parts, step, given.signature)
    const now = parts.clock()
    const state = await tx.custody.delivery(step.delivery)
    await checkNext(tx, state, step)
    // It may have passed while the step waited for the store.
    if (state !== null && isOverdue(state, now)) {
      throw failure(
        'CUSTODY_OUT_OF_ORDER',
        'a step before the deadline, after which people are asked',
      )
    }
    const made = step.type === 'handoff' ? await handoff(tx, parts, { state, given, now }) : null
    if (made === null && state === null) throw unknown(step.delivery)
    const next = made?.next ?? nextOf(state as DeliveryState, step)
    const written: NewStep = {
      ...{ step, proof, next, now },
      ...(made?.sealed === undefined ? {} : { sealed: made.sealed }),
    }
    const after = await appendStep(tx, parts, written)
    return { after, ended: await follow(tx, parts, after, step, now) }
  })
  const { after, ended } = taken
  if (ended.phase === 'asked') await parts.sweeper.catchUp()
  const requests = await requestsOf(parts, after)
  const { index, leaf } = after
  return {
    ...{ delivery: step.delivery, step: step.step, state: ended.phase, outcome: ended.outcome },
    receipt: { index, leaf_hash: leaf, log: parts.signer.origin },
    requests,
  }
}

/** To hand on is what the approval of a handoff lets run. @throws {PolicyError} ACTION_PENDING (retryable) */
async function refuseUnattested(parts: Parts, { type, decision = '' }: CustodyStep): Promise<void> {
  const stored = type === 'handoff' ? await parts.store.decision(decision) : null
  const receipt = stored === null ? null : parseReceipt(stored.receipt)
  if (stored === null || receipt === null || !isDecision(receipt)) return
  if (receipt.predicate.stage !== 'resolution') return
  if (await parts.attestor.holdsBack(stored.index)) throw unattested(decision)
}

async function requestsOf({ store }: Parts, { held }: DeliveryState): Promise<readonly string[]> {
  const escrows = await Promise.all(held.map(({ decision }) => store.custody.escrow(decision)))
  return escrows.flatMap((escrow) => escrow?.request ?? [])
}

/** What follows from a step by itself. */
async function follow(
  tx: StoreTransaction,
  parts: Parts,
  state: DeliveryState,
  { type, outcome }: CustodyStep,
  now: number,
): Promise<DeliveryState> {
  if (type !== 'outcome' || state.held.length === 0) return state
  if (outcome === 'fulfilled') return settleAll(tx, parts, state, { as: 'release', now })
  if (outcome === 'failed') return settleAll(tx, parts, state, { as: 'refund', now })
  return askPeople(tx, parts, state, { because: 'disputed', now })
}

type Next = NewStep['next']

function nextOf(state: DeliveryState, step: CustodyStep): Next {
  const { type, agent = '' } = step
  const outcome = step.outcome ?? null
  if (type === 'accept') return { ...state, phase: 'accepted', holder: agent, to: null }
  if (outcome === 'disputed') return { ...state, phase: 'disputed', outcome }
  // What is held is settled by the step that follows, in the same transaction.
  return { ...state, phase: state.held.length === 0 ? 'ended' : 'accepted', outcome }
}

type Handing = {
  readonly state: DeliveryState | null
  readonly given: Submission
  readonly now: number
}

async function handoff(
  tx: StoreTransaction,
  parts: Parts,
  { state, given, now }: Handing,
): Promise<Pick<NewStep, 'sealed'> & { readonly next: Next }> {
  const { step, mandates } = given
  const { agent = '', to = '', delivery, project } = step
  const permit = await boundPermit(tx, parts, step)
  const { stored, inputs } = await openDecision(tx, permit.decision)
  const { payload } = inputs.action
  if (payload['to'] !== to) throw unbound('the agent that the judged payload names as `to`')
  const named = Object.hasOwn(payload, 'delivery') ? payload['delivery'] : delivery
  if (named !== delivery) throw unbound('the delivery that the judged payload names')
  await bindAll(tx, step, mandates, state)
  checkMandates(mandates, payload, now)
  const sealed = {
    subject: stored.inputs.subject,
    document: { mandates: mandates as unknown as JsonObject[] },
  }
  const kept = mandates.length === 0 ? {} : { sealed }
  if (state !== null) return { next: { ...state, phase: 'handed', to }, ...kept }
  const held = step.held ?? []
  await holdAll(tx, parts, step, permit)
  const deadline = step.deadline === undefined ? null : Date.parse(step.deadline)
  if (deadline !== null && !(deadline > now && deadline <= now + ESCROW_DEADLINE_MS_MAX)) {
    throw invalid('a deadline ahead, by at most 90 days')
  }
  const next: Next = {
    ...{ delivery, project, phase: 'handed', giver: agent, holder: agent, to, outcome: null },
    ...{ outcomeBy: step.outcomeBy ?? 'receiver', held, deadline },
    mandates: step.mandates ?? null,
  }
  return { next, ...kept }
}

/** The decision that a handoff names lets its giver make it, and is used for nothing else. */
async function boundPermit(
  tx: StoreTransaction,
  parts: Parts,
  step: CustodyStep,
): Promise<CustodyPermit> {
  const { agent, to, delivery, decision = '' } = step
  if (to === agent) throw failure('CUSTODY_WRONG_AGENT', 'another agent to hand to')
  if (!parts.judge.bundle.policy.agents.some((one) => one.agent === to)) {
    throw failure('AGENT_UNKNOWN', 'to hand to an agent that the policy knows')
  }
  const permit = await findPermit(tx, decision, step.project)
  const isIt = permit.decision === decision && permit.decidedAt === step.decidedAt
  if (!isIt) throw unbound('the decision that lets it run')
  if (permit.root !== step.root) throw unbound('the root that was decided on')
  if (permit.predicate.action['agent'] !== agent) throw unbound('a decision of the same agent')
  const escrow = await tx.custody.escrow(permit.asked)
  if (escrow !== null) throw refusal(escrow)
  if (await tx.custody.useDecision(decision, delivery)) return permit
  throw failure('CUSTODY_REPEATED', 'one handoff under a decision')
}

/** Mandates come with the first step and never change; each is bound to one delivery. */
async function bindAll(
  tx: StoreTransaction,
  step: CustodyStep,
  mandates: readonly MandateInput[],
  state: DeliveryState | null,
): Promise<void> {
  const stated = step.mandates ?? []
  const bound = bindMandates(mandates)
  const isSame = JSON.stringify(bound) === JSON.stringify(stated.map(inOrder))
  if (!isSame && (state === null || mandates.length > 0)) {
    throw failure('MANDATE_INVALID', 'the documents of the mandates that the step names')
  }
  for (const name of stated.flatMap(namesOf)) {
    if (await tx.custody.bindMandate(name, step.delivery)) continue
    throw failure('MANDATE_REPLAYED', 'a mandate that no other delivery carries')
  }
}

function inOrder({ kind, sha256, nonce }: NonNullable<CustodyStep['mandates']>[number]) {
  return { kind, sha256, ...(nonce === undefined ? {} : { nonce }) }
}

/** What is held was put into escrow when it was decided, so that nothing which lets it run was ever handed out. */
async function holdAll(
  tx: StoreTransaction,
  parts: Parts,
  { held = [], agent, delivery, project }: CustodyStep,
  handed: CustodyPermit,
): Promise<void> {
  const { policy } = parts.judge.bundle
  for (const { decision, decidedAt } of held) {
    const permit = await findPermit(tx, decision, project)
    if (permit.decision !== decision || permit.decidedAt !== decidedAt)
      throw invalid('a decision that lets it run')
    if (decision === handed.decision) throw invalid('another decision than that of the handoff')
    const { action, undoes } = permit.predicate
    if (action['agent'] !== agent) throw invalid('a decision of the agent that hands on')
    if (undoes !== undefined) throw invalid('no rollback')
    // Nobody could decide on it, were it disputed.
    await openDecision(tx, decision)
    const escrow = await tx.custody.escrow(permit.asked)
    if (escrow === null) throw invalid('a decision that was made for escrow: its grant may be out')
    if (escrow.delivery !== null || escrow.state !== 'held')
      throw invalid('what no delivery has held')
    if (escrowRoute(permit.predicate, policy).length === 0)
      throw invalid('a route `default` to ask people')
    await tx.custody.putEscrow({ ...escrow, permit: decision, delivery })
  }
}

/** Puts what a delivery holds to people, when its deadline has passed. */
export async function askOverdue(parts: Parts, delivery: string): Promise<void> {
  const seen = await parts.store.custody.delivery(delivery)
  if (seen === null || !isOverdue(seen, parts.clock())) return
  // The people of another project's policy are not its people.
  if (seen.project !== parts.credential.project) return
  await parts.batcher.run(async (tx) => {
    const now = parts.clock()
    const state = await tx.custody.delivery(delivery)
    if (state === null || !isOverdue(state, now)) return
    await askPeople(tx, parts, state, { because: 'overdue', now })
  })
}

function isOverdue({ deadline }: DeliveryState, now: number): boolean {
  return deadline !== null && now >= deadline
}

/** Puts all that is overdue to people. What cannot be asked about stays held. */
export async function askAllOverdue(parts: Parts): Promise<void> {
  for (const delivery of await parts.store.custody.overdueDeliveries(parts.clock())) {
    try {
      await askOverdue(parts, delivery)
    } catch (error) {
      if (!(error instanceof PolicyError) || error.retryable) throw error
    }
  }
}

function unknown(delivery: string): PolicyError {
  return new PolicyError('DELIVERY_UNKNOWN', `no delivery ${delivery} in this store`)
}

function unbound(expected: string): PolicyError {
  return failure('CUSTODY_UNBOUND', expected)
}

function invalid(expected: string): PolicyError {
  return failure('ESCROW_INVALID', expected)
}

function failure(code: PolicyError['code'], expected: string): PolicyError {
  return new PolicyError(code, `expected ${expected}`)
}
