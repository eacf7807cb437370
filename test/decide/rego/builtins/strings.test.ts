import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { BuiltinError } from '../../../../src/decide/rego/builtins/builtin.ts'
import { REPLACE } from '../../../../src/decide/rego/builtins/replace.ts'
import { STRINGS } from '../../../../src/decide/rego/builtins/strings.ts'
import { TEMPLATE } from '../../../../src/decide/rego/builtins/template.ts'
import { TRIM } from '../../../../src/decide/rego/builtins/trim.ts'
import type { Value } from '../../../../src/decide/rego/values/value.ts'
import { objectOf } from '../../../../src/decide/rego/values/value.ts'
import { cpuMs } from '../../../support/cpu.ts'
import { testOracleAnswers } from './oracle-answers.ts'
import { caller, newCall } from './tagged-values.ts'

const FAMILY = { ...STRINGS, ...REPLACE, ...TRIM, ...TEMPLATE }
const call = caller(FAMILY)

testOracleAnswers('strings.json', FAMILY)

describe('case, each character by itself', () => {
  test.for([
    { text: 'ΟΔΟΣ', lower: 'οδοσ', upper: 'ΟΔΟΣ' },
    { text: 'straße', lower: 'straße', upper: 'STRAßE' },
    { text: 'İı', lower: 'iı', upper: 'İI' },
    { text: 'ŉﬁ', lower: 'ŉﬁ', upper: 'ŉﬁ' },
    { text: 'ǅ', lower: 'ǆ', upper: 'Ǆ' },
    { text: '𐐀𐐨', lower: '𐐨𐐨', upper: '𐐀𐐀' },
    // Newer than Unicode 15, which OPA 1.22 has: no letters yet.
    { text: '\u{10d50}\u{10d70}', lower: '\u{10d50}\u{10d70}', upper: '\u{10d50}\u{10d70}' },
  ])('$text -> $lower, $upper', ({ text, lower, upper }) => {
    expect(call('lower', text)).toBe(lower)
    expect(call('upper', text)).toBe(upper)
  })

  test('a long text -> as its parts', () => {
    const text = 'aÉ😀𐐀'.repeat(3000)
    expect(call('lower', text)).toBe('aé😀𐐨'.repeat(3000))
  })
})

describe('a long text to look for', () => {
  const units = fc.constantFrom('a', 'b')
  const texts = fc.array(units, { maxLength: 40 }).map((list) => list.join(''))
  // Beyond 200 characters the search is our own.
  const long = fc
    .tuple(texts, fc.constantFrom(0, 200, 230))
    .map(([text, more]) => text + 'a'.repeat(more))

  test('is found where JavaScript finds it, and as often', () => {
    fc.assert(
      fc.property(texts, long, texts, fc.boolean(), (before, part, after, there) => {
        fc.pre(part !== '')
        const text = there ? `${before}${part}${after}${part}` : `${before}${after}aaa`
        expect(call('indexof', text, part)).toBe(text.indexOf(part))
        expect(call('contains', text, part)).toBe(text.includes(part))
        expect(call('split', text, part)).toEqual(text.split(part))
        expect(call('strings.count', text, part)).toBe(text.split(part).length - 1)
        expect(call('replace', text, part, '<>')).toBe(text.replaceAll(part, '<>'))
        const places = [...text].flatMap((_, at) => (text.startsWith(part, at) ? [at] : []))
        expect(call('indexof_n', text, part)).toEqual(places)
      }),
      { numRuns: 300 },
    )
  })

  test('that JavaScript needs minutes for -> found at once', () => {
    const part = `${'a'.repeat(200_000)}b${'a'.repeat(200_000)}`
    const start = cpuMs()
    expect(call('contains', 'a'.repeat(1_000_000), part)).toBe(false)
    expect(call('indexof', `${'a'.repeat(500_000)}${part}`, part)).toBe(500_000)
    expect(cpuMs() - start).toBeLessThan(8_000)
  })
})

test('many texts and many beginnings -> as each pair says', () => {
  const texts = fc.array(fc.string({ unit: fc.constantFrom('a', 'b', 'é'), maxLength: 5 }), {
    maxLength: 90,
  })
  const ends = fc.array(
    fc.string({ unit: fc.constantFrom('a', 'b', 'é'), minLength: 3, maxLength: 6 }),
    {
      maxLength: 90,
    },
  )
  fc.assert(
    fc.property(texts, ends, (list, affixes) => {
      const wants = (matches: (text: string, affix: string) => boolean): boolean =>
        list.some((text) => affixes.some((affix) => matches(text, affix)))
      const starts = wants((text, affix) => text.startsWith(affix))
      const finishes = wants((text, affix) => text.endsWith(affix))
      expect(call('strings.any_prefix_match', list, affixes)).toBe(starts)
      expect(call('strings.any_suffix_match', list, affixes)).toBe(finishes)
    }),
    { numRuns: 200 },
  )
})

describe('replacing many texts', () => {
  test.for<{ pairs: [string, string][]; text: string; want: string }>([
    {
      pairs: [
        ['a', '1'],
        ['ab', '2'],
      ],
      text: 'ab',
      want: '1b',
    },
    {
      pairs: [
        ['b', 'a'],
        ['a', 'b'],
      ],
      text: 'ab',
      want: 'ba',
    },
    {
      pairs: [
        ['', '-'],
        ['a', 'X'],
      ],
      text: 'ab',
      want: '-X-b-',
    },
    {
      pairs: [
        ['', ''],
        ['é', 'e'],
      ],
      text: 'éé',
      want: 'ee',
    },
    {
      pairs: [
        ['', '-'],
        ['é', 'e'],
      ],
      text: 'éa',
      want: '-e-a-',
    },
    { pairs: [['😀', ':)']], text: 'a😀\ud83c\udf00', want: 'a:)\ud83c\udf00' },
    { pairs: [], text: 'ab', want: 'ab' },
  ])('$pairs in $text -> $want', ({ pairs, text, want }) => {
    expect(call('strings.replace_n', objectOf(pairs), text)).toBe(want)
  })

  test.for<[string, Value[]]>([
    ['replace', ['é', '', '-']],
    [
      'strings.replace_n',
      [
        objectOf([
          ['', '-'],
          ['a', 'b'],
        ]),
        'aé',
      ],
    ],
  ])('%s with an empty text between bytes of one character -> refused', ([name, operands]) => {
    expect(() => call(name, ...operands)).toThrow(BuiltinError)
  })

  test('is what replacing at each place says', () => {
    const keys = fc.dictionary(
      fc.string({ unit: fc.constantFrom('a', 'b', 'c'), minLength: 1, maxLength: 3 }),
      fc.constantFrom('x', 'yy', ''),
    )
    const texts = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 20 })
    fc.assert(
      fc.property(keys, texts, (pairs, text) => {
        const names = Object.keys(pairs).sort()
        let [want, at] = ['', 0]
        while (at < text.length) {
          const key = names.find((name) => text.startsWith(name, at))
          want += key === undefined ? text[at] : pairs[key]
          at += key?.length ?? 1
        }
        expect(call('strings.replace_n', objectOf(Object.entries(pairs)), text)).toBe(want)
      }),
      { numRuns: 300 },
    )
  })
})

describe('a template', () => {
  test.for([
    { template: '{{printf "%d" .a}}', why: 'printf' },
    { template: '{{slice .a 1}}', why: 'slice' },
    { template: '{{js .a}}', why: 'js' },
    { template: '{{call .a}}', why: 'call' },
    { template: '{{1.5}}', why: 'a fraction' },
    { template: '{{1i}}', why: 'a complex number' },
    { template: '{{index .a 0}}', why: 'a byte of a text' },
    { template: '{{"\\xff"}}', why: 'a byte that is no character' },
    { template: '{{9007199254740993}}', why: 'a number beyond 53 bits' },
    {
      template: '{{range 3}}{{block "b" .}}{{break}}{{end}}{{end}}',
      why: 'a break out of a block',
    },
    { template: '{{if .a}}'.repeat(300), why: 'deep nesting' },
    { template: `{{${'('.repeat(300)}`, why: 'deep parentheses' },
    { template: '{{define "x"}}{{template "x"}}{{end}}{{template "x"}}', why: 'endless recursion' },
  ])('with $why -> refused', ({ template }) => {
    expect(() => call('strings.render_template', template, objectOf([['a', 'text']]))).toThrow(
      BuiltinError,
    )
  })

  test('with text that Go has for nothing -> changed as OPA does', () => {
    expect(call('strings.render_template', '<no value> {{.x}}', objectOf([]))).toBe(
      '<undefined> <undefined>',
    )
  })

  test.for(['{{range 1000000000}}{{end}}', '{{range 100000000}}0123456789{{end}}'])(
    '%s -> ended by the budget',
    (template) => {
      expect(() => call('strings.render_template', template, objectOf([]))).toThrow(/left$/)
    },
  )
})

describe('what would take too much', () => {
  const long = 'a'.repeat(1_000_000)
  const cases: readonly { readonly name: string; readonly operands: Value[] }[] = [
    { name: 'split', operands: [long, ''] },
    { name: 'split', operands: [long, 'a'] },
    { name: 'indexof_n', operands: [long, 'a'] },
    { name: 'replace', operands: [long, 'a', 'b'.repeat(100)] },
    { name: 'strings.replace_n', operands: [objectOf([['a', 'b'.repeat(1000)]]), long] },
    { name: 'concat', operands: [long, Array.from({ length: 1000 }, () => long)] },
    { name: 'trim', operands: [long, 'a'] },
    {
      name: 'strings.any_prefix_match',
      operands: [
        Array.from({ length: 90_000 }, (_, i) => `${i}`),
        Array.from({ length: 90_000 }, (_, i) => `x${i}`),
      ],
    },
  ]
  test.for(cases)('$name -> ended by the budget', ({ name, operands }) => {
    expect(() => call(name, ...operands)).toThrow(/left$/)
  })

  test('forty doublings by concat -> ended by the budget', () => {
    const meter = newCall()
    const concat = STRINGS['concat']
    let text: Value = 'ab'
    expect(() => {
      for (let i = 0; i < 40; i++) text = concat?.(meter, '', [text, text]) ?? ''
    }).toThrow('no output left')
    expect((text as string).length).toBeLessThan(16 * 1024 * 1024)
  })
})
