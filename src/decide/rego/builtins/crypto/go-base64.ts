import { BuiltinError } from '../builtin.ts'

/** Go's four encodings: of RFC 4648 section 4 and 5, each with and without padding. */
export type Base64Form = 'standard' | 'url' | 'raw-standard' | 'raw-url'

/**
 * Bytes of base64 as Go's `encoding/base64` reads it: line ends are skipped, and the unused bits of the last character
 * count for nothing.
 *
 * @throws {BuiltinError} `illegal base64 data at input byte N`
 */
export function decodeGoBase64(text: string, form: Base64Form): Uint8Array<ArrayBuffer> {
  const values = form.endsWith('url') ? URL_VALUES : STANDARD_VALUES
  const padded = !form.startsWith('raw')
  const bytes = new Uint8Array(Math.ceil((text.length * 3) / 4))
  let length = 0
  let bits = 0
  let count = 0
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at)
    if (unit === LINE_FEED || unit === CARRIAGE_RETURN) continue
    if (unit === PADDING && padded) {
      checkPadding(text, at, count)
      return bytes.subarray(0, flush(bytes, length, bits, count))
    }
    const value = values[unit] ?? INVALID
    if (value === INVALID) throw corrupt(at)
    bits = (bits << 6) | value
    count += 1
    if (count === 4) {
      bytes[length] = bits >> 16
      bytes[length + 1] = bits >> 8
      bytes[length + 2] = bits
      length += 3
      bits = 0
      count = 0
    }
  }
  if (count === 1 || (count > 0 && padded)) throw corrupt(text.length - count)
  return bytes.subarray(0, flush(bytes, length, bits, count))
}

/**
 * Bytes of base64url as OPA's `base64url.decode` takes them: padding may be missing.
 *
 * @throws {BuiltinError}
 */
export function decodeLooseUrl(text: string): Uint8Array<ArrayBuffer> {
  const rest = text.endsWith('=') ? 0 : text.length % 4
  if (rest === 1) throw new BuiltinError('illegal base64url string')
  return decodeGoBase64(rest === 0 ? text : text + '='.repeat(4 - rest), 'url')
}

/**
 * Bytes of base64 in whichever form the text seems to have, as key sets in the wild hold it.
 *
 * @throws {BuiltinError}
 */
export function decodeAnyBase64(text: string): Uint8Array<ArrayBuffer> {
  const raw = text.endsWith('=') ? '' : 'raw-'
  const alphabet = /[+/]/.test(text) ? 'standard' : 'url'
  return decodeGoBase64(text, `${raw}${alphabet}`)
}

const LINE_FEED = 10
const CARRIAGE_RETURN = 13
const PADDING = 61
const INVALID = 255
const COMMON = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'
const STANDARD_VALUES = valuesOf(`${COMMON}+/`)
const URL_VALUES = valuesOf(`${COMMON}-_`)

function valuesOf(alphabet: string): Uint8Array {
  const values = new Uint8Array(128).fill(INVALID)
  for (let at = 0; at < alphabet.length; at++) values[alphabet.charCodeAt(at)] = at
  return values
}

/** After two characters `==` must follow, after three `=`, and then nothing but line ends. */
function checkPadding(text: string, start: number, count: number): void {
  let at = start
  if (count < 2) throw corrupt(at)
  if (count === 2) {
    at = skipLineEnds(text, at + 1)
    if (at === text.length) throw corrupt(at)
    if (text.charCodeAt(at) !== PADDING) throw corrupt(at - 1)
  }
  at = skipLineEnds(text, at + 1)
  if (at < text.length) throw corrupt(at)
}

function skipLineEnds(text: string, start: number): number {
  let at = start
  while (at < text.length && (text[at] === '\n' || text[at] === '\r')) at += 1
  return at
}

/** Writes the whole bytes of an unfinished group and gives the length then. */
function flush(bytes: Uint8Array, length: number, bits: number, count: number): number {
  if (count === 0) return length
  const aligned = bits << (6 * (4 - count))
  bytes[length] = aligned >> 16
  if (count === 2) return length + 1
  bytes[length + 1] = aligned >> 8
  return length + 2
}

function corrupt(at: number): BuiltinError {
  return new BuiltinError(`illegal base64 data at input byte ${at}`)
}
