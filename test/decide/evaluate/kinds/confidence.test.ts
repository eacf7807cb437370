import { describe, expect, test } from 'vitest'
import type { JsonValue } from '../../../../src/base/json-value.ts'
import type { Priority } from '../../../../src/model/generated/types.ts'
import { judgeOne, load, type RuleChanges, rule, run, tool } from '../fixtures.ts'
import type { Label } from './labels.ts'
import { missingLabels } from './labels.ts'

const each = (below: number) => ({ low: below, medium: below, high: below, critical: below })
const kind = 'confidence'
const byPriority = { below: { low: 0.5, medium: 0.7, high: 0.9, critical: 1 } }

type Case = {
  readonly label: Label
  readonly name: string
  readonly context?: Record<string, JsonValue>
  readonly priority?: Priority
  readonly rule?: RuleChanges
  readonly want: string
  readonly says?: RegExp
}

const unfit = /no number from 0 to 1/
const unsaid = /does not say/

const CASES: readonly Case[] = [
  { label: 'allow', name: 'surely', context: { confidence: 0.93 }, want: 'allow' },
  { label: 'allow', name: 'wholly', context: { confidence: 1 }, want: 'allow' },
  { label: 'hold', name: 'unsure', context: { confidence: 0.4 }, want: 'hold', says: /less sure/ },
  {
    label: 'deny',
    name: 'unsure where unsure is denied',
    context: { confidence: 0.4 },
    rule: { verdict: 'deny' },
    want: 'deny',
  },
  {
    label: 'shadow',
    name: 'unsure in shadow',
    context: { confidence: 0.4 },
    rule: { mode: 'shadow' },
    want: 'allow',
    says: /less sure/,
  },
  {
    label: 'shadow',
    name: 'silent in shadow',
    rule: { mode: 'shadow' },
    want: 'allow',
    says: unsaid,
  },
  { label: 'boundary', name: 'the threshold itself', context: { confidence: 0.8 }, want: 'allow' },
  {
    label: 'boundary',
    name: 'the double before it',
    context: { confidence: 0.7999999999999999 },
    want: 'hold',
  },
  {
    label: 'boundary',
    name: 'nought',
    context: { confidence: 0 },
    want: 'hold',
    says: /less sure/,
  },
  { label: 'boundary', name: 'minus nought', context: { confidence: -0 }, want: 'hold' },
  {
    label: 'boundary',
    name: 'enough at low',
    context: { confidence: 0.5 },
    priority: 'low',
    rule: { spec: byPriority },
    want: 'allow',
  },
  {
    label: 'boundary',
    name: 'the same at medium',
    context: { confidence: 0.5 },
    priority: 'medium',
    rule: { spec: byPriority },
    want: 'hold',
  },
  {
    label: 'boundary',
    name: 'all but certain at critical',
    context: { confidence: 0.999 },
    priority: 'critical',
    rule: { spec: byPriority },
    want: 'hold',
  },
  {
    label: 'boundary',
    name: 'a threshold of 0 still wants a number',
    rule: { spec: { below: each(0) } },
    want: 'hold',
    says: unsaid,
  },
  { label: 'bad-input', name: 'silent', want: 'hold', says: unsaid },
  { label: 'bad-input', name: 'null', context: { confidence: null }, want: 'hold', says: unfit },
  { label: 'bad-input', name: 'text', context: { confidence: '0.99' }, want: 'hold', says: unfit },
  { label: 'bad-input', name: 'true', context: { confidence: true }, want: 'hold', says: unfit },
  {
    label: 'bad-input',
    name: 'a list',
    context: { confidence: [0.99] },
    want: 'hold',
    says: unfit,
  },
  { label: 'bad-input', name: 'percent', context: { confidence: 93 }, want: 'hold', says: unfit },
  {
    label: 'bad-input',
    name: 'beyond 1',
    context: { confidence: 1.0000000000000002 },
    want: 'hold',
  },
  {
    label: 'bad-input',
    name: 'negative',
    context: { confidence: -0.1 },
    want: 'hold',
    says: unfit,
  },
  {
    label: 'bad-input',
    name: 'NaN',
    context: { confidence: Number.NaN },
    want: 'hold',
    says: unfit,
  },
  {
    label: 'bad-input',
    name: 'infinity',
    context: { confidence: Number.POSITIVE_INFINITY },
    want: 'hold',
    says: unfit,
  },
  {
    label: 'bad-input',
    name: 'another name',
    context: { Confidence: 0.99 },
    want: 'hold',
    says: unsaid,
  },
]

test.for(CASES)('$label: $name -> $want', ({ context, priority, rule: changes, want, says }) => {
  const spec = { below: each(0.8) }
  const result = judgeOne(rule({ kind, spec, verdict: 'hold', ...changes }), {
    context: context ?? {},
    ...(priority === undefined ? {} : { priority }),
  })
  expect(result.verdict).toBe(want)
  if (says !== undefined) expect(result.findings[0]?.message).toMatch(says)
})

test('the table has every label', () => {
  expect(missingLabels(CASES)).toEqual([])
})

describe('several values', () => {
  const spec = { field: 'payload.steps[].sure', below: each(0.8) }
  test.for([
    { name: 'all sure', sure: [0.9, 0.8], want: 'allow' },
    { name: 'one unsure', sure: [0.9, 0.2], want: 'hold' },
    { name: 'one unfit', sure: [0.9, 'yes'], want: 'hold' },
    { name: 'one missing', sure: [0.9, null], want: 'hold' },
    { name: 'none', sure: [], want: 'hold' },
  ])('$name -> $want', ({ sure, want }) => {
    const steps = sure.map((one) => (one === null ? {} : { sure: one }))
    expect(judgeOne(rule({ kind, spec, verdict: 'hold' }), { payload: { steps } }).verdict).toBe(
      want,
    )
  })
})

test("the policy's priority counts where it is higher than the caller's", () => {
  const rules = [rule({ kind, spec: byPriority, verdict: 'hold' })]
  const { judge } = run(load({ rules, tools: [tool({ priority: 'high' })] }))
  const judged = judge({ context: { confidence: 0.8 }, priority: 'low' })
  expect(judged.findings[0]?.evidence).toMatchObject({ below: 0.9, priority: 'high' })
})

test('evidence holds no clear value', () => {
  const result = judgeOne(rule({ kind, spec: { below: each(0.8) } }), {
    context: { confidence: 'ana@example.org' },
  })
  expect(JSON.stringify(result)).not.toContain('ana@')
  expect(result.findings[0]?.evidence).toMatchObject({
    found: [expect.stringMatching(/^[0-9a-f]{16}$/)],
  })
})

test.for([
  { name: 'no thresholds', spec: {} },
  { name: 'one priority short', spec: { below: { low: 0.5, medium: 0.5, high: 0.5 } } },
  { name: 'above 1', spec: { below: each(2) } },
  { name: 'NaN', spec: { below: each(Number.NaN) } },
  { name: 'a text', spec: { below: { ...each(0.5), low: '0.5' } } },
  { name: 'a field that no action has', spec: { below: each(0.5), field: 'contxt.confidence' } },
])('a bundle with $name does not load', ({ spec }) => {
  expect(() => load({ rules: [rule({ kind, spec })] })).toThrow(/test\/rule/)
})
