import { randomBytes } from 'node:crypto'
import { constants, rmSync } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import {
  copyFile,
  mkdir,
  open,
  readFile,
  rename,
  rm,
  rmdir,
  stat,
  writeFile,
} from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { PolicyError } from '../base/errors.ts'

/** @throws {PolicyError} FILE_UNREADABLE */
export async function readBytes(file: string): Promise<Uint8Array> {
  try {
    return await readFile(file)
  } catch (cause) {
    throw unreadable(file, cause)
  }
}

/**
 * Writes a file beside its place, flushes it and moves it in: a reader sees the old file or the new one, whole.
 *
 * @throws {PolicyError} FILE_UNREADABLE when the folder cannot be written to
 */
export async function writeAtomically(file: string, bytes: Uint8Array | string): Promise<void> {
  const draft = `${file}.${randomBytes(6).toString('hex')}.tmp`
  try {
    const handle = await open(draft, 'wx')
    try {
      await handle.writeFile(bytes)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(draft, file)
  } catch (cause) {
    await rm(draft, { force: true })
    throw new PolicyError('FILE_UNREADABLE', `cannot write ${file}${reasonOf(cause)}`, {
      cause,
      file,
    })
  }
}

/** Makes a folder and those above it that are missing. @throws {PolicyError} FILE_UNREADABLE */
export async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true })
  } catch (cause) {
    const message = `cannot make the folder ${folder}${reasonOf(cause)}`
    throw new PolicyError('FILE_UNREADABLE', message, { cause, file: folder })
  }
}

/** A file to make. */
/** Removes a file, or does nothing when it is missing. @throws {PolicyError} FILE_UNREADABLE */
export function removeFile(file: string): void {
  try {
    rmSync(file, { force: true })
  } catch (cause) {
    throw new PolicyError('FILE_UNREADABLE', `cannot remove ${file}`, { cause, file })
  }
}

export type NewFile = { readonly text: string; readonly mode?: number }

/**
 * Makes files below a folder, all of them or none. The folder may exist and hold others.
 *
 * @param files - by path relative to the folder, with forward slashes
 * @throws {PolicyError} FILE_EXISTS when one of them does; FILE_UNREADABLE when the folder cannot be written to
 */
export async function writeNewFiles(
  folder: string,
  files: ReadonlyMap<string, NewFile>,
): Promise<void> {
  const made: string[] = []
  try {
    for (const path of files.keys()) await refuseExisting(folder, path)
    for (const [path, { text, mode }] of files) {
      await makeFolders(dirname(join(folder, path)), made)
      const file = join(folder, path)
      const draft = `${file}.${randomBytes(6).toString('hex')}.tmp`
      made.push(draft)
      await writeFile(draft, text, { flag: 'wx', ...(mode === undefined ? {} : { mode }) })
      await copyFile(draft, file, constants.COPYFILE_EXCL)
      made.push(file)
      await rm(draft)
    }
  } catch (cause) {
    await undo(made)
    if (cause instanceof PolicyError) throw cause
    throw new PolicyError('FILE_UNREADABLE', `cannot write to ${folder}${reasonOf(cause)}`, {
      cause,
      file: folder,
    })
  }
}

/** One line of a file. */
export type FileLine = {
  readonly text: string
  /** From 1. */
  readonly number: number
  /** Bytes of the file up to the line's end. */
  readonly bytes: number
}

/**
 * Reads a file line by line, whatever its size. Lines end with a line feed; a carriage return before it is dropped.
 *
 * @throws {PolicyError} FILE_UNREADABLE; UTF8_INVALID with the line; DOCUMENT_TOO_LARGE for a line over `bytesMax`
 */
export async function* readLines(file: string, bytesMax: number): AsyncGenerator<FileLine> {
  const handle = await openFile(file)
  try {
    let rest: Uint8Array[] = []
    let restBytes = 0
    let number = 0
    let bytes = 0
    for await (const chunk of handle.createReadStream({
      autoClose: false,
    }) as AsyncIterable<Uint8Array>) {
      let start = 0
      for (let end = chunk.indexOf(LINE_FEED); end >= 0; end = chunk.indexOf(LINE_FEED, start)) {
        const parts = [...rest, chunk.subarray(start, end)]
        rest = []
        restBytes = 0
        bytes += lengthOf(parts) + 1
        start = end + 1
        number += 1
        yield { text: decode(parts, file, number), number, bytes }
      }
      rest.push(chunk.subarray(start))
      restBytes += chunk.length - start
      if (restBytes > bytesMax) throw tooLong(file, number + 1, bytesMax)
    }
    if (restBytes > 0)
      yield { text: decode(rest, file, number + 1), number: number + 1, bytes: bytes + restBytes }
  } catch (cause) {
    if (cause instanceof PolicyError) throw cause
    throw unreadable(file, cause)
  } finally {
    await handle.close()
  }
}

/** Bytes of a file; 0 when it says none, as a pipe. @throws {PolicyError} FILE_UNREADABLE */
export async function sizeOf(file: string): Promise<number> {
  try {
    return (await stat(file)).size
  } catch (cause) {
    throw unreadable(file, cause)
  }
}

const LINE_FEED = 0x0a

async function openFile(file: string): Promise<FileHandle> {
  try {
    return await open(file)
  } catch (cause) {
    throw unreadable(file, cause)
  }
}

function decode(parts: readonly Uint8Array[], file: string, line: number): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(parts)).replace(/\r$/, '')
  } catch (cause) {
    const at = { line, column: 1 }
    throw new PolicyError('UTF8_INVALID', 'expected UTF-8, found other bytes', { cause, file, at })
  }
}

function lengthOf(parts: readonly Uint8Array[]): number {
  return parts.reduce((sum, part) => sum + part.length, 0)
}

async function refuseExisting(folder: string, path: string): Promise<void> {
  const file = join(folder, path)
  const found = await stat(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  if (found === undefined) return
  throw new PolicyError('FILE_EXISTS', `${file} exists; choose another folder, or move it away`, {
    file,
  })
}

/** Makes a folder and those above it that are missing, and notes what it made, the outermost first. */
async function makeFolders(folder: string, made: string[]): Promise<void> {
  const outermost = await mkdir(folder, { recursive: true })
  if (outermost === undefined) return
  const missing: string[] = []
  for (let path = folder; path.length >= outermost.length; path = dirname(path))
    missing.unshift(path)
  made.push(...missing)
}

async function undo(made: readonly string[]): Promise<void> {
  for (const path of [...made].reverse()) {
    // A folder that is not empty holds what somebody else put there meanwhile.
    await rm(path, { force: true }).catch(() => rmdir(path).catch(() => undefined))
  }
}

function tooLong(file: string, line: number, bytesMax: number): PolicyError {
  const at = { line, column: 1 }
  return new PolicyError('DOCUMENT_TOO_LARGE', `expected a line of at most ${bytesMax} bytes`, {
    file,
    at,
  })
}

function unreadable(file: string, cause: unknown): PolicyError {
  return new PolicyError('FILE_UNREADABLE', `cannot read ${file}${reasonOf(cause)}`, {
    cause,
    file,
  })
}

function reasonOf(cause: unknown): string {
  const code = (cause as NodeJS.ErrnoException | null)?.code
  if (code === 'ENOENT') return ': there is no such file or folder'
  if (code === 'EACCES' || code === 'EPERM') return ': permission denied'
  if (code === 'EISDIR') return ': it is a folder'
  if (code === 'ENOTDIR') return ': a part of its path is no folder'
  return code === undefined ? '' : ` (${code})`
}
