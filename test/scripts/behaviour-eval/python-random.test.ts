import { expect, test } from 'vitest'
import { createPythonRandom } from '../../../scripts/behaviour-eval/python-random.ts'

// What CPython 3.11 prints for `random.Random(seed)`: the same since Python 3.2.

test.for([
  { seed: 0, want: [3626764237, 1654615998, 3255389356, 3823568514, 1806341205] },
  { seed: 2 ** 40 + 3, want: [943978446, 261273136, 2359950418] },
])('getrandbits(32) of Random($seed) -> $want', ({ seed, want }) => {
  const random = createPythonRandom(seed)
  expect(want.map(() => random.bits(32))).toEqual(want)
})

test('the thousandth number comes after the state was renewed', () => {
  const random = createPythonRandom(1)
  const numbers = Array.from({ length: 1_000 }, () => random.bits(32))
  expect(numbers.at(-1)).toBe(1877627338)
})

test.for([
  { seed: 0, length: 12, want: [1, 9, 8, 5, 10, 2, 3, 7, 4, 0, 11, 6] },
  { seed: 20261121, length: 10, want: [1, 3, 5, 6, 0, 7, 9, 4, 2, 8] },
  { seed: 0, length: 1, want: [0] },
  { seed: 0, length: 0, want: [] },
])('shuffle of $length items by Random($seed) -> $want', ({ seed, length, want }) => {
  const items = Array.from({ length }, (_, i) => i)
  expect(createPythonRandom(seed).shuffled(items)).toEqual(want)
  expect(items).toEqual(Array.from({ length }, (_, i) => i))
})

test('a long shuffle begins and ends as in Python', () => {
  const order = createPythonRandom(0).shuffled(Array.from({ length: 1_000 }, (_, i) => i))
  expect(order.slice(0, 8)).toEqual([439, 621, 160, 549, 237, 389, 658, 507])
  expect(order.slice(-8)).toEqual([988, 265, 41, 430, 911, 776, 394, 864])
})

test.for([
  { name: 'a seed that is no whole number', draw: () => createPythonRandom(0.5) },
  { name: 'a seed past 2^53', draw: () => createPythonRandom(2 ** 60) },
  { name: 'more bits than a word', draw: () => createPythonRandom(0).bits(33) },
  { name: 'a number below nothing', draw: () => createPythonRandom(0).below(0) },
])('$name is refused', ({ draw }) => {
  expect(draw).toThrow(RangeError)
})
