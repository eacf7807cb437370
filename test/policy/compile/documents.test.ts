import { describe, expect, test } from 'vitest'
import { parseDocuments } from '../../../src/policy/compile/index.ts'

const HEAD = 'apiVersion: countersign/v1\nkind: Guardrails\n'
const RULE = '  - { id: a/b, then: deny }\n'

function read(
  text: string,
  file = 'policies/a.yaml',
): { found: string[]; rules: string[]; broken: number } {
  const { documents, diagnostics } = parseDocuments(new Map([[file, text]]))
  return {
    found: diagnostics.map(({ line, column, code }) => `${line}:${column} ${code}`),
    rules: documents.rules.map(({ value }) => value.id),
    broken: documents.broken.size,
  }
}

describe('YAML that is refused', () => {
  test.for([
    { name: 'a flow that does not end', text: 'a: [\n', want: ['2:1 YAML_MALFORMED'] },
    { name: 'a tab as indentation', text: '\tx: 1\n', want: ['1:1 YAML_MALFORMED'] },
    {
      name: 'a key twice',
      text: `${HEAD}rules:\n${RULE}rules:\n${RULE}`,
      want: ['5:1 YAML_DUPLICATE_KEY'],
    },
    {
      name: 'a key twice, once in quotes',
      text: `${HEAD}a: 1\n"a": 2\n`,
      want: ['4:1 YAML_DUPLICATE_KEY'],
    },
    { name: 'a key that is a number', text: `${HEAD}5: 1\n`, want: ['3:1 YAML_UNSUPPORTED'] },
    { name: 'a key that is null', text: `${HEAD}~: 1\n`, want: ['3:1 YAML_UNSUPPORTED'] },
    { name: 'a key that is a list', text: `${HEAD}? [x]\n: 1\n`, want: ['3:3 YAML_UNSUPPORTED'] },
    { name: 'the key __proto__', text: `${HEAD}__proto__: 1\n`, want: ['3:1 KEY_UNKNOWN'] },
    { name: 'a custom tag', text: `${HEAD}a: !foo 1\n`, want: ['3:9 YAML_UNSUPPORTED'] },
    { name: 'a tag of a known type', text: `${HEAD}a: !!str 1\n`, want: ['3:10 YAML_UNSUPPORTED'] },
    {
      name: 'YAML 1.1',
      text: `%YAML 1.1\n---\n${HEAD}rules:\n${RULE}`,
      want: ['1:1 YAML_UNSUPPORTED'],
    },
    { name: 'an alias of nothing', text: `${HEAD}rules: [*x]\n`, want: ['3:9 YAML_MALFORMED'] },
    {
      name: 'an alias within its anchor',
      text: `${HEAD}a: &x [*x]\n`,
      want: ['3:8 YAML_MALFORMED'],
    },
    {
      name: 'a number beyond a double',
      text: `${HEAD}a: 9007199254740993\n`,
      want: ['3:4 VALUE_INVALID'],
    },
    {
      name: 'a number with too many digits',
      text: `${HEAD}a: 0.1000000000000000055511151231257827\n`,
      want: ['3:4 VALUE_INVALID'],
    },
    { name: 'a number beyond all', text: `${HEAD}a: 1e999\n`, want: ['3:4 VALUE_INVALID'] },
    { name: 'a hexadecimal number', text: `${HEAD}a: 0x1F\n`, want: ['3:4 VALUE_INVALID'] },
    { name: 'infinity', text: `${HEAD}a: .inf\n`, want: ['3:4 VALUE_INVALID'] },
    { name: 'a lone surrogate', text: `${HEAD}a: "\\ud800"\n`, want: ['3:4 VALUE_INVALID'] },
    { name: 'a merge key', text: `${HEAD}rules:\n${RULE}<<: {}\n`, want: ['5:1 KEY_UNKNOWN'] },
    { name: 'flow lists without end', text: '['.repeat(100_000), want: ['1:1 YAML_UNSUPPORTED'] },
    {
      name: 'block lists without end',
      text: `${'- '.repeat(20_000)}a`,
      want: ['1:1 YAML_UNSUPPORTED'],
    },
    {
      name: 'lists 70 deep',
      text: `${HEAD}a: ${'['.repeat(70)}${']'.repeat(70)}\n`,
      want: ['3:68 YAML_UNSUPPORTED'],
    },
  ])('$name -> $want', ({ text, want }) => {
    expect(read(text).found).toEqual(want)
  })

  test('aliases that unfold to a hundred million values -> refused at the first too many', () => {
    let text = `${HEAD}a0: &a0 [1,1,1,1,1,1,1,1,1,1]\n`
    for (let i = 1; i < 9; i++) text += `a${i}: &a${i} [${`*a${i - 1},`.repeat(10)}]\n`
    expect(read(text).found).toEqual(['6:38 YAML_UNSUPPORTED'])
  })

  test('a hundred thousand keys -> read in time that grows like the text', () => {
    const keys = Array.from({ length: 100_000 }, (_, i) => `k${i}: v\n`).join('')
    const { diagnostics } = parseDocuments(new Map([['policies/a.yaml', `${keys}k5: v\n`]]))
    expect(diagnostics).toMatchObject([{ line: 100_001, code: 'YAML_DUPLICATE_KEY' }])
  })
})

describe('YAML that is read', () => {
  test.for([
    {
      name: 'several documents',
      text: `${HEAD}rules:\n${RULE}---\n${HEAD}rules:\n  - { id: a/c, then: deny }\n---\n`,
      want: ['a/b', 'a/c'],
    },
    {
      name: 'Windows line ends',
      text: `${HEAD}rules:\n${RULE}`.replaceAll('\n', '\r\n'),
      want: ['a/b'],
    },
    { name: 'a byte order mark', text: `\uFEFF${HEAD}rules:\n${RULE}`, want: ['a/b'] },
    {
      name: 'an anchor and its alias',
      text: `${HEAD}rules:\n  - { id: a/b, then: deny, on: &x { service: s } }\n  - { id: a/c, then: deny, on: *x }\n`,
      want: ['a/b', 'a/c'],
    },
    {
      name: 'a comment alone after the end',
      text: `${HEAD}rules:\n${RULE}---\n# nothing\n`,
      want: ['a/b'],
    },
  ])('$name', ({ text, want }) => {
    expect(read(text)).toEqual({ found: [], rules: want, broken: 0 })
  })

  test.for(['yes', 'no', 'on', 'off', 'y', 'n'])('%s is text, not a boolean', (word) => {
    expect(read(`${HEAD}rules:\n  - { id: a/b, then: deny, about: ${word} }\n`).found).toEqual([])
  })

  test('a broken rule -> the other rules of the file still count, and the kind is known to be broken', () => {
    const { rules, broken } = read(`${HEAD}rules:\n${RULE}  - { id: a/c, then: holdd }\n`)
    expect(rules).toEqual(['a/b'])
    expect(broken).toBe(1)
  })

  test('a rule of an alias -> the place of the anchor for its values, the alias for itself', () => {
    const text = `${HEAD}rules:\n  - { id: a/b, then: deny, pattern: &p { path: payload.x, above: 1 } }\n  - { id: a/c, then: deny, pattern: *p }\n`
    const { documents } = parseDocuments(new Map([['policies/a.yaml', text]]))
    expect(documents.rules[1]?.at()).toEqual({ file: 'policies/a.yaml', line: 5, column: 5 })
    expect(documents.rules[1]?.at('/pattern/above')).toMatchObject({ line: 4 })
    expect(documents.rules[1]?.at('/pattern/missing')).toMatchObject({ line: 4 })
  })
})

describe('documents', () => {
  test.for([
    { name: 'nothing', text: '', want: ['1:1 KEY_MISSING'] },
    { name: 'comments only', text: '# rules\n', want: ['1:1 KEY_MISSING'] },
    {
      name: 'no kind and no version',
      text: 'rules: []\n',
      want: ['1:1 KEY_MISSING', '1:1 KEY_MISSING'],
    },
    { name: 'a mistyped kind', text: HEAD.replace('Guard', 'Gard'), want: ['2:7 KIND_UNKNOWN'] },
    {
      name: 'a kind of ours that is no policy',
      text: HEAD.replace('Guardrails', 'Request'),
      want: ['2:7 KIND_UNKNOWN'],
    },
    {
      name: 'a kind from the prototype',
      text: HEAD.replace('Guardrails', 'toString'),
      want: ['2:7 KIND_UNKNOWN'],
    },
    {
      name: 'another version',
      text: `${HEAD.replace('v1', 'v2')}rules:\n${RULE}`,
      want: ['1:13 VALUE_INVALID'],
    },
    { name: 'a list', text: '- 1\n', want: ['1:1 DOCUMENT_INVALID'] },
    { name: 'text', text: 'hello\n', want: ['1:1 DOCUMENT_INVALID'] },
  ])('$name -> $want', ({ text, want }) => {
    expect(read(text).found).toEqual(want)
  })

  test('a JSON file -> a warning that it is not enforced', () => {
    expect(read('{}', 'policies/a.json').found).toEqual(['1:1 KIND_UNKNOWN'])
  })

  test('a file of another kind -> not looked at', () => {
    expect(read('x', 'policies/README.md').found).toEqual([])
  })
})
