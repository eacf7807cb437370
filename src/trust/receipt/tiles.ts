import { PolicyError } from '../../base/errors.ts'
import { LOG_ENTRY_BYTES_MAX } from '../../base/limits.ts'
import type { NodeReader } from './merkle.ts'
import { HASH_BYTES, hashAt, hashNode } from './merkle.ts'

/**
 * One file of a log (C2SP tlog-tiles): 1 to 256 hashes of complete subtrees of height 8 * level, or the entries
 * themselves. A width below 256 makes it a partial tile.
 */
export type TileRef =
  | {
      readonly kind: 'hashes'
      readonly level: number
      readonly index: number
      readonly width: number
    }
  | { readonly kind: 'entries'; readonly index: number; readonly width: number }

/** Hashes in a full tile, entries in a full bundle. */
export const TILE_WIDTH = 256

/** Levels of a tree of 2^53 leaves. */
const TILE_LEVELS_MAX = 7

/** Where a tile lies, relative to the log: `tile/0/x001/234`, `tile/entries/000.p/7`. */
export function tilePath(tile: TileRef): string {
  const place = tile.kind === 'entries' ? 'entries' : String(tile.level)
  const partial = tile.width === TILE_WIDTH ? '' : `.p/${tile.width}`
  return `tile/${place}/${indexPath(tile.index)}${partial}`
}

/** The tile that a path names; null when no tile lies there. */
export function parseTilePath(path: string): TileRef | null {
  const match = TILE_PATH.exec(path)
  if (match === null) return null
  const [, place = '', digits = '', partial] = match
  const index = Number(digits.replaceAll(/[x/]/g, ''))
  const width = partial === undefined ? TILE_WIDTH : Number(partial)
  const tile: TileRef =
    place === 'entries'
      ? { kind: 'entries', index, width }
      : { kind: 'hashes', level: Number(place), index, width }
  // One tile has one path: `x000/001` and width 256 as a partial are no tiles.
  return tilePath(tile) === path ? tile : null
}

const TILE_PATH =
  /^tile\/(entries|[0-6])\/((?:x[0-9]{3}\/){0,5}[0-9]{3})(?:\.p\/([1-9][0-9]{0,2}))?$/

function indexPath(index: number): string {
  let text = threeDigits(index % 1000)
  for (let rest = Math.floor(index / 1000); rest > 0; rest = Math.floor(rest / 1000)) {
    text = `x${threeDigits(rest % 1000)}/${text}`
  }
  return text
}

function threeDigits(value: number): string {
  return String(value).padStart(3, '0')
}

/** Every tile that a tree of `size` leaves has: entries first, then hashes from level 0 up. */
export function* tilesOf(size: number): Generator<TileRef> {
  yield* tilesBetween({ kind: 'entries' }, 0, size)
  for (let level = 0; level < TILE_LEVELS_MAX; level++) {
    yield* tilesBetween({ kind: 'hashes', level }, 0, widthAt(level, size))
  }
}

/** The partial tiles of a tree of `size` leaves. */
export function partialTilesOf(size: number): TileRef[] {
  const rows: Row[] = [{ kind: 'entries' }]
  for (let level = 0; level < TILE_LEVELS_MAX; level++) rows.push({ kind: 'hashes', level })
  return rows.flatMap((row): TileRef[] => {
    const hashes = row.kind === 'entries' ? size : widthAt(row.level, size)
    const width = hashes % TILE_WIDTH
    return width === 0 ? [] : [{ ...row, index: Math.floor(hashes / TILE_WIDTH), width }]
  })
}

/**
 * What a growth from `from` to `to` leaves does to the files: those it writes, and the partial ones that they
 * supersede.
 */
export function growth(from: number, to: number): { written: TileRef[]; superseded: TileRef[] } {
  if (from >= to) return { written: [], superseded: [] }
  const written = [...tilesOfGrowth(from, to)]
  const kept = new Set(partialTilesOf(to).map(tilePath))
  return { written, superseded: partialTilesOf(from).filter((tile) => !kept.has(tilePath(tile))) }
}

function* tilesOfGrowth(from: number, to: number): Generator<TileRef> {
  yield* tilesBetween({ kind: 'entries' }, from, to)
  for (let level = 0; level < TILE_LEVELS_MAX; level++) {
    yield* tilesBetween({ kind: 'hashes', level }, widthAt(level, from), widthAt(level, to))
  }
}

type Row = { readonly kind: 'entries' } | { readonly kind: 'hashes'; readonly level: number }

function* tilesBetween(row: Row, from: number, to: number): Generator<TileRef> {
  if (from >= to) return
  for (let index = Math.floor(from / TILE_WIDTH); index * TILE_WIDTH < to; index++) {
    yield { ...row, index, width: Math.min(TILE_WIDTH, to - index * TILE_WIDTH) }
  }
}

/** Hashes that a tree of `size` leaves has at a tile level. */
export function widthAt(level: number, size: number): number {
  return Math.floor(size / TILE_WIDTH ** level)
}

/**
 * An entry bundle: each entry after its length, 16 bits big-endian.
 *
 * @throws {PolicyError} RECEIPT_TOO_LARGE
 */
export function encodeBundle(entries: readonly Uint8Array[]): Uint8Array {
  const bundle = new Uint8Array(entries.reduce((sum, entry) => sum + 2 + entry.length, 0))
  let at = 0
  for (const entry of entries) {
    if (entry.length > LOG_ENTRY_BYTES_MAX) {
      throw new PolicyError(
        'RECEIPT_TOO_LARGE',
        `expected at most ${LOG_ENTRY_BYTES_MAX} bytes, found ${entry.length}`,
      )
    }
    bundle[at] = entry.length >> 8
    bundle[at + 1] = entry.length & 0xff
    bundle.set(entry, at + 2)
    at += 2 + entry.length
  }
  return bundle
}

/**
 * The entries of a bundle, as views of it.
 *
 * @throws {PolicyError} LOG_CORRUPT unless it holds exactly `width` entries
 */
export function decodeBundle(bundle: Uint8Array, width: number): Uint8Array[] {
  const entries: Uint8Array[] = []
  let at = 0
  while (at < bundle.length && entries.length < width) {
    const length = ((bundle[at] ?? 0) << 8) | (bundle[at + 1] ?? 0)
    const end = at + 2 + length
    if (end > bundle.length) throw corruptBundle(width)
    entries.push(bundle.subarray(at + 2, end))
    at = end
  }
  if (at !== bundle.length || entries.length !== width) throw corruptBundle(width)
  return entries
}

function corruptBundle(width: number): PolicyError {
  return new PolicyError('LOG_CORRUPT', `expected a bundle of exactly ${width} entries`)
}

/** Gives the hashes of a tile: 32 bytes for each of its width. */
export type TileReader = (tile: TileRef & { kind: 'hashes' }) => Uint8Array

/**
 * Reads the subtrees of a tree of `size` leaves out of its tiles.
 *
 * @param read - its errors pass through
 */
export function tileNodes(size: number, read: TileReader): NodeReader {
  return (level, index) => {
    const tileLevel = Math.floor(level / TILE_HEIGHT)
    const span = 2 ** (level % TILE_HEIGHT)
    const first = index * span
    const tileIndex = Math.floor(first / TILE_WIDTH)
    const width = Math.min(TILE_WIDTH, widthAt(tileLevel, size) - tileIndex * TILE_WIDTH)
    const start = first - tileIndex * TILE_WIDTH
    if (start + span > width) {
      throw new PolicyError('PROOF_INVALID', 'expected a subtree that the tree holds')
    }
    const hashes = read({ kind: 'hashes', level: tileLevel, index: tileIndex, width })
    return foldHashes(hashes.subarray(start * HASH_BYTES, (start + span) * HASH_BYTES))
  }
}

/** Levels of the tree in one level of tiles. */
const TILE_HEIGHT = 8

/** The hash over a power of two of hashes that lie side by side. */
export function foldHashes(hashes: Uint8Array): Uint8Array {
  let row = hashes
  for (let count = hashes.length / HASH_BYTES; count > 1; count /= 2) {
    const above = new Uint8Array((count / 2) * HASH_BYTES)
    for (let i = 0; i < count / 2; i++) {
      above.set(hashNode(hashAt(row, 2 * i), hashAt(row, 2 * i + 1)), i * HASH_BYTES)
    }
    row = above
  }
  return row
}
