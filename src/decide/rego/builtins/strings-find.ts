import type { Call } from './builtin.ts'

/** Where a text lies in another, from a place on; -1 where it does not. Counts UTF-16 code units. */
export type Finder = (text: string, from: number) => number

/** The same, charged for one pass over a text. */
export function chargedFinder(call: Call, text: string, part: string): Finder {
  call.work((text.length + part.length) >>> (part.length <= NATIVE_LENGTH_MAX ? 4 : 2))
  return finderOf(part)
}

/**
 * A search for a text that takes linear time whatever the texts. The engines' own `indexOf` remembers no more than
 * the last 250 characters of what it looks for, and takes minutes for `aa...aba...aa` in a million of `a`.
 */
function finderOf(part: string): Finder {
  if (part.length <= NATIVE_LENGTH_MAX) return (text, from) => text.indexOf(part, from)
  const table = borders(part)
  return (text, from) => search(text, part, table, from)
}

/** Visits the places where a text lies in another, one behind the other. */
export function eachPlace(
  call: Call,
  text: string,
  part: string,
  visit: (place: number) => void,
): void {
  const find = chargedFinder(call, text, part)
  for (let at = find(text, 0); at >= 0; at = find(text, at + part.length)) {
    call.work(PLACE_WORK)
    visit(at)
  }
}

/** The same for places that may lie across each other. */
export function eachOverlap(
  call: Call,
  text: string,
  part: string,
  visit: (place: number) => void,
): void {
  call.work((text.length + part.length) >>> 2)
  const table = borders(part)
  let matched = 0
  for (let at = 0; at < text.length; at++) {
    matched = step(part, table, matched, text.charCodeAt(at))
    if (matched < part.length) continue
    call.work(PLACE_WORK)
    visit(at + 1 - matched)
    matched = table[matched] ?? 0
  }
}

/** How many code points a text has up to a place. */
export function codePointsTo(text: string, end: number, from = 0): number {
  let count = end - from
  for (let at = from; at < end; at++) if (isLowSurrogate(text.charCodeAt(at))) count--
  return count
}

/** Whether there is anything outside of the basic plane: if not, code units are code points. */
export function hasSurrogates(text: string): boolean {
  return /[\ud800-\udfff]/.test(text)
}

const NATIVE_LENGTH_MAX = 200

/** What a place takes that is found, and what is made of it. */
const PLACE_WORK = 3

function isLowSurrogate(unit: number): boolean {
  return unit >= 0xdc00 && unit < 0xe000
}

/** By length of what is matched, the longest part of its end that is a beginning, too (Knuth, Morris, Pratt). */
function borders(part: string): Int32Array {
  const table = new Int32Array(part.length + 1)
  for (let at = 1, matched = 0; at < part.length; at++) {
    matched = step(part, table, matched, part.charCodeAt(at))
    table[at + 1] = matched
  }
  return table
}

/** How much is matched behind one more character. */
function step(part: string, table: Int32Array, matched: number, unit: number): number {
  let length = matched
  while (length > 0 && part.charCodeAt(length) !== unit) length = table[length] ?? 0
  return part.charCodeAt(length) === unit ? length + 1 : length
}

function search(text: string, part: string, table: Int32Array, from: number): number {
  let matched = 0
  for (let at = from; at < text.length; at++) {
    matched = step(part, table, matched, text.charCodeAt(at))
    if (matched === part.length) return at + 1 - matched
  }
  return -1
}
