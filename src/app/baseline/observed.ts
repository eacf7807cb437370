import { canonicalize } from '../../base/canonical-json.ts'
import { sha256Hex } from '../../base/digest.ts'
import type { JsonValue } from '../../base/json-value.ts'
import type { ObservedSession } from '../../decide/behaviour/index.ts'
import { nodeOf } from '../../decide/behaviour/index.ts'
import type { JudgedAction } from '../../model/nouns.ts'

/** A transition, by the names of its two nodes. */
export type Transition = { readonly from: string; readonly to: string }

/** A session that may be learned. */
export type ObservedRun = {
  readonly session: ObservedSession
  /** Transitions that people approved, one for each approval. */
  readonly approvals: readonly Transition[]
  /** Unix milliseconds; null where it is not known. */
  readonly began: number | null
  readonly ended: number | null
}

/** What was seen of an agent, before a baseline is asked. */
export type Observed = {
  readonly runs: readonly ObservedRun[]
  /** Transitions that people rejected, one for each rejection. */
  readonly rejections: readonly Transition[]
  /** Sessions that cannot be learned, by the reason. */
  readonly leftOut: {
    readonly open: number
    readonly refused: number
    readonly erased: number
    readonly known: number
  }
  /** How far a receipt log was read; null for recorded sessions. */
  readonly read: {
    readonly log: string
    readonly through: number
    readonly idle: string
    /** The policy of the newest decision that was learned. */
    readonly bundle: string | null
  } | null
}

/** Which sessions are looked at. */
export type Wanted = {
  readonly agent: string
  /** Whether a fingerprint is this baseline's. */
  readonly covers: (fingerprint: string | null) => boolean
}

/** The node of an action. */
export function nodeOfAction({
  service,
  action,
}: Pick<JudgedAction, 'service' | 'action'>): string {
  return nodeOf(service, action)
}

/** A digest that calls of one tool with equal arguments share, as the evaluator compares them. */
export function argsOf({ payload, args_digest }: Pick<JudgedAction, 'payload' | 'args_digest'>) {
  const recorded = args_digest !== undefined && Object.keys(payload).length === 0
  const compared: JsonValue[] = recorded ? [{}, args_digest] : [payload]
  return sha256Hex(canonicalize(compared))
}
