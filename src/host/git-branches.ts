import { execFile } from 'node:child_process'
import { PolicyError } from '../base/errors.ts'
import type { Git } from './git.ts'
import { IDENTITY, isOid } from './git.ts'

/** The branch that is checked out, as `refs/heads/…`; null when none is. */
export async function headBranch(git: Git): Promise<string | null> {
  try {
    return (await git.run(['symbolic-ref', '--quiet', 'HEAD'])).trim()
  } catch {
    return null
  }
}

/** The object that a ref names; null when there is no such ref. @param ref - in full: `refs/heads/main` */
export async function refTarget(git: Git, ref: string): Promise<string | null> {
  const listed = await git.run(['for-each-ref', '--format=%(objectname) %(refname)', ref])
  const line = listed.split('\n').find((one) => one.endsWith(` ${ref}`))
  const oid = line?.split(' ')[0] ?? ''
  return isOid(oid) ? oid : null
}

/** The text of a file in a commit; null when it is not there. */
export async function fileAt(git: Git, commit: string, path: string): Promise<string | null> {
  const [object] = await git.read([`${commit}:${path}`])
  return object?.type === 'blob' ? object.content.toString('utf8') : null
}

/**
 * The texts that a file had, each once, newest first, as the commits that lead to `commit` changed it.
 *
 * @param limit - commits to look at, at most
 */
export async function fileHistory(
  git: Git,
  {
    commit,
    path,
    limit,
  }: { readonly commit: string; readonly path: string; readonly limit: number },
): Promise<readonly string[]> {
  const listed = await git.run([
    'log',
    '--format=%H',
    `--max-count=${limit}`,
    '--end-of-options',
    commit,
    '--',
    `:(top,literal)${path}`,
  ])
  const commits = listed.split('\n').filter(isOid)
  const objects = await git.read(commits.map((one) => `${one}:${path}`))
  const texts = objects.flatMap((object) =>
    object?.type === 'blob' ? [object.content.toString('utf8')] : [],
  )
  return [...new Set(texts)]
}

/** The work trees that have a branch checked out, by their folders. */
export async function worktreesOf(git: Git, branch: string): Promise<readonly string[]> {
  const listed = await git.run(['worktree', 'list', '--porcelain', '-z'])
  return listed.split('\0\0').flatMap((entry) => {
    const lines = entry.split('\0')
    const folder = lines.find((line) => line.startsWith('worktree '))?.slice('worktree '.length)
    return folder !== undefined && lines.includes(`branch ${branch}`) ? [folder] : []
  })
}

/** The blob that the index holds for a path; null when it holds none, or one that is being merged. */
export async function indexedBlob(git: Git, path: string): Promise<string | null> {
  const listed = await git.run(['ls-files', '--stage', '-z', '--', `:(top,literal)${path}`])
  const [entry = '', ...more] = listed.split('\0').filter((line) => line !== '')
  const [, oid = '', stage = ''] = entry.split('\t')[0]?.split(' ') ?? []
  return more.length === 0 && stage === '0' && isOid(oid) ? oid : null
}

/** Puts a blob into the index; the work tree is not looked at. */
export async function stageBlob(git: Git, path: string, oid: string): Promise<void> {
  await git.run(['update-index', '--add', '--cacheinfo', `100644,${oid},${path}`])
}

/** Whether this program made a commit: nobody else's work is in it. */
export async function isOurs(git: Git, commit: string): Promise<boolean> {
  const [object] = await git.read([commit])
  const header = object?.content.toString('utf8').split('\n\n', 1)[0] ?? ''
  return header.split('\n').some((line) => line.startsWith(`committer ${IDENTITY} `))
}

/**
 * Pushes a commit to a branch of a remote, and over nothing but what `replaces` says that it has there. Unlike all else here it is the user's own
 * git, with their configuration and credentials: the remote is theirs.
 *
 * @throws {PolicyError} GIT_FAILED with what git said
 */
export async function pushCommit(
  gitDir: string,
  push: {
    readonly remote: string
    readonly commit: string
    readonly ref: string
    readonly replaces?: string | null
  },
): Promise<void> {
  const { remote, commit, ref, replaces = null } = push
  if (remote.startsWith('-')) {
    throw new PolicyError('USAGE_INVALID', 'expected the name or the URL of a remote')
  }
  const lease = replaces === null ? [] : [`--force-with-lease=${ref}:${replaces}`]
  const what = ['--quiet', ...lease, '--', remote, `${commit}:${ref}`]
  const args = [`--git-dir=${gitDir}`, 'push', ...what]
  await new Promise<void>((resolve, reject) => {
    execFile('git', args, { timeout: PUSH_MS_MAX }, (cause, _stdout, stderr) => {
      if (cause === null) return resolve()
      const said = stderr.trim().slice(0, SAID_LENGTH_MAX)
      reject(new PolicyError('GIT_FAILED', `git push to ${remote} failed: ${said}`, { cause }))
    })
  })
}

const PUSH_MS_MAX = 120_000
const SAID_LENGTH_MAX = 500
