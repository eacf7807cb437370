import { bytesEqual } from '../../base/digest.ts'
import { LOG_FILES_MAX, PROBLEMS_MAX } from '../../base/limits.ts'
import type { LogProblem } from '../../model/log-report.ts'
import type { Checkpoint } from '../receipt/checkpoint.ts'
import { openEdge } from '../receipt/edge.ts'
import { HASH_BYTES, treeRoot } from '../receipt/merkle.ts'
import type { TileReader, TileRef } from '../receipt/tiles.ts'
import {
  foldHashes,
  growth,
  partialTilesOf,
  TILE_WIDTH,
  tileNodes,
  tilePath,
} from '../receipt/tiles.ts'
import type { LogFiles } from './log-tiles.ts'
import { CHECKPOINT_FILE, checkBundle } from './log-tiles.ts'

/**
 * What must hold between two checkpoints of one log, both signed by its key: the later one covers all that the earlier
 * one did.
 *
 * @param rootAt - the root over the first entries of the later log
 */
export function checkGrown(
  earlier: Checkpoint,
  now: Checkpoint,
  rootAt: (size: number) => Uint8Array,
): LogProblem[] {
  const file = CHECKPOINT_FILE
  if (earlier.size > now.size) {
    const message = `rolled back: ${earlier.size} receipts before, ${now.size} now`
    return [{ code: 'LOG_ROLLED_BACK', file, message }]
  }
  if (earlier.size === now.size) {
    if (bytesEqual(earlier.root, now.root)) return []
    const message = `forked: two checkpoints over ${now.size} receipts have different roots`
    return [{ code: 'LOG_FORKED', file, message }]
  }
  if (bytesEqual(rootAt(earlier.size), earlier.root)) return []
  const message = `rewritten: the first ${earlier.size} receipts are not those of the earlier checkpoint`
  return [{ code: 'LOG_REWRITTEN', file, message }]
}

/** A stretch of a log: the entries from `from` on, under a checkpoint whose signature holds. */
export type Stretch = { readonly from: number; readonly checkpoint: Checkpoint }

type HashTileRef = TileRef & { readonly kind: 'hashes' }

/** The hash tiles that vouch for a stretch, and the bundles that hold its entries. */
export function tilesOfStretch({ from, checkpoint: { size } }: Stretch): {
  readonly hashes: readonly HashTileRef[]
  readonly bundles: readonly TileRef[]
} {
  const tiles = new Map<string, TileRef>()
  for (const tile of [...growth(from, size).written, ...partialTilesOf(size)]) {
    tiles.set(tilePath(tile), tile)
  }
  const all = [...tiles.values()]
  return {
    hashes: all.flatMap((tile) => (tile.kind === 'hashes' ? [tile] : [])),
    bundles: all.filter(({ kind }) => kind === 'entries'),
  }
}

/** Whether a stretch has more files than are looked at at once. */
export function isTooLong({ from, checkpoint: { size } }: Stretch): boolean {
  return (size - from) / TILE_WIDTH > LOG_FILES_MAX / 4
}

/** What the check of a stretch's hash tiles found. */
export type TilesCheck = {
  readonly problems: readonly LogProblem[]
  /** False when the last tiles do not hash to the root: then only the whole log tells which file is at fault. */
  readonly isUnderRoot: boolean
}

/**
 * Checks hash tiles from the signed root down: the partial ones hash to the root, each full one to its place in the
 * tile above. So a replaced tile is named itself, and those below it are left alone.
 *
 * @param files - those of {@link tilesOfStretch}, as far as they are there
 */
export function checkHashTiles(stretch: Stretch, files: LogFiles): TilesCheck {
  const { size, root } = stretch.checkpoint
  const { hashes } = tilesOfStretch(stretch)
  const missing = hashes.flatMap((tile) => checkLength(tile, files)).slice(0, PROBLEMS_MAX)
  if (missing.length > 0) return { problems: missing, isUnderRoot: true }
  const read = readerOf(files)
  if (!bytesEqual(openEdge(size, read).root(), root)) {
    const message = 'the last tiles do not hash to the root that the checkpoint signs'
    const problems: LogProblem[] = [{ code: 'LOG_FORKED', file: CHECKPOINT_FILE, message }]
    return { problems, isUnderRoot: false }
  }
  const node = tileNodes(size, read)
  const problems: LogProblem[] = []
  const bad = new Set<string>()
  const full = hashes.filter(({ width }) => width === TILE_WIDTH)
  for (const tile of full.sort((a, b) => b.level - a.level)) {
    const file = tilePath(tile)
    const above = `${tile.level + 1}/${Math.floor(tile.index / TILE_WIDTH)}`
    const stated = node(8 * (tile.level + 1), tile.index)
    // What stands in a replaced tile vouches for nothing below it.
    if (bad.has(above)) bad.add(`${tile.level}/${tile.index}`)
    if (bad.has(above) || bytesEqual(foldHashes(read(tile)), stated)) continue
    bad.add(`${tile.level}/${tile.index}`)
    if (problems.length >= PROBLEMS_MAX) break
    const message = 'replaced: its hashes are not those that the tile above it commits to'
    problems.push({ code: 'LOG_CORRUPT', file, message })
  }
  return { problems, isUnderRoot: true }
}

/**
 * Checks one bundle of entries against its hash tile, which is known to be the log's.
 *
 * @param bytes - undefined when the file is missing
 * @param files - with the hash tile
 */
export function checkEntries(
  tile: TileRef,
  bytes: Uint8Array | undefined,
  files: LogFiles,
): LogProblem[] {
  return checkBundle(tile, bytes, readerOf(files)({ ...tile, kind: 'hashes', level: 0 }))
}

/** The root over the first `size` entries, out of the tiles of a stretch that begins there or before. */
export function rootOfStretch(stretch: Stretch, files: LogFiles): (size: number) => Uint8Array {
  return (size) => treeRoot(size, tileNodes(stretch.checkpoint.size, readerOf(files)))
}

function checkLength(tile: HashTileRef, files: LogFiles): LogProblem[] {
  const file = tilePath(tile)
  const bytes = files.get(file)
  if (bytes === undefined) {
    const message = 'missing: the checkpoint calls for it'
    return [{ code: 'LOG_TRUNCATED', file, message }]
  }
  if (bytes.length === tile.width * HASH_BYTES) return []
  return [{ code: 'LOG_CORRUPT', file, message: `expected ${tile.width} hashes` }]
}

/** Reads tiles whose lengths have been checked; what is not there is empty. */
function readerOf(files: LogFiles): TileReader {
  return (tile) => files.get(tilePath(tile)) ?? new Uint8Array()
}
