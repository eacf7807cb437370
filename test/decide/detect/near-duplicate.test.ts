import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { hmacKey } from '../../../src/base/digest.ts'
import type { JsonValue } from '../../../src/base/json-value.ts'
import {
  cosineOf,
  PIECES_MAX,
  similarityOf,
  sketchValues,
  sketchVector,
  VECTOR_LENGTH_MAX,
} from '../../../src/decide/detect/near-duplicate.ts'

const KEY = hmacKey(new Uint8Array(32).fill(7))
const OTHER = hmacKey(new Uint8Array(32).fill(8))

function sketch(value: JsonValue, key = KEY): Uint8Array {
  const made = sketchValues([{ name: 'payload', value }], key)
  if (made === null) throw new Error('too long')
  return made
}

function alike(a: JsonValue, b: JsonValue): number {
  return similarityOf(sketch(a), sketch(b))
}

const QUESTION = 'Find the refund policy for orders that were damaged during shipping to Germany'

describe('texts that are alike', () => {
  test.for<{ name: string; a: JsonValue; b: JsonValue }>([
    { name: 'a word before', a: QUESTION, b: `Please ${QUESTION}` },
    { name: 'a number behind', a: QUESTION, b: `${QUESTION} 2` },
    { name: 'capitals', a: QUESTION, b: QUESTION.toUpperCase() },
    { name: 'line ends', a: QUESTION, b: QUESTION.replaceAll(' ', '\r\n  ') },
    { name: 'a counter beside', a: { q: QUESTION, try: 1 }, b: { q: QUESTION, try: 2 } },
    { name: 'another order of keys', a: { x: 1, q: QUESTION }, b: { q: QUESTION, x: 1 } },
    { name: 'another order of a list', a: [QUESTION, 'b', 'c'], b: ['c', QUESTION, 'b'] },
  ])('$name', ({ a, b }) => {
    expect(alike(a, b)).toBeGreaterThanOrEqual(0.85)
  })
})

describe('texts that are not', () => {
  test.for<{ name: string; a: JsonValue; b: JsonValue }>([
    {
      name: 'another country and thing',
      a: QUESTION,
      b: QUESTION.replace(/Germany|damaged/g, 'Peru'),
    },
    { name: 'another order', a: { order_id: '#W1234567' }, b: { order_id: '#W1234568' } },
    {
      name: 'other amounts under the same names',
      a: { amount: 10, currency: 'EUR', user_id: 'u1' },
      b: { amount: 25, currency: 'EUR', user_id: 'u2' },
    },
    { name: 'the same under another name', a: { from: QUESTION }, b: { to: QUESTION } },
    { name: 'nothing and something', a: {}, b: { q: '' } },
    { name: 'an empty list and an empty object', a: [], b: {} },
    { name: 'a number and its text beside others', a: [1, 2, 3, 4], b: [5, 6, 7, 8] },
  ])('$name', ({ a, b }) => {
    expect(alike(a, b)).toBeLessThan(0.8)
  })
})

test('equal values have equal sketches, and similarity 1', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 3 }), (value) => {
      expect(sketch(value as JsonValue)).toEqual(sketch(structuredClone(value) as JsonValue))
      expect(alike(value as JsonValue, value as JsonValue)).toBe(1)
    }),
    { numRuns: 100 },
  )
})

test('under another key the same text is like a strange one', () => {
  expect(similarityOf(sketch(QUESTION), sketch(QUESTION, OTHER))).toBeLessThan(0.1)
})

/** Texts of many words; changing a share of the words leads from equal to strange. */
function changed(words: readonly number[], share: number): { a: string; b: string } {
  const wordOf = (i: number): string => `w${((i * 7919) % 99_991).toString(36)}`
  const count = Math.round(words.length * share)
  const other = words.map((word, i) => (i < count ? word + 50_000 : word))
  return { a: words.map(wordOf).join(' '), b: other.map(wordOf).join(' ') }
}

const WORDS = fc.array(fc.integer({ min: 0, max: 40_000 }), { minLength: 60, maxLength: 300 })

test('the estimate is within five standard deviations of the exact index', () => {
  fc.assert(
    fc.property(WORDS, fc.double({ min: 0, max: 1, noNaN: true }), (words, share) => {
      const { a, b } = changed(words, share)
      expect(Math.abs(alike(a, b) - exactIndex(a, b))).toBeLessThan(5 * 0.031)
    }),
    { numRuns: 60, seed: 1 },
  )
})

test('on average the estimate neither flatters nor hides, and errs by less than 0.031', () => {
  const errors = Array.from({ length: 150 }, (_, i) => {
    const words = Array.from({ length: 120 }, (_unused, j) => i * 200 + j)
    const { a, b } = changed(words, 0.15)
    return alike(a, b) - exactIndex(a, b)
  })
  const mean = errors.reduce((sum, error) => sum + error, 0) / errors.length
  const deviation = Math.sqrt(errors.reduce((sum, error) => sum + error ** 2, 0) / errors.length)
  expect(Math.abs(mean)).toBeLessThan(0.006)
  expect(deviation).toBeLessThan(0.031)
})

function exactIndex(a: string, b: string): number {
  const [first, second] = [pieces(a), pieces(b)]
  const both = [...first].filter((piece) => second.has(piece)).length
  return both / (first.size + second.size - both)
}

function pieces(text: string): Set<string> {
  return new Set(Array.from({ length: text.length - 4 }, (_, i) => text.slice(i, i + 5)))
}

test.for([
  { name: 'a long text', value: 'x'.repeat(PIECES_MAX + 5) },
  { name: 'many short ones', value: Array.from({ length: PIECES_MAX + 1 }, () => 'a') },
])('beyond its bound $name has no sketch', ({ value }) => {
  expect(sketchValues([{ name: 'payload', value }], KEY)).toBe(null)
})

test('at its bound a text has one', () => {
  expect(sketchValues([{ name: 'p', value: 'x'.repeat(PIECES_MAX + 4) }], KEY)).not.toBe(null)
})

const NUMBER = fc.double({ min: -1, max: 1, noNaN: true }).filter((x) => Math.abs(x) > 1e-3)

describe('vectors', () => {
  test('the estimate of the cosine is within five standard deviations', () => {
    const pair = fc
      .integer({ min: 2, max: 300 })
      .chain((length) =>
        fc.tuple(...[0, 1].map(() => fc.array(NUMBER, { minLength: length, maxLength: length }))),
      )
    fc.assert(
      fc.property(pair, ([a = [], b = []]) => {
        const estimate = cosineOf(sketchVector(a, KEY), sketchVector(b, KEY))
        expect(Math.abs(estimate - exactCosine(a, b))).toBeLessThan(5 * 0.035)
      }),
      { numRuns: 60, seed: 1 },
    )
  })

  test.for([
    { name: 'itself', b: [3, 4, 5], want: 1 },
    { name: 'a multiple of it', b: [3e300, 4e300, 5e300], want: 1 },
    { name: 'a tiny part of it', b: [3e-300, 4e-300, 5e-300], want: 1 },
    { name: 'its opposite', b: [-3, -4, -5], want: -1 },
  ])('a vector and $name -> $want', ({ b, want }) => {
    const cosine = cosineOf(sketchVector([3, 4, 5], KEY), sketchVector(b, KEY))
    expect(cosine).toBeCloseTo(want, 9)
  })

  test('the largest vector', () => {
    const vector = Array.from({ length: VECTOR_LENGTH_MAX }, (_, i) => ((i * 37) % 101) - 50)
    const other = vector.map((number, i) => (i % 10 === 0 ? -number : number))
    const estimate = cosineOf(sketchVector(vector, KEY), sketchVector(other, KEY))
    expect(Math.abs(estimate - exactCosine(vector, other))).toBeLessThan(0.1)
  })

  test('under another key the same vector is like a strange one', () => {
    const cosine = cosineOf(sketchVector([3, 4, 5], KEY), sketchVector([3, 4, 5], OTHER))
    expect(Math.abs(cosine)).toBeLessThan(0.2)
  })
})

function exactCosine(a: readonly number[], b: readonly number[]): number {
  const dot = a.reduce((sum, number, i) => sum + number * (b[i] ?? 0), 0)
  return dot / (Math.hypot(...a) * Math.hypot(...b))
}
