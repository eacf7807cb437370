import { join } from 'node:path'
import { setImmediate as breathe } from 'node:timers/promises'
import { fromUtf8, utf8 } from '../../base/digest.ts'
import { parseDuration } from '../../base/duration.ts'
import { PolicyError } from '../../base/errors.ts'
import { readNote } from '../../host/log-folder.ts'
import type { CompiledAttest, Receipt } from '../../model/generated/types.ts'
import type { Store } from '../../model/ports.ts'
import { parseCheckpoint } from '../../trust/receipt/checkpoint.ts'
import { isDecision, isGenesis, parseReceipt } from '../../trust/receipt/statement.ts'
import { attestedNotePath } from '../../trust/verify/attestation-log.ts'
import {
  attestationsIn,
  type Cursor,
  hasCheckpoint,
  hasReceipt,
  listAttestations,
  readCursor,
  writeCursor,
} from './attest-files.ts'

/** What has not been attested yet, of what is to be. */
export type Due = {
  /** The log's checkpoint, if its time has come; null before that, and when the log has not grown. */
  readonly checkpoint: { readonly size: number; readonly note: Uint8Array } | null
  /** Log indexes of resolutions, in log order. */
  readonly resolutions: readonly number[]
}

/** What waits, and since when. */
export type Backlog = {
  /** Receipts that no attested checkpoint covers. */
  readonly uncovered: number
  readonly resolutions: number
  /** When the oldest of them was made, RFC 3339; null when nothing waits. */
  readonly since: string | null
}

/**
 * The queue of attestations. It is the log itself: what lacks its file is still to do. What it remembers, and the cursor
 * on disk, only save looking; both may be lost.
 */
export type AttestationQueue = {
  /** @param force - every checkpoint that has grown is due, whenever the last one was */
  due(terms: CompiledAttest, now: number, force: boolean): Promise<Due>
  receipt(index: number): Promise<Uint8Array>
  /** Notes what has just been written. */
  done(
    what: { readonly checkpoint: number; readonly at: number } | { readonly index: number },
  ): void
  /** Puts down how far it is. */
  save(): Promise<void>
  backlog(terms: CompiledAttest): Promise<Backlog>
}

/**
 * @param data - the engine's data folder
 * @param from - `start` to look at every receipt, whatever the cursor says. Default: the cursor
 */
export function openQueue(
  data: string,
  store: Pick<Store, 'receipts'>,
  from: 'cursor' | 'start' = 'cursor',
): AttestationQueue {
  const folder = attestationsIn(data)
  const scan = openScan(folder, store)
  let cursor: Cursor | null = null
  const head = async (terms: CompiledAttest): Promise<Head> => {
    const note = readNote(join(data, 'log'))
    const size = note === null ? 0 : parseCheckpoint(note).size
    if (cursor === null) {
      const first = firstCursor(folder, size)
      cursor = from === 'start' ? { ...first, next: 0, resolutions: 0 } : first
      scan.from(cursor.next)
    }
    cursor = latest(cursor, folder, size)
    const resolutions = terms.resolutions === 'each' ? await scan.waiting(size) : []
    return { note: utf8(note ?? ''), size, last: cursor, resolutions }
  }
  return {
    receipt: scan.receipt,
    due: async (terms, now, force) => {
      const { note, size, last, resolutions } = await head(terms)
      const grown = size - last.checkpoint
      // A clock that was ahead must not make it wait until that day.
      const isRecent = last.at <= now && now - last.at < parseDuration(terms.every)
      const isTime = last.checkpoint === 0 || !isRecent
      const isDue = grown > 0 && (force || isTime || grown >= terms.receipts)
      return { checkpoint: isDue ? { size, note } : null, resolutions }
    },
    done: (what) => {
      if ('index' in what) scan.done(what.index)
      else if (cursor !== null && what.checkpoint >= cursor.checkpoint) {
        cursor = { ...cursor, checkpoint: what.checkpoint, at: what.at }
      }
    },
    save: async () => {
      if (cursor === null) return
      cursor = scan.advance(cursor)
      await writeCursor(folder, cursor)
    },
    backlog: async (terms) => {
      const { size, last, resolutions } = await head(terms)
      const uncovered = size - last.checkpoint
      const oldest = Math.min(resolutions[0] ?? size, uncovered > 0 ? last.checkpoint : size)
      const since = oldest < size ? issuedAt(await scan.receipt(oldest)) : null
      return { uncovered, resolutions: resolutions.length, since }
    },
  }
}

type Head = {
  readonly note: Uint8Array
  readonly size: number
  readonly last: Cursor
  readonly resolutions: readonly number[]
}

/** Another process may have attested a later checkpoint. @throws {PolicyError} LOG_ROLLED_BACK */
function latest(own: Cursor, folder: string, size: number): Cursor {
  const there = readCursor(folder)
  const isAhead = there.checkpoint > own.checkpoint && hasCheckpoint(folder, there.checkpoint)
  const { checkpoint, at } = isAhead ? there : own
  if (checkpoint <= size) return { ...own, checkpoint, at }
  throw new PolicyError(
    'LOG_ROLLED_BACK',
    `rolled back: a checkpoint over ${checkpoint} receipts is attested, the log has ${size}`,
    { file: attestedNotePath(checkpoint) },
  )
}

/** Looks for resolutions in the log, once each, and remembers which of them still lack their file. */
function openScan(folder: string, store: Pick<Store, 'receipts'>) {
  /** Resolutions before this index have been looked for. */
  let seen = 0
  /** Those at or after the cursor, and whether each is done. */
  const found = new Map<number, boolean>()
  const receipt = async (index: number): Promise<Uint8Array> => {
    const [entry] = await store.receipts(index, 1)
    if (entry !== undefined) return entry
    throw new PolicyError('RECEIPT_UNKNOWN', `no receipt ${index} in this store`)
  }
  const look = async (size: number): Promise<void> => {
    while (seen < size) {
      const page = await store.receipts(seen, Math.min(PAGE, size - seen))
      if (page.length === 0) return
      for (const entry of page) {
        if (isResolution(entry)) found.set(seen, hasReceipt(folder, seen, entry))
        seen += 1
      }
      await breathe() // Decisions go on between two pages.
    }
  }
  return {
    receipt,
    from: (index: number) => {
      seen = index
    },
    /** Indexes, in log order, of what is not done. */
    waiting: async (size: number): Promise<number[]> => {
      await look(size)
      const open = [...found].flatMap(([index, isDone]) => (isDone ? [] : [index]))
      for (const index of open) {
        // Another process may have been faster.
        if (hasReceipt(folder, index, await receipt(index))) found.set(index, true)
      }
      return open.filter((index) => found.get(index) === false).sort((a, b) => a - b)
    },
    done: (index: number) => void found.set(index, true),
    /** The cursor after all that is done without a gap; what lies before it is forgotten. */
    advance: (cursor: Cursor): Cursor => {
      let next = seen
      for (const [index, isDone] of found) if (!isDone && index < next) next = index
      const passed = [...found.keys()].filter((index) => index >= cursor.next && index < next)
      for (const index of found.keys()) if (index < next) found.delete(index)
      return { ...cursor, next, resolutions: cursor.resolutions + passed.length }
    },
  }
}

const PAGE = 256

/** Where the cursor on disk may begin: nowhere but at the start, if files that it counts on are gone. */
function firstCursor(folder: string, size: number): Cursor {
  const cursor = readCursor(folder)
  const there = listAttestations(folder)
  const indexes = there.flatMap((name) => (name.kind === 'receipt' ? [name.index] : []))
  const done = indexes.filter((index) => index < cursor.next).length
  // Others than resolutions may have been attested by hand, so there may be more of them.
  const isWhole = cursor.next <= size && done >= cursor.resolutions
  const resumed = isWhole ? cursor : { ...cursor, next: 0, resolutions: 0 }
  if (cursor.checkpoint > 0 && hasCheckpoint(folder, cursor.checkpoint)) return resumed
  const sizes = there.flatMap((name) => (name.kind === 'checkpoint' ? [name.size] : []))
  const checkpoint = Math.max(0, ...sizes.filter((one) => hasCheckpoint(folder, one)))
  return { ...resumed, checkpoint, at: 0 }
}

const STAGE = utf8('"stage":"resolution"')

function isResolution(entry: Uint8Array): boolean {
  // Most receipts are of verdicts; reading one as JSON takes fifty times as long.
  if (Buffer.from(entry.buffer, entry.byteOffset, entry.length).indexOf(STAGE) < 0) return false
  const receipt = JSON.parse(fromUtf8(entry)) as Receipt
  return isDecision(receipt) && receipt.predicate.stage === 'resolution'
}

function issuedAt(entry: Uint8Array): string | null {
  const receipt = parseReceipt(entry)
  if (isGenesis(receipt)) return receipt.predicate.issuedAt
  const { issuedAt: at } = receipt.predicate as { readonly issuedAt?: string }
  return at ?? null
}
