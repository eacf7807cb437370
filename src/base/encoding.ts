import { PolicyError } from './errors.ts'

/** Lower-case hexadecimal text. */
export function encodeHex(bytes: Uint8Array): string {
  let text = ''
  for (const byte of bytes) text += HEX_PAIRS[byte]
  return text
}

/**
 * Bytes of lower-case hexadecimal text; upper case is refused, so that one value has one text.
 *
 * @throws {PolicyError} HEX_INVALID
 */
export function decodeHex(text: string): Uint8Array<ArrayBuffer> {
  if (!HEX.test(text)) throw new PolicyError('HEX_INVALID', 'expected pairs of 0-9 and a-f')
  const bytes = new Uint8Array(text.length / 2)
  for (let i = 0; i < bytes.length; i++) {
    bytes[i] = Number.parseInt(text.slice(2 * i, 2 * i + 2), 16)
  }
  return bytes
}

const HEX = /^(?:[0-9a-f]{2})*$/
const HEX_PAIRS = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

/** Base64 with padding: RFC 4648 section 4. */
export function encodeBase64(bytes: Uint8Array): string {
  return btoa(toBinary(bytes))
}

/** Base64url without padding: RFC 4648 section 5, as JOSE and SD-JWT use it. */
export function encodeBase64url(bytes: Uint8Array): string {
  return bytes.length <= SHORT_BYTES_MAX ? encodeShort(bytes) : toUrlAlphabet(encodeBase64(bytes))
}

/** Base64url without padding of text that holds ASCII only. The caller knows that it does. */
export function encodeBase64urlAscii(text: string): string {
  return toUrlAlphabet(btoa(text))
}

/**
 * Bytes of padded base64. Strict: no white space, no missing padding, and the unused bits of the last character
 * are zero, so that one value has one text (Node's decoder accepts a flipped trailing bit).
 *
 * @throws {PolicyError} BASE64_INVALID
 */
export function decodeBase64(text: string): Uint8Array<ArrayBuffer> {
  const end = text.endsWith('==') ? text.length - 2 : text.length - (text.endsWith('=') ? 1 : 0)
  if (text.length % 4 !== 0) throw invalid('a length that is a multiple of 4')
  return decodeBody(text, end, STANDARD_VALUES)
}

/**
 * Bytes of base64url without padding, as strict as {@link decodeBase64}.
 *
 * @throws {PolicyError} BASE64_INVALID
 */
export function decodeBase64url(text: string): Uint8Array<ArrayBuffer> {
  if (text.length % 4 === 1) throw invalid('a length that some number of bytes has')
  return decodeBody(text, text.length, URL_VALUES)
}

const COMMON = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'
const URL_ALPHABET = `${COMMON}-_`
const STANDARD_VALUES = valuesOf(`${COMMON}+/`)
const URL_VALUES = valuesOf(URL_ALPHABET)

/** Six-bit value by ASCII code; 255 for a character outside the alphabet. */
function valuesOf(alphabet: string): Uint8Array {
  const values = new Uint8Array(128).fill(255)
  for (let i = 0; i < alphabet.length; i++) values[alphabet.charCodeAt(i)] = i
  return values
}

function decodeBody(text: string, end: number, values: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(Math.floor((end * 6) / 8))
  let bits = 0
  let bitCount = 0
  let out = 0
  for (let i = 0; i < end; i++) {
    const value = values[text.charCodeAt(i)] ?? 255
    if (value === 255) throw invalid('characters of the alphabet only')
    bits = ((bits << 6) | value) & 0xffff
    bitCount += 6
    if (bitCount >= 8) {
      bitCount -= 8
      bytes[out++] = bits >> bitCount
    }
  }
  if ((bits & ((1 << bitCount) - 1)) !== 0) throw invalid('unused bits that are zero')
  return bytes
}

/** Below this a loop is faster than a detour through the engine's own encoder. */
const SHORT_BYTES_MAX = 64

function encodeShort(bytes: Uint8Array): string {
  let text = ''
  let at = 0
  for (; at + 2 < bytes.length; at += 3) {
    const group = (byteAt(bytes, at) << 16) | (byteAt(bytes, at + 1) << 8) | byteAt(bytes, at + 2)
    text += (URL_PAIRS[group >> 12] as string) + (URL_PAIRS[group & 0xfff] as string)
  }
  if (at + 1 === bytes.length) return text + URL_PAIRS[byteAt(bytes, at) << 4]
  if (at + 2 !== bytes.length) return text
  const group = ((byteAt(bytes, at) << 8) | byteAt(bytes, at + 1)) << 2
  return text + URL_PAIRS[group >> 6] + URL_ALPHABET.charAt(group & 63)
}

/** Two characters by twelve bits. */
const URL_PAIRS = Array.from(
  { length: 4096 },
  (_, bits) => URL_ALPHABET.charAt(bits >> 6) + URL_ALPHABET.charAt(bits & 63),
)

function byteAt(bytes: Uint8Array, at: number): number {
  return bytes[at] as number
}

/** One character a byte, in chunks: arguments go on the stack. A spread would ask for them one by one. */
function toBinary(bytes: Uint8Array): string {
  let text = ''
  for (let i = 0; i < bytes.length; i += CHUNK_BYTES) {
    text += Reflect.apply(String.fromCharCode, null, bytes.subarray(i, i + CHUNK_BYTES))
  }
  return text
}

const CHUNK_BYTES = 8192

function toUrlAlphabet(text: string): string {
  const end = text.indexOf('=')
  const body = end < 0 ? text : text.slice(0, end)
  return UNSAFE.test(body) ? body.replaceAll('+', '-').replaceAll('/', '_') : body
}

const UNSAFE = /[+/]/

function invalid(expected: string): PolicyError {
  return new PolicyError('BASE64_INVALID', `expected ${expected} in base64`)
}
