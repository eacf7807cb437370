import type { JsonObject } from '../../../base/json-value.ts'
import type { CompiledRule } from '../../../model/generated/types.ts'
import type { Reservation } from '../../../model/nouns.ts'
import type { Facts } from '../facts.ts'
import type { FoundObligation } from '../fold.ts'
import type { CompiledSelector } from '../selector.ts'
import type { Moment, Write } from '../state.ts'

/** A guardrail kind. Adding one takes a file here, a schema in `schemas/kinds/` and a line in the registry. */
export type Kind = {
  readonly name: string
  /** Whether its findings name the fields to change, so that a rule need not. */
  readonly detects?: true
  /**
   * Reads a rule's settings once, at load.
   *
   * @throws {PolicyError} when they cannot be understood; then the bundle does not load
   */
  compile(rule: CompiledRule): CompiledKind
}

/** One rule of a kind, ready to judge. What it throws while judging becomes a finding that denies. */
export type CompiledKind = {
  /** Every state key that `judge` reads or writes for this action. */
  stateKeys(facts: Facts): readonly string[]
  judge(facts: Facts, moment: Moment): Judged
  /** What it sees, for people who ask why: counts and the like, also where nothing is wrong. Holds no clear value. */
  explain?(facts: Facts, moment: Moment): JsonObject
  /** For kinds that remember actions other than those that `on` selects; null for the rest. */
  readonly watch: Watch | null
}

export type Judged = {
  /** What is wrong, or null. */
  readonly found: Found | null
  readonly writes: readonly Write[]
  /** What the action sets aside of a limit on cost, unless it is denied: the write, and how to undo it. */
  readonly reserved?: { readonly write: Write; readonly reservation: Reservation }
}

export type Found = {
  /** Holds no clear value of the action's payload or context. */
  readonly message: string
  readonly evidence: JsonObject
  /** What to do to the fields, for kinds that find them; beside what the rule itself lists. */
  readonly obligations?: readonly FoundObligation[]
  /** Fields that the rule names and the action lacks. What would have to be changed in them may stand elsewhere. */
  readonly missing?: readonly string[]
  /** Whether it only reports, whatever the rule's mode: what it relies on is not to be enforced yet. */
  readonly shadow?: true
}

/** Remembers actions that a rule's second selector names. Its writes are kept unless the action is denied. */
export type Watch = {
  readonly selector: CompiledSelector
  stateKeys(facts: Facts): readonly string[]
  record(facts: Facts, moment: Moment): readonly Write[]
}

/** For kinds without state. */
export const STATELESS = { stateKeys: () => [] as readonly string[], watch: null }
