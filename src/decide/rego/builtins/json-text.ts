import { PolicyError } from '../../../base/errors.ts'
import { quote } from '../go-quote.ts'
import { parseValue } from '../values/json.ts'
import type { RegoNumber } from '../values/number.ts'
import { isNumber } from '../values/number.ts'
import { numberText } from '../values/text.ts'
import type { AnyObject, Value } from '../values/value.ts'
import {
  compareStrings,
  isArray,
  isSet,
  objectEntries,
  objectGet,
  objectKeys,
  objectSize,
} from '../values/value.ts'
import type { BuiltinFamily, Call } from './builtin.ts'
import { BuiltinError, mismatch, objectOperand, stringOperand } from './builtin.ts'
import { tooDeep, WALK_DEPTH_MAX } from './objects-weight.ts'

/** JSON text, RFC 8259, as Go's encoding/json writes and reads it; numbers are exact both ways. */
export const JSON_TEXT: BuiltinFamily = {
  'json.marshal': (call, value) =>
    value === undefined ? mismatch(value, 1, 'null') : compactJson(call, value),
  'json.marshal_with_options': marshalWithOptions,
  'json.unmarshal': (call, text) => unmarshal(call, stringOperand(text, 1)),
  'json.is_valid': (call, text) => typeof text === 'string' && isJson(call, text),
}

/** A value as JSON without white space. Sets are arrays; keys that are no strings are their JSON text. */
export function compactJson(call: Call, value: Value): string {
  return writeJson(call, value, undefined)
}

/**
 * Members of an object under the names they have in JSON, sorted as Go sorts them. Of two keys with one name, such as
 * `1` and `"1"`, the later in Rego's order counts.
 */
function namedMembers(call: Call, object: AnyObject): readonly (readonly [string, Value])[] {
  const keys = objectKeys(object)
  call.work(KEY_WORK * keys.length)
  if (keys.every((key) => typeof key === 'string')) {
    return keys.map((key) => [key, objectGet(object, key) as Value])
  }
  const members = new Map<string, Value>()
  for (const [key, value] of objectEntries(object)) {
    members.set(typeof key === 'string' ? key : compactJson(call, key), value)
  }
  return [...members].sort(([a], [b]) => compareStrings(a, b))
}

/** Units of work that a key of an object takes besides its text. */
const KEY_WORK = 16

/** A string as Go's encoding/json writes it: safe within HTML. */
function jsonString(text: string): string {
  const json = JSON.stringify(text)
  if (!/[<>&\u2028\u2029]/.test(json)) return json
  return json
    .replace(/</g, '\\u003c')
    .replace(/>/g, '\\u003e')
    .replace(/&/g, '\\u0026')
    .replace(/\u2028/g, '\\u2028')
    .replace(/\u2029/g, '\\u2029')
}

/** What stands before each line, and before that for each level. */
type Layout = { readonly prefix: string; readonly indent: string }

type Writing = { readonly call: Call; readonly layout: Layout | undefined; readonly text: string[] }

function writeJson(call: Call, value: Value, layout: Layout | undefined): string {
  const writing = { call, layout, text: [] }
  write(writing, value, 0)
  return writing.text.join('')
}

function write(writing: Writing, value: Value, depth: number): void {
  if (depth >= WALK_DEPTH_MAX) throw tooDeep()
  if (value === null || typeof value === 'boolean') put(writing, String(value))
  else if (typeof value === 'string') putString(writing, value)
  else if (isNumber(value)) putNumber(writing, value)
  else if (isArray(value)) writeArray(writing, value, depth + 1)
  else if (isSet(value)) {
    writing.call.work(KEY_WORK * value.size)
    writeArray(writing, value.values(), depth + 1)
  } else writeObject(writing, value, depth + 1)
}

function writeArray(writing: Writing, items: readonly Value[], depth: number): void {
  put(writing, '[')
  for (const [at, item] of items.entries()) {
    if (at > 0) put(writing, ',')
    newLine(writing, depth)
    write(writing, item, depth)
  }
  if (items.length > 0) newLine(writing, depth - 1)
  put(writing, ']')
}

function writeObject(writing: Writing, object: AnyObject, depth: number): void {
  const members = namedMembers(writing.call, object)
  put(writing, '{')
  for (const [at, [name, value]] of members.entries()) {
    if (at > 0) put(writing, ',')
    newLine(writing, depth)
    putString(writing, name)
    put(writing, writing.layout === undefined ? ':' : ': ')
    write(writing, value, depth)
  }
  if (members.length > 0) newLine(writing, depth - 1)
  put(writing, '}')
}

function newLine(writing: Writing, depth: number): void {
  const { call, layout } = writing
  if (layout === undefined) return
  call.output(1 + layout.prefix.length + depth * layout.indent.length)
  put(writing, `\n${layout.prefix}${layout.indent.repeat(depth)}`)
}

function putString(writing: Writing, text: string): void {
  writing.call.work(1 + (text.length >>> 1))
  put(writing, jsonString(text))
}

function putNumber(writing: Writing, value: RegoNumber): void {
  writing.call.work(typeof value === 'number' ? 1 : LONG_NUMBER_WORK)
  put(writing, numberText(value))
}

/** Units of work that a number of more digits than a double has takes. */
const LONG_NUMBER_WORK = 16

function put({ call, text }: Writing, piece: string): void {
  call.work(4)
  call.output(piece.length)
  text.push(piece)
}

function marshalWithOptions(call: Call, value?: Value, options?: Value): Value {
  if (value === undefined) return mismatch(value, 1, 'null')
  let layout: Layout = { prefix: '', indent: '\t' }
  let pretty: boolean | undefined
  const chosen = objectOperand(options, 2)
  call.work(OPTION_WORK * objectSize(chosen))
  for (const [name, option] of objectEntries(chosen)) {
    if (name === 'pretty') {
      if (typeof option !== 'boolean') throw badOption(name, 'boolean')
      pretty = option
    } else if (name === 'prefix' || name === 'indent') {
      if (typeof option !== 'string') throw badOption(name, 'string')
      layout = { ...layout, [name]: option }
    } else {
      throw unknownOption(name)
    }
  }
  const asked = objectGet(chosen, 'prefix') ?? objectGet(chosen, 'indent')
  if (!(pretty ?? asked !== undefined)) return compactJson(call, value)
  // Go indents all lines but the first.
  return layout.prefix + writeJson(call, value, layout)
}

const OPTION_WORK = 4

function badOption(name: string, wanted: string): BuiltinError {
  return new BuiltinError(`operand 2 key ${name} must be ${wanted}`, 'eval_type_error')
}

function unknownOption(name: Value): BuiltinError {
  const shown = typeof name === 'string' && name.length <= NAME_SHOWN_MAX ? ` ${quote(name)}` : ''
  return new BuiltinError(`operand 2 object contained unknown key${shown}`, 'eval_type_error')
}

/** Characters of a key that a message may show. */
const NAME_SHOWN_MAX = 64

function unmarshal(call: Call, text: string): Value {
  const exact = LONG_NUMBER.test(text)
  if (exact) call.work(DIGIT_WORK * text.length)
  chargeReading(call, text, exact ? EXACT_WORK : VALUE_WORK)
  try {
    return parseValue(LONE_SURROGATE.test(text) ? replaceLone(text) : text)
  } catch (cause) {
    if (!(cause instanceof PolicyError)) throw cause
    throw new BuiltinError(`operand 1: ${cause.message}`, 'eval_builtin_error', { cause })
  }
}

function isJson(call: Call, text: string): boolean {
  chargeReading(call, text, VALUE_WORK)
  try {
    JSON.parse(text)
    return true
  } catch (error) {
    if (error instanceof SyntaxError) return false
    throw error
  }
}

/** Units of work that a value in JSON takes. */
const VALUE_WORK = 4
/** Where the text has numbers that must be read digit by digit, a value and a character take more. */
const EXACT_WORK = 24
const DIGIT_WORK = 2
const LONG_NUMBER = /[0-9.]{16}|[0-9][eE]/

/** Bytes that a value takes up at least. */
const VALUE_OUTPUT = 16

function chargeReading(call: Call, text: string, valueWork: number): void {
  call.work(text.length >>> 2)
  let values = 1
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    // A comma, a colon, and brackets that open: each has a value behind it, or stands within a string.
    if (code === 0x2c || code === 0x3a || code === 0x5b || code === 0x7b) values += 1
  }
  call.work(valueWork * values)
  call.output(text.length + VALUE_OUTPUT * values)
}

/** Escapes that may be half of a pair. */
const LONE_SURROGATE = /\\u[dD][89A-Fa-f]/
const ESCAPE =
  /\\u[dD][89ABab][0-9A-Fa-f]{2}\\u[dD][C-Fc-f][0-9A-Fa-f]{2}|(\\u[dD][89A-Fa-f][0-9A-Fa-f]{2})|\\./gs

/** Go reads half of a pair as U+FFFD. */
function replaceLone(text: string): string {
  return text.replace(ESCAPE, (found: string, lone?: string) =>
    lone === undefined ? found : '\\ufffd',
  )
}
