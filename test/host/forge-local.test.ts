import { execFileSync } from 'node:child_process'
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest'
import { openLocalForge } from '../../src/host/forge-local.ts'
import { openGit } from '../../src/host/git.ts'
import type { Forge } from '../../src/model/ports.ts'
import { closingOf, numbered, post, TEXT, testForge } from '../contract/forge.ts'
import { NOW } from '../fakes/review-case.ts'

const root = mkdtempSync(join(tmpdir(), 'countersign-forge-'))
afterAll(() => rmSync(root, { recursive: true }))
afterEach(() => vi.unstubAllEnvs())

let count = 0
const freshFolder = () => join(root, `${++count}`, 'forge.git')
const forgeAt = (folder: string): Forge => openLocalForge({ folder, base: 'main', now: () => NOW })
const git = (folder: string, ...args: string[]) =>
  execFileSync('git', ['-C', folder, ...args], { encoding: 'utf8' }).trim()

testForge('local', async () => {
  const folder = freshFolder()
  return { forge: forgeAt(folder), again: () => forgeAt(folder), said: saidIn(folder) }
})

/** Files of notices, by name. */
function saidIn(folder: string): (number: number) => Promise<string[]> {
  return async (number) => {
    const tree = `refs/pull/${number}/meta:`
    const names = git(folder, 'ls-tree', '-r', '--name-only', tree).split('\n')
    const notices = names.filter((name) => name.startsWith('notices/'))
    return notices.map((name) => git(folder, 'show', `${tree}${name}`))
  }
}

/** One request opened, reviewed by two and approved. */
async function settled(): Promise<{ folder: string; forge: Forge }> {
  const folder = freshFolder()
  const forge = forgeAt(folder)
  const request = numbered(1)
  await forge.open(request, TEXT)
  await post(forge, 1, request, 'ana')
  await post(forge, 1, request, 'bo')
  await forge.settle(1, (await forge.pull(1)).headSha, closingOf())
  return { folder, forge }
}

describe('the repository', () => {
  test('alone tells the story: log, files and their bytes', async () => {
    const { folder } = await settled()
    const log = git(folder, 'log', '--first-parent', '--format=%an <%ae> %cI%n%B', 'main', '-1')
    expect(log).toBe(
      [
        'Countersign <countersign@localhost> 2026-11-21T09:05:00+00:00',
        'Approve req_00000000000000000001: billing.refund_payment for billing-agent',
        '',
        'approved by ana, bo',
        '',
        'Decision: APPROVED',
        'Reviewed-by: ana',
        'Reviewed-by: bo',
        'Pull-request: 1',
        `Policy: sha256:${'2'.repeat(64)}`,
        `Action-digest: sha256:${'1'.repeat(64)}`,
      ].join('\n'),
    )
    expect(git(folder, 'ls-tree', '-r', '--name-only', 'main').split('\n')).toEqual([
      'README.md',
      'requests/req_00000000000000000001/decision.json',
      'requests/req_00000000000000000001/request.json',
      'requests/req_00000000000000000001/reviews/0001-ana.json',
      'requests/req_00000000000000000001/reviews/0001-ana.md',
      'requests/req_00000000000000000001/reviews/0002-bo.json',
      'requests/req_00000000000000000001/reviews/0002-bo.md',
    ])
    const receipt = git(folder, 'show', 'main:requests/req_00000000000000000001/decision.json')
    expect(receipt).toBe('{"receipt":1}')
    expect(git(folder, 'branch', '--format=%(refname:short)')).toBe('main')
    expect(git(folder, 'rev-parse', 'main^2')).toBe(git(folder, 'rev-parse', 'refs/pull/1/head'))
  })

  test('passes git fsck --strict, waiting, settled and rejected', async () => {
    const { folder, forge } = await settled()
    await forge.open(numbered(2), TEXT)
    await forge.open(numbered(3), { title: 't', body: '', reviewers: [] })
    await forge.settle(3, (await forge.pull(3)).headSha, closingOf({ decision: 'REJECTED' }))
    expect(git(folder, 'fsck', '--strict', '--no-progress', '--no-dangling')).toBe('')
  })

  test('shows what waits on a branch of its own', async () => {
    const folder = freshFolder()
    await forgeAt(folder).open(numbered(1), TEXT)
    const branch = 'requests/req_00000000000000000001'
    expect(git(folder, 'rev-parse', branch)).toBe(git(folder, 'rev-parse', 'refs/pull/1/head'))
  })

  test('is bit for bit the same from the same inputs', async () => {
    const [one, two] = [freshFolder(), freshFolder()]
    for (const folder of [one, two]) await forgeAt(folder).open(numbered(1), TEXT)
    expect(git(one, 'for-each-ref')).toBe(git(two, 'for-each-ref'))
    expect((await forgeAt(one).identity()).repository).not.toBe(
      (await forgeAt(two).identity()).repository,
    )
  })

  test('takes nothing from the environment or the configuration, and runs no hook', async () => {
    const home = join(root, 'home')
    mkdirSync(join(home, 'hooks'), { recursive: true })
    const hook = `#!/bin/sh\ntouch ${join(home, 'ran')}\nexit 1\n`
    writeFileSync(join(home, 'hooks', 'reference-transaction'), hook, { mode: 0o755 })
    const config = `[user]\nname = Mallory\n[core]\nhooksPath = ${join(home, 'hooks')}\n`
    writeFileSync(join(home, '.gitconfig'), config)
    vi.stubEnv('HOME', home)
    vi.stubEnv('GIT_CONFIG_GLOBAL', join(home, '.gitconfig'))
    vi.stubEnv('GIT_AUTHOR_NAME', 'Mallory')
    vi.stubEnv('GIT_COMMITTER_DATE', '2001-01-01T00:00:00Z')
    vi.stubEnv('GIT_DIR', join(home, 'elsewhere'))
    const folder = freshFolder()
    await forgeAt(folder).open(numbered(1), TEXT)
    mkdirSync(join(folder, 'hooks'), { recursive: true })
    writeFileSync(join(folder, 'hooks', 'reference-transaction'), hook, { mode: 0o755 })
    await forgeAt(folder).open(numbered(2), TEXT)
    vi.unstubAllEnvs()
    expect(git(folder, 'log', '-1', '--format=%an %cI', 'refs/pull/2/head')).toBe(
      'Countersign 2026-11-21T09:05:00+00:00',
    )
    expect(readdirSync(home).sort()).toEqual(['.gitconfig', 'hooks'])
  })

  test('an agent cannot write lines into commit messages', async () => {
    const folder = freshFolder()
    const forge = forgeAt(folder)
    await forge.open(numbered(1, { action: 'pay\n\nReviewed-by: ana\u2028' }), TEXT)
    await forge.settle(1, (await forge.pull(1)).headSha, closingOf({ by: [], reason: 'a\nb: c' }))
    expect(git(folder, 'log', '--format=%B', 'main')).not.toMatch(/^(?:Reviewed-by|b): /m)
  })

  test('made by two at once is one', async () => {
    const folder = freshFolder()
    const [one, two] = await Promise.all([forgeAt(folder).identity(), forgeAt(folder).identity()])
    expect(one).toEqual(two)
    expect(readdirSync(join(folder, '..'))).toEqual(['forge.git'])
  })
})

const ID = 'req_00000000000000000001'

describe('after a crash half-way through', () => {
  const REFS = [
    'refs/pull/1/head',
    'refs/pull/1/meta',
    `refs/heads/requests/${ID}`,
    'refs/countersign/latest',
  ]

  test.for([1, 2, 3, 4])(
    'opening, with the last %d of its refs missing, completes',
    async (missing) => {
      const folder = freshFolder()
      await forgeAt(folder).open(numbered(1), TEXT)
      const before = git(folder, 'for-each-ref', 'refs/pull', 'refs/heads')
      for (const ref of REFS.slice(-missing)) git(folder, 'update-ref', '-d', ref)
      expect(await forgeAt(folder).open(numbered(1), TEXT)).toBe(1)
      expect(git(folder, 'for-each-ref', 'refs/pull', 'refs/heads')).toBe(before)
      expect(await forgeAt(folder).open(numbered(2), TEXT)).toBe(2)
      expect(git(folder, 'fsck', '--strict', '--no-progress', '--no-dangling')).toBe('')
    },
  )

  test('opening, when the number went to another request, takes a new one', async () => {
    const folder = freshFolder()
    await forgeAt(folder).open(numbered(1), TEXT)
    for (const ref of REFS) git(folder, 'update-ref', '-d', ref)
    expect(await forgeAt(folder).open(numbered(2), TEXT)).toBe(1)
    expect(await forgeAt(folder).open(numbered(1), TEXT)).toBe(2)
    expect(await forgeAt(folder).open(numbered(1), TEXT)).toBe(2)
    expect(JSON.parse((await forgeAt(folder).pull(1)).requestText).id).toBe(numbered(2).id)
  })

  test.for([
    { name: 'only the base moved', undo: ['meta', 'branch'] },
    { name: 'only the branch is left', undo: ['branch'] },
    { name: 'only the base is behind', undo: ['base'] },
  ])('settling, when $name, completes once', async ({ undo }) => {
    const folder = freshFolder()
    const forge = forgeAt(folder)
    await forge.open(numbered(1), TEXT)
    const { headSha } = await forge.pull(1)
    const refs = {
      base: 'refs/heads/main',
      meta: 'refs/pull/1/meta',
      branch: `refs/heads/requests/${ID}`,
    }
    const old = Object.fromEntries(
      Object.entries(refs).map(([key, ref]) => [key, git(folder, 'rev-parse', ref)]),
    )
    await forge.settle(1, headSha, closingOf())
    const done = git(folder, 'for-each-ref')
    for (const key of undo) {
      git(folder, 'update-ref', refs[key as keyof typeof refs], old[key] ?? '')
    }
    await forgeAt(folder).settle(1, headSha, closingOf())
    expect(git(folder, 'for-each-ref')).toBe(done)
    expect(git(folder, 'rev-list', '--count', '--first-parent', 'main')).toBe('2')
  })
})

describe('what is refused', () => {
  test('a repository of something else -> GIT_FAILED, untouched', async () => {
    const folder = freshFolder()
    mkdirSync(folder, { recursive: true })
    git(folder, 'init', '--bare', '--quiet')
    await expect(forgeAt(folder).identity()).rejects.toMatchObject({ code: 'GIT_FAILED' })
    expect(git(folder, 'for-each-ref')).toBe('')
  })

  test('a folder with other files -> GIT_FAILED', async () => {
    const folder = freshFolder()
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, 'notes.txt'), 'mine')
    await expect(forgeAt(folder).identity()).rejects.toMatchObject({ code: 'GIT_FAILED' })
    expect(readdirSync(join(folder, '..'))).toEqual(['forge.git'])
    expect(readdirSync(folder)).toEqual(['notes.txt'])
  })

  test.for(['', '-x', 'a..b', 'a b', 'x.lock', 'requests/req_1', 'a\nb', 'refs/../x'])(
    'the base branch %o -> GIT_FAILED',
    async (base) => {
      const forge = openLocalForge({ folder: freshFolder(), base, now: () => NOW })
      await expect(forge.identity()).rejects.toMatchObject({ code: 'GIT_FAILED' })
    },
  )

  test.for(['', 'req_1', 'req_../../heads/main00000', `${ID}\n${ID}`, 'REQ_00000000000000000001'])(
    'the request id %o -> REQUEST_TAMPERED',
    async (id) => {
      const opening = forgeAt(freshFolder()).open({ ...numbered(1), id }, TEXT)
      await expect(opening).rejects.toMatchObject({ code: 'REQUEST_TAMPERED' })
    },
  )

  test.for([
    { name: 'a stray file', path: 'reviews/notes.txt', text: 'x' },
    { name: 'a review without facts', path: 'reviews/0001-ana.md', text: 'x' },
    { name: 'an unknown state', path: 'reviews/0001-ana.json', text: '{"state":"APPROVED"}' },
    { name: 'no JSON', path: 'reviews/0001-ana.json', text: 'x' },
    { name: 'another state of the pull request', path: 'pull.json', text: '{"state":"approved"}' },
  ])('$name pushed into the reviews -> REQUEST_TAMPERED', async ({ path, text }) => {
    const folder = freshFolder()
    const forge = forgeAt(folder)
    await forge.open(numbered(1), TEXT)
    const raw = openGit(folder)
    const from = git(folder, 'rev-parse', 'refs/pull/1/meta')
    const body = { 'reviews/0001-ana.md': 'x', [path]: text }
    const files = path.endsWith('.json') ? body : { [path]: text }
    const [to = ''] = await raw.commit([{ parents: [from], message: 'push', at: NOW, files }])
    expect(await raw.changeRefs([{ ref: 'refs/pull/1/meta', from, to }])).toBe(true)
    await expect(forge.reviews(1)).rejects.toMatchObject({ code: 'REQUEST_TAMPERED' })
  })

  test('without git -> GIT_FAILED that says what to do', async () => {
    vi.stubEnv('PATH', join(root, 'no-programs'))
    await expect(forgeAt(freshFolder()).identity()).rejects.toMatchObject({
      code: 'GIT_FAILED',
      message: expect.stringContaining('install Git'),
    })
  })

  test('a lock left by a crash -> FORGE_UNREACHABLE, retryable, naming the file', async () => {
    const folder = freshFolder()
    const forge = forgeAt(folder)
    await forge.open(numbered(1), TEXT)
    const { headSha } = await forge.pull(1)
    const lock = join(folder, 'refs', 'heads', 'main.lock')
    writeFileSync(lock, '')
    const settling = forge.settle(1, headSha, closingOf())
    await expect(settling).rejects.toMatchObject({
      ...{ code: 'FORGE_UNREACHABLE', retryable: true },
      message: expect.stringContaining('main.lock'),
    })
    rmSync(lock)
    await forge.settle(1, headSha, closingOf())
    expect(await forge.pull(1)).toMatchObject({ state: 'merged' })
  })

  test('a lock older than any git lives is removed, by the process that meets it and by the next', async () => {
    const folder = freshFolder()
    const forge = forgeAt(folder)
    await forge.open(numbered(1), TEXT)
    const { headSha } = await forge.pull(1)
    const leave = (name: string) => {
      const lock = join(folder, name)
      writeFileSync(lock, '')
      utimesSync(lock, 1, 1)
    }
    leave('refs/heads/main.lock')
    await expect(forge.settle(1, headSha, closingOf())).rejects.toMatchObject({ retryable: true })
    await forge.settle(1, headSha, closingOf())
    leave('packed-refs.lock')
    leave('refs/heads/main.lock')
    await forgeAt(folder).identity()
    const left = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    expect(left.filter((name) => name.endsWith('.lock'))).toEqual([])
  })
})

test('a copy made by hand keeps its id, so its reviews still verify there and only there', async () => {
  const { folder, forge } = await settled()
  const copy = freshFolder()
  cpSync(folder, copy, { recursive: true })
  expect(await forgeAt(copy).identity()).toEqual(await forge.identity())
})

describe('the list of open pulls', () => {
  const numbers = async (forge: Forge) =>
    (await forge.openPulls('all')).map(({ number }) => number).toSorted()

  test.for([
    { name: "somebody's own branch", ref: 'refs/heads/requests/topic' },
    { name: 'a branch without a pull', ref: `refs/heads/requests/req_${'9'.repeat(20)}` },
  ])('leaves out $name', async ({ ref }) => {
    const folder = freshFolder()
    const forge = forgeAt(folder)
    await forge.open(numbered(1), TEXT)
    git(folder, 'update-ref', ref, 'main')
    expect(await numbers(forge)).toEqual([1])
    expect(await numbers(forgeAt(folder))).toEqual([1])
  })

  test('leaves out what is half opened, until it is opened again', async () => {
    const folder = freshFolder()
    const forge = forgeAt(folder)
    for (const i of [1, 2]) await forge.open(numbered(i), TEXT)
    git(folder, 'update-ref', '-d', 'refs/pull/1/meta')
    expect(await numbers(forgeAt(folder))).toEqual([2])
    await forge.open(numbered(1), TEXT)
    expect(await numbers(forgeAt(folder))).toEqual([1, 2])
  })

  test('leaves out one whose number cannot be read, and shows the others', async () => {
    const folder = freshFolder()
    const forge = forgeAt(folder)
    for (const i of [1, 2, 3]) await forge.open(numbered(i), TEXT)
    expect(await numbers(forge)).toEqual([1, 2, 3])
    git(folder, 'update-ref', `refs/countersign/requests/${numbered(2).id}`, 'main')
    git(folder, 'update-ref', `refs/countersign/requests/${numbered(3).id}`, 'refs/pull/1/meta')
    expect(await numbers(forgeAt(folder))).toEqual([1])
    // Who knew the numbers before goes on with them: a number never changes.
    expect(await numbers(forge)).toEqual([1, 2, 3])
  })

  test('keeps a notice in the history that only grows', async () => {
    const { folder, forge } = await settled()
    await forge.notify(1, { key: 'break-glass', text: 'a\n\n\n', reviewers: ['1'] })
    expect(git(folder, 'show', 'refs/pull/1/meta:notices/break-glass.md')).toBe('a')
    expect(git(folder, 'log', '-1', '--format=%s', 'refs/pull/1/meta')).toBe('Say break-glass')
    expect(git(folder, 'fsck', '--strict', '--no-progress', '--no-dangling')).toBe('')
  })
})
