import { fromUtf8 } from '../../base/digest.ts'
import { PolicyError } from '../../base/errors.ts'
import type { Receipt } from '../../model/generated/types.ts'
import type { Store } from '../../model/ports.ts'
import type { ExportHeader } from '../../model/receipt-export.ts'
import { passesFilters, policiesOf, referencesOf } from '../../model/receipt-export.ts'

export type Question = Pick<ExportHeader, 'period' | 'filters'>

/** Which receipts an export has. */
export type Selection = {
  readonly first: number
  readonly last: number
  /** Log indexes in order, context included. */
  readonly indexes: readonly number[]
  readonly context: ReadonlySet<number>
  /** Digests of the policies that they name, sorted. */
  readonly policies: readonly string[]
}

/** Reads receipts by their log indexes, page by page; cheapest in order. */
export type EntryReader = (index: number) => Promise<Uint8Array>

/** @throws {PolicyError} from what it gives: RECEIPT_UNKNOWN */
export function entriesOf(store: Pick<Store, 'receipts'>): EntryReader {
  let from = 0
  let page: readonly Uint8Array[] = []
  return async (index) => {
    if (index < from || index >= from + page.length) {
      from = index - (index % PAGE)
      page = await store.receipts(from, PAGE)
    }
    const entry = page[index - from]
    if (entry !== undefined) return entry
    throw new PolicyError('RECEIPT_UNKNOWN', `the store has no receipt ${index}`)
  }
}

const PAGE = 256 // Of receipts that have 64 KiB at most.

/**
 * Chooses the receipts of a period, and those that must come with them: what they refer to, and without a filter the
 * neighbours, which show that the period begins and ends there.
 *
 * @param size - receipts that the checkpoint covers
 * @throws {PolicyError} EXPORT_EMPTY
 */
export async function selectReceipts(
  read: EntryReader,
  size: number,
  question: Question,
  tick: () => void,
): Promise<Selection> {
  const asked = await askedFor(read, size, question, tick)
  const [first, last] = [asked[0], asked.at(-1)]
  if (first === undefined || last === undefined) {
    throw new PolicyError('EXPORT_EMPTY', 'no receipt is of that period, agent and project')
  }
  const wanted = new Set(asked)
  const context = new Set<number>()
  const policies = new Set<string>()
  const waiting: number[] = []
  const add = (index: number) => {
    if (wanted.has(index) || context.has(index)) return
    context.add(index)
    waiting.push(index)
  }
  const look = async (index: number) => {
    const receipt = await receiptAt(read, index)
    for (const policy of policiesOf(receipt)) policies.add(policy)
    for (const reference of referencesOf(receipt)) add(reference)
  }
  for (const index of asked) await look(index)
  if (!isFiltered(question)) {
    if (first > 0) add(first - 1)
    if (last < size - 1) add(last + 1)
  }
  // References lead backwards, so this ends at the beginning of the log at the latest.
  for (let index = waiting.pop(); index !== undefined; index = waiting.pop()) await look(index)
  const indexes = [...asked, ...context].sort((a, b) => a - b)
  return { first, last, indexes, context, policies: [...policies].sort() }
}

/** Without a filter all from the first to the last of the period: times may overtake each other by a little. */
async function askedFor(
  read: EntryReader,
  size: number,
  question: Question,
  tick: () => void,
): Promise<number[]> {
  const { period, filters } = question
  const filtered = isFiltered(question)
  if (!filtered && period.from === undefined && period.to === undefined) return range(0, size - 1)
  const from = period.from === undefined ? -Infinity : Date.parse(period.from)
  const to = period.to === undefined ? Infinity : Date.parse(period.to)
  const found: number[] = []
  for (let index = 0; index < size; index++) {
    const receipt = await receiptAt(read, index)
    const at = Date.parse(receipt.predicate.issuedAt)
    if (at >= from && at < to && passesFilters(receipt, filters)) found.push(index)
    tick()
  }
  const [first, last] = [found[0], found.at(-1)]
  return filtered || first === undefined || last === undefined ? found : range(first, last)
}

function isFiltered({ filters }: Question): boolean {
  return Object.keys(filters).length > 0
}

function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, i) => first + i)
}

async function receiptAt(read: EntryReader, index: number): Promise<Receipt> {
  return JSON.parse(fromUtf8(await read(index))) as Receipt
}
