/** The 64 characters of RFC 4648, section 4 or 5, and their values by ASCII code. */
export type Base64Alphabet = {
  /** Codes of the characters by value. */
  readonly codes: Uint8Array
  /** Values by code; NO_VALUE for what is none of them. */
  readonly values: Uint8Array
}

export const STANDARD_ALPHABET = alphabetOf('+/')
export const URL_ALPHABET = alphabetOf('-_')

/** Base64 with padding. */
export function base64Of(bytes: Uint8Array, { codes }: Base64Alphabet): string {
  const out = new Uint8Array(4 * Math.ceil(bytes.length / 3))
  const at = (index: number): number => bytes[index] ?? 0
  for (let from = 0, to = 0; from < bytes.length; from += 3, to += 4) {
    const group = (at(from) << 16) | (at(from + 1) << 8) | at(from + 2)
    out[to] = codes[group >> 18] ?? 0
    out[to + 1] = codes[(group >> 12) & 63] ?? 0
    out[to + 2] = from + 1 < bytes.length ? (codes[(group >> 6) & 63] ?? 0) : PADDING
    out[to + 3] = from + 2 < bytes.length ? (codes[group & 63] ?? 0) : PADDING
  }
  return ASCII.decode(out)
}

/** Go skips line breaks anywhere and minds no unused bits; apart from that, padding and alphabet are strict. */
export function isBase64(text: string, { values }: Base64Alphabet): boolean {
  const plain = withoutBreaks(text)
  if (plain.length % 4 !== 0) return false
  const end = bodyEnd(plain)
  for (let at = 0; at < end; at++) {
    if ((values[plain.charCodeAt(at)] ?? NO_VALUE) === NO_VALUE) return false
  }
  return true
}

/** Bytes of base64 with padding, as loose as {@link isBase64}; undefined for what is none. */
export function bytesOfBase64(text: string, alphabet: Base64Alphabet): Uint8Array | undefined {
  if (!isBase64(text, alphabet)) return undefined
  const plain = withoutBreaks(text)
  const end = bodyEnd(plain)
  const bytes = new Uint8Array(Math.floor((end * 3) / 4))
  let bits = 0
  let count = 0
  for (let from = 0, to = 0; from < end; from++) {
    bits = (bits << 6) | (alphabet.values[plain.charCodeAt(from)] ?? 0)
    count += 6
    if (count < 8) continue
    count -= 8
    bytes[to++] = bits >> count
    bits &= (1 << count) - 1
  }
  return bytes
}

/** Lower-case hexadecimal text. */
export function hexOf(bytes: Uint8Array): string {
  const out = new Uint8Array(2 * bytes.length)
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at] ?? 0
    out[2 * at] = HEX_DIGITS.charCodeAt(byte >> 4)
    out[2 * at + 1] = HEX_DIGITS.charCodeAt(byte & 15)
  }
  return ASCII.decode(out)
}

/** Bytes of hexadecimal text in either case; undefined for what is none. */
export function bytesOfHex(text: string): Uint8Array | undefined {
  if (text.length % 2 !== 0) return undefined
  const bytes = new Uint8Array(text.length / 2)
  for (let at = 0; at < bytes.length; at++) {
    const high = HEX_VALUES[text.charCodeAt(2 * at)] ?? NO_VALUE
    const low = HEX_VALUES[text.charCodeAt(2 * at + 1)] ?? NO_VALUE
    if (high === NO_VALUE || low === NO_VALUE) return undefined
    bytes[at] = (high << 4) | low
  }
  return bytes
}

const NO_VALUE = 255
const PADDING = 0x3d // `=`
const HEX_DIGITS = '0123456789abcdef'
const HEX_VALUES = hexValues()
const ASCII = new TextDecoder()

function alphabetOf(last: string): Base64Alphabet {
  const characters = `ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789${last}`
  const codes = Uint8Array.from(characters, (character) => character.charCodeAt(0))
  const values = new Uint8Array(128).fill(255)
  for (const [value, code] of codes.entries()) values[code] = value
  return { codes, values }
}

function hexValues(): Uint8Array {
  const values = new Uint8Array(128).fill(255)
  for (const [value, digit] of [...HEX_DIGITS].entries()) {
    values[digit.charCodeAt(0)] = value
    values[digit.toUpperCase().charCodeAt(0)] = value
  }
  return values
}

function withoutBreaks(text: string): string {
  return /[\r\n]/.test(text) ? text.replace(/[\r\n]+/g, '') : text
}

/** Where the padding begins, of which there are at most two. */
function bodyEnd(text: string): number {
  if (text.endsWith('==')) return text.length - 2
  return text.endsWith('=') ? text.length - 1 : text.length
}
