import type { ErrorCode } from './errors.ts'
import { PolicyError } from './errors.ts'
import type { JsonObject, JsonValue } from './json-value.ts'
import { ACTION_BYTES_MAX, JSON_DEPTH_MAX } from './limits.ts'
import { isExactNumber } from './number-text.ts'

export { assertPlainJson } from './plain-json.ts'

export type ParseJsonOptions = {
  /** Longest text in UTF-8 bytes. Default: ACTION_BYTES_MAX. */
  readonly bytesMax?: number
  /** Deepest nesting; `[]` is 1 deep, a scalar 0. Default: JSON_DEPTH_MAX. */
  readonly depthMax?: number
  /** Keys that are refused anywhere, beside `__proto__`. Default: none. */
  readonly reservedKeys?: readonly string[]
}

/**
 * Parses JSON from outside, RFC 8259 to the letter, and refuses what RFC 8785 cannot carry unchanged. Numbers must
 * have the value that their double prints (so `1.0` and `0.1` pass, `9007199254740993` and `1e400` do not); -0
 * becomes 0.
 *
 * @throws {PolicyError} JSON_MALFORMED with a position; ACTION_AMBIGUOUS for a duplicate key, a lone surrogate, an
 *   inexact number, `__proto__` or a reserved key; ACTION_TOO_DEEP; ACTION_TOO_LARGE
 */
export function parseJson(text: string, options: ParseJsonOptions = {}): JsonValue {
  const bytesMax = options.bytesMax ?? ACTION_BYTES_MAX
  // A UTF-16 code unit takes one to three bytes of UTF-8, so most texts need no counting.
  if (text.length > bytesMax || (text.length * 3 > bytesMax && utf8Length(text) > bytesMax)) {
    throw tooLarge(bytesMax)
  }
  const reader: Reader = {
    text,
    offset: 0,
    depthLeft: options.depthMax ?? JSON_DEPTH_MAX,
    reserved: new Set(options.reservedKeys),
  }
  if (!text.isWellFormed()) {
    reader.offset = loneSurrogateAt(text)
    throw fail(reader, 'ACTION_AMBIGUOUS', 'expected Unicode text, found a lone surrogate')
  }
  skipSpace(reader)
  const value = readValue(reader)
  skipSpace(reader)
  if (reader.offset < text.length) throw malformed(reader, 'the end of the text')
  return value
}

/**
 * Parses JSON from UTF-8 bytes, as {@link parseJson} does. A byte order mark is malformed.
 *
 * @throws {PolicyError} as parseJson; JSON_MALFORMED also when the bytes are no UTF-8
 */
export function parseJsonBytes(bytes: Uint8Array, options: ParseJsonOptions = {}): JsonValue {
  const bytesMax = options.bytesMax ?? ACTION_BYTES_MAX
  if (bytes.length > bytesMax) throw tooLarge(bytesMax)
  let text: string
  try {
    text = UTF8.decode(bytes)
  } catch (cause) {
    throw new PolicyError('JSON_MALFORMED', 'expected UTF-8, found other bytes', { cause })
  }
  return parseJson(text, options)
}

/** `ignoreBOM` keeps the mark in the text, where the parser refuses it. */
const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

type Reader = {
  readonly text: string
  readonly reserved: ReadonlySet<string>
  /** Index of the next UTF-16 code unit. */
  offset: number
  depthLeft: number
}

const QUOTE = 0x22
const COMMA = 0x2c
const MINUS = 0x2d
const ZERO = 0x30
const NINE = 0x39
const COLON = 0x3a
const BRACKET_OPEN = 0x5b
const BACKSLASH = 0x5c
const BRACKET_CLOSE = 0x5d
const BRACE_OPEN = 0x7b
const BRACE_CLOSE = 0x7d

function readValue(reader: Reader): JsonValue {
  const code = reader.text.charCodeAt(reader.offset)
  switch (code) {
    case QUOTE:
      return readString(reader)
    case BRACE_OPEN:
      return readObject(reader)
    case BRACKET_OPEN:
      return readArray(reader)
    case 0x74: // t
      return readWord(reader, 'true', true)
    case 0x66: // f
      return readWord(reader, 'false', false)
    case 0x6e: // n
      return readWord(reader, 'null', null)
    default:
      if (code === MINUS || isDigit(code)) return readNumber(reader)
      throw malformed(reader, 'a value')
  }
}

function readObject(reader: Reader): JsonObject {
  descend(reader)
  const { text } = reader
  const object: Record<string, JsonValue> = {}
  if (text.charCodeAt(reader.offset) === BRACE_CLOSE) return ascend(reader, object)
  for (;;) {
    const start = reader.offset
    if (text.charCodeAt(start) !== QUOTE) throw malformed(reader, 'a key in quotes')
    const key = readString(reader)
    checkKey(reader, { object, key, start })
    skipSpace(reader)
    if (text.charCodeAt(reader.offset) !== COLON) throw malformed(reader, "':'")
    reader.offset += 1
    skipSpace(reader)
    setOwn(object, key, readValue(reader))
    skipSpace(reader)
    const code = text.charCodeAt(reader.offset)
    if (code === BRACE_CLOSE) return ascend(reader, object)
    if (code !== COMMA) throw malformed(reader, "',' or '}'")
    reader.offset += 1
    skipSpace(reader)
  }
}

function checkKey(
  reader: Reader,
  { object, key, start }: { object: JsonObject; key: string; start: number },
): void {
  const duplicate = Object.hasOwn(object, key)
  if (!duplicate && key !== '__proto__' && !reader.reserved.has(key)) return
  reader.offset = start
  const found = duplicate ? 'the same key twice' : 'a reserved key'
  throw fail(reader, 'ACTION_AMBIGUOUS', `expected keys with one meaning, found ${found}`)
}

/** Assignment would reach a setter or a read-only member of a polluted prototype; a definition does not. */
function setOwn(object: Record<string, JsonValue>, key: string, value: JsonValue): void {
  if (key in object) {
    Object.defineProperty(object, key, {
      value,
      writable: true,
      enumerable: true,
      configurable: true,
    })
  } else {
    object[key] = value
  }
}

function readArray(reader: Reader): JsonValue[] {
  descend(reader)
  const { text } = reader
  const values: JsonValue[] = []
  if (text.charCodeAt(reader.offset) === BRACKET_CLOSE) return ascend(reader, values)
  for (;;) {
    values.push(readValue(reader))
    skipSpace(reader)
    const code = text.charCodeAt(reader.offset)
    if (code === BRACKET_CLOSE) return ascend(reader, values)
    if (code !== COMMA) throw malformed(reader, "',' or ']'")
    reader.offset += 1
    skipSpace(reader)
  }
}

function descend(reader: Reader): void {
  if (reader.depthLeft === 0) {
    throw fail(reader, 'ACTION_TOO_DEEP', 'expected less nesting of arrays and objects')
  }
  reader.depthLeft -= 1
  reader.offset += 1
  skipSpace(reader)
}

function ascend<T>(reader: Reader, value: T): T {
  reader.depthLeft += 1
  reader.offset += 1
  return value
}

function readString(reader: Reader): string {
  const { text } = reader
  const start = reader.offset + 1
  let at = start
  for (;;) {
    const code = text.charCodeAt(at)
    if (code === QUOTE) {
      reader.offset = at + 1
      return text.slice(start, at)
    }
    if (code === BACKSLASH) return readEscaped(reader, start, at)
    // The comparison is also false for the NaN that stands past the end.
    if (!(code >= 0x20)) return failInString(reader, at)
    at += 1
  }
}

/** Reads on from the first backslash of a string, at `at`. */
function readEscaped(reader: Reader, start: number, first: number): string {
  const { text } = reader
  let at = first
  let from = start
  let value = ''
  let surrogates = false
  for (;;) {
    const code = text.charCodeAt(at)
    if (code === BACKSLASH) {
      value += text.slice(from, at)
      const unit = readEscape(reader, at)
      surrogates ||= (unit & 0xf800) === 0xd800
      value += String.fromCharCode(unit)
      at = reader.offset
      from = at
    } else if (code === QUOTE) {
      break
    } else if (code >= 0x20) {
      at += 1
    } else {
      return failInString(reader, at)
    }
  }
  value += text.slice(from, at)
  if (surrogates && !value.isWellFormed()) {
    reader.offset = start - 1
    throw fail(reader, 'ACTION_AMBIGUOUS', 'expected Unicode text, found a lone surrogate escape')
  }
  reader.offset = at + 1
  return value
}

/** Reads the escape whose backslash is at `at`: one UTF-16 code unit. Moves the reader behind it. */
function readEscape(reader: Reader, at: number): number {
  const { text } = reader
  const letter = text.charAt(at + 1)
  if (letter === 'u') {
    const digits = text.slice(at + 2, at + 6)
    if (HEX_4.test(digits)) {
      reader.offset = at + 6
      return Number.parseInt(digits, 16)
    }
  } else {
    const unit = ESCAPES.get(letter)
    if (unit !== undefined) {
      reader.offset = at + 2
      return unit
    }
  }
  reader.offset = at
  throw malformed(reader, 'an escape such as \\n or \\u0041')
}

const HEX_4 = /^[0-9A-Fa-f]{4}$/

const ESCAPES: ReadonlyMap<string, number> = new Map([
  ['"', QUOTE],
  ['\\', BACKSLASH],
  ['/', 0x2f],
  ['b', 0x08],
  ['f', 0x0c],
  ['n', 0x0a],
  ['r', 0x0d],
  ['t', 0x09],
])

function failInString(reader: Reader, at: number): never {
  reader.offset = at
  throw malformed(
    reader,
    at < reader.text.length ? 'an escaped control character' : "a closing '\"'",
  )
}

/** Integers of up to this many digits are exact doubles: 10^15 < 2^53. */
const EXACT_DIGITS_MAX = 15

function readNumber(reader: Reader): number {
  const { text } = reader
  const start = reader.offset
  const negative = text.charCodeAt(start) === MINUS
  const first = negative ? start + 1 : start
  let at = first
  let whole = 0
  for (; isDigit(text.charCodeAt(at)); at++) whole = whole * 10 + text.charCodeAt(at) - ZERO
  reader.offset = at
  if (at === first) throw malformed(reader, 'a digit')
  if (text.charCodeAt(first) === ZERO && at > first + 1) {
    reader.offset = first
    throw malformed(reader, 'a number without leading zeros')
  }
  const next = text.charCodeAt(at)
  const fraction = next === 0x2e || next === 0x65 || next === 0x45 // . e E
  if (!fraction && at - first <= EXACT_DIGITS_MAX) return negative && whole !== 0 ? -whole : whole
  if (fraction) skipFraction(reader)
  const source = text.slice(start, reader.offset)
  const value = Number(source)
  // Short plain decimals round-trip by DBL_DIG, so only long ones and exponents need the comparison.
  if ((source.length > EXACT_DIGITS_MAX || hasExponent(source)) && !isExactNumber(source, value)) {
    reader.offset = start
    throw fail(
      reader,
      'ACTION_AMBIGUOUS',
      'expected a number that a double holds exactly as written',
    )
  }
  return value === 0 ? 0 : value
}

/** Moves behind the fraction and the exponent of a number, both optional. */
function skipFraction(reader: Reader): void {
  const { text } = reader
  if (text.charCodeAt(reader.offset) === 0x2e) {
    reader.offset += 1
    skipDigits(reader)
  }
  const code = text.charCodeAt(reader.offset)
  if (code === 0x65 || code === 0x45) {
    reader.offset += 1
    const sign = text.charCodeAt(reader.offset)
    if (sign === 0x2b || sign === MINUS) reader.offset += 1
    skipDigits(reader)
  }
}

function skipDigits(reader: Reader): void {
  const start = reader.offset
  while (isDigit(reader.text.charCodeAt(reader.offset))) reader.offset += 1
  if (reader.offset === start) throw malformed(reader, 'a digit')
}

function hasExponent(source: string): boolean {
  return source.includes('e') || source.includes('E')
}

function readWord<T>(reader: Reader, word: string, value: T): T {
  if (!reader.text.startsWith(word, reader.offset)) throw malformed(reader, 'a value')
  reader.offset += word.length
  return value
}

function skipSpace(reader: Reader): void {
  const { text } = reader
  let at = reader.offset
  for (;;) {
    const code = text.charCodeAt(at)
    if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) break
    at += 1
  }
  reader.offset = at
}

function isDigit(code: number): boolean {
  return code >= ZERO && code <= NINE
}

/** Names what was expected, never what was found: the text may hold secrets. */
function malformed(reader: Reader, expected: string): PolicyError {
  return fail(reader, 'JSON_MALFORMED', `expected ${expected}`)
}

function fail(reader: Reader, code: ErrorCode, message: string): PolicyError {
  const before = reader.text.slice(0, reader.offset)
  const line = before.split('\n').length
  const column = reader.offset - before.lastIndexOf('\n')
  return new PolicyError(code, `${message} at ${line}:${column}`, { at: { line, column } })
}

function tooLarge(bytesMax: number): PolicyError {
  return new PolicyError('ACTION_TOO_LARGE', `expected at most ${bytesMax} bytes of JSON`)
}

function loneSurrogateAt(text: string): number {
  for (let i = 0; i < text.length; i++) {
    const point = text.codePointAt(i) ?? 0
    if (point >= 0xd800 && point <= 0xdfff) return i
    if (point > 0xffff) i += 1
  }
  return text.length
}

function utf8Length(text: string): number {
  let bytes = text.length
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    // A surrogate counts two: its pair takes four bytes.
    if (unit >= 0x80) bytes += unit >= 0x800 && (unit & 0xf800) !== 0xd800 ? 2 : 1
  }
  return bytes
}
