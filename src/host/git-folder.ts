import { lstatSync, statSync } from 'node:fs'
import { lstat, readFile, realpath, stat } from 'node:fs/promises'
import { dirname, isAbsolute, join, relative, resolve, sep } from 'node:path'
import { PolicyError } from '../base/errors.ts'

/** A folder within a check-out: its repository's own folder, and its path below the top, with forward slashes. */
export type GitFolder = {
  readonly gitDir: string
  readonly prefix: string
  /** Whether it lies in the repository's own folder, which was not checked out, or was committed to look like one. */
  readonly isBare: boolean
}

/**
 * Finds the Git repository that a folder lies in. Git itself is not asked, since it would read the machine's
 * configuration, and may refuse the check-out of another user, as a container's is.
 *
 * @param folder - absolute; need not exist as long as a folder above it does
 * @throws {PolicyError} FILE_UNREADABLE when it lies in none, or behind a link within a check-out
 */
export async function findGitFolder(folder: string): Promise<GitFolder> {
  await refuseLinks(folder)
  const start = await existing(folder)
  const path = join(start, relative(await existingPath(folder), folder))
  // What looks like a bare repository may have been committed; only Git itself makes a `.git`, so that goes first.
  for (const gitDirOf of [checkedOutAt, bareAt]) {
    for (const top of upwards(start)) {
      const gitDir = await gitDirOf(top)
      if (gitDir === null) continue
      const prefix = relative(top, path).split(sep).join('/')
      return { gitDir, prefix, isBare: gitDirOf === bareAt }
    }
  }
  throw new PolicyError('FILE_UNREADABLE', `${folder} lies in no Git repository`, { file: folder })
}

/** What is checked out may be a change's own, which could have another folder judged in the place of its policy's. */
async function refuseLinks(folder: string): Promise<void> {
  for (const path of upwards(folder)) {
    if ((await lstat(path).catch(() => null))?.isSymbolicLink() !== true) continue
    for (const top of upwards(await realpath(dirname(path)))) {
      if ((await checkedOutAt(top)) === null) continue
      const message = `${path} is a link within the check-out ${top}; name the folder itself`
      throw new PolicyError('FILE_UNREADABLE', message, { file: path })
    }
  }
}

/**
 * Whether a folder of a check-out is a repository of its own, with branches that whoever's change is checked out chose: its
 * `.git` is a file.
 */
export function isSubmodule(path: string): boolean {
  const isFolder = statSync(path, { throwIfNoEntry: false })?.isDirectory() === true
  return isFolder && lstatSync(join(path, '.git'), { throwIfNoEntry: false })?.isFile() === true
}

/** What lies on the way from a folder to a path below it, outermost first, the path included; nothing when it is not below. */
export function pathsBelow(top: string, path: string): readonly string[] {
  const way = relative(top, path)
  if (isOutside(way)) return []
  const names = way.split(sep).filter((name) => name !== '')
  return names.map((_name, at) => join(top, ...names.slice(0, at + 1)))
}

/** Whether a relative way leads out of the folder that it begins in. */
export function isOutside(way: string): boolean {
  return isAbsolute(way) || way.split(sep)[0] === '..'
}

function upwards(folder: string): readonly string[] {
  const above = dirname(folder)
  return above === folder ? [folder] : [folder, ...upwards(above)]
}

/** `.git` is a folder, or in a linked work tree and in a submodule a file that names one. */
async function checkedOutAt(top: string): Promise<string | null> {
  const path = join(top, '.git')
  const found = await stat(path).catch(() => null)
  if (found?.isDirectory()) return path
  if (found?.isFile() !== true) return null
  const text = (await readFile(path, 'utf8')).slice(0, PATH_LENGTH_MAX)
  const target = /^gitdir: (.+?)\r?\n?$/.exec(text)?.[1]
  return target === undefined ? null : isAbsolute(target) ? target : resolve(top, target)
}

async function bareAt(top: string): Promise<string | null> {
  const isBare = (await isFile(join(top, 'HEAD'))) && (await isFile(join(top, 'config')))
  return isBare && (await stat(join(top, 'objects')).catch(() => null))?.isDirectory() ? top : null
}

const PATH_LENGTH_MAX = 4096

async function isFile(path: string): Promise<boolean> {
  return (await stat(path).catch(() => null))?.isFile() === true
}

/** The nearest folder that is there: the policy's own may stand in older revisions only. */
async function existingPath(folder: string): Promise<string> {
  for (let path = folder; ; path = dirname(path)) {
    if ((await stat(path).catch(() => null))?.isDirectory()) return path
    if (dirname(path) === path) return path
  }
}

async function existing(folder: string): Promise<string> {
  return realpath(await existingPath(folder))
}
