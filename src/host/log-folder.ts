import { bytesEqual, fromUtf8 } from '../base/digest.ts'
import { PolicyError } from '../base/errors.ts'
import type { LogSigner } from '../model/ports.ts'
import type { Checkpoint, SignedCheckpoint } from '../trust/receipt/checkpoint.ts'
import { parseCheckpoint, signCheckpoint } from '../trust/receipt/checkpoint.ts'
import type { HashTile, TreeEdge } from '../trust/receipt/edge.ts'
import { openEdge } from '../trust/receipt/edge.ts'
import { HASH_BYTES, hashAt, hashLeaf, inclusionProof } from '../trust/receipt/merkle.ts'
import { formatProof } from '../trust/receipt/proof.ts'
import type { TileReader } from '../trust/receipt/tiles.ts'
import {
  encodeBundle,
  growth,
  parseTilePath,
  TILE_WIDTH,
  tileNodes,
  tilePath,
  tilesOf,
} from '../trust/receipt/tiles.ts'
import type { Draft } from './log-files.ts'
import {
  clearScratch,
  lengthIfThere,
  listFiles,
  placeFiles,
  readIfThere,
  removeFiles,
  writeDrafts,
} from './log-files.ts'

/** The receipts that the log is made of; a Store is one. */
export type ReceiptSource = {
  /** Receipts in log order from `from`, at most `limit`. */
  receipts(from: number, limit: number): Promise<readonly Uint8Array[]>
  size(): Promise<number>
}

export type LogPlace = {
  /** Holds `checkpoint` and `tile/...`, nothing else. Drafts go to a folder of this name with `.tmp` added. */
  readonly folder: string
  readonly store: ReceiptSource
  readonly signer: LogSigner
}

/** A log's state after publishing. `note` is the signed checkpoint; null while no receipt exists. */
export type PublishedLog = { readonly size: number; readonly note: string | null }

/**
 * Brings the folder up to the store: the missing tiles, then the checkpoint, then away with the partial tiles that
 * it supersedes. Calling it again changes nothing; a crash leaves a folder that `repairLog` brings to the older or
 * the newer checkpoint. The caller keeps other processes out meanwhile.
 *
 * @throws {PolicyError} LOG_FORKED when the folder's log is not the start of the store's; LOG_CORRUPT naming the
 *   file; CHECKPOINT_INVALID; CHECKPOINT_UNTRUSTED when another key signed the folder's checkpoint; STORE_FAILED
 *   (retryable) when the disk takes no more
 */
export async function publishLog(place: LogPlace): Promise<PublishedLog> {
  try {
    return await publish(place)
  } catch (cause) {
    if (cause instanceof PolicyError) throw cause
    const { code = 'no code' } = cause as NodeJS.ErrnoException
    const message = `cannot write the log (${code}); what was decided is kept, and goes there once it can`
    throw new PolicyError('STORE_FAILED', message, { cause, file: place.folder, retryable: true })
  }
}

async function publish({ folder, store, signer }: LogPlace): Promise<PublishedLog> {
  const head = readHead(folder, signer)
  const size = await store.size()
  if (size < head.size) throw forked(`the folder has ${head.size} receipts, the store ${size}`)
  const edge = openEdge(head.size, tilesIn(folder))
  if (head.checkpoint !== null && !bytesEqual(edge.root(), head.checkpoint.root)) {
    throw new PolicyError('LOG_CORRUPT', "the log's last tiles do not hash to its checkpoint", {
      file: edge
        .partials()
        .map(({ tile }) => tilePath(tile))
        .join(' '),
    })
  }
  const bundle = await checkTail(head.size, edge, folder, store)
  if (size === head.size) return { size, note: head.note }

  const { partials } = await grow({ folder, store, edge, bundle, from: head.size, to: size })
  const note = signCheckpoint({ origin: signer.origin, size, root: edge.root() }, signer)
  const drafts = [...partials, ...edge.partials().filter(isNew(head.size, size)).map(draftOf)]
  const written = await writeDrafts(folder, [
    ...drafts,
    { path: CHECKPOINT, bytes: new TextEncoder().encode(note) },
  ])
  // INVARIANT: every tile that a checkpoint calls for has its durable name before the checkpoint has.
  await placeFiles(folder, written.slice(0, -1))
  await placeFiles(folder, written.slice(-1))
  removeFiles(folder, growth(head.size, size).superseded.map(tilePath))
  return { size, note }
}

/**
 * Restores the exact folder of its checkpoint after a crash: removes drafts, superseded tiles and tiles beyond the
 * checkpoint; writes called-for tiles that are missing or cut short again, from the store. Looks at names and
 * lengths, not at contents: verifying does.
 *
 * @returns the paths removed and the paths written again, sorted
 * @throws {PolicyError} LOG_CORRUPT for a file that is no log's; LOG_FORKED when the store cannot restore it
 */
export async function repairLog({
  folder,
  store,
  signer,
}: LogPlace): Promise<{ removed: readonly string[]; restored: readonly string[] }> {
  clearScratch(folder)
  const head = readHead(folder, signer)
  const expected = new Set([...tilesOf(head.size)].map(tilePath))
  const stray = (lengthIfThere(folder, '') === null ? [] : listFiles(folder)).filter(
    (path) => !expected.has(path) && path !== CHECKPOINT,
  )
  const foreign = stray.find((path) => parseTilePath(path) === null)
  if (foreign !== undefined) {
    throw new PolicyError('LOG_CORRUPT', `${foreign} is no part of a log; move it away`, {
      file: foreign,
    })
  }
  const damaged = [...tilesOf(head.size)].filter((tile) => {
    const length = lengthIfThere(folder, tilePath(tile))
    if (tile.kind === 'hashes') return length !== tile.width * HASH_BYTES
    return length === null || length < 2 * tile.width
  })
  const restored = damaged.map(tilePath).sort()
  if (head.checkpoint !== null && restored.length > 0) {
    await restore({ folder, store }, head.checkpoint, new Set(restored))
  }
  removeFiles(folder, stray)
  clearScratch(folder)
  return { removed: stray, restored }
}

/**
 * The proof (c2sp.org/tlog-proof) that the receipt at `index` is in the folder's log.
 *
 * @throws {PolicyError} LOG_MISSING, RECEIPT_UNKNOWN when the checkpoint does not cover it, LOG_CORRUPT
 */
export function readProof(folder: string, index: number): string {
  const note = readNote(folder)
  if (note === null) throw new PolicyError('LOG_MISSING', `no checkpoint in ${folder}`)
  const { size } = parseCheckpoint(note)
  if (!Number.isSafeInteger(index) || index < 0 || index >= size) {
    throw new PolicyError('RECEIPT_UNKNOWN', `expected an index below ${size}, found ${index}`)
  }
  const hashes = inclusionProof(index, size, tileNodes(size, tilesIn(folder)))
  return formatProof({ index, hashes, checkpoint: note })
}

/** The folder's signed checkpoint; null when nothing has been published. */
export function readNote(folder: string): string | null {
  const bytes = readIfThere(folder, CHECKPOINT)
  if (bytes === null) return null
  try {
    return fromUtf8(bytes)
  } catch (cause) {
    throw new PolicyError('CHECKPOINT_INVALID', 'the checkpoint is no UTF-8', {
      cause,
      file: CHECKPOINT,
    })
  }
}

/**
 * Every file of a log by its path, as an auditor's check wants them.
 *
 * @throws {PolicyError} LOG_MISSING; LOG_CORRUPT for a symbolic link and the like; FILE_UNREADABLE
 */
export function readLogFiles(folder: string): ReadonlyMap<string, Uint8Array> {
  if (lengthIfThere(folder, '') === null) {
    throw new PolicyError('LOG_MISSING', `no log in ${folder}`)
  }
  const files = new Map<string, Uint8Array>()
  for (const path of listFiles(folder)) {
    const bytes = readIfThere(folder, path)
    if (bytes !== null) files.set(path, bytes)
  }
  return files
}

const CHECKPOINT = 'checkpoint'

type Head = {
  readonly size: number
  readonly note: string | null
  readonly checkpoint: Checkpoint | null
}

function readHead(folder: string, signer: LogSigner): Head {
  const note = readNote(folder)
  if (note === null) return { size: 0, note, checkpoint: null }
  const checkpoint = parseCheckpoint(note)
  if (!isOurs(checkpoint, note, signer)) {
    throw new PolicyError(
      'CHECKPOINT_UNTRUSTED',
      `the folder's checkpoint was not signed by the key of ${signer.origin}`,
      { file: CHECKPOINT },
    )
  }
  return { size: checkpoint.size, note, checkpoint }
}

/** Ed25519 is deterministic (RFC 8032): the signer would write the same note again. */
function isOurs(checkpoint: SignedCheckpoint, note: string, signer: LogSigner): boolean {
  return checkpoint.origin === signer.origin && signCheckpoint(checkpoint, signer) === note
}

function tilesIn(folder: string): TileReader {
  const cache = new Map<string, Uint8Array>()
  return (tile) => {
    const path = tilePath(tile)
    const bytes = cache.get(path) ?? readIfThere(folder, path)
    if (bytes?.length !== tile.width * HASH_BYTES) {
      throw new PolicyError('LOG_CORRUPT', `expected ${tile.width} hashes in ${path}`, {
        file: path,
      })
    }
    cache.set(path, bytes)
    return bytes
  }
}

/**
 * Compares the log's last bundle with the store. A store that went another way differs from there on: no two
 * receipts are alike.
 *
 * @returns the receipts of the bundle that is still growing
 */
async function checkTail(
  size: number,
  edge: TreeEdge,
  folder: string,
  store: ReceiptSource,
): Promise<readonly Uint8Array[]> {
  if (size === 0) return []
  const width = size % TILE_WIDTH || TILE_WIDTH
  const index = Math.ceil(size / TILE_WIDTH) - 1
  const [row] = edge.partials()
  const hashes =
    row?.tile.level === 0 ? row.bytes : tilesIn(folder)({ kind: 'hashes', level: 0, index, width })
  const receipts = await readRange(store, size - width, size)
  if (receipts.some((receipt, at) => !bytesEqual(hashLeaf(receipt), hashAt(hashes, at)))) {
    throw forked("the folder's last receipts are not the store's")
  }
  return width === TILE_WIDTH ? [] : receipts
}

type Growth = {
  readonly folder: string
  readonly store: ReceiptSource
  readonly edge: TreeEdge
  /** The receipts of the last, unfinished bundle. */
  readonly bundle: readonly Uint8Array[]
  readonly from: number
  readonly to: number
}

/** Appends what is new; full tiles are placed on the way, the last, partial bundle is returned. */
async function grow({
  folder,
  store,
  edge,
  bundle,
  from,
  to,
}: Growth): Promise<{ partials: Draft[] }> {
  let rest = [...bundle]
  let full: Draft[] = []
  for (let at = from; at < to; ) {
    const end = Math.min(to, at - (at % TILE_WIDTH) + TILE_WIDTH)
    const receipts = await readRange(store, at, end)
    for (const receipt of receipts) full.push(...edge.append(hashLeaf(receipt)).map(draftOf))
    rest.push(...receipts)
    if (end % TILE_WIDTH === 0) {
      full.push(bundleDraft(end / TILE_WIDTH - 1, rest))
      rest = []
    }
    if (full.length >= DRAFTS_MAX) {
      await placeFiles(folder, await writeDrafts(folder, full))
      full = []
    }
    at = end
  }
  if (rest.length > 0) full.push(bundleDraft(Math.floor(to / TILE_WIDTH), rest))
  return { partials: full }
}

/** Files written at once: bounds memory while a large store is published for the first time. */
const DRAFTS_MAX = 64

function bundleDraft(index: number, entries: readonly Uint8Array[]): Draft {
  const path = tilePath({ kind: 'entries', index, width: entries.length })
  return { path, bytes: encodeBundle(entries) }
}

function draftOf({ tile, bytes }: HashTile): Draft {
  return { path: tilePath(tile), bytes }
}

/** A partial tile that the growth did not reach is in its place already. */
function isNew(from: number, to: number): (tile: HashTile) => boolean {
  const written = new Set(growth(from, to).written.map(tilePath))
  return ({ tile }) => written.has(tilePath(tile))
}

/** Builds the whole log again and places those files that are asked for. */
async function restore(
  { folder, store }: Pick<LogPlace, 'folder' | 'store'>,
  { size, root }: Checkpoint,
  paths: ReadonlySet<string>,
): Promise<void> {
  if ((await store.size()) < size) throw forked('the store has fewer receipts than the folder')
  const edge = openEdge(0, () => new Uint8Array())
  const drafts: Draft[] = []
  for (let at = 0; at < size; at += TILE_WIDTH) {
    const receipts = await readRange(store, at, Math.min(size, at + TILE_WIDTH))
    for (const receipt of receipts)
      drafts.push(...pick(edge.append(hashLeaf(receipt)).map(draftOf)))
    drafts.push(...pick([bundleDraft(at / TILE_WIDTH, receipts)]))
  }
  drafts.push(...pick(edge.partials().map(draftOf)))
  if (!bytesEqual(edge.root(), root)) throw forked("the store's receipts do not hash to the root")
  for (let at = 0; at < drafts.length; at += DRAFTS_MAX) {
    await placeFiles(folder, await writeDrafts(folder, drafts.slice(at, at + DRAFTS_MAX)))
  }

  function pick(candidates: readonly Draft[]): Draft[] {
    return candidates.filter(({ path }) => paths.has(path))
  }
}

async function readRange(store: ReceiptSource, from: number, to: number): Promise<Uint8Array[]> {
  const receipts: Uint8Array[] = []
  while (receipts.length < to - from) {
    const more = await store.receipts(from + receipts.length, to - from - receipts.length)
    if (more.length === 0) {
      throw new PolicyError('STORE_FAILED', `the store gives no receipt ${from + receipts.length}`)
    }
    receipts.push(...more)
  }
  return receipts
}

function forked(found: string): PolicyError {
  return new PolicyError(
    'LOG_FORKED',
    `the log in the folder is not the start of the store's: ${found}; restore the one that is behind`,
  )
}
