import { digestOf, utf8 } from '../../base/digest.ts'
import { PolicyError } from '../../base/errors.ts'
import type { JsonObject } from '../../base/json-value.ts'
import { seal } from '../../host/seal.ts'
import type { DeliveryState } from '../../model/custody.ts'
import type { CustodyReceipt, CustodyStep } from '../../model/generated/types.ts'
import type { StoreTransaction } from '../../model/ports.ts'
import { custodyId, custodyStatement } from '../../trust/receipt/custody.ts'
import { encodeLeafHash } from '../../trust/receipt/index.ts'
import { custodyReceipt } from '../../trust/receipt/statement.ts'
import type { Parts } from './parts.ts'
import { isoTime, sha256Digest } from './record.ts'

/** Who stands for a step: the agent's key, the credential that acted, or neither for the engine's own. */
export type CustodyProof = Pick<CustodyReceipt['predicate'], 'signed' | 'vouched'>

/** A step to write, and how the delivery stands after it. */
export type NewStep = {
  readonly step: CustodyStep
  readonly proof: CustodyProof
  /** The delivery after it; its last step is filled in here. */
  readonly next: Omit<DeliveryState, 'step' | 'leaf' | 'index' | 'at'>
  readonly now: number
  /** What is kept sealed with it, and under whose key. */
  readonly sealed?: { readonly subject: string; readonly document: JsonObject }
}

/**
 * Writes one step, its receipt and the delivery's new state, in the transaction that checked it.
 *
 * @throws {PolicyError} CUSTODY_FORKED when the delivery has a step of that number; RECEIPT_INVALID, RECEIPT_TOO_LARGE
 */
export async function appendStep(
  tx: StoreTransaction,
  parts: Parts,
  { step, proof, next, now, sealed }: NewStep,
): Promise<DeliveryState> {
  const id = custodyId(step)
  const receipt = custodyReceipt({
    id,
    policyDigest: sha256Digest(parts.judge.bundle.digest),
    issuedAt: isoTime(now),
    issuerId: parts.signer.origin,
    step,
    ...proof,
  })
  const taken = (await tx.custody.deliverySteps(step.delivery)).some(
    (one) => one.step === step.step,
  )
  if (taken) throw forked()
  const index = await tx.appendDecision({
    id,
    at: now,
    agent: step.agent ?? next.giver,
    root: digestOf(custodyStatement(step)),
    receipt,
    inputs: sealed === undefined ? NOTHING : await sealDocument(tx, id, sealed),
  })
  const leaf = encodeLeafHash(receipt)
  if (!(await tx.custody.putDeliveryStep(step.delivery, { step: step.step, index, leaf }))) {
    throw forked()
  }
  const state = { ...next, step: step.step, leaf, index, at: now }
  await tx.custody.putDelivery(state)
  return state
}

/** A step of the engine itself, after the last one. */
export async function appendOwn(
  tx: StoreTransaction,
  parts: Parts,
  state: DeliveryState,
  made: {
    readonly step: Pick<CustodyStep, 'type'> & Partial<CustodyStep>
    readonly next: Partial<DeliveryState>
    readonly now: number
  },
): Promise<DeliveryState> {
  const step = { ...nextStep(parts, state), ...made.step }
  return appendStep(tx, parts, { step, proof: {}, next: { ...state, ...made.next }, now: made.now })
}

/** What every step after the first says of its place. */
export function nextStep(
  { signer }: Pick<Parts, 'signer'>,
  { project, delivery, step, leaf, index, mandates }: DeliveryState,
): Omit<CustodyStep, 'type'> {
  return {
    ...{ log: signer.origin, project, delivery, step: step + 1, previous: leaf, previousAt: index },
    ...(mandates === null ? {} : { mandates }),
  }
}

async function sealDocument(
  tx: StoreTransaction,
  id: string,
  { subject, document }: NonNullable<NewStep['sealed']>,
) {
  const key = await tx.subjectKey(subject)
  return { subject, ciphertext: seal(key, utf8(JSON.stringify(document)), id) }
}

const NOTHING = { subject: '', ciphertext: new Uint8Array() }

function forked(): PolicyError {
  return new PolicyError('CUSTODY_FORKED', 'the step before has a successor already')
}
