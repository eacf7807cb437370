import { createHash } from 'node:crypto'
import { crc32, deflateSync, inflateSync } from 'node:zlib'

/** A text with commits, digests and times of this run replaced by others that are the same in each run. */
export function withoutRun(text: string): string {
  const known = new Map<string, string>()
  const replaced = (id: string): string => {
    const key = id.slice(0, SHORT)
    const found = known.get(key) ?? hash(`id ${known.size}`)
    known.set(key, found)
    return found.slice(0, id.length)
  }
  return text
    .replaceAll(/\b[0-9a-f]{12,64}\b/g, replaced)
    .replaceAll(/\b20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z/g, '2026-12-05T09:00:00Z')
}

const SHORT = 12 // The fewest digits of an id that are shown.

function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

/**
 * A browser's PNG with a palette in the place of its 24 bits a pixel, a fifth of the size; and with the digest of the text
 * that it shows, so that it can't outlive that text.
 */
export function smallPng(png: Buffer, text: string): Buffer {
  const { width, height, pixels } = decoded(png)
  const { palette, indices } = indexed(pixels)
  const head = Buffer.alloc(13)
  head.writeUInt32BE(width, 0)
  head.writeUInt32BE(height, 4)
  head.set([8, 3, 0, 0, 0], 8) // Eight bits a pixel, with a palette.
  // Each row begins with its filter: none.
  const rows = Array.from({ length: height }, (_, row) =>
    Buffer.concat([Buffer.of(0), indices.subarray(row * width, (row + 1) * width)]),
  )
  return Buffer.concat([
    SIGNATURE,
    chunk('IHDR', head),
    chunk('tEXt', sealOf(text)),
    chunk('PLTE', palette),
    chunk('IDAT', deflateSync(Buffer.concat(rows), { level: 9 })),
    chunk('IEND', Buffer.alloc(0)),
  ])
}

/** What a PNG says of itself: pixels, and whether it shows this text. */
export function readPng(png: Buffer, text: string) {
  if (!png.subarray(0, 8).equals(SIGNATURE)) throw new Error('no PNG')
  return {
    ...{ width: png.readUInt32BE(16), height: png.readUInt32BE(20) },
    isOfText: png.includes(sealOf(text)),
  }
}

const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])
const COLOURS_MAX = 256

function sealOf(text: string): Buffer {
  return Buffer.from(`Source-SHA256\0${hash(text)}`, 'latin1')
}

function chunk(name: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(name, 'latin1'), data])
  const made = Buffer.alloc(body.length + 8)
  made.writeUInt32BE(data.length, 0)
  body.copy(made, 4)
  made.writeUInt32BE(crc32(body), body.length + 4)
  return made
}

type Pixels = { readonly width: number; readonly height: number; readonly pixels: Uint8Array }

/** Three bytes a pixel. https://www.w3.org/TR/png-3/ section 9 for the filters. */
function decoded(png: Buffer): Pixels {
  const [width, height] = [png.readUInt32BE(16), png.readUInt32BE(20)]
  const [bits, colour] = png.subarray(24, 26)
  const size = colour === 6 ? 4 : 3
  if (bits !== 8 || (colour !== 2 && colour !== 6)) throw new Error('not 8 bits of RGB or RGBA')
  const parts: Buffer[] = []
  for (let at = 8; at < png.length; at += png.readUInt32BE(at) + 12) {
    const isData = png.toString('latin1', at + 4, at + 8) === 'IDAT'
    if (isData) parts.push(png.subarray(at + 8, at + 8 + png.readUInt32BE(at)))
  }
  const data = inflateSync(Buffer.concat(parts))
  const line = width * size
  const pixels = new Uint8Array(width * height * 3)
  let before = new Uint8Array(line)
  for (let row = 0; row < height; row++) {
    const from = row * (line + 1)
    const now = unfiltered(data.subarray(from + 1, from + 1 + line), before, data[from] ?? 0, size)
    for (let at = 0; at < width; at++) {
      pixels.set(now.subarray(at * size, at * size + 3), (row * width + at) * 3)
    }
    before = now
  }
  return { width, height, pixels }
}

function unfiltered(data: Uint8Array, before: Uint8Array, filter: number, size: number) {
  const now = new Uint8Array(data.length)
  for (let at = 0; at < data.length; at++) {
    const left = now[at - size] ?? 0
    const up = before[at] ?? 0
    const corner = at < size ? 0 : (before[at - size] ?? 0)
    const guess = [0, left, up, (left + up) >> 1, paeth(left, up, corner)][filter] ?? 0
    now[at] = (data[at] ?? 0) + guess
  }
  return now
}

function paeth(left: number, up: number, corner: number): number {
  const [a, b, c] = [up - corner, left - corner, left + up - 2 * corner].map(Math.abs) as [
    ...[number, number, number],
  ]
  if (a <= b && a <= c) return left
  return b <= c ? up : corner
}

/** The most frequent colours; each other one becomes that which is nearest. */
function indexed(pixels: Uint8Array): { readonly palette: Buffer; readonly indices: Uint8Array } {
  const colourAt = (at: number): number =>
    ((pixels[at] ?? 0) << 16) | ((pixels[at + 1] ?? 0) << 8) | (pixels[at + 2] ?? 0)
  const counts = new Map<number, number>()
  for (let at = 0; at < pixels.length; at += 3) {
    counts.set(colourAt(at), (counts.get(colourAt(at)) ?? 0) + 1)
  }
  const byCount = [...counts].toSorted(([a, m], [b, n]) => n - m || a - b).map(([one]) => one)
  const kept = byCount.slice(0, COLOURS_MAX)
  const found = new Map(byCount.map((colour) => [colour, nearest(colour, kept)]))
  const indices = new Uint8Array(pixels.length / 3)
  for (let at = 0; at < indices.length; at++) indices[at] = found.get(colourAt(at * 3)) ?? 0
  return {
    indices,
    palette: Buffer.from(kept.flatMap((one) => [one >> 16, (one >> 8) & 255, one & 255])),
  }
}

function nearest(colour: number, among: readonly number[]): number {
  const exact = among.indexOf(colour)
  if (exact >= 0) return exact
  const distance = (other: number): number =>
    [16, 8, 0].reduce((sum, by) => sum + (((colour >> by) & 255) - ((other >> by) & 255)) ** 2, 0)
  const distances = among.map(distance)
  return distances.indexOf(Math.min(...distances))
}
