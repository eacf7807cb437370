import { formatFloat } from '../go-float.ts'
import { BuiltinError } from './builtin.ts'
import { readLayout } from './time-layout.ts'
import { parseTime } from './time-parse.ts'
import { YamlFault } from './yaml-text-cursor.ts'
import type { YamlScalar } from './yaml-text-parse.ts'

/** What a scalar stands for: a whole number as a bigint, any other as a number, also NaN and infinities. */
export type YamlValue = null | boolean | string | bigint | number

/**
 * Resolves a scalar as go-yaml does: YAML 1.2's booleans and nulls, numbers of YAML 1.1 and of Go. Dates are text.
 *
 * @throws {YamlFault} where the text is none of what its tag says
 * @throws {BuiltinError} for the tags `!!timestamp` and `!!merge`, which are not supported
 */
export function resolveScalar({ tag, value, plain }: YamlScalar): YamlValue {
  switch (tag) {
    case '':
      return plain ? resolvePlain(value) : value
    case '!!str':
      return value
    case '!!binary':
      return decodeBinary(value)
    case '!!timestamp':
    case '!!merge':
      throw new BuiltinError(`the YAML tag ${tag} is not supported`)
    case '!!int':
    case '!!float':
    case '!!bool':
    case '!!null':
      return resolveTagged(tag, value)
    default:
      return value
  }
}

/** Whether the scalar is text and nothing else: what go-yaml gives the tag `!!str`. */
export function isText({ tag, value, plain }: YamlScalar): boolean {
  return tag === '!!str' || (tag === '' && (!plain || typeof resolvePlain(value) === 'string'))
}

/** Whether plain text would be read as something else, dates included. */
export function isAmbiguous(text: string): boolean {
  return typeof resolvePlain(text) !== 'string' || isTimestamp(text)
}

/**
 * The name that a key has in JSON. Undefined for null, which names nothing.
 *
 * @param key - a float is written as Go writes one of 32 bits
 */
export function keyName(key: YamlValue): string | undefined {
  if (key === null) return undefined
  if (typeof key !== 'number') return String(key)
  const short = Math.fround(key)
  if (Number.isNaN(short)) return '.nan'
  if (!Number.isFinite(short)) return short > 0 ? '.inf' : '-.inf'
  for (let digits = 1; digits < 9; digits++) {
    const rounded = Number(short.toPrecision(digits))
    if (Math.fround(rounded) === short) return formatFloat(rounded, 'g', -1)
  }
  return formatFloat(Number(short.toPrecision(9)), 'g', -1)
}

const WORDS: ReadonlyMap<string, YamlValue> = new Map<string, YamlValue>([
  ...['', '~', 'null', 'Null', 'NULL'].map((word) => [word, null] as const),
  ...['true', 'True', 'TRUE'].map((word) => [word, true] as const),
  ...['false', 'False', 'FALSE'].map((word) => [word, false] as const),
  ...['.nan', '.NaN', '.NAN'].map((word) => [word, Number.NaN] as const),
  ...['.inf', '.Inf', '.INF'].flatMap((word) => [
    [word, Number.POSITIVE_INFINITY] as const,
    [`+${word}`, Number.POSITIVE_INFINITY] as const,
    [`-${word}`, Number.NEGATIVE_INFINITY] as const,
  ]),
])

function resolvePlain(text: string): YamlValue {
  const word = WORDS.get(text)
  if (word !== undefined) return word
  if (/^\./.test(text)) return floatOf(text, /^\.[0-9]+(?:[eE][-+]?[0-9]+)?$/) ?? text
  if (!/^[-+0-9]/.test(text)) return text
  const digits = text.replaceAll('_', '')
  return integerOf(digits) ?? floatOf(digits, FLOAT) ?? oddInteger(digits) ?? text
}

function resolveTagged(tag: '!!int' | '!!float' | '!!bool' | '!!null', text: string): YamlValue {
  const value = resolvePlain(text)
  const fits = {
    '!!int': typeof value === 'bigint',
    '!!float': typeof value === 'number' || typeof value === 'bigint',
    '!!bool': typeof value === 'boolean',
    '!!null': value === null,
  }
  // A whole number beyond int64 is not made a float.
  const unsigned = tag === '!!float' && typeof value === 'bigint' && value > INT64_MAX
  if (!fits[tag] || unsigned) throw new YamlFault(`cannot decode a scalar as a ${tag}`)
  return tag === '!!float' ? Number(value) : value
}

const FLOAT = /^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$/
const INT64_MAX = 2n ** 63n - 1n
const UINT64_MAX = 2n ** 64n - 1n

function floatOf(text: string, pattern: RegExp): number | undefined {
  const value = pattern.test(text) ? Number(text) : Number.NaN
  return Number.isFinite(value) ? value : undefined
}

/** Go's integer literals: `0x`, `0o`, `0b`, and a leading zero for octal; 64 bits, the last only without a sign. */
function integerOf(text: string): bigint | undefined {
  const parts = /^([-+]?)(?:0[xX]([0-9a-fA-F]+)|0[bB]([01]+)|0[oO]?([0-7]+)|(0|[1-9][0-9]*))$/.exec(
    text,
  )
  if (parts === null) return undefined
  const [, sign = '', hexadecimal, binary, octal, decimal = ''] = parts
  if (hexadecimal !== undefined) return signedInteger(sign, '0x', hexadecimal)
  if (binary !== undefined) return signedInteger(sign, '0b', binary)
  if (octal !== undefined) return signedInteger(sign, '0o', octal)
  return signedInteger(sign, '', decimal)
}

/** go-yaml also takes a sign between prefix and digits. */
function oddInteger(text: string): bigint | undefined {
  const [, prefix = '', sign = '', digits = ''] = /^(0[bo])([-+])([0-7]+)$/.exec(text) ?? []
  if (digits === '' || (prefix === '0b' && /[2-7]/.test(digits))) return undefined
  return signedInteger(sign, prefix, digits)
}

function signedInteger(sign: string, prefix: string, digits: string): bigint | undefined {
  const short = digits.replace(/^0+(?=.)/, '')
  if (short.length > 64) return undefined
  const value = BigInt(prefix + short)
  if (sign === '-') return value <= INT64_MAX + 1n ? -value : undefined
  return value <= (sign === '+' ? INT64_MAX : UINT64_MAX) ? value : undefined
}

const TIMESTAMPS = [
  '2006-1-2T15:4:5.999999999Z07:00',
  '2006-1-2t15:4:5.999999999Z07:00',
  '2006-1-2 15:4:5.999999999',
  '2006-1-2',
].map(readLayout)

function isTimestamp(text: string): boolean {
  return (
    /^[0-9]{4}-/.test(text) && TIMESTAMPS.some((layout) => parseTime(layout, text) !== undefined)
  )
}

function decodeBinary(text: string): string {
  const plain = text.replaceAll(/[\r\n]/g, '')
  if (plain.length % 4 !== 0 || /[^A-Za-z0-9+/]/.test(plain.replace(/={1,2}$/, ''))) {
    throw new YamlFault('!!binary value contains invalid base64 data')
  }
  try {
    const bytes = Uint8Array.from(atob(plain), (character) => character.charCodeAt(0))
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (cause) {
    throw new BuiltinError('a !!binary value is no UTF-8', 'eval_builtin_error', { cause })
  }
}
