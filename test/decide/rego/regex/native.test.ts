import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { compilePattern, eachMatch, isMatch } from '../../../../src/decide/rego/regex/pattern.ts'
import { UNMETERED } from '../../../../src/decide/rego/regex/syntax.ts'
import { cpuMs } from '../../../support/cpu.ts'
import { patterns } from './generated-patterns.ts'

const native = (source: string) => compilePattern(source, UNMETERED).native

describe('a pattern that is linear for an engine that backtracks', () => {
  test.for([
    '^[a-z0-9-]+\\.example\\.com$',
    '(?i)password|secret',
    '^/etc/',
    'AKIA[0-9A-Z]{16}',
    '\\b\\d{3}-\\d{2}-\\d{4}\\b',
    '^(?:[a-z]+/)+$',
    '\\s+',
    '[^a-z]+',
    '\\d{4,}',
    '^"[^"]*"$',
    '^v?(\\d+)\\.(\\d+)$',
    'ab?c',
    '(?m)a$',
    '^(?:(\\d+),)+$',
  ])('%s -> native', (source) => {
    expect(native(source)).toBeDefined()
  })
})

describe('one that is not, or that means something else there', () => {
  test.for([
    { source: '(a+)+$', why: 'a loop in a loop' },
    { source: '^(?:a|a)*$', why: 'two ways for one character' },
    { source: '^(?:a|ab)c', why: 'two ways for a start' },
    { source: '^.*\\.exe$', why: 'a dot before a dot' },
    { source: '^(?:a?)*b', why: 'an empty turn' },
    { source: '^(?:|a?)b', why: 'two ways to be empty' },
    { source: '\\s+$', why: 'a loop before a condition, anywhere' },
    { source: '\\w+@\\w+', why: 'a loop that may come to nothing, anywhere' },
    { source: '"[^"]*"', why: 'a loop that may come to nothing, anywhere' },
    { source: '[a-z]{1,100}[0-9]', why: 'a long count that may come to nothing, anywhere' },
    { source: '(?:ab){100}', why: 'a long count that may come to nothing, anywhere' },
    { source: 'a*', why: 'a match of nothing, which could split a character' },
    { source: '(?m)^a', why: 'a look behind' },
    {
      source: `^(?:${Array.from({ length: 60 }, (_, i) => String.fromCodePoint(0x4e00 + i)).join('b|')})`,
      why: 'many ways',
    },
    { source: '^[a-z]{1,3}'.padEnd(400, 'x'), why: 'many places' },
  ])('$source, $why -> not native', ({ source }) => {
    expect(native(source)).toBeUndefined()
  })

  test.for([
    { source: '^(?:(a)|b)*$', why: 'which a turn leaves out' },
    { source: '^(?:(a)?b)*$', why: 'which a turn leaves out' },
    { source: '^(?:a(?:(b)|c))+$', why: 'which a turn leaves out' },
  ])('groups of $source, $why -> found by our engine', ({ source }) => {
    expect(native(source)).toBeDefined()
    expect(native(source)?.search).toBeUndefined()
  })

  test('a group that an earlier turn set -> kept, as RE2 does', () => {
    const groups: (string | undefined)[] = []
    const options = { meter: UNMETERED, limit: -1, groups: true }
    eachMatch(compilePattern('^(?:(a)|b)*$', UNMETERED), 'ab', options, (match) =>
      groups.push(...match.groups),
    )
    expect(groups).toEqual(['ab', 'a'])
  })
})

test('a native pattern -> short whatever the text', () => {
  const pieces = fc.array(fc.constantFrom('a', 'b', 'ab', 'aab', '1', ' ', 'k-', 'é'), {
    minLength: 1,
    maxLength: 4,
  })
  fc.assert(
    fc.property(patterns, pieces, fc.constantFrom('', '!', 'a', '\n'), (source, parts, end) => {
      const pattern = compilePattern(source, UNMETERED)
      fc.pre(pattern.native !== undefined)
      const text = parts.join('').repeat(60_000).slice(0, 60_000) + end
      const start = cpuMs()
      isMatch(pattern, text, UNMETERED)
      // Quadratic would be seconds.
      expect(cpuMs() - start).toBeLessThan(4_000)
    }),
    { numRuns: 60 },
  )
}, 60_000)
