import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fromUtf8 } from '../base/digest.ts'
import { PolicyError } from '../base/errors.ts'
import { POLICY_BYTES_MAX, POLICY_FILES_MAX } from '../base/limits.ts'
import { policyFileBytesMax } from '../base/policy-file.ts'
import { compareText } from '../base/position.ts'
import type { Git } from './git.ts'
import { isOid, openGit } from './git.ts'
import {
  isPolicyFile,
  PROJECT_FILE,
  policyFileTooLarge,
  policyFileUnreadable,
  policyFolders,
} from './policy-files.ts'

/** A repository that is only read, wherever its objects lie: a bare one, or a work tree's. */
export function openRepository(folder: string): Git {
  const inside = join(folder, '.git')
  return openGit(existsSync(inside) ? inside : folder)
}

/**
 * The commit that a revision names. Where a tag or another branch goes by the same name, Git would take the tag, which
 * anybody who can push may have made.
 *
 * @throws {PolicyError} FILE_UNREADABLE when it names none; USAGE_INVALID when it may name two
 */
export async function commitOf(git: Git, revision: string): Promise<string> {
  if (!isOid(revision)) await checkOneName(git, revision)
  try {
    const args = ['rev-parse', '--verify', '--quiet', '--end-of-options', `${revision}^{commit}`]
    return (await git.run(args)).trim()
  } catch (cause) {
    throw new PolicyError('FILE_UNREADABLE', `expected a Git revision, found ${revision}`, {
      cause,
    })
  }
}

/** Git tries these in turn (gitrevisions(7)); a name in full has to be that of a ref. */
async function checkOneName(git: Git, revision: string): Promise<void> {
  const name = /^(?:(?!@\{)[^~^:])*/.exec(revision)?.[0] ?? ''
  const isFull = name.startsWith('refs/')
  const tried = ['', 'refs/', 'refs/tags/', 'refs/heads/', 'refs/remotes/'].map((at) => at + name)
  const refs = [...tried, `refs/remotes/${name}/HEAD`].filter((ref) => ref.startsWith('refs/'))
  const format =
    '--format=%(if)%(*objectname)%(then)%(*objectname)%(else)%(objectname)%(end) %(refname)'
  const listed = (await git.run(['for-each-ref', format, ...refs])).split('\n')
  const found = listed.flatMap((line): { readonly ref: string; readonly oid: string }[] => {
    const [oid = '', ref = ''] = line.split(' ')
    return refs.includes(ref) ? [{ ref, oid }] : []
  })
  const [first, ...others] = found
  if (first === undefined || (isFull && first.ref === name)) return
  const other = isFull ? first : others.find(({ oid }) => oid !== first.oid)
  if (other === undefined) return
  const message = isFull
    ? `expected the ref ${name}, found ${other.ref} alone; fetch it`
    : `${name} may be ${first.ref} or ${other.ref}; write one of them`
  throw new PolicyError('USAGE_INVALID', message)
}

/**
 * The policy files of a commit, as `readPolicyFiles` gives those of a folder; the work tree is not looked at.
 *
 * @param folder - the policy repository's folder within the commit, with forward slashes. Default: its top
 * @throws {PolicyError} FILE_UNREADABLE for a link or a submodule below the folders of policies, two names that some file
 *   systems take for one, or text that is no UTF-8; DOCUMENT_TOO_LARGE
 */
export async function readPolicyRevision(
  git: Git,
  commit: string,
  folder = '',
): Promise<ReadonlyMap<string, string>> {
  const prefix = folder === '' ? '' : `${folder.replace(/\/+$/, '')}/`
  const listed = await git.run(['ls-tree', '-r', '-z', '--full-tree', commit])
  const all = listed
    .split('\0')
    .filter((line) => line !== '')
    .map(parseEntry)
  const folders = policyFolders(await projectText(git, all, `${prefix}${PROJECT_FILE}`))
  const entries = all
    .filter(({ path }) => path.startsWith(prefix))
    .filter(({ path }) => isPolicyFile(path.slice(prefix.length), folders))
    .sort((a, b) => compareText(a.path, b.path))
  await checkSizes(git, entries)
  checkReadings(all, entries, { prefix, folders })
  const objects = await git.read(entries.map(({ oid }) => oid))
  return new Map(
    entries.map(({ path }, at) => {
      const object = objects[at]
      if (object === undefined || object === null)
        throw policyFileUnreadable(path, 'its object is missing')
      return [path.slice(prefix.length), textOf(path, object.content)]
    }),
  )
}

type Entry = {
  readonly mode: string
  readonly oid: string
  readonly path: string
}

async function projectText(
  git: Git,
  entries: readonly Entry[],
  path: string,
): Promise<string | null> {
  const project = entries.find((entry) => entry.path === path)
  if (project === undefined) return null
  await checkSizes(git, [project])
  const [object] = await git.read([project.oid])
  return object === undefined || object === null ? null : textOf(path, object.content)
}

function parseEntry(line: string): Entry {
  const tab = line.indexOf('\t')
  const [mode = '', , oid = ''] = line.slice(0, tab).split(' ')
  return { mode, oid, path: line.slice(tab + 1) }
}

async function checkSizes(git: Git, entries: readonly Entry[]): Promise<void> {
  if (entries.length > POLICY_FILES_MAX) {
    throw policyFileTooLarge(entries[0]?.path ?? '', `expected at most ${POLICY_FILES_MAX} files`)
  }
  const link = entries.find(({ mode }) => !mode.startsWith('100'))
  if (link !== undefined) throw policyFileUnreadable(link.path, 'expected a regular file')
  const sizes = await sizesOf(git, entries)
  let all = 0
  for (const [at, { path }] of entries.entries()) {
    const bytes = sizes[at] ?? Number.NaN
    if (Number.isNaN(bytes)) throw policyFileUnreadable(path, 'its object is missing')
    const max = policyFileBytesMax(path)
    if (bytes > max) {
      throw policyFileTooLarge(path, `expected at most ${max} bytes; split the file`)
    }
    all += bytes
  }
  if (all > POLICY_BYTES_MAX) {
    throw policyFileTooLarge('', `expected at most ${POLICY_BYTES_MAX} bytes in all policy files`)
  }
}

/** In bytes; NaN for objects that are missing. Asked of policy files only: asked of a whole tree it takes minutes. */
async function sizesOf(git: Git, entries: readonly Entry[]): Promise<readonly number[]> {
  if (entries.length === 0) return []
  const names = entries.map(({ oid }) => `${oid}\n`).join('')
  const answer = await git.run(['cat-file', '--batch-check=%(objectsize)'], names)
  return answer.split('\n').map((line) => (/^\d+$/.test(line) ? Number(line) : Number.NaN))
}

/**
 * One commit has one reading: a check-out may follow a link or a submodule that stands here for no file, and where case
 * or the form of a letter does not count, it puts one name's file in the place of another's.
 */
function checkReadings(
  all: readonly Entry[],
  entries: readonly Entry[],
  { prefix, folders }: { readonly prefix: string; readonly folders: readonly string[] },
): void {
  const top = folded(prefix)
  const names = folders.map(folded)
  const files = new Set(entries.map(({ path }) => path))
  const known = new Set<string>()
  for (const { path, mode } of all) {
    const name = folded(path)
    const isLink = LINK_OR_SUBMODULE.test(mode)
    if (isLink && top.startsWith(`${name}/`)) throw policyFileUnreadable(path, LINKED)
    if (!name.startsWith(top)) continue
    const inside = name.slice(top.length)
    if (isLink && isPolicyFile(`${inside}/any.yaml`, names)) {
      throw policyFileUnreadable(path, LINKED)
    }
    if (!isPolicyFile(inside, names)) continue
    if (!files.has(path) || known.has(name)) {
      throw policyFileUnreadable(
        path,
        'some file systems take its name for that of another policy file; rename it',
      )
    }
    known.add(name)
  }
}

const LINKED = 'expected a regular file, found a link or a submodule'
const LINK_OR_SUBMODULE = /^1[26]0000$/

/** The same for all names that some file system takes for one. */
function folded(path: string): string {
  return path.normalize('NFC').toUpperCase().toLowerCase()
}

function textOf(path: string, bytes: Uint8Array): string {
  try {
    return fromUtf8(bytes)
  } catch (cause) {
    throw policyFileUnreadable(path, 'expected UTF-8', cause)
  }
}
