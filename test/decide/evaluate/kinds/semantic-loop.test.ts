import { describe, expect, test } from 'vitest'
import type { JsonObject, JsonValue } from '../../../../src/base/json-value.ts'
import { evaluate, stateKeys } from '../../../../src/decide/evaluate/evaluate.ts'
import { SIMILAR_ATTEMPTS_MAX } from '../../../../src/decide/evaluate/limits.ts'
import type { JudgedAction, StateSlice } from '../../../../src/model/nouns.ts'
import {
  action,
  codes,
  KEY,
  load,
  MINUTE,
  NOON,
  type RuleChanges,
  rule,
  run,
  SECOND,
} from '../fixtures.ts'
import type { Label } from './labels.ts'
import { missingLabels } from './labels.ts'

const kind = 'semantic_loop'
const TEXT =
  'Find the refund policy for orders that were damaged during shipping to Germany, and say what it costs to send them back to us by parcel'
const spec = { repeats: 3, within: '10m', similarity: 0.85 }
const ask = (query: JsonValue): Partial<JudgedAction> => ({ payload: { query } })
const A = ask(TEXT)
const B = ask(`Please ${TEXT}`)
const C = ask(`${TEXT}, now`)
const X = ask('What is the weather going to be like in Berlin on Sunday morning')
const vector = (...embedding: JsonValue[]): Partial<JudgedAction> => ({ context: { embedding } })
const EMBEDDED = { spec: { ...spec, embedding: 'context.embedding' } }
const BY_PATH = { spec: { ...spec, paths: ['payload.query'] } }

type Case = {
  readonly label: Label
  readonly name: string
  readonly calls: readonly Partial<JudgedAction>[]
  /** Milliseconds from one call to the next. */
  readonly step?: number
  readonly rule?: RuleChanges
  /** A letter a call: `.` allow, H hold, D deny. */
  readonly want: string
}

const CASES: readonly Case[] = [
  {
    label: 'allow',
    name: 'calls that differ',
    calls: [A, X, ask('a'), ask('b'), ask('c')],
    want: '.....',
  },
  { label: 'allow', name: 'two that are alike', calls: [A, X, B], want: '...' },
  {
    label: 'allow',
    name: 'alike, each later than the window',
    calls: [A, B, C],
    step: 10 * MINUTE,
    want: '...',
  },
  { label: 'hold', name: 'three that are alike', calls: [A, B, C], want: '..H' },
  { label: 'hold', name: 'with others between', calls: [A, X, B, ask('x'), C], want: '....H' },
  { label: 'hold', name: 'on and on: held attempts count', calls: [A, B, C, A, B], want: '..HHH' },
  { label: 'hold', name: 'the same, without arguments', calls: [{}, {}, {}], want: '..H' },
  {
    label: 'hold',
    name: 'by their digest',
    calls: [1, 2, 3].map(() => ({ args_digest: 'x' })),
    want: '..H',
  },
  {
    label: 'hold',
    name: 'other arguments, the same field',
    calls: [1, 2, 3].map((id) => ({ payload: { query: TEXT, id: `${id}`.repeat(40) } })),
    rule: BY_PATH,
    want: '..H',
  },
  {
    label: 'hold',
    name: 'vectors alike',
    calls: [vector(1, 2, 3), vector(1, 2, 3.1), vector(2, 4, 6.1)],
    rule: EMBEDDED,
    want: '..H',
  },
  {
    label: 'deny',
    name: 'three where that is denied',
    calls: [A, B, C, X],
    rule: { verdict: 'deny' },
    want: '..D.',
  },
  {
    label: 'shadow',
    name: 'three in shadow',
    calls: [A, B, C],
    rule: { mode: 'shadow' },
    want: '...',
  },
  {
    label: 'shadow',
    name: 'no vector in shadow',
    calls: [{}],
    rule: { ...EMBEDDED, mode: 'shadow' },
    want: '.',
  },
  {
    label: 'boundary',
    name: 'two of two',
    calls: [A, B],
    rule: { spec: { ...spec, repeats: 2 } },
    want: '.H',
  },
  {
    label: 'boundary',
    name: 'similarity 1 takes equal ones alone',
    calls: [A, B, A, B, A],
    rule: { spec: { ...spec, similarity: 1 } },
    want: '....H',
  },
  {
    label: 'boundary',
    name: 'the first is just in the window',
    calls: [A, B, C],
    step: 5 * MINUTE - 1,
    want: '..H',
  },
  {
    label: 'boundary',
    name: 'the first has just left it',
    calls: [A, B, C],
    step: 5 * MINUTE,
    want: '...',
  },
  {
    label: 'boundary',
    name: 'another tool has its own',
    calls: [A, B, { ...C, action: 'read' }, C],
    want: '...H',
  },
  {
    label: 'boundary',
    name: 'another session has not',
    calls: [A, B, { ...C, session: 's2' }],
    want: '..H',
  },
  {
    label: 'boundary',
    name: 'counted apart',
    calls: [A, B, { ...C, session: 's2' }],
    rule: { spec: { ...spec, by: ['session'] } },
    want: '...',
  },
  {
    label: 'boundary',
    name: 'vectors at an angle',
    calls: [vector(1, 0), vector(0, 1), vector(1, 0), vector(0, 1), vector(0, 1)],
    rule: EMBEDDED,
    want: '....H',
  },
  {
    label: 'bad-input',
    name: 'no such field',
    calls: [{ payload: { q: 1 } }],
    rule: BY_PATH,
    want: 'H',
  },
  { label: 'bad-input', name: 'too long to compare', calls: [ask('x'.repeat(70_000))], want: 'H' },
  { label: 'bad-input', name: 'no vector', calls: [{}], rule: EMBEDDED, want: 'H' },
  { label: 'bad-input', name: 'an empty vector', calls: [vector()], rule: EMBEDDED, want: 'H' },
  { label: 'bad-input', name: 'a vector of one', calls: [vector(1)], rule: EMBEDDED, want: 'H' },
  {
    label: 'bad-input',
    name: 'a vector of nothing',
    calls: [vector(0, 0, -0)],
    rule: EMBEDDED,
    want: 'H',
  },
  {
    label: 'bad-input',
    name: 'texts in a vector',
    calls: [vector(1, '2')],
    rule: EMBEDDED,
    want: 'H',
  },
  {
    label: 'bad-input',
    name: 'NaN in a vector',
    calls: [vector(1, Number.NaN)],
    rule: EMBEDDED,
    want: 'H',
  },
  {
    label: 'bad-input',
    name: 'infinity in a vector',
    calls: [vector(1, Number.NEGATIVE_INFINITY)],
    rule: EMBEDDED,
    want: 'H',
  },
  {
    label: 'bad-input',
    name: 'a text for a vector',
    calls: [{ context: { embedding: '[1,2]' } }],
    rule: EMBEDDED,
    want: 'H',
  },
  {
    label: 'bad-input',
    name: 'an object for a vector',
    calls: [{ context: { embedding: { 0: 1, 1: 2 } } }],
    rule: EMBEDDED,
    want: 'H',
  },
  {
    label: 'bad-input',
    name: 'a vector without end',
    calls: [vector(...Array.from({ length: 4097 }, () => 1))],
    rule: EMBEDDED,
    want: 'H',
  },
  {
    label: 'bad-input',
    name: 'another length each time',
    calls: [vector(1, 0), vector(0, 1, 0), vector(0, 0, 0, 1)],
    rule: EMBEDDED,
    want: '..H',
  },
  {
    label: 'bad-input',
    name: 'a lone surrogate',
    calls: [ask('\ud800abcdef'), ask('\ud800abcdef'), ask('\ud800abcdef')],
    want: '..H',
  },
]

test.for(CASES)('$label: $name -> $want', ({ calls, step, rule: changes, want }) => {
  const { judge } = run(load({ rules: [rule({ kind, spec, verdict: 'hold', ...changes })] }))
  const letters = { allow: '.', redact: 'R', hold: 'H', deny: 'D' }
  const got = calls.map((call, i) => letters[judge(call, NOON + i * (step ?? SECOND)).verdict])
  expect(got.join('')).toBe(want)
})

test('the table has every label', () => {
  expect(missingLabels(CASES)).toEqual([])
})

const one = rule({ kind, spec, verdict: 'hold' })

describe('state', () => {
  const { judge, state } = run(load({ rules: [one] }))
  for (let i = 0; i < SIMILAR_ATTEMPTS_MAX + 20; i++) judge(ask(`${i} ana@example.org`), NOON + i)
  const [[key, entry] = ['', null]] = Object.entries(state())

  test('holds one attempt more than are compared, its size bounded', () => {
    expect(entry?.value).toHaveLength(SIMILAR_ATTEMPTS_MAX + 1)
    expect(JSON.stringify(entry).length).toBeLessThan(13_000)
    expect(entry?.until).toBe(NOON + SIMILAR_ATTEMPTS_MAX + 19 + 10 * MINUTE)
  })

  test('its key and value hold nothing clear', () => {
    expect(key).toMatch(/^s\/test\/rule\/[0-9a-f]{32}\/[0-9a-f]{32}$/)
    expect(JSON.stringify(state())).not.toMatch(/ana|billing|refund/)
  })

  test('its key is one of those declared', () => {
    expect(stateKeys(load({ rules: [one] }), action(ask('x')), KEY)).toEqual([key])
  })

  test('what a rule left behind before it was changed is not read', () => {
    const changed = run(load({ rules: [rule({ kind, ...EMBEDDED, verdict: 'hold' })] }), state())
    const call = { ...ask('51 ana@example.org'), ...vector(1, 2, 3) }
    expect(changed.judge(call, NOON + SECOND).verdict).toBe('allow')
  })

  test('a clock that goes back empties no window', () => {
    const back = run(load({ rules: [one] }))
    back.judge(A, NOON)
    back.judge(B, NOON - 60 * MINUTE)
    expect(back.judge(C, NOON + 9 * MINUTE).verdict).toBe('hold')
  })
})

describe('damaged state denies', () => {
  const sketch = `${'A'.repeat(342)}==`
  const key = stateKeys(load({ rules: [one] }), action(A), KEY)[0] ?? ''
  test.for<{ name: string; value: JsonValue }>([
    { name: 'a text', value: 'x' },
    { name: 'an object', value: {} },
    { name: 'a bare time', value: [NOON] },
    { name: 'an attempt of two', value: [[NOON, 0]] },
    { name: 'a time of text', value: [['x', 0, sketch]] },
    {
      name: 'times backwards',
      value: [
        [NOON, 0, sketch],
        [NOON - 1, 0, sketch],
      ],
    },
    { name: 'half a sketch', value: [[NOON, 0, sketch.slice(4)]] },
    { name: 'a sketch with loose bits', value: [[NOON, 0, sketch.replace('A==', 'B==')]] },
    { name: 'half a length', value: [[NOON, 0.5, sketch]] },
    { name: 'too many', value: Array.from({ length: 34 }, () => [NOON, 0, sketch]) },
  ])('$name', ({ value }) => {
    const state: StateSlice = { [key]: { value, until: NOON + MINUTE } }
    const result = run(load({ rules: [one] }), state).judge(A)
    expect([result.verdict, ...codes(result)]).toEqual(['deny', 'STATE_INVALID'])
  })
})

test.for([
  { name: 'its own', leaveOut: NOON + SECOND, want: 'allow' },
  { name: 'one that never was', leaveOut: NOON + 30 * SECOND, want: 'hold' },
])('an approval leaves out $name -> $want', ({ leaveOut, want }) => {
  const { judge, state } = run(load({ rules: [one] }))
  judge(A, NOON)
  judge(B, NOON + SECOND)
  const input = { action: action(C), state: state(), now: NOON + 60 * SECOND, key: KEY, leaveOut }
  expect(evaluate(load({ rules: [one] }), input).verdict).toBe(want)
})

test('a finding says how many are alike, and no clear value', () => {
  const { judge } = run(load({ rules: [rule({ kind, ...BY_PATH, verdict: 'hold' })] }))
  judge(A)
  judge(B)
  const result = judge(C)
  expect(result.findings[0]).toMatchObject({
    message: 'Nearly the same call, 3 times within 10m.',
    evidence: {
      repeats: 3,
      within: '10m',
      similarity: 0.85,
      alike: 3,
      compared: ['payload.query'],
    },
  })
  expect(JSON.stringify(result)).not.toContain('refund policy')
})

test('the same calls give the same bytes', () => {
  const bytes = (): string => {
    const { judge, state } = run(
      load({ rules: [one, rule({ ...EMBEDDED, kind, id: 'test/vector' })] }),
    )
    const context: JsonObject = { embedding: [0.1, -0.7, 0.25] }
    return JSON.stringify([[A, B, X, C].map((call) => judge({ ...call, context })), state()])
  }
  expect(bytes()).toBe(bytes())
})

test.for([
  { name: 'no window', spec: { repeats: 3, similarity: 0.8 } },
  { name: 'one repeat', spec: { ...spec, repeats: 1 } },
  { name: 'too many repeats', spec: { ...spec, repeats: 17 } },
  { name: 'no similarity', spec: { repeats: 3, within: '10m' } },
  { name: 'a similarity of NaN', spec: { ...spec, similarity: Number.NaN } },
  { name: 'a similarity above 1', spec: { ...spec, similarity: 85 } },
  { name: 'no path', spec: { ...spec, paths: [] } },
  { name: 'a path to nowhere', spec: { ...spec, paths: ['paylod.x'] } },
  {
    name: 'paths and an embedding',
    spec: { ...spec, paths: ['payload.x'], embedding: 'context.e' },
  },
])('a bundle with $name does not load', ({ spec: changed }) => {
  expect(() => load({ rules: [rule({ kind, spec: changed })] })).toThrow(/test\/rule/)
})
