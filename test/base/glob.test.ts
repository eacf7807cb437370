import fc from 'fast-check'
import { expect, test } from 'vitest'
import { compileGlob, isLiteral } from '../../src/base/glob.ts'

test.for([
  ['refund_*', ['refund_', 'refund_order'], ['refund', 'a_refund_x', 'Refund_x']],
  ['*', ['', 'a', 'a.b/c'], []],
  ['', [''], ['a']],
  ['*.read', ['.read', 'mail.read'], ['mail.reads', 'read']],
  ['a*b*c', ['abc', 'aXbYc', 'abbcc'], ['ab', 'acb', 'abcX', 'Xabc']],
  ['a*a', ['aa', 'aba'], ['a', 'ab']],
  ['*ab*ab*', ['abab', 'xabyabz'], ['ab', 'aba', 'abba']],
  ['a**b', ['ab', 'axb'], ['a', 'b']],
  ['a.b', ['a.b'], ['axb']],
  ['[a]?', ['[a]?'], ['a', 'ab']],
] as const)('%s', ([pattern, yes, no]) => {
  const matches = compileGlob(pattern)
  for (const name of yes) expect(matches(name), name).toBe(true)
  for (const name of no) expect(matches(name), name).toBe(false)
  expect(isLiteral(pattern)).toBe(!pattern.includes('*'))
})

test('any pattern and name -> what the regular expression says', () => {
  const word = fc.string({ unit: fc.constantFrom('a', 'b', '*'), maxLength: 8 })
  fc.assert(
    fc.property(word, word, (pattern, name) => {
      const want = new RegExp(`^${pattern.replaceAll(/\*+/g, '[^]*')}$`).test(name)
      expect(compileGlob(pattern)(name)).toBe(want)
    }),
    { numRuns: 3000 },
  )
})

test('a pattern that backtracks elsewhere ends at once', () => {
  expect(compileGlob(`${'a*'.repeat(30)}b`)('a'.repeat(100_000))).toBe(false)
})
