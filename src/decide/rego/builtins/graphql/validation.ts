import type {
  Definition,
  Field,
  Fragment,
  FragmentSpread,
  Meter,
  Operation,
  Position,
  QueryDocument,
  SelectionSet,
  VariableDefinition,
} from './ast.ts'
import { GraphqlFault, named, nestsTooDeep, SELECTION_DEPTH_MAX } from './ast.ts'
import type { Schema } from './schema.ts'

/** One run of the rules over a document, and what they keep on the way. */
export type Validation = {
  readonly schema: Schema
  readonly document: QueryDocument
  readonly meter: Meter
  /** Undefined outside of operations, while fragments are visited by themselves. */
  operation: Operation | undefined
  /** The operation's variables, the first of each name. */
  variables: ReadonlyMap<string, VariableDefinition>
  /** Selections inside one another, right now. */
  depth: number
  /** Fragments that operations spread. */
  readonly fragmentsUsed: Set<string>
  /** Fragments whose spreads were followed in search of cycles. */
  readonly fragmentsFollowed: Set<string>
  readonly fragmentNames: Set<string>
  readonly operationNames: Set<string>
  readonly merge: MergeState
}

/** See merge-rule.ts. */
export type MergeState = {
  /** Pairs of fragments that were compared, each with whether only as mutually exclusive ones. */
  readonly pairs: Map<string, Map<string, boolean>>
  /** Fragments that the fields at hand were compared with. */
  compared: Set<string>
  readonly collected: Map<SelectionSet, Collected>
}

/** Fields of a selection set by response name, inline fragments included, and the fragments it spreads. */
export type Collected = {
  readonly fields: ReadonlyMap<string, readonly Field[]>
  readonly spreads: readonly FragmentSpread[]
}

export function newValidation(schema: Schema, document: QueryDocument, meter: Meter): Validation {
  return {
    schema,
    document,
    meter,
    operation: undefined,
    variables: new Map(),
    depth: 0,
    fragmentsUsed: new Set(),
    fragmentsFollowed: new Set(),
    fragmentNames: new Set(),
    operationNames: new Set(),
    merge: { pairs: new Map(), compared: new Set(), collected: new Map() },
  }
}

export function fail(message: string, position: Position | undefined): never {
  throw new GraphqlFault(message, position)
}

/** Runs one level deeper, through fragments too: these may be many though each nests little. */
export function deeper<T>(validation: Validation, run: () => T): T {
  validation.depth += 1
  if (validation.depth > SELECTION_DEPTH_MAX) throw nestsTooDeep(SELECTION_DEPTH_MAX)
  const result = run()
  validation.depth -= 1
  return result
}

export function fragmentOf({ document }: Validation, name: string): Fragment | undefined {
  return named(document.fragments, name)
}

/** The type of an operation's root. */
export function rootOf({ schema }: Validation, { operation }: Operation): Definition | undefined {
  return schema.roots.get(operation === '' ? 'query' : operation)
}

export function isComposite({ kind }: Definition): boolean {
  return kind === 'OBJECT' || kind === 'INTERFACE' || kind === 'UNION'
}

export function isLeaf({ kind }: Definition): boolean {
  return kind === 'SCALAR' || kind === 'ENUM'
}
