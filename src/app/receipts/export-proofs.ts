import { bytesEqual } from '../../base/digest.ts'
import { PolicyError } from '../../base/errors.ts'
import { readIfThere } from '../../host/log-files.ts'
import { readNote } from '../../host/log-folder.ts'
import type { SignedCheckpoint } from '../../trust/receipt/checkpoint.ts'
import { parseCheckpoint } from '../../trust/receipt/checkpoint.ts'
import type { NodeReader } from '../../trust/receipt/merkle.ts'
import { HASH_BYTES, hashLeaf, inclusionProof, treeRoot } from '../../trust/receipt/merkle.ts'
import { formatProof } from '../../trust/receipt/proof.ts'
import type { TileReader } from '../../trust/receipt/tiles.ts'
import { partialTilesOf, TILE_WIDTH, tileNodes, tilePath } from '../../trust/receipt/tiles.ts'

/** Proofs of many receipts under one checkpoint. */
export type Proofs = {
  /** The signed note, to the byte. */
  readonly note: string
  readonly checkpoint: SignedCheckpoint
  /**
   * Cheapest in log order: what neighbours share is read and hashed once.
   *
   * @throws {PolicyError} LOG_CORRUPT; LOG_FORKED when the log has another receipt there
   */
  proofOf(index: number, entry: Uint8Array): string
}

/**
 * Opens the log of a folder at its present checkpoint. An engine may go on writing meanwhile: full tiles never change, and
 * the partial ones of this checkpoint are read now.
 *
 * @throws {PolicyError} LOG_MISSING, CHECKPOINT_INVALID, LOG_CORRUPT
 */
export function openProofs(folder: string): Proofs {
  for (let tries = 1; ; tries++) {
    const note = readNote(folder)
    if (note === null) throw new PolicyError('LOG_MISSING', `no checkpoint in ${folder}`)
    try {
      return proofsUnder(folder, note)
    } catch (error) {
      // A running engine replaces partial tiles; its newer checkpoint calls for others.
      if (tries >= TRIES_MAX || readNote(folder) === note) throw error
    }
  }
}

const TRIES_MAX = 4

function proofsUnder(folder: string, note: string): Proofs {
  const checkpoint = parseCheckpoint(note)
  const { size } = checkpoint
  const nodes = remembered(tileNodes(size, tilesOf(folder, size)))
  if (!bytesEqual(treeRoot(size, nodes), checkpoint.root)) {
    throw new PolicyError('LOG_CORRUPT', 'the tiles do not hash to the root of the checkpoint')
  }
  return {
    note,
    checkpoint,
    proofOf: (index, entry) => {
      if (!bytesEqual(nodes(0, index), hashLeaf(entry))) {
        const message = `receipt ${index} of the store is not the one in the log's folder`
        throw new PolicyError('LOG_FORKED', message)
      }
      return formatProof({ index, hashes: inclusionProof(index, size, nodes), checkpoint: note })
    },
  }
}

/** Tiles of a folder: the partial ones at once, of the others those that were used last. */
function tilesOf(folder: string, size: number): TileReader {
  const kept = new Map<string, Uint8Array>()
  const read: TileReader = (tile) => {
    const path = tilePath(tile)
    const bytes = kept.get(path) ?? readIfThere(folder, path)
    if (bytes?.length !== tile.width * HASH_BYTES) {
      const message = `expected ${tile.width} hashes in ${path}`
      throw new PolicyError('LOG_CORRUPT', message, { file: path })
    }
    return bytes
  }
  for (const tile of partialTilesOf(size)) {
    if (tile.kind === 'hashes') kept.set(tilePath(tile), read(tile))
  }
  const partial = kept.size
  return (tile) => {
    const bytes = read(tile)
    const path = tilePath(tile)
    if (tile.width < TILE_WIDTH || kept.has(path)) return bytes
    if (kept.size >= partial + TILES_KEPT) {
      const [, oldest] = [...kept.keys()].slice(partial - 1)
      if (oldest !== undefined) kept.delete(oldest)
    }
    kept.set(path, bytes)
    return bytes
  }
}

const TILES_KEPT = 16 // Of 8 KB: one for each level, and those of a few neighbours.

/** Subtrees are hashed once for the leaves that lie side by side. */
function remembered(nodes: NodeReader): NodeReader {
  const known = new Map<string, Uint8Array>()
  return (level, index) => {
    const key = `${level}/${index}`
    const found = known.get(key)
    if (found !== undefined) return found
    if (known.size >= NODES_KEPT) known.clear()
    const hash = nodes(level, index)
    known.set(key, hash)
    return hash
  }
}

const NODES_KEPT = 8_192
