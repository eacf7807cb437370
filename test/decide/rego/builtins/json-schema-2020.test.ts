import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { JsonValue } from '../../../../src/base/json-value.ts'
import { compileSchema2020 } from '../../../../src/decide/rego/builtins/json-schema-2020.ts'

type Group = {
  readonly group: string
  readonly schema: JsonValue
  readonly tests: readonly (readonly [data: JsonValue, valid: boolean, about: string])[]
}

const WORK = 10_000_000
const file = join(import.meta.dirname, '../../../vectors/json-schema-2020.json')
const groups: readonly Group[] = JSON.parse(readFileSync(file, 'utf8')).groups

const isRefused = ({ schema }: Group): boolean => {
  try {
    compileSchema2020(schema)
    return false
  } catch {
    return true
  }
}

test('the JSON Schema Test Suite: what is not refused says what the suite says', () => {
  const refused = groups.filter(isRefused)
  const wrong = groups
    .filter((one) => !refused.includes(one))
    .flatMap(({ group, schema, tests }) => {
      const fits = compileSchema2020(schema)
      return tests.flatMap(([data, valid, about]) =>
        (fits(data, WORK)?.length === 0) === valid ? [] : [`${group}: ${about}`],
      )
    })
  expect(wrong).toEqual([])
  expect(groups.length - refused.length).toBe(189)
  // What is refused has references beyond `#/$defs/<name>`, identifiers, or annotations that are collected.
  const files = new Set(refused.map(({ group }) => group.split(':', 1)[0]))
  expect([...files].sort()).toEqual(['defs', 'not', 'ref'])
})

test.for<{ name: string; schema: JsonValue; code: string }>([
  { name: 'an unknown keyword', schema: { requried: ['a'] }, code: 'VALUE_INVALID' },
  { name: 'a keyword of draft 7', schema: { additionalItems: false }, code: 'VALUE_INVALID' },
  { name: 'items as a list', schema: { items: [{}] }, code: 'VALUE_INVALID' },
  {
    name: 'collected annotations',
    schema: { unevaluatedProperties: false },
    code: 'VALUE_INVALID',
  },
  { name: 'a count of contains', schema: { contains: {}, minContains: 2 }, code: 'VALUE_INVALID' },
  { name: 'a remote reference', schema: { $ref: 'https://x.example/s' }, code: 'VALUE_INVALID' },
  { name: 'a reference to nothing', schema: { $ref: '#/$defs/x' }, code: 'VALUE_INVALID' },
  { name: 'an unknown format', schema: { format: 'iban' }, code: 'VALUE_INVALID' },
  { name: 'an unknown type', schema: { type: 'text' }, code: 'VALUE_INVALID' },
  {
    name: 'another draft',
    schema: { $schema: 'http://json-schema.org/draft-07/schema#' },
    code: 'VALUE_INVALID',
  },
  { name: 'a bound that is no number', schema: { exclusiveMinimum: true }, code: 'VALUE_INVALID' },
  { name: 'a pattern that is none', schema: { pattern: '(' }, code: 'PATTERN_INVALID' },
  { name: 'a pattern with a look-ahead', schema: { pattern: '(?=a)' }, code: 'PATTERN_INVALID' },
  { name: 'text', schema: 'object', code: 'VALUE_INVALID' },
  { name: 'a list of no schemas', schema: { anyOf: [] }, code: 'VALUE_INVALID' },
])('$name is refused with $code', ({ schema, code }) => {
  expect(() => compileSchema2020(schema)).toThrow(expect.objectContaining({ code }))
})

test('a fault says what and where, and nothing of the value', () => {
  const fits = compileSchema2020({ properties: { 'a/b': { items: { type: 'string' } } } })
  expect(fits({ 'a/b': ['x', 5] }, WORK)).toEqual([{ type: 'invalid_type', pointer: '/a~1b/1' }])
})

test.for<{ name: string; schema: JsonValue; value: JsonValue; units: number }>([
  {
    name: 'too little work',
    schema: { items: { type: 'string' } },
    value: ['a', 'b', 'c'],
    units: 20,
  },
  { name: 'a schema that refers to itself', schema: { $ref: '#' }, value: 1, units: WORK },
])('$name leaves it undecided', ({ schema, value, units }) => {
  expect(compileSchema2020(schema)(value, units)).toBeNull()
})

test('a polluted prototype adds no keyword and no member', () => {
  const prototype = Object.prototype as Record<string, unknown>
  try {
    prototype['id'] = 'x'
    prototype['additionalProperties'] = true
    const fits = compileSchema2020({ required: ['id'], additionalProperties: false })
    expect(fits({}, WORK)).toHaveLength(1)
  } finally {
    delete prototype['id']
    delete prototype['additionalProperties']
  }
})
