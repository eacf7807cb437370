import type { Value } from '../values/value.ts'

/**
 * A plan of OPA's intermediate representation (Go package `v1/ir`), read and checked: constants stand in place, calls
 * name functions by index, every local and every break is within bounds, and no function reaches itself.
 */
export type Plan = {
  readonly functions: readonly PlanFunction[]
  /** Slash paths of the entry points with their blocks, sorted by path. */
  readonly entrypoints: ReadonlyMap<string, Entrypoint>
  /** Names of the built-ins that are called, sorted. */
  readonly builtins: readonly string[]
  /** Places in the author's files; statements name them by index. The first is for statements without a place. */
  readonly sites: readonly Site[]
}

/** A place in an author's file: rows and columns from 1; the end is the last character's, or 0 where it is unknown. */
export type Site = {
  readonly file: string
  readonly row: number
  readonly column: number
  readonly endRow: number
  readonly endColumn: number
}

/** The blocks of a query. Locals 0 and 1 are the input and the data. */
export type Entrypoint = {
  readonly blocks: readonly Block[]
  readonly locals: number
  /** Whether a built-in error in the query itself is undefined. */
  readonly lax: boolean
}

/** A rule (parameters: input, data) or a function of a policy (input, data and its arguments). */
export type PlanFunction = {
  /** OPA's: `g0.data.countersign.refunds.deny`. */
  readonly name: string
  /** Below `data`, for dynamic calls: `['g0', 'countersign', 'refunds', 'deny']`. Null where none is known. */
  readonly path: readonly string[] | null
  /** Locals that take the arguments. The first two are the input and the data. */
  readonly parameters: readonly number[]
  /** The local that holds the value. */
  readonly result: number
  readonly blocks: readonly Block[]
  /** How many locals there are: each is below this. */
  readonly locals: number
  /** Whether its package asks that a built-in error be undefined instead of ending the evaluation. */
  readonly lax: boolean
}

/** Statements in order. The first that is undefined ends the block. */
export type Block = readonly Statement[]

/** A local by its index, or a string or boolean in place. */
export type Operand = { readonly local: number } | { readonly constant: string | boolean }

export type Statement = StatementBody & {
  /** Index into {@link Plan.sites}. */
  readonly site: number
}

/** What each does is told in Go's `v1/ir`; the names here follow it. */
export type StatementBody =
  | { readonly op: 'return'; readonly source: number }
  | {
      readonly op: 'call'
      /** Index into {@link Plan.functions}. */
      readonly function: number
      readonly operands: readonly Operand[]
      readonly target: number
    }
  | {
      readonly op: 'call_builtin'
      readonly builtin: string
      readonly operands: readonly Operand[]
      readonly target: number
    }
  | {
      readonly op: 'call_dynamic'
      readonly path: readonly Operand[]
      /** Functions whose path the constant parts of `path` allow, of the same length, in the plan's order. */
      readonly candidates: readonly number[]
      /** The locals that hold input and data. */
      readonly arguments: readonly number[]
      readonly target: number
    }
  | { readonly op: 'blocks'; readonly blocks: readonly Block[] }
  /** Leaves `depth` + 1 blocks, counted as OPA counts: a scan takes two. */
  | { readonly op: 'break'; readonly depth: number }
  | {
      readonly op: 'dot'
      readonly source: Operand
      readonly key: Operand
      readonly target: number
      /**
       * What is found is about to be filled, and another rule may have put it there: where it is no object or set that
       * an `insert` with `nest` put into this very `source`, that is REGO_CONFLICT.
       */
      readonly nest?: true
    }
  | { readonly op: 'length'; readonly source: Operand; readonly target: number }
  | {
      readonly op: 'scan'
      readonly source: number
      readonly key: number
      readonly value: number
      readonly block: Block
    }
  | { readonly op: 'not'; readonly block: Block }
  | {
      readonly op: 'with'
      readonly local: number
      readonly path: readonly string[]
      readonly value: Operand
      readonly block: Block
    }
  /** Numbers and null: `AssignIntStmt`, `MakeNumberIntStmt`, `MakeNumberRefStmt`, `MakeNullStmt`. */
  | { readonly op: 'constant'; readonly value: Value; readonly target: number }
  | { readonly op: 'assign'; readonly source: Operand; readonly target: number }
  | { readonly op: 'assign_once'; readonly source: Operand; readonly target: number }
  | { readonly op: 'reset'; readonly target: number }
  | { readonly op: 'make'; readonly type: 'array' | 'object' | 'set'; readonly target: number }
  | { readonly op: 'equal' | 'not_equal'; readonly a: Operand; readonly b: Operand }
  | { readonly op: 'is'; readonly type: 'array' | 'object' | 'set'; readonly source: Operand }
  | { readonly op: 'defined' | 'undefined'; readonly source: number }
  | { readonly op: 'append'; readonly array: number; readonly value: Operand }
  | {
      readonly op: 'insert' | 'insert_once'
      readonly object: number
      readonly key: Operand
      readonly value: Operand
      /** The value was made to be filled again, by way of a `dot` with `nest` from this object. */
      readonly nest?: true
    }
  | { readonly op: 'merge'; readonly a: number; readonly b: number; readonly target: number }
  | { readonly op: 'add'; readonly set: number; readonly value: Operand }
  | { readonly op: 'result'; readonly value: number }
