import { wholeOf } from './bytes.ts'

/** A cursor over DER (X.690): what lies between `at` and `end` is still to be read. */
export type Der = { readonly bytes: Uint8Array; at: number; readonly end: number }

/** One element: its tag octet, a cursor over its content, and all of it with tag and length. */
export type DerElement = { readonly tag: number; readonly content: Der; readonly whole: Uint8Array }

export type BitString = { readonly bytes: Uint8Array; readonly unusedBits: number }

/** Tag octets: universal primitives, and constructed ones with their bit 0x20. */
export const BOOLEAN = 0x01
export const INTEGER = 0x02
export const BIT_STRING = 0x03
export const OCTET_STRING = 0x04
export const NULL = 0x05
export const OBJECT_IDENTIFIER = 0x06
export const UTC_TIME = 0x17
export const GENERALIZED_TIME = 0x18
export const SEQUENCE = 0x30
export const SET = 0x31

/** The tag octet of `[number]`, primitive; add CONSTRUCTED for what holds elements. */
export const CONTEXT = 0x80
export const CONSTRUCTED = 0x20

export function derOf(bytes: Uint8Array): Der {
  return { bytes, at: 0, end: bytes.length }
}

export function isAtEnd(der: Der): boolean {
  return der.at >= der.end
}

/** What is still to be read, as bytes. */
export function restOf(der: Der): Uint8Array {
  return der.bytes.subarray(der.at, der.end)
}

export function nextTag(der: Der): number | undefined {
  return isAtEnd(der) ? undefined : der.bytes[der.at]
}

/**
 * Reads one element of any tag up to 30. Undefined where the bytes are no DER: an indefinite or longer than needed
 * length, or more than there is. Then the cursor stays.
 */
export function readAny(der: Der): DerElement | undefined {
  const { bytes, at, end } = der
  const [tag, first] = [bytes[at], bytes[at + 1]]
  if (at + 2 > end || tag === undefined || first === undefined || (tag & 0x1f) === 0x1f) {
    return undefined
  }
  let start = at + 2
  let length = first
  if (first >= 0x80) {
    const count = first & 0x7f
    if (count === 0 || count > 4 || start + count > end) return undefined
    length = 0
    for (let i = 0; i < count; i++) length = length * 256 + (bytes[start + i] ?? 0)
    start += count
    if (length < 0x80 || length < 256 ** (count - 1)) return undefined
  }
  if (length > end - start) return undefined
  der.at = start + length
  const content = { bytes, at: start, end: der.at }
  return { tag, content, whole: bytes.subarray(at, der.at) }
}

/** Reads an element that must have this tag. */
export function readElement(der: Der, tag: number): DerElement | undefined {
  return nextTag(der) === tag ? readAny(der) : undefined
}

/** Reads the content of an element that must have this tag. */
export function read(der: Der, tag: number): Der | undefined {
  return readElement(der, tag)?.content
}

export function readBytes(der: Der, tag: number): Uint8Array | undefined {
  const content = read(der, tag)
  return content && restOf(content)
}

/** Reads a whole number of any size; its encoding must be the shortest. */
export function readInteger(der: Der, tag = INTEGER): bigint | undefined {
  const bytes = readBytes(der, tag)
  const [first, second = 0] = bytes ?? []
  if (bytes === undefined || first === undefined) return undefined
  if (bytes.length > 1) {
    if (first === 0 && second < 0x80) return undefined
    if (first === 0xff && second >= 0x80) return undefined
  }
  const value = wholeOf(bytes)
  return first < 0x80 ? value : value - (1n << BigInt(8 * bytes.length))
}

/** Reads a whole number that Go's int64 holds. */
export function readInt64(der: Der, tag = INTEGER): bigint | undefined {
  const value = readInteger(der, tag)
  return value !== undefined && BigInt.asIntN(64, value) === value ? value : undefined
}

export function readBoolean(der: Der): boolean | undefined {
  const bytes = readBytes(der, BOOLEAN)
  if (bytes?.length !== 1) return undefined
  return bytes[0] === 0xff ? true : bytes[0] === 0 ? false : undefined
}

export function readBitString(der: Der): BitString | undefined {
  const bytes = readBytes(der, BIT_STRING)
  const unusedBits = bytes?.[0]
  if (bytes === undefined || unusedBits === undefined || unusedBits > 7) return undefined
  const last = bytes.length > 1 ? (bytes[bytes.length - 1] ?? 0) : 0
  if ((bytes.length === 1 && unusedBits > 0) || (last & ((1 << unusedBits) - 1)) !== 0) {
    return undefined
  }
  return { bytes: bytes.subarray(1), unusedBits }
}

/** The bits of a bit string moved to the end of its bytes. */
export function rightAlign({ bytes, unusedBits }: BitString): Uint8Array {
  if (unusedBits === 0) return bytes
  return bytes.map((byte, at) => {
    const before = at === 0 ? 0 : (bytes[at - 1] ?? 0)
    return (before << (8 - unusedBits)) | (byte >> unusedBits)
  })
}
