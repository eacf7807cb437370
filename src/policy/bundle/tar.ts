import { fromUtf8, utf8 } from '../../base/digest.ts'
import { PolicyError } from '../../base/errors.ts'
import { BUNDLE_FILES_MAX, BUNDLE_PATH_BYTES_MAX } from '../../base/limits.ts'

/** One regular file of an archive. */
export type TarEntry = { readonly path: string; readonly bytes: Uint8Array }

/**
 * An archive in ustar form (POSIX.1-1988, IEEE Std 1003.1 pax "ustar Interchange Format"), the same bytes for the
 * same entries everywhere: owner 0, mode 0644, time 0, two zero blocks at the end.
 *
 * @throws {PolicyError} BUNDLE_TOO_LARGE when a path does not fit the header
 */
export function writeTar(entries: readonly TarEntry[]): Uint8Array {
  let size = END_BYTES
  for (const { bytes } of entries) size += BLOCK_BYTES + paddedSize(bytes.length)
  const archive = new Uint8Array(size)
  let at = 0
  for (const { path, bytes } of entries) {
    archive.set(header(path, bytes.length), at)
    archive.set(bytes, at + BLOCK_BYTES)
    at += BLOCK_BYTES + paddedSize(bytes.length)
  }
  return archive
}

/**
 * The files of an archive that {@link writeTar} could have written, and of no other: links, folders, absolute and
 * climbing paths, duplicates, wrong checksums, other owners or times, and bytes after the end are refused. Zero
 * blocks after the end may follow.
 *
 * @throws {PolicyError} BUNDLE_CORRUPT
 */
export function readTar(archive: Uint8Array): TarEntry[] {
  const entries: TarEntry[] = []
  const seen = new Set<string>()
  let at = 0
  while (!isZero(archive.subarray(at, at + BLOCK_BYTES))) {
    const entry = readEntry(archive, at)
    if (seen.has(entry.path))
      throw corrupt(`the file ${JSON.stringify(entry.path)} stands in it twice`)
    if (entries.length >= BUNDLE_FILES_MAX)
      throw corrupt(`expected at most ${BUNDLE_FILES_MAX} files`)
    seen.add(entry.path)
    entries.push(entry)
    at += BLOCK_BYTES + paddedSize(entry.bytes.length)
  }
  const rest = archive.subarray(at)
  if (rest.length < END_BYTES || rest.length % BLOCK_BYTES !== 0 || !isZero(rest)) {
    throw corrupt('expected two zero blocks at the end of the archive and nothing after them')
  }
  return entries
}

/**
 * Whether a path may stand in a bundle: relative, in its shortest form, with forward slashes and without control
 * characters.
 */
export function isBundlePath(path: string): boolean {
  if (path === '' || !path.isWellFormed() || UNSAFE.test(path)) return false
  if (path.split('/').some((part) => part === '' || part === '.' || part === '..')) return false
  return splitPath(path) !== null
}

const BLOCK_BYTES = 512
const END_BYTES = 2 * BLOCK_BYTES
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for.
const UNSAFE = /[\u0000-\u001f\u007f\\]/

// Offsets and lengths of the header's fields, in bytes.
const NAME = { at: 0, bytes: 100 }
const SIZE = { at: 124, bytes: 12 }
const CHECKSUM = { at: 148, bytes: 8 }
const TYPE_AT = 156
const PREFIX = { at: 345, bytes: 155 }
const REGULAR = 0x30 // '0'

function header(path: string, size: number): Uint8Array {
  const split = splitPath(path)
  if (split === null) {
    throw new PolicyError(
      'BUNDLE_TOO_LARGE',
      `the path ${JSON.stringify(path)} is too long for a bundle: expected at most ${BUNDLE_PATH_BYTES_MAX} bytes, a folder of at most ${PREFIX.bytes} and a rest of at most ${NAME.bytes}`,
    )
  }
  const block = new Uint8Array(BLOCK_BYTES)
  block.set(split.name, NAME.at)
  putText(block, 100, '0000644\0') // Mode.
  putText(block, 108, '0000000\0') // Owner.
  putText(block, 116, '0000000\0') // Group.
  putText(block, SIZE.at, `${octal(size, SIZE.bytes - 1)}\0`)
  putText(block, 136, '00000000000\0') // Time of change.
  block[TYPE_AT] = REGULAR
  putText(block, 257, 'ustar\x0000') // Magic and version.
  putText(block, 329, '0000000\0') // Device, major.
  putText(block, 337, '0000000\0') // Device, minor.
  block.set(split.prefix, PREFIX.at)
  putText(block, CHECKSUM.at, `${octal(checksum(block), 6)}\0 `)
  return block
}

function readEntry(archive: Uint8Array, at: number): TarEntry {
  const block = archive.subarray(at, at + BLOCK_BYTES)
  if (block.length < BLOCK_BYTES) throw corrupt('the archive ends within a header')
  if (readOctal(block, CHECKSUM.at, 6) !== checksum(block))
    throw corrupt('a header has a wrong checksum')
  if (block[TYPE_AT] !== REGULAR) {
    throw corrupt('expected regular files only, found a link, a folder or another kind of entry')
  }
  const path = readPath(block)
  if (!isBundlePath(path))
    throw corrupt(`the path ${JSON.stringify(path)} is not allowed in a bundle`)
  const size = readOctal(block, SIZE.at, SIZE.bytes - 1)
  // Whatever else a header may say, it has one form here; so no field can carry what nobody checks.
  if (!equal(block, header(path, size))) throw corrupt('a header is not in the form of a bundle')
  const start = at + BLOCK_BYTES
  if (start + paddedSize(size) > archive.length) throw corrupt('the archive ends within a file')
  const padding = archive.subarray(start + size, start + paddedSize(size))
  if (!isZero(padding)) throw corrupt('expected zeros after a file, found other bytes')
  return { path, bytes: archive.slice(start, start + size) }
}

function readPath(block: Uint8Array): string {
  const name = readText(block.subarray(NAME.at, NAME.at + NAME.bytes))
  const prefix = readText(block.subarray(PREFIX.at, PREFIX.at + PREFIX.bytes))
  return prefix === '' ? name : `${prefix}/${name}`
}

function readText(field: Uint8Array): string {
  const end = field.indexOf(0)
  try {
    return fromUtf8(end < 0 ? field : field.subarray(0, end))
  } catch (cause) {
    throw corrupt('expected paths in UTF-8, found other bytes', cause)
  }
}

/** The parts of a path for the two fields of the header, or null when it does not fit: the longest name wins. */
function splitPath(
  path: string,
): { readonly prefix: Uint8Array; readonly name: Uint8Array } | null {
  const bytes = utf8(path)
  if (bytes.length <= NAME.bytes) return { prefix: new Uint8Array(), name: bytes }
  if (bytes.length > BUNDLE_PATH_BYTES_MAX) return null
  const slash = bytes.indexOf(SLASH, bytes.length - NAME.bytes - 1)
  if (slash < 0 || slash > PREFIX.bytes) return null
  return { prefix: bytes.subarray(0, slash), name: bytes.subarray(slash + 1) }
}

const SLASH = 0x2f

/** The sum of all bytes, the checksum field itself taken as spaces. */
function checksum(block: Uint8Array): number {
  let sum = 0
  for (let i = 0; i < block.length; i++) {
    const own = i >= CHECKSUM.at && i < CHECKSUM.at + CHECKSUM.bytes
    sum += own ? 0x20 : (block[i] ?? 0)
  }
  return sum
}

function octal(value: number, digits: number): string {
  return value.toString(8).padStart(digits, '0')
}

function readOctal(block: Uint8Array, at: number, digits: number): number {
  let value = 0
  for (const byte of block.subarray(at, at + digits)) {
    if (byte < 0x30 || byte > 0x37) throw corrupt('expected octal digits in a header')
    value = value * 8 + (byte - 0x30)
  }
  return value
}

function putText(block: Uint8Array, at: number, text: string): void {
  block.set(utf8(text), at)
}

function paddedSize(size: number): number {
  return Math.ceil(size / BLOCK_BYTES) * BLOCK_BYTES
}

function isZero(bytes: Uint8Array): boolean {
  return bytes.length > 0 ? bytes.every((byte) => byte === 0) : true
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i])
}

function corrupt(message: string, cause?: unknown): PolicyError {
  return new PolicyError('BUNDLE_CORRUPT', `the bundle is corrupt: ${message}; build it again`, {
    cause,
  })
}
