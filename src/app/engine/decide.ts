import { canonicalize } from '../../base/canonical-json.ts'
import { hmacSha256 } from '../../base/digest.ts'
import { encodeHex } from '../../base/encoding.ts'
import { PolicyError } from '../../base/errors.ts'
import type { JsonObject } from '../../base/json-value.ts'
import { REQUESTS_WAITING_MAX } from '../../base/limits.ts'
import type { Changeable } from '../../decide/evaluate/index.ts'
import { ownership } from '../../model/action.ts'
import type { Outcome, Request } from '../../model/generated/types.ts'
import type { Evaluation, JudgedAction, StateSlice } from '../../model/nouns.ts'
import type { StoreTransaction } from '../../model/ports.ts'
import { encodeLeafHash } from '../../trust/receipt/index.ts'
import { putInEscrow } from './escrow.ts'
import { recordGrant } from './grants.ts'
import type { Parts } from './parts.ts'
import {
  actionDocument,
  type Beside,
  commit,
  isoTime,
  newId,
  openDecision,
  record,
} from './record.ts'
import { newRequest } from './request.ts'
import { callMismatch } from './results.ts'
import { namesSecrets } from './secrets.ts'
import { changeAndMint, changed, keepTokens, opensTokens, unopenedToken } from './tokens.ts'
import { asUndo, noteUndo, type Undo } from './undo.ts'
import {
  denial,
  deniedInstead,
  evaluateOrDeny,
  isUnreceivable,
  runs,
  tooManyWaiting,
  unreceived,
  verdictPredicate,
} from './verdict.ts'

export type DecideOptions = {
  /**
   * The same key with the same action gives the same decision, over restarts; with another action it is refused. An
   * action that was allowed is judged again once the policy is another one, unless its grant was redeemed: it has run.
   */
  readonly idempotencyKey?: string
  /**
   * With a result only: the decision that allowed the call which gave it. It must be of the same agent, service and
   * action; then the receipt says so.
   */
  readonly call?: string
  /**
   * Holds a call that may run in escrow: its answer has neither payload nor grant, until a delivery that names it is
   * fulfilled. An idempotency key belongs to one with escrow or to one without.
   */
  readonly escrow?: boolean
}

/**
 * Judges one action: evaluates it, writes state, receipt and, when it is held, the request in one transaction, and
 * answers once all of that is durable and the log that holds the receipt is on disk.
 *
 * @throws {PolicyError} IDEMPOTENCY_CONFLICT, or STORE_FAILED (retryable); the action must not run then either
 */
export function judgeCall(
  parts: Parts,
  action: JudgedAction,
  options: DecideOptions = {},
): Promise<Outcome> {
  const now = parts.clock()
  // Before the key is looked up: who may not ask must neither learn nor occupy what another's key stands for.
  const key = ownership(action, parts.credential) === null ? options.idempotencyKey : undefined
  const { call, escrow = false } = options
  if (escrow && action.phase === 'result') {
    throw new PolicyError('ACTION_INVALID', 'expected a call; a result cannot be held in escrow')
  }
  return parts.batcher.run(async (tx) => {
    if (key === undefined) return decideNow(tx, parts, { action, now, call, escrow })
    const record = {
      key: scopedKey(parts, action, key),
      actionDigest: actionDigest(parts, action, call),
    }
    const known = await tx.idempotency(record.key)
    if (known !== null && known.actionDigest !== record.actionDigest) {
      throw new PolicyError(
        'IDEMPOTENCY_CONFLICT',
        `the idempotency key came with another action before; the decision of that one is ${known.decision}`,
      )
    }
    const recalled = known === null ? null : await recall(tx, parts, known.decision)
    if (recalled !== null && escrow) await mustBeInEscrow(tx, recalled)
    if (recalled !== null && !(await isOverruled(tx, parts, recalled, now))) return recalled
    const outcome = await decideNow(tx, parts, { action, now, call, escrow })
    await tx.putIdempotency(record.key, {
      actionDigest: record.actionDigest,
      decision: outcome.decision,
    })
    return outcome
  })
}

/**
 * Whether an action that may run must be judged again: another policy has come, or this one has ended. One whose grant
 * was redeemed has run: another decision would have a grant of its own, and run it twice.
 */
async function isOverruled(
  tx: StoreTransaction,
  parts: Parts,
  recalled: Outcome,
  now: number,
): Promise<boolean> {
  const { digest, policy } = parts.judge.bundle
  const ended = policy.valid_until !== null && now >= Date.parse(policy.valid_until)
  if (!runs(recalled.verdict) || (recalled.policy === digest && !ended)) return false
  // Judged anew, nothing would hold it.
  if ((await tx.custody.escrow(recalled.decision)) !== null) return false
  const grant = await tx.grantOfDecision(recalled.decision)
  return grant === null || grant.redeemedAt === null
}

type Asked = {
  readonly action: JudgedAction
  readonly now: number
  readonly call: string | undefined
  readonly undo?: Undo
  readonly escrow?: boolean
}

/** Judges an action and writes the decision down, in the transaction that is open. */
export async function decideNow(
  tx: StoreTransaction,
  parts: Parts,
  asked: Asked,
): Promise<Outcome> {
  const { action, now, call, undo, escrow = false } = asked
  const mismatch = call === undefined ? null : await callMismatch(tx, action, call)
  if (mismatch !== null && ownership(action, parts.credential) === null) {
    const evaluation = denial('CALL_MISMATCH', mismatch)
    const beside = { call: String(call) }
    return writeDecision(tx, parts, { action, evaluation, state: {}, now, beside })
  }
  const judged = await evaluateInTransaction(tx, parts, action, now)
  // What is not this call's is not written down as such.
  const named = call === undefined || mismatch !== null ? {} : { call }
  const undoing = undo === undefined ? {} : { undo }
  return writeDecision(tx, parts, { action, now, escrow, ...judged, ...named, ...undoing })
}

/** What the evaluation said; every failure of the engine itself is a denial that names its code. */
export async function evaluateInTransaction(
  tx: StoreTransaction,
  parts: Parts,
  action: JudgedAction,
  now: number,
): Promise<Pick<Made, 'evaluation' | 'state' | 'beside'>> {
  const { credential } = parts
  const refused = ownership(action, credential)
  if (refused !== null) {
    const evaluation = denial(refused.code, refused.message)
    return { evaluation, state: {}, beside: { credential } }
  }
  const state = await tx.readState(parts.judge.stateKeys(action))
  return { evaluation: await evaluateOrDeny(parts.judge, { action, state, now }), state }
}

type Made = {
  readonly action: JudgedAction
  readonly evaluation: Evaluation
  readonly state: StateSlice
  readonly now: number
  /** The decision that allowed the call, where the action is its result. */
  readonly call?: string
  /** When the attempt was counted. Default: now. */
  readonly attempt?: number
  /** The call that the action takes back. */
  readonly undo?: Undo
  /** Whether nothing may let it run until a delivery does. Default: no. */
  readonly escrow?: boolean
  readonly beside?: Beside
}

/**
 * Writes a decision down and, when it is held, opens its request. What no receipt can hold, or no person could read
 * any more, is denied, and counts as an attempt like any other.
 */
export async function writeDecision(
  tx: StoreTransaction,
  parts: Parts,
  given: Made,
): Promise<Outcome> {
  const { undo } = given
  const { policy } = parts.judge.bundle
  const made =
    undo === undefined ? given : { ...given, evaluation: asUndo(given.evaluation, undo, policy) }
  const waiting =
    made.evaluation.verdict === 'hold' ? await tx.waitingRequests(made.action.agent) : 0
  if (waiting >= REQUESTS_WAITING_MAX) {
    const evaluation = deniedInstead(made.evaluation, tooManyWaiting(waiting))
    return write(tx, parts, { ...made, evaluation, beside: { waiting } })
  }
  const problem = await tokenProblem(tx, parts, made)
  if (problem !== null) {
    const { code, message } = problem
    const evaluation = deniedInstead(made.evaluation, problem)
    return write(tx, parts, { ...made, evaluation, beside: { unopened: { code, message } } })
  }
  try {
    return await write(tx, parts, made)
  } catch (error) {
    if (!isUnreceivable(error)) throw error
    const evaluation = deniedInstead(made.evaluation, unreceived(error))
    return write(tx, parts, { ...made, evaluation })
  }
}

/** Why a call that may run cannot get the clear values of its tokens, or null. */
async function tokenProblem(
  tx: StoreTransaction,
  parts: Parts,
  { action, evaluation }: Pick<Made, 'action' | 'evaluation'>,
): Promise<PolicyError | null> {
  if (!runs(evaluation.verdict)) return null
  return unopenedToken(tx, parts, action, evaluation.obligations)
}

async function write(tx: StoreTransaction, parts: Parts, made: Made): Promise<Outcome> {
  const { action, evaluation, state, now, call, attempt, undo } = made
  const beside = undo === undefined ? made.beside : { ...made.beside, undo: undo.kept }
  await tx.writeState(evaluation.state)
  await tx.forgetState(now)
  const id = newId(parts, 'dec')
  const committed = commit(parts, action)
  const request: Request | null =
    evaluation.verdict === 'hold'
      ? newRequest(parts, { action, evaluation, decision: id, root: committed.root, now })
      : null
  const { verdict } = evaluation
  const { index, receipt } = await record(tx, parts, {
    id,
    root: committed.root,
    predicate: verdictPredicate(parts, {
      ...{ id, now, evaluation, state },
      remains: committed.remains,
      ...(call === undefined ? {} : { call }),
      ...(undo === undefined ? {} : { undoes: undo.undoes }),
      ...(request === null ? {} : { request: request.id }),
    }),
    inputs: {
      action,
      seed: encodeHex(committed.seed),
      hidden: committed.hidden,
      state,
      now,
      ...(attempt === undefined ? {} : { attempt }),
      ...(evaluation.reserved === undefined ? {} : { reserved: evaluation.reserved }),
      ...(beside === undefined ? {} : { beside }),
    },
  })
  if (request !== null) await tx.putRequest(request, index)
  if (undo !== undefined) await noteUndo(tx, undo, id)
  const escrow = made.escrow === true && verdict !== 'deny'
  if (escrow) await putInEscrow(tx, id)
  const kept = verdict === 'deny' ? null : await keepAndHandOn(tx, parts, made)
  const handed = escrow ? null : kept
  // Where clear values are put in later, the grant is made over those.
  if (handed !== null && action.phase !== 'result' && !needsClear(parts, action, handed.payload)) {
    const { payload } = handed
    await recordGrant(tx, parts, { decision: id, request: null, action, payload })
  }
  return outcomeOf(parts, {
    id,
    index,
    receipt,
    action,
    handed,
    request,
    now,
    evaluation,
    root: committed.root,
  })
}

/** Keeps the tokens that the changes put in; what may go on, of an action that may. */
async function keepAndHandOn(
  tx: StoreTransaction,
  parts: Parts,
  { action, evaluation }: Made,
): Promise<Changeable | null> {
  const minted = changeAndMint(parts, action, evaluation.obligations)
  await keepTokens(tx, parts, action, minted.tokens)
  return runs(evaluation.verdict) ? minted.changed : null
}

function outcomeOf(
  parts: Parts,
  made: {
    readonly id: string
    readonly index: number
    readonly receipt: Uint8Array
    readonly action: JudgedAction
    /** What may go on, when something may. */
    readonly handed: Changeable | null
    readonly request: Request | null
    readonly now: number
    readonly evaluation: Pick<Evaluation, 'verdict' | 'findings' | 'obligations' | 'route'>
    readonly root: string
    readonly policy?: string
  },
): Outcome {
  const { verdict, findings, obligations, route } = made.evaluation
  return {
    decision: made.id,
    verdict,
    findings,
    obligations,
    route,
    policy: made.policy ?? parts.judge.bundle.digest,
    root: made.root,
    receipt: {
      index: made.index,
      leaf_hash: encodeLeafHash(made.receipt),
      log: parts.signer.origin,
    },
    evaluated_at: isoTime(made.now),
    ...(made.handed === null ? {} : handedOn(made.action, made.handed)),
    // What may run, and was not handed on, is held back.
    ...(made.handed === null && runs(verdict) ? { escrow: 'held' as const } : {}),
    ...(made.request === null
      ? {}
      : { request: { id: made.request.id, expires_at: made.request.expires_at } }),
  }
}

/** What may go on: the payload of a call, the result of one that has been made. */
function handedOn(
  action: JudgedAction,
  { payload, result }: Changeable,
): Pick<Outcome, 'payload' | 'result'> {
  return action.phase === 'result' ? { result } : { payload: { ...payload } }
}

function needsClear(parts: Parts, action: JudgedAction, payload: JsonObject): boolean {
  return namesSecrets(payload) || opensTokens(parts, action)
}

/** The outcome of an earlier decision, from its receipt and sealed inputs. */
async function recall(tx: StoreTransaction, parts: Parts, decision: string): Promise<Outcome> {
  const { stored, predicate, inputs } = await openDecision(tx, decision)
  const requested = await tx.requestOfDecision(decision)
  const { action } = inputs
  const verdict = predicate.decision as Evaluation['verdict']
  const escrow = await tx.custody.escrow(decision)
  const isFree = runs(verdict) && (escrow === null || escrow.state === 'released')
  const handed = isFree ? changed(parts, action, predicate.obligations) : null
  return outcomeOf(parts, {
    id: decision,
    index: stored.index,
    receipt: stored.receipt,
    action,
    handed,
    request: requested?.request ?? null,
    now: stored.at,
    evaluation: {
      verdict,
      findings: predicate.findings,
      obligations: predicate.obligations,
      route: predicate.route,
    },
    root: stored.root,
    policy: `sha256:${predicate.policyDigest.sha256}`,
  })
}

/** @throws {PolicyError} IDEMPOTENCY_CONFLICT when what would let it run may have been handed out */
async function mustBeInEscrow(tx: StoreTransaction, { decision, verdict }: Outcome): Promise<void> {
  if (verdict === 'deny' || (await tx.custody.escrow(decision)) !== null) return
  const message = `the idempotency key came without escrow before; the decision of that one is ${decision}`
  throw new PolicyError('IDEMPOTENCY_CONFLICT', message)
}

/** An idempotency key belongs to the credential's project and the action's agent; stored as an HMAC. */
function scopedKey(parts: Parts, action: JudgedAction, key: string): string {
  const scope = canonicalize([action.project, action.agent, key])
  return encodeHex(hmacSha256(parts.evidenceKey, `idempotency/${scope}`))
}

function actionDigest(parts: Parts, action: JudgedAction, call: string | undefined): string {
  const text = canonicalize(actionDocument(action) as JsonObject)
  const of = call === undefined ? '' : `/of/${canonicalize(call)}`
  return encodeHex(hmacSha256(parts.evidenceKey, `action/${text}${of}`))
}
