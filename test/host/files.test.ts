import {
  chmodSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { readBytes, readLines, writeAtomically, writeNewFiles } from '../../src/host/files.ts'

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-files-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

async function linesOf(text: string | Uint8Array, bytesMax = 1000) {
  const file = join(temporaryFolder(), 'f')
  writeFileSync(file, text)
  const lines: { text: string; number: number }[] = []
  for await (const { text: line, number } of readLines(file, bytesMax))
    lines.push({ text: line, number })
  return lines.map(({ text: line, number }) => `${number}:${line}`)
}

test.for([
  { name: 'nothing', text: '', want: [] },
  { name: 'one line', text: 'a\n', want: ['1:a'] },
  { name: 'no line end at the end', text: 'a\nb', want: ['1:a', '2:b'] },
  { name: 'empty lines', text: '\n\na\n', want: ['1:', '2:', '3:a'] },
  { name: 'Windows line ends', text: 'a\r\nb\r\n', want: ['1:a', '2:b'] },
  {
    name: 'line separators of Unicode, which JSON may hold',
    text: 'a\u2028b\u2029c\n',
    want: ['1:a\u2028b\u2029c'],
  },
])('lines of $name', async ({ text, want }) => {
  expect(await linesOf(text)).toEqual(want)
})

test('lines and characters are whole across the chunks that a file is read in', async () => {
  const lines = Array.from({ length: 4000 }, (_, i) => `${'ä€😀'.repeat(i % 40)}${i}`)
  expect(await linesOf(lines.join('\n'))).toEqual(lines.map((line, i) => `${i + 1}:${line}`))
})

test.for([
  {
    name: 'a line over the bound',
    text: `a\n${'x'.repeat(70_000)}\n`,
    code: 'DOCUMENT_TOO_LARGE',
    line: 2,
  },
  {
    name: 'a last line over the bound',
    text: 'x'.repeat(2000),
    code: 'DOCUMENT_TOO_LARGE',
    line: 1,
  },
  {
    name: 'other bytes than UTF-8',
    text: Buffer.from([0x61, 0x0a, 0xc3, 0x28, 0x0a]),
    code: 'UTF8_INVALID',
    line: 2,
  },
])('$name -> $code at line $line', async ({ text, code, line }) => {
  await expect(linesOf(text)).rejects.toMatchObject({ code, at: { line } })
})

test.for([
  { name: 'a file that is not there', path: 'no' },
  { name: 'a folder', path: '.' },
])('reading $name -> FILE_UNREADABLE', async ({ path }) => {
  const file = join(temporaryFolder(), path)
  await expect(readBytes(file)).rejects.toMatchObject({ code: 'FILE_UNREADABLE', file })
})

test('writing atomically replaces the file and leaves nothing beside it', async () => {
  const folder = temporaryFolder()
  await writeAtomically(join(folder, 'f'), 'one')
  await writeAtomically(join(folder, 'f'), 'two')
  expect(readFileSync(join(folder, 'f'), 'utf8')).toBe('two')
  expect(readdirSync(folder)).toEqual(['f'])
})

test('writing where a folder stands -> FILE_UNREADABLE, nothing beside it', async () => {
  const folder = temporaryFolder()
  await writeNewFiles(folder, new Map([['f/g', { text: 'x' }]]))
  await expect(writeAtomically(join(folder, 'f'), 'one')).rejects.toMatchObject({
    code: 'FILE_UNREADABLE',
  })
  expect(readdirSync(folder)).toEqual(['f'])
})

test('new files come with their folders and modes', async () => {
  const folder = join(temporaryFolder(), 'deep/er')
  await writeNewFiles(
    folder,
    new Map([
      ['a/b.txt', { text: 'x' }],
      ['key', { text: 'k', mode: 0o600 }],
    ]),
  )
  expect(readFileSync(join(folder, 'a/b.txt'), 'utf8')).toBe('x')
  expect(statSync(join(folder, 'key')).mode & 0o777).toBe(0o600)
  expect(readdirSync(folder).sort()).toEqual(['a', 'key'])
})

test.for([
  { name: 'the first file exists', exists: 'a' },
  { name: 'the last file exists', exists: 'z' },
])('new files where $name -> FILE_EXISTS, and none is made', async ({ exists }) => {
  const folder = temporaryFolder()
  writeFileSync(join(folder, exists), 'mine')
  const files = new Map(['a', 'b/c', 'z'].map((path) => [path, { text: 'new' }]))
  await expect(writeNewFiles(folder, files)).rejects.toMatchObject({ code: 'FILE_EXISTS' })
  expect(readdirSync(folder)).toEqual([exists])
  expect(readFileSync(join(folder, exists), 'utf8')).toBe('mine')
})

test('new files where one cannot be written -> FILE_UNREADABLE, and none is left', async () => {
  const folder = temporaryFolder()
  writeFileSync(join(folder, 'blocked'), 'a file, no folder')
  chmodSync(join(folder, 'blocked'), 0o400)
  const files = new Map([
    ['a/b', { text: 'x' }],
    ['c', { text: 'x' }],
    ['blocked/d', { text: 'x' }],
  ])
  await expect(writeNewFiles(folder, files)).rejects.toMatchObject({ code: 'FILE_UNREADABLE' })
  expect(readdirSync(folder)).toEqual(['blocked'])
})

test('new files of which one stands in the way of another -> FILE_UNREADABLE, and none is left', async () => {
  const folder = temporaryFolder()
  const files = new Map(['x/y', 'a', 'a/b'].map((path) => [path, { text: 'new' }]))
  await expect(writeNewFiles(folder, files)).rejects.toMatchObject({ code: 'FILE_UNREADABLE' })
  expect(readdirSync(folder)).toEqual([])
})
