import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
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
  expect(await findGitFolder(top)).toEqual({ gitDir, prefix: '' })
  expect(await findGitFolder(join(top, 'a/b'))).toEqual({ gitDir, prefix: 'a/b' })
  expect(await findGitFolder(join(top, 'a/gone'))).toEqual({ gitDir, prefix: 'a/gone' })
})

test('a linked work tree -> the folder that its file names', async () => {
  const top = folder()
  git(top, 'init', '-q')
  git(top, 'commit', '-q', '--allow-empty', '-m', 'x')
  git(top, 'worktree', 'add', '-q', 'linked')
  const found = await findGitFolder(join(top, 'linked'))
  expect(found).toEqual({ gitDir: join(top, '.git/worktrees/linked'), prefix: '' })
})

test('a bare repository -> itself', async () => {
  const bare = folder()
  git(bare, 'init', '-q', '--bare')
  expect(await findGitFolder(bare)).toEqual({ gitDir: bare, prefix: '' })
})

test('files like those of a bare repository, committed into a check-out -> the check-out', async () => {
  const top = folder()
  git(top, 'init', '-q')
  git(top, 'init', '-q', '--bare', 'shop')
  const found = await findGitFolder(join(top, 'shop'))
  expect(found).toEqual({ gitDir: join(top, '.git'), prefix: 'shop' })
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
