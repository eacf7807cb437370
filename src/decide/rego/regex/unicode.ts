import type { Ranges } from './ranges.ts'
import { ALL_RANGES, inRanges, negateRanges, normalizeRanges } from './ranges.ts'
import {
  CATEGORY_LETTERS,
  CATEGORY_RUNS,
  LOWER_RUNS,
  SCRIPT_RUNS,
  UPPER_RUNS,
} from './unicode-data.ts'

/**
 * A text in lower case, as Go's `strings.ToLower`: each code point by itself, by Unicode's simple mapping. The case
 * functions of JavaScript know the whole word, several letters for one, and whichever version of Unicode they came with.
 */
export function lowerCase(text: string): string {
  if (ASCII.test(text)) return text.toLowerCase()
  lower ??= caseMap(LOWER_RUNS)
  return mapped(text, lower)
}

/** A text in upper case, as Go's `strings.ToUpper`. */
export function upperCase(text: string): string {
  if (ASCII.test(text)) return text.toUpperCase()
  upper ??= caseMap(UPPER_RUNS)
  return mapped(text, upper)
}

/** The code points that a pattern which ignores case takes for the same, that one included; undefined for itself only. */
export function caseVariants(point: number): readonly number[] | undefined {
  return caseOrbits().get(point)
}

/** All code points that are in the ranges or are a case variant of one that is (Go's `unicode.SimpleFold`). */
export function foldRanges(ranges: Ranges): Ranges {
  const extra: number[] = []
  const orbits = caseOrbits()
  orbitPoints ??= [...orbits.keys()].sort((a, b) => a - b)
  for (let at = 0; at < ranges.length; at += 2) {
    const last = ranges[at + 1] ?? 0
    for (let i = firstFrom(orbitPoints, ranges[at] ?? 0); i < orbitPoints.length; i++) {
      const point = orbitPoints[i] ?? 0
      if (point > last) break
      for (const other of orbits.get(point) ?? []) {
        if (!inRanges(ranges, other)) extra.push(other, other)
      }
    }
  }
  return extra.length === 0 ? ranges : normalizeRanges([...ranges, ...extra])
}

/**
 * The code points of a general category or script, by the names that Go 1.26 takes in `\p{name}`: in any case, with
 * spaces, hyphens and underscores left out, which makes it refuse the scripts whose name is more than one word.
 */
export function unicodeClass(
  name: string,
): { readonly ranges: Ranges; readonly folds: boolean } | undefined {
  const canonical = canonicalName(name)
  const special = SPECIAL.get(canonical)
  if (special !== undefined) return special()
  const category = CATEGORY_ALIASES.get(canonical) ?? canonical
  const members = categories().get(category)
  if (members !== undefined) return { ranges: members, folds: true }
  const script = scriptRanges(canonical)
  return script === undefined ? undefined : { ranges: script, folds: true }
}

/** Go's `unicode.IsLetter`, `unicode.IsDigit`. */
export function isLetterOrDigit(point: number): boolean {
  if (point < 0x80) return /[0-9A-Za-z]/.test(String.fromCharCode(point))
  return isLetter(point) || inRanges(categories().get('Nd') ?? [], point)
}

/** Go's `unicode.IsLetter`. */
export function isLetter(point: number): boolean {
  if (point < 0x80) return /[A-Za-z]/.test(String.fromCharCode(point))
  return inRanges(categories().get('L') ?? [], point)
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: ASCII begins with them.
const ASCII = /^[\x00-\x7f]*$/

const RADIX = 36

let lower: ReadonlyMap<number, number> | undefined
let upper: ReadonlyMap<number, number> | undefined
let orbitsFound: ReadonlyMap<number, readonly number[]> | undefined
let orbitPoints: readonly number[] | undefined
let categoriesRead: ReadonlyMap<string, Ranges> | undefined
const scriptsRead = new Map<string, Ranges>()

function mapped(text: string, map: ReadonlyMap<number, number>): string {
  if (text.length > PART_LENGTH + 1) return mappedInParts(text, map)
  let out = ''
  for (const character of text) {
    const point = character.codePointAt(0) ?? 0
    const other = map.get(point)
    out += other === undefined ? character : String.fromCodePoint(other)
  }
  return out
}

/** A part of a text at a time: adding one character after the other would make as many texts. */
function mappedInParts(text: string, map: ReadonlyMap<number, number>): string {
  let out = ''
  for (let at = 0; at < text.length; ) {
    const end = Math.min(at + PART_LENGTH, text.length)
    // Not between the halves of a surrogate pair.
    const next = (text.codePointAt(end - 1) ?? 0) > 0xffff ? end + 1 : end
    out += mapped(text.slice(at, next), map)
    at = next
  }
  return out
}

const PART_LENGTH = 256

function caseMap(runs: string): ReadonlyMap<number, number> {
  const map = new Map<number, number>()
  let start = 0
  for (const run of runs.split(';')) {
    const [gap = '', count = '', difference = ''] = run.split(',')
    const stride = count.startsWith('*') ? 2 : 1
    start += Number.parseInt(gap, RADIX)
    const points = Number.parseInt(stride === 2 ? count.slice(1) : count, RADIX)
    for (let i = 0; i < points; i++) {
      map.set(start + i * stride, start + i * stride + Number.parseInt(difference, RADIX))
    }
  }
  return map
}

/** Code points that lower and upper case lead to from each other. */
function caseOrbits(): ReadonlyMap<number, readonly number[]> {
  if (orbitsFound !== undefined) return orbitsFound
  lower ??= caseMap(LOWER_RUNS)
  upper ??= caseMap(UPPER_RUNS)
  const orbits = new Map<number, number[]>()
  for (const [a, b] of [...lower, ...upper]) {
    // The Turkish i with a dot and i without one fold with none but themselves.
    if (a === 0x130 || a === 0x131) continue
    const [left, right] = [orbits.get(a) ?? [a], orbits.get(b) ?? [b]]
    const all = left === right ? left : [...left, ...right]
    for (const point of all) orbits.set(point, all)
  }
  for (const orbit of new Set(orbits.values())) orbit.sort((a, b) => a - b)
  orbitsFound = orbits
  return orbits
}

function firstFrom(sorted: readonly number[], least: number): number {
  let [low, high] = [0, sorted.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((sorted[middle] ?? 0) < least) low = middle + 1
    else high = middle
  }
  return low
}

/** General categories by their short names, the one-letter ones included. */
function categories(): ReadonlyMap<string, Ranges> {
  if (categoriesRead !== undefined) return categoriesRead
  const pairs = new Map<string, number[]>()
  let next = 0
  for (const run of CATEGORY_RUNS.matchAll(/([A-Z*+/-])([0-9a-z]*)/g)) {
    const name = CATEGORY_LETTERS[run[1] ?? ''] ?? ''
    const first = next
    next += run[2] === '' ? 1 : Number.parseInt(run[2] ?? '', RADIX)
    for (const key of [name, name.slice(0, 1), ...(CASED.has(name) ? ['Lc'] : [])]) {
      const list = pairs.get(key) ?? []
      if (list.length === 0) pairs.set(key, list)
      list.push(first, next - 1)
    }
  }
  categoriesRead = new Map([...pairs].map(([name, list]) => [name, normalizeRanges(list)]))
  return categoriesRead
}

const CASED = new Set(['Lu', 'Ll', 'Lt'])

function scriptRanges(name: string): Ranges | undefined {
  const known = scriptsRead.get(name)
  if (known !== undefined) return known
  if (!Object.hasOwn(SCRIPT_RUNS, name)) return undefined
  const ranges: number[] = []
  let next = 0
  for (const run of (SCRIPT_RUNS[name] ?? '').split(';')) {
    const [gap = '', length = ''] = run.split(',')
    const first = next + Number.parseInt(gap, RADIX)
    next = first + Number.parseInt(length, RADIX)
    ranges.push(first, next - 1)
  }
  scriptsRead.set(name, ranges)
  return ranges
}

function canonicalName(name: string): string {
  const letters = name.replace(/[_ -]/g, '')
  const rest = letters.slice(1).replace(/[A-Z]/g, (letter) => letter.toLowerCase())
  return letters.slice(0, 1).replace(/[a-z]/, (letter) => letter.toUpperCase()) + rest
}

type UnicodeClass = { readonly ranges: Ranges; readonly folds: boolean }

const SPECIAL: ReadonlyMap<string, () => UnicodeClass> = new Map<string, () => UnicodeClass>([
  ['Any', () => ({ ranges: ALL_RANGES, folds: false })],
  ['Ascii', () => ({ ranges: [0, 0x7f], folds: true })],
  ['Assigned', () => ({ ranges: negateRanges(categories().get('Cn') ?? []), folds: false })],
  // Go folds each other category, and forgets this one.
  ['Lc', () => ({ ranges: categories().get('Lc') ?? [], folds: false })],
  ['Casedletter', () => ({ ranges: categories().get('Lc') ?? [], folds: false })],
])

const CATEGORY_ALIASES: ReadonlyMap<string, string> = new Map(
  Object.entries({
    Closepunctuation: 'Pe',
    Cntrl: 'Cc',
    Combiningmark: 'M',
    Connectorpunctuation: 'Pc',
    Control: 'Cc',
    Currencysymbol: 'Sc',
    Dashpunctuation: 'Pd',
    Decimalnumber: 'Nd',
    Digit: 'Nd',
    Enclosingmark: 'Me',
    Finalpunctuation: 'Pf',
    Format: 'Cf',
    Initialpunctuation: 'Pi',
    Letter: 'L',
    Letternumber: 'Nl',
    Lineseparator: 'Zl',
    Lowercaseletter: 'Ll',
    Mark: 'M',
    Mathsymbol: 'Sm',
    Modifierletter: 'Lm',
    Modifiersymbol: 'Sk',
    Nonspacingmark: 'Mn',
    Number: 'N',
    Openpunctuation: 'Ps',
    Other: 'C',
    Otherletter: 'Lo',
    Othernumber: 'No',
    Otherpunctuation: 'Po',
    Othersymbol: 'So',
    Paragraphseparator: 'Zp',
    Privateuse: 'Co',
    Punct: 'P',
    Punctuation: 'P',
    Separator: 'Z',
    Spaceseparator: 'Zs',
    Spacingmark: 'Mc',
    Surrogate: 'Cs',
    Symbol: 'S',
    Titlecaseletter: 'Lt',
    Unassigned: 'Cn',
    Uppercaseletter: 'Lu',
  }),
)
