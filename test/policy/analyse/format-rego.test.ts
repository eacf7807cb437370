import fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'
import { BUILTIN_NAMES } from '../../../src/decide/rego/builtins/index.ts'
import { createRegoCompiler } from '../../../src/host/rego-compiler/compiler.ts'
import { formatRego } from '../../../src/policy/analyse/format-rego.ts'
import { regoComments } from '../../../src/policy/analyse/rego-comments.ts'

const compiler = createRegoCompiler({ hostBuiltins: BUILTIN_NAMES })
afterAll(() => compiler.close())

async function format(text: string): Promise<string> {
  const result = await formatRego(new Map([['f.rego', text]]), compiler)
  if ('diagnostics' in result) throw new Error(JSON.stringify(result.diagnostics))
  return result.files.get('f.rego') ?? ''
}

test.for([
  { name: 'spaces', text: 'package a\nx   if   1 ==  2\n', want: 'package a\n\nx if 1 == 2\n' },
  {
    name: 'Windows line ends',
    text: 'package a\r\n\r\n# c\r\nx := 1\r\n',
    want: 'package a\n\n# c\nx := 1\n',
  },
  { name: 'a byte order mark', text: '\uFEFFpackage a\n\nx := 1\n', want: 'package a\n\nx := 1\n' },
  {
    name: 'line ends in a raw string',
    text: 'package a\n\nx := `one\r\n# two\r\n`\n',
    want: 'package a\n\nx := `one\n# two\n`\n',
  },
  {
    name: 'long text, which stays',
    text: `package a\n\nx := "${'long '.repeat(60)}"\n`,
    want: `package a\n\nx := "${'long '.repeat(60)}"\n`,
  },
])('$name', async ({ text, want }) => {
  expect(await format(text)).toBe(want)
  expect(await format(want)).toBe(want)
})

test('comments at every place stay', async () => {
  const text =
    '# 1\npackage a # 2\n# 3\nimport data.b # 4\n\n# 5\nx contains y if { # 6\n # 7\n y := [1, # 8\n 2 ] # 9\n b.z # 10\n}\n# 11'
  const formatted = await format(text)
  const found = regoComments(formatted).map((one) => Number(one.text.slice(2)))
  expect(found).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11])
  expect(await format(formatted)).toBe(formatted)
})

test.for([
  { name: 'no package', text: 'x := 1\n', line: 1 },
  { name: 'an open brace', text: 'package a\n\nx if {\n', line: 4 },
  { name: 'nothing', text: '', line: 1 },
])('$name -> REGO_INVALID at line $line, unformatted', async ({ text, line }) => {
  const result = await formatRego(new Map([['f.rego', text]]), compiler)
  expect(result).toMatchObject({ diagnostics: [{ code: 'REGO_INVALID', file: 'f.rego', line }] })
})

describe('a layout that is not safe is left alone', () => {
  const source = 'package a\n\n# c\nx   := 1\n'
  const formatting = (after: (text: string) => string) => ({
    format: async (files: Readonly<Record<string, string>>) => ({
      files: Object.fromEntries(Object.entries(files).map(([f, text]) => [f, after(text)])),
    }),
  })
  test.for([
    { name: 'a comment is lost', after: (text: string) => text.replace('# c\n', '') },
    { name: 'a comment changes', after: (text: string) => text.replace('# c', '# d') },
    { name: 'it never settles', after: (text: string) => `${text}\n` },
  ])('$name', async ({ after }) => {
    const result = await formatRego(new Map([['f.rego', source]]), formatting(after))
    expect(result).toEqual({ files: new Map([['f.rego', source]]) })
  })
})

describe('comments of Rego', () => {
  test.for([
    { name: 'a line', text: '# a', want: ['1:1 # a'] },
    { name: 'behind code', text: 'x := 1 # a', want: ['1:8 # a'] },
    { name: 'a number sign in quotes', text: 'x := "# no" # a', want: ['1:13 # a'] },
    { name: 'behind an escaped quote', text: 'x := "\\"# no" # a', want: ['1:15 # a'] },
    { name: 'in a raw string', text: 'x := `# no\n# no` # a', want: ['2:7 # a'] },
    { name: 'quotes in a comment', text: '# "a\n# b', want: ['1:1 # "a', '2:1 # b'] },
    { name: 'a back-tick in a comment', text: '# `a\n# b', want: ['1:1 # `a', '2:1 # b'] },
    { name: 'an open quote ends with its line', text: 'x := "a\n# b', want: ['2:1 # b'] },
  ])('$name -> $want', ({ text, want }) => {
    const found = regoComments(text).map(({ at, text: one }) => `${at.line}:${at.column} ${one}`)
    expect(found).toEqual(want)
  })
})

test('property: formatting twice changes nothing more, and keeps every comment', async () => {
  const comment = fc.option(fc.constantFrom('# a', '#b', '# "c', '# `d'), { nil: '' })
  const line = fc.record({ before: comment, after: comment, blank: fc.boolean() })
  const lines = [
    'package p',
    'import data.q',
    'x := [1,',
    '2]',
    'y contains z if {',
    'z := q.a',
    'z != "# no"',
    '}',
    'f(a) := b if {',
    'some b in a',
    '} else := 3',
    'w := `raw # no`',
  ]
  await fc.assert(
    fc.asyncProperty(fc.array(line, { minLength: 12, maxLength: 12 }), async (around) => {
      const text = lines
        .map((code, n) => {
          const { before = '', after = '', blank = false } = around[n] ?? {}
          return `${blank ? '\n' : ''}${before === '' ? '' : `${before}\n`}${code} ${after}\n`
        })
        .join('')
      const formatted = await format(text)
      const sorted = (source: string) =>
        regoComments(source)
          .map((one) => one.text)
          .sort()
      expect(sorted(formatted)).toEqual(sorted(text))
      expect(await format(formatted)).toBe(formatted)
    }),
    { numRuns: 60 },
  )
})
