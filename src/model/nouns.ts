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

/** What `evaluate` gives: the verdict, and the state entries to write (never those that did not change). */
export type Evaluation = Verdict & { readonly state: StateSlice }

/** How a request ended. */
export type Resolution = 'APPROVED' | 'REJECTED' | 'APPROVED_WITH_MODIFICATIONS' | 'EXPIRED'
