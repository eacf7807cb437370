import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { FieldTest } from '../../../src/model/generated/types.ts'
import {
  negatedTest,
  weakerNumbers,
  weakerTest,
} from '../../../src/policy/analyse/mutate-limits.ts'

test.for<{ name: string; of: FieldTest; want: FieldTest | null }>([
  { name: 'equals', of: { path: 'p', equals: 1 }, want: { path: 'p', not_equals: 1 } },
  { name: 'not_equals', of: { path: 'p', not_equals: 1 }, want: { path: 'p', equals: 1 } },
  { name: 'one_of', of: { path: 'p', one_of: [1] }, want: { path: 'p', none_of: [1] } },
  { name: 'matches', of: { path: 'p', matches: 'a' }, want: { path: 'p', not_matches: 'a' } },
  { name: 'above', of: { path: 'p', above: 1 }, want: { path: 'p', below: 1 + Number.EPSILON } },
  { name: 'longer_than', of: { path: 'p', longer_than: 1 }, want: null },
])('$name turned round', ({ of, want }) => {
  expect(negatedTest(of)?.test ?? null).toEqual(want)
})

test('a threshold turned round holds for exactly the other numbers', () => {
  const number = fc.double({ noNaN: true, noDefaultInfinity: true })
  fc.assert(
    fc.property(number, number, (limit, value) => {
      const above = negatedTest({ above: limit })?.test.below ?? Number.NaN
      const below = negatedTest({ below: limit })?.test.above ?? Number.NaN
      expect(value < above).toBe(!(value > limit))
      expect(value > below).toBe(!(value < limit))
    }),
  )
})

test.for<{ name: string; of: FieldTest; want: FieldTest[] }>([
  { name: 'a whole number', of: { above: 100 }, want: [{ above: 101 }] },
  { name: 'a fraction', of: { above: 0.05 }, want: [{ above: 0.06 }] },
  { name: 'a lower bound', of: { below: 0.3 }, want: [{ below: 0.2 }] },
  { name: 'a length', of: { longer_than: 0 }, want: [{ longer_than: 1 }] },
  { name: 'no threshold', of: { equals: 3 }, want: [] },
])('$name, one step weaker', ({ of, want }) => {
  expect(weakerTest(of).map(({ test: weaker }) => weaker)).toEqual(want)
})

test.for<{ name: string; kind: string; spec: Record<string, unknown>; want: object[] }>([
  {
    name: 'a limit',
    kind: 'velocity',
    spec: { limit: 5, per: '1m' },
    want: [{ limit: 6, per: '1m' }],
  },
  {
    name: 'a cycle',
    kind: 'loop',
    spec: { repeats: 3, period_max: 2 },
    want: [
      { repeats: 4, period_max: 2 },
      { repeats: 3, period_max: 1 },
    ],
  },
  { name: 'a bound from below', kind: 'confidence', spec: { below: 0.8 }, want: [{ below: 0.7 }] },
  {
    name: 'a number inside',
    kind: 'other',
    spec: { a: { count_max: 2 } },
    want: [{ a: { count_max: 3 } }],
  },
  {
    name: 'money',
    kind: 'cost',
    spec: { limit: { amount: '9.99', currency: 'EUR' } },
    want: [{ limit: { amount: '10', currency: 'EUR' } }],
  },
  { name: 'what is compared', kind: 'pattern', spec: { equals: 3, one_of: [1, 2] }, want: [] },
])('settings: $name', ({ kind, spec, want }) => {
  expect(weakerNumbers(kind, spec).map((one) => one.spec)).toEqual(want)
})
