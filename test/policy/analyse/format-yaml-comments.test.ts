import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Lexer } from 'yaml'
import { formatYaml } from '../../../src/policy/analyse/format-yaml.ts'
import { parseYaml } from '../../../src/policy/compile/yaml.ts'

// Comments at every place, several documents, line ends of Windows, long text: nothing is lost, and a second time
// changes nothing more.

function format(text: string): string {
  const result = formatYaml('f.yaml', text)
  if ('diagnostics' in result) throw new Error(JSON.stringify(result.diagnostics))
  return result.text
}

const commentsOf = (text: string) =>
  [...new Lexer().lex(text)].filter((token) => token.startsWith('#')).map((one) => one.trimEnd())
const valuesOf = (text: string) => parseYaml('f', text).documents.map(({ value }) => value)

test.for([
  {
    name: 'behind a key, in lists, at the end',
    text: 'a: # 1\n  b: 1 # 2\n  # 3\n  c:\n    # 4\n    - 1 # 5\n    # 6\n    - 2\n  # 7\n# 8\n',
  },
  { name: 'in a list of one line', text: 'a: [1, # 1\n  2 # 2\n  ] # 3\n' },
  { name: 'in an object of one line', text: 'on: { service: a, # 1\n      action: b } # 2\n' },
  { name: 'behind a dash', text: '- # 1\n  a: 1\n-\n  # 2\n  b: 2\n' },
  { name: 'alone', text: '# 1\n' },
  { name: 'between documents', text: 'a: 1\n--- # 1\n# 2\nb: 2\n...\n# 3\n---\nc: 3\n# 4\n' },
  { name: 'behind an anchor', text: 'a: &x # 1\n  b: 1\nc: *x # 2\n' },
  {
    name: 'beside blocks of text',
    text: 'a: | # 1\n  x # no comment\n# 2\nb: >-\n  y\n\n  z\n# 3\n',
  },
  { name: 'behind text in quotes', text: 'a: "# no" # 1\nb: \'# no\' # 2\n' },
  { name: 'with Windows line ends', text: 'a: 1 # 1\r\n# 2\r\nb:\r\n  - 1 # 3\r\n' },
  { name: 'behind a byte order mark', text: '\uFEFF# 1\na: 1\n' },
])('comments $name stay', ({ text }) => {
  const formatted = format(text)
  const source = text.replace(/^\uFEFF/, '').replaceAll('\r\n', '\n')
  expect(commentsOf(formatted)).toEqual(commentsOf(source))
  expect(valuesOf(formatted)).toEqual(valuesOf(source))
  expect(formatted).not.toMatch(/\r|^\uFEFF/)
  expect(format(formatted)).toBe(formatted)
})

test('a comment that asks to ignore something stays right above its line', () => {
  const text =
    'rules:\n- id: a/b\n  then: hold\n\n  # countersign-ignore: RULE_IN_SHADOW why\n  mode:   shadow\n'
  expect(format(text)).toContain('    # countersign-ignore: RULE_IN_SHADOW why\n    mode: shadow\n')
})

type Node = { readonly comment: string; readonly side: string; readonly blank: number } & (
  | { readonly leaf: string }
  | { readonly list: readonly Node[] }
  | { readonly map: readonly Node[] }
)

const around = {
  comment: fc.constantFrom('', '', '# one', '#two', '# "three'),
  side: fc.constantFrom('', '', ' # side', '   #other'),
  blank: fc.constantFrom(0, 0, 1, 3),
}
const { node } = fc.letrec<{ node: Node }>((tie) => ({
  node: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    fc.record({
      ...around,
      leaf: fc.constantFrom(
        '1',
        'text',
        "'it''s # no'",
        '"a\\tb"',
        '[ 1,2 ,[ ] ]',
        '{a: 1 ,b: [x]}',
        `${'long '.repeat(40)}end`,
      ),
    }),
    fc.record({ ...around, list: fc.array(tie('node'), { minLength: 1, maxLength: 3 }) }),
    fc.record({ ...around, map: fc.array(tie('node'), { minLength: 1, maxLength: 3 }) }),
  ),
}))

function write(one: Node, indent: string, step: number): string {
  const deeper = `${indent}${' '.repeat(step)}`
  if ('leaf' in one) return ` ${one.leaf}${one.side}\n`
  const items = 'list' in one ? one.list : one.map
  const lines = items.map((item, n) => {
    const before = `${'\n'.repeat(item.blank)}${item.comment === '' ? '' : `${deeper}${item.comment}\n`}`
    return `${before}${deeper}${'list' in one ? '-' : `k${n}:`}${write(item, deeper, step)}`
  })
  return `${one.side}\n${lines.join('')}`
}

test('property: comments anywhere stay, in order, and a second time changes nothing more', () => {
  const documents = fc.array(node, { minLength: 1, maxLength: 3 })
  fc.assert(
    fc.property(documents, fc.constantFrom(1, 2, 3, 5), fc.boolean(), (some, step, windows) => {
      const text = some.map((one) => `k:${write(one, '', step)}`).join('---\n')
      fc.pre(parseYaml('f', text).diagnostics.length === 0)
      const formatted = format(windows ? text.replaceAll('\n', '\r\n') : text)
      expect(commentsOf(formatted)).toEqual(commentsOf(text))
      expect(valuesOf(formatted)).toEqual(valuesOf(text))
      expect(format(formatted)).toBe(formatted)
    }),
    { numRuns: 300 },
  )
})
