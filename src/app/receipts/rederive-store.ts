import { resolve } from 'node:path'
import { canonicalize } from '../../base/canonical-json.ts'
import { utf8 } from '../../base/digest.ts'
import { PolicyError } from '../../base/errors.ts'
import { parseJsonBytes } from '../../base/json-parse.ts'
import type { JsonObject, JsonValue } from '../../base/json-value.ts'
import { CANONICAL_DEPTH_MAX, LOG_ENTRY_BYTES_MAX } from '../../base/limits.ts'
import { readBytes } from '../../host/files.ts'
import type { RederiveReport } from '../../model/rederive-report.ts'
import { evidenceKeyOf, openStoreForReading } from '../engine/open-engine.ts'
import { openShelf, type ShelfSource } from './bundle-shelf.ts'
import { type RederiveRequest, rederive } from './rederive.ts'

export type StoreQuestion = {
  /** The engine's data folder, absolute. */
  readonly data: string
  readonly bundles: ShelfSource
  /** An index, a range `A..B` with both ends, or a file below `cwd` that holds a receipt. Default: all receipts. */
  readonly which?: string
  readonly cwd: string
  readonly onProgress?: (done: number, all: number) => void
}

/**
 * Derives receipts of a data folder again; see {@link rederive}.
 *
 * @throws {PolicyError} STORE_FAILED, FILE_UNREADABLE, BUNDLE_CORRUPT and its kin, RECEIPT_UNKNOWN, RECEIPT_INVALID
 */
export async function rederiveStore(question: StoreQuestion): Promise<RederiveReport> {
  const { data, bundles, which, cwd, onProgress } = question
  const store = openStoreForReading(data)
  try {
    const only = which === undefined ? undefined : await chosen(which, cwd)
    const evidenceKey = evidenceKeyOf(data)
    const shelf = await openShelf(bundles, evidenceKey)
    try {
      return await rederive({
        ...{ store, evidenceKey, shelf },
        ...(only === undefined ? {} : { only }),
        ...(onProgress === undefined ? {} : { onProgress }),
      })
    } finally {
      await shelf.close()
    }
  } finally {
    await store.close()
  }
}

async function chosen(which: string, cwd: string): Promise<NonNullable<RederiveRequest['only']>> {
  const [, from, to = from] = /^(\d{1,15})(?:\.\.(\d{1,15}))?$/.exec(which) ?? []
  if (from !== undefined) return { from: Number(from), to: Number(to) }
  return receiptIn(await readBytes(resolve(cwd, which)))
}

/** A receipt's exact bytes from a file that holds it in any form, alone or as `receipts show` prints it. */
function receiptIn(bytes: Uint8Array): Uint8Array {
  let value: JsonValue
  try {
    value = parseJsonBytes(bytes, {
      bytesMax: 4 * LOG_ENTRY_BYTES_MAX, // Indented.
      depthMax: CANONICAL_DEPTH_MAX,
    })
  } catch (cause) {
    throw new PolicyError('RECEIPT_INVALID', 'expected a receipt as strict JSON', { cause })
  }
  const isShown = typeof value === 'object' && value !== null && Object.hasOwn(value, 'receipt')
  return utf8(canonicalize(isShown ? ((value as JsonObject)['receipt'] ?? null) : value))
}
