import type { Stats } from 'node:fs'
import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  readSync,
  realpathSync,
  statSync,
} from 'node:fs'
import { dirname, join, sep } from 'node:path'
import type { PolicyError } from '../../base/errors.ts'
import { SECRET_BYTES_MAX } from '../../base/limits.ts'
import { parseSecretReference } from '../../base/secret-reference.ts'
import type { SecretProvider } from '../../model/ports.ts'
import { missing, textOf, unavailable } from './value.ts'

/**
 * Secrets from files below a folder, one each. Nobody but their owner may read a file, nobody else may put one there,
 * and no link leads out of the folder.
 */
export function openFolder(folder: string): SecretProvider {
  return {
    read: async (name) => {
      const reference = `secret://file/${name}`
      // The form keeps `..` out, whoever asks.
      if (parseSecretReference(reference) === null) throw missing(reference, 'no such name')
      const root = rootOf(folder)
      const file = pathOf(root, name, reference)
      checkFolders(root, file, reference)
      return textOf(reference, readOwn(file, reference))
    },
  }
}

/** Permission bits of group and others, and those with which they may write. */
const OTHERS = 0o077
const OTHERS_WRITE = 0o022
const HAS_MODES = process.platform !== 'win32'

function rootOf(folder: string): string {
  let stats: Stats
  let root: string
  try {
    root = realpathSync(folder)
    stats = statSync(root)
  } catch (cause) {
    throw unavailable('file', `cannot look into its folder ${folder}`, withoutPath(cause))
  }
  if (!stats.isDirectory()) throw unavailable('file', `expected a folder at ${folder}`)
  if (HAS_MODES && (stats.mode & OTHERS_WRITE) !== 0) {
    throw unavailable('file', `lets others write to its folder ${folder}; run chmod 700 on it`)
  }
  return root
}

function pathOf(root: string, name: string, reference: string): string {
  let file: string
  try {
    file = realpathSync(join(root, name))
  } catch {
    throw missing(reference, 'no such file')
  }
  if (file.startsWith(root.endsWith(sep) ? root : root + sep)) return file
  throw missing(reference, 'the file lies outside of the folder')
}

/** Who may write to a folder on the way puts another file there. @throws {PolicyError} SECRET_MISSING */
function checkFolders(root: string, file: string, reference: string): void {
  if (!HAS_MODES) return
  for (let folder = dirname(file); folder !== root; folder = dirname(folder)) {
    const { mode = OTHERS_WRITE } = statSync(folder, { throwIfNoEntry: false }) ?? {}
    if ((mode & OTHERS_WRITE) === 0) continue
    throw missing(reference, 'others may write to a folder that it lies in; run chmod 700 on it')
  }
}

function readOwn(file: string, reference: string): Uint8Array {
  let handle: number
  try {
    // Without it, a pipe would be waited for.
    handle = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK)
  } catch {
    throw missing(reference, 'the file cannot be read')
  }
  try {
    const stats = fstatSync(handle)
    checkFile(stats, reference)
    const bytes = new Uint8Array(stats.size)
    return bytes.subarray(0, readSync(handle, bytes))
  } finally {
    closeSync(handle)
  }
}

/** @throws {PolicyError} SECRET_MISSING */
function checkFile(stats: Stats, reference: string): void {
  const problem = fileProblem(stats)
  if (problem !== null) throw missing(reference, problem)
}

function fileProblem(stats: Stats): string | null {
  if (!stats.isFile()) return 'expected a file'
  if (HAS_MODES && (stats.mode & OTHERS) !== 0)
    return 'others may read the file; run chmod 600 on it'
  return stats.size > SECRET_BYTES_MAX ? `expected at most ${SECRET_BYTES_MAX} bytes` : null
}

/** The system's own code alone: its message names a path. */
function withoutPath(cause: unknown): Error | PolicyError {
  return new Error(String((cause as NodeJS.ErrnoException).code ?? 'unknown'))
}
