import { commitAction, rootOf } from '../../base/commitments.ts'
import { hmacSha256, utf8 } from '../../base/digest.ts'
import { decodeBase64url, decodeHex, encodeBase64url } from '../../base/encoding.ts'
import { PolicyError } from '../../base/errors.ts'
import type { JsonObject, JsonValue } from '../../base/json-value.ts'
import { assertPlainJson } from '../../base/plain-json.ts'
import type { ReportedCost } from '../../decide/evaluate/index.ts'
import { seal } from '../../host/seal.ts'
import type { ExecutionReceipt, GrantClaims } from '../../model/generated/types.ts'
import type { JudgedAction } from '../../model/nouns.ts'
import type { GrantRecord, StoreTransaction } from '../../model/ports.ts'
import { encodeLeafHash, executionReceipt } from '../../trust/receipt/index.ts'
import { checkGrantTimes, commitCall, openGrant } from '../../trust/verify/index.ts'
import { refuseHeld } from './escrow.ts'
import type { Parts } from './parts.ts'
import { type Inputs, isoTime, newId, openDecision } from './record.ts'
import { settleCost } from './reservations.ts'
import { assertNotUndone } from './undo.ts'

/** What came of an execution. */
export type ExecutionReport = {
  /** Any plain JSON. The receipt holds its root alone. */
  readonly result?: JsonValue
  /** What it really cost, by the path of the field that a limit was counted by: `payload.amount`. */
  readonly cost?: ReportedCost
}

export type RedeemOptions = ExecutionReport & {
  /** The payload that is about to run; another one than was granted is refused. Default: it is not compared. */
  readonly payload?: JsonObject
}

/** That a grant was redeemed, or reported on, and where the receipt of it stands. */
export type Execution = {
  readonly execution: string
  readonly decision: string
  readonly receipt: { readonly index: number; readonly leaf_hash: string; readonly log: string }
}

/** A decision that lets a call run. */
export type Permit = {
  readonly decision: string
  readonly request: string | null
  readonly action: JudgedAction
  /** What the caller is told to run with, exactly. */
  readonly payload: JsonObject
}

/**
 * Records the grant of a decision that lets a call run, in the transaction that makes it known. A decision has one grant,
 * ever: it does not begin anew, or one approval would run an action twice.
 */
export async function recordGrant(
  tx: StoreTransaction,
  parts: Parts,
  { decision, request, action, payload }: Permit,
): Promise<void> {
  const terms = parts.judge.grantTerms(action)
  if (terms === null || (await tx.grantOfDecision(decision)) !== null) return
  const issuedAt = Math.floor(parts.clock() / 1000) * 1000
  const id = newId(parts, 'grt')
  const { project, agent, service } = action
  const seed = seedOf((await openDecision(tx, decision)).inputs, id)
  const call = { project, sub: agent, service, action: action.action, seed }
  await tx.putGrant({
    id,
    decision,
    request,
    audience: terms.audience,
    call: commitCall(call, payload).remains,
    issuedAt,
    expiresAt: issuedAt + terms.lifetimeMs,
  })
}

/**
 * What is told of a call that may run, with its grant: over the payload exactly as the caller gets it, clear values of
 * secrets and tokens included. The grant of an approved request begins here, since people take longer than it holds.
 *
 * @param call - what was asked about, or the request that it became
 */
export async function withGrant<T extends Told>(
  parts: Parts,
  call: JudgedAction | string,
  told: T,
): Promise<T> {
  if (told.payload === undefined || parts.judge.bundle.policy.grants === undefined) return told
  const payload = told.payload as JsonObject
  if (typeof call !== 'string' && typeof told.request !== 'string') {
    const permit = { decision: told.decision, request: null, action: call, payload }
    return { ...told, ...(await grantOf(parts, permit)) }
  }
  const request = typeof told.request === 'string' ? told.request : String(call)
  const decision = (await parts.store.request(request))?.resolution?.record
  if (decision === undefined) return told
  const { action } = (await openDecision(parts.store, decision)).inputs
  return { ...told, ...(await grantOf(parts, { decision, request, action, payload })) }
}

type Told = { readonly decision: string; readonly payload?: unknown; readonly request?: unknown }

/** The grant of a decision as a token; nothing when it was redeemed, or has ended. */
async function grantOf(parts: Parts, permit: Permit): Promise<{ readonly grant?: string }> {
  let record = await parts.store.grantOfDecision(permit.decision)
  if (record === null) {
    await parts.batcher.run((tx) => recordGrant(tx, parts, permit))
    record = await parts.store.grantOfDecision(permit.decision)
  }
  if (record === null || record.redeemedAt !== null || parts.clock() >= record.expiresAt) return {}
  const { inputs } = await openDecision(parts.store, permit.decision)
  return { grant: await parts.grants.sign(claimsOf(parts, record, inputs)) }
}

/**
 * Uses a grant up and writes the receipt of the execution, before the action runs; with a report, if it has run already.
 *
 * @throws {PolicyError} those of `verifyGrant`; GRANT_REPLAYED when it was redeemed before; UNDO_DONE when the call was taken
 *   back; VALUE_INVALID for a cost
 */
export async function redeem(
  parts: Parts,
  grant: string,
  options: RedeemOptions = {},
): Promise<Execution> {
  const claims = openOwn(parts, grant)
  const now = parts.clock()
  checkGrantTimes(claims, now)
  const { payload } = options
  if (payload !== undefined && commitCall(claims, payload).root !== claims.root) {
    throw new PolicyError('GRANT_UNBOUND', 'expected the payload that was granted')
  }
  return parts.batcher.run(async (tx) => {
    const record = await knownGrant(tx, claims)
    await refuseHeld(tx, record)
    if (record.redeemedAt !== null) {
      const message = `${claims.jti} was redeemed before, by receipt ${record.redeemedAt}`
      throw new PolicyError('GRANT_REPLAYED', message)
    }
    // A call that was let run before there were grants may have been taken back without one.
    const permit = await tx.decision(record.decision)
    if (permit !== null) await assertNotUndone(tx, permit)
    // The payload itself, which may hold a secret's value, goes no further.
    const { payload: _payload, ...told } = options
    const made = await writeExecution(tx, parts, { record, claims, report: told, now })
    await tx.redeemGrant(record.id, made.receipt.index)
    if (isReport(options)) await tx.reportGrant(record.id, made.receipt.index)
    return made
  })
}

/**
 * Redeems the grant of an answer for a tool that runs in this process. Where the project makes grants, nothing runs
 * without one: an answer that was given before has used it up.
 *
 * @throws {PolicyError} GRANT_EXPIRED when the answer has none any more; as {@link redeem}
 */
export async function useGrant(
  parts: Parts,
  answer: { readonly grant?: string; readonly decision: string },
  payload: JsonObject,
): Promise<void> {
  if (answer.grant !== undefined) await redeem(parts, answer.grant, { payload })
  else if (parts.judge.bundle.policy.grants !== undefined) {
    const message = `the grant of decision ${answer.decision} has ended or was redeemed`
    throw new PolicyError('GRANT_EXPIRED', message)
  }
}

/**
 * Tells what came of an execution whose grant was redeemed, once; the grant may have ended since.
 *
 * @throws {PolicyError} GRANT_MALFORMED, GRANT_UNTRUSTED, SIGNATURE_WRONG; EXECUTION_UNKNOWN when it was not redeemed, or
 *   was reported on before; VALUE_INVALID for a cost, or for nothing to report
 */
export async function report(
  parts: Parts,
  grant: string,
  told: ExecutionReport,
): Promise<Execution> {
  const claims = openOwn(parts, grant)
  if (!isReport(told)) throw new PolicyError('VALUE_INVALID', 'expected a result or a cost')
  const now = parts.clock()
  return parts.batcher.run(async (tx) => {
    const record = await knownGrant(tx, claims)
    if (record.redeemedAt === null || record.reportedAt !== null) {
      const what = record.redeemedAt === null ? 'was not redeemed' : 'was reported on before'
      throw new PolicyError('EXECUTION_UNKNOWN', `the grant ${claims.jti} ${what}`)
    }
    const made = await writeExecution(tx, parts, { record, claims, report: told, now })
    await tx.reportGrant(record.id, made.receipt.index)
    return made
  })
}

function isReport({ result, cost }: ExecutionReport): boolean {
  return result !== undefined || cost !== undefined
}

/** The claims of a grant that this engine made for an agent of the credential. */
function openOwn(parts: Parts, grant: string): GrantClaims {
  const claims = openGrant(grant, parts.grants.jwks)
  const { project, agents } = parts.credential
  const owned = agents.includes(claims.sub) || agents.includes('*')
  if (claims.iss !== parts.signer.origin || claims.project !== project || !owned) {
    throw new PolicyError('GRANT_UNBOUND', "expected a grant for an agent of this credential's")
  }
  return claims
}

async function knownGrant(tx: StoreTransaction, claims: GrantClaims): Promise<GrantRecord> {
  const record = await tx.grant(claims.jti)
  if (record !== null && record.decision === claims.decision) return record
  throw new PolicyError('GRANT_UNTRUSTED', `this store has made no grant ${claims.jti}`)
}

function claimsOf(parts: Parts, record: GrantRecord, inputs: Inputs): GrantClaims {
  const { id, decision, request, audience, call, issuedAt, expiresAt } = record
  const { project, agent, service, action } = call as Record<string, string>
  return {
    iss: parts.signer.origin,
    sub: agent ?? '',
    aud: audience,
    iat: issuedAt / 1000,
    nbf: issuedAt / 1000,
    exp: expiresAt / 1000,
    jti: id,
    decision,
    ...(request === null ? {} : { request }),
    project: project ?? '',
    service: service ?? '',
    action: action ?? '',
    root: rootOf(call),
    seed: seedOf(inputs, id),
  }
}

/**
 * The seed of a grant's salts: no other grant has it, and nobody without its decision's inputs can tell it. Once those are
 * erased, what the receipts of its execution commit to cannot be guessed any more.
 */
function seedOf({ seed }: Pick<Inputs, 'seed'>, id: string): string {
  return encodeBase64url(hmacSha256(decodeHex(seed), `grant/${id}`))
}

type Made = {
  readonly record: GrantRecord
  readonly claims: GrantClaims
  readonly report: ExecutionReport
  readonly now: number
}

async function writeExecution(
  tx: StoreTransaction,
  parts: Parts,
  { record, claims, report: told, now }: Made,
): Promise<Execution> {
  const root = rootOf(record.call)
  if (root !== claims.root) throw new PolicyError('GRANT_UNBOUND', 'expected the granted call')
  const { inputs, predicate, stored, key } = await openDecision(tx, record.decision)
  if (told.cost !== undefined) await settleCost(tx, inputs, told.cost)
  const id = newId(parts, 'exe')
  const stage = record.redeemedAt === null ? 'redeemed' : 'reported'
  const fields: ExecutionReceipt['predicate'] = {
    stage,
    id,
    grant: record.id,
    decision: record.decision,
    decidedAt: stored.index,
    ...(record.redeemedAt === null ? {} : { redeemedAt: record.redeemedAt }),
    ...(record.request === null ? {} : { request: record.request }),
    audience: record.audience,
    policyDigest: predicate.policyDigest,
    issuedAt: isoTime(now),
    issuerId: parts.signer.origin,
    call: { ...record.call },
    ...(isReport(told) ? { reportRoot: reportedCommitment(told, claims).root } : {}),
  }
  const receipt = executionReceipt(fields)
  const { subject } = stored.inputs
  const index = await tx.appendDecision({
    id,
    at: now,
    agent: stored.agent,
    root,
    receipt,
    inputs: { subject, ciphertext: seal(key, utf8(JSON.stringify({ claims, told })), id) },
  })
  return {
    execution: id,
    decision: record.decision,
    receipt: { index, leaf_hash: encodeLeafHash(receipt), log: parts.signer.origin },
  }
}

/** Salted, since a result or a cost may be small enough to be guessed. */
export function reportedCommitment({ result, cost }: ExecutionReport, claims: GrantClaims) {
  const document = {
    ...(result === undefined ? {} : { result }),
    ...(cost === undefined ? {} : { cost: { ...cost } }),
  }
  assertPlainJson(document)
  const seed = hmacSha256(decodeBase64url(claims.seed), 'report')
  return { document, ...commitAction(document, { seed, fields: ['result', 'cost'] }) }
}
