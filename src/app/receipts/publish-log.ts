import { dirname, join } from 'node:path'
import { bytesEqual, utf8 } from '../../base/digest.ts'
import { PolicyError } from '../../base/errors.ts'
import type { Draft } from '../../host/log-files.ts'
import {
  clearScratch,
  lengthIfThere,
  listFiles,
  placeFiles,
  readIfThere,
  removeFiles,
  writeDrafts,
} from '../../host/log-files.ts'
import { readNote } from '../../host/log-folder.ts'
import type { LogProblem, PublishReport, Witnessed } from '../../model/log-report.ts'
import type { SignedCheckpoint, VerifierKey } from '../../trust/receipt/checkpoint.ts'
import {
  namesKey,
  parseCheckpoint,
  parseSignatureLine,
  parseVerifierKey,
} from '../../trust/receipt/checkpoint.ts'
import { HASH_BYTES } from '../../trust/receipt/merkle.ts'
import { isGenesis, parseReceipt } from '../../trust/receipt/statement.ts'
import type { TileRef } from '../../trust/receipt/tiles.ts'
import {
  decodeBundle,
  parseTilePath,
  TILE_WIDTH,
  tilePath,
  tilesOf,
} from '../../trust/receipt/tiles.ts'
import type { Stretch } from '../../trust/verify/log-growth.ts'
import {
  checkEntries,
  checkGrown,
  checkHashTiles,
  rootOfStretch,
  tilesOfStretch,
} from '../../trust/verify/log-growth.ts'
import { CHECKPOINT_FILE } from '../../trust/verify/log-tiles.ts'
import { verifyCheckpoint, verifyCosignature } from '../../trust/verify/note.ts'
import { trustedWitnesses } from '../../trust/verify/trust.ts'
import { pinnedKeys, verifyPinnedCheckpoint, witnessed } from '../../trust/verify/witness.ts'
import { attestationsToPublish, placeAttestations } from './attest-publish.ts'
import { readBytes, readTrust } from './receipts.ts'

/**
 * Brings a published folder up to the engine's log: new tiles, checked up to the signed root, then the checkpoint, then
 * away with the partial tiles that it supersedes. Each file is there whole or not at all, and other files in the folder
 * are left alone. It never goes back.
 *
 * @param source - the engine's log folder; may be written to meanwhile
 * @param target - made when it is missing
 * @throws {PolicyError} LOG_MISSING; LOG_ROLLED_BACK, LOG_FORKED or LOG_REWRITTEN when what is published is no start of
 *   the log; CHECKPOINT_UNTRUSTED when another key published there; LOG_CORRUPT, LOG_TRUNCATED for the engine's files
 */
export async function publishLogTo(source: string, target: string): Promise<PublishReport> {
  if (join(source) === join(target)) {
    throw new PolicyError('USAGE_INVALID', "expected a folder other than the engine's own log")
  }
  for (let tries = 1; ; tries++) {
    const note = readNote(source)
    if (note === null) throw new PolicyError('LOG_MISSING', `no checkpoint in ${source}`)
    try {
      return await copyLog(source, target, note)
    } catch (error) {
      // The engine replaces partial tiles as it goes on: then its newer checkpoint calls for others.
      if (tries >= TRIES_MAX || readNote(source) === note) throw error
    }
  }
}

const TRIES_MAX = 4

async function copyLog(source: string, target: string, note: string): Promise<PublishReport> {
  const checkpoint = parseCheckpoint(note)
  const key = genesisKey(source, checkpoint)
  verifyCheckpoint(checkpoint, [key])
  const before = readPublished(target, checkpoint, key)
  if (before !== null && before.size >= checkpoint.size) {
    refuseAny(checkGrown(before, checkpoint, () => checkpoint.root))
  }
  const from = isWhole(target, checkpoint, before) ? (before?.size ?? 0) : 0
  const stretch: Stretch = { from, checkpoint }
  const hashes = readHashTiles(source, stretch)
  const isNewer = before === null || before.size < checkpoint.size
  if (before !== null && isNewer) {
    refuseAny(checkGrown(before, checkpoint, rootOfStretch(stretch, hashes)))
  }
  const attestations = attestationsToPublish(source, target, checkpoint)
  const written = await writeTiles({ source, target, stretch, hashes })
  if (isNewer) {
    // Somebody else may have published meanwhile, and theirs may be the newer one.
    const now = readPublished(target, checkpoint, key)
    if (now !== null && now.size >= checkpoint.size) {
      refuseAny(checkGrown(now, checkpoint, () => checkpoint.root))
    } else await placeCheckpoint(target, note)
  }
  const removed = staleFiles(target, checkpoint.size)
  removeFiles(target, removed)
  // Last: an attestation of what is not published yet would look like a log that was rolled back.
  const attested = await placeAttestations(source, target, attestations)
  clearScratch(target)
  const { origin, size } = checkpoint
  return {
    ...{ origin, size, before: before?.size ?? null, written, removed: removed.length },
    ...(attested === 0 ? {} : { attestations: attested }),
  }
}

/** The key that the log names in entry 0. */
function genesisKey(folder: string, { size }: SignedCheckpoint): VerifierKey {
  const tile: TileRef = { kind: 'entries', index: 0, width: Math.min(TILE_WIDTH, size) }
  const bytes = readIfThere(folder, tilePath(tile))
  const [entry] = bytes === null ? [] : decodeBundle(bytes, tile.width)
  const genesis = entry === undefined ? null : parseReceipt(entry)
  if (genesis !== null && isGenesis(genesis)) return parseVerifierKey(genesis.predicate.verifierKey)
  const file = tilePath(tile)
  throw new PolicyError('LOG_CORRUPT', `expected the genesis of the log in ${file}`, { file })
}

/** What is published; its log's own signature holds. */
function readPublished(
  target: string,
  { origin }: SignedCheckpoint,
  key: VerifierKey,
): SignedCheckpoint | null {
  const note = readNote(target)
  if (note === null) return null
  const published = parseCheckpoint(note)
  if (published.origin !== origin) {
    const message = `${target} holds another log, ${published.origin}`
    throw new PolicyError('LOG_FORKED', message, { file: CHECKPOINT_FILE })
  }
  const signatures = published.signatures.filter((line) => namesKey(line, key))
  verifyCheckpoint({ ...published, signatures }, [key])
  return published
}

function readHashTiles(source: string, stretch: Stretch): Map<string, Uint8Array> {
  const files = new Map<string, Uint8Array>()
  for (const tile of tilesOfStretch(stretch).hashes) {
    const bytes = readIfThere(source, tilePath(tile))
    if (bytes !== null) files.set(tilePath(tile), bytes)
  }
  const { problems, isUnderRoot } = checkHashTiles(stretch, files)
  if (isUnderRoot) refuseAny(problems)
  else refuseAny(problems.map((problem) => ({ ...problem, code: 'LOG_CORRUPT' as const })))
  return files
}

type Copy = {
  readonly source: string
  readonly target: string
  readonly stretch: Stretch
  readonly hashes: ReadonlyMap<string, Uint8Array>
}

/** @returns how many files it wrote */
async function writeTiles({ source, target, stretch, hashes }: Copy): Promise<number> {
  let written = 0
  let drafts: Draft[] = []
  const flush = async (): Promise<void> => {
    if (drafts.length === 0) return
    await placeFiles(target, await writeDrafts(target, drafts))
    written += drafts.length
    drafts = []
  }
  const put = async (draft: Draft): Promise<void> => {
    if (isPublished(draft, target)) return
    drafts.push(draft)
    if (drafts.length >= DRAFTS_MAX) await flush()
  }
  for (const tile of tilesOfStretch(stretch).bundles) {
    const path = tilePath(tile)
    const bytes = readIfThere(source, path)
    refuseAny(checkEntries(tile, bytes ?? undefined, hashes))
    if (bytes !== null) await put({ path, bytes })
  }
  for (const [path, bytes] of hashes) await put({ path, bytes })
  await flush()
  return written
}

/** Files written at once: a bundle may have 16 MB. */
const DRAFTS_MAX = 16

function isPublished({ path, bytes }: Draft, target: string): boolean {
  const there = readIfThere(target, path)
  return there !== null && bytesEqual(there, bytes)
}

/** Whether the full tiles that were published before are there; else all of them are looked at again. */
function isWhole(
  target: string,
  { size }: SignedCheckpoint,
  before: SignedCheckpoint | null,
): boolean {
  for (const tile of tilesOf(size)) {
    const span = TILE_WIDTH ** (tile.kind === 'entries' ? 1 : tile.level + 1)
    const isOld = (tile.index + 1) * span <= (before?.size ?? 0)
    if (isOld && !isThere(target, tile)) return false
  }
  return true
}

function isThere(target: string, tile: TileRef): boolean {
  const length = lengthIfThere(target, tilePath(tile))
  return tile.kind === 'hashes' ? length === tile.width * HASH_BYTES : length !== null
}

/** Partial tiles that the checkpoint does not call for. */
function staleFiles(target: string, size: number): string[] {
  if (lengthIfThere(target, 'tile') === null) return []
  const expected = new Set([...tilesOf(size)].map(tilePath))
  return listFiles(join(target, 'tile'))
    .map((path) => `tile/${path}`)
    .filter(
      (path) => !expected.has(path) && (parseTilePath(path)?.width ?? TILE_WIDTH) < TILE_WIDTH,
    )
}

async function placeCheckpoint(folder: string, note: string): Promise<void> {
  const drafts = await writeDrafts(folder, [{ path: CHECKPOINT_FILE, bytes: utf8(note) }])
  await placeFiles(folder, drafts)
}

function refuseAny([problem]: readonly LogProblem[]): void {
  if (problem === undefined) return
  const { code, message, file } = problem
  throw new PolicyError(code, `${file}: ${message}`, { file })
}

/**
 * Adds witnesses' signatures to a published checkpoint. Each must be of a witness that the trust file lists and hold for
 * this checkpoint. A witness that has signed before stands there with its later signature.
 *
 * @param folder - a published log; not the engine's own, which it replaces as it goes on
 * @param files.add - the whole checkpoint as a witness signed it, or only its signature lines
 * @returns all witnesses that have signed now
 * @throws {PolicyError} LOG_MISSING; CHECKPOINT_INVALID when it is of another checkpoint; CHECKPOINT_UNTRUSTED;
 *   SIGNATURE_WRONG; TRUST_INVALID; FILE_UNREADABLE; USAGE_INVALID
 */
export async function addCosignatures(
  folder: string,
  files: { readonly add: string; readonly trust: string },
): Promise<readonly Witnessed[]> {
  if (lengthIfThere(dirname(folder), 'store.sqlite') !== null) {
    const message = "this is the engine's own folder; publish it with `countersign log publish`"
    throw new PolicyError('USAGE_INVALID', message)
  }
  const note = readNote(folder)
  if (note === null) throw new PolicyError('LOG_MISSING', `no checkpoint in ${folder}`)
  const trust = readTrust(files.trust)
  const checkpoint = parseCheckpoint(note)
  verifyPinnedCheckpoint(checkpoint, trust)
  const keys = pinnedKeys(trust, checkpoint.origin)
  const witnesses = trustedWitnesses(trust)

  const lines = new Map<string, { readonly line: string; readonly time: number }>()
  const texts = linesOf(readBytes(files.add), checkpoint)
  for (const line of [...linesOf(utf8(note), checkpoint), ...texts]) {
    const signature = parseSignatureLine(line)
    if (keys.some((key) => namesKey(signature, key))) continue
    const { witness, time } = verifyCosignature(signature, checkpoint.signed, witnesses)
    if (time > (lines.get(witness.name)?.time ?? 0)) lines.set(witness.name, { line, time })
  }
  const own = linesOf(utf8(note), checkpoint).filter((line) =>
    keys.some((key) => namesKey(parseSignatureLine(line), key)),
  )
  const all = [...own, ...[...lines.values()].map(({ line }) => line)]
  const cosigned = `${new TextDecoder().decode(checkpoint.signed)}\n${all.join('\n')}\n`
  const cosignatures = verifyPinnedCheckpoint(parseCheckpoint(cosigned), trust)
  if (readNote(folder) !== note) {
    const message = 'the log was published again meanwhile: have the new checkpoint signed'
    throw new PolicyError('CHECKPOINT_INVALID', message, { file: CHECKPOINT_FILE })
  }
  if (cosigned !== note) await placeCheckpoint(folder, cosigned)
  clearScratch(folder)
  return witnessed(cosignatures)
}

/** The signature lines of a note, or of a file that has nothing else. */
function linesOf(bytes: Uint8Array, { signed }: SignedCheckpoint): string[] {
  if (!bytesEqual(bytes.subarray(0, 4), utf8('\u2014 '))) {
    const other = parseCheckpoint(bytes)
    if (!bytesEqual(other.signed, signed)) {
      const message = `expected signatures of the published checkpoint, found another's of ${other.size} receipts`
      throw new PolicyError('CHECKPOINT_INVALID', message)
    }
    return linesOf(bytes.subarray(signed.length + 1), other)
  }
  const lines = new TextDecoder().decode(bytes).split('\n')
  if (lines.pop() === '' && lines.length > 0) return lines
  throw new PolicyError('CHECKPOINT_INVALID', 'expected signature lines that end in a newline')
}
