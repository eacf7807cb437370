import { accessSync, closeSync, constants, openSync, statSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { pathToFileURL } from 'node:url'
import { PolicyError } from '../base/errors.ts'

/** How long a process waits for another that writes. */
export const BUSY_DEADLINE_MS = 30_000

/** A connection that reads and writes; makes the file when it is missing. @throws {PolicyError} STORE_FAILED */
export function connect(file: string): DatabaseSync {
  try {
    // Made first, for its owner alone; SQLite gives the files beside it the same permissions.
    closeSync(openSync(file, 'a', 0o600))
    const database = new DatabaseSync(file, { timeout: BUSY_DEADLINE_MS })
    database.exec(
      'PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA secure_delete = ON',
    )
    return database
  } catch (cause) {
    throw failed(`cannot open the store ${file}`, file, cause)
  }
}

/** Whether a store is there, on a file system that takes no writes. */
export function isReadOnly(file: string): boolean {
  try {
    accessSync(file, constants.W_OK)
    return false
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EROFS'
  }
}

/**
 * A connection that only reads, on a file system that takes no writes. SQLite could not keep the files there that it reads
 * a log of writes with, so there must be none left: an engine that was closed leaves none.
 *
 * @throws {PolicyError} STORE_FAILED
 */
export function connectReadOnly(file: string): DatabaseSync {
  if ((statSync(`${file}-wal`, { throwIfNoEntry: false })?.size ?? 0) > 0) {
    throw failed(`${file} was not closed; copy its folder to a disk that takes writes`, file)
  }
  try {
    return new DatabaseSync(new URL(`${pathToFileURL(file).href}?immutable=1`), { readOnly: true })
  } catch (cause) {
    throw failed(`cannot open the store ${file}`, file, cause)
  }
}

function failed(message: string, file: string, cause?: unknown): PolicyError {
  return new PolicyError('STORE_FAILED', message, { cause, file })
}
