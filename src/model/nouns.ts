import type { JsonObject, JsonValue } from '../base/json-value.ts'
import type { Priority, Verdict } from './generated/types.ts'

/** An action at the boundary's inner side: every default filled in, every name owned by the credential. */
export type JudgedAction = {
  readonly project: string
  readonly agent: string
  readonly session: string
  readonly principal: string | null
  readonly role: string
  readonly service: string
  readonly action: string
  readonly payload: JsonObject
  readonly context: JsonObject
  readonly priority: Priority
  readonly fingerprint: string | null
  /** Only in recorded sessions: stands in for the payload where a rule compares arguments. */
  readonly args_digest?: string
  /** Absent: what the agent wants to do is judged. */
  readonly phase?: 'result'
  /** What the call gave; with the phase `result` only, and always then. */
  readonly result?: JsonValue
}

/**
 * What a key stands for. It names its project, its agents (`*` for every agent of the project) and its role; nothing
 * that an action says can widen it.
 */
export type Credential = {
  readonly project: string
  readonly agents: readonly string[]
  readonly role: string
}

/** One value that the evaluator remembers, and when it may be forgotten (Unix milliseconds). */
export type StateEntry = { readonly value: JsonValue; readonly until: number }

/** State by key. Keys hold rule ids, agent names and HMACs, never clear values of a payload. */
export type StateSlice = Readonly<Record<string, StateEntry>>

/**
 * What one attempt set aside of a limit on cost. `state` holds it already; kept sealed with the decision, it tells how to
 * give it back, or how to put the real cost in its place.
 */
export type Reservation = {
  /** The state entry that holds the sum. */
  readonly key: string
  /** When it was set aside, in Unix milliseconds. */
  readonly at: number
  /** How long a slice of the sum is, in milliseconds: tells whether the slice that it was added to is still there. */
  readonly sliceMs: number
  /** In 10^-12 of the limit's unit, as decimal text: more than a double can hold. */
  readonly amount: string
  /** The path of the field that the amount was read from. */
  readonly field: string
  /** Digits of the minor unit that the field counts in; null where it counts whole units. */
  readonly minor: number | null
  /** The limit's units for one of the field's, in 10^-12, as decimal text; null where several applied. */
  readonly rate: string | null
  /** Whether a reported cost may only raise what counts, or takes its place. */
  readonly settle: 'raise' | 'exact'
}

/** What may be odd about a session, each by its own channel. */
export type BehaviourChannel =
  | 'markov'
  | 'novelty'
  | 'repeat'
  | 'precede'
  | 'service'
  | 'duplicate'
  | 'trigram'

/** How one transition compares with its own statistics. */
export type EdgeScore = {
  readonly run: number
  /** Standard deviations above the mean; null for a transition that was never seen. */
  readonly z: number | null
  /** The calls before that it was judged by: 1, or 2 at high and critical priority. */
  readonly order: 1 | 2
}

/** How a session behaves up to and with one action, compared with the agent's baseline. */
export type BehaviourScore = {
  /** The share of the baseline's calibration sessions that were less odd than this one, from 0 to 1. */
  readonly markov_score: number
  /** Bits of the choice of the next action at this point, as the baseline expects it; 0 when there is no choice. */
  readonly entropy_bits: number
  /** Calls in a row, this one included, that lie above the baseline's threshold. */
  readonly burst: number
  /** Anomalous passages of this very transition in a row, this one included; null where no rule asks. */
  readonly edge: EdgeScore | null
  /** Whether people have rejected this step, which no learned session ever made. */
  readonly rejected: boolean
  /** How odd the session is in each channel, in bits: one more is half as likely in a normal session. */
  readonly channels: Readonly<Record<BehaviourChannel, number>>
}

/** What `evaluate` gives: the verdict, and the state entries to write (never those that did not change). */
export type Evaluation = Verdict & {
  readonly state: StateSlice
  /** What the attempt set aside; absent when nothing, and when it is denied. */
  readonly reserved?: readonly Reservation[]
}

/** How a request ended. */
export type Resolution = 'APPROVED' | 'REJECTED' | 'APPROVED_WITH_MODIFICATIONS' | 'EXPIRED'
