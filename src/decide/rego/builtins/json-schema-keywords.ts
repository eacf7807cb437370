import type { RegoNumber } from '../values/number.ts'
import { compareNumbers, isNumber, isWhole } from '../values/number.ts'
import { BuiltinError } from './builtin.ts'
import type { Reader } from './json-schema-compile.ts'
import type { Node } from './json-schema-node.ts'
import { isList, isMap } from './json-schema-node.ts'
import { readPattern } from './json-schema-pattern.ts'
import { HYBRID } from './json-schema-references.ts'
import { comparable } from './json-schema-text.ts'
import type { Count, Schema } from './json-schema-type.ts'

type Read = (reader: Reader, value: Node, keyword: string) => void

/**
 * Keywords in the order in which they are read, which is the one of OPA: of several mistakes the first is told. Each
 * with how it is read and the first draft that has it.
 */
export const KEYWORDS: readonly (readonly [keyword: string, read: Read, since: number])[] = [
  ['type', readTypes, 4],
  ['properties', readProperties, 4],
  ['additionalProperties', readAdditional, 4],
  ['patternProperties', readPatternProperties, 4],
  ['propertyNames', readPropertyNames, 6],
  ['dependencies', readDependencies, 4],
  ['items', readItems, 4],
  ['additionalItems', readAdditional, 4],
  ['multipleOf', readMultipleOf, 4],
  ['minimum', readBound, 4],
  ['exclusiveMinimum', readExclusiveBound, 4],
  ['maximum', readBound, 4],
  ['exclusiveMaximum', readExclusiveBound, 4],
  ['minLength', readCount, 4],
  ['maxLength', readCount, 4],
  ['pattern', readTextPattern, 4],
  ['format', readFormat, 4],
  ['minProperties', readCount, 4],
  ['maxProperties', readCount, 4],
  ['required', readRequired, 4],
  ['minItems', readCount, 4],
  ['maxItems', readCount, 4],
  ['uniqueItems', readUniqueItems, 4],
  ['contains', readContains, 6],
  ['const', readConstant, 6],
  ['enum', readEnumeration, 4],
  ['oneOf', readSchemas, 4],
  ['anyOf', readSchemas, 4],
  ['allOf', readSchemas, 4],
  ['not', readSchema, 4],
  ['if', readSchema, 7],
  ['then', readSchema, 7],
  ['else', readSchema, 7],
]

const TYPES = ['array', 'boolean', 'integer', 'number', 'null', 'object', 'string']

const INT64_MAX = 2n ** 63n - 1n

function readTypes({ schema }: Reader, value: Node): void {
  const names = typeof value === 'string' ? [value] : value
  if (!isList(names)) throw mistyped('type', 'string/Array Of Strings')
  const types: string[] = []
  for (const name of names) {
    if (typeof name !== 'string') throw mistyped('type', 'string/Array Of Strings')
    if (!TYPES.includes(name)) {
      throw new BuiltinError(
        `has a primitive type that is NOT VALID -- given: /${name}/ Expected valid values are:[${TYPES.join(' ')}]`,
      )
    }
    if (types.includes(name)) throw new BuiltinError(`${name} type is duplicated`)
    types.push(name)
  }
  if (types.length > 0) schema.types = types
}

function readProperties({ schema, child }: Reader, value: Node): void {
  if (!isMap(value)) throw new BuiltinError('Properties must be of type object')
  schema.properties = new Map(value.entries().map(([name, inner]) => [name, child(inner)]))
}

function readAdditional({ schema, child }: Reader, value: Node, keyword: string): void {
  if (typeof value !== 'boolean' && !isMap(value)) throw mistyped('boolean/Valid Schema', keyword)
  const read = typeof value === 'boolean' ? value : child(value)
  if (keyword === 'additionalItems') schema.additionalItems = read
  else schema.additionalProperties = read
}

function readPatternProperties({ schema, child, meter }: Reader, value: Node): void {
  if (!isMap(value)) throw mistyped('Valid Schema', 'patternProperties')
  schema.patternProperties = [...value].map(([source, inner]) => ({
    pattern: readPattern(source, meter, `Invalid regex pattern '${source}'`),
    schema: child(inner),
  }))
}

function readPropertyNames({ schema, child }: Reader, value: Node): void {
  // OPA names another keyword here.
  if (!isSchema(value)) throw mistyped('Valid Schema', 'patternProperties')
  schema.propertyNames = child(value)
}

function readDependencies({ schema, child }: Reader, value: Node): void {
  if (!isMap(value)) throw new BuiltinError('dependencies must be of type object')
  const dependencies = new Map<string, readonly string[] | Schema>()
  for (const [name, needs] of value) {
    if (isList(needs) && needs.every((need) => typeof need === 'string')) {
      dependencies.set(name, needs)
    } else if (isSchema(needs)) {
      dependencies.set(name, child(needs))
    } else {
      throw new BuiltinError('Dependency must be of type Schema Or Array Of Strings')
    }
  }
  schema.dependencies = dependencies
}

function readItems({ schema, child }: Reader, value: Node): void {
  const list = isList(value) ? value : [value]
  if (!list.every(isSchema)) throw mistyped('Valid Schema/Array Of Schemas', 'items')
  schema.items = isList(value) ? value.map(child) : child(value)
}

function readMultipleOf({ schema }: Reader, value: Node): void {
  if (!isNumber(value)) throw mistyped('Number', 'multipleOf')
  if (compareNumbers(value, 0) <= 0) {
    throw new BuiltinError('multipleOf must be strictly greater than 0')
  }
  schema.multipleOf = value
}

function readBound({ schema }: Reader, value: Node, keyword: string): void {
  if (!isNumber(value)) throw new BuiltinError(`${keyword} must be of a Number`)
  if (keyword === 'minimum') schema.minimum = value
  else schema.maximum = value
}

/** A number since draft 6; before, a boolean that makes the bound beside it exclusive. */
function readExclusiveBound({ schema, draft }: Reader, value: Node, keyword: string): void {
  const lower = keyword === 'exclusiveMinimum'
  if (isNumber(value) && draft !== 4) {
    setExclusive(schema, lower, value)
    return
  }
  if (typeof value !== 'boolean' || (draft !== 4 && draft !== HYBRID)) {
    const types = draft === 4 ? 'boolean' : draft === HYBRID ? 'boolean/number' : 'number'
    throw mistyped(types, keyword)
  }
  const bound = lower ? schema.minimum : schema.maximum
  if (bound === undefined) {
    throw new BuiltinError(`${keyword} cannot be used without ${lower ? 'minimum' : 'maximum'}`)
  }
  if (!value) return
  setExclusive(schema, lower, bound)
  if (lower) schema.minimum = undefined
  else schema.maximum = undefined
}

function setExclusive(schema: Schema, lower: boolean, bound: RegoNumber): void {
  if (lower) schema.exclusiveMinimum = bound
  else schema.exclusiveMaximum = bound
}

type CountKeyword =
  | 'minLength'
  | 'maxLength'
  | 'minProperties'
  | 'maxProperties'
  | 'minItems'
  | 'maxItems'

/** Upper bounds that OPA compares with the lower ones, which are read before. */
const LOWER: ReadonlyMap<string, CountKeyword> = new Map([
  ['maxLength', 'minLength'],
  ['maxProperties', 'minProperties'],
])

function readCount({ schema }: Reader, value: Node, keyword: string): void {
  if (!isCount(value)) throw new BuiltinError(`${keyword} must be of an integer`)
  if (value < 0) throw new BuiltinError(`${keyword} must be greater than or equal to 0`)
  const lower = LOWER.get(keyword)
  const least = lower === undefined ? undefined : schema[lower]
  if (least !== undefined && least > value) {
    throw new BuiltinError(`${lower} cannot be greater than ${keyword}`)
  }
  schema[keyword as CountKeyword] = value
}

function isCount(value: Node): value is Count {
  return isNumber(value) && isWhole(value) && value <= INT64_MAX && value >= -INT64_MAX
}

function readTextPattern({ schema, meter }: Reader, value: Node): void {
  if (typeof value !== 'string') throw mistyped('string', 'pattern')
  schema.pattern = readPattern(value, meter, 'pattern must be a valid regex')
}

function readFormat({ schema }: Reader, value: Node): void {
  if (typeof value !== 'string') throw mistyped('string', 'format')
  schema.format = value
}

function readRequired({ schema }: Reader, value: Node): void {
  const names = new Set<string>()
  for (const name of listOf(value, 'required')) {
    if (typeof name !== 'string') throw mistyped('string', 'required')
    if (names.has(name)) throw new BuiltinError('required items must be unique')
    names.add(name)
  }
  schema.required = [...names]
}

function readUniqueItems({ schema }: Reader, value: Node): void {
  if (typeof value !== 'boolean') throw new BuiltinError('uniqueItems must be of a boolean')
  schema.uniqueItems = value
}

function readContains({ schema, child }: Reader, value: Node): void {
  schema.contains = child(value)
}

function readConstant({ schema }: Reader, value: Node): void {
  schema.constant = comparable(value)
}

function readEnumeration({ schema }: Reader, value: Node): void {
  const texts = new Set<string>()
  for (const member of listOf(value, 'enum')) {
    const text = comparable(member)
    if (texts.has(text)) throw new BuiltinError('enum items must be unique')
    texts.add(text)
  }
  schema.enumeration = { texts, shown: [...texts].join(', ') }
}

function readSchemas({ schema, child }: Reader, value: Node, keyword: string): void {
  schema[keyword as 'oneOf' | 'anyOf' | 'allOf'] = listOf(value, keyword).map(child)
}

function readSchema({ schema, child }: Reader, value: Node, keyword: string): void {
  if (!isSchema(value)) throw new BuiltinError(`${keyword} must be of an object`)
  schema[keyword as 'not' | 'if' | 'then' | 'else'] = child(value)
}

function listOf(value: Node, keyword: string): readonly Node[] {
  if (isList(value)) return value
  throw new BuiltinError(`${keyword} must be of an array`)
}

function isSchema(value: Node): boolean {
  return isMap(value) || typeof value === 'boolean'
}

function mistyped(expected: string, given: string): BuiltinError {
  return new BuiltinError(`Invalid type. Expected: ${expected}, given: ${given}`)
}
