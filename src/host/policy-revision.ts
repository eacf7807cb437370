import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fromUtf8 } from '../base/digest.ts'
import { PolicyError } from '../base/errors.ts'
import { POLICY_BYTES_MAX, POLICY_FILES_MAX } from '../base/limits.ts'
import { policyFileBytesMax } from '../base/policy-file.ts'
import { compareText } from '../base/position.ts'
import type { Git } from './git.ts'
import { openGit } from './git.ts'
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

/** The commit that a revision names. @throws {PolicyError} FILE_UNREADABLE when it names none */
export async function commitOf(git: Git, revision: string): Promise<string> {
  try {
    const args = ['rev-parse', '--verify', '--quiet', '--end-of-options', `${revision}^{commit}`]
    return (await git.run(args)).trim()
  } catch (cause) {
    throw new PolicyError('FILE_UNREADABLE', `expected a Git revision, found ${revision}`, {
      cause,
    })
  }
}

/**
 * The policy files of a commit, as `readPolicyFiles` gives those of a folder; the work tree is not looked at.
 *
 * @param folder - the policy repository's folder within the commit, with forward slashes. Default: its top
 * @throws {PolicyError} FILE_UNREADABLE for a link, a submodule or text that is no UTF-8; DOCUMENT_TOO_LARGE
 */
export async function readPolicyRevision(
  git: Git,
  commit: string,
  folder = '',
): Promise<ReadonlyMap<string, string>> {
  const prefix = folder === '' ? '' : `${folder.replace(/\/+$/, '')}/`
  const listed = await git.run(['ls-tree', '-r', '-z', '-l', '--full-tree', commit])
  const all = listed
    .split('\0')
    .filter((line) => line !== '')
    .map(parseEntry)
    .filter(({ path }) => path.startsWith(prefix))
  const folders = policyFolders(await projectText(git, all, `${prefix}${PROJECT_FILE}`))
  const entries = all
    .filter(({ path }) => isPolicyFile(path.slice(prefix.length), folders))
    .sort((a, b) => compareText(a.path, b.path))
  checkSizes(entries)
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
  readonly bytes: number
  readonly path: string
}

async function projectText(
  git: Git,
  entries: readonly Entry[],
  path: string,
): Promise<string | null> {
  const project = entries.find((entry) => entry.path === path)
  if (project === undefined) return null
  checkSizes([project])
  const [object] = await git.read([project.oid])
  return object === undefined || object === null ? null : textOf(path, object.content)
}

function parseEntry(line: string): Entry {
  const tab = line.indexOf('\t')
  const [mode = '', , oid = '', bytes = ''] = line.slice(0, tab).split(/ +/)
  return { mode, oid, bytes: Number(bytes), path: line.slice(tab + 1) }
}

function checkSizes(entries: readonly Entry[]): void {
  if (entries.length > POLICY_FILES_MAX) {
    throw policyFileTooLarge(entries[0]?.path ?? '', `expected at most ${POLICY_FILES_MAX} files`)
  }
  let all = 0
  for (const { path, mode, bytes } of entries) {
    if (!mode.startsWith('100')) throw policyFileUnreadable(path, 'expected a regular file')
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

function textOf(path: string, bytes: Uint8Array): string {
  try {
    return fromUtf8(bytes)
  } catch (cause) {
    throw policyFileUnreadable(path, 'expected UTF-8', cause)
  }
}
