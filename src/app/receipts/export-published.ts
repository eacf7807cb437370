import { bytesEqual, fromUtf8 } from '../../base/digest.ts'
import { PolicyError } from '../../base/errors.ts'
import {
  CHECKPOINT_LENGTH_MAX,
  LOG_ENTRY_BYTES_MAX,
  LOG_FILES_MAX,
  PUBLISHED_LOG_BYTES_MAX,
  PUBLISHED_LOG_MS_MAX,
} from '../../base/limits.ts'
import type { LogReader } from '../../host/log-reader.ts'
import type { LogReport } from '../../model/log-report.ts'
import { parseCheckpoint } from '../../trust/receipt/checkpoint.ts'
import { HASH_BYTES } from '../../trust/receipt/merkle.ts'
import type { TileRef } from '../../trust/receipt/tiles.ts'
import { TILE_WIDTH, tilePath, tilesOf } from '../../trust/receipt/tiles.ts'
import type { LogOptions } from '../../trust/verify/log.ts'
import { verifyLog } from '../../trust/verify/log.ts'
import { CHECKPOINT_FILE } from '../../trust/verify/log-tiles.ts'

/**
 * Verifies a published log as a folder is verified: every file that its checkpoint calls for is fetched, and nothing else.
 *
 * @param clock - milliseconds, for the bound on time
 * @throws {PolicyError} LOG_UNREACHABLE (retryable); EXPORT_TOO_LARGE for a log beyond the bounds; TRUST_INVALID
 */
export async function verifyPublishedLog(
  reader: LogReader,
  options: LogOptions,
  clock: () => number,
): Promise<LogReport> {
  const bound = { clock, endsAt: clock() + PUBLISHED_LOG_MS_MAX }
  try {
    return await lookAt(reader, options, bound)
  } catch (error) {
    // A file that is longer than it may be is the log's fault.
    if (!(error instanceof PolicyError) || error.code !== 'LOG_CORRUPT') throw error
    const problem = { code: error.code, file: error.file ?? '', message: error.message }
    return {
      ...{ status: 'refused', origin: null, size: null, root: null, witnesses: [], receipts: {} },
      ...{ proven: [], not_proven: [], problems: [problem] },
    }
  }
}

type Bound = { readonly clock: () => number; readonly endsAt: number }

async function lookAt(reader: LogReader, options: LogOptions, bound: Bound): Promise<LogReport> {
  const shown: Uint8Array[] = []
  let report: LogReport | null = null
  for (let tries = 1; ; tries++) {
    const note = await reader.read(CHECKPOINT_FILE, CHECKPOINT_LENGTH_MAX)
    const last = shown.at(-1)
    if (report !== null && last !== undefined) {
      if (note === null || bytesEqual(note, last)) return report
    }
    const files = await fetchLog(reader, note, bound)
    report = verifyLog(files, options)
    // A log that is published meanwhile replaces its partial tiles: then the newer checkpoint tells. What was shown
    // before must be the start of that too, so that no other history is shown for a moment only.
    if (report.status !== 'refused') {
      const looks = shown.map((one) => verifyLog(files, { ...options, since: fromUtf8(one) }))
      return looks.find(({ status }) => status === 'refused') ?? report
    }
    const isRace = report.problems.some(({ code }) => code === 'LOG_TRUNCATED')
    if (!isRace || note === null || tries >= TRIES_MAX) return report
    shown.push(note)
  }
}

const TRIES_MAX = 3

async function fetchLog(
  reader: LogReader,
  note: Uint8Array | null,
  { clock, endsAt }: Bound,
): Promise<ReadonlyMap<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>()
  if (note === null) return files
  files.set(CHECKPOINT_FILE, note)
  let tiles: TileRef[]
  try {
    tiles = tilesWithin(parseCheckpoint(note).size)
  } catch (error) {
    // What is wrong with the checkpoint is found again, and said, by who verifies it.
    if (error instanceof PolicyError && error.code === 'CHECKPOINT_INVALID') return files
    throw error
  }
  let bytes = 0
  for (let from = 0; from < tiles.length; from += TILES_AT_ONCE) {
    if (clock() > endsAt) throw tooLarge(`${PUBLISHED_LOG_MS_MAX / 1000} seconds`)
    const some = tiles.slice(from, from + TILES_AT_ONCE)
    for (const [path, found] of await fetchSome(reader, some)) {
      bytes += found.length
      if (bytes > PUBLISHED_LOG_BYTES_MAX) throw tooLarge(`${PUBLISHED_LOG_BYTES_MAX} bytes`)
      files.set(path, found)
    }
  }
  return files
}

const TILES_AT_ONCE = 16

function tilesWithin(size: number): TileRef[] {
  const tiles: TileRef[] = []
  for (const tile of tilesOf(size)) {
    tiles.push(tile)
    if (tiles.length > LOG_FILES_MAX) throw tooLarge(`${LOG_FILES_MAX} files`)
  }
  return tiles
}

async function fetchSome(
  reader: LogReader,
  tiles: readonly TileRef[],
): Promise<(readonly [string, Uint8Array])[]> {
  const found = await Promise.all(
    tiles.map(async (tile) => {
      const path = tilePath(tile)
      return [path, await reader.read(path, bytesMax(tile))] as const
    }),
  )
  return found.flatMap(([path, bytes]) => (bytes === null ? [] : [[path, bytes] as const]))
}

/** The longest file that a tile may be. */
function bytesMax({ kind, width }: TileRef): number {
  return kind === 'entries' ? width * (2 + LOG_ENTRY_BYTES_MAX) : TILE_WIDTH * HASH_BYTES
}

function tooLarge(bound: string): PolicyError {
  const message = `the published log takes more than ${bound}; copy its folder and verify that`
  return new PolicyError('EXPORT_TOO_LARGE', message)
}
