import { expect, test } from 'vitest'
import type { JsonValue } from '../../../../src/base/json-value.ts'
import type { JudgedAction } from '../../../../src/model/nouns.ts'
import { load, type RuleChanges, rule } from '../fixtures.ts'
import type { Label } from './labels.ts'
import { judgeWith, missingLabels } from './labels.ts'

const kind = 'output'
const RESULT = { phase: ['result' as const] }
const orders = {
  type: 'array',
  items: { type: 'object', required: ['id'], properties: { id: { type: 'string' } } },
}
const of = (result: JsonValue): Partial<JudgedAction> => ({ phase: 'result', result })

type Case = {
  readonly label: Label
  readonly name: string
  readonly spec: Record<string, unknown>
  readonly action: Partial<JudgedAction>
  readonly rule?: RuleChanges
  readonly want: string
  readonly faults?: readonly string[]
}

const onCall: RuleChanges = { on: {}, verdict: 'hold' }
const deep = (levels: number): JsonValue => (levels === 0 ? 1 : [deep(levels - 1)])

const CASES: readonly Case[] = [
  {
    label: 'allow',
    name: 'a result that fits',
    spec: { in: 'result', schema: orders },
    action: of([{ id: 'a' }]),
    want: 'allow',
  },
  {
    label: 'allow',
    name: 'an empty list',
    spec: { in: 'result', schema: orders },
    action: of([]),
    want: 'allow',
  },
  {
    label: 'allow',
    name: 'a missing field that may be',
    spec: { in: 'result.rows', items_max: 1, if_missing: 'pass' },
    action: of({}),
    want: 'allow',
  },
  {
    label: 'allow',
    name: 'a call, by a rule about results',
    spec: { in: 'result', bytes_max: 1 },
    action: { payload: { a: 1 } },
    want: 'allow',
  },
  {
    label: 'hold',
    name: 'a payload that does not fit',
    rule: onCall,
    spec: { in: 'payload', schema: { required: ['to'] } },
    action: { payload: {} },
    want: 'hold',
    faults: ['required'],
  },
  {
    label: 'deny',
    name: 'a result of another type',
    spec: { in: 'result', schema: orders },
    action: of('oops'),
    want: 'deny',
    faults: ['invalid_type'],
  },
  {
    label: 'deny',
    name: 'one element of many',
    spec: { in: 'result[]', schema: { required: ['id'] } },
    action: of([{ id: 1 }, {}]),
    want: 'deny',
    faults: ['required'],
  },
  {
    label: 'deny',
    name: 'a schema that nothing fits',
    spec: { in: 'result', schema: false },
    action: of(null),
    want: 'deny',
    faults: ['false'],
  },
  {
    label: 'shadow',
    name: 'a result that does not fit',
    rule: { mode: 'shadow' },
    spec: { in: 'result', schema: orders },
    action: of({}),
    want: 'allow',
    faults: ['invalid_type'],
  },
  {
    label: 'boundary',
    name: 'as many bytes as may be',
    spec: { in: 'result', bytes_max: 6 },
    action: of('éab'),
    want: 'allow',
  },
  {
    label: 'boundary',
    name: 'one byte more',
    spec: { in: 'result', bytes_max: 5 },
    action: of('éab'),
    want: 'deny',
    faults: ['bytes'],
  },
  {
    label: 'boundary',
    name: 'four bytes of one character',
    spec: { in: 'result', bytes_max: 6 },
    action: of('😀'),
    want: 'allow',
  },
  {
    label: 'boundary',
    name: 'four bytes of one character and one too few',
    spec: { in: 'result', bytes_max: 5 },
    action: of('😀'),
    want: 'deny',
  },
  {
    label: 'boundary',
    name: 'as many items as may be',
    spec: { in: 'result', items_max: 2 },
    action: of([[1, 2], { a: 1, b: 2 }]),
    want: 'allow',
  },
  {
    label: 'boundary',
    name: 'one item more, inside',
    spec: { in: 'result', items_max: 2 },
    action: of([[1, 2, 3]]),
    want: 'deny',
    faults: ['items'],
  },
  {
    label: 'boundary',
    name: 'one member more',
    spec: { in: 'result', items_max: 1 },
    action: of({ a: 1, b: 2 }),
    want: 'deny',
  },
  {
    label: 'boundary',
    name: 'as deep as may be',
    spec: { in: 'result', depth_max: 3 },
    action: of(deep(3)),
    want: 'allow',
  },
  {
    label: 'boundary',
    name: 'one level more',
    spec: { in: 'result', depth_max: 3 },
    action: of(deep(4)),
    want: 'deny',
    faults: ['depth'],
  },
  {
    label: 'boundary',
    name: 'a plain value has no depth',
    spec: { in: 'result', depth_max: 0 },
    action: of('x'),
    want: 'allow',
  },
  {
    label: 'bad-input',
    name: 'a missing field',
    spec: { in: 'result.rows', items_max: 1 },
    action: of({}),
    want: 'deny',
    faults: ['missing'],
  },
  {
    label: 'bad-input',
    name: 'a list where a field is named',
    spec: { in: 'result.rows', items_max: 1 },
    action: of([]),
    want: 'deny',
    faults: ['missing'],
  },
  {
    label: 'bad-input',
    name: 'no element where each is named',
    spec: { in: 'result[]', items_max: 1 },
    action: of([]),
    want: 'deny',
    faults: ['missing'],
  },
  {
    label: 'bad-input',
    name: 'a schema without an end',
    spec: { in: 'result', schema: { $ref: '#' } },
    action: of(1),
    want: 'deny',
    faults: ['undecided'],
  },
  {
    label: 'bad-input',
    name: 'a member that a prototype would have',
    spec: { in: 'result', schema: { required: ['constructor'] } },
    action: of({}),
    want: 'deny',
    faults: ['required'],
  },
]

test.for(CASES)('$label: $name -> $want', ({ spec, action, want, faults, ...one }) => {
  const made = rule({ kind, on: RESULT, spec, ...one.rule })
  const { verdict, findings } = judgeWith(made, action)
  expect(verdict).toBe(want)
  expect(findings.length).toBe(faults === undefined && want === 'allow' ? 0 : 1)
  const shown = (findings[0]?.evidence['faults'] ?? []) as { fault: string }[]
  if (faults !== undefined) expect(shown.map(({ fault }) => fault)).toEqual(faults)
})

test('the table has every label', () => {
  expect(missingLabels(CASES)).toEqual([])
})

test('a finding holds no value, and names at most sixteen places', () => {
  const made = rule({
    kind,
    on: RESULT,
    spec: { in: 'result', schema: { items: { type: 'number' } } },
  })
  const { findings } = judgeWith(made, of(new Array(40).fill('ana@example.org')))
  expect(JSON.stringify(findings)).not.toContain('ana@')
  expect(findings[0]?.evidence).toMatchObject({ more: 24, in: 'result' })
  expect(findings[0]?.evidence['faults']).toHaveLength(16)
})

test.for<{ name: string; spec: Record<string, unknown>; code: string }>([
  { name: 'neither schema nor bound', spec: { in: 'result' }, code: 'KEY_MISSING' },
  { name: 'no path', spec: { bytes_max: 1 }, code: 'VALUE_INVALID' },
  { name: 'a path of nothing', spec: { in: 'reslut', bytes_max: 1 }, code: 'PATH_INVALID' },
  { name: 'a bound that is none', spec: { in: 'result', bytes_max: '1' }, code: 'VALUE_INVALID' },
  {
    name: 'a schema that is refused',
    spec: { in: 'result', schema: { x: 1 } },
    code: 'VALUE_INVALID',
  },
  {
    name: 'another word for missing',
    spec: { in: 'result', bytes_max: 1, if_missing: 'skip' },
    code: 'VALUE_INVALID',
  },
])('$name -> $code at load', ({ spec, code }) => {
  expect(() => load({ rules: [rule({ kind, spec })] })).toThrow(expect.objectContaining({ code }))
})
