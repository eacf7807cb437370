import { canonicalizeString } from '../../../base/canonical-json.ts'
import { PolicyError } from '../../../base/errors.ts'
import { CANONICAL_DEPTH_MAX } from '../../../base/limits.ts'
import { isNumber, parseNumber } from '../values/number.ts'
import { numberText } from '../values/text.ts'
import type { Value } from '../values/value.ts'
import { isArray, isSet, objectEntries, objectOf, RegoSet, setOf } from '../values/value.ts'

/**
 * Reads what `opa_value_dump` writes: JSON, with sets as `{1, 2}` and `set()`, and keys of any type.
 *
 * @throws {PolicyError} REGO_RESULT_INVALID when the text is anything else, or nests deeper than CANONICAL_DEPTH_MAX;
 *   REGO_NUMBER_TOO_LONG
 */
export function readDump(text: string): Value {
  const reader: Reader = { text, at: 0 }
  const value = readValue(reader, 0)
  if (reader.at !== text.length) throw unreadable()
  return value
}

/** A value for `opa_value_parse`, in the same form. */
export function writeDump(value: Value): string {
  if (value === null || typeof value === 'boolean') return String(value)
  if (typeof value === 'string') return canonicalizeString(value)
  if (isNumber(value)) return numberText(value)
  if (isArray(value)) return `[${value.map(writeDump).join(',')}]`
  if (isSet(value))
    return value.size === 0 ? 'set()' : `{${value.values().map(writeDump).join(',')}}`
  const entries = objectEntries(value).map(([key, one]) => `${writeDump(key)}:${writeDump(one)}`)
  return `{${entries.join(',')}}`
}

type Reader = { readonly text: string; at: number }

const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y
// The dump escapes the quote, the backslash and everything below the space, so this never runs past the end.
const STRING = /"(?:[^"\\]|\\.)*"/y
const WORDS: readonly (readonly [string, () => Value])[] = [
  ['null', () => null],
  ['true', () => true],
  ['false', () => false],
  ['set()', () => new RegoSet()],
]

function readValue(reader: Reader, depth: number): Value {
  if (depth > CANONICAL_DEPTH_MAX) {
    throw new PolicyError(
      'REGO_RESULT_INVALID',
      `expected at most ${CANONICAL_DEPTH_MAX} levels of nesting`,
    )
  }
  const first = reader.text[reader.at]
  if (first === '"') return readString(reader)
  if (first === '[') return readItems(reader, ']', depth)
  if (first === '{') return readBraces(reader, depth)
  for (const [word, make] of WORDS) {
    if (take(reader, word)) return make()
  }
  const number = parseNumber(match(reader, NUMBER))
  if (number === undefined) throw unreadable()
  return number
}

function readString(reader: Reader): string {
  const source = match(reader, STRING)
  try {
    return JSON.parse(source) as string
  } catch {
    throw unreadable()
  }
}

function readItems(reader: Reader, close: string, depth: number): Value[] {
  reader.at += 1
  const items: Value[] = []
  if (take(reader, close)) return items
  do items.push(readValue(reader, depth + 1))
  while (take(reader, ', '))
  if (!take(reader, close)) throw unreadable()
  return items
}

function readBraces(reader: Reader, depth: number): Value {
  reader.at += 1
  if (take(reader, '}')) return objectOf([])
  const first = readValue(reader, depth + 1)
  if (!take(reader, ': ')) {
    const items = [first]
    while (take(reader, ', ')) items.push(readValue(reader, depth + 1))
    if (!take(reader, '}')) throw unreadable()
    return setOf(items)
  }
  const entries: [Value, Value][] = [[first, readValue(reader, depth + 1)]]
  while (take(reader, ', ')) {
    const key = readValue(reader, depth + 1)
    if (!take(reader, ': ')) throw unreadable()
    entries.push([key, readValue(reader, depth + 1)])
  }
  if (!take(reader, '}')) throw unreadable()
  return objectOf(entries)
}

function take(reader: Reader, token: string): boolean {
  if (!reader.text.startsWith(token, reader.at)) return false
  reader.at += token.length
  return true
}

function match(reader: Reader, pattern: RegExp): string {
  pattern.lastIndex = reader.at
  const found = pattern.exec(reader.text)?.[0]
  if (found === undefined) throw unreadable()
  reader.at += found.length
  return found
}

function unreadable(): PolicyError {
  return new PolicyError('REGO_RESULT_INVALID', 'the module gave text that is no Rego value')
}
