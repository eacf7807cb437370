import { bytesEqual } from '../../base/digest.ts'
import { encodeHex } from '../../base/encoding.ts'
import { PROBLEMS_MAX } from '../../base/limits.ts'
import type { LogProblem } from '../../model/log-report.ts'
import type { Checkpoint } from '../receipt/checkpoint.ts'
import type { MerkleTree } from '../receipt/merkle.ts'
import { createTree, HASH_BYTES, hashAt, hashLeaf, treeRoot } from '../receipt/merkle.ts'
import type { TileRef } from '../receipt/tiles.ts'
import { decodeBundle, TILE_WIDTH, tileNodes, tilePath, tilesOf } from '../receipt/tiles.ts'

/** The files of a log by path. */
export type LogFiles = ReadonlyMap<string, Uint8Array>

/** The one file of a log that is no tile. */
export const CHECKPOINT_FILE = 'checkpoint'

/** What stands in the log's entries, once every file has been found to agree with the checkpoint. */
export type LogContents = { readonly entries: readonly Uint8Array[]; readonly tree: MerkleTree }

/**
 * Compares every file with a checkpoint that is known to be the log's. Where files disagree, the one at fault is
 * named: entries and hash tiles are two witnesses, and the signed root says which of them speaks true.
 */
export function checkTiles(
  files: LogFiles,
  checkpoint: Checkpoint,
): { contents: LogContents } | { problems: readonly LogProblem[] } {
  const problems = checkNames(files, checkpoint.size)
  if (problems.length >= PROBLEMS_MAX) return { problems }
  const entries = readEntries(files, checkpoint.size)
  const tree = entries.whole === null ? null : treeOf(entries.whole)
  if (tree !== null && entries.whole !== null && bytesEqual(tree.root(), checkpoint.root)) {
    problems.push(...compareHashes(files, checkpoint.size, tree))
    return problems.length > 0 ? { problems } : { contents: { entries: entries.whole, tree } }
  }
  const found = accuse(files, checkpoint, entries.bundles)
  return { problems: [...problems, ...found].slice(0, PROBLEMS_MAX) }
}

/** Missing and superfluous files, and hash tiles of a wrong length. */
function checkNames(files: LogFiles, size: number): LogProblem[] {
  const problems: LogProblem[] = []
  const expected = new Set([CHECKPOINT_FILE])
  for (const tile of tilesOf(size)) {
    // A hostile checkpoint may call for more files than any disk holds.
    if (problems.length >= PROBLEMS_MAX) return problems
    const file = tilePath(tile)
    expected.add(file)
    const bytes = files.get(file)
    if (bytes === undefined) {
      problems.push({
        code: 'LOG_TRUNCATED',
        file,
        message: 'missing: the checkpoint calls for it',
      })
    } else if (tile.kind === 'hashes' && bytes.length !== tile.width * HASH_BYTES) {
      problems.push({ code: 'LOG_CORRUPT', file, message: `expected ${tile.width} hashes` })
    }
  }
  for (const file of files.keys()) {
    if (expected.has(file)) continue
    problems.push({
      code: 'LOG_CORRUPT',
      file,
      message:
        'the checkpoint does not call for this file; if the log is being published, copy it again, ' +
        'else run `countersign log checkpoint`, which restores it',
    })
  }
  return problems.slice(0, PROBLEMS_MAX)
}

type Bundle = {
  readonly tile: TileRef
  /** null when the file is missing or is no bundle of its width. */
  readonly entries: readonly Uint8Array[] | null
}

function readEntries(
  files: LogFiles,
  size: number,
): { bundles: readonly Bundle[]; whole: readonly Uint8Array[] | null } {
  const bundles: Bundle[] = []
  for (const tile of tilesOf(size)) {
    if (tile.kind !== 'entries') break
    bundles.push({ tile, entries: tryDecode(files.get(tilePath(tile)), tile.width) })
  }
  const readable = bundles.flatMap(({ entries }) => (entries === null ? [] : [entries]))
  return { bundles, whole: readable.length === bundles.length ? readable.flat() : null }
}

function tryDecode(bytes: Uint8Array | undefined, width: number): Uint8Array[] | null {
  if (bytes === undefined) return null
  try {
    return decodeBundle(bytes, width)
  } catch {
    // Named as a problem by the caller, which knows the file.
    return null
  }
}

function treeOf(entries: readonly Uint8Array[]): MerkleTree {
  const tree = createTree()
  for (const entry of entries) tree.append(hashLeaf(entry))
  return tree
}

/** Hash tiles that differ from the tree of the entries, whose root is the signed one. */
function compareHashes(files: LogFiles, size: number, tree: MerkleTree): LogProblem[] {
  const problems: LogProblem[] = []
  for (const tile of tilesOf(size)) {
    if (tile.kind !== 'hashes') continue
    const file = tilePath(tile)
    const bytes = files.get(file)
    // A missing tile has been named before.
    if (bytes === undefined || bytes.length !== tile.width * HASH_BYTES) continue
    for (let at = 0; at < tile.width; at++) {
      const node = tree.node(8 * tile.level, tile.index * TILE_WIDTH + at)
      if (bytesEqual(hashAt(bytes, at), node)) continue
      problems.push({ code: 'LOG_CORRUPT', file, message: `hash ${at} is not that of its entries` })
      break
    }
  }
  return problems
}

/** The entries do not hash to the root. Says which files are to blame. */
function accuse(files: LogFiles, checkpoint: Checkpoint, bundles: readonly Bundle[]): LogProblem[] {
  const problems: LogProblem[] = []
  const tilesSpeakTrue = tilesHold(files, checkpoint)
  for (const { tile, entries } of bundles) {
    const file = tilePath(tile)
    if (entries === null) {
      if (!files.has(file)) continue
      problems.push({ code: 'LOG_CORRUPT', file, message: `expected ${tile.width} entries` })
      continue
    }
    const hashTile: TileRef = { ...tile, kind: 'hashes', level: 0 }
    const hashes = files.get(tilePath(hashTile))
    if (hashes?.length !== tile.width * HASH_BYTES) continue
    const [problem] = compareEntries(tile, entries, hashes)
    if (problem === undefined) continue
    problems.push(problem)
    if (!tilesSpeakTrue) problems.push({ ...problem, file: tilePath(hashTile) })
  }
  // A bundle that is not there has been named before.
  if (problems.length > 0 || bundles.some(({ entries }) => entries === null)) return problems
  return [
    {
      code: 'LOG_FORKED',
      file: CHECKPOINT_FILE,
      message:
        'the entries do not hash to the root that the checkpoint signs: another log, or altered',
    },
  ]
}

/**
 * Compares a bundle of entries with the hashes that its tile gives.
 *
 * @param bytes - undefined when the file is missing
 */
export function checkBundle(
  tile: TileRef,
  bytes: Uint8Array | undefined,
  hashes: Uint8Array,
): LogProblem[] {
  const file = tilePath(tile)
  if (bytes === undefined) {
    return [{ code: 'LOG_TRUNCATED', file, message: 'missing: the checkpoint calls for it' }]
  }
  const entries = tryDecode(bytes, tile.width)
  if (entries !== null) return compareEntries(tile, entries, hashes)
  return [{ code: 'LOG_CORRUPT', file, message: `expected ${tile.width} entries` }]
}

/** The first entry that does not have its hash, and whether the same entries stand there in another order. */
function compareEntries(
  tile: TileRef,
  entries: readonly Uint8Array[],
  hashes: Uint8Array,
): LogProblem[] {
  const found = entries.map((entry) => encodeHex(hashLeaf(entry)))
  const expected = entries.map((_, i) => encodeHex(hashAt(hashes, i)))
  const at = found.findIndex((hash, i) => hash !== expected[i])
  if (at < 0) return []
  const file = tilePath(tile)
  const entry = `entry ${tile.index * TILE_WIDTH + at}`
  if (found.sort().join() === expected.sort().join()) {
    const message = `reordered: from ${entry} on, the entries have the hashes of others in this tile`
    return [{ code: 'LOG_REORDERED', file, message }]
  }
  const message = `${entry} does not have the hash that its tile gives`
  return [{ code: 'LOG_CORRUPT', file, message }]
}

/** Whether the level-0 tiles alone hash to the signed root. */
function tilesHold(files: LogFiles, { size, root }: Checkpoint): boolean {
  const leaves = createTree()
  const read = (tile: TileRef) => files.get(tilePath(tile)) ?? new Uint8Array()
  const leaf = tileNodes(size, read)
  try {
    for (let i = 0; i < size; i++) leaves.append(leaf(0, i))
    return bytesEqual(treeRoot(size, leaves.node), root)
  } catch {
    // A tile that is missing or cut short vouches for nothing.
    return false
  }
}
