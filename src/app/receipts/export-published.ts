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
  for (let tries = 1; ; tries++) {
    const report = verifyLog(await fetchLog(reader, clock), options)
    const isRace = report.problems.some(({ code }) => code === 'LOG_TRUNCATED')
    // A log that is published meanwhile replaces its partial tiles: then the newer checkpoint tells.
    if (!isRace || tries >= TRIES_MAX) return report
  }
}

const TRIES_MAX = 3

async function fetchLog(
  reader: LogReader,
  clock: () => number,
): Promise<ReadonlyMap<string, Uint8Array>> {
  const endsAt = clock() + PUBLISHED_LOG_MS_MAX
  const files = new Map<string, Uint8Array>()
  const note = await reader.read(CHECKPOINT_FILE, CHECKPOINT_LENGTH_MAX)
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
