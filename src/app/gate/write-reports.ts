import { appendFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { PolicyError } from '../../base/errors.ts'
import { makeFolder, removeFile, writeAtomically } from '../../host/files.ts'

/** One report and the file that it goes to, absolute. */
export type WrittenReport = {
  readonly file: string
  readonly text: string
  /** Adds to what the file holds, as a job's summary wants it. Default: replaces it */
  readonly appends?: boolean
}

/** Writes reports, with the folders that they lie in. @throws {PolicyError} FILE_UNREADABLE */
export async function writeReports(reports: readonly WrittenReport[]): Promise<void> {
  for (const { file, text, appends = false } of reports) {
    await makeFolder(dirname(file))
    if (appends) await append(file, text)
    else await writeAtomically(file, text)
  }
}

/**
 * Takes away what an earlier run left, or the change brought along, so that without a verdict nothing passes for one.
 *
 * @throws {PolicyError} FILE_UNREADABLE
 */
export function forgetReports(files: readonly string[]): void {
  for (const file of files) removeFile(file)
}

async function append(file: string, text: string): Promise<void> {
  try {
    await appendFile(file, text)
  } catch (cause) {
    throw new PolicyError('FILE_UNREADABLE', `cannot write ${file}`, { cause, file })
  }
}
