import { randomBytes } from 'node:crypto'
import {
  closeSync,
  fsyncSync,
  linkSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { encodeHex } from '../base/encoding.ts'
import { PolicyError } from '../base/errors.ts'

/**
 * The text of a file that is its owner's alone, made on first use. Of two processes that make it at once, both end
 * with the same text.
 *
 * @param what - names it in messages: `the log key`
 * @throws {PolicyError} FILE_UNREADABLE when it cannot be made or read, or others may read it
 */
export function openSecretFile(file: string, what: string, make: () => string): string {
  if (statSync(file, { throwIfNoEntry: false }) === undefined) create(file, what, make())
  return readSecretFile(file, what)
}

/** The text of a file that is its owner's alone. @throws {PolicyError} FILE_UNREADABLE */
export function readSecretFile(file: string, what: string): string {
  let text: string
  let mode: number
  try {
    mode = statSync(file).mode
    text = readFileSync(file, 'utf8')
  } catch (cause) {
    throw unreadable(file, `${what} ${file} cannot be read`, cause)
  }
  if (process.platform !== 'win32' && (mode & OTHERS) !== 0) {
    throw unreadable(file, `${what} ${file} can be read by others; run chmod 600 on it`)
  }
  return text
}

/** Permission bits of group and others. */
const OTHERS = 0o077

/** Writes the text beside its place and links it in: a reader never meets half a file. */
function create(file: string, what: string, text: string): void {
  const draft = `${file}.${encodeHex(randomBytes(8))}`
  try {
    const handle = openSync(draft, 'wx', 0o600)
    writeSync(handle, text)
    fsyncSync(handle)
    closeSync(handle)
    linkSync(draft, file)
    syncFolder(dirname(file))
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') {
      throw unreadable(file, `${what} ${file} cannot be made`, cause)
    }
  } finally {
    rmSync(draft, { force: true })
  }
}

/** Makes a new name last: what a power cut took could never be made the same again. */
function syncFolder(folder: string): void {
  if (process.platform === 'win32') return
  const handle = openSync(folder, 'r')
  fsyncSync(handle)
  closeSync(handle)
}

function unreadable(file: string, message: string, cause?: unknown): PolicyError {
  return new PolicyError('FILE_UNREADABLE', message, { file, cause })
}
