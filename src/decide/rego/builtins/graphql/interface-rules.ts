import { quote } from '../../go-quote.ts'
import type { ArgumentDefinition, Definition, FieldDefinition, Meter, Type } from './ast.ts'
import { GraphqlFault, named, typeText } from './ast.ts'
import type { SchemaParts } from './schema-rules.ts'

/**
 * Checks that a type has what its interfaces ask for: specification of October 2021, section 3.6.
 *
 * @throws {GraphqlFault} for the first that it lacks
 */
export function checkInterfaces(schema: SchemaParts, type: Definition, meter: Meter): void {
  const { interfaces, position } = type
  if (interfaces.length === 0) return
  const implemented = new Set(interfaces)
  for (const name of interfaces) {
    const parent = schema.types.get(name)
    if (parent === undefined) throw new GraphqlFault(`Undefined type ${quote(name)}.`, position)
    if (parent.kind !== 'INTERFACE') {
      const message = `${quote(name)} is a non interface type ${parent.kind}.`
      throw new GraphqlFault(message, position)
    }
    meter.work(parent.fields.length * FIELD_WORK + parent.interfaces.length)
    for (const field of parent.fields) checkImplemented(schema, { type, parent, field }, meter)
    for (const ancestor of parent.interfaces) {
      if (implemented.has(ancestor)) continue
      throw new GraphqlFault(
        ancestor === type.name
          ? `Type ${type.name} cannot implement ${name} because it would create a circular reference.`
          : `Type ${type.name} must implement ${ancestor} because it is implemented by ${name}.`,
        position,
      )
    }
  }
}

const FIELD_WORK = 12

/** A field that a type must have because its parent, an interface, has it. */
type Required = {
  readonly type: Definition
  readonly parent: Definition
  readonly field: FieldDefinition
}

function checkImplemented(schema: SchemaParts, required: Required, meter: Meter): void {
  const { type, parent, field } = required
  const found = named(type.fields, field.name)
  const must = `For ${type.name} to implement ${parent.name}`
  if (found === undefined) {
    throw new GraphqlFault(`${must} it must have a field called ${field.name}.`, type.position)
  }
  if (!isCovariant(schema, field.type, found.type)) {
    const message = `${must} the field ${field.name} must have type ${typeText(field.type)}.`
    throw new GraphqlFault(message, found.position)
  }
  meter.work(field.arguments.length + found.arguments.length)
  for (const argument of field.arguments) checkArgument(must, field, found, argument)
  for (const { name, type: wanted, defaultValue, position } of found.arguments) {
    const added = named(field.arguments, name) === undefined
    if (added && wanted.nonNull && defaultValue === undefined) {
      throw new GraphqlFault(
        `${must} any additional arguments on ${found.name} must be optional or have a default value but ${name} is required.`,
        position,
      )
    }
  }
}

function checkArgument(
  must: string,
  field: FieldDefinition,
  found: FieldDefinition,
  argument: ArgumentDefinition,
): void {
  const given = named(found.arguments, argument.name)
  const same = `${must} the field ${field.name} must have the same arguments but`
  if (given === undefined) {
    throw new GraphqlFault(`${same} it is missing ${argument.name}.`, found.position)
  }
  if (!isCompatible(argument.type, given.type)) {
    throw new GraphqlFault(`${same} ${argument.name} has the wrong type.`, given.position)
  }
}

/** Whether a value of one type will do where the other is expected. */
export function isCompatible(type: Type, expected: Type): boolean {
  if (type.namedType !== expected.namedType) return false
  if (type.elem !== undefined) {
    if (expected.elem === undefined || !isCompatible(type.elem, expected.elem)) return false
  }
  return type.nonNull || !expected.nonNull
}

function isCovariant(schema: SchemaParts, required: Type, actual: Type): boolean {
  if (required.nonNull && !actual.nonNull) return false
  if (required.namedType !== '' || required.elem === undefined) {
    if (required.namedType === actual.namedType) return true
    return schema.possibleTypes.get(required.namedType)?.has(actual.namedType) ?? false
  }
  return actual.elem !== undefined && isCovariant(schema, required.elem, actual.elem)
}
