import { decodeText, sniffText } from './media-text-type.ts'

/** What a file is by its content. */
export type SniffedType = {
  /** Null for content of no known type. */
  readonly type: string | null
  /** What else it can be taken for: content of two types at once passes one check and is opened as the other. */
  readonly also: readonly string[]
}

/**
 * Reads what a file is from its bytes, after the MIME Sniffing Standard (https://mimesniff.spec.whatwg.org/) and the
 * formats' own descriptions; no name and no declaration counts.
 */
export function sniffType(bytes: Uint8Array): SniffedType {
  const signature = SIGNATURES.find((one) => fits(one, bytes))?.type ?? containerType(bytes)
  if (signature !== null) return { type: signature, also: alsoTypes(signature, bytes) }
  const text = decodeText(bytes)
  if (text === null) return { type: null, also: alsoTypes('', bytes) }
  return { type: sniffText(text), also: endsAsZip(bytes) ? ['application/zip'] : [] }
}

/** Whether content of a type may be declared as another: the same by another name, or one that is held within. */
export function isSameType(declared: string, type: string): boolean {
  const [said, found] = [canonicalType(declared), canonicalType(type)]
  if (said === found || said === 'application/octet-stream') return true
  if (found === 'text/plain') return TEXT.test(said) && !MARKUP.test(said)
  if (found === 'application/xml') return /[/+]xml$/.test(said) && said !== 'image/svg+xml'
  if (found === 'application/zip') return ZIPPED.test(said)
  if (found === 'application/ogg') return /^(?:audio|video)\/(?:ogg|opus|vorbis)$/.test(said)
  if (found === 'application/x-ole-storage') return OLE.test(said)
  if (found === 'video/mp4') return said === 'audio/mp4'
  if (found === 'video/webm') return said === 'audio/webm'
  return false
}

/** A media type without its parameters, by its usual name. */
export function canonicalType(type: string): string {
  const bare = (type.split(';', 1)[0] ?? '').trim().toLowerCase()
  return ALIASES.get(bare) ?? bare
}

const ALIASES: ReadonlyMap<string, string> = new Map([
  ['image/jpg', 'image/jpeg'],
  ['image/pjpeg', 'image/jpeg'],
  ['image/x-png', 'image/png'],
  ['image/apng', 'image/png'],
  ['image/x-ms-bmp', 'image/bmp'],
  ['image/vnd.microsoft.icon', 'image/x-icon'],
  ['image/heif', 'image/heic'],
  ['audio/mp3', 'audio/mpeg'],
  ['audio/x-wav', 'audio/wav'],
  ['audio/wave', 'audio/wav'],
  ['audio/vnd.wave', 'audio/wav'],
  ['audio/x-flac', 'audio/flac'],
  ['audio/x-m4a', 'audio/mp4'],
  ['audio/x-aiff', 'audio/aiff'],
  ['video/avi', 'video/x-msvideo'],
  ['application/x-gzip', 'application/gzip'],
  ['application/x-zip-compressed', 'application/zip'],
  ['application/x-zip', 'application/zip'],
  ['application/x-pdf', 'application/pdf'],
  ['application/x-rar-compressed', 'application/vnd.rar'],
  ['text/xml', 'application/xml'],
  ['application/xhtml+xml', 'text/html'],
  ['application/x-javascript', 'text/javascript'],
  ['application/javascript', 'text/javascript'],
])

const TEXT =
  /^text\/|^application\/(?:[a-z0-9.+-]*\+)?(?:json|yaml|toml|sql|x-ndjson|x-yaml|jsonl)$/
const MARKUP = /^text\/html$|[/+]xml$/
const ZIPPED =
  /^application\/(?:zip|java-archive|epub\+zip|vnd\.(?:openxmlformats-officedocument|oasis\.opendocument|ms-[a-z]+|android)[a-z0-9.+-]*)$/i
const OLE = /^application\/(?:msword|vnd\.ms-[a-z.-]+|x-msi)$/

type Signature = { readonly type: string; readonly at: number; readonly bytes: string }

// Bytes as Latin-1 text. Types whose mark has gaps are containers, below.
const SIGNATURES: readonly Signature[] = (
  [
    ['image/png', '\x89PNG\r\n\x1a\n'],
    ['image/gif', 'GIF87a'],
    ['image/gif', 'GIF89a'],
    ['image/jpeg', '\xff\xd8\xff'],
    ['image/tiff', 'II*\0'],
    ['image/tiff', 'MM\0*'],
    ['image/tiff', 'II+\0'],
    ['image/tiff', 'MM\0+'],
    ['image/vnd.adobe.photoshop', '8BPS'],
    ['image/jxl', '\xff\x0a'],
    ['image/jxl', '\0\0\0\x0cJXL \r\n\x87\n'],
    ['image/jp2', '\0\0\0\x0cjP  \r\n\x87\n'],
    ['image/x-icon', '\0\0\x01\0'],
    ['image/x-icon', '\0\0\x02\0'],
    ['audio/mpeg', 'ID3'],
    ['audio/flac', 'fLaC'],
    ['application/ogg', 'OggS\0'],
    ['audio/midi', 'MThd\0\0\0\x06'],
    ['audio/basic', '.snd'],
    ['audio/amr', '#!AMR'],
    ['video/x-flv', 'FLV\x01'],
    ['video/x-ms-asf', '\x30\x26\xb2\x75\x8e\x66\xcf\x11'],
    ['video/mpeg', '\0\0\x01\xba'],
    ['font/woff', 'wOFF'],
    ['font/woff2', 'wOF2'],
    ['font/otf', 'OTTO'],
    ['font/ttf', '\0\x01\0\0\0'],
    ['font/collection', 'ttcf'],
    ['application/zip', 'PK\x03\x04'],
    ['application/zip', 'PK\x05\x06'],
    ['application/zip', 'PK\x07\x08'],
    ['application/gzip', '\x1f\x8b'],
    ['application/x-compress', '\x1f\x9d'],
    ['application/x-bzip2', 'BZh'],
    ['application/x-xz', '\xfd7zXZ\0'],
    ['application/x-7z-compressed', '7z\xbc\xaf\x27\x1c'],
    ['application/vnd.rar', 'Rar!\x1a\x07'],
    ['application/zstd', '\x28\xb5\x2f\xfd'],
    ['application/x-lz4', '\x04\x22\x4d\x18'],
    ['application/vnd.ms-cab-compressed', 'MSCF\0\0\0\0'],
    ['application/pdf', '%PDF-'],
    ['application/postscript', '%!PS'],
    ['application/rtf', '{\\rtf'],
    ['application/x-ole-storage', '\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1'],
    ['application/x-elf', '\x7fELF'],
    ['application/x-mach-binary', '\xfe\xed\xfa\xce'],
    ['application/x-mach-binary', '\xfe\xed\xfa\xcf'],
    ['application/x-mach-binary', '\xce\xfa\xed\xfe'],
    ['application/x-mach-binary', '\xcf\xfa\xed\xfe'],
    ['application/java-vm', '\xca\xfe\xba\xbe'],
    ['application/wasm', '\0asm'],
    ['application/vnd.sqlite3', 'SQLite format 3\0'],
  ] as const
).map(([type, bytes]) => ({ type, at: 0, bytes }))

const TAR: Signature = { type: 'application/x-tar', at: 257, bytes: 'ustar' }

function fits({ at, bytes: text }: Signature, bytes: Uint8Array): boolean {
  if (bytes.length < at + text.length) return false
  for (let i = 0; i < text.length; i++) if (bytes[at + i] !== text.charCodeAt(i)) return false
  return true
}

/** Types whose mark has a gap, or needs a second look. */
function containerType(bytes: Uint8Array): string | null {
  const word = (at: number) => String.fromCharCode(...bytes.subarray(at, at + 4))
  if (word(0) === 'RIFF') return RIFF.get(word(8)) ?? null
  if (word(0) === 'FORM') return /^AIF[FC]$/.test(word(8)) ? 'audio/aiff' : null
  if (word(4) === 'ftyp') return brandType(word(8))
  if (word(0) === '\x1aE\xdf\xa3') return matroskaType(bytes)
  if (fits(TAR, bytes)) return TAR.type
  if (isBitmap(bytes)) return 'image/bmp'
  if (word(0).startsWith('MZ') && decodeText(bytes) === null) return 'application/x-msdownload'
  return isMpegFrame(bytes) && decodeText(bytes) === null ? mpegType(bytes) : null
}

const RIFF: ReadonlyMap<string, string> = new Map([
  ['WEBP', 'image/webp'],
  ['WAVE', 'audio/wav'],
  ['AVI ', 'video/x-msvideo'],
])

function brandType(brand: string): string | null {
  if (/^avi[fs]$/.test(brand)) return 'image/avif'
  if (/^(?:hei[cxms]|hev[cx]|mif1|msf1)$/.test(brand)) return 'image/heic'
  if (/^qt {2}$/.test(brand)) return 'video/quicktime'
  if (/^M4[AB] $/.test(brand)) return 'audio/mp4'
  if (/^3g/.test(brand)) return 'video/3gpp'
  return /^(?:mp4|iso[m2-9]|avc1|dash|M4V |MSNV|mmp4|f4v )/.test(brand) ? 'video/mp4' : null
}

function matroskaType(bytes: Uint8Array): string | null {
  const head = String.fromCharCode(...bytes.subarray(0, 64))
  const name = /\x42\x82.{1,8}?(webm|matroska)/s.exec(head)?.[1]
  if (name === undefined) return null
  return name === 'webm' ? 'video/webm' : 'video/x-matroska'
}

/** `BM` alone may start a sentence: a bitmap has four reserved zeros and a header of a known size. */
function isBitmap(bytes: Uint8Array): boolean {
  if (bytes[0] !== 0x42 || bytes[1] !== 0x4d || bytes.length < 26) return false
  const reserved = bytes.subarray(6, 10).every((byte) => byte === 0)
  return reserved && [12, 16, 40, 52, 56, 64, 108, 124].includes(bytes[14] ?? 0)
}

function isMpegFrame(bytes: Uint8Array): boolean {
  const [first = 0, second = 0, third = 0] = bytes
  if (first !== 0xff || (second & 0xe0) !== 0xe0 || bytes.length < 4) return false
  if ((second & 0x18) === 0x08) return false
  return (second & 0xf6) === 0xf0 || ((third & 0xf0) !== 0xf0 && (third & 0x0c) !== 0x0c)
}

/** Layer 0 is the mark of ADTS, the stream form of AAC. */
function mpegType(bytes: Uint8Array): string {
  return ((bytes[1] ?? 0) & 0x06) === 0 ? 'audio/aac' : 'audio/mpeg'
}

/** Kinds of which a second nature is looked for in the body: there, markup has no business. */
const OPAQUE = /^(?:image|audio|video|font)\//

function alsoTypes(type: string, bytes: Uint8Array): readonly string[] {
  const also: string[] = []
  if (type !== 'application/zip' && endsAsZip(bytes)) also.push('application/zip')
  if (!OPAQUE.test(type)) return also
  if (indexOf(bytes.subarray(0, 1024), '%PDF-') >= 0) also.push('application/pdf')
  if (MARKS.some((mark) => indexOf(bytes, mark) >= 0)) also.push('text/html')
  return also
}

/** In lower case, and long enough that compressed data hardly ever holds one by chance. */
const MARKS = ['<script', '<html', '<!doctype html', '<iframe', '<?php', '<svg xmlns']

function indexOf(bytes: Uint8Array, mark: string): number {
  const first = mark.charCodeAt(0)
  for (let at = bytes.indexOf(first); at >= 0; at = bytes.indexOf(first, at + 1)) {
    let same = 1
    while (same < mark.length && lower(bytes[at + same] ?? 0) === lower(mark.charCodeAt(same)))
      same++
    if (same === mark.length) return at
  }
  return -1
}

function lower(byte: number): number {
  return byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte
}

const ZIP_END_BYTES = 22
const ZIP_COMMENT_MAX = 65_535

/** Whether the end-of-directory record of a zip file closes the bytes: readers of zip look there first. */
function endsAsZip(bytes: Uint8Array): boolean {
  const from = Math.max(0, bytes.length - ZIP_END_BYTES - ZIP_COMMENT_MAX)
  for (let at = bytes.length - ZIP_END_BYTES; at >= from; at--) {
    if (
      bytes[at] !== 0x50 ||
      bytes[at + 1] !== 0x4b ||
      bytes[at + 2] !== 5 ||
      bytes[at + 3] !== 6
    ) {
      continue
    }
    const comment = (bytes[at + 20] ?? 0) | ((bytes[at + 21] ?? 0) << 8)
    if (at + ZIP_END_BYTES + comment <= bytes.length) return true
  }
  return false
}
