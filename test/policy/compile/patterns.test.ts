import fc from 'fast-check'
import { RE2JS } from 're2js'
import { describe, expect, test } from 'vitest'
import { checkPattern } from '../../../src/policy/compile/patterns.ts'

const WORDS = Array.from(
  { length: 60 },
  (_, i) => `word${String.fromCharCode(97 + (i % 26))}${i}`,
).join('|')

describe('a pattern that is fine', () => {
  test.for([
    '(?i)drop table',
    '\\s*=\\s*',
    '(ab|cd)+$',
    '(ab|cd){1,500}$',
    '(\\d{2}){3}$',
    '^(\\w+\\s)*$',
    "(?i)^[a-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*@(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\\.)+[a-z]+$",
    `(?i)\\b(?:${WORDS})\\b`,
    '(?:(?:25[0-5]|2[0-4]\\d|1?\\d?\\d)(?:\\.|$)){4}',
    '(select|insert|update|delete)(\\s+\\w+)*\\s+from',
    '([0-9a-f]{64},?)+',
    '\\Qa+b\\E+',
    '(?:a|A)+',
    '(\\.\\./)+',
    '(|a)b',
    '[]a]+|[^]b]*',
    'a{0}b{1}(c{2,}d)*',
    '(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?',
    'a{,3}{',
  ])('%s', (pattern) => {
    expect(checkPattern(pattern)).toBeNull()
  })
})

describe('a pattern that blows up in an engine that backtracks', () => {
  test.for([
    { pattern: '(a+)+$', part: '(a+)+' },
    { pattern: '^(a|a)*$', part: '(a|a)*' },
    { pattern: '(x+x+)+y', part: '(x+x+)+' },
    { pattern: '(a|aa)+$', part: '(a|aa)+' },
    { pattern: '(a|b|ab)*c', part: '(a|b|ab)*' },
    { pattern: '^(\\w+\\s?)*$', part: '(\\w+\\s?)*' },
    { pattern: 'x(([a-z])+.)+[A-Z]y', part: '(([a-z])+.)+' },
    { pattern: '(\\p{L}+)+$', part: '(\\p{L}+)+' },
    { pattern: '(\\w{1,20}){1,20}z', part: '(\\w{1,20}){1,20}' },
    { pattern: '(a|\\w){30}$', part: '(a|\\w){30}' },
    { pattern: '(?i)(?:a|A)+', part: '(?:a|A)+' },
    { pattern: '([a-z]|[[:alpha:]])+x', part: '([a-z]|[[:alpha:]])+' },
    { pattern: '(a?){30}a{30}', part: '(a?){30}' },
    { pattern: '([\\x{61}]|a)*', part: '([\\x{61}]|a)*' },
    { pattern: '(?P<n>.+)*!', part: '(?P<n>.+)*' },
    { pattern: 'ok|((b+)+|c)*', part: '(b+)+' },
  ])('$pattern -> PATTERN_UNSAFE, $part', ({ pattern, part }) => {
    const problem = checkPattern(pattern)
    expect(problem?.code).toBe('PATTERN_UNSAFE')
    expect(problem?.message).toContain(JSON.stringify(part))
  })

  test.for(['((a{1,1000}){1,1000})', '((a{1,100}){1,100})', '(((a{10}){10}){10}){10}'])(
    '%s -> PATTERN_UNSAFE, counts',
    (pattern) => {
      expect(checkPattern(pattern)).toMatchObject({
        code: 'PATTERN_UNSAFE',
        message: expect.stringContaining('nested counts'),
      })
    },
  )
})

describe('text that is no pattern', () => {
  test.for(['(a', '[a', '(?=a)', '\\1', 'a**', 'a{1,1001}', ')', '\\', '(?P<n'])(
    '%s -> PATTERN_INVALID',
    (pattern) => {
      expect(checkPattern(pattern)?.code).toBe('PATTERN_INVALID')
    },
  )
})

test('any text -> an answer, the same twice, and INVALID exactly when the engine refuses it', () => {
  const pieces = fc.constantFrom(
    'a',
    'b',
    '.',
    '\\d',
    '[a-c]',
    '[^a]',
    '(',
    ')',
    '|',
    '*',
    '+',
    '?',
    '{2}',
    '{1,9}',
    '(?i)',
    '^',
    '$',
    '\\b',
    '\\Q',
    '\\E',
    '[[:alpha:]]',
  )
  const patterns = fc.array(pieces, { maxLength: 12 }).map((list) => list.join(''))
  fc.assert(
    fc.property(patterns, (pattern) => {
      const problem = checkPattern(pattern)
      expect(checkPattern(pattern)).toEqual(problem)
      let accepted = true
      try {
        RE2JS.compile(pattern)
      } catch {
        accepted = false
      }
      if (problem?.code === 'PATTERN_INVALID') expect(accepted).toBe(false)
      else if (problem === null) expect(accepted).toBe(true)
    }),
    { numRuns: 500 },
  )
})
