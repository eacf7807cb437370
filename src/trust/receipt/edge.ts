import { PolicyError } from '../../base/errors.ts'
import { HASH_BYTES, treeRoot } from './merkle.ts'
import type { TileReader, TileRef } from './tiles.ts'
import { foldHashes, TILE_WIDTH, tileNodes, widthAt } from './tiles.ts'

/** A hash tile and its bytes. */
export type HashTile = { readonly tile: TileRef & { kind: 'hashes' }; readonly bytes: Uint8Array }

/**
 * The right edge of a tiled tree: its partial tiles. They are all that appending needs, so a log of any length goes
 * on after reading a handful of files.
 */
export type TreeEdge = {
  size(): number
  /** @returns the tiles that this leaf completed, from level 0 up */
  append(leafHash: Uint8Array): HashTile[]
  /** The partial tiles, from level 0 up. */
  partials(): HashTile[]
  root(): Uint8Array
}

/** Opens the edge of a tree of `size` leaves, whose partial tiles `read` gives. Proves nothing: compare the root. */
export function openEdge(size: number, read: TileReader): TreeEdge {
  const rows: Uint8Array[] = []
  for (let level = 0; widthAt(level, size) > 0; level++) {
    const hashes = widthAt(level, size)
    const width = hashes % TILE_WIDTH
    const index = Math.floor(hashes / TILE_WIDTH)
    rows.push(width === 0 ? EMPTY : exactly(width, read({ kind: 'hashes', level, index, width })))
  }
  let count = size
  const append = (leafHash: Uint8Array): HashTile[] => {
    const completed: HashTile[] = []
    let hash = leafHash
    for (let level = 0; ; level++) {
      const row = join(rows[level] ?? EMPTY, hash)
      rows[level] = row
      if (row.length < TILE_WIDTH * HASH_BYTES) break
      const index = widthAt(level, count + 1) / TILE_WIDTH - 1
      completed.push({ tile: { kind: 'hashes', level, index, width: TILE_WIDTH }, bytes: row })
      rows[level] = EMPTY
      hash = foldHashes(row)
    }
    count += 1
    return completed
  }
  const partials = () =>
    rows.flatMap((bytes, level): HashTile[] => {
      const width = bytes.length / HASH_BYTES
      const index = Math.floor(widthAt(level, count) / TILE_WIDTH)
      return width === 0 ? [] : [{ tile: { kind: 'hashes', level, index, width }, bytes }]
    })
  return {
    size: () => count,
    append,
    partials,
    // The root is made of partial tiles only: every one bit of the size is a subtree inside one of them.
    root: () => treeRoot(count, edgeNodes(count, rows)),
  }
}

function edgeNodes(size: number, rows: readonly Uint8Array[]): ReturnType<typeof tileNodes> {
  return tileNodes(size, ({ level }) => rows[level] ?? EMPTY)
}

const EMPTY = new Uint8Array()

function exactly(width: number, bytes: Uint8Array): Uint8Array {
  if (bytes.length === width * HASH_BYTES) return bytes
  throw new PolicyError('LOG_CORRUPT', `expected a tile of ${width} hashes`)
}

function join(row: Uint8Array, hash: Uint8Array): Uint8Array {
  const joined = new Uint8Array(row.length + hash.length)
  joined.set(row)
  joined.set(hash, row.length)
  return joined
}
