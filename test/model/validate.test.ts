import { describe, expect, test } from 'vitest'
import { SCHEMAS } from '../../src/model/generated/schemas.ts'
import { SCHEMA_NAMES, validate } from '../../src/model/validate.ts'

const RULE = { id: 'a/b', then: 'deny' }

function rules(...items: object[]): object {
  return { apiVersion: 'countersign/v1', kind: 'Guardrails', rules: items }
}

function shown(schema: (typeof SCHEMA_NAMES)[number], value: unknown): string[] {
  return validate(schema, value).map(
    ({ pointer, code, message }) => `${pointer} ${code} ${message}`,
  )
}

test('the names are those of the schema files', () => {
  const files = Object.keys(SCHEMAS).filter((name) => name !== 'common.schema.json')
  expect(SCHEMA_NAMES.map((name) => `${name}.schema.json`)).toEqual(files)
})

test.for([...SCHEMA_NAMES])('schema %s compiles in strict mode', (name) => {
  expect(validate(name, undefined)).not.toEqual([])
})

describe('a value', () => {
  test.for([
    { name: 'that fits', value: rules(RULE), want: [] },
    {
      name: 'with a mistyped key',
      value: rules({ ...RULE, velocity: { limit: 5, per: '1h', bye: ['agent'] } }),
      want: ['/rules/0/velocity KEY_UNKNOWN unknown key "bye" in velocity; did you mean "by"?'],
    },
    {
      name: 'with a key like no other',
      value: rules({ ...RULE, velocity: { limit: 5, per: '1h', zzzzzz: 1 } }),
      want: [
        '/rules/0/velocity KEY_UNKNOWN unknown key "zzzzzz" in velocity; expected one of limit, per, by',
      ],
    },
    {
      name: 'without a key',
      value: rules({ id: 'a/b' }),
      want: [
        '/rules/0 KEY_MISSING rule lacks the key "then": The verdict of a finding; `redact`, `tokenise` and `drop` change fields.',
      ],
    },
    {
      name: 'with a mistyped word',
      value: rules({ id: 'a/b', then: 'holdd' }),
      want: [
        '/rules/0/then VALUE_INVALID then: expected redact, tokenise, drop, hold or deny; did you mean "hold"?',
      ],
    },
    {
      name: 'of another type',
      value: rules({ ...RULE, velocity: { limit: 'SECRET', per: '1h' } }),
      want: ['/rules/0/velocity/limit VALUE_INVALID limit: expected integer, found string'],
    },
    {
      name: 'below a bound',
      value: rules({ ...RULE, velocity: { limit: 0, per: '1h' } }),
      want: [
        '/rules/0/velocity/limit VALUE_INVALID limit: expected a number of at least 1, found a smaller one',
      ],
    },
    {
      name: 'that is no array',
      value: { ...rules(), rules: {} },
      want: ['/rules VALUE_INVALID rules: expected array, found object'],
    },
    { name: 'null', value: null, want: [' VALUE_INVALID guardrails: expected object, found null'] },
  ])('$name -> $want', ({ value, want }) => {
    expect(shown('guardrails', value)).toEqual(want)
  })
})

describe('alternatives give one complaint', () => {
  const on = (selector: object): object => rules({ ...RULE, on: selector })

  test.for([
    {
      name: 'another type',
      value: on({ service: 5 }),
      want: ['/rules/0/on/service VALUE_INVALID service: expected string or array, found integer'],
    },
    {
      name: 'a bad entry of the list',
      value: on({ service: ['a', 3] }),
      want: ['/rules/0/on/service/1 VALUE_INVALID glob: expected string, found integer'],
    },
    {
      name: 'text out of form',
      value: on({ service: 'a b' }),
      want: [
        '/rules/0/on/service VALUE_INVALID service: expected a name in which `*` stands for any run of characters, found other text',
      ],
    },
    {
      name: 'a mistyped word',
      value: on({ effect: 'reed' }),
      want: [
        '/rules/0/on/effect VALUE_INVALID effect: expected read, write or irreversible; did you mean "read"?',
      ],
    },
    {
      name: 'a mistyped word of a list',
      value: on({ effect: ['read', 'wrte'] }),
      want: [
        '/rules/0/on/effect/1 VALUE_INVALID effect: expected read, write or irreversible; did you mean "write"?',
      ],
    },
  ])('$name -> $want', ({ value, want }) => {
    expect(shown('guardrails', value)).toEqual(want)
  })

  test('of whole documents, of the one that was meant', () => {
    const type = 'https://countersign.dev/attestation/log-genesis/v0.1'
    const found = shown('receipt', {
      _type: 'https://in-toto.io/Statement/v1',
      subject: [],
      predicateType: type,
    })
    expect(found).toContain(' KEY_MISSING genesisreceipt lacks the key "predicate"')
  })
})

test('several mistakes -> all of them, sorted by place', () => {
  const found = validate('guardrails', rules({ id: 'A', thn: 'deny' }, { id: 'B', then: 'deny' }))
  expect(found.map(({ pointer, key }) => [pointer, key])).toEqual([
    ['/rules/0', 'then'],
    ['/rules/0', 'thn'],
    ['/rules/0/id', undefined],
    ['/rules/1/id', undefined],
  ])
})

test('a key that is no name -> the key, not the value under it', () => {
  const tools = { 'x y': { effect: 'read' } }
  const value = { apiVersion: 'countersign/v1', kind: 'Tools', service: 's', tools }
  expect(validate('tools', value)).toMatchObject([
    { pointer: '/tools', key: 'x y', code: 'VALUE_INVALID' },
  ])
})

test('keys with slashes and tildes -> pointers as RFC 6901 writes them', () => {
  const value = { apiVersion: 'countersign/v1', kind: 'Tools', service: 's', tools: { 'a/b': {} } }
  expect(shown('tools', value)).toEqual([
    '/tools/a~1b KEY_MISSING a/b lacks the key "effect": What the tool does: `read`, `write` or `irreversible`.',
  ])
})
