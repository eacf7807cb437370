import { basename, dirname, resolve } from 'node:path'
import { bytesEqual, fromUtf8 } from '../../base/digest.ts'
import { PolicyError } from '../../base/errors.ts'
import { CHECKPOINT_LENGTH_MAX, LOG_ENTRY_BYTES_MAX, PROBLEMS_MAX } from '../../base/limits.ts'
import { writeAtomically } from '../../host/files.ts'
import { readIfThere } from '../../host/log-files.ts'
import type { LogReader } from '../../host/log-reader.ts'
import { isAddress, openLogReader } from '../../host/log-reader.ts'
import type { Trust } from '../../model/generated/types.ts'
import type { LogProblem, MonitorReport } from '../../model/log-report.ts'
import type { SignedCheckpoint } from '../../trust/receipt/checkpoint.ts'
import { parseCheckpoint } from '../../trust/receipt/checkpoint.ts'
import { HASH_BYTES } from '../../trust/receipt/merkle.ts'
import type { TileRef } from '../../trust/receipt/tiles.ts'
import { TILE_WIDTH, tilePath, tilesOf } from '../../trust/receipt/tiles.ts'
import type { Stretch } from '../../trust/verify/log-growth.ts'
import {
  checkEntries,
  checkGrown,
  checkHashTiles,
  isTooLong,
  rootOfStretch,
  tilesOfStretch,
} from '../../trust/verify/log-growth.ts'
import { CHECKPOINT_FILE, checkTiles } from '../../trust/verify/log-tiles.ts'
import type { Cosignature } from '../../trust/verify/note.ts'
import {
  verifyPinnedCheckpoint,
  verifyTrustedCheckpoint,
  witnessed,
} from '../../trust/verify/witness.ts'
import { readTrust } from './receipts.ts'

/** A published log by its address, or its folder from the working directory. @throws {PolicyError} USAGE_INVALID */
export function openPublishedLog(place: string, cwd: string): LogReader {
  return openLogReader(isAddress(place) ? place : resolve(cwd, place))
}

export type FollowOptions = {
  readonly trust: Trust
  /** The checkpoint of the last look, signatures included; null at the first look. */
  readonly seen: string | null
  /** Look at every file again, not only at what is new. */
  readonly all: boolean
}

/** A look, and the checkpoint to remember; null with an alarm. */
export type LogLook = { readonly report: MonitorReport; readonly note: string | null }

/**
 * Looks at a published log: the checkpoint's signatures, that it grew out of the one seen last, and that each new entry
 * has the hash that the tiles give, up to the signed root.
 *
 * @throws {PolicyError} LOG_UNREACHABLE (retryable), FILE_UNREADABLE; TRUST_INVALID; CHECKPOINT_INVALID,
 *   CHECKPOINT_UNTRUSTED or SIGNATURE_WRONG for what was remembered. What is wrong with the log is in the report.
 */
export async function lookAtLog(reader: LogReader, options: FollowOptions): Promise<LogLook> {
  const earlier = options.seen === null ? null : readSeen(options.seen, options.trust)
  const shown: Opened[] = []
  for (let tries = 1; ; tries++) {
    const bytes = await readCheckpoint(reader)
    const look = await check(reader, bytes, { ...options, earlier, shown })
    if (tries >= TRIES_MAX || !look.report.problems.some(isOfARace)) return look
    // A log that is published meanwhile replaces its partial tiles: then the newer checkpoint tells. What was signed
    // before must be the start of that too, so that no other history is shown for a moment only.
    const again = await readCheckpoint(reader)
    if (bytes === null || again === null || bytesEqual(bytes, again)) return look
    const opened = openCheckpoint(bytes, options.trust, earlier)
    if (!('code' in opened)) shown.push(opened)
  }
}

/** The checkpoint; when it is longer than one may be, something that is refused for its length. */
async function readCheckpoint(reader: LogReader): Promise<Uint8Array | null> {
  try {
    return await reader.read(CHECKPOINT_FILE, CHECKPOINT_LENGTH_MAX)
  } catch (error) {
    if (!(error instanceof PolicyError) || error.code !== 'LOG_CORRUPT') throw error
    return new Uint8Array(CHECKPOINT_LENGTH_MAX + 1)
  }
}

function isOfARace({ code }: LogProblem): boolean {
  return code === 'LOG_TRUNCATED'
}

/**
 * One look, remembered: the state file holds the last checkpoint that was good, as the log signed it, so that it serves
 * `--since` too. After an alarm it stays as it was.
 *
 * @param files - absolute paths; `state` need not exist
 * @throws {PolicyError} as {@link lookAtLog}; UTF8_INVALID
 */
export async function followLog(
  reader: LogReader,
  files: { readonly trust: string; readonly state: string },
  { all }: Pick<FollowOptions, 'all'>,
): Promise<MonitorReport> {
  const bytes = readIfThere(dirname(files.state), basename(files.state))
  const seen = bytes === null ? null : fromUtf8(bytes)
  const { report, note } = await lookAtLog(reader, { trust: readTrust(files.trust), seen, all })
  if (note !== null && note !== seen) await writeAtomically(files.state, note)
  return report
}

const TRIES_MAX = 4

function readSeen(note: string, trust: Trust): SignedCheckpoint {
  const earlier = parseCheckpoint(note)
  verifyPinnedCheckpoint(earlier, trust)
  return earlier
}

type Check = FollowOptions & {
  readonly earlier: SignedCheckpoint | null
  /** What the log has shown in this look before, signed. */
  readonly shown: readonly Opened[]
}

async function check(
  reader: LogReader,
  bytes: Uint8Array | null,
  options: Check,
): Promise<LogLook> {
  const { earlier, seen, shown, trust } = options
  const kept = [...(seen === null ? [] : [seen]), ...shown.map(({ note }) => note)]
  const opened = openCheckpoint(bytes, trust, earlier)
  if ('code' in opened) {
    const isNote = bytes !== null && bytes.length <= CHECKPOINT_LENGTH_MAX
    const found = isNote ? [new TextDecoder().decode(bytes)] : []
    return alarm(null, earlier, [opened], [...kept, ...found])
  }
  const { checkpoint, note, cosignatures } = opened
  const problems = await blamed(() => checkFiles(reader, checkpoint, options))
  if (problems.length > 0) return alarm(checkpoint, earlier, problems, [...kept, note])
  const { origin, size } = checkpoint
  const report: MonitorReport = {
    ...{ status: 'consistent', origin, size, before: earlier?.size ?? null },
    ...{ witnesses: witnessed(cosignatures), problems: [], evidence: [] },
  }
  return { report, note }
}

/** That a file has more bytes than it may have is found while reading, and is the log's fault. */
async function blamed(look: () => Promise<LogProblem[]>): Promise<LogProblem[]> {
  try {
    return await look()
  } catch (error) {
    if (!(error instanceof PolicyError) || error.code !== 'LOG_CORRUPT') throw error
    return [{ code: error.code, file: error.file ?? '', message: error.message }]
  }
}

type Opened = {
  readonly checkpoint: SignedCheckpoint
  readonly note: string
  readonly cosignatures: readonly Cosignature[]
}

function openCheckpoint(
  bytes: Uint8Array | null,
  trust: Trust,
  earlier: SignedCheckpoint | null,
): Opened | LogProblem {
  const file = CHECKPOINT_FILE
  if (bytes === null) return { code: 'LOG_MISSING', file, message: 'no checkpoint' }
  try {
    const checkpoint = parseCheckpoint(bytes)
    const { origin, size } = checkpoint
    if (earlier !== null && origin !== earlier.origin) {
      const message = `another log: ${origin}, at the last look ${earlier.origin}`
      return { code: 'CHECKPOINT_INVALID', file, message }
    }
    const cosignatures = verifyTrustedCheckpoint(checkpoint, trust)
    if (size > 0) return { checkpoint, note: fromUtf8(bytes), cosignatures }
    return { code: 'LOG_TRUNCATED', file, message: 'expected a genesis entry at least' }
  } catch (error) {
    if (!(error instanceof PolicyError) || error.code === 'TRUST_INVALID') throw error
    return { code: error.code, file, message: error.message }
  }
}

async function checkFiles(
  reader: LogReader,
  checkpoint: SignedCheckpoint,
  { earlier, shown, all }: Check,
): Promise<LogProblem[]> {
  const before = [...(earlier === null ? [] : [earlier]), ...shown.map((one) => one.checkpoint)]
  const [backward] = before
    .filter(({ size }) => size >= checkpoint.size)
    .flatMap((one) => checkGrown(one, checkpoint, () => checkpoint.root))
  if (backward !== undefined) return [backward]
  if (earlier?.size === checkpoint.size && !all) return []
  const stretch: Stretch = { from: all ? 0 : (earlier?.size ?? 0), checkpoint }
  if (isTooLong(stretch)) {
    const message = `${checkpoint.size - stretch.from} new receipts are more than one look takes`
    return [{ code: 'LOG_CORRUPT', file: CHECKPOINT_FILE, message }]
  }
  const { hashes, bundles } = tilesOfStretch(stretch)
  const files = await fetchTiles(reader, hashes)
  const tiles = checkHashTiles(stretch, files)
  if (!tiles.isUnderRoot) return blame(reader, checkpoint, tiles.problems)
  if (tiles.problems.length > 0) return [...tiles.problems]
  const problems: LogProblem[] = []
  for (const one of before.filter(({ size }) => size < checkpoint.size)) {
    problems.push(...checkGrown(one, checkpoint, rootOfStretch(stretch, files)))
  }
  for (let at = 0; at < bundles.length && problems.length < PROBLEMS_MAX; at += BUNDLES_AT_ONCE) {
    const some = bundles.slice(at, at + BUNDLES_AT_ONCE)
    const entries = await fetchTiles(reader, some)
    const found = some.flatMap((tile) => checkEntries(tile, entries.get(tilePath(tile)), files))
    problems.push(...found)
  }
  return problems.slice(0, PROBLEMS_MAX)
}

/** The tiles do not lead to the signed root: only all files together tell which one is at fault. */
async function blame(
  reader: LogReader,
  checkpoint: SignedCheckpoint,
  problems: readonly LogProblem[],
): Promise<LogProblem[]> {
  if (checkpoint.size > BLAME_RECEIPTS_MAX) return [...problems]
  const found = checkTiles(await fetchTiles(reader, [...tilesOf(checkpoint.size)]), checkpoint)
  return 'problems' in found ? [...found.problems] : [...problems]
}

/** Receipts that are read at once to find the file at fault; of a longer log only the alarm is told. */
const BLAME_RECEIPTS_MAX = 262_144

/** A bundle may have 16 MB. */
const BUNDLES_AT_ONCE = 8
const TILES_AT_ONCE = 16

async function fetchTiles(
  reader: LogReader,
  tiles: readonly TileRef[],
): Promise<Map<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>()
  for (let at = 0; at < tiles.length; at += TILES_AT_ONCE) {
    const some = tiles.slice(at, at + TILES_AT_ONCE)
    await Promise.all(
      some.map(async (tile) => {
        const path = tilePath(tile)
        const bytes = await reader.read(path, tileBytesMax(tile))
        if (bytes !== null) files.set(path, bytes)
      }),
    )
  }
  return files
}

/** The longest file that a tile may be; a byte more, so that a wrong length is found as such. */
function tileBytesMax({ kind, width }: TileRef): number {
  if (kind === 'entries') return width * (2 + LOG_ENTRY_BYTES_MAX)
  return TILE_WIDTH * HASH_BYTES
}

function alarm(
  checkpoint: SignedCheckpoint | null,
  earlier: SignedCheckpoint | null,
  problems: readonly LogProblem[],
  evidence: readonly string[],
): LogLook {
  const report: MonitorReport = {
    status: 'alarm',
    origin: checkpoint?.origin ?? earlier?.origin ?? null,
    size: checkpoint?.size ?? null,
    before: earlier?.size ?? null,
    witnesses: [],
    problems,
    evidence,
  }
  return { report, note: null }
}
