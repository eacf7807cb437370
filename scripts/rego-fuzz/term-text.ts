import { parseNumber } from '../../src/decide/rego/values/number.ts'
import type { Value } from '../../src/decide/rego/values/value.ts'
import { objectOf, RegoSet, setOf } from '../../src/decide/rego/values/value.ts'

/**
 * Reads a value as OPA prints it (v1/ast `String`): strings in Go quotes, sets as `{1, 2}` and `set()`, keys of any
 * type, numbers with all of their digits.
 *
 * @throws {Error} for any other text
 */
export function readTerm(text: string): Value {
  const reader: Reader = { text, at: 0 }
  const value = readValue(reader)
  if (reader.at !== text.length) throw unreadable(reader)
  return value
}

type Reader = { readonly text: string; at: number }

const WORDS: readonly (readonly [string, () => Value])[] = [
  ['null', () => null],
  ['true', () => true],
  ['false', () => false],
  ['set()', () => new RegoSet()],
]

const NUMBER = /[-+0-9.eE]+/y
const STRING = /"((?:[^"\\]|\\.)*)"/y
const ESCAPE = /\\(?:x([0-9a-f]{2})|u([0-9a-f]{4})|U([0-9a-f]{8})|(.))/g
const SHORT: Readonly<Record<string, string>> = {
  a: '\u0007',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
  '"': '"',
}

function readValue(reader: Reader): Value {
  const first = reader.text[reader.at]
  if (first === '"') return readString(reader)
  if (first === '[') return readItems(reader)
  if (first === '{') return readBraces(reader)
  for (const [word, make] of WORDS) if (take(reader, word)) return make()
  const value = parseNumber(match(reader, NUMBER)[0])
  if (value === undefined) throw unreadable(reader)
  return value
}

function readString(reader: Reader): string {
  const [, inner = ''] = match(reader, STRING)
  return inner.replace(
    ESCAPE,
    (found, byte?: string, unit?: string, point?: string, one?: string) => {
      const code = byte ?? unit ?? point
      const text =
        code === undefined ? SHORT[one ?? ''] : String.fromCodePoint(Number.parseInt(code, 16))
      // Bytes that are no UTF-8 have no place in a value of ours.
      if (text === undefined || (byte !== undefined && byte > '7f')) throw unreadable(reader, found)
      return text
    },
  )
}

function readItems(reader: Reader): Value[] {
  reader.at += 1
  const items: Value[] = []
  if (take(reader, ']')) return items
  do items.push(readValue(reader))
  while (take(reader, ', '))
  if (!take(reader, ']')) throw unreadable(reader)
  return items
}

function readBraces(reader: Reader): Value {
  reader.at += 1
  if (take(reader, '}')) return objectOf([])
  const first = readValue(reader)
  if (!take(reader, ': ')) {
    const members = [first]
    while (take(reader, ', ')) members.push(readValue(reader))
    if (!take(reader, '}')) throw unreadable(reader)
    return setOf(members)
  }
  const entries: [Value, Value][] = [[first, readValue(reader)]]
  while (take(reader, ', ')) {
    const key = readValue(reader)
    if (!take(reader, ': ')) throw unreadable(reader)
    entries.push([key, readValue(reader)])
  }
  if (!take(reader, '}')) throw unreadable(reader)
  return objectOf(entries)
}

function take(reader: Reader, token: string): boolean {
  if (!reader.text.startsWith(token, reader.at)) return false
  reader.at += token.length
  return true
}

function match(reader: Reader, pattern: RegExp): RegExpExecArray {
  pattern.lastIndex = reader.at
  const found = pattern.exec(reader.text)
  if (found === null) throw unreadable(reader)
  reader.at += found[0].length
  return found
}

function unreadable({ text, at }: Reader, what = text.slice(at, at + 20)): Error {
  return new Error(`no term of OPA's: ${what}`)
}
