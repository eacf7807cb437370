import type { RegoNumber } from '../values/number.ts'
import type { SchemaPattern } from './json-schema-pattern.ts'

/** A schema made ready. Keywords that it does not have are undefined, as its own members: a prototype adds none. */
export type Schema = {
  /** Of the schemas `true` and `false`. */
  accepts: boolean | undefined
  /** Where a reference leads; nothing else counts beside it. */
  reference: Schema | undefined
  types: readonly string[] | undefined
  multipleOf: RegoNumber | undefined
  minimum: RegoNumber | undefined
  exclusiveMinimum: RegoNumber | undefined
  maximum: RegoNumber | undefined
  exclusiveMaximum: RegoNumber | undefined
  minLength: Count | undefined
  maxLength: Count | undefined
  pattern: SchemaPattern | undefined
  format: string | undefined
  minProperties: Count | undefined
  maxProperties: Count | undefined
  required: readonly string[] | undefined
  properties: ReadonlyMap<string, Schema> | undefined
  patternProperties:
    | readonly { readonly pattern: SchemaPattern; readonly schema: Schema }[]
    | undefined
  additionalProperties: boolean | Schema | undefined
  propertyNames: Schema | undefined
  dependencies: ReadonlyMap<string, readonly string[] | Schema> | undefined
  minItems: Count | undefined
  maxItems: Count | undefined
  /** One for each place, or one for all. */
  items: readonly Schema[] | Schema | undefined
  additionalItems: boolean | Schema | undefined
  uniqueItems: boolean | undefined
  contains: Schema | undefined
  /** By the text that compares it. */
  constant: string | undefined
  enumeration: { readonly texts: ReadonlySet<string>; readonly shown: string } | undefined
  anyOf: readonly Schema[] | undefined
  oneOf: readonly Schema[] | undefined
  allOf: readonly Schema[] | undefined
  not: Schema | undefined
  if: Schema | undefined
  then: Schema | undefined
  else: Schema | undefined
}

/** A bound on lengths: not below zero, within 64 bits. */
export type Count = number | bigint

/** A schema without any keyword. */
export function blankSchema(): Schema {
  return {
    accepts: undefined,
    reference: undefined,
    types: undefined,
    multipleOf: undefined,
    minimum: undefined,
    exclusiveMinimum: undefined,
    maximum: undefined,
    exclusiveMaximum: undefined,
    minLength: undefined,
    maxLength: undefined,
    pattern: undefined,
    format: undefined,
    minProperties: undefined,
    maxProperties: undefined,
    required: undefined,
    properties: undefined,
    patternProperties: undefined,
    additionalProperties: undefined,
    propertyNames: undefined,
    dependencies: undefined,
    minItems: undefined,
    maxItems: undefined,
    items: undefined,
    additionalItems: undefined,
    uniqueItems: undefined,
    contains: undefined,
    constant: undefined,
    enumeration: undefined,
    anyOf: undefined,
    oneOf: undefined,
    allOf: undefined,
    not: undefined,
    if: undefined,
    then: undefined,
    else: undefined,
  }
}
