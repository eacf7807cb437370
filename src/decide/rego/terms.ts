import { canonicalize } from '../../base/canonical-json.ts'
import { PolicyError } from '../../base/errors.ts'
import type { JsonValue } from '../../base/json-value.ts'
import { isExactNumber } from '../../base/number-text.ts'
import { compareText } from '../../base/position.ts'

/**
 * A Rego value as the module holds it. It knows more than JSON: a set is no array, a number keeps its decimal text
 * (nanoseconds exceed doubles), and a key may be any value.
 */
export type Term =
  | null
  | boolean
  | string
  | { readonly kind: 'number'; readonly text: string }
  | { readonly kind: 'array' | 'set'; readonly items: readonly Term[] }
  | { readonly kind: 'object'; readonly entries: readonly (readonly [Term, Term])[] }

export function numberTerm(value: bigint | number): Term {
  return { kind: 'number', text: String(value) }
}

/**
 * Reads what `opa_value_dump` writes: JSON, with sets as `{1, 2}` and `set()`, and keys of any type.
 *
 * @throws {PolicyError} REGO_RESULT_INVALID when the text is anything else, or nests deeper than TERM_DEPTH_MAX
 */
export function readTerm(text: string): Term {
  const reader: Reader = { text, at: 0 }
  const term = readValue(reader, 0)
  if (reader.at !== text.length) throw unreadable()
  return term
}

/** The term as JSON text, for `opa_json_parse`. Sets become arrays; no built-in of ours returns one. */
export function writeTerm(term: Term): string {
  if (term === null || typeof term === 'boolean') return String(term)
  if (typeof term === 'string') return canonicalize(term)
  switch (term.kind) {
    case 'number':
      return term.text
    case 'array':
    case 'set':
      return `[${term.items.map(writeTerm).join(',')}]`
    case 'object':
      return `{${term.entries.map(([key, value]) => `${writeKey(key)}:${writeTerm(value)}`).join(',')}}`
  }
}

/**
 * The term as JSON. Sets become arrays sorted by the canonical text of their members; keys that are no strings become
 * their canonical text. An integer must be the one its double prints; a fraction becomes the nearest double.
 *
 * @throws {PolicyError} REGO_RESULT_INVALID when a number does not fit, or two keys become one
 */
export function toJson(term: Term): JsonValue {
  if (term === null || typeof term !== 'object') return term
  switch (term.kind) {
    case 'number':
      return toDouble(term.text)
    case 'array':
      return term.items.map(toJson)
    case 'set':
      return sortedMembers(term.items.map(toJson))
    case 'object':
      return toObject(term.entries)
  }
}

/** Nesting of a value that crosses from the module. */
export const TERM_DEPTH_MAX = 512

type Reader = { readonly text: string; at: number }

const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y
// The dump escapes the quote, the backslash and everything below the space, so this never runs past the end.
const STRING = /"(?:[^"\\]|\\.)*"/y
const WORDS: readonly (readonly [string, Term])[] = [
  ['null', null],
  ['true', true],
  ['false', false],
  ['set()', { kind: 'set', items: [] }],
]

function readValue(reader: Reader, depth: number): Term {
  if (depth > TERM_DEPTH_MAX) {
    throw new PolicyError(
      'REGO_RESULT_INVALID',
      `expected at most ${TERM_DEPTH_MAX} levels of nesting`,
    )
  }
  const first = reader.text[reader.at]
  if (first === '"') return readString(reader)
  if (first === '[') return { kind: 'array', items: readItems(reader, ']', depth) }
  if (first === '{') return readBraces(reader, depth)
  for (const [word, value] of WORDS) {
    if (take(reader, word)) return value
  }
  return { kind: 'number', text: match(reader, NUMBER) }
}

function readString(reader: Reader): string {
  const source = match(reader, STRING)
  try {
    return JSON.parse(source) as string
  } catch {
    throw unreadable()
  }
}

function readItems(reader: Reader, close: string, depth: number): Term[] {
  reader.at += 1
  const items: Term[] = []
  if (take(reader, close)) return items
  do items.push(readValue(reader, depth + 1))
  while (take(reader, ', '))
  if (!take(reader, close)) throw unreadable()
  return items
}

function readBraces(reader: Reader, depth: number): Term {
  reader.at += 1
  if (take(reader, '}')) return { kind: 'object', entries: [] }
  const first = readValue(reader, depth + 1)
  if (!take(reader, ': ')) {
    const items = [first]
    while (take(reader, ', ')) items.push(readValue(reader, depth + 1))
    if (!take(reader, '}')) throw unreadable()
    return { kind: 'set', items }
  }
  const entries: [Term, Term][] = [[first, readValue(reader, depth + 1)]]
  while (take(reader, ', ')) {
    const key = readValue(reader, depth + 1)
    if (!take(reader, ': ')) throw unreadable()
    entries.push([key, readValue(reader, depth + 1)])
  }
  if (!take(reader, '}')) throw unreadable()
  return { kind: 'object', entries }
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

function writeKey(key: Term): string {
  return canonicalize(typeof key === 'string' ? key : canonicalize(toJson(key)))
}

function toDouble(text: string): number {
  const value = Number(text)
  if (!Number.isFinite(value)) throw unfit()
  // The rule of the boundary: what RFC 8785 prints is what was there.
  if (/^-?[0-9]+$/.test(text) && !isExactNumber(text, value)) throw unfit()
  return value
}

function toObject(entries: readonly (readonly [Term, Term])[]): JsonValue {
  const members = new Map<string, JsonValue>()
  for (const [key, value] of entries) {
    const name = typeof key === 'string' ? key : canonicalize(toJson(key))
    if (members.has(name)) {
      throw new PolicyError(
        'REGO_RESULT_INVALID',
        'two keys of one object become the same JSON key',
      )
    }
    members.set(name, toJson(value))
  }
  // Unlike assignment, this makes an own member of `__proto__`.
  return Object.fromEntries(members)
}

function sortedMembers(values: readonly JsonValue[]): JsonValue[] {
  return values
    .map((value) => ({ value, text: canonicalize(value) }))
    .sort((a, b) => compareText(a.text, b.text))
    .map(({ value }) => value)
}

function unfit(): PolicyError {
  return new PolicyError('REGO_RESULT_INVALID', 'a number does not fit a double exactly')
}

function unreadable(): PolicyError {
  return new PolicyError('REGO_RESULT_INVALID', 'the module gave text that is no Rego value')
}
