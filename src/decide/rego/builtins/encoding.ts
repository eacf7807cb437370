import type { Value } from '../values/value.ts'
import {
  compareStrings,
  isArray,
  isObject,
  isSet,
  objectGet,
  objectKeys,
  objectOf,
} from '../values/value.ts'
import type { Builtin, BuiltinFamily, Call } from './builtin.ts'
import { BuiltinError, mismatch, stringOperand } from './builtin.ts'
import {
  base64Of,
  bytesOfBase64,
  bytesOfHex,
  hexOf,
  isBase64,
  STANDARD_ALPHABET,
  URL_ALPHABET,
} from './encoding-bytes.ts'
import { compactJson } from './json-text.ts'
import { escapeQuery, unescapeUrl } from './uri-escape.ts'

/**
 * Base64, hexadecimal and URL query text. What decodes to bytes that are no UTF-8 is refused: OPA hands on a string
 * that JSON cannot carry.
 */
export const ENCODING: BuiltinFamily = {
  'base64.encode': onText((text) => base64Of(utf8(text), STANDARD_ALPHABET)),
  'base64.decode': onText((text) => decodeText(bytesOfBase64(text, STANDARD_ALPHABET))),
  'base64.is_valid': (call, text) => {
    if (typeof text !== 'string') return false
    call.work(Math.ceil(text.length / CHARACTERS_PER_UNIT))
    return isBase64(text, STANDARD_ALPHABET)
  },
  'base64url.encode': onText((text) => base64Of(utf8(text), URL_ALPHABET)),
  'base64url.encode_no_pad': onText((text) =>
    base64Of(utf8(text), URL_ALPHABET).replace(/={1,2}$/, ''),
  ),
  'base64url.decode': onText((text) => decodeText(bytesOfBase64(padded(text), URL_ALPHABET))),
  'hex.encode': onText((text) => hexOf(utf8(text))),
  'hex.decode': onText((text) => decodeText(bytesOfHex(text))),
  'urlquery.encode': onText(escapeQuery, 'dear'),
  'urlquery.decode': onText((text) => unescapeUrl(text, 'query'), 'dear'),
  'urlquery.encode_object': encodeObject,
  'urlquery.decode_object': decodeObject,
}

/** Go's net/url refuses a query of more parameters. */
const QUERY_PARAMETERS_MAX = 10_000

/** Characters of a text that cost a unit of work to turn over, at most. */
const CHARACTERS_PER_UNIT = 2

const ENCODER = new TextEncoder()
const DECODER = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** @param dear - whether a character may cost a whole unit of work */
function onText(use: (text: string) => string, dear?: 'dear'): Builtin {
  return (call, operand) => {
    const text = stringOperand(operand, 1)
    call.work(dear === undefined ? Math.ceil(text.length / CHARACTERS_PER_UNIT) : text.length)
    return use(text)
  }
}

function utf8(text: string): Uint8Array {
  return ENCODER.encode(text)
}

function decodeText(bytes: Uint8Array | undefined): string {
  if (bytes === undefined) throw new BuiltinError('operand 1 is not of this encoding')
  try {
    return DECODER.decode(bytes)
  } catch (cause) {
    throw new BuiltinError('operand 1 decodes to no UTF-8', 'eval_builtin_error', { cause })
  }
}

/** Padding may be left out as a whole. OPA counts line breaks, too. */
function padded(text: string): string {
  const missing = text.endsWith('=') ? 0 : (4 - (text.length % 4)) % 4
  return text + '='.repeat(missing)
}

/** Names sorted, as Go's url.Values are; a list gives its name once for each of its values. */
function encodeObject(call: Call, object?: Value): Value {
  if (!isObject(object)) return mismatch(object, 1, 'object')
  const parameters = new Map<string, readonly string[]>()
  for (const key of objectKeys(object)) {
    const name = typeof key === 'string' ? key : compactJson(call, key)
    const value = objectGet(object, key) as Value
    const list = isArray(value) ? value : isSet(value) ? value.values() : [value]
    if (!list.every((item) => typeof item === 'string')) {
      const message = 'operand 1 values must be string, array[string], or set[string]'
      throw new BuiltinError(message, 'eval_type_error')
    }
    call.work(4 + list.length)
    parameters.set(name, list)
  }
  const text: string[] = []
  for (const name of [...parameters.keys()].sort(compareStrings)) {
    const escaped = escapeQuery(name)
    for (const value of parameters.get(name) ?? []) {
      call.work(8 + name.length + value.length)
      call.output(3 * (name.length + value.length) + 2)
      text.push(`${escaped}=${escapeQuery(value)}`)
    }
  }
  return text.join('&')
}

function decodeObject(call: Call, query?: Value): Value {
  const text = stringOperand(query, 1)
  call.work(text.length)
  const pairs = text.split('&', QUERY_PARAMETERS_MAX + 1)
  if (pairs.length > QUERY_PARAMETERS_MAX) {
    throw new BuiltinError(`operand 1 has more than ${QUERY_PARAMETERS_MAX} parameters`)
  }
  call.work(8 * pairs.length)
  const parameters = new Map<string, string[]>()
  for (const pair of pairs) {
    if (pair.includes(';')) throw new BuiltinError('operand 1 has a semicolon as a separator')
    if (pair === '') continue
    const at = pair.indexOf('=')
    const name = unescapeUrl(at < 0 ? pair : pair.slice(0, at), 'query')
    const value = unescapeUrl(at < 0 ? '' : pair.slice(at + 1), 'query')
    const values = parameters.get(name)
    if (values === undefined) parameters.set(name, [value])
    else values.push(value)
  }
  return objectOf(parameters)
}
