/** Work that is left, in bits; what reads takes from it. */
export type BitBudget = { bits: number }

/** What a compressed stream unpacks to, Infinity where that is beyond a bound, and where it ends. */
export type Inflated = { readonly length: number; readonly end: number }

/**
 * Counts the bytes that a DEFLATE stream (RFC 1951) unpacks to, without unpacking it: what a header declares is only a
 * claim. Beyond the bound is what unpacks to more than `lengthMax`, and what the budget does not last for. Null for a
 * stream that is damaged or cut off.
 */
export function inflatedLength(
  bytes: Uint8Array,
  start: number,
  { lengthMax, budget }: { readonly lengthMax: number; readonly budget: BitBudget },
): Inflated | null {
  const reader: Reader = { bytes, at: start, held: 0, count: 0, budget }
  let length = 0
  try {
    for (let last = false; !last; ) {
      last = bits(reader, 1) === 1
      length = countBlock(reader, length, lengthMax)
    }
    return { length, end: reader.at }
  } catch (error) {
    if (error instanceof Damaged) return null
    if (error instanceof Beyond) return { length: Infinity, end: reader.at }
    throw error
  }
}

class Damaged extends Error {
  override readonly name = 'Damaged'
}

class Beyond extends Error {
  override readonly name = 'Beyond'
}

type Reader = {
  readonly bytes: Uint8Array
  at: number
  /** Bits that were read from a byte and not yet used, and how many. */
  held: number
  count: number
  readonly budget: BitBudget
}

function bits(reader: Reader, need: number): number {
  while (reader.count < need) {
    if (reader.at >= reader.bytes.length) throw new Damaged()
    reader.held |= (reader.bytes[reader.at] ?? 0) << reader.count
    reader.at += 1
    reader.count += 8
  }
  const value = reader.held & ((1 << need) - 1)
  reader.held >>>= need
  reader.count -= need
  reader.budget.bits -= need
  if (reader.budget.bits < 0) throw new Beyond()
  return value
}

function countBlock(reader: Reader, before: number, lengthMax: number): number {
  const kind = bits(reader, 2)
  const length =
    kind === 0
      ? before + skipStored(reader)
      : countCodes(reader, codesOf(reader, kind), before, lengthMax)
  if (length > lengthMax) throw new Beyond()
  return length
}

function skipStored(reader: Reader): number {
  reader.held = 0
  reader.count = 0
  const { bytes, at } = reader
  if (at + 4 > bytes.length) throw new Damaged()
  const size = (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8)
  const check = (bytes[at + 2] ?? 0) | ((bytes[at + 3] ?? 0) << 8)
  reader.at = at + 4 + size
  if ((size ^ check) !== 0xffff || reader.at > bytes.length) throw new Damaged()
  return size
}

/** A Huffman code: how many symbols each length has, and the symbols in the order of their codes. */
type Code = { readonly counts: Uint16Array; readonly symbols: Uint16Array }

type Codes = { readonly lengths: Code; readonly distances: Code }

const CODE_BITS_MAX = 15
const END_OF_BLOCK = 256

function countCodes(reader: Reader, codes: Codes, before: number, lengthMax: number): number {
  let length = before
  while (length <= lengthMax) {
    const symbol = decode(reader, codes.lengths)
    if (symbol < END_OF_BLOCK) {
      length += 1
      continue
    }
    if (symbol === END_OF_BLOCK) return length
    const [base, extra] = [LENGTHS[symbol - 257], LENGTH_BITS[symbol - 257]]
    if (base === undefined || extra === undefined) throw new Damaged()
    const run = base + bits(reader, extra)
    const far = decode(reader, codes.distances)
    const [near, more] = [DISTANCES[far], DISTANCE_BITS[far]]
    if (near === undefined || more === undefined) throw new Damaged()
    if (near + bits(reader, more) > length) throw new Damaged()
    length += run
  }
  throw new Beyond()
}

function decode(reader: Reader, { counts, symbols }: Code): number {
  let code = 0
  let first = 0
  let index = 0
  for (let length = 1; length <= CODE_BITS_MAX; length++) {
    code |= bits(reader, 1)
    const count = counts[length] ?? 0
    if (code - count < first) return symbols[index + (code - first)] ?? 0
    index += count
    first = (first + count) << 1
    code <<= 1
  }
  throw new Damaged()
}

// RFC 1951 section 3.2.5: lengths 3 to 258, distances 1 to 32,768, each with the extra bits that follow the symbol.
const LENGTHS = [
  3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131,
  163, 195, 227, 258,
]
const LENGTH_BITS = [
  0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0,
]
const DISTANCES = [
  1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049,
  3073, 4097, 6145, 8193, 12289, 16385, 24577,
]
const DISTANCE_BITS = [
  0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13,
]

/** The order in which the lengths of the code for lengths stand: RFC 1951 section 3.2.7. */
const ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]

const FIXED: Codes = {
  lengths: codeOf(
    Array.from({ length: 288 }, (_, at) => (at < 144 ? 8 : at < 256 ? 9 : at < 280 ? 7 : 8)),
  ),
  distances: codeOf(new Array(30).fill(5), 'incomplete'),
}

function codesOf(reader: Reader, kind: number): Codes {
  if (kind === 1) return FIXED
  if (kind !== 2) throw new Damaged()
  const [literals, distances] = [bits(reader, 5) + 257, bits(reader, 5) + 1]
  const listed = bits(reader, 4) + 4
  if (literals > 286 || distances > 30) throw new Damaged()
  const short: number[] = new Array(19).fill(0)
  for (const at of ORDER.slice(0, listed)) short[at] = bits(reader, 3)
  const lengths = readLengths(reader, codeOf(short), literals + distances)
  if (lengths[END_OF_BLOCK] === 0) throw new Damaged()
  return {
    lengths: codeOf(lengths.slice(0, literals), 'single'),
    distances: codeOf(lengths.slice(literals), 'single'),
  }
}

function readLengths(reader: Reader, code: Code, wanted: number): number[] {
  const lengths: number[] = []
  while (lengths.length < wanted) {
    const symbol = decode(reader, code)
    if (symbol < 16) {
      lengths.push(symbol)
      continue
    }
    const last = lengths.at(-1)
    if (symbol === 16 && last === undefined) throw new Damaged()
    const repeated = symbol === 16 ? (last ?? 0) : 0
    const times =
      symbol === 16
        ? 3 + bits(reader, 2)
        : symbol === 17
          ? 3 + bits(reader, 3)
          : 11 + bits(reader, 7)
    if (lengths.length + times > wanted) throw new Damaged()
    for (let i = 0; i < times; i++) lengths.push(repeated)
  }
  return lengths
}

/**
 * The code of a list of lengths. It must use up its room: not more, and not less, but for a code of one symbol
 * (`single`) and the fixed code of distances (`incomplete`).
 */
function codeOf(
  lengths: readonly number[],
  slack: 'none' | 'single' | 'incomplete' = 'none',
): Code {
  const counts = new Uint16Array(CODE_BITS_MAX + 1)
  for (const length of lengths) counts[length] = (counts[length] ?? 0) + 1
  let left = 1
  for (let length = 1; length <= CODE_BITS_MAX; length++) {
    left = (left << 1) - (counts[length] ?? 0)
    if (left < 0) throw new Damaged()
  }
  const used = lengths.length - (counts[0] ?? 0)
  const single = slack === 'single' && (used === 0 || (used === 1 && counts[1] === 1))
  if (left > 0 && slack !== 'incomplete' && !single) throw new Damaged()
  const offsets = new Uint16Array(CODE_BITS_MAX + 2)
  for (let length = 1; length <= CODE_BITS_MAX; length++) {
    offsets[length + 1] = (offsets[length] ?? 0) + (counts[length] ?? 0)
  }
  const symbols = new Uint16Array(lengths.length)
  lengths.forEach((length, symbol) => {
    if (length === 0) return
    symbols[offsets[length] ?? 0] = symbol
    offsets[length] = (offsets[length] ?? 0) + 1
  })
  return { counts, symbols }
}
