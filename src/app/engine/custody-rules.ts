import { utf8 } from '../../base/digest.ts'
import type { ErrorCode } from '../../base/errors.ts'
import { PolicyError } from '../../base/errors.ts'
import { CUSTODY_STEPS_KEPT, CUSTODY_STEPS_MAX } from '../../base/limits.ts'
import { CUSTODY_NAMESPACE, type DeliveryState } from '../../model/custody.ts'
import type { CustodyStep } from '../../model/generated/types.ts'
import type { StoreTransaction } from '../../model/ports.ts'
import { custodyId, custodyStatement, isEngineStep } from '../../trust/receipt/custody.ts'
import { verifySshsig } from '../../trust/verify/index.ts'
import { storedStep } from './custody-permits.ts'
import type { CustodyProof } from './custody-write.ts'
import type { Parts } from './parts.ts'

/**
 * Whether a step is the one that comes next: after the last step of its delivery, by the agent whose turn it is.
 *
 * @throws {PolicyError} DELIVERY_UNKNOWN, CUSTODY_*
 */
export async function checkNext(
  tx: StoreTransaction,
  state: DeliveryState | null,
  step: CustodyStep,
): Promise<void> {
  if (isEngineStep(step)) throw failure('CUSTODY_WRONG_AGENT', 'a step that an agent can take')
  if (state === null) {
    if (step.type !== 'handoff' || step.step !== 1) {
      throw failure('DELIVERY_UNKNOWN', `a delivery that has begun; ${step.delivery} has not`)
    }
    return
  }
  if (step.project !== state.project) {
    throw failure('DELIVERY_UNKNOWN', `a delivery of ${step.project}; ${step.delivery} is none`)
  }
  await checkPlace(tx, state, step)
  if (text(step.mandates) !== text(state.mandates)) {
    throw failure('MANDATE_CHANGED', 'the mandates of the first step')
  }
  TURNS[step.type as keyof typeof TURNS](state, step)
}

async function checkPlace(
  tx: StoreTransaction,
  state: DeliveryState,
  step: CustodyStep,
): Promise<void> {
  const rows = await tx.custody.deliverySteps(step.delivery)
  if (step.step === 1)
    throw failure('CUSTODY_REPEATED', `a new delivery; ${step.delivery} has begun`)
  const before = rows.find(({ leaf }) => leaf === step.previous)
  if (before === undefined) throw failure('CUSTODY_UNLINKED', 'the leaf hash of the step before')
  const after = rows.find((row) => row.step === before.step + 1)
  if (after !== undefined) {
    const stored = await tx.decision(custodyId({ delivery: step.delivery, step: after.step }))
    const same = stored !== null && text(storedStep(stored.receipt)) === text(step)
    throw same
      ? failure('CUSTODY_REPEATED', 'a step that was not taken before')
      : failure('CUSTODY_FORKED', `one successor of step ${before.step}`)
  }
  if (step.previousAt !== before.index)
    throw failure('CUSTODY_UNLINKED', 'the index of the step before')
  if (step.step !== before.step + 1) throw outOfOrder(`step ${before.step + 1}`)
  if (state.phase === 'ended') throw failure('CUSTODY_ENDED', `a delivery that has not ended`)
  // For how it ends there is always room.
  if (step.type === 'handoff' && step.step > CUSTODY_STEPS_MAX - CUSTODY_STEPS_KEPT) {
    throw failure('DELIVERY_INVALID', `at most ${CUSTODY_STEPS_MAX - CUSTODY_STEPS_KEPT} steps`)
  }
}

type Turn = (state: DeliveryState, step: CustodyStep) => void

const TURNS: Readonly<Record<'handoff' | 'accept' | 'outcome', Turn>> = {
  handoff: ({ phase, holder }, { agent }) => {
    if (phase !== 'accepted') throw outOfOrder('a delivery that was accepted, and has no outcome')
    if (agent !== holder) throw wrongAgent(holder)
  },
  accept: ({ phase, to, holder }, { agent }) => {
    if (phase === 'accepted' && agent === holder) {
      throw failure('CUSTODY_REPEATED', 'one acceptance of a handoff')
    }
    if (phase !== 'handed') throw outOfOrder('a handoff that nobody has accepted')
    if (agent !== to) throw wrongAgent(to ?? '')
  },
  outcome: (state, { agent = '', outcome = 'failed' }) => {
    const { phase, giver, holder, held } = state
    if (outcome === state.outcome) throw failure('CUSTODY_REPEATED', 'each outcome once')
    const mayFollow = phase === 'disputed' && held.length === 0
    if (phase !== 'accepted' && !mayFollow) {
      throw outOfOrder('a delivery that was accepted, and that people do not decide on')
    }
    const teller = state.outcomeBy === 'giver' ? giver : holder
    const may = { fulfilled: [teller], failed: [teller, holder], disputed: [giver, holder] }
    if (!may[outcome].includes(agent)) throw wrongAgent(may[outcome].join(' or '))
  },
}

/**
 * Who stands for a step: the key that the policy pins for the agent, or the credential where it has none.
 *
 * @throws {PolicyError} AGENT_NOT_OWNED, CUSTODY_UNSIGNED, KEY_NOT_PINNED; those of a signature
 */
export function proofOfStep(
  { credential, judge, signer }: Pick<Parts, 'credential' | 'judge' | 'signer'>,
  step: CustodyStep,
  signature: string | undefined,
): CustodyProof {
  const { agent = '' } = step
  if (step.log !== signer.origin) throw failure('CUSTODY_UNLINKED', `a step for ${signer.origin}`)
  if (step.project !== credential.project) {
    throw failure('PROJECT_NOT_OWNED', "a step in the credential's project")
  }
  if (!credential.agents.includes(agent) && !credential.agents.includes('*')) {
    throw failure('AGENT_NOT_OWNED', 'a step of an agent of this credential')
  }
  const known = judge.bundle.policy.agents.find((one) => one.agent === agent)
  if (known === undefined)
    throw failure('AGENT_UNKNOWN', 'a step of an agent that the policy knows')
  const { keys = [] } = known
  if (signature === undefined) {
    if (keys.length > 0)
      throw failure('CUSTODY_UNSIGNED', `a signature of ${agent}, which has a key`)
    return { vouched: { agents: [...credential.agents], role: credential.role } }
  }
  const { fingerprint } = verifySshsig(signature, utf8(custodyStatement(step)), CUSTODY_NAMESPACE)
  if (!keys.includes(fingerprint)) {
    throw failure('KEY_NOT_PINNED', `a key that the Agent file of ${agent} lists`)
  }
  return { signed: { fingerprint, signature } }
}

function text(value: unknown): string {
  return custodyStatement((value ?? null) as CustodyStep)
}

function wrongAgent(agent: string): PolicyError {
  return failure('CUSTODY_WRONG_AGENT', `${agent}, whose turn it is`)
}

function outOfOrder(expected: string): PolicyError {
  return failure('CUSTODY_OUT_OF_ORDER', expected)
}

function failure(code: ErrorCode, expected: string): PolicyError {
  return new PolicyError(code, `expected ${expected}`)
}
