/** A set of ASCII characters, asked by code unit. */
export type Alphabet = Uint8Array

const ASCII = 128

/** The alphabet of these characters and of the ranges, each two characters long: `alphabet('_', '09', 'az')`. */
export function alphabet(characters: string, ...ranges: readonly string[]): Alphabet {
  const set = new Uint8Array(ASCII)
  for (const character of characters) set[character.charCodeAt(0)] = 1
  for (const range of ranges) {
    for (let code = range.charCodeAt(0); code <= range.charCodeAt(1); code++) set[code] = 1
  }
  return set
}

export const DIGITS = alphabet('', '09')
export const HEX_LOWER = alphabet('', '09', 'af')
export const HEX = alphabet('', '09', 'af', 'AF')
export const UPPER = alphabet('', '09', 'AZ')
export const LOWER = alphabet('', '09', 'az')
export const BASE62 = alphabet('', '09', 'AZ', 'az')
/** Base64url without padding (RFC 4648 section 5); also the characters of an identifier with hyphens. */
export const BASE64URL = alphabet('_-', '09', 'AZ', 'az')
/** Base64 without padding (RFC 4648 section 4). */
export const BASE64 = alphabet('+/', '09', 'AZ', 'az')
export const WORD = alphabet('_', '09', 'AZ', 'az')
export const SPACE = alphabet(' \t\r\n')

/** Whether the code unit at an index is one of the alphabet; false outside of the text. */
export function isAt(text: string, index: number, set: Alphabet): boolean {
  const code = text.charCodeAt(index) // NaN outside of the text.
  return code < ASCII && set[code] === 1
}

/** Where the run of the alphabet's characters that begins at `start` ends. */
export function runEnd(text: string, start: number, set: Alphabet): number {
  let end = start
  while (isAt(text, end, set)) end++
  return end
}

/**
 * As {@link runEnd}, for a search that asks again and again from left to right: what lies within the run found last is
 * not walked again, so that all questions together take time linear in the text.
 */
export function runFinder(text: string, set: Alphabet): (start: number) => number {
  let known = { start: 0, end: 0 }
  return (start) => {
    if (start < known.start || start >= known.end) known = { start, end: runEnd(text, start, set) }
    return known.end
  }
}

/** Every place of a literal, from left to right; occurrences may overlap. */
export function* placesOf(text: string, literal: string): Generator<number> {
  for (let at = text.indexOf(literal); at >= 0; at = text.indexOf(literal, at + 1)) yield at
}

/** Whether a word could go on to the left of an index: then what begins there is only a part of something. */
export function isWithinWord(text: string, index: number): boolean {
  return index > 0 && isAt(text, index - 1, WORD)
}

/**
 * Shannon entropy of a text's characters, in bits for each.
 *
 * The sum runs over counts in the order in which characters first come, so that one text always gives one number.
 */
export function shannonEntropy(text: string): number {
  const counts = new Map<number, number>()
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    counts.set(code, (counts.get(code) ?? 0) + 1)
  }
  let bits = 0
  for (const count of counts.values()) {
    const share = count / text.length
    bits -= share * Math.log2(share)
  }
  return Math.round(bits * ENTROPY_PRECISION) / ENTROPY_PRECISION
}

const ENTROPY_PRECISION = 1e6 // Engines may differ in the last digits of a logarithm; what follows from it may not.

/** CRC-32 of ASCII text (ISO 3309, ITU-T V.42; polynomial 0xEDB88320), as a number from 0 to 2^32 - 1. */
export function crc32(text: string): number {
  let crc = 0xffffffff
  for (let i = 0; i < text.length; i++) {
    crc ^= text.charCodeAt(i) & 0xff
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1
  }
  return (crc ^ 0xffffffff) >>> 0
}
