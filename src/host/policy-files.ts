import type { Dirent, Stats } from 'node:fs'
import { readdir, readFile, realpath, stat } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { parse } from 'yaml'
import { fromUtf8 } from '../base/digest.ts'
import { PolicyError } from '../base/errors.ts'
import { POLICY_BYTES_MAX, POLICY_FILES_MAX } from '../base/limits.ts'
import { policyFileBytesMax } from '../base/policy-file.ts'
import { compareText } from '../base/position.ts'

/** The file that makes a folder a policy repository. */
export const PROJECT_FILE = 'countersign.yaml'

/**
 * Folders of a policy repository that are read; nothing else in it is. Its project file may name others.
 *
 * @param project - the project file's text; null when there is none. What cannot be read names none: the compiler says
 *   what is wrong with it
 */
export function policyFolders(project: string | null): readonly string[] {
  const named = project === null ? undefined : foldersIn(project)
  return named ?? ['policies', 'releases', 'tests']
}

function foldersIn(project: string): readonly string[] | undefined {
  let value: unknown
  try {
    value = parse(project)
  } catch {
    return undefined
  }
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, 'folders'))
    return undefined
  const { folders } = value as { readonly folders: unknown }
  if (!Array.isArray(folders)) return undefined
  return folders.filter((name): name is string => typeof name === 'string' && FOLDER.test(name))
}

const FOLDER = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$/

/** Whether a path of a policy repository is one of a policy file: nothing else is read. */
export function isPolicyFile(path: string, folders: readonly string[]): boolean {
  const names = path.split('/')
  if (names.some((name) => name.startsWith('.') || name === 'node_modules')) return false
  if (names.length === 1) return path === PROJECT_FILE
  return folders.includes(names[0] ?? '') && POLICY_FILE.test(path)
}

/**
 * The policy files of a folder: `countersign.yaml`, and every `.yaml`, `.yml`, `.rego` and `.json` file below the folders
 * that it names, by path with forward slashes, sorted. Names that start with a dot and `node_modules` are left out. A link may point to a file of the same repository and to nothing else.
 *
 * @throws {PolicyError} FILE_UNREADABLE when the folder or a file cannot be read, is no UTF-8, or is a link to
 *   elsewhere; DOCUMENT_TOO_LARGE beyond the bounds of base/limits.ts
 */
export async function readPolicyFiles(root: string): Promise<ReadonlyMap<string, string>> {
  const base = await unlessUnreadable(root, () => realpath(root))
  const paths: string[] = []
  const top = await unlessUnreadable(root, () => readdir(base, { withFileTypes: true }))
  const hasProject = top.some(({ name }) => name === PROJECT_FILE)
  if (hasProject) paths.push(PROJECT_FILE)
  const folders = policyFolders(hasProject ? await readText(base, PROJECT_FILE) : null)
  for (const entry of top) {
    if (folders.includes(entry.name)) await listEntry(base, entry.name, entry, paths)
  }
  const files = new Map<string, string>()
  let bytes = 0
  for (const path of paths.sort(compareText)) {
    const text = await readText(base, path)
    bytes += text.length
    if (bytes > POLICY_BYTES_MAX) {
      throw policyFileTooLarge(
        path,
        `expected at most ${POLICY_BYTES_MAX} bytes in all policy files`,
      )
    }
    files.set(path, text)
  }
  return files
}

const DEPTH_MAX = 32 // Folders within folders; a policy repository needs four.
const POLICY_FILE = /\.(?:ya?ml|rego|json)$/

async function listFolder(base: string, folder: string, paths: string[]): Promise<void> {
  if (folder.split('/').length > DEPTH_MAX) {
    throw policyFileTooLarge(folder, `expected folders at most ${DEPTH_MAX} deep`)
  }
  const entries = await unlessUnreadable(folder, () =>
    readdir(join(base, folder), { withFileTypes: true }),
  )
  for (const entry of entries) {
    if (entry.name.startsWith('.') || entry.name === 'node_modules') continue
    await listEntry(base, `${folder}/${entry.name}`, entry, paths)
  }
}

async function listEntry(
  base: string,
  path: string,
  entry: Dirent,
  paths: string[],
): Promise<void> {
  if (entry.isDirectory()) {
    await listFolder(base, path, paths)
    return
  }
  if (entry.isSymbolicLink() && (await targetOf(base, path)).isDirectory()) {
    throw policyFileUnreadable(path, 'a link to a folder is not followed; put the files there')
  }
  if (!POLICY_FILE.test(entry.name)) return
  if (paths.length >= POLICY_FILES_MAX)
    throw policyFileTooLarge(path, `expected at most ${POLICY_FILES_MAX} files`)
  paths.push(path)
}

async function readText(base: string, path: string): Promise<string> {
  const target = await targetOf(base, path)
  // A pipe or a device would block, or never end.
  if (!target.isFile()) throw policyFileUnreadable(path, 'expected a regular file')
  const max = policyFileBytesMax(path)
  if (target.size > max) {
    throw policyFileTooLarge(path, `expected at most ${max} bytes; split the file`)
  }
  const bytes = await unlessUnreadable(path, () => readFile(join(base, path)))
  try {
    return fromUtf8(bytes)
  } catch (cause) {
    throw policyFileUnreadable(path, 'expected UTF-8', cause)
  }
}

/** What a path leads to, which must lie in the repository. */
async function targetOf(base: string, path: string): Promise<Stats> {
  const target = await unlessUnreadable(path, () => realpath(join(base, path)))
  const within = relative(base, target)
  if (within === '..' || within.startsWith(`..${sep}`) || join(base, within) !== target) {
    throw policyFileUnreadable(path, 'the link leaves the policy repository; put the file there')
  }
  return unlessUnreadable(path, () => stat(target))
}

async function unlessUnreadable<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    if (cause instanceof PolicyError) throw cause
    const code = (cause as NodeJS.ErrnoException).code ?? 'an unknown error'
    throw policyFileUnreadable(path, `cannot be read (${code})`, cause)
  }
}

export function policyFileUnreadable(file: string, message: string, cause?: unknown): PolicyError {
  return new PolicyError('FILE_UNREADABLE', `${file}: ${message}`, { file, cause })
}

export function policyFileTooLarge(file: string, message: string): PolicyError {
  return new PolicyError('DOCUMENT_TOO_LARGE', `${file}: ${message}`, { file })
}
