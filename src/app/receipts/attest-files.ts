import { closeSync, constants, fstatSync, openSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { bytesEqual, fromUtf8, utf8 } from '../../base/digest.ts'
import { decodeBase64 } from '../../base/encoding.ts'
import { PolicyError } from '../../base/errors.ts'
import type { JsonObject } from '../../base/json-value.ts'
import { SIGSTORE_BUNDLE_LENGTH_MAX } from '../../base/limits.ts'
import { makeFolder, writeAtomically } from '../../host/files.ts'
import type { AttestationName } from '../../trust/verify/attestation-log.ts'
import {
  ATTESTATIONS_FOLDER,
  attestationPath,
  attestedNotePath,
  parseAttestationPath,
} from '../../trust/verify/attestation-log.ts'

/** How far an engine is with its attestations: all of it is done, as the files beside it show. */
export type Cursor = {
  /** Every resolution before this log index has its attestation. */
  readonly next: number
  /** How many they are. */
  readonly resolutions: number
  /** The attested checkpoint over the most receipts; 0 for none. */
  readonly checkpoint: number
  /** When that was, in Unix milliseconds. */
  readonly at: number
}

export const START: Cursor = { next: 0, resolutions: 0, checkpoint: 0, at: 0 }

/** The folder of a data folder's attestations. */
export function attestationsIn(data: string): string {
  return join(data, ATTESTATIONS_FOLDER)
}

/** What the cursor says; the start where there is none that can be read. */
export function readCursor(folder: string): Cursor {
  let value: unknown
  try {
    value = JSON.parse(fromUtf8(readPlaced(folder, CURSOR) ?? utf8('null')))
  } catch {
    return START // It saves work and proves nothing: what it says is found out again.
  }
  if (typeof value !== 'object' || value === null) return START
  const of = value as Record<string, unknown>
  const { next, resolutions, checkpoint, at } = of
  const numbers = [next, resolutions, checkpoint, at]
  if (!numbers.every((one) => Number.isSafeInteger(one) && Number(one) >= 0)) return START
  return of as Cursor
}

/** Another process may be further: the cursor goes back for nobody. */
export async function writeCursor(folder: string, cursor: Cursor): Promise<void> {
  const there = readCursor(folder)
  const far = there.next > cursor.next ? there : cursor
  const late = there.checkpoint > cursor.checkpoint ? there : cursor
  const { next, resolutions } = far
  const { checkpoint, at } = late
  const text = `${JSON.stringify({ next, resolutions, checkpoint, at })}\n`
  if (text === `${JSON.stringify(there)}\n`) return
  await makeFolder(folder)
  await writeAtomically(join(folder, CURSOR), text)
}

const CURSOR = 'cursor.json'

/** Whether an attestation of a receipt lies there that signs just these bytes; whether it holds is not looked at. */
export function hasReceipt(folder: string, index: number, entry: Uint8Array): boolean {
  const bytes = readOrNull(folder, attestationPath({ kind: 'receipt', index }))
  return bytes !== null && signs(bytes, entry)
}

/** Whether the checkpoint of this size lies there with its attestation. */
export function hasCheckpoint(folder: string, size: number): boolean {
  const note = readOrNull(folder, attestedNotePath(size))
  const path = attestationPath({ kind: 'checkpoint', size })
  return note !== null && readOrNull(folder, path) !== null
}

function signs(bundle: Uint8Array, payload: Uint8Array): boolean {
  try {
    const { dsseEnvelope } = JSON.parse(fromUtf8(bundle)) as { dsseEnvelope: JsonObject }
    return bytesEqual(decodeBase64(String(dsseEnvelope['payload'])), payload)
  } catch {
    return false // What cannot be read is made again.
  }
}

/** The text of an attestation; null when there is none. */
export function readAttestation(folder: string, name: AttestationName): string | null {
  const bytes = readOrNull(folder, attestationPath(name))
  try {
    return bytes === null ? null : fromUtf8(bytes)
  } catch {
    return null
  }
}

/** Places an attestation, whole; of a checkpoint, after the note that it is of. @returns its path below the folder */
export async function writeAttestation(
  folder: string,
  name: AttestationName,
  what: { readonly bundle: string; readonly note?: Uint8Array },
): Promise<string> {
  const path = attestationPath(name)
  await makeFolder(dirname(join(folder, path)))
  if (name.kind === 'checkpoint' && what.note !== undefined) {
    await writeAtomically(join(folder, attestedNotePath(name.size)), what.note)
  }
  await writeAtomically(join(folder, path), what.bundle)
  return path
}

/** The attestations in a folder, by what they are of; none when there is no folder. */
export function listAttestations(folder: string): readonly AttestationName[] {
  return ['checkpoints', 'receipts'].flatMap((below) =>
    namesIn(join(folder, below)).flatMap((name) => parseAttestationPath(`${below}/${name}`) ?? []),
  )
}

/** All files of a folder of attestations, by path; empty when there is none. */
export function readAttestations(folder: string): Map<string, Uint8Array> {
  const files = new Map<string, Uint8Array>()
  for (const below of ['checkpoints', 'receipts']) {
    for (const name of namesIn(join(folder, below))) {
      const path = `${below}/${name}`
      // What can be no attestation is left empty, which is none either: it is refused by its name.
      files.set(path, readOrNull(folder, path) ?? new Uint8Array())
    }
  }
  return files
}

/**
 * A file of the folder; null when there is none. Nothing is read that a link leads to, that has no end, or that is too long
 * for an attestation.
 *
 * @throws {PolicyError} ATTESTATION_INVALID for such; FILE_UNREADABLE
 */
export function readPlaced(folder: string, path: string): Uint8Array | null {
  const flags = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0)
  let handle: number | null = null
  try {
    handle = openSync(join(folder, path), flags)
    const found = fstatSync(handle)
    if (!found.isFile() || found.size > BYTES_MAX) throw notPlaced(path)
    return new Uint8Array(readFileSync(handle))
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    if (cause instanceof PolicyError) throw cause
    if (code === 'ENOENT' || code === 'ENOTDIR') return null
    if (code === 'ELOOP' || code === 'ENXIO' || code === 'EISDIR') throw notPlaced(path)
    throw new PolicyError('FILE_UNREADABLE', `cannot read ${path}`, { cause, file: path })
  } finally {
    if (handle !== null) closeSync(handle)
  }
}

/** A character of a bundle has at most three bytes. */
const BYTES_MAX = 3 * SIGSTORE_BUNDLE_LENGTH_MAX

function notPlaced(path: string): PolicyError {
  const message = `${path}: expected a file of at most ${BYTES_MAX} bytes, and no link; move it away`
  return new PolicyError('ATTESTATION_INVALID', message, { file: path })
}

function readOrNull(folder: string, path: string): Uint8Array | null {
  try {
    return readPlaced(folder, path)
  } catch (error) {
    if (error instanceof PolicyError && error.code === 'ATTESTATION_INVALID') return null
    throw error
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).sort()
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return []
    throw new PolicyError('FILE_UNREADABLE', `cannot read ${folder}`, { cause, file: folder })
  }
}
