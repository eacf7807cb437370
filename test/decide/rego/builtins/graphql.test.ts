import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Builtin } from '../../../../src/decide/rego/builtins/builtin.ts'
import { BuiltinError } from '../../../../src/decide/rego/builtins/builtin.ts'
import { GRAPHQL } from '../../../../src/decide/rego/builtins/graphql.ts'
import { fromJson } from '../../../../src/decide/rego/values/json.ts'
import { valueText } from '../../../../src/decide/rego/values/text.ts'
import type { Value } from '../../../../src/decide/rego/values/value.ts'
import { objectOf, setOf } from '../../../../src/decide/rego/values/value.ts'
import { cpuMs } from '../../../support/cpu.ts'
import vectors from '../../../vectors/rego/graphql.json' with { type: 'json' }
import { caller, newCall } from './tagged-values.ts'

type Case = {
  readonly name: string
  readonly fn: string
  readonly args: readonly unknown[]
  readonly result?: unknown
  readonly error?: string
}

const call = caller(GRAPHQL)
const SCHEMA =
  'type Query { a(x: Int, y: [In], z: String): Query c: String } input In { a: In c: Int }'

/** What OPA says, without what we leave out: the name of the built-in, suggestions. */
function wordsOf(error: string): string {
  return error
    .replace(/^eval_\w+: [\w.]+: /, '')
    .replace(/\.? Did you mean (?!"\w+ \{).*?\?(?= in GraphQL string)/, '')
    .replace(/\.(?= in GraphQL string)/, '')
}

// Where OPA's message repeats what was written, ours says of what kind it is, at the same place.
const REPEATS = /cannot represent|does not exist in|Invalid number/

describe('OPA 1.22.0 and this agree', () => {
  const expand = (value: unknown) =>
    typeof value === 'string' && value.startsWith('@')
      ? (vectors.schemas as Record<string, string>)[value.slice(1)]
      : value
  test.for(
    (vectors.cases as readonly Case[]).map((row, at) => ({
      ...row,
      title: `${at}: ${row.name} -> ${row.error ?? JSON.stringify(row.result).slice(0, 60)}`,
    })),
  )('$fn $title', ({ fn, args, result, error }) => {
    const operands = args.map((value) => fromJson(expand(value) as never))
    const before = operands.map(valueText)
    if (error === undefined) {
      const want = Array.isArray(result)
        ? result.map((value) => (value === '@pay' ? vectors.tree : value))
        : result
      expect(valueText(call(fn, ...operands) as Value)).toBe(valueText(fromJson(want as never)))
    } else {
      const found = failure(fn, ...operands)
      const place = / in GraphQL string at location .*$/.exec(error)?.[0]
      if (place !== undefined) expect(found).toContain(place)
      if (place !== undefined && !REPEATS.test(error)) expect(found).toBe(wordsOf(error))
    }
    expect(operands.map(valueText), 'operands stay as they are').toEqual(before)
  })

  test('the vectors hold both answers of every function', () => {
    for (const fn of Object.keys(GRAPHQL)) {
      const mine = (vectors.cases as readonly Case[]).filter((row) => row.fn === fn)
      const answers = mine.map(({ result }) => (Array.isArray(result) ? result[0] : result))
      expect(mine.some(({ error }) => error !== undefined) || answers.includes(false), fn).toBe(
        true,
      )
      expect(
        answers.some((answer) => answer !== undefined && answer !== false),
        fn,
      ).toBe(true)
    }
  })
})

describe('trees', () => {
  test('what is parsed is read back as the same tree', () => {
    const text = 'query Q($a: [In!] = [{x: 1.5}, {x: null}]) @d { x: a(x: $a) { c } }'
    const schema =
      'directive @d on QUERY type Query { a(x: [In!]): Query c: Int } input In { x: Float }'
    const tree = call('graphql.parse_query', text) as Value
    const types = call('graphql.parse_schema', schema) as Value
    const texts = call('graphql.parse_and_verify', text, schema)
    expect((texts as Value[])[0]).toBe(true)
    expect(valueText(call('graphql.parse_and_verify', tree, types) as Value)).toBe(
      valueText([true, tree, types]),
    )
  })

  test.for([
    {
      name: 'a set of operations',
      operations: setOf([{ SelectionSet: [{ Name: 'c' }] }]),
      want: true,
    },
    {
      name: 'an argument without a value',
      operations: [selecting({ Name: 'a', Arguments: [{ Name: 'x' }] })],
      want: false,
    },
    {
      name: 'a variable without a type',
      operations: [{ ...selecting({ Name: 'c' }), VariableDefinitions: [{ Variable: 'a' }] }],
      want: false,
    },
    {
      name: 'a literal of no known kind',
      operations: [
        selecting({
          Name: 'a',
          Arguments: [{ Name: 'x', Value: { Kind: 42 } }],
          SelectionSet: [{ Name: 'c' }],
        }),
      ],
      want: false,
    },
    {
      name: 'a literal whose text is no integer',
      operations: [
        selecting({
          Name: 'a',
          Arguments: [{ Name: 'x', Value: { Kind: 1, Raw: '0x10' } }],
          SelectionSet: [{ Name: 'c' }],
        }),
      ],
      want: false,
    },
    {
      name: 'an operation of no known kind',
      operations: [{ Operation: 'ask', SelectionSet: [{ Name: 'c' }] }],
      want: false,
    },
    { name: 'null for an operation', operations: [null], want: false },
    { name: 'null for operations', operations: null, want: true },
  ] as { name: string; operations: Value; want: boolean }[])(
    '$name -> $want',
    ({ operations, want }) => {
      const tree = objectOf([['Operations', operations]])
      expect(call('graphql.is_valid', tree, SCHEMA)).toBe(want)
    },
  )

  test('keys that are no strings are left alone', () => {
    const tree = objectOf([
      [1, 'x'],
      [['Operations'], 'y'],
      ['Operations', []],
    ])
    expect(call('graphql.is_valid', tree, SCHEMA)).toBe(true)
  })

  test('a default value that leads back to itself is an error, not the end of the stack', () => {
    const loop = { Kind: 8, Children: [{ Value: { Kind: 0, Raw: 'a' } }] }
    const tree = {
      Operations: [
        {
          VariableDefinitions: [{ Variable: 'a', Type: { NamedType: 'Int' }, DefaultValue: loop }],
          SelectionSet: [{ Name: 'c' }],
        },
      ],
    }
    expect(() => call('graphql.is_valid', tree, SCHEMA)).toThrow(/nests deeper/)
  })
})

describe('schemas are kept', () => {
  test('a schema that is kept costs what it costs at first, and answers alike', () => {
    const kept = new Map<string, unknown>()
    const spend = (fn: string, ...operands: Value[]) => {
      const meter = newCall(kept)
      const value = (GRAPHQL[fn] as Builtin)(meter, ...operands)
      return { value: valueText(value as Value), steps: meter.steps, bytes: meter.bytes }
    }
    const runs = [
      ['graphql.parse', '{c}', SCHEMA],
      ['graphql.is_valid', '{c}', SCHEMA],
      ['graphql.parse_schema', SCHEMA],
      ['graphql.is_valid', '{c}', 'type Query {c: Nothing}'],
      ['graphql.is_valid', '{c}', 'type {'],
    ] as const
    const first = runs.map(([fn, ...operands]) => spend(fn, ...operands))
    expect(runs.map(([fn, ...operands]) => spend(fn, ...operands))).toEqual(first)
    expect(first.map(({ value }) => value).slice(3)).toEqual(['false', 'false'])
  })

  test('what did not end for lack of steps is not kept', () => {
    const kept = new Map<string, unknown>()
    const short = newCall(kept)
    short.work(short.steps - 100)
    expect(() => (GRAPHQL['graphql.schema_is_valid'] as Builtin)(short, SCHEMA)).toThrow('no steps')
    expect((GRAPHQL['graphql.schema_is_valid'] as Builtin)(newCall(kept), SCHEMA)).toBe(true)
  })

  test('many schemas make room for one another', () => {
    const kept = new Map<string, unknown>()
    for (let at = 0; at < 40; at++) {
      const schema = `type Query { f${at}: Int } # ${'x'.repeat(20_000)}`
      expect((GRAPHQL['graphql.is_valid'] as Builtin)(newCall(kept), `{f${at}}`, schema)).toBe(true)
    }
    const [{ texts }] = [...kept.values()] as [{ texts: Map<string, unknown> }]
    expect([...texts.keys()].join('').length).toBeLessThanOrEqual(200_000)
  })
})

describe('hostile texts end in an error or in time', () => {
  const nested = (open: string, middle: string, close: string, levels: number) =>
    open.repeat(levels) + middle + close.repeat(levels)
  const fragments = (count: number, body: (next: string) => string) =>
    `${Array.from(
      { length: count },
      (_, at) => `fragment F${at} on Query{${body(`F${at + 1}`)}}`,
    ).join(' ')} fragment F${count} on Query{c}`

  test.for([
    { name: 'selections 90 deep', text: nested('{a', '{c}', '}', 90), want: 'true' },
    {
      name: 'selections 200,000 deep',
      text: nested('{a', '', '', 200_000),
      want: 'nests deeper than 100',
    },
    {
      name: 'inline fragments 200,000 deep',
      text: nested('{...', '', '', 200_000),
      want: 'nests deeper than 100',
    },
    {
      name: 'lists 200,000 deep',
      text: `{a(y: ${'['.repeat(200_000)}`,
      want: 'nests deeper than 100',
    },
    {
      name: 'objects 100,000 deep',
      text: `{a(y: ${'{a:'.repeat(100_000)}`,
      want: 'nests deeper than 100',
    },
    {
      name: 'types 200,000 deep',
      text: `query($a: ${'['.repeat(200_000)}`,
      want: 'nests deeper than 100',
    },
    {
      name: '150 fragments in a row',
      text: `{...F0} ${fragments(150, (next) => `...${next}`)}`,
      want: 'true',
    },
    {
      name: '3,000 fragments in a row',
      text: `{...F0} ${fragments(3_000, (next) => `...${next}`)}`,
      want: 'nests deeper than 200',
    },
    {
      name: '2^60 paths through fragments',
      text: `{a{...F0}} ${fragments(60, (next) => `a{...${next}} b: a{...${next}}`)}`,
      want: 'true',
    },
    {
      name: '2^60 paths through introspection',
      text: `{__schema{types{...F0}}} ${fragments(
        60,
        (next) => `ofType{...${next}} x: ofType{...${next}}`,
      )
        .replaceAll('on Query', 'on __Type')
        .replace('{c}', '{name}')}`,
      want: 'no steps left',
    },
    {
      name: 'fragments that spread each other inside equal fields',
      text: '{...A} fragment A on Query{a{a{...A}...A}c ...B} fragment B on Query{a{a{...B}...A}c ...A}',
      want: 'nests deeper than 200',
    },
    { name: 'one field 5,000 times', text: `{${'c '.repeat(5_000)}}`, want: 'no steps left' },
    { name: '300,000 fields', text: `{${'c '.repeat(300_000)}}`, want: 'no steps left' },
    { name: '100,000 comments', text: `${'#\n'.repeat(200_000)}{c}`, want: 'no steps left' },
  ])('$name -> $want', ({ text, want }) => {
    const start = cpuMs()
    expect(answer('graphql.is_valid', text, SCHEMA)).toContain(want)
    expect(cpuMs() - start).toBeLessThan(8_000)
  })

  test.for([
    {
      name: 'a chain of 3,000 inputs',
      text: `${Array.from({ length: 3_000 }, (_, at) => `input I${at}{a:I${at + 1}!}`).join(' ')} input I3000{a:Int}`,
      want: 'true',
    },
    {
      name: 'a circle of 3,000 inputs',
      text: `${Array.from({ length: 3_000 }, (_, at) => `input I${at}{a:I${at + 1}!}`).join(' ')} input I3000{a:I0!}`,
      want: 'false',
    },
    {
      name: 'one interface 5,000 times',
      text: `interface A{${fieldsOf(2_000)}} type T implements ${'A&'.repeat(5_000)}A{${fieldsOf(2_000)}}`,
      want: 'no steps left',
    },
    {
      name: '3,000 arguments on 3,000 directives',
      text: `directive @a(${fieldsOf(3_000)}) repeatable on OBJECT type T ${'@a'.repeat(3_000)}{a: Int}`,
      want: 'no steps left',
    },
    {
      name: 'a directive of 10,000 places on 2,000 fields',
      text: `directive @a on ${'FIELD|'.repeat(10_000)}OBJECT type T{${'a: Int @a '.repeat(2_000)}}`,
      want: 'false',
    },
    {
      name: 'a directive of 10,000 places that stands 2,000 times',
      text: `directive @a repeatable on ${'FIELD|'.repeat(10_000)}OBJECT type T ${'@a '.repeat(2_000)}{a: Int}`,
      want: 'no steps left',
    },
    {
      name: 'types 200,000 deep',
      text: `type T{a: ${'['.repeat(200_000)}`,
      want: 'nests deeper than 100',
    },
  ])('$name -> $want', ({ text, want }) => {
    expect(answer('graphql.schema_is_valid', text)).toContain(want)
  })

  test('a tree 400 selections deep is an error', () => {
    let tree: Value = { Name: 'c' }
    for (let at = 0; at < 200; at++) tree = { Name: 'a', SelectionSet: [tree] }
    expect(
      answer('graphql.is_valid', { Operations: [{ SelectionSet: [tree] }] }, SCHEMA),
    ).toContain('nests deeper')
    for (let at = 0; at < 5_000; at++) tree = { Name: 'a', SelectionSet: [tree] }
    expect(
      answer('graphql.is_valid', { Operations: [{ SelectionSet: [tree] }] }, SCHEMA),
    ).toContain('nests deeper')
  })

  test('any text gives an answer', () => {
    const token = fc.constantFrom(
      '{',
      '}',
      '(',
      ')',
      '[',
      ']',
      ':',
      '!',
      '$',
      '@',
      '...',
      '"',
      '"""',
      '#',
      '\n',
      '\\',
      'a',
      'on',
      'fragment',
      'query',
      'F',
      'type',
      'extend',
      '1',
      '-',
      ' ',
      '\u{1f600}',
      '\ufeff',
    )
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.array(token, { maxLength: 40 }).map((tokens) => tokens.join('')),
    )
    fc.assert(
      fc.property(text, (part) => {
        for (const query of [part, `{${part}}`, `{a(y: ${part}){c}}`]) {
          expect(typeof call('graphql.is_valid', query, SCHEMA)).toBe('boolean')
        }
        expect(typeof call('graphql.schema_is_valid', part)).toBe('boolean')
      }),
      { numRuns: 500 },
    )
  })
})

test('a message does not repeat a long token or a value', () => {
  const secret = 'x'.repeat(1_000)
  expect(failure('graphql.parse_query', `"${secret}"`)).toContain(`${'x'.repeat(40)}…"`)
  expect(failure('graphql.parse_query', `"${'\u{1f600}'.repeat(41)}"`)).toContain(
    `${'\u{1f600}'.repeat(40)}…"`,
  )
  expect(failure('graphql.parse', '{a(x: "hunter2"){c}}', SCHEMA)).not.toContain('hunter2')
})

function selecting(field: Value): { readonly [key: string]: Value } {
  return { SelectionSet: [field] }
}

function fieldsOf(count: number): string {
  return Array.from({ length: count }, (_, at) => `f${at}:Int`).join(' ')
}

function failure(fn: string, ...operands: Value[]): string {
  try {
    call(fn, ...operands)
  } catch (error) {
    expect(error).toBeInstanceOf(BuiltinError)
    return (error as BuiltinError).message
  }
  return expect.fail(`${fn} gave a value`)
}

function answer(fn: string, ...operands: Value[]): string {
  try {
    return valueText(call(fn, ...operands) as Value)
  } catch (error) {
    return (error as Error).message
  }
}
