import { utf8 } from '../../base/digest.ts'
import { PolicyError } from '../../base/errors.ts'
import type { JsonObject } from '../../base/json-value.ts'
import {
  ESCROW_DEADLINE_MS_DEFAULT,
  ESCROW_DEADLINE_MS_MAX,
  ESCROW_DEADLINE_MS_MIN,
  ESCROW_HELD_MAX,
} from '../../base/limits.ts'
import { CUSTODY_NAMESPACE } from '../../model/custody.ts'
import type { CustodyStep } from '../../model/generated/types.ts'
import type { ReviewSigner } from '../../model/ports.ts'
import { validate } from '../../model/validate.ts'
import { custodyStatement } from '../../trust/receipt/custody.ts'
import { bindMandates, type MandateInput } from './custody-mandates.ts'
import { findPermit } from './custody-permits.ts'
import { askOverdue, type StepTaken, takeStep } from './custody-take.ts'
import {
  type Delivery,
  type DeliverySummary,
  listDeliveries,
  showDelivery,
} from './custody-views.ts'
import { nextStep } from './custody-write.ts'
import { newDeliveryId } from './escrow.ts'
import type { Parts } from './parts.ts'
import { isoTime } from './record.ts'

/** Signs a step with the acting agent's key. */
export type StepSigner = Pick<ReviewSigner, 'sign'>

export type HandoffInput = {
  /** The decision that allowed it. Its payload says `to`, the agent, and `payment` where a mandate says what is paid. */
  readonly decision: string
  readonly to: string
  /** A UUID in lower case: that of a delivery that goes on, or a new one. Default: a new one is drawn. */
  readonly delivery?: string
  /** Decisions to hold in escrow, made with `escrow: true`, of the same agent. In the first handoff alone. */
  readonly escrow?: readonly string[]
  /** When people are asked about what is held, if nobody has said how it ended, in milliseconds. Default: a day. */
  readonly deadlineMs?: number
  /** Who may say `fulfilled`: the first giver, or who has it last. Default: `receiver`. */
  readonly outcomeBy?: 'giver' | 'receiver'
  /** Mandates that it is done under. Of a delivery that goes on: none, or the same. */
  readonly mandates?: readonly MandateInput[]
  /** The root that the caller expects to hand on. Default: it is not compared. */
  readonly root?: string
}

export type AcceptInput = {
  readonly delivery: string
  readonly agent: string
  /** The mandates that the caller expects. Default: they are not compared. */
  readonly mandates?: readonly MandateInput[]
}

export type OutcomeInput = AcceptInput & { readonly outcome: 'fulfilled' | 'disputed' | 'failed' }

export type StepInput =
  | ({ readonly type: 'handoff' } & HandoffInput)
  | ({ readonly type: 'accept' } & AcceptInput)
  | ({ readonly type: 'outcome' } & OutcomeInput)

type Signing = { readonly signer?: StepSigner }

/** A step that can be taken now, and the text that the acting agent's key signs: SSHSIG, namespace `countersign-custody`. */
export type StepDraft = { readonly step: CustodyStep; readonly statement: string }

/** Deliveries between agents. Every step is checked, written and logged in one transaction. */
export interface Custody {
  /** Hands something on, under a decision that allowed it: begins a delivery, or goes on with one. */
  handoff(input: HandoffInput & Signing): Promise<StepTaken>
  acceptHandoff(input: AcceptInput & Signing): Promise<StepTaken>
  /**
   * Says how a delivery ended. What it holds is let go with `fulfilled`, voided with `failed`, and put to people with
   * `disputed`.
   *
   * @throws {PolicyError} CUSTODY_*, DELIVERY_UNKNOWN, AGENT_NOT_OWNED, KEY_NOT_PINNED; those of a signature
   */
  recordOutcome(input: OutcomeInput & Signing): Promise<StepTaken>
  /** The step that could be taken now, for an agent that signs elsewhere. */
  draftStep(input: StepInput): Promise<StepDraft>
  /** Takes a step that was drafted. @param given.mandates - the documents, with a handoff that binds some */
  submitStep(
    step: CustodyStep,
    given?: { readonly signature?: string; readonly mandates?: readonly MandateInput[] },
  ): Promise<StepTaken>
  /** Deliveries of this credential's agents, the last to have gone on first. @param limit - Default: 100 */
  deliveries(limit?: number): Promise<readonly DeliverySummary[]>
  /** @throws {PolicyError} DELIVERY_UNKNOWN */
  delivery(id: string): Promise<Delivery>
}

export function custodyOf(parts: Parts): Custody {
  const submit: Custody['submitStep'] = async (step, given = {}) => {
    const [problem] = validate('custody-step', step)
    if (problem !== undefined) {
      const message = `expected a step; at '${problem.pointer}': ${problem.message}`
      throw new PolicyError('DELIVERY_INVALID', message)
    }
    await askOverdue(parts, step.delivery)
    return takeStep(parts, { step, mandates: [], ...given })
  }
  const draft = async (input: StepInput): Promise<StepDraft> => {
    const step = await draftOf(parts, input)
    return { step, statement: custodyStatement(step) }
  }
  const take = async ({ signer, ...input }: StepInput & Signing): Promise<StepTaken> => {
    const { step, statement } = await draft(input)
    const signature = await signer?.sign(utf8(statement), CUSTODY_NAMESPACE)
    const { mandates = [] } = input
    return submit(step, { mandates, ...(signature === undefined ? {} : { signature }) })
  }
  return {
    handoff: (input) => take({ ...input, type: 'handoff' }),
    acceptHandoff: (input) => take({ ...input, type: 'accept' }),
    recordOutcome: (input) => take({ ...input, type: 'outcome' }),
    draftStep: draft,
    submitStep: submit,
    deliveries: (limit = 100) => listDeliveries(parts, limit),
    delivery: (id) => showDelivery(parts, id),
  }
}

/** What a step would say now. Nothing is decided here: the step is checked when it is taken. */
async function draftOf(parts: Parts, input: StepInput): Promise<CustodyStep> {
  if (input.type === 'handoff') return draftHandoff(parts, input)
  const { delivery, agent, mandates } = input
  await askOverdue(parts, delivery)
  const state = await knownDelivery(parts, delivery)
  const common = { ...nextStep(parts, state), ...mandatesOf(mandates) }
  if (input.type === 'accept') return { type: 'accept', ...common, agent }
  return { type: 'outcome', ...common, agent, outcome: input.outcome }
}

async function draftHandoff(parts: Parts, input: HandoffInput): Promise<CustodyStep> {
  const { decision, to, delivery = newDeliveryId(parts), mandates } = input
  const { project } = parts.credential
  const permit = await parts.store.transact((tx) => findPermit(tx, decision, project))
  const agent = String(permit.predicate.action['agent'])
  if (input.root !== undefined && input.root !== permit.root) {
    throw new PolicyError('CUSTODY_UNBOUND', 'expected the root that was decided on')
  }
  const { decidedAt, root } = permit
  const handed = { agent, to, decision: permit.decision, decidedAt, root }
  const state = await parts.store.custody.delivery(delivery)
  if (state !== null && input.escrow === undefined && input.outcomeBy === undefined) {
    return { type: 'handoff', ...nextStep(parts, state), ...mandatesOf(mandates), ...handed }
  }
  return {
    ...{ type: 'handoff', log: parts.signer.origin, project, delivery, step: 1, ...handed },
    outcomeBy: input.outcomeBy ?? 'receiver',
    ...(await escrowOf(parts, input)),
    ...mandatesOf(mandates),
  }
}

async function escrowOf(
  parts: Parts,
  { escrow = [], deadlineMs = ESCROW_DEADLINE_MS_DEFAULT }: HandoffInput,
): Promise<Pick<CustodyStep, 'held' | 'deadline'>> {
  if (escrow.length === 0) return {}
  if (escrow.length > ESCROW_HELD_MAX) {
    throw new PolicyError('ESCROW_INVALID', `expected at most ${ESCROW_HELD_MAX} decisions`)
  }
  if (!(deadlineMs >= ESCROW_DEADLINE_MS_MIN && deadlineMs <= ESCROW_DEADLINE_MS_MAX)) {
    throw new PolicyError('ESCROW_INVALID', 'expected a deadline from a second to 90 days ahead')
  }
  const held = await parts.store.transact(async (tx) => {
    const permits = []
    for (const id of escrow) permits.push(await findPermit(tx, id, parts.credential.project))
    return permits.map(({ decision, decidedAt }) => ({ decision, decidedAt }))
  })
  return { held, deadline: isoTime(parts.clock() + deadlineMs) }
}

function mandatesOf(mandates: readonly MandateInput[] = []): Pick<CustodyStep, 'mandates'> {
  return mandates.length === 0 ? {} : { mandates: [...bindMandates(mandates)] }
}

async function knownDelivery({ store, credential }: Parts, id: string) {
  const state = await store.custody.delivery(id)
  if (state !== null && state.project === credential.project) return state
  throw new PolicyError('DELIVERY_UNKNOWN', `no delivery ${id} in this store and project`)
}

/** A mandate's JSON, as a command or an endpoint gets it. @throws {PolicyError} MANDATE_INVALID */
export function mandateInput(kind: string, document: JsonObject): MandateInput {
  if (kind === 'x402' || kind === 'ap2') return { kind, document }
  throw new PolicyError('MANDATE_INVALID', 'expected the kind x402 or ap2')
}
