import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { findGitFolder } from '../../src/host/git-folder.ts'

function folder(): string {
  const made = realpathSync(mkdtempSync(join(tmpdir(), 'countersign-git-')))
  onTestFinished(() => rmSync(made, { recursive: true, force: true }))
  return made
}

const git = (cwd: string, ...args: string[]) =>
  execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@b', ...args], {
    cwd,
    stdio: 'pipe',
  })

test('a folder, its top, and one that is not there any more -> the repository and the path below it', async () => {
  const top = folder()
  git(top, 'init', '-q')
  mkdirSync(join(top, 'a/b'), { recursive: true })
  const gitDir = join(top, '.git')
  expect(await findGitFolder(top)).toEqual({ gitDir, prefix: '', isBare: false })
  expect(await findGitFolder(join(top, 'a/b'))).toEqual({ gitDir, prefix: 'a/b', isBare: false })
  expect(await findGitFolder(join(top, 'a/gone'))).toEqual({
    gitDir,
    prefix: 'a/gone',
    isBare: false,
  })
})

test('a linked work tree -> the folder that its file names', async () => {
  const top = folder()
  git(top, 'init', '-q')
  git(top, 'commit', '-q', '--allow-empty', '-m', 'x')
  git(top, 'worktree', 'add', '-q', 'linked')
  const found = await findGitFolder(join(top, 'linked'))
  expect(found).toEqual({ gitDir: join(top, '.git/worktrees/linked'), prefix: '', isBare: false })
})

test('a bare repository -> itself', async () => {
  const bare = folder()
  git(bare, 'init', '-q', '--bare')
  expect(await findGitFolder(bare)).toEqual({ gitDir: bare, prefix: '', isBare: true })
})

test('files like those of a bare repository, committed into a check-out -> the check-out', async () => {
  const top = folder()
  git(top, 'init', '-q')
  git(top, 'init', '-q', '--bare', 'shop')
  const found = await findGitFolder(join(top, 'shop'))
  expect(found).toEqual({ gitDir: join(top, '.git'), prefix: 'shop', isBare: false })
})

// What is checked out is the change's: it could have another folder judged in the place of its own.
test.for([
  { name: 'to another folder of it', to: 'other', at: 'link' },
  { name: 'above the folder', to: 'other', at: 'link/shop' },
  { name: 'to another check-out', to: '../elsewhere', at: 'link' },
  { name: 'to nothing', to: 'gone', at: 'link' },
])('a link within a check-out, $name -> FILE_UNREADABLE', async ({ to, at }) => {
  const above = folder()
  const top = join(above, 'top')
  for (const name of ['top/other/shop', 'elsewhere'])
    mkdirSync(join(above, name), { recursive: true })
  for (const name of ['top', 'elsewhere']) git(join(above, name), 'init', '-q')
  symlinkSync(to, join(top, 'link'))
  const wanted = { code: 'FILE_UNREADABLE', message: expect.stringContaining('link') }
  await expect(findGitFolder(join(top, at))).rejects.toMatchObject(wanted)
})

test('a link to a check-out from outside of it -> the check-out', async () => {
  const above = folder()
  mkdirSync(join(above, 'top/shop'), { recursive: true })
  git(join(above, 'top'), 'init', '-q')
  symlinkSync('top', join(above, 'link'))
  const found = await findGitFolder(join(above, 'link/shop'))
  expect(found).toEqual({ gitDir: join(above, 'top/.git'), prefix: 'shop', isBare: false })
})

test.for([
  { name: 'no repository', make: () => undefined },
  { name: 'an empty file .git', make: (at: string) => writeFileSync(join(at, '.git'), '') },
  { name: 'another file .git', make: (at: string) => writeFileSync(join(at, '.git'), 'go away') },
])('$name -> FILE_UNREADABLE', async ({ make }) => {
  const at = folder()
  make(at)
  await expect(findGitFolder(at)).rejects.toMatchObject({ code: 'FILE_UNREADABLE' })
})
