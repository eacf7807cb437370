import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { realpath, stat } from 'node:fs/promises'
import { join, sep } from 'node:path'
import { type Digest, digestOf, isDigest } from '../../base/digest.ts'
import { PolicyError } from '../../base/errors.ts'
import { EVIDENCE_BYTES_MAX } from '../../base/limits.ts'
import { readBytes } from '../../host/files.ts'
import type { ReleaseFile } from '../../policy/compile/release-digest.ts'

/**
 * Reads a file below a folder: a regular file that lies there, and no link to elsewhere.
 *
 * @param folder - absolute
 * @param path - relative, with forward slashes
 * @throws {PolicyError} EVIDENCE_MISSING when there is none, EVIDENCE_MALFORMED beyond EVIDENCE_BYTES_MAX
 */
export async function readBelow(folder: string, path: string): Promise<Uint8Array> {
  const missing = (why: string, cause?: unknown): PolicyError =>
    new PolicyError('EVIDENCE_MISSING', `${path} ${why}`, { file: path, cause })
  let target: string
  try {
    const base = await realpath(folder)
    target = await realpath(join(base, path))
    if (!target.startsWith(`${base}${base.endsWith(sep) ? '' : sep}`)) {
      throw missing('leads out of its folder')
    }
    const { size, ...found } = await stat(target).then((one) => ({
      size: one.size,
      isFile: one.isFile(),
    }))
    if (!found.isFile) throw missing('is no regular file')
    if (size > EVIDENCE_BYTES_MAX) {
      const message = `${path}: expected at most ${EVIDENCE_BYTES_MAX} bytes`
      throw new PolicyError('EVIDENCE_MALFORMED', message, { file: path })
    }
  } catch (error) {
    if (error instanceof PolicyError) throw error
    throw missing('is not there, or cannot be read', error)
  }
  const bytes = await readBytes(target)
  // It may have grown since.
  if (bytes.length <= EVIDENCE_BYTES_MAX) return bytes
  throw new PolicyError('EVIDENCE_MALFORMED', `${path}: it grows`, { file: path })
}

/** The same, with what is wrong as a value. */
export async function readOrWhy(folder: string, path: string): Promise<Uint8Array | PolicyError> {
  try {
    return await readBelow(folder, path)
  } catch (error) {
    if (error instanceof PolicyError) return error
    throw error
  }
}

/** @throws {PolicyError} as {@link readBelow} */
export async function digestsBelow(
  folder: string,
  paths: readonly string[],
): Promise<readonly ReleaseFile[]> {
  const files: ReleaseFile[] = []
  for (const path of paths) {
    files.push({ path, digest: digestOf(await readBelow(folder, path)) })
  }
  return files
}

/** What is rolled out, as it was given. */
export type GivenArtefact = {
  /** The name that the release must give it; null for any. */
  readonly name: string | null
  /** An absolute path, or a digest, as a registry names an image. */
  readonly at: string
}

/** The digest of an artefact, of any size. @throws {PolicyError} FILE_UNREADABLE */
export async function artefactDigest({ at: named }: GivenArtefact): Promise<Digest> {
  if (isDigest(named)) return named
  try {
    if (!(await stat(named)).isFile()) throw new Error('no regular file')
    const hash = createHash('sha256')
    for await (const chunk of createReadStream(named)) hash.update(chunk as Uint8Array)
    return `sha256:${hash.digest('hex')}`
  } catch (cause) {
    const message = `cannot read the artefact ${named}`
    throw new PolicyError('FILE_UNREADABLE', message, { cause, file: named })
  }
}
