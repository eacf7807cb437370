import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { SECRET_BYTES_MAX } from '../../../src/base/limits.ts'
import { openFolder } from '../../../src/host/secrets/folder.ts'

const VALUE = ['f', 'i', 'l', 'e', 'd'].join('-')
let root = ''
let folder = ''

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'countersign-secrets-'))
  folder = join(root, 'secrets')
  mkdirSync(join(folder, 'stripe'), { recursive: true, mode: 0o700 })
  const put = (name: string, text: string | Uint8Array, mode = 0o600) => {
    const file = join(folder, name)
    writeFileSync(file, text)
    chmodSync(file, mode)
  }
  put('plain', VALUE)
  put('line', `${VALUE}\n`)
  put('windows', `${VALUE}\r\n`)
  put('two', `${VALUE}\n\n`)
  put('stripe/key', VALUE)
  put('empty', '')
  put('newline', '\n')
  put('open', VALUE, 0o644)
  put('group', VALUE, 0o640)
  put('bytes', Uint8Array.of(0xff, 0xfe))
  put('large', 'x'.repeat(SECRET_BYTES_MAX))
  put('larger', 'x'.repeat(SECRET_BYTES_MAX + 1))
  writeFileSync(join(root, 'outside'), VALUE, { mode: 0o600 })
  symlinkSync(join(folder, 'plain'), join(folder, 'link'))
  symlinkSync(join(root, 'outside'), join(folder, 'escape'))
  symlinkSync(root, join(folder, 'up'))
  for (const name of ['shared/deep', 'shared-too']) {
    mkdirSync(join(folder, name), { recursive: true, mode: 0o700 })
    put(`${name}/key`, VALUE)
  }
  chmodSync(join(folder, 'shared'), 0o777)
  chmodSync(join(folder, 'shared-too'), 0o770)
  execFileSync('mkfifo', ['-m', '600', join(folder, 'pipe')])
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

test.for([
  { name: 'plain', want: () => VALUE },
  { name: 'line', want: () => VALUE },
  { name: 'windows', want: () => VALUE },
  { name: 'two', want: () => `${VALUE}\n` },
  { name: 'stripe/key', want: () => VALUE },
  { name: 'link', want: () => VALUE },
  { name: 'large', want: () => 'x'.repeat(SECRET_BYTES_MAX) },
])('$name -> its text', async ({ name, want }) => {
  expect(await openFolder(folder).read(name)).toBe(want())
})

test.for([
  { name: 'absent' },
  { name: 'stripe' },
  { name: 'empty' },
  { name: 'newline' },
  { name: 'open' },
  { name: 'group' },
  { name: 'bytes' },
  { name: 'larger' },
  { name: 'shared/deep/key' },
  { name: 'shared-too/key' },
  { name: 'pipe' },
  { name: 'escape' },
  { name: 'up/outside' },
  { name: '../outside' },
  { name: 'stripe/../plain' },
  { name: '/etc/hostname' },
  { name: '.' },
  { name: '' },
  { name: 'plain\0' },
])('$name -> SECRET_MISSING, without a word of the value', async ({ name }) => {
  const error = await openFolder(folder)
    .read(name)
    .catch((thrown: Error) => thrown)
  expect(error).toMatchObject({ code: 'SECRET_MISSING', retryable: false })
  expect(String(error)).not.toContain(VALUE)
})

test.for([
  { name: 'that is not there', make: () => join(root, 'nowhere') },
  { name: 'that is a file', make: () => join(root, 'outside') },
  {
    name: 'that others may write to',
    make: () => {
      const open = join(root, 'open')
      mkdirSync(open)
      chmodSync(open, 0o777)
      return open
    },
  },
])('a folder $name -> SECRET_UNAVAILABLE', async ({ make }) => {
  await expect(openFolder(make()).read('plain')).rejects.toMatchObject({
    code: 'SECRET_UNAVAILABLE',
    retryable: true,
  })
})
