import { describe, expect, test } from 'vitest'
import type { JsonValue } from '../../../src/base/json-value.ts'
import type { FieldTest } from '../../../src/model/generated/types.ts'
import { judgeOne, load, payload, rule } from './fixtures.ts'

const ABSENT = undefined

function holds(fieldTest: FieldTest, value: JsonValue | typeof ABSENT): boolean {
  const one = rule({ kind: 'pattern', spec: { path: 'payload.value', ...fieldTest } })
  const verdict = judgeOne(one, { payload: value === ABSENT ? {} : payload(value) }).verdict
  return verdict === 'deny'
}

type Row = [FieldTest, JsonValue | typeof ABSENT, boolean]

const ROWS: Row[] = [
  [{ equals: 'EU' }, 'EU', true],
  [{ equals: 'EU' }, 'US', false],
  [{ equals: 'EU' }, 'eu', false],
  [{ equals: 'EU' }, ABSENT, true],
  [{ equals: 'EU' }, 7, true],
  [{ equals: 'EU' }, null, true],
  [{ equals: 'EU' }, ['EU'], true],
  [{ equals: 100 }, '100', true],
  [{ equals: 100 }, 101, false],
  [{ equals: null }, null, true],
  [{ equals: null }, 'x', false],
  [{ equals: null }, {}, false],
  [{ equals: true }, false, false],
  [{ not_equals: 'EU' }, 'EU', false],
  [{ not_equals: 'EU' }, 'US', true],
  [{ not_equals: 'EU' }, ['EU'], true],
  [{ not_equals: 'EU' }, null, true],
  [{ not_equals: 'EU' }, ABSENT, true],
  [{ not_equals: 1 }, '1', true],
  [{ one_of: ['a', 'b'] }, 'b', true],
  [{ one_of: ['a', 'b'] }, 'c', false],
  [{ one_of: ['a', 'b'] }, 1, true],
  [{ one_of: ['a', 1] }, 2, false],
  [{ one_of: ['a', null] }, null, true],
  [{ one_of: ['a', null] }, 'b', false],
  [{ one_of: ['a'] }, ABSENT, true],
  [{ none_of: ['a', 'b'] }, 'a', false],
  [{ none_of: ['a', 'b'] }, 'c', true],
  [{ none_of: ['a', 'b'] }, { a: 1 }, true],
  [{ none_of: ['a', 'b'] }, ABSENT, true],
  [{ above: 100 }, 100, false],
  [{ above: 100 }, 100.5, true],
  [{ above: 100 }, '5', true],
  [{ above: 100 }, true, true],
  [{ above: 100 }, ABSENT, true],
  [{ below: 0 }, -1, true],
  [{ below: 0 }, 0, false],
  [{ below: 0 }, null, true],
  [{ longer_than: 3 }, 'abcd', true],
  [{ longer_than: 3 }, 'abc', false],
  [{ longer_than: 1 }, '😀', true],
  [{ longer_than: 1 }, [1, 2], true],
  [{ longer_than: 1 }, [1], false],
  [{ longer_than: 1 }, { a: 1, b: 2 }, true],
  [{ longer_than: 1 }, 5, true],
  [{ longer_than: 1 }, ABSENT, true],
  [{ matches: '(?i)drop table' }, 'x; DROP TABLE y', true],
  [{ matches: '(?i)drop table' }, 'select', false],
  [{ matches: ['a$', '^b'] }, 'bx', true],
  [{ matches: '^42$' }, 42, true],
  [{ matches: '^true$' }, true, true],
  [{ matches: 'x' }, null, true],
  [{ matches: 'x' }, ABSENT, true],
  [{ matches: 'secret' }, { deep: [{ note: 'a secret' }] }, true],
  [{ matches: 'secret' }, { deep: [{ secret_key: 1 }] }, true],
  [{ matches: '^42$' }, [1, [42]], true],
  [{ matches: 'secret' }, { deep: [null, 'fine', 3, false] }, false],
  [{ matches: 'secret' }, [], false],
  [{ not_matches: '^[A-Z]{2}$' }, 'DE', false],
  [{ not_matches: '^[A-Z]{2}$' }, 'de', true],
  [{ not_matches: ['^a', '^b'] }, 'bc', false],
  [{ not_matches: '^[0-9]+$' }, 12, false],
  [{ not_matches: '^a' }, ['a'], true],
  [{ not_matches: '^a' }, { a: 'a' }, true],
  [{ not_matches: '^a' }, ABSENT, true],
]

test.for(ROWS.map(([fieldTest, value, want]) => ({ fieldTest, value, want })))(
  '%j',
  ({ fieldTest, value, want }) => {
    expect(holds(fieldTest, value)).toBe(want)
  },
)

describe('if_missing: pass', () => {
  test.for<[FieldTest, JsonValue | typeof ABSENT, boolean]>([
    [{ equals: 'EU' }, ABSENT, false],
    [{ above: 3 }, '5', false],
    [{ above: 3 }, 4, true],
    [{ not_equals: 'EU' }, ABSENT, false],
    [{ not_equals: 'EU' }, ['EU'], true],
    [{ not_matches: 'a' }, ['b'], false],
    [{ matches: 'a' }, null, false],
  ])('%j', ([fieldTest, value, want]) => {
    expect(holds({ ...fieldTest, if_missing: 'pass' }, value)).toBe(want)
  })
})

describe('several values', () => {
  test.for<{ name: string; spec: FieldTest; value: JsonValue; want: string }>([
    { name: 'one of many meets', spec: { above: 10 }, value: [{ n: 1 }, { n: 11 }], want: 'deny' },
    { name: 'none meets', spec: { above: 10 }, value: [{ n: 1 }, { n: 2 }], want: 'allow' },
    { name: 'one item lacks it', spec: { above: 10 }, value: [{ n: 1 }, {}], want: 'deny' },
    { name: 'no item at all', spec: { above: 10 }, value: [], want: 'deny' },
    { name: 'an object for a list', spec: { above: 10 }, value: { n: 1 }, want: 'deny' },
    { name: 'an item is a text', spec: { above: 10 }, value: ['n'], want: 'deny' },
    {
      name: 'no item, but missing passes',
      spec: { above: 10, if_missing: 'pass' },
      value: [],
      want: 'allow',
    },
  ])('$name -> $want', ({ spec, value, want }) => {
    const one = rule({ kind: 'pattern', spec: { path: 'payload.value[].n', ...spec } })
    expect(judgeOne(one, { payload: payload(value) }).verdict).toBe(want)
  })

  test('paths: one missing field of several is enough', () => {
    const one = rule({
      kind: 'pattern',
      spec: { paths: ['payload.a', 'payload.b'], matches: 'x' },
    })
    expect(judgeOne(one, { payload: { a: 'fine' } }).verdict).toBe('deny')
    expect(judgeOne(one, { payload: { a: 'fine', b: 'fine' } }).verdict).toBe('allow')
  })

  test('a principal that nobody named is missing, not null', () => {
    const one = rule({ kind: 'pattern', spec: { path: 'principal', equals: 'mallory' } })
    expect(judgeOne(one, { principal: null }).verdict).toBe('deny')
    expect(judgeOne(one, { principal: 'ana' }).verdict).toBe('allow')
  })

  test('an inherited member is missing', () => {
    const one = rule({ kind: 'pattern', spec: { path: 'payload.toString', equals: 'x' } })
    const { findings } = judgeOne(one, { payload: {} })
    expect(findings[0]?.evidence).toMatchObject({ missing: ['payload.toString'] })
  })
})

describe('evidence', () => {
  test('names path, operator and place, and no clear value', () => {
    const one = rule({ kind: 'pattern', spec: { path: 'payload', matches: '^4[0-9]{15}$' } })
    const card = '4111111111111111'
    const result = judgeOne(one, { payload: { note: { 'a/b': [card] } } })
    expect(result.findings[0]?.evidence).toEqual({
      operator: 'matches',
      paths: ['payload'],
      found: [{ pointer: '/payload/note/a~1b/0', hmac: expect.stringMatching(/^[0-9a-f]{16}$/) }],
    })
    expect(JSON.stringify(result)).not.toContain(card)
  })

  test('is bounded, whatever the caller sends', () => {
    const one = rule({ kind: 'pattern', spec: { path: 'payload.value', matches: 'x' } })
    const value = Array.from({ length: 1000 }, () => ({ ['k'.repeat(5000)]: 'x' }))
    const result = judgeOne(one, { payload: payload(value) })
    expect(JSON.stringify(result.findings).length).toBeLessThan(8000)
    expect(result.findings[0]?.evidence).toMatchObject({ more: 984 })
  })
})

describe('when', () => {
  test.for<{ name: string; payload: Record<string, JsonValue>; want: string }>([
    { name: 'all hold', payload: { a: 5, b: 'x' }, want: 'deny' },
    { name: 'one does not', payload: { a: 5, b: 'y' }, want: 'allow' },
    { name: 'one cannot be decided', payload: { a: 5 }, want: 'deny' },
    { name: 'none can be decided', payload: {}, want: 'deny' },
  ])('$name -> $want', ({ payload: value, want }) => {
    const when = [
      { path: 'payload.a', above: 3 },
      { path: 'payload.b', equals: 'x' },
    ]
    expect(judgeOne(rule({ when }), { payload: value }).verdict).toBe(want)
  })
})

test.for<{ name: string; spec: Record<string, unknown>; code: string }>([
  { name: 'no operator', spec: { path: 'payload.a' }, code: 'VALUE_INVALID' },
  { name: 'two operators', spec: { path: 'payload.a', above: 1, below: 0 }, code: 'VALUE_INVALID' },
  { name: 'no path', spec: { above: 1 }, code: 'KEY_MISSING' },
  {
    name: 'path and paths',
    spec: { path: 'payload.a', paths: ['payload.b'], above: 1 },
    code: 'KEY_MISSING',
  },
  {
    name: 'a path that does not parse',
    spec: { path: 'payload..', above: 1 },
    code: 'PATH_INVALID',
  },
  { name: 'a path outside the action', spec: { path: 'paylod.a', above: 1 }, code: 'PATH_INVALID' },
  { name: 'a path below a name', spec: { path: 'agent.x', above: 1 }, code: 'PATH_INVALID' },
  { name: 'a bad pattern', spec: { path: 'payload.a', matches: '(' }, code: 'PATTERN_INVALID' },
  {
    name: 'a look-behind',
    spec: { path: 'payload.a', matches: '(?<=a)b' },
    code: 'PATTERN_INVALID',
  },
  {
    name: 'a back-reference',
    spec: { path: 'payload.a', matches: '(a)\\1' },
    code: 'PATTERN_INVALID',
  },
  { name: 'no patterns', spec: { path: 'payload.a', matches: [] }, code: 'VALUE_INVALID' },
  {
    name: 'a bound that is no number',
    spec: { path: 'payload.a', above: '1' },
    code: 'VALUE_INVALID',
  },
  { name: 'an unknown key', spec: { path: 'payload.a', abov: 1 }, code: 'VALUE_INVALID' },
  {
    name: 'an unknown if_missing',
    spec: { path: 'payload.a', above: 1, if_missing: 'allow' },
    code: 'VALUE_INVALID',
  },
])('$name -> $code at load', ({ spec, code }) => {
  expect(() => load({ rules: [rule({ kind: 'pattern', spec })] })).toThrow(
    expect.objectContaining({ code, file: 'policies/guardrails/test.yaml' }),
  )
})
