import fc from 'fast-check'
import { expect, test } from 'vitest'
import { compareStrings } from '../../../../src/decide/rego/values/value.ts'
import { cpuMs } from '../../../support/cpu.ts'

/** The definition: code point by code point. */
function byCodePoints(a: string, b: string): number {
  const [left, right] = [[...a], [...b]]
  for (let at = 0; at < Math.min(left.length, right.length); at++) {
    const difference = (left[at]?.codePointAt(0) ?? 0) - (right[at]?.codePointAt(0) ?? 0)
    if (difference !== 0) return difference
  }
  return left.length - right.length
}

test('orders texts with long beginnings in common by code point', () => {
  const end = fc.string({
    unit: fc.constantFrom('a', 'b', '\u{ff5e}', '\u{1f600}', '\u{1f601}'),
    maxLength: 3,
  })
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 1_600 }), end, end, (length, x, y) => {
      const prefix = '\u{1f600}b'.repeat(Math.floor(length / 3)) + 'c'.repeat(length % 3)
      const [a, b] = [prefix + x, prefix + y]
      expect(Math.sign(compareStrings(a, b))).toBe(Math.sign(byCodePoints(a, b)))
      expect(Math.sign(compareStrings(a, prefix))).toBe(Math.sign(byCodePoints(a, prefix)))
    }),
  )
})

test('compares long texts that differ only at the end without looking at each unit', () => {
  const texts = Array.from({ length: 300 }, (_, at) => 'a'.repeat(200_000) + String(1_000 - at))
  const before = cpuMs()
  texts.sort(compareStrings)
  // 300 texts take some 2,500 comparisons: over two seconds by unit, a tenth of one by chunks.
  expect(cpuMs() - before).toBeLessThan(6_000)
  expect(texts[0]?.endsWith('a1000')).toBe(true)
})
