/** A key of 128 bits as four words, the lowest first. */
export type SipKey = readonly [number, number, number, number]

/** @param bytes - at least 16; the first 16 count, little-endian */
export function sipKey(bytes: Uint8Array): SipKey {
  const view = new DataView(bytes.buffer, bytes.byteOffset, 16)
  const word = (at: number): number => view.getInt32(at, true)
  return [word(0), word(4), word(8), word(12)]
}

/**
 * SipHash-2-4 of the first `length` bytes: a keyed hash of 64 bits, some fifty times faster than HMAC-SHA-256, for many
 * short inputs. J.-P. Aumasson and D. J. Bernstein, SipHash: a fast short-input PRF, 2012.
 *
 * @param out - takes the low word, then the high one
 */
export function sipHash(key: SipKey, bytes: Uint8Array, length: number, out: Int32Array): void {
  const [k0, k1, k2, k3] = key
  V[0] = k0 ^ 0x70736575
  V[1] = k1 ^ 0x736f6d65
  V[2] = k2 ^ 0x6e646f6d
  V[3] = k3 ^ 0x646f7261
  V[4] = k0 ^ 0x6e657261
  V[5] = k1 ^ 0x6c796765
  V[6] = k2 ^ 0x79746573
  V[7] = k3 ^ 0x74656462
  const whole = length - (length % 8)
  for (let at = 0; at < whole; at += 8) compress(wordAt(bytes, at, 4), wordAt(bytes, at + 4, 4))
  const rest = length - whole
  const low = wordAt(bytes, whole, Math.min(rest, 4))
  const high = wordAt(bytes, whole + 4, Math.max(rest - 4, 0))
  compress(low, high | (length << 24))
  V[4] = at(4) ^ 0xff
  rounds(4)
  out[0] = at(0) ^ at(2) ^ at(4) ^ at(6)
  out[1] = at(1) ^ at(3) ^ at(5) ^ at(7)
}

/** The state, v0 to v3, each with its low word first. No call leaves this file before it has its answer. */
const V = new Int32Array(8)

function at(index: number): number {
  return V[index] as number
}

function wordAt(bytes: Uint8Array, start: number, count: number): number {
  let word = 0
  for (let i = 0; i < count; i++) word |= (bytes[start + i] as number) << (8 * i)
  return word
}

function compress(low: number, high: number): void {
  V[6] = at(6) ^ low
  V[7] = at(7) ^ high
  rounds(2)
  V[0] = at(0) ^ low
  V[1] = at(1) ^ high
}

function rounds(count: number): void {
  for (let i = 0; i < count; i++) {
    mix(0, 2, 13)
    swap(0)
    mix(4, 6, 16)
    mix(0, 6, 21)
    mix(4, 2, 17)
    swap(4)
  }
}

/** a += b; b <<<= bits; b ^= a. The bits are below 32. */
function mix(a: number, b: number, bits: number): void {
  const bLow = at(b)
  const bHigh = at(b + 1)
  const low = (at(a) + bLow) | 0
  const carry = low >>> 0 < bLow >>> 0 ? 1 : 0
  const high = (at(a + 1) + bHigh + carry) | 0
  V[a] = low
  V[a + 1] = high
  V[b] = ((bLow << bits) | (bHigh >>> (32 - bits))) ^ low
  V[b + 1] = ((bHigh << bits) | (bLow >>> (32 - bits))) ^ high
}

/** A rotation by 32 bits. */
function swap(a: number): void {
  const low = at(a)
  V[a] = at(a + 1)
  V[a + 1] = low
}
