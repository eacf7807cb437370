import { quote } from '../../go-quote.ts'
import { compareStrings } from '../../values/value.ts'
import type {
  ArgumentDefinition,
  Definition,
  Directive,
  DirectiveDefinition,
  FieldDefinition,
  Meter,
  Position,
  Type,
} from './ast.ts'
import { GraphqlFault, LITERAL, named, typeName, typeText } from './ast.ts'
import { checkInterfaces } from './interface-rules.ts'
import type { Schema } from './schema.ts'

/** What the rules look at. */
export type SchemaParts = Pick<Schema, 'types' | 'directives' | 'possibleTypes'>

/**
 * Checks definitions as gqlparser does, types by name and then directives by name: specification of October 2021,
 * sections 3.6 to 3.13.
 *
 * @throws {GraphqlFault} for the first that breaks a rule
 */
export function checkSchema(schema: SchemaParts, meter: Meter): void {
  const definitions = sorted(schema.types)
  for (const definition of definitions) checkDefinition(schema, definition, meter)
  const visited = new Set<string>()
  for (const definition of definitions) {
    if (definition.kind === 'INPUT_OBJECT') checkCycles(schema, definition, visited, meter)
  }
  for (const directive of sorted(schema.directives)) {
    checkName(directive.position, directive.name)
    checkArguments(schema, directive.arguments, directive, meter)
  }
}

/** Where directives stand, and inside which directive's definition. */
export type DirectivePlace = {
  readonly location: string
  readonly within?: DirectiveDefinition | undefined
  /** Those of a type and its extensions stand in several places: one may come in each. */
  readonly scattered?: true
}

/** Checks the directives of one definition. @throws {GraphqlFault} */
export function checkDirectives(
  schema: SchemaParts,
  directives: readonly Directive[],
  place: DirectivePlace,
  meter: Meter,
): void {
  const seen = new Set<string>()
  for (const directive of directives) {
    const { name, position } = directive
    meter.work(MEMBER_WORK + directive.arguments.length)
    checkName(position, name)
    if (place.within?.name === name) fail(position, `Directive ${name} cannot refer to itself.`)
    const definition = schema.directives.get(name)
    if (definition === undefined) fail(position, `Undefined directive ${name}.`)
    if (place.scattered === undefined && seen.has(name) && !definition.isRepeatable) {
      fail(position, `The directive ${name} can only be used once at this location.`)
    }
    seen.add(name)
    meter.work(definition.locations.length)
    if (!definition.locations.includes(place.location)) {
      fail(position, `Directive ${name} is not applicable on ${place.location}.`)
    }
    checkDirectiveArguments(directive, definition, meter)
  }
}

/** What a definition or a member of one is charged. */
const MEMBER_WORK = 12

const COMPOSITE_OR_LEAF = ['SCALAR', 'OBJECT', 'INTERFACE', 'UNION', 'ENUM']
const INPUT = ['SCALAR', 'ENUM', 'INPUT_OBJECT']

function sorted<T>(definitions: ReadonlyMap<string, T>): readonly T[] {
  return [...definitions].sort(([a], [b]) => compareStrings(a, b)).map(([, value]) => value)
}

function fail(position: Position | undefined, message: string): never {
  throw new GraphqlFault(message, position)
}

function checkDirectiveArguments(
  { arguments: args, name, position }: Directive,
  definition: DirectiveDefinition,
  meter: Meter,
): void {
  for (const argument of args) {
    if (named(definition.arguments, argument.name) === undefined) {
      fail(argument.position, `Undefined argument ${argument.name} for directive ${name}.`)
    }
  }
  meter.work(definition.arguments.length)
  for (const { name: wanted, type, defaultValue } of definition.arguments) {
    if (!type.nonNull || defaultValue !== undefined) continue
    const given = named(args, wanted)
    if (given === undefined || given.value.kind === LITERAL.null) {
      fail(position, `Argument ${wanted} for directive ${name} cannot be null.`)
    }
  }
}

function checkDefinition(schema: SchemaParts, definition: Definition, meter: Meter): void {
  const { kind, name, position, fields, enumValues, types } = definition
  meter.work(MEMBER_WORK)
  for (const field of fields) checkField(schema, definition, field, meter)
  for (const type of types) checkMember(schema, definition, type)
  meter.work(types.length)
  checkInterfaces(schema, definition, meter)
  if (kind === 'OBJECT' || kind === 'INTERFACE') {
    if (fields.length === 0) fail(position, `${kind} ${name}: must define one or more fields.`)
    checkFieldKinds(schema, fields, COMPOSITE_OR_LEAF, () => `${kind} ${name}`)
  } else if (kind === 'INPUT_OBJECT') {
    if (fields.length === 0) {
      fail(position, `${kind} ${name}: must define one or more input fields.`)
    }
    checkFieldKinds(schema, fields, INPUT, (type, field) => `${type.kind} ${field.name}`)
  } else if (kind === 'ENUM') checkEnumValues(schema, definition, meter)
  const field = firstRepeated(fields)
  if (field !== undefined) {
    fail(field.position, `Field ${name}.${field.name} can only be defined once.`)
  }
  const value = firstRepeated(enumValues)
  if (value !== undefined) {
    fail(value.position, `Enum value ${name}.${value.name} can only be defined once.`)
  }
  checkMembersOnce(definition)
  if (!definition.builtIn) checkName(position, name)
  const place = { location: kind, scattered: true } as const
  checkDirectives(schema, definition.directives, place, meter)
}

function checkField(
  schema: SchemaParts,
  { kind }: Definition,
  field: FieldDefinition,
  meter: Meter,
): void {
  meter.work(MEMBER_WORK)
  checkName(field.position, field.name)
  resolve(schema, field.type)
  checkArguments(schema, field.arguments, undefined, meter)
  const location = kind === 'INPUT_OBJECT' ? 'INPUT_FIELD_DEFINITION' : 'FIELD_DEFINITION'
  checkDirectives(schema, field.directives, { location }, meter)
}

function checkArguments(
  schema: SchemaParts,
  args: readonly ArgumentDefinition[],
  within: DirectiveDefinition | undefined,
  meter: Meter,
): void {
  for (const { name, type, directives, position } of args) {
    meter.work(MEMBER_WORK)
    checkName(position, name)
    const { kind } = resolve(schema, type)
    if (!INPUT.includes(kind)) {
      const text = `cannot use ${typeText(type)} as argument ${name}`
      fail(position, `${text} because ${kind} is not a valid input type`)
    }
    checkDirectives(schema, directives, { location: 'ARGUMENT_DEFINITION', within }, meter)
  }
}

function resolve(schema: SchemaParts, type: Type): Definition {
  const name = typeName(type)
  return schema.types.get(name) ?? fail(type.position, `Undefined type ${name}.`)
}

function checkName(position: Position | undefined, name: string): void {
  if (name.startsWith('__')) {
    const reserved = 'must not begin with "__", which is reserved by GraphQL introspection.'
    fail(position, `Name "${name}" ${reserved}`)
  }
}

/** A member of a union. */
function checkMember(schema: SchemaParts, { kind, position }: Definition, name: string): void {
  const member = schema.types.get(name)
  if (member === undefined) fail(position, `Undefined type ${quote(name)}.`)
  if (member.kind !== 'OBJECT') fail(position, `${kind} type ${quote(name)} must be OBJECT.`)
}

function checkFieldKinds(
  schema: SchemaParts,
  fields: readonly FieldDefinition[],
  kinds: readonly string[],
  describe: (type: Definition, field: FieldDefinition) => string,
): void {
  for (const field of fields) {
    const type = schema.types.get(typeName(field.type))
    if (type !== undefined && !kinds.includes(type.kind)) {
      fail(field.position, `${describe(type, field)}: field must be one of ${kinds.join(', ')}.`)
    }
  }
}

function checkEnumValues(schema: SchemaParts, definition: Definition, meter: Meter): void {
  const { kind, name, position, enumValues } = definition
  if (enumValues.length === 0) {
    fail(position, `${kind} ${name}: must define one or more unique enum values.`)
  }
  for (const value of enumValues) {
    meter.work(MEMBER_WORK)
    if (['true', 'false', 'null'].includes(value.name)) {
      fail(position, `${kind} ${name}: non-enum value ${value.name}.`)
    }
    checkDirectives(schema, value.directives, { location: 'ENUM_VALUE' }, meter)
  }
}

/** The second of the name that is the first to come again. */
function firstRepeated<T extends { readonly name: string }>(members: readonly T[]): T | undefined {
  const firsts = new Map<string, T>()
  const repeated = new Map<T, T>()
  for (const member of members) {
    const first = firsts.get(member.name)
    if (first === undefined) firsts.set(member.name, member)
    else if (!repeated.has(first)) repeated.set(first, member)
  }
  if (repeated.size === 0) return undefined
  const found = members.find((member) => repeated.has(member))
  return found === undefined ? undefined : repeated.get(found)
}

function checkMembersOnce({ name, types, typePositions, position }: Definition): void {
  const members = types.map((type, at) => ({ name: type, position: typePositions[at] }))
  const repeated = firstRepeated(members)
  if (repeated === undefined) return
  // Positions may be missing where a tree is extended.
  const aligned = typePositions.length === types.length ? repeated.position : undefined
  fail(aligned ?? position, `Union type ${name} can only include type ${repeated.name} once.`)
}

/** A field of an input type that leads back through fields that must not be null. */
function checkCycles(
  schema: SchemaParts,
  start: Definition,
  visited: Set<string>,
  meter: Meter,
): void {
  const path: Step[] = []
  const places = new Map<string, number>()
  const enter = (definition: Definition) => {
    visited.add(definition.name)
    places.set(definition.name, path.length)
    path.push({ definition, at: 0 })
  }
  if (!visited.has(start.name)) enter(start)
  for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
    meter.work(1)
    const field = top.definition.fields[top.at++]
    if (field === undefined) {
      path.pop()
      places.delete(top.definition.name)
      continue
    }
    const type = field.type.nonNull ? schema.types.get(field.type.namedType) : undefined
    if (type?.kind !== 'INPUT_OBJECT') continue
    const place = places.get(type.name)
    if (place !== undefined) failCycle(type, path.slice(place))
    if (!visited.has(type.name)) enter(type)
  }
}

/** A type on the way, and which of its fields comes next. */
type Step = { readonly definition: Definition; at: number }

function failCycle(type: Definition, path: readonly Step[]): never {
  const fields = path.flatMap(({ definition, at }) => definition.fields[at - 1] ?? [])
  const names = fields.map(({ name }) => name).join('.')
  fail(
    fields[0]?.position,
    `Cannot reference Input Object ${quote(type.name)} within itself through a series of non-null fields: ${quote(names)}.`,
  )
}
