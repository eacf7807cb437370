import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { jsonText } from '../../src/decide/rego/values/text.ts'
import { parseDocument, readRegoSources } from '../../src/host/rego-files.ts'

const scratch = mkdtempSync(join(tmpdir(), 'countersign-rego-files-'))
afterAll(() => rmSync(scratch, { recursive: true, force: true }))

let folders = 0

function folderOf(files: Readonly<Record<string, string | Uint8Array>>): string {
  folders += 1
  const folder = join(scratch, String(folders))
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), text)
  }
  return folder
}

async function read(
  files: Readonly<Record<string, string | Uint8Array>>,
  paths: readonly string[] = ['.'],
): Promise<{ readonly modules: readonly string[]; readonly data: string }> {
  const cwd = folderOf(files)
  const sources = await readRegoSources(
    paths.map((path) => join(cwd, path)),
    cwd,
  )
  return { modules: Object.keys(sources.files), data: jsonText(sources.data) }
}

// As `opa eval -d` of OPA 1.22 has it.
test.for([
  {
    name: 'a folder: modules by their path, documents below the path of their folder',
    files: {
      'rules/b.rego': 'package b',
      'rules/in/a.rego': 'package a',
      'rules/top.json': '{"top": 1}',
      'rules/in/deep/x.yaml': 'names: [a, b]',
      'rules/in/y.yml': 'z: {}',
      'rules/README.md': '# no',
    },
    paths: ['rules'],
    modules: ['rules/b.rego', 'rules/in/a.rego'],
    data: '{"in":{"deep":{"names":["a","b"]},"z":{}},"top":1}',
  },
  {
    name: 'a file that is named: at the top, wherever it lies',
    files: { 'rules/in/deep/x.json': '{"a": 1}', 'rules/z.json': '{"z": 1}' },
    paths: ['rules/in/deep/x.json'],
    modules: [],
    data: '{"a":1}',
  },
  {
    name: 'several paths: put together',
    files: { 'a.json': '{"o": {"a": 1}}', 'b.json': '{"o": {"b": {"c": 2}}}' },
    paths: ['a.json', 'b.json'],
    modules: [],
    data: '{"o":{"a":1,"b":{"c":2}}}',
  },
  {
    name: 'hidden files and node_modules: passed over',
    files: {
      '.git/x.rego': '',
      '.hidden.json': '[',
      'node_modules/p/package.json': '{"name": "p"}',
      'a.rego': '',
    },
    paths: ['.'],
    modules: ['a.rego'],
    data: '{}',
  },
  {
    name: 'whole numbers: every digit',
    files: { 'a.json': '{"n": 9007199254740993}', 'b.yaml': 'm: 18446744073709551615' },
    paths: ['.'],
    modules: [],
    data: '{"m":18446744073709551615,"n":9007199254740993}',
  },
  {
    name: 'a name that means something to JavaScript: a name',
    files: { '__proto__/x.json': '{"a": 1}', 'y.json': '{"__proto__": {"b": 2}}' },
    paths: ['.'],
    modules: [],
    data: '{"__proto__":{"a":1,"b":2}}',
  },
  {
    name: 'an empty folder: nothing',
    files: { 'x/a.md': '' },
    paths: ['x'],
    modules: [],
    data: '{}',
  },
])('$name', async ({ files, paths, modules, data }) => {
  expect(await read(files as Record<string, string>, paths)).toEqual({ modules, data })
})

test('a path outside of the working folder keeps its whole name', async () => {
  const folder = folderOf({ 'a.rego': 'package a' })
  const { files } = await readRegoSources([folder], join(scratch, 'elsewhere'))
  expect(Object.keys(files)).toEqual([join(folder, 'a.rego')])
})

test('a link to a folder is followed, one in a circle ends in an error', async () => {
  const folder = folderOf({ 'real/a.json': '{"a": 1}', 'circle/b.json': '{}' })
  symlinkSync(join(folder, 'real'), join(folder, 'linked'))
  const { data } = await readRegoSources([join(folder, 'linked')], folder)
  expect(jsonText(data)).toBe('{"a":1}')
  symlinkSync(join(folder, 'circle'), join(folder, 'circle/again'))
  await expect(readRegoSources([join(folder, 'circle')], folder)).rejects.toMatchObject({
    code: 'FILE_UNREADABLE',
  })
})

describe('refused', () => {
  test.for([
    { name: 'nothing there', files: {}, path: 'no', code: 'FILE_UNREADABLE', file: 'no' },
    {
      name: 'a file of another kind',
      files: { 'x.txt': '{}' },
      path: 'x.txt',
      code: 'FILE_UNREADABLE',
    },
    {
      name: 'no JSON',
      files: { 'a/x.json': '{' },
      path: '.',
      code: 'JSON_MALFORMED',
      file: 'a/x.json',
    },
    { name: 'no YAML', files: { 'x.yaml': 'a: [' }, path: '.', code: 'YAML_MALFORMED' },
    {
      name: 'no UTF-8',
      files: { 'x.rego': Uint8Array.of(0xff) },
      path: '.',
      code: 'FILE_UNREADABLE',
    },
    { name: 'a list at the top', files: { 'x.json': '[1]' }, path: '.', code: 'DOCUMENT_INVALID' },
    {
      name: 'a lone surrogate',
      files: { 'x.json': '{"a": "\\ud800"}' },
      path: '.',
      code: 'VALUE_NOT_JSON',
    },
    {
      name: 'two values for one name',
      files: { 'a/x.json': '{"b": 1}', 'y.json': '{"a": {"b": 2}}' },
      path: '.',
      code: 'DOCUMENT_INVALID',
      file: 'y.json',
    },
    {
      name: 'aliases without end',
      files: {
        'x.yaml': `a0: &a0 [x, x, x, x, x, x, x, x, x]\n${Array.from({ length: 9 }, (_, at) => `a${at + 1}: &a${at + 1} [${`*a${at}, `.repeat(9)}]`).join('\n')}`,
      },
      path: '.',
      code: 'YAML_MALFORMED',
    },
  ])('$name -> $code', async ({ files, path, code, file }) => {
    const wanted = file === undefined ? { code } : { code, file }
    const all = { 'keep.md': '', ...files } as Record<string, string>
    await expect(read(all, [path])).rejects.toMatchObject(wanted)
  })
})

test.for([
  { file: 'x.json', text: '{"a": 1e2}', want: '{"a":100}' },
  {
    file: 'x.yaml',
    text: 'a: 1e2\nb: yes\nc: 2026-01-01\n---\nd: 1',
    want: '{"a":100,"b":"yes","c":"2026-01-01"}',
  },
  { file: 'x.yml', text: '', want: 'null' },
  { file: 'standard input', text: '[true]', want: '[true]' },
])('$file as OPA reads it: $want', ({ file, text, want }) => {
  expect(jsonText(parseDocument(text, file))).toBe(want)
})
