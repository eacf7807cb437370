import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { BuiltinError } from '../../../../src/decide/rego/builtins/builtin.ts'
import { YAML_TEXT } from '../../../../src/decide/rego/builtins/yaml-text.ts'
import { valueText } from '../../../../src/decide/rego/values/text.ts'
import type { Value } from '../../../../src/decide/rego/values/value.ts'
import { testOracleAnswers } from './oracle-answers.ts'
import { caller } from './tagged-values.ts'

const call = caller(YAML_TEXT)
const read = (text: string): string => valueText(call('yaml.unmarshal', text) as Value)

testOracleAnswers('yaml-text.json', YAML_TEXT)

test('what was marshalled is unmarshalled', () => {
  const printable = fc.string({ unit: 'grapheme', maxLength: 12 })
  const text = fc.oneof(printable, fc.constantFrom('yes', '1', '~', ' a', 'a\n\nb\n', '- a', ''))
  const value = fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      text,
      fc.integer(),
      fc.constantFrom(null, true, false, 0.5, 1e-7),
      fc.array(tie('value'), { maxLength: 4 }),
      fc.dictionary(text, tie('value'), { maxKeys: 4 }),
    ),
  })).value
  fc.assert(
    fc.property(value, (json) => {
      const plain = JSON.parse(JSON.stringify(json)) as Value
      const yaml = call('yaml.marshal', plain) as string
      expect(read(yaml), yaml).toBe(valueText(plain))
      expect(call('yaml.is_valid', yaml)).toBe(true)
    }),
    { numRuns: 300 },
  )
})

describe('yaml.unmarshal', () => {
  test.for([
    { name: 'words of YAML 1.1', text: '[yes, on, y]', want: '["yes", "on", "y"]' },
    { name: 'numbers of YAML 1.1', text: '[017, 0b11, 1_0, 0x1F]', want: '[15, 3, 10, 31]' },
    { name: 'a date', text: '2001-12-14', want: '"2001-12-14"' },
    { name: 'a key of prototypes', text: '__proto__: 1', want: '{"__proto__": 1}' },
    { name: 'a key that stands twice', text: 'a: 1\na: 2', want: '{"a": 2}' },
    { name: 'a literal without an end of line', text: 'a: |\n  b', want: '{"a": "b"}' },
    { name: 'the first of two documents', text: '1\n---\n2', want: '1' },
    { name: 'nothing', text: '', want: 'null' },
    { name: '20 digits', text: '18446744073709551615', want: '18446744073709551615' },
  ])('$name -> $want', ({ text, want }) => {
    expect(read(text)).toBe(want)
  })

  test.for([
    { name: 'an alias that holds itself', text: 'a: &a [*a]' },
    { name: 'a mapping that merges itself', text: 'a: &a\n  <<: *a' },
    { name: 'an alias of nothing', text: '*a' },
    { name: 'YAML 1.2 by directive, which go-yaml does not take', text: '%YAML 1.2\n---\na' },
    { name: 'a mistake in the second document', text: '1\n---\n]' },
    { name: 'a tab as indentation', text: 'a:\n\tb: 1' },
    { name: 'a key that is a list', text: '? [a]\n: b' },
    { name: 'a key that is null', text: '~: b' },
    { name: 'infinity', text: '.inf' },
    { name: 'a control character', text: 'a\u0000' },
    { name: 'half of a surrogate pair', text: '"\\ud800"' },
    { name: 'a tag that its text does not keep', text: '!!int x' },
  ])('$name -> refused, and no YAML', ({ text }) => {
    expect(() => call('yaml.unmarshal', text)).toThrow(BuiltinError)
    expect(call('yaml.is_valid', text)).toBe(false)
  })

  test.for([
    { name: 'a tagged date', text: '!!timestamp 2001-12-14' },
    { name: 'bytes that are no UTF-8', text: '!!binary /w==' },
    { name: 'two keys of one name, of which OPA takes one by chance', text: '1: a\n<<: {"1": b}' },
    { name: '513 levels', text: '['.repeat(513) + ']'.repeat(513) },
    { name: '513 levels in blocks', text: '- '.repeat(513) },
  ])('$name -> refused, whoever asks', ({ text }) => {
    expect(() => call('yaml.unmarshal', text)).toThrow(BuiltinError)
    expect(() => call('yaml.is_valid', text)).toThrow(BuiltinError)
  })

  test('aliases upon aliases -> refused before they unfold', () => {
    const levels = Array.from({ length: 30 }, (_, level) => {
      const alias = `*a${level}`
      return `a${level + 1}: &a${level + 1} [${Array(9).fill(alias).join()}]`
    })
    const text = `a0: &a0 [x]\n${levels.join('\n')}\n`
    expect(() => call('yaml.unmarshal', text)).toThrow()
  })

  test('aliases that are nearly all of it -> refused, as go-yaml refuses them', () => {
    const text = `a: &a [${'1,'.repeat(900)}1]\nb: [${Array(120).fill('*a').join()}]`
    expect(() => call('yaml.unmarshal', text)).toThrow('excessive aliasing')
  })

  test.for([
    ['flow sequences', '['.repeat(200_000)],
    ['block sequences', '- '.repeat(100_000)],
    ['comments', '#\n'.repeat(200_000)],
    ['escapes', `"${'\\x41'.repeat(50_000)}"`],
  ])('a long text of %s -> refused', ([, text = '']) => {
    expect(() => call('yaml.unmarshal', text)).toThrow()
  })
})

describe('yaml.marshal', () => {
  test.for([
    {
      name: 'a key of 1,022 characters',
      value: { ['k'.repeat(1_022)]: 1 },
      want: /^\? k+\n: 1\n$/,
    },
    { name: 'a character beyond the basic plane', value: '😀', want: /^"\\U0001F600"\n$/ },
    { name: 'a number beyond 64 bits', value: 2n ** 64n, want: /^1\.8446744073709552e\+19\n$/ },
    { name: 'keys with numbers in them', value: { a10: 1, a9: 2 }, want: /^a9: 2\na10: 1\n$/ },
    { name: 'a next line', value: 'a \u0085 b', want: /^a b\n$/ },
  ])('$name -> $want', ({ value, want }) => {
    expect(call('yaml.marshal', value as Value)).toMatch(want)
  })

  test.for([
    { name: 'a key of 1,023 characters', value: { ['k'.repeat(1_023)]: 1 } },
    { name: 'a delete character', value: '\u007f' },
    { name: 'U+FFFF', value: '\uffff' },
  ])('$name -> refused, as OPA refuses it', ({ value }) => {
    expect(() => call('yaml.marshal', value)).toThrow(BuiltinError)
  })

  test('a value that holds itself many times over -> refused', () => {
    let value: Value = { a: 1 }
    for (let level = 0; level < 40; level++) value = { a: value, b: value }
    expect(() => call('yaml.marshal', value)).toThrow('no steps left')
  })
})
