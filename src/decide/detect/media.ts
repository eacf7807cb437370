import type { BitBudget } from './media-inflate.ts'
import { inflatedLength } from './media-inflate.ts'
import { readPicture } from './media-picture.ts'
import { decodeText, isActiveMarkup } from './media-text-type.ts'
import { sniffType } from './media-type.ts'
import { readZip } from './media-zip.ts'

export type { BitBudget } from './media-inflate.ts'
export {
  type Address,
  decodeBlob,
  findAddresses,
  findDataUris,
  mayHoldAddress,
  readAddress,
} from './media-text.ts'
export { decodeText } from './media-text-type.ts'
export { canonicalType, isSameType } from './media-type.ts'

/** What a file is and what it takes, by its content alone. */
export type Media = {
  /** Null for content of no known type. */
  readonly type: string | null
  /** What else it can be taken for. */
  readonly also: readonly string[]
  readonly bytes: number
  /** Pixels of all frames; null for what is no picture of pixels, or where they cannot be read. */
  readonly pixels: number | null
  /** Bytes that its packed parts unpack to, zero where it has none, Infinity beyond the bound; null when untold. */
  readonly unpacked: number | null
  /** Whether it holds what runs: scripts, handlers, macros. */
  readonly active: boolean
}

/**
 * Looks into a file. What it unpacks to is counted to `lengthMax` bytes; beyond, it is Infinity.
 *
 * @param budget - bits of compressed data that may be read, over several files; what is used is taken from it
 */
export function examineMedia(
  bytes: Uint8Array,
  limits: { readonly lengthMax: number; readonly budget: BitBudget },
): Media {
  const { type, also } = sniffType(bytes)
  const plain = { type, also, bytes: bytes.length, pixels: null, unpacked: 0, active: false }
  if (type === null) return plain
  if (type === 'application/zip') return { ...plain, ...readZip(bytes, limits) }
  if (type === 'application/gzip') return { ...plain, ...readGzip(bytes, limits, also) }
  if (PACKED.has(type)) return { ...plain, unpacked: null }
  if (type === 'image/svg+xml' || type === 'text/html' || type === 'application/xml') {
    return { ...plain, active: isActiveMarkup(decodeText(bytes) ?? '') }
  }
  if (!type.startsWith('image/')) return plain
  const picture = readPicture(type, bytes, limits)
  if (picture === null) return { ...plain, unpacked: null }
  const { pixels, unpacked, trailing } = picture
  return { ...plain, pixels, unpacked, also: trailing ? [...also, TRAILING] : also }
}

/** Stands in `also` for bytes after the end of a file. */
const TRAILING = 'application/octet-stream'

/** Archives whose unpacked size nothing here can count. */
const PACKED: ReadonlySet<string> = new Set([
  'application/x-bzip2',
  'application/x-xz',
  'application/x-compress',
  'application/x-7z-compressed',
  'application/vnd.rar',
  'application/zstd',
  'application/x-lz4',
  'application/vnd.ms-cab-compressed',
])

const GZIP_HEADER_BYTES = 10
const GZIP_TRAILER_BYTES = 8
const MEMBERS_MAX = 1_000

/** Every member of a gzip file (RFC 1952); its own claim, which is modulo 2^32, is not asked. */
function readGzip(
  bytes: Uint8Array,
  limits: { readonly lengthMax: number; readonly budget: BitBudget },
  also: readonly string[],
): Pick<Media, 'unpacked' | 'also'> {
  let [at, unpacked] = [0, 0]
  for (let member = 0; at < bytes.length; member++) {
    const start = member < MEMBERS_MAX ? gzipDataStart(bytes, at) : null
    if (start === null)
      return member === 0 ? { unpacked: null, also } : trailingOf(bytes, at, unpacked, also)
    const lengthMax = limits.lengthMax - unpacked
    const counted = inflatedLength(bytes, start, { ...limits, lengthMax })
    if (counted?.length === Infinity) return { unpacked: Infinity, also }
    if (counted === null || counted.end + GZIP_TRAILER_BYTES > bytes.length) {
      return { unpacked: null, also }
    }
    unpacked += counted.length
    at = counted.end + GZIP_TRAILER_BYTES
  }
  return { unpacked, also }
}

/** Zeros after the last member are padding; anything else is something else. */
function trailingOf(
  bytes: Uint8Array,
  at: number,
  unpacked: number,
  also: readonly string[],
): Pick<Media, 'unpacked' | 'also'> {
  const padded = bytes.subarray(at).every((byte) => byte === 0)
  return { unpacked, also: padded ? also : [...also, TRAILING] }
}

function gzipDataStart(bytes: Uint8Array, from: number): number | null {
  if (bytes[from] !== 0x1f || bytes[from + 1] !== 0x8b || bytes[from + 2] !== 8) return null
  const flags = bytes[from + 3] ?? 0
  let at = from + GZIP_HEADER_BYTES
  if ((flags & 0xe0) !== 0) return null
  if ((flags & 4) !== 0) at += 2 + ((bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8))
  for (const flag of [8, 16]) {
    if ((flags & flag) === 0) continue
    const end = bytes.indexOf(0, at)
    if (end < 0) return null
    at = end + 1
  }
  if ((flags & 2) !== 0) at += 2
  return at < bytes.length ? at : null
}
