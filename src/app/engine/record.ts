import { canonicalize } from '../../base/canonical-json.ts'
import { commitAction, SEED_BYTES } from '../../base/commitments.ts'
import {
  type Digest,
  digestBytes,
  fromUtf8,
  hmacSha256,
  sha256Hex,
  utf8,
} from '../../base/digest.ts'
import { decodeHex, encodeHex } from '../../base/encoding.ts'
import { type ErrorCode, PolicyError } from '../../base/errors.ts'
import type { JsonObject, JsonValue } from '../../base/json-value.ts'
import { ACTION_FIELDS_MAX, ACTION_POINTERS_LENGTH_MAX } from '../../base/limits.ts'
import { seal, unseal } from '../../host/seal.ts'
import type { DecisionReceipt } from '../../model/generated/types.ts'
import type { Credential, JudgedAction, Reservation, StateSlice } from '../../model/nouns.ts'
import type { Store, StoredDecision, StoreTransaction } from '../../model/ports.ts'
import type { RefusedReview, VerifiedReview } from '../../trust/approve/review.ts'
import { decisionReceipt } from '../../trust/receipt/index.ts'
import type { KeptEscrow } from './escrow-hold.ts'
import type { Parts } from './parts.ts'

export type Predicate = DecisionReceipt['predicate']

/** What a decision was made from; sealed in the store, for re-derivation and for the people on the route. */
export type Inputs = {
  readonly action: JudgedAction
  /** The salts' seed, hexadecimal. */
  readonly seed: string
  /** Fields that were committed beside payload and context. */
  readonly hidden: readonly string[]
  readonly state: StateSlice
  /** Unix milliseconds. */
  readonly now: number
  /** When the attempt was counted, where that was earlier: of a request that is asked anew, Unix milliseconds. */
  readonly attempt?: number
  /** What was set aside of limits on cost. */
  readonly reserved?: readonly Reservation[]
  /** What the decision came of besides; only where there was something. Older versions kept none of it. */
  readonly beside?: Beside
}

/** What a decision came of besides policy, state, action and time; for re-derivation alone. */
export type Beside = {
  /** What the caller's key owned, where the action names something else. */
  readonly credential?: Credential
  /** The decision that a result named as that of its call, where it is not. */
  readonly call?: string
  /** How many requests of the agent waited for people, where those were too many. */
  readonly waiting?: number
  /** Why the clear value of a token could not be had. */
  readonly unopened?: Unopened
  /** Why people are asked about something in escrow. */
  readonly escrow?: KeptEscrow
  /** Of how a request ended. */
  readonly ending?: KeptEnding
  /** Of a call that takes another one back. */
  readonly undo?: KeptUndo
}

/** What a rollback was made of, beside the receipt that it names. */
export type KeptUndo = {
  /** Routes on which people let the other call run; sorted. */
  readonly routes: readonly string[]
  /** The decision about its result, where a field was taken from that. */
  readonly result?: string
}

/** The receipt that let a call run which is taken back. */
export type Undoes = { readonly index: number; readonly id: string }

export type Unopened = { readonly code: ErrorCode; readonly message: string }

/** What people had said when a request ended, and the state under which it was judged again. */
export type KeptEnding = {
  /** When the reviews were counted, in Unix milliseconds. */
  readonly countedAt: number
  readonly reviews: readonly KeptReview[]
  /** Reviews that claimed to be signed and did not stand, by the forge's id, with the error's code. */
  readonly refused: readonly Pick<RefusedReview, 'review' | 'code'>[]
  /** As it was read; absent where nothing was judged again. */
  readonly state?: StateSlice
}

/** A review as JSON has it: the sealed patch in base64. */
export type KeptReview = {
  readonly review: Unpatched<VerifiedReview>
  readonly patch?: { readonly root: Digest; readonly sealed: string }
}

/** Over each member of the union. */
type Unpatched<T> = T extends unknown ? Omit<T, 'patch'> : never

/** An action's public side: what remains of it after its private fields became commitments, and the root over that. */
export type Committed = {
  readonly root: Digest
  readonly remains: JsonObject
  readonly seed: Uint8Array
  /** Fields that were committed beside payload and context. */
  readonly hidden: readonly string[]
}

/** Commits to an action under a new seed. Fields that the Tools files mark private are hidden too. */
export function commit(parts: Parts, action: JudgedAction): Committed {
  return commitUnder(action, parts.entropy(SEED_BYTES), parts.judge.privateFields(action))
}

/**
 * Commits to an action with another payload. The seed follows from the held action's seed and the payload, so that two
 * reviewers of one payload sign the same root, and nobody without the held action can guess it.
 */
export function commitPatched(held: Inputs, payload: JsonObject): Committed {
  const seed = hmacSha256(decodeHex(held.seed), `patch/${canonicalize(payload)}`)
  return commitUnder({ ...held.action, payload }, seed, held.hidden)
}

/** Commits to a decision's action as it was committed to then. */
export function recommit(inputs: Inputs): Committed {
  return commitUnder(inputs.action, decodeHex(inputs.seed), inputs.hidden)
}

function commitUnder(action: JudgedAction, seed: Uint8Array, hidden: readonly string[]): Committed {
  const { root, committed } = commitAction(actionDocument(action), {
    seed,
    fields: [...hidden, 'result'],
  })
  return { root, remains: committed, seed, hidden }
}

/** The action as one JSON document, without what is absent. Its members are the names of `schemas/action.schema.json`. */
export function actionDocument(action: JudgedAction): JsonObject {
  const { principal, fingerprint, ...rest } = action
  return {
    ...rest,
    ...(principal === null ? {} : { principal }),
    ...(fingerprint === null ? {} : { fingerprint }),
  }
}

/**
 * Bounds what committing to an action costs, before anything is done with it.
 *
 * @throws {PolicyError} ACTION_TOO_LARGE
 */
export function checkFields({ payload, context, result }: JudgedAction): void {
  let [fieldsLeft, lengthLeft] = [ACTION_FIELDS_MAX, ACTION_POINTERS_LENGTH_MAX]
  const walk = (value: JsonValue, pointerLength: number) => {
    fieldsLeft -= 1
    lengthLeft -= pointerLength
    if (fieldsLeft < 0 || lengthLeft < 0) {
      throw new PolicyError(
        'ACTION_TOO_LARGE',
        `expected at most ${ACTION_FIELDS_MAX} fields, whose names with those above them have at most ${ACTION_POINTERS_LENGTH_MAX} characters`,
      )
    }
    if (typeof value !== 'object' || value === null) return
    for (const [name, member] of Object.entries(value))
      walk(member, pointerLength + name.length + 1)
  }
  walk(payload, 'payload'.length)
  walk(context, 'context'.length)
  if (result !== undefined) walk(result, 'result'.length)
}

/** Writes one receipt and its sealed inputs. @returns the receipt's log index and bytes */
export async function record(
  tx: StoreTransaction,
  parts: Parts,
  entry: {
    readonly id: string
    readonly predicate: Predicate
    readonly root: Digest
    readonly inputs: Inputs
  },
): Promise<{ readonly index: number; readonly receipt: Uint8Array }> {
  const receipt = decisionReceipt(entry.predicate)
  const subject = subjectOf(parts, entry.inputs.action)
  const key = await tx.subjectKey(subject)
  const text = utf8(JSON.stringify(entry.inputs))
  const index = await tx.appendDecision({
    id: entry.id,
    at: entry.inputs.now,
    agent: entry.inputs.action.agent,
    root: entry.root,
    receipt,
    inputs: { subject, ciphertext: seal(key, text, entry.id) },
  })
  return { index, receipt }
}

/** A decision with what it was made from. */
export type OpenedDecision = {
  readonly stored: StoredDecision
  readonly predicate: Predicate
  readonly inputs: Inputs
  /** The data key of its subject. */
  readonly key: Uint8Array
}

/**
 * Opens what {@link record} wrote.
 *
 * @throws {PolicyError} RECEIPT_UNKNOWN; STORE_KEY_MISMATCH when the subject's key was shredded or is another one
 */
export async function openDecision(
  store: Pick<Store, 'decision' | 'subjectKey'>,
  id: string,
): Promise<OpenedDecision> {
  const stored = await store.decision(id)
  if (stored === null) throw new PolicyError('RECEIPT_UNKNOWN', `no decision ${id} in this store`)
  const key = await store.subjectKey(stored.inputs.subject)
  if (key === null || isErased(stored)) {
    throw new PolicyError('STORE_KEY_MISMATCH', `the inputs of ${id} were erased`)
  }
  const text = fromUtf8(unseal(key, stored.inputs.ciphertext, id))
  const { predicate } = JSON.parse(fromUtf8(stored.receipt)) as DecisionReceipt
  return { stored, predicate, inputs: JSON.parse(text) as Inputs, key }
}

/** Whether nothing is left of a decision's inputs. Its subject may have another key by now. */
export function isErased({ inputs }: Pick<StoredDecision, 'inputs'>): boolean {
  return inputs.ciphertext.length === 0
}

/** What a receipt takes from the engine: the policy's digest and the log's origin. */
export type PredicateParts = Pick<Parts, 'judge'> & {
  readonly signer: Pick<Parts['signer'], 'origin'>
}

/** The part of a predicate that verdicts and resolutions share. */
export function commonPredicate(
  parts: PredicateParts,
  fields: { readonly id: string; readonly at: number; readonly remains: JsonObject },
) {
  return {
    id: fields.id,
    policyDigest: sha256Digest(parts.judge.bundle.digest),
    issuedAt: isoTime(fields.at),
    issuerId: parts.signer.origin,
    action: fields.remains as Record<string, unknown>,
  }
}

export function sha256Digest(digest: Digest): { sha256: string } {
  return { sha256: encodeHex(digestBytes(digest)) }
}

export function stateDigest(state: StateSlice): { sha256: string } {
  return { sha256: sha256Hex(canonicalize(state as unknown as JsonObject)) }
}

/** RFC 3339 in UTC with milliseconds. */
export function isoTime(ms: number): string {
  return new Date(ms).toISOString()
}

/** A new id: the prefix and 128 random bits in base 32, lower case. */
export function newId(
  parts: Pick<Parts, 'entropy'>,
  prefix: 'dec' | 'req' | 'grt' | 'exe' | 'era',
): string {
  let bits = 0n
  for (const byte of parts.entropy(16)) bits = (bits << 8n) | BigInt(byte)
  return `${prefix}_${bits.toString(32).padStart(26, '0')}`
}

/** Whose data key seals the inputs: the principal's, or the agent's when nobody is named. */
export function subjectOf(
  parts: Pick<Parts, 'evidenceKey'>,
  action: Pick<JudgedAction, 'principal' | 'agent'>,
): string {
  const name = action.principal === null ? `agent/${action.agent}` : `principal/${action.principal}`
  return encodeHex(hmacSha256(parts.evidenceKey, `subject/${name}`))
}
