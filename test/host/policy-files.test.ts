import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { PolicyError } from '../../src/base/errors.ts'
import { POLICY_FILE_BYTES_MAX } from '../../src/base/limits.ts'
import { readPolicyFiles } from '../../src/host/policy-files.ts'

let top = ''
let root = ''

beforeEach(() => {
  top = mkdtempSync(join(tmpdir(), 'countersign-policy-'))
  root = join(top, 'repo')
  put('countersign.yaml', 'kind: Project\n')
})
afterEach(() => {
  rmSync(top, { recursive: true })
})

function put(path: string, content: string | Uint8Array): void {
  mkdirSync(dirname(join(root, path)), { recursive: true })
  writeFileSync(join(root, path), content)
}

async function errorOf(work: Promise<unknown>): Promise<PolicyError> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(PolicyError)
  return error as PolicyError
}

test('a repository -> its policy files, sorted, and nothing else', async () => {
  for (const path of [
    'policies/b/deep/x.rego',
    'policies/a.yml',
    'tests/t.yaml',
    'releases/r.yaml',
    'policies/d.json',
  ])
    put(path, path)
  for (const path of [
    '.github/workflows/ci.yaml',
    'docs/x.yaml',
    'policies/.hidden/x.yaml',
    'policies/.x.yaml',
    'policies/node_modules/p/x.yaml',
    'policies/README.md',
    'other.yaml',
    'countersign.yml',
  ])
    put(path, path)
  const files = await readPolicyFiles(root)
  expect([...files.keys()]).toEqual([
    'countersign.yaml',
    'policies/a.yml',
    'policies/b/deep/x.rego',
    'policies/d.json',
    'releases/r.yaml',
    'tests/t.yaml',
  ])
  expect(files.get('policies/a.yml')).toBe('policies/a.yml')
})

test('a link to a file of the repository -> the text of that file', async () => {
  put('policies/a.yaml', 'a')
  symlinkSync('a.yaml', join(root, 'policies/b.yaml'))
  expect((await readPolicyFiles(root)).get('policies/b.yaml')).toBe('a')
})

test('a link to the repository itself -> read like the repository', async () => {
  symlinkSync(root, join(top, 'link'))
  expect([...(await readPolicyFiles(join(top, 'link'))).keys()]).toEqual(['countersign.yaml'])
})

describe('refused', () => {
  const LINKS: { name: string; from: string; to: () => string }[] = [
    {
      name: 'a link out of the repository',
      from: 'policies/b.yaml',
      to: () => join(top, 'secret.yaml'),
    },
    { name: 'a relative link out of it', from: 'policies/b.yaml', to: () => '../../secret.yaml' },
    {
      name: 'a project file that links out of it',
      from: 'countersign.yaml',
      to: () => '../secret.yaml',
    },
    { name: 'a link to a folder outside', from: 'policies/out', to: () => top },
    { name: 'a link to a folder inside', from: 'policies/in', to: () => '.' },
    { name: 'a folder of policies that is a link', from: 'tests', to: () => 'policies' },
    { name: 'a link to nothing', from: 'policies/b.yaml', to: () => 'nowhere.yaml' },
    { name: 'a link to itself', from: 'policies/b.yaml', to: () => 'b.yaml' },
  ]
  test.for(LINKS)('$name -> FILE_UNREADABLE', async ({ from, to }) => {
    writeFileSync(join(top, 'secret.yaml'), 'secret')
    put('policies/a.yaml', 'a')
    rmSync(join(root, from), { force: true })
    symlinkSync(to(), join(root, from))
    const error = await errorOf(readPolicyFiles(root))
    expect(error.code).toBe('FILE_UNREADABLE')
    expect(error.file).toBe(from)
  })

  test('no such folder -> FILE_UNREADABLE', async () => {
    expect((await errorOf(readPolicyFiles(join(top, 'nowhere')))).code).toBe('FILE_UNREADABLE')
  })

  test('a file instead of a folder -> FILE_UNREADABLE', async () => {
    expect((await errorOf(readPolicyFiles(join(root, 'countersign.yaml')))).code).toBe(
      'FILE_UNREADABLE',
    )
  })

  test('bytes that are no UTF-8 -> FILE_UNREADABLE', async () => {
    put('policies/a.yaml', Uint8Array.of(0xff, 0xfe))
    expect((await errorOf(readPolicyFiles(root))).code).toBe('FILE_UNREADABLE')
  })

  test.skipIf(process.platform === 'win32')(
    'a pipe -> FILE_UNREADABLE, without waiting for it',
    async () => {
      put('policies/a.yaml', 'a')
      execFileSync('mkfifo', [join(root, 'policies/p.yaml')])
      expect((await errorOf(readPolicyFiles(root))).code).toBe('FILE_UNREADABLE')
    },
  )

  test('a file beyond the bound -> DOCUMENT_TOO_LARGE', async () => {
    put('policies/a.yaml', '')
    truncateSync(join(root, 'policies/a.yaml'), POLICY_FILE_BYTES_MAX + 1)
    expect((await errorOf(readPolicyFiles(root))).code).toBe('DOCUMENT_TOO_LARGE')
  })

  test('folders without end -> DOCUMENT_TOO_LARGE', async () => {
    put(`policies/${'d/'.repeat(40)}a.yaml`, '')
    expect((await errorOf(readPolicyFiles(root))).code).toBe('DOCUMENT_TOO_LARGE')
  })
})

test.for<{ project: string; read: readonly string[] }>([
  { project: 'folders: [rules]\n', read: ['countersign.yaml', 'rules/r.yaml'] },
  { project: 'folders: [../policies, /etc, .git]\n', read: ['countersign.yaml'] },
  { project: 'folders: rules\n', read: ['countersign.yaml', 'policies/p.yaml'] },
  { project: 'folders: [rules\n', read: ['countersign.yaml', 'policies/p.yaml'] },
])('a project file with $project -> $read', async ({ project, read }) => {
  put('countersign.yaml', project)
  put('policies/p.yaml', 'p')
  put('rules/r.yaml', 'r')
  put('.git/g.yaml', 'g')
  expect([...(await readPolicyFiles(root)).keys()]).toEqual(read)
})
