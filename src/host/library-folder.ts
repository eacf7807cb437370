import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { fromUtf8 } from '../base/digest.ts'
import { PolicyError } from '../base/errors.ts'
import { compareText } from '../base/position.ts'

/**
 * The library of rules that lies in this package: texts by path below `policies/`, with forward slashes, sorted.
 *
 * @throws {PolicyError} FILE_UNREADABLE when the package was installed without it
 */
export async function readLibraryFolder(): Promise<ReadonlyMap<string, string>> {
  // Two folders up from src/host, and from dist/host.
  const folder = fileURLToPath(new URL('../../policies/', import.meta.url))
  try {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true })
    const paths = entries
      .filter((entry) => entry.isFile() && LIBRARY_FILE.test(entry.name))
      .map((entry) => join(entry.parentPath, entry.name).slice(folder.length).replaceAll('\\', '/'))
    const files = new Map<string, string>()
    for (const path of paths.sort(compareText)) {
      files.set(path, fromUtf8(await readFile(join(folder, path))))
    }
    return files
  } catch (cause) {
    const message = `cannot read the library of rules in ${folder}; install the package again`
    throw new PolicyError('FILE_UNREADABLE', message, { cause, file: folder })
  }
}

const LIBRARY_FILE = /^[a-z].*\.(?:yaml|rego|md)$/i
