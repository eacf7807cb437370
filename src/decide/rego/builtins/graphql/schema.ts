import type {
  Definition,
  Directive,
  DirectiveDefinition,
  FieldDefinition,
  Meter,
  SchemaDefinition,
  SchemaDocument,
  Type,
} from './ast.ts'
import { GraphqlFault, named } from './ast.ts'
import { parseSchema } from './parse-schema.ts'
import { PRELUDE } from './prelude.ts'
import { checkDirectives, checkSchema } from './schema-rules.ts'

/** A schema that holds together: what queries are validated against. Never changed once it is made. */
export type Schema = {
  readonly types: ReadonlyMap<string, Definition>
  readonly directives: ReadonlyMap<string, DirectiveDefinition>
  /** By interface or union, what its values may be; an object is of itself alone. */
  readonly possibleTypes: ReadonlyMap<string, ReadonlySet<string>>
  readonly roots: Roots
}

/** Root types by the kind of operation. */
export type Roots = ReadonlyMap<string, Definition>

/**
 * Merges a document with the built-in definitions and checks it, in the order of gqlparser, so that the first fault is
 * the same.
 *
 * @throws {GraphqlFault} for the first thing that does not hold together
 */
export function schemaFrom(document: SchemaDocument, meter: Meter): Schema {
  meter.work(PRELUDE_WORK)
  const types = mergeTypes(document, meter)
  const possibleTypes = possibleTypesOf(types, meter)
  const directives = mergeDirectives(document.directives)
  const [first, second] = document.schema
  if (second !== undefined) {
    const message = 'Cannot have multiple schema entry points, consider schema extensions instead.'
    throw new GraphqlFault(message, second.position)
  }
  const roots = new Map<string, Definition>()
  const parts = { types, directives, possibleTypes, roots }
  for (const definition of [...document.schema, ...document.schemaExtension]) {
    addRoots(definition, types, roots)
    checkDirectives(parts, definition.directives, { location: 'SCHEMA' }, meter)
  }
  checkSchema(parts, meter)
  if (first === undefined) inferRoots(types, roots)
  addIntrospection(types, roots)
  return parts
}

/** Reading and checking the built-in definitions. */
const PRELUDE_WORK = 4_000

let prelude: SchemaDocument | undefined

/** Read when it is first needed; nothing changes it. */
function builtInDocument(): SchemaDocument {
  prelude ??= parseSchema(PRELUDE, { work: () => {} })
  return prelude
}

/** A definition that extensions add to. */
type Growing = {
  readonly base: Definition
  readonly directives: Directive[]
  readonly interfaces: string[]
  readonly fields: FieldDefinition[]
  readonly types: string[]
  readonly typePositions: Definition['typePositions'][number][]
  readonly enumValues: Definition['enumValues'][number][]
}

function mergeTypes(document: SchemaDocument, meter: Meter): Map<string, Definition> {
  const types = new Map<string, Definition>()
  for (const definition of builtInDocument().definitions) {
    types.set(definition.name, { ...definition, builtIn: true })
  }
  for (const definition of document.definitions) {
    meter.work(DEFINITION_WORK)
    if (types.has(definition.name)) {
      throw new GraphqlFault(`Cannot redeclare type ${definition.name}.`, definition.position)
    }
    types.set(definition.name, definition)
  }
  const growing = new Map<string, Growing>()
  for (const extension of document.extensions) {
    meter.work(DEFINITION_WORK)
    extend(extension, types, growing)
  }
  for (const [name, { base, ...grown }] of growing) types.set(name, { ...base, ...grown })
  return types
}

function extend(
  extension: Definition,
  types: ReadonlyMap<string, Definition>,
  growing: Map<string, Growing>,
): void {
  const { kind, name } = extension
  const base = growing.get(name)?.base ?? types.get(name) ?? startOf(extension)
  if (base.kind !== kind) {
    throw new GraphqlFault(
      `Cannot extend type ${name} because the base type is a ${base.kind}, not ${kind}.`,
      extension.position,
    )
  }
  const grown = growing.get(name) ?? {
    base,
    directives: [...base.directives],
    interfaces: [...base.interfaces],
    fields: [...base.fields],
    types: [...base.types],
    typePositions: [...base.typePositions],
    enumValues: [...base.enumValues],
  }
  append(grown.directives, extension.directives)
  append(grown.interfaces, extension.interfaces)
  append(grown.fields, extension.fields)
  append(grown.types, extension.types)
  append(grown.typePositions, extension.typePositions)
  append(grown.enumValues, extension.enumValues)
  growing.set(name, grown)
}

function append<T>(list: T[], added: readonly T[]): void {
  for (const member of added) list.push(member)
}

/** What is extended without being defined begins empty. */
function startOf(extension: Definition): Definition {
  return {
    ...extension,
    description: '',
    directives: [],
    interfaces: [],
    fields: [],
    types: [],
    typePositions: [],
    enumValues: [],
    builtIn: false,
  }
}

function possibleTypesOf(
  types: ReadonlyMap<string, Definition>,
  meter: Meter,
): ReadonlyMap<string, ReadonlySet<string>> {
  const possible = new Map<string, Set<string>>()
  const add = (name: string, member: string) => {
    const members = possible.get(name)
    if (members === undefined) possible.set(name, new Set([member]))
    else members.add(member)
  }
  for (const { kind, name, interfaces, types: members } of types.values()) {
    meter.work(interfaces.length + members.length)
    if (kind === 'UNION') for (const member of members) add(name, member)
    if (kind === 'OBJECT' || kind === 'INPUT_OBJECT') add(name, name)
    if (kind === 'OBJECT' || kind === 'INPUT_OBJECT' || kind === 'INTERFACE') {
      for (const implemented of interfaces) add(implemented, name)
    }
  }
  return possible
}

function mergeDirectives(
  added: readonly DirectiveDefinition[],
): ReadonlyMap<string, DirectiveDefinition> {
  const builtIn = builtInDocument().directives
  const directives = new Map(builtIn.map((directive) => [directive.name, directive]))
  for (const directive of added) {
    // A schema may define a built-in directive itself, and then its definition counts.
    if (directives.has(directive.name) && named(builtIn, directive.name) === undefined) {
      throw new GraphqlFault(`Cannot redeclare directive ${directive.name}.`, directive.position)
    }
    directives.set(directive.name, directive)
  }
  return directives
}

function addRoots(
  { operationTypes }: SchemaDefinition,
  types: ReadonlyMap<string, Definition>,
  roots: Map<string, Definition>,
): void {
  for (const { operation, type, position } of operationTypes) {
    const definition = types.get(type)
    if (definition === undefined) {
      throw new GraphqlFault(
        `Schema root ${operation} refers to a type ${type} that does not exist.`,
        position,
      )
    }
    roots.set(operation, definition)
  }
}

/** Without a schema definition the names decide. */
function inferRoots(types: ReadonlyMap<string, Definition>, roots: Map<string, Definition>): void {
  for (const [operation, name] of ROOT_NAMES) {
    const definition = types.get(name)
    if (!roots.has(operation) && definition !== undefined) roots.set(operation, definition)
  }
}

const ROOT_NAMES = [
  ['query', 'Query'],
  ['mutation', 'Mutation'],
  ['subscription', 'Subscription'],
] as const

/** The root of queries may be a root or member elsewhere: it is replaced wherever it stands. */
function addIntrospection(types: Map<string, Definition>, roots: Map<string, Definition>): void {
  const query = roots.get('query')
  if (query === undefined) return
  const extended = { ...query, fields: [...query.fields, SCHEMA_FIELD, TYPE_FIELD] }
  types.set(query.name, extended)
  for (const [operation, root] of roots) if (root === query) roots.set(operation, extended)
}

const SCHEMA_FIELD = introspectionField('__schema', namedType('__Schema', 'required'), [])

const TYPE_FIELD = introspectionField('__type', namedType('__Type', 'optional'), [
  {
    name: 'name',
    type: namedType('String', 'required'),
    defaultValue: undefined,
    directives: [],
    description: '',
    beforeDescriptionComment: undefined,
    afterDescriptionComment: undefined,
    position: undefined,
  },
])

/** Every composite type has it. */
export const TYPE_NAME_FIELD = introspectionField('__typename', namedType('String', 'optional'), [])

function namedType(name: string, presence: 'required' | 'optional'): Type {
  return {
    namedType: name,
    elem: undefined,
    nonNull: presence === 'required',
    position: undefined,
  }
}

function introspectionField(
  name: string,
  type: Type,
  args: FieldDefinition['arguments'],
): FieldDefinition {
  return {
    name,
    type,
    arguments: args,
    defaultValue: undefined,
    directives: [],
    description: '',
    beforeDescriptionComment: undefined,
    afterDescriptionComment: undefined,
    position: undefined,
  }
}

const DEFINITION_WORK = 8
