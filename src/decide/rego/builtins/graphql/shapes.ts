// Which members the JSON of each node has, as OPA makes it of gqlparser's structs and reads it back.

/** How a member is read and written. `comments` is a group of comments, `selections` a selection set. */
export type Form =
  | 'text'
  | 'flag'
  | 'number'
  | 'texts'
  | 'comments'
  | 'selections'
  | 'position'
  | { readonly node: () => Shape; readonly required?: true }
  | { readonly nodes: () => Shape }

export type Member = { readonly key: string; readonly wire: string; readonly form: Form }

export type Shape = {
  readonly members: readonly Member[]
  /** By the names that are taken for them. */
  readonly byName: ReadonlyMap<string, Member>
  /** gqlparser reads some structs itself: by exact names, comments not at all, and positions, which others leave. */
  readonly exact: boolean
  /** What a node has beside its JSON. */
  readonly constants: Readonly<Record<string, unknown>>
}

export const QUERY_DOCUMENT = shape({
  operations: { nodes: () => OPERATION },
  fragments: { nodes: () => FRAGMENT },
  comment: 'comments',
})

export const SCHEMA_DOCUMENT = shape({
  schema: { nodes: () => SCHEMA_DEFINITION },
  schemaExtension: { nodes: () => SCHEMA_DEFINITION },
  directives: { nodes: () => DIRECTIVE_DEFINITION },
  definitions: { nodes: () => DEFINITION },
  extensions: { nodes: () => DEFINITION },
  comment: 'comments',
})

export const FIELD = shape(
  {
    alias: 'text',
    name: 'text',
    arguments: { nodes: () => ARGUMENT },
    directives: { nodes: () => DIRECTIVE },
    selectionSet: 'selections',
    comment: 'comments',
    definition: { node: () => FIELD_DEFINITION },
    objectDefinition: { node: () => DEFINITION },
    position: 'position',
  },
  { exact: true, constants: { kind: 'field' } },
)

export const FRAGMENT_SPREAD = shape(
  {
    name: 'text',
    directives: { nodes: () => DIRECTIVE },
    comment: 'comments',
    definition: { node: () => FRAGMENT },
    objectDefinition: { node: () => DEFINITION },
  },
  { constants: { kind: 'spread' } },
)

export const INLINE_FRAGMENT = shape(
  {
    typeCondition: 'text',
    directives: { nodes: () => DIRECTIVE },
    selectionSet: 'selections',
    comment: 'comments',
    objectDefinition: { node: () => DEFINITION },
    position: 'position',
  },
  { exact: true, constants: { kind: 'inline' } },
)

const OPERATION = shape(
  {
    operation: 'text',
    name: 'text',
    variableDefinitions: { nodes: () => VARIABLE_DEFINITION },
    directives: { nodes: () => DIRECTIVE },
    selectionSet: 'selections',
    comment: 'comments',
    position: 'position',
  },
  { exact: true },
)

const FRAGMENT = shape(
  {
    name: 'text',
    variableDefinition: { nodes: () => VARIABLE_DEFINITION },
    typeCondition: 'text',
    directives: { nodes: () => DIRECTIVE },
    selectionSet: 'selections',
    comment: 'comments',
    definition: { node: () => DEFINITION },
    position: 'position',
  },
  { exact: true },
)

const VARIABLE_DEFINITION = shape({
  variable: 'text',
  type: { node: () => TYPE, required: true },
  defaultValue: { node: () => LITERAL_VALUE },
  directives: { nodes: () => DIRECTIVE },
  comment: 'comments',
  definition: { node: () => DEFINITION },
  used: 'flag',
})

const ARGUMENT = shape({
  name: 'text',
  value: { node: () => LITERAL_VALUE, required: true },
  comment: 'comments',
})

const DIRECTIVE = shape({
  name: 'text',
  arguments: { nodes: () => ARGUMENT },
  parentDefinition: { node: () => DEFINITION },
  definition: { node: () => DIRECTIVE_DEFINITION },
  location: 'text',
})

const LITERAL_VALUE = shape({
  raw: 'text',
  children: { nodes: () => CHILD_VALUE },
  kind: 'number',
  comment: 'comments',
  definition: { node: () => DEFINITION },
  variableDefinition: { node: () => VARIABLE_DEFINITION },
  expectedType: { node: () => TYPE },
  expectedTypeHasDefault: 'flag',
})

const CHILD_VALUE = shape({
  name: 'text',
  value: { node: () => LITERAL_VALUE, required: true },
  comment: 'comments',
})

/** A type without a name must have an element: see `decode`. */
export const TYPE = shape({ namedType: 'text', elem: { node: () => TYPE }, nonNull: 'flag' })

const SCHEMA_DEFINITION = shape({
  description: 'text',
  directives: { nodes: () => DIRECTIVE },
  operationTypes: { nodes: () => OPERATION_TYPE },
  beforeDescriptionComment: 'comments',
  afterDescriptionComment: 'comments',
  endOfDefinitionComment: 'comments',
})

const OPERATION_TYPE = shape({ operation: 'text', type: 'text', comment: 'comments' })

const DEFINITION = shape(
  {
    kind: 'text',
    description: 'text',
    name: 'text',
    directives: { nodes: () => DIRECTIVE },
    interfaces: 'texts',
    fields: { nodes: () => FIELD_DEFINITION },
    types: 'texts',
    enumValues: { nodes: () => ENUM_VALUE },
    builtIn: 'flag',
    beforeDescriptionComment: 'comments',
    afterDescriptionComment: 'comments',
    endOfDefinitionComment: 'comments',
  },
  { constants: { typePositions: [] } },
)

const FIELD_DEFINITION = shape({
  description: 'text',
  name: 'text',
  arguments: { nodes: () => ARGUMENT_DEFINITION },
  defaultValue: { node: () => LITERAL_VALUE },
  type: { node: () => TYPE, required: true },
  directives: { nodes: () => DIRECTIVE },
  beforeDescriptionComment: 'comments',
  afterDescriptionComment: 'comments',
})

const ARGUMENT_DEFINITION = shape({
  description: 'text',
  name: 'text',
  defaultValue: { node: () => LITERAL_VALUE },
  type: { node: () => TYPE, required: true },
  directives: { nodes: () => DIRECTIVE },
  beforeDescriptionComment: 'comments',
  afterDescriptionComment: 'comments',
})

const ENUM_VALUE = shape({
  description: 'text',
  name: 'text',
  directives: { nodes: () => DIRECTIVE },
  beforeDescriptionComment: 'comments',
  afterDescriptionComment: 'comments',
})

const DIRECTIVE_DEFINITION = shape({
  description: 'text',
  name: 'text',
  arguments: { nodes: () => ARGUMENT_DEFINITION },
  locations: 'texts',
  isRepeatable: 'flag',
  beforeDescriptionComment: 'comments',
  afterDescriptionComment: 'comments',
})

/** A name as encoding/json compares it: without regard to case, where two letters beyond ASCII count as `s` and `k`. */
export function fold(name: string): string {
  return name.replaceAll('\u017f', 's').toLowerCase()
}

function shape(
  forms: Readonly<Record<string, Form>>,
  {
    exact = false,
    constants = {},
  }: { readonly exact?: boolean; readonly constants?: Shape['constants'] } = {},
): Shape {
  const members = Object.entries(forms).map(([key, form]) => {
    return { key, wire: key.charAt(0).toUpperCase() + key.slice(1), form }
  })
  // Written in the order of their names, so that nothing has to sort them.
  members.sort((a, b) => (a.wire < b.wire ? -1 : 1))
  const readable = exact ? members.filter(({ form }) => form !== 'comments') : members
  const byName = new Map(
    readable.map((member) => [exact ? member.wire : fold(member.wire), member]),
  )
  return { members, byName, exact, constants }
}
