import { fromUtf8 } from './digest.ts'
import { PolicyError } from './errors.ts'

/** Reads the wire encoding of RFC 4251 section 5. Every read is bounded by the bytes that are there. */
export type WireReader = {
  readonly byte: () => number
  readonly uint32: () => number
  /** The bytes of a length-prefixed string; a view, not a copy. */
  readonly string: () => Uint8Array
  /** A length-prefixed string that must be UTF-8. */
  readonly text: () => string
  /** A positive multiple-precision integer in its one shortest form; big-endian without leading zeros. */
  readonly positive: () => Uint8Array
  /** As many bytes as asked for, without a length. */
  readonly raw: (length: number) => Uint8Array
  /** Refuses trailing bytes. */
  readonly end: () => void
}

/**
 * Opens a reader. Each of its functions throws SIGNATURE_MALFORMED when the bytes are not what it reads.
 */
export function readWire(bytes: Uint8Array): WireReader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let offset = 0
  const raw = (length: number): Uint8Array => {
    if (length > bytes.length - offset) throw malformedSignature('more bytes')
    offset += length
    return bytes.subarray(offset - length, offset)
  }
  const uint32 = (): number => {
    raw(4)
    return view.getUint32(offset - 4)
  }
  const string = (): Uint8Array => raw(uint32())
  return {
    raw,
    uint32,
    string,
    byte: () => raw(1)[0] as number,
    text: () => textOf(string()),
    positive: () => positiveOf(string()),
    end: () => {
      if (offset !== bytes.length) throw malformedSignature('no trailing bytes')
    },
  }
}

/** A length-prefixed string: four bytes of length, then the bytes. RFC 4251 section 5. */
export function wireString(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return concatBytes(wireUint32(bytes.length), bytes)
}

/** Four bytes, most significant first. */
export function wireUint32(value: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(4)
  new DataView(bytes.buffer).setUint32(0, value)
  return bytes
}

export function concatBytes(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(parts.reduce((length, part) => length + part.length, 0))
  let offset = 0
  for (const part of parts) {
    bytes.set(part, offset)
    offset += part.length
  }
  return bytes
}

export function malformedSignature(expected: string, cause?: unknown): PolicyError {
  return new PolicyError('SIGNATURE_MALFORMED', `expected ${expected} in an SSH signature or key`, {
    cause,
  })
}

function textOf(bytes: Uint8Array): string {
  try {
    return fromUtf8(bytes)
  } catch (cause) {
    throw malformedSignature('UTF-8', cause)
  }
}

/** RFC 4251: a leading zero byte stands only where the next byte's top bit would make the number negative. */
function positiveOf(bytes: Uint8Array): Uint8Array {
  const [first = 0, second = 0] = bytes
  if (bytes.length === 0 || first >= 0x80) throw malformedSignature('a positive integer')
  if (first !== 0) return bytes
  if (bytes.length === 1 || second < 0x80)
    throw malformedSignature('an integer in its shortest form')
  return bytes.subarray(1)
}
