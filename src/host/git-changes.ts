import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PolicyError } from '../base/errors.ts'
import { CHANGE_COMMITS_MAX, CHANGE_FILES_MAX } from '../base/limits.ts'
import type { ChangedFile } from '../model/policy-change.ts'
import type { Git } from './git.ts'
import { isOid, openGit } from './git.ts'

/**
 * Where a change left its base, by their histories. Neither is checked out.
 *
 * @throws {PolicyError} CHANGE_CONFLICT when they have no commit in common, or more than one that will do; GIT_FAILED in
 *   a clone without its history
 */
export async function mergeBaseOf(git: Git, base: string, head: string): Promise<string> {
  const shallow = (await git.run(['rev-parse', '--is-shallow-repository'])).trim()
  if (shallow !== 'false') {
    const message = 'this clone lacks a part of its history; fetch it with: git fetch --unshallow'
    throw new PolicyError('GIT_FAILED', message)
  }
  let text = ''
  try {
    text = await git.run(['merge-base', '--all', base, head])
  } catch (cause) {
    // Exit code 1 without a word: there is none.
    if (!isExit(cause, 1)) throw cause
  }
  const [only = '', ...more] = text.split('\n').filter(isOid)
  if (only !== '' && more.length === 0) return only
  const found = only === '' ? 'none' : `${more.length + 1}`
  const message = `expected one commit at which the change left the base branch, found ${found}; rebase it`
  throw new PolicyError('CHANGE_CONFLICT', message)
}

/**
 * The tree that merging makes of two commits, by Git's own merge and its defaults. Objects are written; no ref and no work
 * tree changes.
 *
 * @throws {PolicyError} CHANGE_CONFLICT
 */
export async function mergedTree(git: Git, base: string, head: string): Promise<string> {
  return withBareSettings(git, (apart) => mergeIn(apart, base, head))
}

/**
 * The same objects in a repository that says nothing: a clone's configuration and attributes can name a program that
 * merges, or another way to, and its work tree may be the head's.
 */
async function withBareSettings<T>(git: Git, work: (apart: Git) => Promise<T>): Promise<T> {
  const asked = ['rev-parse', '--show-object-format', '--path-format=absolute', '--git-path']
  const [format = '', ...path] = (await git.run([...asked, 'objects'])).split('\n')
  const folder = await mkdtemp(join(tmpdir(), 'countersign-merge-'))
  try {
    await mkdir(join(folder, 'refs'))
    await writeFile(join(folder, 'HEAD'), 'ref: refs/heads/main\n')
    const version = format === 'sha1' ? 0 : 1
    const config = `[core]\n\trepositoryformatversion = ${version}\n\tbare = true\n`
    const extension = version === 0 ? '' : `[extensions]\n\tobjectformat = ${format}\n`
    await writeFile(join(folder, 'config'), `${config}${extension}`)
    return await work(openGit(folder, path.join('\n').replace(/\n$/, '')))
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function mergeIn(git: Git, base: string, head: string): Promise<string> {
  let text: string
  try {
    text = await git.run(['merge-tree', '--write-tree', '--no-messages', base, head])
  } catch (cause) {
    if (!isExit(cause, 1)) throw cause
    const message = `${head} cannot be merged into ${base} without conflicts; rebase it`
    throw new PolicyError('CHANGE_CONFLICT', message, { cause })
  }
  const tree = text.trim()
  if (isOid(tree)) return tree
  throw new PolicyError('CHANGE_CONFLICT', `${head} cannot be merged into ${base}`)
}

/** Commits that a change brings, oldest first. @throws {PolicyError} CHANGE_TOO_LARGE */
export async function commitsOf(git: Git, base: string, head: string): Promise<readonly string[]> {
  const max = CHANGE_COMMITS_MAX
  const count = `--max-count=${max + 1}`
  const text = await git.run(['rev-list', '--topo-order', count, head, `^${base}`, '--'])
  const commits = text.split('\n').filter(isOid).reverse()
  if (commits.length <= max) return commits
  throw new PolicyError('CHANGE_TOO_LARGE', `expected at most ${max} commits; squash the change`)
}

/** Files that differ between two trees, by path. A file that moved is removed and added. */
export async function filesBetween(
  git: Git,
  before: string,
  after: string,
): Promise<readonly { readonly path: string; readonly change: ChangedFile['change'] }[]> {
  const args = [
    'diff-tree',
    '-r',
    '-z',
    '--no-renames',
    '--name-status',
    '--ignore-submodules=none',
  ]
  const words = (await git.run([...args, before, after, '--'])).split('\0')
  const files = []
  for (let at = 0; at + 1 < words.length; at += 2) {
    const [status = '', path = ''] = [words[at], words[at + 1]]
    const change = status === 'A' ? 'added' : status === 'D' ? 'removed' : 'changed'
    files.push({ path, change } as const)
  }
  if (files.length <= CHANGE_FILES_MAX) return files
  const message = `expected at most ${CHANGE_FILES_MAX} changed files; split the change`
  throw new PolicyError('CHANGE_TOO_LARGE', message)
}

/** The bytes of commits. @throws {PolicyError} GIT_FAILED when one is not there */
export async function readCommits(
  git: Git,
  oids: readonly string[],
): Promise<readonly Uint8Array[]> {
  const objects = await git.read(oids)
  return oids.map((oid, at) => {
    const object = objects[at]
    if (object?.type === 'commit' && object.oid === oid) return object.content
    throw new PolicyError('GIT_FAILED', `commit ${oid} is not here; fetch the pull request's head`)
  })
}

function isExit(error: unknown, code: number): boolean {
  const cause = error instanceof PolicyError ? error.cause : undefined
  return cause instanceof Error && new RegExp(`^(?:Error: )?exit code ${code}:`).test(cause.message)
}
