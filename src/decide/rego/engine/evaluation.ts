import type { Call } from '../builtins/builtin.ts'
import type { PlanFunction, Statement } from '../plan/plan.ts'
import type { Value } from '../values/value.ts'

/** Bounds of one evaluation: constants of the bundle, so that the same policy and input end alike everywhere. */
export type RegoBudget = {
  /** Iterations, calls of rules and functions, and what built-ins visit. */
  readonly steps: number
  /** What rules and built-ins make, in bytes by a fixed tariff: about what it takes in memory. */
  readonly outputBytes: number
}

/** Takes some tens of milliseconds on a slow core; a policy of 400 lines takes a few thousand steps. */
export const BUDGET: RegoBudget = { steps: 300_000, outputBytes: 16 * 1024 * 1024 }

/** Why an evaluation ended without a value. */
export class EvaluationError extends Error {
  override readonly name = 'EvaluationError'
  readonly code: 'REGO_ABORTED' | 'REGO_BUDGET_EXCEEDED' | 'REGO_BUILTIN_ERROR' | 'REGO_CONFLICT'
  /** Index into the plan's sites. */
  readonly site: number
  /** OPA's code for a built-in's error. */
  readonly detail: string | undefined

  constructor(
    code: EvaluationError['code'],
    message: string,
    site: number,
    options: ErrorOptions & { readonly detail?: string } = {},
  ) {
    super(message, options)
    this.code = code
    this.site = site
    this.detail = options.detail
  }
}

/** A built-in error that a lax package let pass as undefined. */
export type IgnoredError = { readonly message: string; readonly site: number }

/** Marks a rule in the memo that was found to be undefined. */
export const UNDEFINED: unique symbol = Symbol('undefined')

export type Remembered = Value | typeof UNDEFINED | undefined

/** What one evaluation has spent, remembers and is about to do. */
export class Evaluation implements Call {
  /** Of the statement whose failure would be reported next. */
  site = 0
  steps: number
  bytes: number
  /** Values of rules, by function. A `with` works on a memo of its own. */
  memo: Remembered[]
  /** Values of functions of one argument by that, by function. A `with` works on its own. */
  calls: Map<number, Map<Value | undefined, Remembered>> | undefined
  /** How many `with` are around: constants of the policy do not hold inside. */
  overridden = 0
  /** Objects that rules fill together, each with the one that it lies in. */
  nests: Map<Value, Value> | undefined
  readonly results: Value[] = []
  readonly ignored: IgnoredError[] = []
  private readonly kept: Map<string, unknown>
  private mine: Map<string, unknown> | undefined

  /** @param functions - how many rules and functions the plan has */
  constructor(budget: RegoBudget, kept: Map<string, unknown>, functions: number) {
    this.steps = budget.steps
    this.bytes = budget.outputBytes
    this.kept = kept
    this.memo = emptyMemo(functions)
  }

  work(units: number): void {
    this.steps -= units
    // Written so that NaN ends it, too.
    if (!(this.steps >= 0)) throw this.exhausted(this.site)
  }

  output(bytes: number): void {
    this.bytes -= bytes
    if (!(this.bytes >= 0)) throw this.exhausted(this.site)
  }

  /** What a function gave for this argument, which is told apart by identity where it is no scalar. */
  recall(index: number, argument: Value | undefined): Remembered {
    return this.calls?.get(index)?.get(argument)
  }

  /** Keeps what a function gave. Charged, so that what is kept is bounded. */
  remember(
    index: number,
    argument: Value | undefined,
    value: Value | undefined,
  ): Value | undefined {
    this.bytes -= RECALL_BYTES
    this.calls ??= new Map()
    let values = this.calls.get(index)
    if (values === undefined) {
      values = new Map()
      this.calls.set(index, values)
    }
    values.set(argument, value === undefined ? UNDEFINED : value)
    return value
  }

  cached<T>(key: string, make: () => T): T {
    if (key.length > KEPT_KEY_MAX) return make()
    const found = this.kept.get(key)
    if (found !== undefined) return found as T
    const made = make()
    // Patterns that come from inputs would fill it; starting over is simple, and changes no answer.
    if (this.kept.size >= KEPT_MAX) this.kept.clear()
    this.kept.set(key, made)
    return made
  }

  own<T>(key: string, make: () => T): T {
    this.mine ??= new Map()
    const found = this.mine.get(key)
    if (found !== undefined) return found as T
    const made = make()
    this.mine.set(key, made)
    return made
  }

  exhausted(site: number): EvaluationError {
    const made = !(this.bytes >= 0)
    // What is left stays below zero: a later rule of this evaluation ends at once.
    const what = made ? 'makes more values' : 'takes more steps'
    return new EvaluationError(
      'REGO_BUDGET_EXCEEDED',
      `the policy ${what} than one decision may; look for products of collections and growing texts`,
      site,
    )
  }
}

/** What a `with` sets aside. */
export type Overridden = Pick<Evaluation, 'memo' | 'calls'>

/** Starts a `with`: what was found under other documents does not hold inside. */
export function override(evaluation: Evaluation): Overridden {
  const before = { memo: evaluation.memo, calls: evaluation.calls }
  evaluation.work(1 + (before.memo.length >>> 5))
  evaluation.memo = emptyMemo(before.memo.length)
  evaluation.calls = undefined
  evaluation.overridden += 1
  return before
}

/** Ends a `with`. */
export function restore(evaluation: Evaluation, before: Overridden): void {
  evaluation.memo = before.memo
  evaluation.calls = before.calls
  evaluation.overridden -= 1
}

/** A plan made ready to run: generated code or closures, with the same answers, charges and errors. */
export type Machine = {
  /** Looks up what it will need of the data; once, before anything runs. Every run is given the same data. */
  prepare(data: Value): void
  /** Runs the blocks of an entry point; what it yields is in `evaluation.results`. */
  run(evaluation: Evaluation, entrypoint: string, input: Value | undefined, data: Value): void
  /** The value of a rule, by index into the plan's functions. */
  call(
    evaluation: Evaluation,
    index: number,
    input: Value | undefined,
    data: Value,
  ): Value | undefined
  /** Values that hold for the life of the data, by function; shared with whoever fills it. */
  readonly constants: Remembered[]
}

/**
 * Hears what closures do: for coverage, timing and traces. The generated code has none. Locals are those of the function
 * that runs, as they are at that moment.
 */
export type Observer = {
  /** A rule or function is entered; not told when its value is remembered. */
  enter?(called: PlanFunction, locals: readonly (Value | undefined)[]): void
  leave?(called: PlanFunction, value: Value | undefined): void
  /** A statement is about to run. */
  visit?(statement: Statement, locals: readonly (Value | undefined)[]): void
  /** A statement was undefined, so that its block ended. */
  fail?(statement: Statement, locals: readonly (Value | undefined)[]): void
}

const KEPT_MAX = 1_000
/** In UTF-16 code units. What has a longer key, a JWK set for instance, is made each time. */
const KEPT_KEY_MAX = 8_192
/** An entry of a Map; a text that is the key is there anyway. */
const RECALL_BYTES = 64

/** Filled, since a hole reads what a polluted Array.prototype holds. */
function emptyMemo(functions: number): Remembered[] {
  return new Array<Remembered>(functions).fill(undefined)
}
