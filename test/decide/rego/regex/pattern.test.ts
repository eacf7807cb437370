import fc from 'fast-check'
import { RE2JS } from 're2js'
import { describe, expect, test } from 'vitest'
import type { Pattern } from '../../../../src/decide/rego/regex/pattern.ts'
import { compilePattern, eachMatch, isMatch } from '../../../../src/decide/rego/regex/pattern.ts'
import { newRecognizer, recognizes } from '../../../../src/decide/rego/regex/recognizer.ts'
import { UNMETERED } from '../../../../src/decide/rego/regex/syntax.ts'
import { cpuMs } from '../../../support/cpu.ts'
import { patterns, texts } from './generated-patterns.ts'

type Bounds = readonly (string | number | undefined)[]

function matchesOf(pattern: Pattern, text: string): readonly Bounds[] {
  const found: Bounds[] = []
  const options = { meter: UNMETERED, limit: -1, groups: true }
  eachMatch(pattern, text, options, ({ start, end, groups }) => found.push([start, end, ...groups]))
  return found
}

function matchesOfRe2js(source: string, text: string): readonly Bounds[] {
  const matcher = RE2JS.compile(source).matcher(text)
  const found: Bounds[] = []
  let last = -1
  while (matcher.find()) {
    const [start, end] = [matcher.start(), matcher.end()]
    // It takes empty matches right behind another; Go does not.
    if (start < end || start !== last) {
      const groups = Array.from({ length: matcher.groupCount() + 1 }, (_, i) => matcher.group(i))
      found.push([start, end, ...groups.map((group) => group ?? undefined)])
    }
    last = end
  }
  return found
}

function withoutNative(pattern: Pattern): Pattern {
  return { ...pattern, native: undefined }
}

describe('generated patterns', () => {
  test('our engines and an engine of others find the same', () => {
    fc.assert(
      fc.property(patterns, texts, (source, text) => {
        const pattern = compilePattern(source, UNMETERED)
        const want = matchesOfRe2js(source, text)
        expect(matchesOf(pattern, text)).toEqual(want)
        expect(matchesOf(withoutNative(pattern), text)).toEqual(want)
        expect(isMatch(pattern, text, UNMETERED)).toBe(want.length > 0)
        expect(isMatch(withoutNative(pattern), text, UNMETERED)).toBe(want.length > 0)
      }),
      { numRuns: 1500 },
    )
  }, 60_000)

  test('groups that are not asked for change no bounds', () => {
    fc.assert(
      fc.property(patterns, texts, (source, text) => {
        const pattern = withoutNative(compilePattern(source, UNMETERED))
        const bounds: Bounds[] = []
        eachMatch(pattern, text, { meter: UNMETERED, limit: 3, groups: false }, (match) => {
          expect(match.groups).toEqual([text.slice(match.start, match.end)])
          bounds.push([match.start, match.end])
        })
        expect(bounds).toEqual(
          matchesOf(pattern, text)
            .slice(0, 3)
            .map((match) => match.slice(0, 2)),
        )
      }),
      { numRuns: 500 },
    )
  })
})

/** Text without a period: the high bits of a linear congruential generator. */
function noise(length: number, seed: number): string {
  let state = seed
  return Array.from({ length }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state >>> 31 === 0 ? 'a' : 'b'
  }).join('')
}

function counted(run: (meter: { work(units: number): void }) => void): number {
  let total = 0
  run({
    work(units) {
      total += units
    },
  })
  return total
}

describe('more states than there is room for', () => {
  // Each of the last eleven characters is remembered: 2,048 states and more.
  const source = '[ab]*a[ab]{10}c'

  test('answers stay right', () => {
    const { program } = compilePattern(source, UNMETERED)
    const recognizer = newRecognizer(program)
    for (let seed = 1; seed < 9; seed++) {
      const text = `${noise(3000, seed)}${seed % 2 === 0 ? 'c' : ''}`
      const want = text.endsWith('c') && text.at(-12) === 'a'
      expect(recognizes(recognizer, text, UNMETERED)).toBe(want)
    }
  })

  test('what a text is charged does not depend on the texts before', () => {
    const { program } = compilePattern(source, UNMETERED)
    const used = newRecognizer(program)
    for (let seed = 1; seed < 9; seed++) {
      const text = noise(seed * 400, seed)
      const warm = counted((meter) => recognizes(used, text, meter))
      const cold = counted((meter) => recognizes(newRecognizer(program), text, meter))
      expect(warm).toBe(cold)
    }
  })

  test('a meter that ends it leaves it usable', () => {
    const { program } = compilePattern(source, UNMETERED)
    const recognizer = newRecognizer(program)
    let left = 500
    const work = (units: number): void => {
      left -= units
      if (left < 0) throw new Error('enough')
    }
    expect(() => recognizes(recognizer, noise(3000, 1), { work })).toThrow('enough')
    expect(recognizes(recognizer, `a${noise(10, 3)}c`, UNMETERED)).toBe(true)
  })
})

describe('a text that is too long for the engine of JavaScript', () => {
  test.for([
    { source: '^(?:[a-z]+\\.)+$', text: 'abc.'.repeat(50_000), want: true },
    { source: '^(?:[a-z]+\\.)+$', text: `${'abc.'.repeat(50_000)}!`, want: false },
    { source: 'x[0-9]{3}', text: `${'x12'.repeat(50_000)}x123`, want: true },
  ])('$source -> $want', ({ source, text, want }) => {
    const pattern = compilePattern(source, UNMETERED)
    expect(pattern.native).toBeDefined()
    expect(isMatch(pattern, text, UNMETERED)).toBe(want)
    expect(matchesOf(pattern, text).length > 0).toBe(want)
  })
})

test('a pattern far from any of ours -> linear time', () => {
  const text = 'a'.repeat(40_000)
  const start = cpuMs()
  for (const source of ['(a+)+$', '(a|aa)+b', '(.*)*=', '(a?){50}a{50}b', '^(a|a)*$']) {
    isMatch(compilePattern(`${source}!`, UNMETERED), text, UNMETERED)
    const options = { meter: UNMETERED, limit: 1, groups: true }
    eachMatch(compilePattern(`${source}!`, UNMETERED), text, options, () => {})
  }
  expect(cpuMs() - start).toBeLessThan(40_000)
})
