import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { Ranges } from '../../../../src/decide/rego/regex/ranges.ts'
import {
  caseVariants,
  isLetter,
  isLetterOrDigit,
  lowerCase,
  unicodeClass,
  upperCase,
} from '../../../../src/decide/rego/regex/unicode.ts'

// Written by Go: see the file's own words.
const { unicode } = JSON.parse(
  readFileSync(new URL('../../../vectors/rego/regex.json', import.meta.url), 'utf8'),
) as {
  unicode: {
    classes: Record<string, [number, number]>
    lower: number
    upper: number
    fold: number
  }
}

/** FNV-1a over three bytes of each code point, and how many there are. */
function hashOf(points: Iterable<number>): readonly [number, number] {
  let [hash, count] = [0x811c9dc5, 0]
  for (const point of points) {
    count++
    for (const byte of [point >> 16, (point >> 8) & 0xff, point & 0xff]) {
      hash = Math.imul(hash ^ byte, 0x01000193) >>> 0
    }
  }
  return [count, hash]
}

function* members(ranges: Ranges): Generator<number> {
  for (let at = 0; at < ranges.length; at += 2) {
    for (let point = ranges[at] ?? 0; point <= (ranges[at + 1] ?? 0); point++) yield point
  }
}

function* everyPoint(map: (point: number) => number): Generator<number> {
  for (let point = 0; point <= 0x10ffff; point++) yield map(point)
}

test('classes hold what Go has in them', () => {
  const names = Object.keys(unicode.classes)
  expect(names.length).toBeGreaterThan(150)
  const got = names.map((name) => [name, hashOf(members(unicodeClass(name)?.ranges ?? []))])
  expect(Object.fromEntries(got)).toEqual(unicode.classes)
})

test.for([
  ['greek', 'Greek'],
  ['letter', 'L'],
  ['Uppercase_Letter', 'Lu'],
  ['upper case-letter', 'Lu'],
  ['lc', 'LC'],
] as const)('%s -> %s', ([name, same]) => {
  expect(unicodeClass(name)?.ranges).toEqual(unicodeClass(same)?.ranges)
})

test.for(['', 'X', 'Old_Italic', '__proto__', 'constructor', 'Gréek'])('%s -> no class', (name) => {
  expect(unicodeClass(name)).toBeUndefined()
})

describe('case', () => {
  test('lower and upper are those of Go', () => {
    const all = [...everyPoint((point) => point)]
    const halves = all.slice(0xd800, 0xe000)
    const text = [...all.slice(0, 0xd800), ...all.slice(0xe000)]
      .map((point) => String.fromCodePoint(point))
      .join('')
    // No text holds half a pair, but the hash counts them all.
    const points = (changed: string): number[] => {
      const found = Array.from(changed, (sign) => sign.codePointAt(0) ?? 0)
      return [...found.slice(0, 0xd800), ...halves, ...found.slice(0xd800)]
    }
    expect(hashOf(points(lowerCase(text)))[1]).toBe(unicode.lower)
    expect(hashOf(points(upperCase(text)))[1]).toBe(unicode.upper)
  })

  test('variants are those of Go, one after the other', () => {
    const next = (point: number): number => {
      const variants = caseVariants(point)
      return variants?.[(variants.indexOf(point) + 1) % variants.length] ?? point
    }
    expect(hashOf(everyPoint(next))[1]).toBe(unicode.fold)
  })
})

test('letters and digits', () => {
  expect([...'aZ9_é٣二-😀 '].map((sign) => isLetterOrDigit(sign.codePointAt(0) ?? 0))).toEqual([
    true,
    true,
    true,
    false,
    true,
    true,
    true,
    false,
    false,
    false,
  ])
  expect([...'a9٣é'].map((sign) => isLetter(sign.codePointAt(0) ?? 0))).toEqual([
    true,
    false,
    false,
    true,
  ])
})
