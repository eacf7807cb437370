import { canonicalize } from '../../base/canonical-json.ts'
import { fromUtf8, utf8 } from '../../base/digest.ts'
import type { ErrorCode } from '../../base/errors.ts'
import { PolicyError } from '../../base/errors.ts'
import { parseJson } from '../../base/json-parse.ts'
import type { JsonValue } from '../../base/json-value.ts'
import {
  CANONICAL_DEPTH_MAX,
  LOG_ENTRY_BYTES_MAX,
  PROBLEMS_MAX,
  REVIEW_SKEW_MS,
} from '../../base/limits.ts'
import type {
  Approval,
  DecisionReceipt,
  GenesisReceipt,
  Receipt,
  Resolution,
  ReviewStatement,
  Trust,
} from '../../model/generated/types.ts'
import type { LogProblem } from '../../model/log-report.ts'
import { REVIEW_NAMESPACE } from '../../model/ports.ts'
import { validate } from '../../model/validate.ts'
import type { VerifierKey } from '../receipt/checkpoint.ts'
import { formatVerifierKey } from '../receipt/checkpoint.ts'
import { isCustody, isErasure, isExecution, isGenesis, parseReceipt } from '../receipt/statement.ts'
import { TILE_WIDTH, tilePath } from '../receipt/tiles.ts'
import { checkBatch } from './log-batches.ts'
import * as custody from './log-custody.ts'
import { checkErasure } from './log-erasures.ts'
import type { PastExecutions } from './log-executions.ts'
import { checkExecution, newPastExecutions, rememberPermit } from './log-executions.ts'
import { brokenOf, checkSeats } from './log-seats.ts'
import { checkNotUndone, checkUndo } from './log-undo.ts'
import { wordOf } from './receipt-word.ts'
import { IN_TOTO_PAYLOAD_TYPE, readSigstoreBundle, verifySigstoreBundle } from './sigstore.ts'
import { verifySshsig } from './sshsig.ts'

/** What receipts are checked against. */
export type ReceiptContext = {
  readonly origin: string
  /** The log's keys; the genesis entry must name one of them. */
  readonly keys: readonly VerifierKey[]
  readonly trust: Trust | undefined
  /** Whether receipts were left out that nothing refers to. Default: no. */
  readonly isPartial?: boolean
}

export type ReceiptCheck = {
  readonly problems: readonly LogProblem[]
  /** Receipts by decision, and `genesis`. */
  readonly counts: Readonly<Record<string, number>>
  /** Review signatures that hold. */
  readonly reviews: number
  /** Those of them that were made through Sigstore. */
  readonly keyless: number
  /** Reviews that have none, and for which there is only the engine's word. */
  readonly unsigned: number
  /** Rollbacks that may run. */
  readonly undone: number
  readonly custody: custody.CustodyCounts
}

/**
 * Reads every receipt in log order and checks what it says against the log, the receipts before it and the trust
 * file.
 */
export function checkReceipts(
  entries: readonly Uint8Array[],
  context: ReceiptContext,
): ReceiptCheck {
  const checker = newReceiptChecker(context)
  const problems: LogProblem[] = []
  for (const [index, entry] of entries.entries()) {
    if (problems.length >= PROBLEMS_MAX) break
    try {
      checker.check(index, entry)
    } catch (error) {
      if (!(error instanceof PolicyError)) throw error
      const message = `entry ${index}: ${error.message}`
      problems.push({ code: error.code, file: fileOf(index, entries.length), message })
    }
  }
  return { problems, ...checker.counts() }
}

/** Checks receipts one by one. What they refer to must have been checked before. */
export type ReceiptChecker = {
  /** @throws {PolicyError} for what is wrong with it */
  check(index: number, entry: Uint8Array): Receipt
  counts(): Omit<ReceiptCheck, 'problems'>
}

export function newReceiptChecker(context: ReceiptContext): ReceiptChecker {
  const past: Past = {
    holds: new Map(),
    broken: new Map(),
    resolved: new Set(),
    nonces: new Set(),
    batches: new Map(),
    executions: newPastExecutions(),
    undone: new Map(),
    erasures: new Set(),
    custody: custody.newPastCustody(context.isPartial === true),
  }
  const words = new Map<string, number>()
  const reviews = { signed: 0, keyless: 0, unsigned: 0 }
  return {
    check: (index, entry) => {
      const receipt = parseReceipt(entry)
      const word = wordOf(receipt)
      words.set(word, (words.get(word) ?? 0) + 1)
      const checked = checkReceipt(receipt, { index, past, context })
      reviews.signed += checked.signed
      reviews.keyless += checked.keyless
      reviews.unsigned += checked.unsigned
      return receipt
    },
    counts: () => {
      const { signed, keyless, unsigned } = reviews
      const counts = Object.fromEntries([...words].sort())
      const [undone, delivered] = [past.undone.size, custody.countDeliveries(past.custody)]
      return { counts, reviews: signed, keyless, unsigned, undone, custody: delivered }
    },
  }
}

/** The bundle that holds an entry. */
function fileOf(index: number, size: number): string {
  const bundle = Math.floor(index / TILE_WIDTH)
  const width = Math.min(TILE_WIDTH, size - bundle * TILE_WIDTH)
  return tilePath({ kind: 'entries', index: bundle, width })
}

/** What later receipts may refer to. */
type Past = {
  /** Holds by log index. */
  readonly holds: Map<number, DecisionReceipt>
  /** What was let run by breaking glass, by log index. */
  readonly broken: Map<number, DecisionReceipt>
  /** Requests that have ended. */
  readonly resolved: Set<string>
  readonly nonces: Set<string>
  /** Batches by their nonce, each as the text of what is signed of it. */
  readonly batches: Map<string, string>
  readonly executions: PastExecutions
  /** Rollbacks that may run, by the index of the receipt that they take back. */
  readonly undone: Map<number, number>
  /** Ids of erasures. */
  readonly erasures: Set<string>
  readonly custody: custody.PastCustody
}

type Place = { readonly index: number; readonly past: Past; readonly context: ReceiptContext }

type Reviews = Readonly<Record<'signed' | 'keyless' | 'unsigned', number>>

const NO_REVIEWS: Reviews = { signed: 0, keyless: 0, unsigned: 0 }

/** @returns how many reviews it holds */
function checkReceipt(receipt: Receipt, place: Place): Reviews {
  const { index, past, context } = place
  if (isGenesis(receipt)) {
    checkGenesis(receipt, place)
    return NO_REVIEWS
  }
  if (index === 0) throw invalid('the genesis of the log')
  const { predicate } = receipt
  if (predicate.issuerId !== context.origin) throw invalid("the log's origin as the issuer")
  if (isErasure(receipt)) {
    checkErasure(receipt, index, past.erasures)
    return NO_REVIEWS
  }
  checkPolicy(receipt.predicate.policyDigest.sha256, context.trust)
  if (isExecution(receipt)) {
    checkExecution(receipt, index, past.executions)
    checkNotUndone(receipt, past)
    custody.checkNotHeld(receipt.predicate.decidedAt, past.custody)
    return NO_REVIEWS
  }
  if (isCustody(receipt)) {
    custody.checkCustody(receipt, { index, past, trust: context.trust })
    return NO_REVIEWS
  }
  const { resolution, decision } = receipt.predicate
  const reviews =
    resolution === undefined ? NO_REVIEWS : checkResolution(receipt, resolution, place)
  checkUndo(receipt, index, past)
  if (decision === 'hold') past.holds.set(index, receipt)
  if (resolution !== undefined && brokenOf(resolution).length > 0) past.broken.set(index, receipt)
  rememberPermit(receipt, index, past.executions)
  custody.rememberEnding(receipt, index, past.custody)
  return reviews
}

function checkGenesis({ predicate }: GenesisReceipt, { index, context }: Place): void {
  if (index !== 0) throw invalid('the genesis as entry 0 only')
  if (predicate.origin !== context.origin) throw invalid("the log's origin")
  const keys = context.keys.map((key) => formatVerifierKey(key.name, key.publicKey))
  if (!keys.includes(predicate.verifierKey)) {
    const message = 'the genesis names a key that is none of the trusted ones'
    throw new PolicyError('CHECKPOINT_UNTRUSTED', message)
  }
}

function checkPolicy(sha256: string, trust: Trust | undefined): void {
  if (trust?.policies === undefined || trust.policies.includes(`sha256:${sha256}`)) return
  throw invalid('a policy that the trust file lists')
}

function checkResolution(receipt: DecisionReceipt, resolution: Resolution, place: Place): Reviews {
  const { past, context } = place
  const { request = '' } = receipt.predicate
  const hold = lookedAt(resolution, request, past)
  if (digestOf(hold) !== digestOf(receipt)) throw invalid('the action that was held')
  if (hold.predicate.policyDigest.sha256 !== resolution.heldPolicyDigest.sha256) {
    throw invalid('the policy that held the action')
  }
  checkPolicy(resolution.heldPolicyDigest.sha256, context.trust)
  if (past.resolved.has(request)) throw replayed('one resolution of a request')
  const isUsed = past.nonces.has(resolution.nonce) || past.batches.has(resolution.nonce)
  if (isUsed) throw replayed('a nonce that was not used before')
  checkBatch(receipt, resolution, { hold, past })
  past.resolved.add(request)
  past.nonces.add(resolution.nonce)
  let [signed, keyless] = [0, 0]
  for (const approval of resolution.approvals) {
    const proof = proofOf(approval)
    checkReviewer(approval, proof, context.trust)
    if (proof === null) continue
    const statement = checkSignature(proof, context.trust)
    checkBinding(approval, statement, { receipt, resolution })
    signed++
    if ('bundle' in proof) keyless++
  }
  checkOutcome(receipt, resolution, hold)
  return { signed, keyless, unsigned: resolution.approvals.length - signed }
}

/** The receipt that the people looked at: a hold, or one that ended so that it must be ratified. */
function lookedAt({ heldAt, ratifies }: Resolution, request: string, past: Past): DecisionReceipt {
  if (ratifies !== undefined) {
    const broken = past.broken.get(heldAt)
    if (broken === undefined) throw invalid('`heldAt` at an earlier receipt with broken glass')
    if (broken.predicate.request === ratifies) return broken
    throw invalid('`heldAt` at the end of the request that is ratified')
  }
  const hold = past.holds.get(heldAt)
  if (hold === undefined) throw invalid('`heldAt` at an earlier receipt that holds')
  if (hold.predicate.request === request) return hold
  throw invalid('`heldAt` at the hold of the same request')
}

type KeyProof = Required<Pick<Approval, 'fingerprint' | 'statement' | 'signature'>>
type KeylessProof = Required<Pick<Approval, 'identity' | 'bundle'>>
type Proof = KeyProof | KeylessProof

/** What an approval is signed with; null for one that the forge took without a signature. */
function proofOf(approval: Approval): Proof | null {
  const { fingerprint, statement, signature, identity, bundle, account, review } = approval
  const count = (...parts: readonly unknown[]): number =>
    parts.filter((part) => part !== undefined).length
  const [key, keyless] = [count(fingerprint, statement, signature), count(identity, bundle)]
  if (key + keyless === 0 && account !== undefined && review !== undefined) {
    if (approval.verdict === 'patch') throw invalid('a signature with a patch')
    return null
  }
  if (count(account, review) > 0) throw invalid('no account beside a signature')
  if (key === 0 && identity !== undefined && bundle !== undefined) return { identity, bundle }
  if (keyless > 0 || fingerprint === undefined || statement === undefined) throw unproven()
  if (signature === undefined) throw unproven()
  return { fingerprint, statement, signature }
}

function unproven(): PolicyError {
  return invalid('a review with one signature, or the account and review of one without any')
}

/** The review of an approval, its signature verified. */
function checkSignature(proof: Proof, trust: Trust | undefined): ReviewStatement {
  return 'bundle' in proof ? checkBundle(proof, trust) : checkKeySignature(proof)
}

function checkKeySignature({ statement, signature, fingerprint }: KeyProof): ReviewStatement {
  const key = verifySshsig(signature, utf8(statement), REVIEW_NAMESPACE)
  if (key.fingerprint !== fingerprint) throw unbound('the fingerprint of the key that signed')
  return parseStatement(statement)
}

/** Without a pinned root a bundle can do no more than agree with itself, as a key's signature does. */
function checkBundle(
  { identity, bundle }: KeylessProof,
  trust: Trust | undefined,
): ReviewStatement {
  const root = trust?.sigstore
  const verified = root === undefined ? null : verifySigstoreBundle(bundle, root)
  const signed = verified ?? readSigstoreBundle(bundle)
  const { issuer, subject } = signed.identity
  if (issuer !== identity.issuer || subject !== identity.subject) {
    throw unbound('the identity that signed')
  }
  if (signed.payloadType !== IN_TOTO_PAYLOAD_TYPE) throw unbound('an in-toto statement')
  const statement = parseStatement(textOf(signed.payload))
  const { issuedAt, expiresAt } = statement.predicate
  for (const at of verified?.times ?? []) {
    if (!(Math.abs(at - Date.parse(issuedAt)) <= REVIEW_SKEW_MS)) throw unbound('the time')
    if (!(at <= Date.parse(expiresAt))) {
      throw failure('REVIEW_EXPIRED', 'a review from before the request expired')
    }
  }
  return statement
}

function textOf(payload: Uint8Array): string {
  try {
    return fromUtf8(payload)
  } catch (cause) {
    throw new PolicyError('REVIEW_MALFORMED', 'expected a statement in UTF-8', { cause })
  }
}

function parseStatement(statement: string): ReviewStatement {
  let value: JsonValue
  try {
    value = parseJson(statement, { bytesMax: LOG_ENTRY_BYTES_MAX, depthMax: CANONICAL_DEPTH_MAX })
  } catch (cause) {
    throw new PolicyError('REVIEW_MALFORMED', 'expected a statement in strict JSON', { cause })
  }
  const [problem] = validate('review', value)
  if (problem !== undefined) {
    throw failure(
      'REVIEW_MALFORMED',
      `a review statement; at '${problem.pointer}': ${problem.message}`,
    )
  }
  if (canonicalize(value) !== statement) throw failure('REVIEW_MALFORMED', 'RFC 8785 text')
  // The schema has just vouched for its shape.
  return value as unknown as ReviewStatement
}

type Resolved = { readonly receipt: DecisionReceipt; readonly resolution: Resolution }

/** What was signed must be what was resolved: another request, action, policy or pull request is another review. */
function checkBinding(
  approval: Approval,
  { subject, predicate }: ReviewStatement,
  { receipt, resolution }: Resolved,
): void {
  const { pull, batch } = resolution
  // Who reviewed it in a batch signed the batch, which lists it.
  const request = batch === undefined ? receipt.predicate.request : batch.request
  const root = batch === undefined ? `sha256:${digestOf(receipt)}` : batch.root
  const nonce = batch === undefined ? resolution.nonce : batch.nonce
  if (subject.length !== 1) throw unbound('one subject')
  if (subject[0]?.name !== request) throw unbound('the request as its subject')
  if (`sha256:${subject[0]?.digest.sha256}` !== root) throw unbound("the held action's digest")
  if (predicate.request !== request) throw unbound('the request')
  if (predicate.nonce !== nonce) throw unbound("the request's nonce")
  if (batch !== undefined && predicate.expiresAt !== batch.expiresAt) {
    throw unbound("the batch's end")
  }
  if (predicate.policyDigest.sha256 !== resolution.heldPolicyDigest.sha256) {
    throw unbound('the policy that held the action')
  }
  if (pull === undefined) throw unbound('a pull request')
  if (!sameForge(predicate.forge, pull.forge)) throw unbound('the forge and its repository')
  if (predicate.pull.number !== pull.number) throw unbound("the pull request's number")
  if (predicate.pull.headSha !== pull.headSha) throw unbound("the pull request's head commit")
  if (predicate.reviewer !== approval.reviewer) throw unbound('the reviewer')
  if (predicate.verdict !== approval.verdict) throw unbound("the reviewer's verdict")
  if ((predicate.patch !== undefined) !== (predicate.verdict === 'patch')) {
    throw unbound('a patch with the verdict `patch` only')
  }
  // A rejection may stand beside a patch that came to nothing.
  const { patchedRoot } = resolution
  if (predicate.patch !== undefined && patchedRoot !== undefined) {
    if (predicate.patch.root !== patchedRoot) throw unbound('the root of the patched action')
  }
  if (!approval.route.every((route) => predicate.route.includes(route))) {
    throw unbound('the routes that it counts for')
  }
  if (approval.breakGlass !== predicate.breakGlass) throw unbound('whether the glass is broken')
  if (Date.parse(predicate.issuedAt) > Date.parse(predicate.expiresAt)) {
    throw failure('REVIEW_EXPIRED', 'a review from before the request expired')
  }
}

type Forge = ReviewStatement['predicate']['forge']

function sameForge(a: Forge, b: Forge): boolean {
  return a.kind === b.kind && a.host === b.host && a.repository === b.repository
}

function checkReviewer(
  { reviewer }: Approval,
  proof: Proof | null,
  trust: Trust | undefined,
): void {
  const word = trust?.unsigned_reviews ?? (trust?.reviewers === undefined ? 'accept' : 'refuse')
  if (proof === null && word !== 'accept') {
    throw failure('REVIEW_UNSIGNED', `a signed review by ${reviewer}; the trust file wants one`)
  }
  if (trust?.reviewers === undefined) return
  const person = trust.reviewers.find(({ id }) => id === reviewer)
  if (person === undefined)
    throw failure('REVIEWER_UNKNOWN', 'a reviewer that the trust file lists')
  if (proof === null) return
  if ('bundle' in proof) {
    checkIdentity(reviewer, person, proof, trust)
    return
  }
  if (person.fingerprints?.includes(proof.fingerprint) === true) return
  throw failure('KEY_NOT_PINNED', `a key that the trust file pins for ${reviewer}`)
}

type Reviewer = NonNullable<Trust['reviewers']>[number]

/** A pinned identity means something only where the authorities are pinned that vouch for it. */
function checkIdentity(
  reviewer: string,
  { identities = [] }: Reviewer,
  { identity: { issuer, subject } }: KeylessProof,
  trust: Trust,
): void {
  if (trust.sigstore === undefined) {
    throw failure('SIGSTORE_UNCONFIGURED', 'a trusted root of Sigstore in the trust file')
  }
  if (identities.some((one) => one.issuer === issuer && one.subject === subject)) return
  throw failure('IDENTITY_NOT_PINNED', `an identity that the trust file pins for ${reviewer}`)
}

/** Whether the reviews can have led to the decision: enough people, each of them once, in the places that they fill. */
function checkOutcome(
  { predicate }: DecisionReceipt,
  resolution: Resolution,
  hold: DecisionReceipt,
): void {
  const { approvals } = resolution
  const reviewers = new Set(approvals.map((approval) => approval.reviewer))
  if (reviewers.size !== approvals.length) throw replayed('each reviewer once')
  const keys = approvals.flatMap(({ fingerprint }) => fingerprint ?? [])
  if (new Set(keys).size !== keys.length) throw replayed('each key once')
  const identities = approvals.flatMap(({ identity }) =>
    identity === undefined ? [] : JSON.stringify([identity.issuer, identity.subject]),
  )
  if (new Set(identities).size !== identities.length) throw replayed('each identity once')
  const accounts = approvals.flatMap(({ account }) => account ?? [])
  if (new Set(accounts).size !== accounts.length) throw replayed('each account once')
  if (predicate.decision === 'REJECTED' || predicate.decision === 'EXPIRED') return
  if (approvals.some(({ verdict }) => verdict === 'reject'))
    throw invalid('no rejection in an approval')
  const patched = approvals.some(({ verdict }) => verdict === 'patch')
  if (patched !== (predicate.decision === 'APPROVED_WITH_MODIFICATIONS')) {
    throw invalid('a patch where there were modifications')
  }
  if (approvals.length === 0) throw invalid('a review by somebody')
  if (resolution.ratifies !== undefined) checkOthers(approvals, hold.predicate.resolution)
  checkSeats(resolution, routesLookedAt(hold, resolution))
}

/** Nobody ratifies what they let run by breaking the glass, nor does who sits in their place. */
function checkOthers(approvals: readonly Approval[], broken: Resolution | undefined): void {
  const breakers = new Set(
    broken?.approvals.flatMap(({ breakGlass, reviewer }) => (breakGlass === true ? reviewer : [])),
  )
  for (const { reviewer, seats = [] } of approvals) {
    const places = [reviewer, ...seats.flatMap((seat) => seat.for ?? [])]
    if (!places.some((person) => breakers.has(person))) continue
    throw failure('REVIEW_SELF', 'others than those who broke the glass to ratify that')
  }
}

/** The routes that a resolution must satisfy: those of the hold, or those on which the glass was broken. */
function routesLookedAt(hold: DecisionReceipt, { ratifies }: Resolution): readonly string[] {
  if (ratifies === undefined || hold.predicate.resolution === undefined) return hold.predicate.route
  return brokenOf(hold.predicate.resolution)
}

function digestOf({ subject }: DecisionReceipt): string | undefined {
  return subject[0]?.digest.sha256
}

function invalid(expected: string): PolicyError {
  return failure('RECEIPT_INVALID', expected)
}

function unbound(expected: string): PolicyError {
  return failure('REVIEW_UNBOUND', `${expected} of this resolution in the signed review`)
}

function replayed(expected: string): PolicyError {
  return failure('REVIEW_REPLAYED', expected)
}

function failure(code: ErrorCode, expected: string): PolicyError {
  return new PolicyError(code, `expected ${expected}`)
}
