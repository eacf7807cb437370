import type { YamlCursor } from './yaml-text-cursor.ts'
import {
  atDocumentMark,
  characterAt,
  codeAt,
  columnOf,
  isBlank,
  isBlankOrEnd,
  isBreak,
  isBreakOrEnd,
  skipBlanks,
  skipLine,
  takeBreak,
  takePattern,
  YamlFault,
} from './yaml-text-cursor.ts'

/** Reads a plain scalar, which a more indented line continues. Leaves the cursor before what follows its blanks. */
export function scanPlain(cursor: YamlCursor): string {
  const indent = cursor.indent + 1
  let value = ''
  let gap: Gap = NO_GAP
  while (!atDocumentMark(cursor) && characterAt(cursor) !== '#') {
    const run = takeRun(cursor)
    if (run !== '') {
      value += joinOf(gap) + run
      gap = NO_GAP
    }
    const code = codeAt(cursor)
    if (!isBlank(code) && !isBreak(code)) break
    gap = takeGap(cursor, indent, false)
    if (cursor.flow === 0 && columnOf(cursor) < indent) break
  }
  // After a line break a key may begin.
  if (gap.first !== '') cursor.keyAllowed = true
  return value
}

/** Reads a scalar in quotes; the cursor stands on the first of them. */
export function scanQuoted(cursor: YamlCursor): string {
  const quote = characterAt(cursor)
  cursor.at += 1
  let value = ''
  for (;;) {
    if (atDocumentMark(cursor)) throw new YamlFault('found unexpected document indicator')
    if (Number.isNaN(codeAt(cursor))) throw new YamlFault('found unexpected end of stream')
    const { part, continued } = quote === '"' ? takeDouble(cursor) : takeSingle(cursor)
    value += part
    if (characterAt(cursor) === quote) break
    value += joinOf(takeGap(cursor, 0, continued))
  }
  cursor.at += 1
  return value
}

/** Reads a literal or folded scalar; the cursor stands on its `|` or `>`. */
export function scanBlock(cursor: YamlCursor): string {
  const folded = characterAt(cursor) === '>'
  cursor.at += 1
  const header = takePattern(cursor, /[+-][0-9]?|[0-9][+-]?/y)
  const digit = /[0-9]/.exec(header)?.[0]
  if (digit === '0') throw new YamlFault('found an indentation indicator equal to 0')
  skipBlanks(cursor)
  if (characterAt(cursor) === '#') skipLine(cursor)
  if (!isBreakOrEnd(codeAt(cursor))) {
    throw new YamlFault('did not find expected comment or line break')
  }
  if (isBreak(codeAt(cursor))) takeBreak(cursor)
  const outer = Math.max(cursor.indent, 0)
  const wanted = digit === undefined ? 0 : outer + Number(digit)
  const { indent, breaks } = takeIndent(cursor, wanted)
  return chomp(takeLines(cursor, indent, breaks, folded), header)
}

/** What stands between two parts of a scalar: blanks, or line breaks, which fold. */
type Gap = {
  readonly blanks: string
  /** The first line break. */
  readonly first: string
  readonly others: string
}

const NO_GAP: Gap = { blanks: '', first: '', others: '' }

/** One line break becomes a space, more become one less; those that are no line feeds stay. */
function joinOf({ blanks, first, others }: Gap): string {
  if (first === '') return blanks + others
  return first === '\n' ? others || ' ' : first + others
}

/**
 * Takes blanks and line breaks.
 *
 * @param indent - left of this column a tab is refused
 * @param continued - whether an escaped line break went before, which counts for the first and gives nothing
 */
function takeGap(cursor: YamlCursor, indent: number, continued: boolean): Gap {
  let { blanks, first, others } = NO_GAP
  for (let code = codeAt(cursor); isBlank(code) || isBreak(code); code = codeAt(cursor)) {
    if (isBreak(code)) {
      blanks = ''
      if (first === '' && !continued) first = takeBreak(cursor)
      else others += takeBreak(cursor)
      continue
    }
    const inside = first !== '' || continued
    if (inside && code === TAB && columnOf(cursor) < indent) {
      throw new YamlFault('found a tab character that violates indentation')
    }
    if (!inside) blanks += characterAt(cursor)
    cursor.at += 1
  }
  return { blanks, first, others }
}

const TAB = 0x09
const SPACE = 0x20
const COLON = 0x3a
const BACKSLASH = 0x5c
const DOUBLE_QUOTE = 0x22
const FLOW_INDICATORS = ',?[]{}'

/** Takes what is part of a plain scalar up to a blank, a line break or an indicator that ends it. */
function takeRun(cursor: YamlCursor): string {
  const { text, at } = cursor
  for (let code = codeAt(cursor); !isBlankOrEnd(code); code = codeAt(cursor)) {
    if (code === COLON && isBlankOrEnd(text.charCodeAt(cursor.at + 1))) break
    if (cursor.flow > 0 && FLOW_INDICATORS.includes(characterAt(cursor))) break
    cursor.at += 1
  }
  return text.slice(at, cursor.at)
}

type Part = { readonly part: string; readonly continued: boolean }

function takeSingle(cursor: YamlCursor): Part {
  let part = ''
  for (let code = codeAt(cursor); !isBlankOrEnd(code); code = codeAt(cursor)) {
    if (characterAt(cursor) === "'") {
      if (cursor.text.charAt(cursor.at + 1) !== "'") break
      cursor.at += 1
    }
    part += characterAt(cursor)
    cursor.at += 1
  }
  return { part, continued: false }
}

function takeDouble(cursor: YamlCursor): Part {
  let part = ''
  let from = cursor.at
  for (let code = codeAt(cursor); !isBlankOrEnd(code); code = codeAt(cursor)) {
    if (code === DOUBLE_QUOTE) break
    cursor.at += 1
    if (code !== BACKSLASH) continue
    part += cursor.text.slice(from, cursor.at - 1)
    if (isBreak(codeAt(cursor))) {
      takeBreak(cursor)
      return { part, continued: true }
    }
    part += takeEscape(cursor)
    from = cursor.at
  }
  return { part: part + cursor.text.slice(from, cursor.at), continued: false }
}

const ESCAPES: ReadonlyMap<string, string> = new Map([
  ['0', '\0'],
  ['a', '\x07'],
  ['b', '\b'],
  ['t', '\t'],
  ['\t', '\t'],
  ['n', '\n'],
  ['v', '\v'],
  ['f', '\f'],
  ['r', '\r'],
  ['e', '\x1b'],
  [' ', ' '],
  ['"', '"'],
  ["'", "'"],
  ['\\', '\\'],
  ['N', '\u0085'],
  ['_', '\u00a0'],
  ['L', '\u2028'],
  ['P', '\u2029'],
])
const ESCAPE_DIGITS: ReadonlyMap<string, number> = new Map([
  ['x', 2],
  ['u', 4],
  ['U', 8],
])

/** Takes what follows a backslash. */
function takeEscape(cursor: YamlCursor): string {
  const letter = characterAt(cursor)
  cursor.at += 1
  const plain = ESCAPES.get(letter)
  if (plain !== undefined) return plain
  const count = ESCAPE_DIGITS.get(letter)
  if (count === undefined) throw new YamlFault('found unknown escape character')
  const digits = cursor.text.slice(cursor.at, cursor.at + count)
  if (digits.length < count || /[^0-9A-Fa-f]/.test(digits)) {
    throw new YamlFault('did not find expected hexadecimal number')
  }
  cursor.at += count
  const code = Number.parseInt(digits, 16)
  if ((code >= 0xd800 && code <= 0xdfff) || code > 0x10ffff) {
    throw new YamlFault('found invalid Unicode character escape code')
  }
  return String.fromCodePoint(code)
}

/** Takes the indentation before a line of a block scalar, and empty lines; finds out how deep it is if that is 0. */
function takeIndent(
  cursor: YamlCursor,
  wanted: number,
): { readonly indent: number; readonly breaks: string } {
  let breaks = ''
  let widest = 0
  const within = (): boolean => wanted === 0 || columnOf(cursor) < wanted
  for (;;) {
    while (within() && codeAt(cursor) === SPACE) cursor.at += 1
    widest = Math.max(widest, columnOf(cursor))
    if (within() && codeAt(cursor) === TAB) {
      throw new YamlFault('found a tab character where an indentation space is expected')
    }
    if (!isBreak(codeAt(cursor))) break
    breaks += takeBreak(cursor)
  }
  return { indent: wanted || Math.max(widest, cursor.indent + 1, 1), breaks }
}

type Lines = {
  readonly value: string
  /** The last line's break. */
  readonly last: string
  /** Breaks of the empty lines after it. */
  readonly empty: string
}

function takeLines(cursor: YamlCursor, indent: number, breaks: string, folded: boolean): Lines {
  let [value, last, empty] = ['', '', breaks]
  let spaced = false // Whether the line before began with a blank; such lines do not fold.
  while (columnOf(cursor) === indent && !Number.isNaN(codeAt(cursor))) {
    const blank = isBlank(codeAt(cursor))
    const folds = folded && !spaced && !blank && last === '\n'
    if (folds && empty === '') value += ' '
    if (!folds) value += last
    const from = cursor.at
    skipLine(cursor)
    value += empty + cursor.text.slice(from, cursor.at)
    spaced = blank
    last = isBreak(codeAt(cursor)) ? takeBreak(cursor) : ''
    empty = takeIndent(cursor, indent).breaks
  }
  return { value, last, empty }
}

/** The end of a block scalar: one line break, none after `-`, all after `+`. */
function chomp({ value, last, empty }: Lines, header: string): string {
  if (header.includes('-')) return value
  return header.includes('+') ? value + last + empty : value + last
}
