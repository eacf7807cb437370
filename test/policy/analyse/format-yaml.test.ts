import fc from 'fast-check'
import { expect, test } from 'vitest'
import { stringify } from 'yaml'
import { formatYaml } from '../../../src/policy/analyse/format-yaml.ts'
import { parseYaml } from '../../../src/policy/compile/yaml.ts'

function format(text: string): string {
  const result = formatYaml('f.yaml', text)
  if ('diagnostics' in result) throw new Error(JSON.stringify(result.diagnostics))
  return result.text
}

test.for([
  { name: 'spaces around values', text: 'a:   1\nb : 2\n', want: 'a: 1\nb: 2\n' },
  { name: 'lists at the level of their key', text: 'a:\n- 1\n- 2\n', want: 'a:\n  - 1\n  - 2\n' },
  {
    name: 'deep indentation',
    text: 'a:\n      b:\n            c: 1\n',
    want: 'a:\n  b:\n    c: 1\n',
  },
  { name: 'objects in one line', text: 'a: {b: 1,c: 2}\n', want: 'a: { b: 1, c: 2 }\n' },
  { name: 'lists in one line', text: 'a: [ 1,2 , [ 3 ] ]\n', want: 'a: [1, 2, [3]]\n' },
  { name: 'empty collections', text: 'a: [ ]\nb: { }\n', want: 'a: []\nb: {}\n' },
  { name: 'several blank lines', text: 'a: 1\n\n\n\nb: 2\n', want: 'a: 1\n\nb: 2\n' },
  { name: 'no line end', text: 'a: 1', want: 'a: 1\n' },
  { name: 'Windows line ends', text: 'a: 1\r\nb: 2\r\n', want: 'a: 1\nb: 2\n' },
  { name: 'a byte order mark', text: '\uFEFFa: 1\n', want: 'a: 1\n' },
  {
    name: 'comments',
    text: '# top\n\na: 1    # side\n# end\n',
    want: '# top\n\na: 1 # side\n\n# end\n',
  },
  { name: 'quotes, which stay', text: `a: 'x'\nb: "y"\n`, want: `a: 'x'\nb: "y"\n` },
  {
    name: 'brackets in text, which stay',
    text: `a: 'x [ y ]'\nb: z [ q ]\n`,
    want: `a: 'x [ y ]'\nb: z [ q ]\n`,
  },
  {
    name: 'long lines, which stay',
    text: `a: ${'word '.repeat(60)}end\n`,
    want: `a: ${'word '.repeat(60)}end\n`,
  },
  {
    name: 'block text, which stays',
    text: 'a: |\n  x [ y ]  \n   z\n',
    want: 'a: |\n  x [ y ]  \n   z\n',
  },
  { name: 'several documents', text: 'a:  1\n---\nb:  2\n', want: 'a: 1\n---\nb: 2\n' },
  { name: 'anchors', text: 'a:   &x { b: 1 }\nc:   *x\n', want: 'a: &x { b: 1 }\nc: *x\n' },
  { name: 'nothing', text: '', want: '' },
])('$name', ({ text, want }) => {
  expect(format(text)).toBe(want)
  expect(format(want)).toBe(want)
})

test.for([
  { name: 'an open list', text: 'a: [1\n', code: 'YAML_MALFORMED' },
  { name: 'a key twice', text: 'a: 1\na: 2\n', code: 'YAML_DUPLICATE_KEY' },
  { name: 'a tag', text: 'a: !!set {}\n', code: 'YAML_UNSUPPORTED' },
  { name: 'a tab as indentation', text: 'a:\n\tb: 1\n', code: 'YAML_MALFORMED' },
])('$name -> $code, unformatted', ({ text, code }) => {
  expect(formatYaml('f.yaml', text)).toMatchObject({ diagnostics: [{ code, file: 'f.yaml' }] })
})

test.for<{ name: string; text: string; want: string }>([
  { name: 'an escape stays one', text: 'a: "b\\u200Bc"\n', want: 'a: "b\\u200bc"\n' },
  { name: 'what nobody sees becomes one', text: 'a: b\u202ec\n', want: 'a: "b\\u202ec"\n' },
  { name: 'beyond 16 bits, too', text: "a: 'b\u{e0041}'\n", want: 'a: "b\\U000e0041"\n' },
  { name: 'also in a key', text: 'a\u00adb: 1\n', want: '"a\\u00adb": 1\n' },
  {
    name: 'a joined emoji stays as it is',
    text: 'a: \u{1f469}\u200d\u{1f467}\n',
    want: 'a: \u{1f469}\u200d\u{1f467}\n',
  },
])('$name', ({ text, want }) => {
  expect(format(text)).toBe(want)
})

test('property: formatting keeps the meaning, and a second time changes nothing', () => {
  const value = fc.jsonValue({ maxDepth: 4 })
  const options = fc.record({
    indent: fc.integer({ min: 1, max: 6 }),
    indentSeq: fc.boolean(),
    lineWidth: fc.constantFrom(0, 20, 80),
    collectionStyle: fc.constantFrom('any' as const, 'block' as const, 'flow' as const),
  })
  fc.assert(
    fc.property(fc.dictionary(fc.string(), value), options, (object, layout) => {
      const text = stringify(JSON.parse(JSON.stringify(object)), layout)
      const parsed = parseYaml('f', text)
      fc.pre(parsed.diagnostics.length === 0)
      const formatted = format(text)
      expect(parseYaml('f', formatted).documents.map(({ value: v }) => v)).toEqual(
        parsed.documents.map(({ value: v }) => v),
      )
      expect(format(formatted)).toBe(formatted)
    }),
    { numRuns: 200 },
  )
})
