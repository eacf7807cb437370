import { BuiltinError } from '../builtin.ts'

// The syntax tree that OPA gives for GraphQL: gqlparser's (Go module github.com/vektah/gqlparser/v2), whose JSON names
// are these names with a capital. What validation fills in is marked so; OPA's JSON may hold it, too.

/** Line and column in code points, both from 1. A column may be below 1: see `Lexer`. */
export type Position = { readonly line: number; readonly column: number }

/** The comments that stand right before a node, each with its `#`. */
export type Comments = readonly string[]

type Node = {
  readonly comment: Comments | undefined
  readonly position: Position | undefined
}

export type QueryDocument = {
  readonly operations: readonly Operation[]
  readonly fragments: readonly Fragment[]
  readonly comment: Comments | undefined
}

export type Operation = Node & {
  readonly operation: string
  readonly name: string
  readonly variableDefinitions: readonly VariableDefinition[]
  readonly directives: readonly Directive[]
  readonly selectionSet: SelectionSet
}

export type VariableDefinition = Node & {
  readonly variable: string
  readonly type: Type
  readonly defaultValue: Literal | undefined
  readonly directives: readonly Directive[]
  /** Filled in by validation. */
  definition: Definition | undefined
  used: boolean
}

export type SelectionSet = readonly Selection[]

export type Selection = Field | FragmentSpread | InlineFragment

export type Field = Node & {
  readonly kind: 'field'
  readonly alias: string
  readonly name: string
  readonly arguments: readonly Argument[]
  readonly directives: readonly Directive[]
  readonly selectionSet: SelectionSet
  /** Filled in by validation. */
  definition: FieldDefinition | undefined
  objectDefinition: Definition | undefined
}

export type FragmentSpread = Node & {
  readonly kind: 'spread'
  readonly name: string
  readonly directives: readonly Directive[]
  /** Filled in by validation. */
  definition: Fragment | undefined
  objectDefinition: Definition | undefined
}

export type InlineFragment = Node & {
  readonly kind: 'inline'
  readonly typeCondition: string
  readonly directives: readonly Directive[]
  readonly selectionSet: SelectionSet
  /** Filled in by validation. */
  objectDefinition: Definition | undefined
}

export type Fragment = Node & {
  readonly name: string
  readonly variableDefinition: readonly VariableDefinition[]
  readonly typeCondition: string
  readonly directives: readonly Directive[]
  readonly selectionSet: SelectionSet
  /** Filled in by validation. */
  definition: Definition | undefined
}

export type Argument = Node & {
  readonly name: string
  readonly value: Literal
}

export type Directive = {
  readonly name: string
  readonly arguments: readonly Argument[]
  readonly position: Position | undefined
  /** Filled in by validation. */
  parentDefinition: Definition | undefined
  definition: DirectiveDefinition | undefined
  location: string
}

/** What a literal is, as gqlparser numbers it. */
export const LITERAL = {
  variable: 0,
  int: 1,
  float: 2,
  string: 3,
  block: 4,
  boolean: 5,
  null: 6,
  enum: 7,
  list: 8,
  object: 9,
} as const

/** A value as it is written: in `raw`, or for lists and objects in `children`. */
export type Literal = Node & {
  readonly raw: string
  readonly children: readonly ChildValue[]
  /** One of LITERAL. */
  readonly kind: number
  /** Filled in by validation. */
  definition: Definition | undefined
  variableDefinition: VariableDefinition | undefined
  expectedType: Type | undefined
  expectedTypeHasDefault: boolean
}

/** A member of a list, without a name, or of an object. */
export type ChildValue = Node & {
  readonly name: string
  readonly value: Literal
}

/** A named type, or a list of `elem` when there is no name. */
export type Type = {
  readonly namedType: string
  readonly elem: Type | undefined
  readonly nonNull: boolean
  readonly position: Position | undefined
}

type Described = {
  readonly description: string
  readonly beforeDescriptionComment: Comments | undefined
  readonly afterDescriptionComment: Comments | undefined
  readonly position: Position | undefined
}

type Enclosed = Described & { readonly endOfDefinitionComment: Comments | undefined }

export type SchemaDocument = {
  readonly schema: readonly SchemaDefinition[]
  readonly schemaExtension: readonly SchemaDefinition[]
  readonly directives: readonly DirectiveDefinition[]
  readonly definitions: readonly Definition[]
  readonly extensions: readonly Definition[]
  readonly comment: Comments | undefined
}

export type SchemaDefinition = Enclosed & {
  readonly directives: readonly Directive[]
  readonly operationTypes: readonly OperationType[]
}

export type OperationType = Node & {
  readonly operation: string
  readonly type: string
}

/** A type, or an extension of one. */
export type Definition = Enclosed & {
  /** SCALAR, OBJECT, INTERFACE, UNION, ENUM or INPUT_OBJECT. */
  readonly kind: string
  readonly name: string
  readonly directives: readonly Directive[]
  readonly interfaces: readonly string[]
  readonly fields: readonly FieldDefinition[]
  /** Members of a union. */
  readonly types: readonly string[]
  readonly typePositions: readonly (Position | undefined)[]
  readonly enumValues: readonly EnumValueDefinition[]
  readonly builtIn: boolean
}

export type FieldDefinition = Described & {
  readonly name: string
  readonly arguments: readonly ArgumentDefinition[]
  readonly defaultValue: Literal | undefined
  readonly type: Type
  readonly directives: readonly Directive[]
}

export type ArgumentDefinition = Described & {
  readonly name: string
  readonly defaultValue: Literal | undefined
  readonly type: Type
  readonly directives: readonly Directive[]
}

export type EnumValueDefinition = Described & {
  readonly name: string
  readonly directives: readonly Directive[]
}

export type DirectiveDefinition = Described & {
  readonly name: string
  readonly arguments: readonly ArgumentDefinition[]
  readonly locations: readonly string[]
  readonly isRepeatable: boolean
}

/** The name inside a type's brackets. */
export function typeName(type: Type): string {
  let inner = type
  while (inner.namedType === '' && inner.elem !== undefined) inner = inner.elem
  return inner.namedType
}

/** A type as it is written: `[Int!]!`. */
export function typeText(type: Type): string {
  const text = type.elem === undefined ? type.namedType : `[${typeText(type.elem)}]`
  return type.nonNull ? `${text}!` : text
}

/** The first member of that name: what gqlparser finds in its lists. */
export function named<T extends { readonly name: string }>(
  list: readonly T[],
  name: string,
): T | undefined {
  if (list.length <= SHORT) {
    for (const member of list) if (member.name === name) return member
    return undefined
  }
  let index = INDICES.get(list)
  if (index === undefined) {
    index = new Map()
    for (const member of list) if (!index.has(member.name)) index.set(member.name, member)
    INDICES.set(list, index)
  }
  return index.get(name) as T | undefined
}

/** What is wrong with a text or tree: the first fault, as OPA words it. */
export class GraphqlFault extends Error {
  override readonly name = 'GraphqlFault'
  readonly position: Position | undefined

  constructor(message: string, position: Position | undefined, options: ErrorOptions = {}) {
    super(message, options)
    this.position = position
  }
}

/** What is charged for work, see Call. */
export type Meter = { work(units: number): void }

/**
 * Brackets, braces and parentheses inside one another. A level of a list takes three levels of JSON, so that what is
 * parsed nests less than CANONICAL_DEPTH_MAX.
 */
export const NESTING_MAX = 100

/** Selections inside one another, followed through fragments. */
export const SELECTION_DEPTH_MAX = 200

export function nestsTooDeep(levels: number): BuiltinError {
  return new BuiltinError(`GraphQL nests deeper than ${levels} levels`)
}

/** Up to here a list is looked through. */
const SHORT = 8

const INDICES = new WeakMap<readonly unknown[], Map<string, unknown>>()
