import { execFileSync } from 'node:child_process'
import { afterEach, describe, expect, test } from 'vitest'
import type { Builtin } from '../../../../src/decide/rego/builtins/builtin.ts'
import { JSON_SCHEMA } from '../../../../src/decide/rego/builtins/json-schema.ts'
import { valueText } from '../../../../src/decide/rego/values/text.ts'
import type { Value } from '../../../../src/decide/rego/values/value.ts'
import { isArray, objectOf, setOf } from '../../../../src/decide/rego/values/value.ts'
import { cpuMs } from '../../../support/cpu.ts'
import { caller, newCall, readFormats, readOracleCases } from './tagged-values.ts'

const call = caller(JSON_SCHEMA)
const cases = readOracleCases('json.json')

const match = (document: Value, schema: Value): readonly [boolean, readonly Value[]] =>
  call('json.match_schema', document, schema) as [boolean, Value[]]

const verify = (schema: Value): Value | undefined => call('json.verify_schema', schema)

/** OPA visits members of objects in a new order each time. */
function shown(answer: Value): string {
  if (!isArray(answer) || !isArray(answer[1])) return valueText(answer)
  return `${answer[0]} ${answer[1].map(valueText).sort().join(' ')}`
}

// Schemas and documents are those of the JSON Schema Test Suite for drafts 4, 6 and 7
// (https://github.com/json-schema-org/JSON-Schema-Test-Suite), and made for this purpose.
test.for(['json.match_schema', 'json.verify_schema'])(
  '%s answers what OPA 1.22.0 answers, each fault with its words',
  (name) => {
    const mine = cases.filter(({ f }) => f === name)
    expect(mine.length).toBeGreaterThan(50)
    for (const { operands, value, error } of mine) {
      const title = `${name}(${operands.map(valueText).join(', ')})`
      if (error === undefined) {
        expect(shown(call(name, ...operands) as Value), title).toBe(shown(value as Value))
      } else {
        expect(() => call(name, ...operands), title).toThrow(
          expect.objectContaining({
            name: 'BuiltinError',
            code: error.code,
            message: error.message,
          }),
        )
      }
    }
  },
)

const formats = Object.entries(readFormats('json.json'))

test.for(formats)('format %s takes what OPA takes, and no more', ([format, { yes, no }]) => {
  const taken = (text: string): boolean => match([text], { items: { format } })[0]
  expect(yes.filter((text) => !taken(text))).toEqual([])
  expect(no.filter(taken)).toEqual([])
})

test('a format that nobody knows takes anything, and every format takes what is no text', () => {
  expect(match(['x'], { items: { format: 'constructor' } })[0]).toBe(true)
  for (const [format] of formats) expect(match([1, null], { items: { format } })[0]).toBe(true)
})

describe('documents and schemas of Rego', () => {
  test('sets are arrays, keys that are no text are their JSON', () => {
    const document = objectOf([
      ['tags', setOf(['a', 'b'])],
      [1, 'one'],
      [[2, 'x'], 'two'],
    ])
    const schema = {
      properties: { tags: { type: 'array', items: { type: 'string' } }, '1': { type: 'string' } },
      required: ['1', '[2,"x"]'],
    }
    expect(match(document, schema)).toEqual([true, []])
  })

  test('text is JSON, whatever it holds', () => {
    expect(match('[1, 2]', '{"type": "array"}')).toEqual([true, []])
    expect(match('1e400', '{"type": "integer", "minimum": 1e399}')).toEqual([true, []])
    expect(match('0.1', '{"multipleOf": 0.01}')).toEqual([true, []])
  })

  test.for([
    { name: 'a number', document: 1 },
    { name: 'null', document: null },
    { name: 'a set', document: setOf([1]) },
    { name: 'text that is no JSON', document: '{"a": }' },
    { name: 'text with something behind the JSON', document: '{} {}' },
    { name: 'empty text', document: '' },
    { name: 'a lone surrogate', document: '"\\ud800"' },
  ])('$name is no document -> error', ({ document }) => {
    expect(() => match(document, {})).toThrow(expect.objectContaining({ name: 'BuiltinError' }))
  })

  test('what is no schema is a result of verify_schema and an error of match_schema', () => {
    expect(verify(1)).toEqual([false, 'jsonschema: wrong type, expected string or object'])
    expect(verify('{')).toEqual([false, 'jsonschema: invalid JSON string'])
    expect(() => match({}, { type: 'nothing' })).toThrow('NOT VALID')
  })
})

describe('references', () => {
  test.for([
    'http://example.com/schema.json',
    'https://example.com/schema.json#/definitions/a',
    'file:///etc/passwd',
    'ftp://example.com/x',
  ])('%s is never fetched -> error', ($ref) => {
    expect(() => match({}, { $ref })).toThrow('remote reference loading disabled')
    expect(verify({ properties: { a: { $ref } } })).toEqual([
      false,
      expect.stringContaining('remote reference loading disabled'),
    ])
  })

  test.for([
    { name: 'a pointer', $ref: '#/definitions/a' },
    { name: 'a name', $ref: '#a' },
    { name: 'a relative address', $ref: 'item.json' },
    { name: 'an absolute address', $ref: 'http://example.com/item.json' },
    { name: 'an absolute address in other letters', $ref: 'HTTP://example.com/x/../item.json' },
  ])('$name within the schema is followed', ({ $ref }) => {
    const schema = {
      $id: 'http://example.com/root.json',
      definitions: {
        a: { $id: '#a', type: 'string' },
        b: { $id: 'item.json', type: 'string' },
      },
      items: { $ref },
    }
    expect(match(['x'], schema)[0]).toBe(true)
    expect(match([1], schema)[0]).toBe(false)
  })

  test('what stands in const and enum is no schema', () => {
    const literal = { $id: 'x', $ref: 'http://example.com/' }
    expect(verify({ const: literal, enum: [literal], properties: { $id: {} } })).toEqual([
      true,
      null,
    ])
    expect(verify({ items: { $id: 'x' }, not: { $id: 'x' } })).toEqual([
      false,
      'jsonschema: Reference already exists: "/x"',
    ])
  })

  test.for([
    { name: 'a pointer to nothing', $ref: '#/definitions/b' },
    { name: 'a pointer to a number', $ref: '#/definitions/a/minimum' },
    { name: 'a pointer through a prototype', $ref: '#/constructor' },
    { name: 'a name that nothing has (OPA takes the whole schema)', $ref: '#nowhere' },
    { name: 'an address that nothing has', $ref: 'elsewhere.json' },
    { name: 'no URI', $ref: '%' },
  ])('$name -> error', ({ $ref }) => {
    expect(() => match({}, { $ref, definitions: { a: { minimum: 1 } } })).toThrow(
      expect.objectContaining({ name: 'BuiltinError' }),
    )
  })

  test('a schema that is only itself comes to an end (OPA crashes)', () => {
    expect(() => match({}, { $ref: '#' })).toThrow('refers to itself')
    expect(() => match({}, { allOf: [{ $ref: '#' }] })).toThrow('refers to itself')
    const loop = { definitions: { a: { $ref: '#/definitions/b' }, b: { $ref: '#/definitions/a' } } }
    expect(() => match({}, { ...loop, $ref: '#/definitions/a' })).toThrow('refers to itself')
  })

  test('the meta-schemas are known', () => {
    const meta = { $ref: 'http://json-schema.org/draft-07/schema#' }
    expect(match({ type: 'string' }, meta)).toEqual([true, []])
    expect(match({ type: 'text' }, meta)[0]).toBe(false)
  })
})

describe('hostile schemas', () => {
  afterEach(() => {
    for (const name of ['not', 'accepts', 'length', 'items']) {
      Reflect.deleteProperty(Object.prototype, name)
    }
  })

  test('a polluted prototype adds no keyword', () => {
    Object.assign(Object.prototype, {
      not: {},
      accepts: true,
      length: 3,
      items: { accepts: false },
    })
    expect(match({ a: [1] }, { properties: { a: { type: 'string' } } })[0]).toBe(false)
    expect(match({ a: [1] }, { properties: { a: { type: 'array' } } })[0]).toBe(true)
    expect(match({}, { required: ['toString'] })[0]).toBe(false)
    expect(match({}, { required: ['not'] })[0]).toBe(false)
  })

  test('__proto__ is a property like any other', () => {
    const schema =
      '{"properties": {"__proto__": {"type": "string"}}, "additionalProperties": false}'
    expect(match('{"__proto__": "x"}', schema)[0]).toBe(true)
    expect(match('{"__proto__": 1}', schema)[0]).toBe(false)
  })

  test('ways that multiply run out of steps', () => {
    const twice = { items: { $ref: '#' }, not: {} }
    let document: Value = []
    for (let level = 0; level < 60; level++) document = [document]
    expect(() => match(document, { anyOf: [twice, twice] })).toThrow('no steps left')
  })

  test.for([
    { name: 'nests deep', schema: `${'{"not":'.repeat(300)}{}${'}'.repeat(300)}` },
    { name: 'unfolds a pattern', schema: { pattern: '((a{1,100}){1,100}){1,100}' } },
  ])('a schema that $name is refused', ({ schema }) => {
    expect(verify(schema)).toEqual([false, expect.any(String)])
  })

  test('a pattern that blows up elsewhere is linear here', () => {
    const started = cpuMs()
    expect(match(['x'.repeat(50_000)], { items: { pattern: '(x+x+)+y' } })[0]).toBe(false)
    expect(cpuMs() - started).toBeLessThan(20_000)
  })

  test('a kept schema costs what a new one costs', () => {
    const kept = new Map<string, unknown>()
    const schema = {
      properties: { a: { pattern: '^a+$', $ref: 'http://json-schema.org/draft-06/schema#' } },
    }
    const spent = [0, 1].map(() => {
      const meter = newCall(kept)
      ;(JSON_SCHEMA['json.match_schema'] as Builtin)(meter, { a: { type: 'x' } }, schema)
      return [meter.steps, meter.bytes]
    })
    expect(spent[1]).toEqual(spent[0])
  })
})

test('no code is generated', () => {
  const module = new URL('../../../../src/decide/rego/builtins/json-schema.ts', import.meta.url)
  const program = `
    const { JSON_SCHEMA } = await import(${JSON.stringify(module.href)})
    const call = { work() {}, output() {}, cached: (key, make) => make() }
    process.stdout.write(JSON.stringify(JSON_SCHEMA['json.match_schema'](call, { a: 1 }, { required: ['a'] })))`
  const flags = ['--disallow-code-generation-from-strings', '--input-type=module', '-e', program]
  expect(execFileSync(process.execPath, flags, { encoding: 'utf8' })).toBe('[true,[]]')
})
