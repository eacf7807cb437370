import { canonicalize } from '../../base/canonical-json.ts'
import { utf8 } from '../../base/digest.ts'
import type { ErrorCode } from '../../base/errors.ts'
import { PolicyError } from '../../base/errors.ts'
import type { JsonValue } from '../../base/json-value.ts'
import { CUSTODY_NAMESPACE } from '../../model/custody.ts'
import type {
  CustodyReceipt,
  CustodyStep,
  DecisionReceipt,
  Trust,
} from '../../model/generated/types.ts'
import { custodyStatement } from '../receipt/custody.ts'
import { encodeLeafHash } from '../receipt/merkle.ts'
import type { PastExecutions } from './log-executions.ts'
import { verifySshsig } from './sshsig.ts'

/** What steps of deliveries may refer to. */
export type PastCustody = {
  /** Whether what an escrow let go may be told by receipts that are not here: an engine's step is no agent's. */
  readonly isPartial: boolean
  readonly chains: Map<string, Chain>
  /** Decisions that handoffs were made under, by log index. */
  readonly used: Set<number>
  /** Deliveries by the digests and nonces of their mandates. */
  readonly mandates: Map<string, string>
  /** What is or was held in escrow, by the log index of the decision that would let it run. */
  readonly held: Map<number, Held>
  /** What people were asked about, by request. */
  readonly asked: Map<string, Held>
  /** How those requests ended, by log index. */
  readonly endings: Map<number, DecisionReceipt>
  /** Agents by the keys that signed for them. */
  readonly keys: Map<string, string>
  readonly counts: { signed: number; vouched: number }
}

type Held = {
  readonly delivery: string
  readonly decision: string
  readonly decidedAt: number
  state: 'held' | 'asked' | 'released' | 'void'
  request?: string
}

/** One delivery, as far as it was read. */
type Chain = {
  step: number
  leaf: string
  /** The log index of its last step. */
  at: number
  readonly leaves: Set<string>
  readonly first: CustodyStep
  /** Who has it. */
  holder: string
  /** Who is to take it; null when nobody is. */
  to: string | null
  outcome: CustodyStep['outcome'] | null
  ended: boolean
}

export function newPastCustody(isPartial: boolean): PastCustody {
  return {
    isPartial,
    chains: new Map(),
    used: new Set(),
    mandates: new Map(),
    held: new Map(),
    asked: new Map(),
    endings: new Map(),
    keys: new Map(),
    counts: { signed: 0, vouched: 0 },
  }
}

/** Keeps how a request ended that people were asked about what is held in escrow. */
export function rememberEnding(
  receipt: DecisionReceipt,
  index: number,
  { asked, endings }: PastCustody,
): void {
  const { stage, request = '' } = receipt.predicate
  if (stage === 'resolution' && asked.has(request)) endings.set(index, receipt)
}

/**
 * Refuses an execution under a decision that is held in escrow, or was refunded.
 *
 * @throws {PolicyError} ESCROW_HELD, ESCROW_VOID
 */
export function checkNotHeld(decidedAt: number, { held, isPartial }: PastCustody): void {
  const state = held.get(decidedAt)?.state ?? 'released'
  if (state === 'released' || (isPartial && state !== 'void')) return
  const code = state === 'void' ? 'ESCROW_VOID' : 'ESCROW_HELD'
  throw failure(code, 'a decision that no escrow holds')
}

/** What a step is checked against. */
export type CustodyContext = {
  readonly index: number
  readonly past: {
    readonly custody: PastCustody
    readonly executions: PastExecutions
    /** Holds by log index. */
    readonly holds: ReadonlyMap<number, DecisionReceipt>
    /** Of calls that were taken back: by the log index of the decision that let one run. */
    readonly undone: ReadonlyMap<number, number>
  }
  readonly trust: Trust | undefined
}

/**
 * Checks one step of a delivery against the steps before it: it is the one successor of the last, by the agent whose turn
 * it is, signed by that agent's key or vouched for, under a decision that allowed it; and what is held is let go only
 * once the outcome was `fulfilled`, or people said so.
 *
 * @throws {PolicyError} CUSTODY_*, ESCROW_*, MANDATE_*; RECEIPT_INVALID; those of a signature
 */
export function checkCustody(receipt: CustodyReceipt, context: CustodyContext): void {
  const past = context.past.custody
  const { step } = receipt.predicate
  const chain = past.chains.get(step.delivery)
  checkPlace(step, chain)
  checkActor(receipt, context)
  const leaf = encodeLeafHash(utf8(canonicalize(receipt as unknown as JsonValue)))
  if (chain === undefined) past.chains.set(step.delivery, begin(receipt, leaf, context))
  else {
    if (step.project !== chain.first.project) throw unbound('the project')
    if (text(step.mandates) !== text(chain.first.mandates)) {
      throw failure('MANDATE_CHANGED', 'the mandates of the first step')
    }
    RULES[step.type](receipt, chain, context)
    chain.step = step.step
    chain.leaf = leaf
    chain.at = context.index
    chain.leaves.add(leaf)
  }
}

/** What was found of deliveries. */
export type CustodyCounts = {
  readonly deliveries: number
  /** Those of them that have ended. */
  readonly ended: number
  /** Things that they hold or held in escrow. */
  readonly held: number
  /** Steps that the acting agents signed, and those that only the engine vouches for. */
  readonly signed: number
  readonly vouched: number
}

export function countDeliveries({ chains, held, counts }: PastCustody): CustodyCounts {
  const ended = [...chains.values()].filter((chain) => chain.ended).length
  return { deliveries: chains.size, ended, held: held.size, ...counts }
}

/**
 * What the check of deliveries has shown, and what it has not.
 *
 * @param isWhole - whether all receipts of the log were there, or an execution of what is held may be among the others
 */
export function custodyClaims(
  { deliveries, ended, held, signed, vouched }: CustodyCounts,
  trust: Trust | undefined,
  isWhole = true,
): { readonly proven: readonly string[]; readonly open: readonly string[] } {
  if (deliveries === 0) return { proven: [], open: [] }
  const isPinned = trust?.agents !== undefined
  return {
    proven: [
      `each of ${deliveries} deliveries is one unbroken chain of steps in their order, by the agents whose turn it was, after decisions that allowed each handoff; ${ended} have ended`,
      ...(isWhole ? [HELD_FAST] : []),
      `${signed} custody steps are signed by ${isPinned ? 'keys that the trust file pins for their agents' : 'their agents, one key for one agent'}`,
    ],
    open: [
      ...(isWhole ? [] : [`that ${HELD_FAST}: that takes the whole log`]),
      ...(held === 0
        ? []
        : [
            `that nothing of the ${held} things which deliveries hold or held ran without a receipt of its execution: a call without a grant leaves none`,
          ]),
      ...(vouched === 0
        ? []
        : [
            `that ${vouched} custody steps were the agents' own: they are unsigned, and for them there is only the engine's word`,
          ]),
      ...(isPinned || signed === 0
        ? []
        : [
            'that the keys of custody steps are those of the agents named (list agents under --trust)',
          ]),
    ],
  }
}

const HELD_FAST = 'nothing that a delivery held was let go but after `fulfilled`, or by people'

function checkPlace(step: CustodyStep, chain: Chain | undefined): void {
  if (chain === undefined) {
    if (step.type === 'handoff' && step.step === 1) return
    throw failure('CUSTODY_OUT_OF_ORDER', 'a first handoff before every other step')
  }
  if (step.step === 1) throw failure('CUSTODY_REPEATED', 'one beginning of a delivery')
  if (chain.ended) throw failure('CUSTODY_ENDED', 'no step after the end of a delivery')
  const { previous = '' } = step
  if (previous !== chain.leaf) {
    const isFork = chain.leaves.has(previous)
    throw isFork
      ? failure('CUSTODY_FORKED', 'one successor of each step')
      : failure('CUSTODY_UNLINKED', 'the leaf hash of the step before')
  }
  if (step.previousAt !== chain.at)
    throw failure('CUSTODY_UNLINKED', 'the index of the step before')
  if (step.step === chain.step + 1) return
  throw failure('CUSTODY_OUT_OF_ORDER', `step ${chain.step + 1} of the delivery`)
}

/** Who acts has signed, or the engine vouches for the credential that did. */
function checkActor({ predicate }: CustodyReceipt, { past, trust }: CustodyContext): void {
  const { counts, keys } = past.custody
  const { step, signed, vouched } = predicate
  const { agent } = step
  if (agent === undefined) return // The receipt's own check sees to it that this is a step of the engine.
  const pinned = trust?.agents?.find((one) => one.agent === agent)?.fingerprints
  if (signed === undefined) {
    const { agents = [] } = vouched ?? {}
    if (!agents.includes(agent) && !agents.includes('*')) {
      throw failure('CUSTODY_WRONG_AGENT', 'a credential of the agent that acts')
    }
    if (pinned !== undefined) {
      throw failure('CUSTODY_UNSIGNED', `a signature of ${agent}, whose keys the trust file pins`)
    }
    counts.vouched++
    return
  }
  const key = verifySshsig(signed.signature, utf8(custodyStatement(step)), CUSTODY_NAMESPACE)
  if (key.fingerprint !== signed.fingerprint) {
    throw failure('KEY_NOT_PINNED', 'the fingerprint of the key that signed')
  }
  const isOurs = trust?.agents === undefined || pinned?.includes(key.fingerprint) === true
  if (!isOurs) throw failure('KEY_NOT_PINNED', `a key that the trust file pins for ${agent}`)
  const known = keys.get(key.fingerprint) ?? agent
  if (known !== agent) throw failure('KEY_NOT_PINNED', 'a key that signs for one agent')
  keys.set(key.fingerprint, agent)
  counts.signed++
}

function begin(receipt: CustodyReceipt, leaf: string, context: CustodyContext): Chain {
  const { step } = receipt.predicate
  const { agent = '', to = '', delivery, held = [], deadline } = step
  checkHandoff(step, context)
  const { custody: past, executions, undone } = context.past
  for (const { sha256, nonce } of step.mandates ?? []) {
    for (const name of [`sha256/${sha256}`, ...(nonce === undefined ? [] : [`nonce/${nonce}`])]) {
      if (past.mandates.has(name)) throw failure('MANDATE_REPLAYED', 'each mandate in one delivery')
      past.mandates.set(name, delivery)
    }
  }
  for (const { decision, decidedAt } of held) {
    const permit = permitOf({ decision, decidedAt, agent }, context)
    if (permit.predicate.action['project'] !== step.project) throw unbound('the project')
    const uses = [past.held, past.used, executions.used, undone]
    if (uses.some((one) => one.has(decidedAt)))
      throw failure('ESCROW_INVALID', 'what has not run, and is held once')
    past.held.set(decidedAt, { delivery, decision, decidedAt, state: 'held' })
  }
  if (deadline !== undefined && !(Date.parse(deadline) > Date.parse(receipt.predicate.issuedAt))) {
    throw failure('ESCROW_INVALID', 'a deadline after the handoff')
  }
  return {
    ...{ step: 1, leaf, at: context.index, leaves: new Set([leaf]), first: step },
    ...{ holder: agent, to, outcome: null, ended: false },
  }
}

/** A handoff follows a decision that let its giver make it, of the very action that was decided on, used for nothing else. */
function checkHandoff(step: CustodyStep, context: CustodyContext): void {
  const { agent = '', to, decision = '', decidedAt = 0, root } = step
  const { used, held } = context.past.custody
  if (to === agent) throw failure('CUSTODY_WRONG_AGENT', 'another agent to hand to')
  const permit = permitOf({ decision, decidedAt, agent }, context)
  if (permit.predicate.action['project'] !== step.project) throw unbound('the project')
  if (rootOf(permit) !== root) throw unbound('the root of the action that was decided on')
  if (held.has(decidedAt)) throw failure('ESCROW_HELD', 'a decision that no escrow holds')
  if (used.has(decidedAt)) throw failure('CUSTODY_REPEATED', 'one handoff under a decision')
  used.add(decidedAt)
}

type Named = { readonly decision: string; readonly decidedAt: number; readonly agent: string }

function permitOf(
  { decision, decidedAt, agent }: Named,
  { past }: CustodyContext,
): DecisionReceipt {
  const permit = past.executions.permits.get(decidedAt)
  if (permit === undefined) throw unbound('an earlier decision that lets a call run')
  const { stage, id, action } = permit.predicate
  // A resolution's own id is the request's; its decision is known to the store alone.
  if (stage === 'verdict' && id !== decision) throw unbound('the decision at `decidedAt`')
  if (action['agent'] !== agent) throw unbound('a decision on an action of the same agent')
  return permit
}

/** The root of what would run: the action as people left it. */
function rootOf({ subject, predicate }: DecisionReceipt): string {
  return predicate.resolution?.patchedRoot ?? `sha256:${subject[0]?.digest.sha256}`
}

type Rule = (receipt: CustodyReceipt, chain: Chain, context: CustodyContext) => void

const RULES: Readonly<Record<CustodyStep['type'], Rule>> = {
  handoff: ({ predicate: { step } }, chain, context) => {
    if (chain.to !== null || chain.outcome !== null) throw outOfOrder('an accepted delivery')
    if (step.agent !== chain.holder) throw wrongAgent()
    if (isAsked(chain, context)) throw outOfOrder('a delivery that people do not decide on')
    checkHandoff(step, context)
    chain.to = step.to ?? null
  },
  accept: ({ predicate: { step } }, chain, context) => {
    if (chain.to === null) throw outOfOrder('a handoff before its acceptance')
    if (step.agent !== chain.to) throw wrongAgent()
    if (isAsked(chain, context)) throw outOfOrder('a delivery that people do not decide on')
    chain.holder = chain.to
    chain.to = null
  },
  outcome: checkOutcome,
  escalate: checkEscalation,
  release: (receipt, chain, context) => settle(receipt, chain, context, 'released'),
  refund: (receipt, chain, context) => settle(receipt, chain, context, 'void'),
}

function checkOutcome({ predicate }: CustodyReceipt, chain: Chain, context: CustodyContext): void {
  const { step, issuedAt } = predicate
  const { agent, outcome } = step
  const { first, holder } = chain
  if (chain.to !== null) throw outOfOrder('an acceptance before the outcome')
  const isFirst = chain.outcome === null
  const mayFollow =
    chain.outcome === 'disputed' && outcome !== 'disputed' && first.held === undefined
  if (!isFirst && !mayFollow) throw outOfOrder('one outcome')
  if (isAsked(chain, context)) throw outOfOrder('an outcome before people were asked')
  const teller = first.outcomeBy === 'giver' ? first.agent : holder
  const may = {
    fulfilled: [teller],
    failed: [teller, holder],
    disputed: [first.agent, holder],
  }
  if (outcome === undefined || !may[outcome].includes(agent)) throw wrongAgent()
  const { deadline } = first
  if (deadline !== undefined && !(Date.parse(issuedAt) < Date.parse(deadline))) {
    throw outOfOrder('an outcome before the deadline, after which people are asked')
  }
  chain.outcome = outcome
  if (outcome !== 'disputed' && first.held === undefined) chain.ended = true
}

function checkEscalation(
  { predicate }: CustodyReceipt,
  chain: Chain,
  context: CustodyContext,
): void {
  const { step, issuedAt } = predicate
  const { because, request = '', heldAt = 0 } = step
  const held = heldBy(step, context, 'held')
  const isDue =
    because === 'disputed'
      ? chain.outcome === 'disputed'
      : chain.outcome === null && Date.parse(issuedAt) >= Date.parse(chain.first.deadline ?? '')
  if (!isDue) throw outOfOrder('a dispute, or a deadline that has passed')
  const { custody, executions, holds } = context.past
  const hold = holds.get(heldAt)
  if (hold?.predicate.request !== request) throw unbound('the receipt that opened the request')
  const permit = executions.permits.get(held.decidedAt)
  if (permit === undefined || rootOf(permit) !== rootOf(hold))
    throw unbound('the action that is held')
  if (custody.asked.has(request)) throw failure('CUSTODY_REPEATED', 'a request of its own')
  held.state = 'asked'
  held.request = request
  custody.asked.set(request, held)
}

/** What is held is let go, or voided: by the outcome all of it, by people what their request was about. */
function settle(
  { predicate: { step } }: CustodyReceipt,
  chain: Chain,
  context: CustodyContext,
  as: 'released' | 'void',
): void {
  const past = context.past.custody
  const { held = [], request, resolvedAt = 0 } = step
  if (request === undefined) {
    if (chain.outcome !== (as === 'released' ? 'fulfilled' : 'failed')) {
      throw failure('ESCROW_HELD', `the outcome that lets it be ${as}`)
    }
    if (text(held) !== text(chain.first.held)) throw unbound('all that is held')
    for (const one of held) heldBy({ ...step, held: [one] }, context, 'held').state = as
  } else {
    const one = heldBy(step, context, 'asked')
    const ending = past.endings.get(resolvedAt)
    if (one.request !== request || ending?.predicate.request !== request) {
      throw unbound('the receipt that ended its request')
    }
    const isApproved = ending.predicate.decision.startsWith('APPROVED')
    if (isApproved !== (as === 'released')) throw failure('ESCROW_HELD', 'what people said')
    // What they let run, runs by the decision that ended their request.
    one.state = 'void'
  }
  const all = chain.first.held ?? []
  chain.ended = all.every(({ decidedAt }) => {
    const state = past.held.get(decidedAt)?.state
    return state === 'released' || state === 'void'
  })
}

/** The one thing that a step is about, if it is this delivery's and stands so. */
function heldBy(step: CustodyStep, { past }: CustodyContext, state: Held['state']): Held {
  const [named, ...more] = step.held ?? []
  const held = past.custody.held.get(named?.decidedAt ?? -1)
  if (more.length > 0 || held === undefined || held.decision !== named?.decision) {
    throw failure('ESCROW_INVALID', 'what this delivery holds')
  }
  if (held.delivery !== step.delivery) throw failure('ESCROW_INVALID', 'what this delivery holds')
  if (held.state !== state) throw failure('ESCROW_INVALID', `what is ${state}, once`)
  return held
}

function isAsked({ first }: Chain, { past }: CustodyContext): boolean {
  return (first.held ?? []).some(
    ({ decidedAt }) => past.custody.held.get(decidedAt)?.state !== 'held',
  )
}

function text(value: unknown): string {
  return canonicalize((value ?? null) as JsonValue)
}

function wrongAgent(): PolicyError {
  return failure('CUSTODY_WRONG_AGENT', 'the agent whose turn it is')
}

function outOfOrder(expected: string): PolicyError {
  return failure('CUSTODY_OUT_OF_ORDER', expected)
}

function unbound(expected: string): PolicyError {
  return failure('CUSTODY_UNBOUND', expected)
}

function failure(code: ErrorCode, expected: string): PolicyError {
  return new PolicyError(code, `expected ${expected}`)
}
