import {
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
} from 'node:fs'
import { open } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { PolicyError } from '../base/errors.ts'
import { LOG_FILES_MAX } from '../base/limits.ts'

/** A file to be: its path below the log's folder, with `/`, and its bytes. */
export type Draft = { readonly path: string; readonly bytes: Uint8Array }

/** A draft whose bytes are on disk, but not yet in their place. */
export type Written = { readonly path: string; readonly temporary: string }

/**
 * Writes drafts to the scratch folder beside the log and waits until their bytes are durable. They are written at
 * once: a file system that journals then syncs them together.
 */
export async function writeDrafts(folder: string, drafts: readonly Draft[]): Promise<Written[]> {
  const scratch = scratchOf(folder)
  mkdirSync(scratch, { recursive: true, mode: 0o700 })
  return Promise.all(
    drafts.map(async ({ path, bytes }) => {
      const temporary = join(scratch, path.replaceAll('/', '-'))
      const handle = await open(temporary, 'w', 0o644)
      try {
        await handle.writeFile(bytes)
        await handle.datasync()
      } finally {
        await handle.close()
      }
      return { path, temporary }
    }),
  )
}

/** Moves written drafts to their places and waits until their names are durable. */
export async function placeFiles(folder: string, files: readonly Written[]): Promise<void> {
  const touched = new Set<string>()
  for (const { path, temporary } of files) {
    const target = join(folder, path)
    makeFolders(dirname(target), touched)
    renameSync(temporary, target)
    touched.add(dirname(target))
  }
  await Promise.all([...touched].map(syncFolder))
}

/** Removes files and the folders that they leave empty. Not synced: start-up repair removes what comes back. */
export function removeFiles(folder: string, paths: Iterable<string>): void {
  for (const path of paths) {
    rmSync(join(folder, path), { force: true })
    for (let parent = dirname(path); parent !== '.'; parent = dirname(parent)) {
      if (!removeIfEmpty(join(folder, parent))) break
    }
  }
}

/** Forgets what an interrupted run left in the scratch folder. */
export function clearScratch(folder: string): void {
  rmSync(scratchOf(folder), { recursive: true, force: true })
}

/**
 * Paths below a folder, with `/`, sorted. Empty folders are not named.
 *
 * @throws {PolicyError} LOG_CORRUPT for anything that is neither file nor folder; FILE_UNREADABLE
 */
export function listFiles(folder: string): string[] {
  const paths: string[] = []
  const visit = (below: string): void => {
    for (const entry of readdirSync(join(folder, below), { withFileTypes: true })) {
      const path = below === '' ? entry.name : `${below}/${entry.name}`
      if (entry.isDirectory()) visit(path)
      else if (entry.isFile()) paths.push(path)
      else throw new PolicyError('LOG_CORRUPT', `${path} is no regular file`, { file: path })
      if (paths.length > LOG_FILES_MAX) {
        throw new PolicyError('LOG_CORRUPT', `expected at most ${LOG_FILES_MAX} files`)
      }
    }
  }
  visit('')
  return paths.sort()
}

/** The bytes of a file below the folder; null when there is none. */
export function readIfThere(folder: string, path: string): Uint8Array | null {
  try {
    return new Uint8Array(readFileSync(join(folder, path)))
  } catch (cause) {
    if (isMissing(cause)) return null
    throw new PolicyError('FILE_UNREADABLE', `cannot read ${path}`, { cause, file: path })
  }
}

/** Bytes of a file below the folder; null when there is none. */
export function lengthIfThere(folder: string, path: string): number | null {
  return lstatSync(join(folder, path), { throwIfNoEntry: false })?.size ?? null
}

function isMissing(cause: unknown): boolean {
  const code = (cause as NodeJS.ErrnoException).code
  return code === 'ENOENT' || code === 'ENOTDIR'
}

/** Beside the log, so that it is on the same file system and the log holds nothing that is no part of it. */
function scratchOf(folder: string): string {
  return `${folder}.tmp`
}

/** Makes a folder and notes the parents whose listing changed. */
function makeFolders(folder: string, touched: Set<string>): void {
  const first = mkdirSync(folder, { recursive: true, mode: 0o755 })
  if (first === undefined) return
  for (let made = folder; ; made = dirname(made)) {
    touched.add(dirname(made))
    if (made === first || dirname(made) === made) return
  }
}

async function syncFolder(folder: string): Promise<void> {
  // Windows has no handle of a folder that could be synced.
  if (process.platform === 'win32') return
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

function removeIfEmpty(folder: string): boolean {
  try {
    rmdirSync(folder)
    return true
  } catch {
    // It holds something, or is gone already.
    return false
  }
}
