import { describe, expect, test } from 'vitest'
import {
  areaUnderCurve,
  binomialInterval,
  matchedThreshold,
  percentile,
  round3,
  thresholdOf,
} from '../../../scripts/behaviour-eval/figures.ts'

const INFINITE = Number.POSITIVE_INFINITY

test.for([
  { name: 'all above', normal: [1, 2], odd: [3, 4], want: 1 },
  { name: 'all below', normal: [3, 4], odd: [1, 2], want: 0 },
  { name: 'all equal', normal: [1, 1, 1], odd: [1], want: 0.5 },
  { name: 'one above, one equal, of two', normal: [1, 2], odd: [2], want: 0.75 },
  { name: 'an infinite score against finite ones', normal: [1, 2], odd: [INFINITE], want: 1 },
  { name: 'infinite scores against each other', normal: [INFINITE], odd: [INFINITE], want: 0.5 },
])('area under the curve of $name -> $want', ({ normal, odd, want }) => {
  expect(areaUnderCurve(normal, odd)).toBe(want)
})

describe('threshold', () => {
  const upTo = (n: number) => Array.from({ length: n }, (_, i) => i + 1)

  // ceil((n+1)(1-rate)), and infinite below 1/rate - 1 scores.
  test.for([
    { n: 99, rate: 0.05, want: 95 },
    { n: 99, rate: 0.02, want: 98 },
    { n: 100, rate: 0.02, want: 99 },
    { n: 19, rate: 0.05, want: 19 },
    { n: 18, rate: 0.05, want: INFINITE },
    { n: 0, rate: 0.05, want: INFINITE },
  ])('of $n scores at $rate -> $want', ({ n, rate, want }) => {
    expect(thresholdOf(upTo(n), rate)).toBe(want)
  })

  test.for([
    { n: 100, want: 99 },
    { n: 307, want: 302 },
    { n: 10, want: 10 },
    { n: 0, want: INFINITE },
  ])('that at most 2% of $n scores exceed -> $want', ({ n, want }) => {
    expect(matchedThreshold(upTo(n).reverse(), 0.02)).toBe(want)
  })
})

// Python's round(value, 3): exact ties go to the even digit.
test.for([
  { value: 1 / 16, want: 0.062 },
  { value: 3 / 16, want: 0.188 },
  { value: 5 / 16, want: 0.312 },
  { value: 7 / 16, want: 0.438 },
  { value: 9 / 16, want: 0.562 },
  { value: 0.0005, want: 0.001 },
  { value: 2.6755, want: 2.675 },
  { value: 0.9994, want: 0.999 },
  { value: -0, want: 0 },
  { value: 1, want: 1 },
])('$value rounds to $want', ({ value, want }) => {
  expect(round3(value)).toBe(want)
})

test.for([
  { values: [], share: 0.5, want: null },
  { values: [7], share: 0.9, want: 7 },
  { values: [3, 1, 2], share: 0.5, want: 2 },
  { values: [4, 3, 2, 1], share: 0.5, want: 2 },
  { values: [10, 9, 8, 7, 6, 5, 4, 3, 2, 1], share: 0.9, want: 9 },
])('percentile $share of $values -> $want', ({ values, share, want }) => {
  expect(percentile(values, share)).toBe(want)
})

// From exact sums of binomial coefficients.
test.for([
  { n: 307, rate: 0.05, want: { from: 8, to: 23 } },
  { n: 307, rate: 0.02, want: { from: 2, to: 11 } },
  { n: 136, rate: 0.05, want: { from: 2, to: 12 } },
  { n: 136, rate: 0.02, want: { from: 0, to: 6 } },
  { n: 10, rate: 0.05, want: { from: 0, to: 2 } },
  { n: 1_000, rate: 0.5, want: { from: 469, to: 531 } },
])('95% of binomial($n, $rate) -> $want', ({ n, rate, want }) => {
  expect(binomialInterval(n, rate)).toEqual(want)
})
