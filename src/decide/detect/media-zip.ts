import type { BitBudget } from './media-inflate.ts'
import { inflatedLength } from './media-inflate.ts'

export type ZipContent = {
  /** Bytes that all entries unpack to together, Infinity beyond the bound; null when that cannot be told. */
  readonly unpacked: number | null
  /** The type that the names within tell: an office document, a program; else `application/zip`. */
  readonly type: string
  /** Whether a document holds macros. */
  readonly active: boolean
}

/**
 * What a zip file holds (PKWARE APPNOTE.TXT 6.3.10), by its central directory: what reads it goes by that. The length of
 * every entry is counted, not believed. It cannot be told for a file that is encrypted, of the 64-bit form, packed by
 * anything but DEFLATE, spread over several files, or damaged.
 */
export function readZip(
  bytes: Uint8Array,
  limits: { readonly lengthMax: number; readonly budget: BitBudget },
): ZipContent {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const entries = readDirectory(view)
  if (entries === null) return { unpacked: null, type: ZIP, active: false }
  let unpacked: number | null = 0
  for (const entry of entries) {
    if (unpacked === Infinity) break
    const length: number | null = unpacked === null ? null : lengthOf(view, bytes, entry, limits)
    unpacked = unpacked === null || length === null ? null : unpacked + length
    if (unpacked !== null && unpacked > limits.lengthMax) unpacked = Infinity
  }
  const names = entries.map(({ name }) => name)
  return { unpacked, ...typeOf(names) }
}

const ZIP = 'application/zip'
const END_BYTES = 22
const COMMENT_MAX = 65_535
const ENTRY_BYTES = 46
const LOCAL_BYTES = 30
const ENTRIES_MAX = 10_000
const NAME_BYTES_MAX = 256

type ZipEntry = {
  readonly name: string
  readonly flags: number
  readonly method: number
  readonly packed: number
  readonly local: number
}

function readDirectory(view: DataView): readonly ZipEntry[] | null {
  const end = findEnd(view)
  if (end < 0) return null
  const count = view.getUint16(end + 10, true)
  const onOtherDisks =
    view.getUint32(end + 4, true) !== 0 || view.getUint16(end + 8, true) !== count
  let at = view.getUint32(end + 16, true)
  if (onOtherDisks || count > ENTRIES_MAX || at + view.getUint32(end + 12, true) !== end)
    return null
  const entries: ZipEntry[] = []
  for (let i = 0; i < count; i++) {
    if (at + ENTRY_BYTES > end || view.getUint32(at, true) !== 0x02014b50) return null
    const nameLength = view.getUint16(at + 28, true)
    const rest = view.getUint16(at + 30, true) + view.getUint16(at + 32, true)
    entries.push({
      name: latin1(view, at + ENTRY_BYTES, Math.min(nameLength, NAME_BYTES_MAX)),
      flags: view.getUint16(at + 8, true),
      method: view.getUint16(at + 10, true),
      packed: view.getUint32(at + 20, true),
      local: view.getUint32(at + 42, true),
    })
    at += ENTRY_BYTES + nameLength + rest
  }
  return at === end ? entries : null
}

function findEnd(view: DataView): number {
  const from = Math.max(0, view.byteLength - END_BYTES - COMMENT_MAX)
  for (let at = view.byteLength - END_BYTES; at >= from; at--) {
    if (view.getUint32(at, true) !== 0x06054b50) continue
    if (at + END_BYTES + view.getUint16(at + 20, true) === view.byteLength) return at
  }
  return -1
}

const ENCRYPTED = 1
const STORED = 0
const DEFLATED = 8

function lengthOf(
  view: DataView,
  bytes: Uint8Array,
  { flags, method, packed, local }: ZipEntry,
  limits: { readonly lengthMax: number; readonly budget: BitBudget },
): number | null {
  if ((flags & ENCRYPTED) !== 0 || local + LOCAL_BYTES > bytes.length) return null
  if (view.getUint32(local, true) !== 0x04034b50) return null
  // Readers of a stream go by what stands here instead.
  if (view.getUint16(local + 8, true) !== method) return null
  const start =
    local + LOCAL_BYTES + view.getUint16(local + 26, true) + view.getUint16(local + 28, true)
  if (start + packed > bytes.length) return null
  if (method === STORED) return packed
  if (method !== DEFLATED) return null
  const counted = inflatedLength(bytes.subarray(0, start + packed), start, limits)
  return counted?.length ?? null
}

function latin1(view: DataView, at: number, length: number): string {
  let text = ''
  for (let i = 0; i < length && at + i < view.byteLength; i++) {
    text += String.fromCharCode(view.getUint8(at + i))
  }
  return text
}

function typeOf(names: readonly string[]): Pick<ZipContent, 'type' | 'active'> {
  const has = (start: string) => names.some((name) => name.startsWith(start))
  const active = names.some((name) => /(?:^|\/)vbaProject\.bin$/i.test(name))
  if (has('[Content_Types].xml')) {
    const part = OFFICE.find(([folder]) => has(folder))?.[1]
    return { type: part === undefined ? ZIP : `${OPEN_XML}.${part}`, active }
  }
  if (has('AndroidManifest.xml')) return { type: 'application/vnd.android.package-archive', active }
  return { type: has('META-INF/MANIFEST.MF') ? 'application/java-archive' : ZIP, active }
}

const OPEN_XML = 'application/vnd.openxmlformats-officedocument'
const OFFICE = [
  ['word/', 'wordprocessingml.document'],
  ['xl/', 'spreadsheetml.sheet'],
  ['ppt/', 'presentationml.presentation'],
] as const
