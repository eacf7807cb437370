import { canonicalize } from '../base/canonical-json.ts'
import { hmacSha256 } from '../base/digest.ts'
import { encodeHex } from '../base/encoding.ts'
import { PolicyError } from '../base/errors.ts'
import type { JsonObject } from '../base/json-value.ts'
import { REQUESTS_WAITING_MAX } from '../base/limits.ts'
import { ownership } from '../model/action.ts'
import type { Finding, Outcome, Request } from '../model/generated/types.ts'
import type { Evaluation, JudgedAction, StateSlice } from '../model/nouns.ts'
import type { StoreTransaction } from '../model/ports.ts'
import { encodeLeafHash } from '../trust/receipt/index.ts'
import type { Parts } from './parts.ts'
import {
  actionDocument,
  commit,
  commonPredicate,
  isoTime,
  newId,
  openDecision,
  record,
  stateDigest,
} from './record.ts'
import { newRequest } from './request.ts'
import { changed } from './tokens.ts'

export type DecideOptions = {
  /**
   * The same key with the same action gives the same decision, over restarts; with another action it is refused. An
   * action that was allowed is judged again once the policy is another one.
   */
  readonly idempotencyKey?: string
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
  return parts.batcher.run(async (tx) => {
    if (key === undefined) return decideNow(tx, parts, action, now)
    const record = { key: scopedKey(parts, action, key), actionDigest: actionDigest(parts, action) }
    const known = await tx.idempotency(record.key)
    if (known !== null && known.actionDigest !== record.actionDigest) {
      throw new PolicyError(
        'IDEMPOTENCY_CONFLICT',
        `the idempotency key came with another action before; the decision of that one is ${known.decision}`,
      )
    }
    const recalled = known === null ? null : await recall(tx, parts, known.decision)
    if (recalled !== null && !isOverruled(parts, recalled, now)) return recalled
    const outcome = await decideNow(tx, parts, action, now)
    await tx.putIdempotency(record.key, {
      actionDigest: record.actionDigest,
      decision: outcome.decision,
    })
    return outcome
  })
}

/** Whether an action that ran, or may have, must be judged again: another policy has come, or this one has ended. */
function isOverruled(parts: Parts, recalled: Outcome, now: number): boolean {
  const { digest, policy } = parts.judge.bundle
  const ended = policy.valid_until !== null && now >= Date.parse(policy.valid_until)
  const runs = recalled.verdict === 'allow' || recalled.verdict === 'redact'
  return runs && (recalled.policy !== digest || ended)
}

async function decideNow(
  tx: StoreTransaction,
  parts: Parts,
  action: JudgedAction,
  now: number,
): Promise<Outcome> {
  const { evaluation, state } = await evaluateInTransaction(tx, parts, action, now)
  return writeDecision(tx, parts, { action, evaluation, state, now })
}

/** What the evaluation said; every failure of the engine itself is a denial that names its code. */
async function evaluateInTransaction(
  tx: StoreTransaction,
  parts: Parts,
  action: JudgedAction,
  now: number,
): Promise<{ evaluation: Evaluation; state: StateSlice }> {
  const refused = ownership(action, parts.credential)
  if (refused !== null) return { evaluation: denial(refused.code, refused.message), state: {} }
  const state = await tx.readState(parts.judge.stateKeys(action))
  try {
    return { evaluation: await parts.judge.evaluate({ action, state, now }), state }
  } catch (error) {
    const code = error instanceof PolicyError ? error.code : 'ENGINE_FAILED'
    const message = error instanceof PolicyError ? error.message : 'the evaluation failed'
    return { evaluation: denial(code, message), state }
  }
}

type Made = {
  readonly action: JudgedAction
  readonly evaluation: Evaluation
  readonly state: StateSlice
  readonly now: number
}

/**
 * Writes a decision down and, when it is held, opens its request. What no receipt can hold, or no person could read
 * any more, is denied, and counts as an attempt like any other.
 */
export async function writeDecision(
  tx: StoreTransaction,
  parts: Parts,
  made: Made,
): Promise<Outcome> {
  const waiting =
    made.evaluation.verdict === 'hold' ? await tx.waitingRequests(made.action.agent) : 0
  if (waiting >= REQUESTS_WAITING_MAX) {
    const message = `${waiting} requests of this agent wait for people already; answer those first`
    const evaluation = { ...denial('REQUESTS_TOO_MANY', message), state: made.evaluation.state }
    return write(tx, parts, { ...made, evaluation })
  }
  try {
    return await write(tx, parts, made)
  } catch (error) {
    if (!isUnreceivable(error)) throw error
    const message = `no receipt can hold what was found: ${error.message}`
    const evaluation = { ...denial(error.code, message), state: made.evaluation.state }
    return write(tx, parts, { ...made, evaluation })
  }
}

/** Whether an error says that a receipt cannot be written as it is. Nothing has been appended then. */
export function isUnreceivable(error: unknown): error is PolicyError {
  if (!(error instanceof PolicyError)) return false
  return error.code === 'RECEIPT_TOO_LARGE' || error.code === 'RECEIPT_INVALID'
}

async function write(tx: StoreTransaction, parts: Parts, made: Made): Promise<Outcome> {
  const { action, evaluation, state, now } = made
  await tx.writeState(evaluation.state)
  await tx.forgetState(now)
  const id = newId(parts, 'dec')
  const committed = commit(parts, action)
  const request: Request | null =
    evaluation.verdict === 'hold'
      ? newRequest(parts, { action, evaluation, decision: id, root: committed.root, now })
      : null
  const { verdict, findings, obligations, route } = evaluation
  const { index, receipt } = await record(tx, parts, {
    id,
    root: committed.root,
    predicate: {
      ...commonPredicate(parts, { id, at: now, remains: committed.remains }),
      stage: 'verdict',
      decision: verdict,
      findings,
      obligations,
      route,
      ...(findings.some(isOfTheMachine) ? { rederivable: false as const } : {}),
      stateDigest: stateDigest(state),
      ...(request === null ? {} : { request: request.id }),
    },
    inputs: { action, seed: encodeHex(committed.seed), hidden: committed.hidden, state, now },
  })
  if (request !== null) await tx.putRequest(request, index)
  return outcomeOf(parts, {
    id,
    index,
    receipt,
    action,
    request,
    now,
    evaluation,
    root: committed.root,
  })
}

function outcomeOf(
  parts: Parts,
  made: {
    readonly id: string
    readonly index: number
    readonly receipt: Uint8Array
    readonly action: JudgedAction
    readonly request: Request | null
    readonly now: number
    readonly evaluation: Pick<Evaluation, 'verdict' | 'findings' | 'obligations' | 'route'>
    readonly root: string
    readonly policy?: string
  },
): Outcome {
  const { verdict, findings, obligations, route } = made.evaluation
  const runs = verdict === 'allow' || verdict === 'redact'
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
    ...(runs ? handedOn(parts, made.action, obligations) : {}),
    ...(made.request === null
      ? {}
      : { request: { id: made.request.id, expires_at: made.request.expires_at } }),
  }
}

/** What may go on: the payload of a call, the result of one that has been made. */
function handedOn(
  parts: Parts,
  action: JudgedAction,
  obligations: Evaluation['obligations'],
): Pick<Outcome, 'payload' | 'result'> {
  const { payload, result } = changed(parts, action, obligations)
  return action.phase === 'result' ? { result } : { payload: { ...payload } }
}

/** The outcome of an earlier decision, from its receipt and sealed inputs. */
async function recall(tx: StoreTransaction, parts: Parts, decision: string): Promise<Outcome> {
  const { stored, predicate, inputs } = await openDecision(tx, decision)
  const requested = await tx.requestOfDecision(decision)
  return outcomeOf(parts, {
    id: decision,
    index: stored.index,
    receipt: stored.receipt,
    action: inputs.action,
    request: requested?.request ?? null,
    now: stored.at,
    evaluation: {
      verdict: predicate.decision as Evaluation['verdict'],
      findings: predicate.findings,
      obligations: predicate.obligations,
      route: predicate.route,
    },
    root: stored.root,
    policy: `sha256:${predicate.policyDigest.sha256}`,
  })
}

function denial(code: PolicyError['code'], message: string): Evaluation {
  const finding: Finding = {
    rule: `engine/${code.toLowerCase().replaceAll('_', '-')}`,
    kind: 'engine',
    verdict: 'deny',
    mode: 'enforce',
    message: message.slice(0, MESSAGE_LENGTH_MAX).toWellFormed(),
    code,
    evidence: {},
    file: '',
    line: 0,
    column: 0,
  }
  return { verdict: 'deny', findings: [finding], obligations: [], route: [], state: {} }
}

const MESSAGE_LENGTH_MAX = 2_000 // `schemas/verdict.schema.json` takes 2,048 UTF-16 code units.

/** Whether a finding came of the clock or of a fault, so that the same inputs may give another one. */
function isOfTheMachine({ code }: Finding): boolean {
  return code === 'ENGINE_TIMEOUT' || code === 'ENGINE_FAILED'
}

/** An idempotency key belongs to the credential's project and the action's agent; stored as an HMAC. */
function scopedKey(parts: Parts, action: JudgedAction, key: string): string {
  const scope = canonicalize([action.project, action.agent, key])
  return encodeHex(hmacSha256(parts.evidenceKey, `idempotency/${scope}`))
}

function actionDigest(parts: Parts, action: JudgedAction): string {
  const text = canonicalize(actionDocument(action) as JsonObject)
  return encodeHex(hmacSha256(parts.evidenceKey, `action/${text}`))
}
