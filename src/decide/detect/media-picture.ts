import type { BitBudget } from './media-inflate.ts'
import { inflatedLength } from './media-inflate.ts'

export type Picture = {
  /** Of all frames together. */
  readonly pixels: number
  /** Bytes that compressed notes within unpack to; null when that cannot be told. */
  readonly unpacked: number | null
  /** Whether bytes follow where the picture ends: what reads it never looks at them. */
  readonly trailing: boolean
}

/** What a picture takes once it is open; null where its dimensions cannot be read. */
export function readPicture(
  type: string,
  bytes: Uint8Array,
  limits: { readonly lengthMax: number; readonly budget: BitBudget },
): Picture | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  try {
    switch (type) {
      case 'image/png':
        return readPng(view, bytes, limits)
      case 'image/gif':
        return readGif(view)
      case 'image/jpeg':
        return readJpeg(view)
      case 'image/webp':
        return readWebp(view)
      case 'image/bmp':
        return readBmp(view)
      default:
        return null
    }
  } catch (error) {
    if (error instanceof RangeError) return null // It ends before its headers do.
    throw error
  }
}

/** PNG third edition, with APNG frames; every chunk is walked. */
function readPng(
  view: DataView,
  bytes: Uint8Array,
  limits: { readonly lengthMax: number; readonly budget: BitBudget },
): Picture | null {
  let [at, pixels, frames] = [8, 0, 1]
  let unpacked: number | null = 0
  for (let first = true; ; first = false) {
    const length = view.getUint32(at)
    const name = word(view, at + 4)
    const data = at + 8
    if (data + length + 4 > view.byteLength || (first && name !== 'IHDR')) return null
    // Of several, which only a forged file has, some readers take the first and some the last.
    if (name === 'IHDR') pixels = Math.max(pixels, view.getUint32(data) * view.getUint32(data + 4))
    if (name === 'acTL') frames = Math.max(frames, view.getUint32(data))
    const note = NOTES.get(name)?.(bytes, data, data + length)
    if (note !== undefined && unpacked !== null) {
      const size = note === null ? null : zlibLength(bytes.subarray(0, data + length), note, limits)
      unpacked = size === null ? null : unpacked + size
    }
    at = data + length + 4
    if (name === 'IEND') {
      return { pixels: pixels * frames, unpacked, trailing: at !== view.byteLength }
    }
  }
}

/** Where compressed data starts in the chunks that hold some, beside the picture itself; undefined where none is. */
const NOTES: ReadonlyMap<
  string,
  (bytes: Uint8Array, from: number, to: number) => number | null | undefined
> = new Map([
  ['zTXt', (bytes, from, to) => afterMethod(bytes, from, to)],
  ['iCCP', (bytes, from, to) => afterMethod(bytes, from, to)],
  ['iTXt', internationalStart],
])

function afterMethod(bytes: Uint8Array, from: number, to: number): number | null {
  const end = bytes.indexOf(0, from)
  return end < 0 || end + 2 > to || bytes[end + 1] !== 0 ? null : end + 2
}

function internationalStart(
  bytes: Uint8Array,
  from: number,
  to: number,
): number | null | undefined {
  const keyword = bytes.indexOf(0, from)
  if (keyword < 0 || keyword + 3 > to) return null
  if (bytes[keyword + 1] === 0) return undefined
  const language = bytes.indexOf(0, keyword + 3)
  const translated = language < 0 ? -1 : bytes.indexOf(0, language + 1)
  return translated < 0 || translated >= to ? null : translated + 1
}

const ZLIB_HEADER_BYTES = 2

function zlibLength(
  bytes: Uint8Array,
  start: number,
  limits: { readonly lengthMax: number; readonly budget: BitBudget },
): number | null {
  return inflatedLength(bytes, start + ZLIB_HEADER_BYTES, limits)?.length ?? null
}

/** GIF89a: the whole screen counts for each frame, or the frame where it is larger: some readers make room for it. */
function readGif(view: DataView): Picture | null {
  const screen = view.getUint16(6, true) * view.getUint16(8, true)
  let at = 13 + paletteBytes(view.getUint8(10))
  let pixels = 0
  for (;;) {
    const mark = view.getUint8(at)
    if (mark === 0x3b) {
      return { pixels: Math.max(screen, pixels), unpacked: 0, trailing: at + 1 !== view.byteLength }
    }
    if (mark === 0x21) at = skipBlocks(view, at + 2)
    else if (mark === 0x2c) {
      const frame = view.getUint16(at + 5, true) * view.getUint16(at + 7, true)
      pixels += Math.max(screen, frame)
      at = skipBlocks(view, at + 10 + paletteBytes(view.getUint8(at + 9)) + 1)
    } else return null
  }
}

function paletteBytes(flags: number): number {
  return (flags & 0x80) === 0 ? 0 : 3 << ((flags & 7) + 1)
}

function skipBlocks(view: DataView, from: number): number {
  let at = from
  for (let size = view.getUint8(at); size > 0; size = view.getUint8(at)) at += size + 1
  return at + 1
}

/** Markers of ITU-T T.81 that start a frame; among them stand three of other meaning. */
function isFrame(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker)
}

function readJpeg(view: DataView): Picture | null {
  for (let at = 2; ; ) {
    if (view.getUint8(at) !== 0xff) return null
    const marker = view.getUint8(at + 1)
    if (marker === 0xff) {
      at += 1
      continue
    }
    if (isFrame(marker)) {
      const pixels = view.getUint16(at + 5) * view.getUint16(at + 7)
      return pixels === 0 ? null : { pixels, unpacked: 0, trailing: false }
    }
    // The scan and the end come after the frame; a stand-alone marker has no length.
    if (marker === 0xda || marker === 0xd9) return null
    at += marker >= 0xd0 && marker <= 0xd7 ? 2 : 2 + Math.max(2, view.getUint16(at + 2))
  }
}

function readWebp(view: DataView): Picture | null {
  const trailing = view.getUint32(4, true) + 8 < view.byteLength - 1
  const pixels = webpPixels(view)
  if (pixels === null) return null
  let frames = 0
  for (let at = 12; at + 8 <= view.byteLength; ) {
    if (word(view, at) === 'ANMF') frames += 1
    const length = view.getUint32(at + 4, true)
    at += 8 + length + (length & 1)
  }
  return { pixels: pixels * Math.max(1, frames), unpacked: 0, trailing }
}

function webpPixels(view: DataView): number | null {
  switch (word(view, 12)) {
    case 'VP8X':
      return (1 + uint24(view, 24)) * (1 + uint24(view, 27))
    case 'VP8L': {
      const packed = view.getUint32(21, true)
      return (1 + (packed & 0x3fff)) * (1 + ((packed >>> 14) & 0x3fff))
    }
    case 'VP8 ':
      return (view.getUint16(26, true) & 0x3fff) * (view.getUint16(28, true) & 0x3fff)
    default:
      return null
  }
}

function readBmp(view: DataView): Picture {
  const small = view.getUint32(14, true) === 12
  const width = small ? view.getUint16(18, true) : view.getInt32(18, true)
  const height = small ? view.getUint16(20, true) : view.getInt32(22, true)
  return { pixels: Math.abs(width * height), unpacked: 0, trailing: false }
}

function uint24(view: DataView, at: number): number {
  return view.getUint16(at, true) | (view.getUint8(at + 2) << 16)
}

function word(view: DataView, at: number): string {
  return String.fromCharCode(
    view.getUint8(at),
    view.getUint8(at + 1),
    view.getUint8(at + 2),
    view.getUint8(at + 3),
  )
}
