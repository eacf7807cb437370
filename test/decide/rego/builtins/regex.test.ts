import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Builtin } from '../../../../src/decide/rego/builtins/builtin.ts'
import { BuiltinError } from '../../../../src/decide/rego/builtins/builtin.ts'
import { GLOB } from '../../../../src/decide/rego/builtins/glob.ts'
import { REGEX } from '../../../../src/decide/rego/builtins/regex.ts'
import type { Value } from '../../../../src/decide/rego/values/value.ts'
import { testOracleAnswers } from './oracle-answers.ts'
import { caller, newCall } from './tagged-values.ts'

const call = caller({ ...REGEX, ...GLOB })

testOracleAnswers('regex.json', REGEX)
testOracleAnswers('glob.json', GLOB)

test('what is no pattern is refused in the words of Go', () => {
  const file = new URL('../../../vectors/rego/regex.json', import.meta.url)
  const { patterns } = JSON.parse(readFileSync(file, 'utf8')) as {
    patterns: Record<string, string | null>
  }
  const got = Object.keys(patterns).map((pattern) => {
    try {
      call('regex.match', pattern, '')
      return [pattern, null]
    } catch (error) {
      return [pattern, error instanceof BuiltinError ? error.message : error]
    }
  })
  expect(Object.fromEntries(got)).toEqual(patterns)
})

describe('a glob', () => {
  test.for<{ glob: string; delimiters: Value; text: string; want: boolean }>([
    { glob: '*.example.com', delimiters: [], text: 'a.example.com', want: true },
    { glob: '*.example.com', delimiters: [], text: 'a.b.example.com', want: false },
    { glob: '*.example.com', delimiters: null, text: 'a.b.example.com', want: true },
    { glob: '**.example.com', delimiters: ['.'], text: 'a.b.example.com', want: true },
    { glob: '*.example.com', delimiters: [], text: 'a.example.com.evil', want: false },
    { glob: '*.example.com', delimiters: [], text: 'aXexampleXcom', want: false },
    { glob: '*', delimiters: null, text: 'a\nb', want: true },
    // The engine behind OPA gives up on this one too early: https://github.com/gobwas/glob, v1.0.0.
    { glob: '*{*a,}a*{b,{a,*b}}?{*a,**}', delimiters: null, text: '.baaa', want: true },
  ])('$glob with $delimiters on $text -> $want', ({ glob, delimiters, text, want }) => {
    expect(call('glob.match', glob, delimiters, text)).toBe(want)
  })

  test('of a quoted text matches that text alone', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme' }),
        fc.string({ unit: 'grapheme' }),
        (text, other) => {
          const glob = call('glob.quote_meta', text) as string
          expect(call('glob.match', glob, null, text)).toBe(true)
          expect(call('glob.match', glob, null, `${text}${other}`)).toBe(other === '')
        },
      ),
    )
  })

  test('that nests too deeply -> refused', () => {
    expect(() => call('glob.match', `${'{a,b'.repeat(2000)}${'}'.repeat(2000)}`, null, '')).toThrow(
      BuiltinError,
    )
  })
})

describe('charges', () => {
  const runs: readonly (readonly [string, ...Value[]])[] = [
    ['regex.match', '(a|b)*c', 'abab'],
    ['regex.find_n', '(a+)+$', 'aaab aaa', -1],
    ['regex.match', '^a', 'b'],
    ['regex.match', '(a|b)*c', 'abcab'],
    ['glob.match', '*a*', null, 'bab'],
    ['regex.replace', 'a1b2', '([a-z])(\\d)', '$2$1'],
    ['regex.match', '(a|b)*c', 'abab'],
  ]

  test('are the same whoever used a pattern before, and less for the second use', () => {
    const spent = (kept: Map<string, unknown>): readonly number[] => {
      const meter = newCall(kept)
      return runs.map(([name, ...operands]) => {
        const before = meter.steps
        ;(({ ...REGEX, ...GLOB })[name] as Builtin)(meter, ...operands)
        return before - meter.steps
      })
    }
    const kept = new Map<string, unknown>()
    const cold = spent(kept)
    expect(spent(kept)).toEqual(cold)
    expect(spent(new Map())).toEqual(cold)
    expect(cold[6]).toBeLessThan(cold[0] ?? 0)
  })

  test('patterns by the thousand -> what is kept stays bounded', () => {
    const kept = new Map<string, unknown>()
    for (let at = 0; at < 3000; at++) {
      REGEX['regex.match']?.(newCall(kept), `(a|${at})*b{1,20}c`, 'ab')
    }
    const { bytes, patterns } = kept.get('regex:patterns') as {
      bytes: number
      patterns: Map<string, unknown>
    }
    expect(bytes).toBeLessThan(25 * 1024 * 1024)
    expect(patterns.size).toBeLessThan(1000)
  })
})

describe('what would take too much', () => {
  // Some text without a period: the high bits of a linear congruential generator.
  let state = 1
  const noise = Array.from({ length: 20_000 }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state >>> 31 === 0 ? 'a' : 'b'
  }).join('')
  const long = 'a'.repeat(1_000_000)
  const classes = Array.from(
    { length: 6000 },
    (_, at) => `[${String.fromCharCode(256 + at)}-\uffff]`,
  )
  const cases: readonly { readonly name: string; readonly operands: Value[] }[] = [
    { name: 'regex.match', operands: ['(a|b)*a(a|b){500}c', noise] },
    { name: 'regex.match', operands: ['(a?){500}a{501}', 'a'.repeat(100_000)] },
    { name: 'regex.match', operands: [classes.join(''), ''] },
    { name: 'regex.is_valid', operands: [long] },
    { name: 'regex.find_n', operands: ['a.*z|a', 'a'.repeat(50_000), -1] },
    { name: 'regex.find_n', operands: ['', long, -1] },
    {
      name: 'regex.find_all_string_submatch_n',
      operands: [`${'('.repeat(300)}a${')'.repeat(300)}`, long, -1],
    },
    { name: 'regex.replace', operands: [long, 'a', '$0'.repeat(10_000)] },
    { name: 'regex.replace', operands: [long, '', 'b'.repeat(1000)] },
    { name: 'regex.split', operands: ['a', long] },
    { name: 'regex.template_match', operands: ['<a>'.repeat(100_000), 'a', '<', '>'] },
    { name: 'regex.globs_match', operands: ['a*b*'.repeat(1500), '[ab]*[bc]+'.repeat(1500)] },
    { name: 'glob.match', operands: ['{a*,?a}'.repeat(300), null, long] },
  ]
  test.for(cases)('$name -> ended by the budget', ({ name, operands }) => {
    expect(() => call(name, ...operands)).toThrow(/left$/)
  })

  test.for([
    { name: 'nested counts', pattern: '((a{1000}){1000})' },
    { name: 'a count of 1,001', pattern: 'a{1001}' },
    { name: '30,000 places', pattern: 'a{1000}'.repeat(30) },
    { name: '3,000 groups', pattern: '(a)'.repeat(3000) },
    { name: 'open parentheses', pattern: '('.repeat(5000) },
    { name: 'deep nesting', pattern: `${'('.repeat(1500)}a${')'.repeat(1500)}` },
  ])('a pattern of $name -> refused', ({ pattern }) => {
    expect(() => call('regex.find_all_string_submatch_n', pattern, 'a', 1)).toThrow(BuiltinError)
  })

  test('(a+)+$ and the like on a text of 100,000 characters -> answered', () => {
    for (const pattern of ['(a+)+$', '(x+x+)+y', '(a|a)*b', '(.*)*=', '^(([a-z])+.)+[A-Z]$']) {
      expect(call('regex.match', pattern, `${'a'.repeat(100_000)}!`), pattern).toBe(false)
    }
  })
})
