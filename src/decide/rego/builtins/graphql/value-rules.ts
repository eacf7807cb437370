import type { Definition, Literal, Type } from './ast.ts'
import { LITERAL, named, typeText } from './ast.ts'
import { isCompatible } from './interface-rules.ts'
import type { Validation } from './validation.ts'
import { deeper, fail } from './validation.ts'

// Rules for values: specification of October 2021, sections 5.6 and 5.8.

/** NoUndefinedVariables */
export function variableIsDefined({ operation }: Validation, value: Literal): void {
  if (operation === undefined || value.kind !== LITERAL.variable) return
  if (value.variableDefinition !== undefined) return
  const place = operation.name === '' ? '' : ` by operation "${operation.name}"`
  fail(`Variable "$${value.raw}" is not defined${place}.`, value.position)
}

/** UniqueInputFieldNames */
export function inputFieldsAreUnique(_validation: Validation, value: Literal): void {
  if (value.kind !== LITERAL.object || value.children.length < 2) return
  const seen = new Set<string>()
  for (const { name, position } of value.children) {
    if (seen.has(name)) fail(`There can be only one input field named "${name}".`, position)
    seen.add(name)
  }
}

/** ValuesOfCorrectType, without its suggestions. */
export function valueIsOfType(validation: Validation, value: Literal): void {
  const { definition, expectedType: type } = value
  if (definition === undefined || type === undefined) return
  if (value.kind === LITERAL.null && type.nonNull) failOfType(value, type)
  if (definition.kind === 'SCALAR' && !BUILT_IN.has(definition.name)) return
  if (!isReadable(validation, value)) failOfType(value, type)
  if (value.kind === LITERAL.enum) checkEnum(value, definition, type)
  if (value.kind === LITERAL.object) checkObject(validation, value, definition)
  if (value.kind === LITERAL.list && type.elem === undefined) failOfType(value, type)
  const wanted = NAMES.get(value.kind)
  if (wanted !== undefined && !wanted.has(definition.name)) failOfType(value, type)
}

/** VariablesInAllowedPosition */
export function variableMayStandHere({ operation }: Validation, value: Literal): void {
  const { expectedType: type, variableDefinition: variable } = value
  if (value.kind !== LITERAL.variable || type === undefined || variable === undefined) return
  if (operation === undefined) return
  const { defaultValue } = variable
  const hasDefault = defaultValue !== undefined && defaultValue.kind !== LITERAL.null
  const nullable = hasDefault || value.expectedTypeHasDefault
  if (isCompatible(variable.type, nullable ? { ...type, nonNull: false } : type)) return
  const found = `Variable "$${value.raw}" of type "${typeText(variable.type)}"`
  fail(`${found} used in position expecting type "${typeText(type)}".`, value.position)
}

/** VariablesInAllowedPosition, for input objects of which one field is given. */
export function oneOfVariablesAreRequired(_validation: Validation, value: Literal): void {
  if (value.kind !== LITERAL.object || value.definition === undefined) return
  if (named(value.definition.directives, 'oneOf') === undefined) return
  for (const { value: member } of value.children) {
    const variable = member.kind === LITERAL.variable ? member.variableDefinition : undefined
    if (variable === undefined || variable.type.nonNull) continue
    const found = `Variable "$${member.raw}" is of type "${typeText(variable.type)}"`
    const wanted = `non-nullable to be used for OneOf Input Object "${value.definition.name}"`
    fail(`${found} but must be ${wanted}.`, variable.position ?? member.position)
  }
}

const BUILT_IN: ReadonlySet<string> = new Set(['Int', 'Float', 'String', 'Boolean', 'ID'])

/** Types that a literal may be of. */
const NAMES: ReadonlyMap<number, ReadonlySet<string>> = new Map([
  [LITERAL.int, new Set(['Int', 'Float', 'ID'])],
  [LITERAL.float, new Set(['Float'])],
  [LITERAL.string, new Set(['String', 'ID'])],
  [LITERAL.block, new Set(['String', 'ID'])],
  [LITERAL.boolean, new Set(['Boolean'])],
])

/** Whether Go can read the text of the value, and of all that are in it. */
function isReadable(validation: Validation, value: Literal): boolean {
  validation.meter.work(1)
  switch (value.kind) {
    case LITERAL.variable: {
      const defaultValue = value.variableDefinition?.defaultValue
      // The default of a tree that was made up may lead back to itself.
      return (
        defaultValue === undefined || deeper(validation, () => isReadable(validation, defaultValue))
      )
    }
    case LITERAL.int:
      return isInteger(value.raw)
    case LITERAL.float:
      return isFloat(value.raw)
    case LITERAL.boolean:
      return BOOLEAN.test(value.raw)
    case LITERAL.list:
    case LITERAL.object:
      return value.children.every((child) => isReadable(validation, child.value))
    default:
      // Only a tree that was made up has others: gqlparser would stop the program.
      return WORDS.has(value.kind)
  }
}

function checkEnum(value: Literal, definition: Definition, type: Type): void {
  if (definition.kind !== 'ENUM') failOfType(value, type)
  if (named(definition.enumValues, value.raw) !== undefined) return
  fail(`Value does not exist in "${typeText(type)}" enum.`, value.position)
}

function checkObject({ meter }: Validation, value: Literal, definition: Definition): void {
  const { children, position } = value
  meter.work(definition.fields.length + definition.directives.length)
  const given = new Set(children.map(({ name }) => name))
  for (const { name, type, defaultValue } of definition.fields) {
    if (!type.nonNull || defaultValue !== undefined || given.has(name)) continue
    const field = `Field "${definition.name}.${name}" of required type "${typeText(type)}"`
    fail(`${field} was not provided.`, position)
  }
  if (named(definition.directives, 'oneOf') !== undefined) checkOneOf(value, definition)
  for (const { name, position: place } of children) {
    if (named(definition.fields, name) !== undefined) continue
    fail(`Field "${name}" is not defined by type "${definition.name}".`, place)
  }
}

function checkOneOf({ children, position }: Literal, { name, fields }: Definition): void {
  const [only] = children
  if (only === undefined || children.length !== 1) {
    fail(`OneOf Input Object "${name}" must specify exactly one key.`, position)
  }
  if (only.value.kind === LITERAL.null) {
    fail(`Field "${name}.${fields[0]?.name ?? ''}" must be non-null.`, only.value.position)
  }
}

function failOfType({ kind, position }: Literal, type: Type): never {
  fail(`Expected value of type "${typeText(type)}", found ${WORDS.get(kind)}.`, position)
}

/** Messages do not repeat values, which may be what nobody else should read. */
const WORDS: ReadonlyMap<number, string> = new Map([
  [LITERAL.variable, 'a variable'],
  [LITERAL.int, 'an integer'],
  [LITERAL.float, 'a float'],
  [LITERAL.string, 'a string'],
  [LITERAL.block, 'a string'],
  [LITERAL.boolean, 'a boolean'],
  [LITERAL.null, 'null'],
  [LITERAL.enum, 'an enum value'],
  [LITERAL.list, 'a list'],
  [LITERAL.object, 'an object'],
])

/** Go's strconv.ParseInt(text, 10, 64) */
function isInteger(text: string): boolean {
  if (!INTEGER.test(text)) return false
  const digits = text.replace(/^[+-]?0*/, '')
  if (digits.length > 19) return false
  const magnitude = BigInt(`0${digits}`)
  return text.startsWith('-') ? magnitude <= INTEGER_MAX + 1n : magnitude <= INTEGER_MAX
}

/** Go's strconv.ParseFloat(text, 64), without its hexadecimal form: no text of a query has it. */
function isFloat(text: string): boolean {
  return FLOAT.test(text) ? Number.isFinite(Number(text)) : NO_NUMBER.test(text)
}

const INTEGER = /^[+-]?[0-9]+$/
const INTEGER_MAX = 2n ** 63n - 1n
const FLOAT = /^[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$/
const NO_NUMBER = /^(?:nan|[+-]?inf(?:inity)?)$/i
/** Go's strconv.ParseBool */
const BOOLEAN = /^(?:[01tTfF]|true|True|TRUE|false|False|FALSE)$/
