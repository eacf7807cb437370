import type { Value } from '../values/value.ts'
import { objectEntries, objectSize } from '../values/value.ts'
import type { BuiltinFamily, Call } from './builtin.ts'
import { BuiltinError, objectOperand, stringOperand } from './builtin.ts'
import { eachPlace } from './strings-find.ts'

/** https://www.openpolicyagent.org/docs/policy-reference/builtins/strings */
export const REPLACE: BuiltinFamily = {
  replace(call, text, old, replacement) {
    const base = stringOperand(text, 1)
    const [part, other] = [stringOperand(old, 2), stringOperand(replacement, 3)]
    return part === ''
      ? replaceAll(call, base, new Map([['', other]]))
      : replaceOne(call, base, { part, other })
  },

  'strings.replace_n'(call, patterns, text) {
    const pairs = objectOperand(patterns, 1)
    const base = stringOperand(text, 2)
    const replacements = new Map<string, string>()
    call.work(4 * objectSize(pairs))
    for (const [key, value] of objectEntries(pairs)) {
      replacements.set(textOf(key, 'key'), textOf(value, 'value'))
    }
    return replaceAll(call, base, replacements)
  },
}

function textOf(value: Value, what: string): string {
  if (typeof value === 'string') return value
  throw new BuiltinError(`operand 1 non-string ${what} found in pattern object`, 'eval_type_error')
}

/** What two pieces take before they are joined. */
const PIECE_BYTES = 32

function replaceOne(
  call: Call,
  text: string,
  { part, other }: { readonly part: string; readonly other: string },
): string {
  const made: string[] = []
  let start = 0
  eachPlace(call, text, part, (at) => {
    call.output(PIECE_BYTES + at - start + other.length)
    made.push(text.slice(start, at), other)
    start = at + part.length
  })
  if (start === 0) return text
  call.output(text.length - start)
  made.push(text.slice(start))
  return made.join('')
}

/**
 * Go's strings.NewReplacer with the keys in order: at each place the first key that matches counts, which is the
 * shortest one, because a text sorts behind its beginnings. The empty key matches before each character and at the end.
 */
function replaceAll(call: Call, text: string, replacements: ReadonlyMap<string, string>): string {
  const empty = replacements.get('')
  const between = empty === '' ? undefined : empty
  const keys = shortestKeys(call, [...replacements.keys()])
  const made: string[] = []
  let kept = 0
  call.work(text.length >>> 2)
  for (let at = 0; at <= text.length; ) {
    const list = keys.get(text.charCodeAt(at))
    const key = list === undefined ? undefined : keyAt(call, list, text, at)
    // Go would insert between the bytes of a character, and make what is no text.
    if (between !== undefined && key === undefined && text.charCodeAt(at) > ASCII_MAX) {
      throw new BuiltinError('an empty pattern would split the characters of the text')
    }
    if (between !== undefined || key !== undefined) {
      const other = (between ?? '') + (key === undefined ? '' : (replacements.get(key) ?? ''))
      call.work(4)
      call.output(PIECE_BYTES + at - kept + other.length)
      made.push(text.slice(kept, at), other)
      kept = at + (key?.length ?? 0)
    }
    at += key?.length ?? 1
  }
  if (made.length === 0) return text
  call.output(text.length - kept)
  made.push(text.slice(kept))
  return made.join('')
}

const ASCII_MAX = 0x7f

/** By first character, keys in the order of their code units; none is the beginning of another. */
type Keys = ReadonlyMap<number, readonly string[]>

function shortestKeys(call: Call, keys: readonly string[]): Keys {
  const depth = Math.ceil(Math.log2(keys.length + 1))
  const length = keys.reduce((sum, key) => sum + key.length, 0)
  call.work(keys.length * depth + (length >>> 4) * depth)
  const found = new Map<number, string[]>()
  let last: string | undefined
  for (const key of keys.toSorted()) {
    if (key === '' || (last !== undefined && key.startsWith(last))) continue
    last = key
    const list = found.get(key.charCodeAt(0)) ?? []
    if (list.length === 0) found.set(key.charCodeAt(0), list)
    list.push(key)
  }
  return found
}

/** The key of a list that starts at a place of a text. */
function keyAt(call: Call, list: readonly string[], text: string, at: number): string | undefined {
  let [low, high] = [0, list.length]
  while (low < high) {
    const middle = (low + high) >> 1
    const key = list[middle] ?? ''
    const same = commonLength(text, at, key)
    call.work(1 + (same >>> 2))
    if (same === key.length) return key
    if (text.charCodeAt(at + same) > key.charCodeAt(same)) low = middle + 1
    else high = middle
  }
  return undefined
}

function commonLength(text: string, from: number, key: string): number {
  let length = 0
  while (length < key.length && text.charCodeAt(from + length) === key.charCodeAt(length)) length++
  return length
}
