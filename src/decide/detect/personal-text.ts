import type { Span } from './detector.ts'

/**
 * A text as detectors of personal data read it: full-width forms and foreign digits as ASCII, every kind of space and
 * dash as the plain one, characters without width left out, underscores around words as spaces. Offsets lead back to the original.
 */
export type PlainText = {
  readonly text: string
  /** Lower case, of the same length. */
  readonly lower: string
  /** Where words and numbers begin. */
  readonly wordStarts: readonly number[]
  /** The span of the original that a piece of the plain text came from. */
  span(kind: string, start: number, end: number): Span
}

/** The plain form of a text. Takes time linear in the text. */
export function plainText(original: string): PlainText {
  // All detectors ask about the same text, one after the other. A memo of a pure function.
  if (last?.original !== original) last = { original, plain: plainOf(foldedText(original)) }
  return last.plain
}

/** A text with its characters folded, and how offsets lead back. */
export type FoldedText = Pick<PlainText, 'text' | 'span'>

let last: { readonly original: string; readonly plain: PlainText } | null = null

/** Whether the character at an index is a letter, a digit or an underscore; not one of a script that writes no spaces. */
export function isWordAt(text: string, index: number): boolean {
  const code = text.charCodeAt(index)
  if (code > 127) return isForeignLetter(text[index] as string)
  return (
    isDigit(code) ||
    (code >= 65 && code <= 90) ||
    (code >= 97 && code <= 122) ||
    code === UNDERSCORE
  )
}

function isForeignLetter(character: string): boolean {
  const code = character.charCodeAt(0)
  if (KNOWN[code] === UNKNOWN) {
    KNOWN[code] = LETTER.test(character) && !UNSPACED.test(character) ? LETTERS : OTHER
  }
  return KNOWN[code] === LETTERS
}

/** What was asked before, by code unit. A memo of a pure function. */
const KNOWN = new Uint8Array(0x10000)
const [UNKNOWN, OTHER, LETTERS] = [0, 1, 2]

const LETTER = /[\p{L}\p{M}\p{N}]/u
const UNSPACED =
  /[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Thai}\p{sc=Lao}\p{sc=Khmer}\p{sc=Myanmar}]/u

/** Whether the character at an index is an ASCII digit. */
export function isDigitAt(text: string, index: number): boolean {
  return isDigit(text.charCodeAt(index))
}

export function isDigit(code: number): boolean {
  return code >= 48 && code <= 57
}

const UNDERSCORE = 95

/**
 * Whether one of the words stands shortly before an index, or names the member that holds the text. Words are in lower
 * case; a word may be the start of a longer one unless it ends with a space.
 */
export function hasContext(
  { lower }: PlainText,
  index: number,
  words: readonly string[],
  memberName: string | null,
): boolean {
  const before = lower.slice(Math.max(0, index - CONTEXT_LENGTH), index)
  if (words.some((word) => startsIn(before, word))) return true
  if (memberName === null) return false
  const name = memberWords(memberName)
  return words.some((word) => startsIn(name, word))
}

/** UTF-16 code units before a value in which a word counts as its context. */
const CONTEXT_LENGTH = 48

/** `patientTaxId` and `patient_tax-id` as ` patient tax id `. */
export function memberWords(name: string): string {
  const parts = name.slice(0, MEMBER_LENGTH_MAX).replaceAll(CAMEL, '$1 $2').replaceAll(BREAK, ' ')
  return ` ${parts.toLowerCase()} `
}

const MEMBER_LENGTH_MAX = 128
const CAMEL = /([a-z])([A-Z])/g
const BREAK = /[^\p{L}\p{N}]+/gu

function startsIn(text: string, word: string): boolean {
  for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + 1)) {
    if (at === 0 || !isWordAt(text, at - 1)) return true
  }
  return false
}

/** The characters of a text as {@link PlainText} has them, and nothing else changed. */
export function foldedText(original: string): FoldedText {
  if (!BEYOND_ASCII.test(original)) {
    return { text: original, span: (kind, start, end) => ({ kind, start, end }) }
  }
  const parts: string[] = []
  const starts: number[] = []
  let width = 1
  for (let at = 0; at < original.length; at += width) {
    const code = original.codePointAt(at) as number
    width = code > 0xffff ? 2 : 1
    const plain = plainCharacter(code, original.slice(at, at + width))
    for (let i = 0; i < plain.length; i++) starts.push(at + Math.min(i, width - 1))
    parts.push(plain)
  }
  const text = parts.join('')
  const span: PlainText['span'] = (kind, start, end) => {
    const from = starts[start] ?? original.length
    const lastUnit = starts[end - 1] ?? from
    // A folded surrogate pair is one character here and two code units there.
    const isPair = end > start && text.charCodeAt(end - 1) < 128 && isHigh(original, lastUnit)
    return { kind, start: from, end: lastUnit + (isPair ? 2 : 1) }
  }
  return { text, span }
}

const BEYOND_ASCII = /[^\0-\x7f]/

function isHigh(text: string, at: number): boolean {
  const code = text.charCodeAt(at)
  return code >= 0xd800 && code <= 0xdbff
}

function plainOf({ text: whole, span }: FoldedText): PlainText {
  const text = whole.includes('_')
    ? whole.replaceAll(EMPHASIS, (run: string) => ' '.repeat(run.length))
    : whole
  const lower = text.toLowerCase()
  const wordStarts: number[] = []
  let inWord = false
  for (let at = 0; at < text.length; at++) {
    const isWord = isWordAt(text, at)
    // A script without spaces is no word here, so that what follows it begins one.
    if (isWord && !inWord) wordStarts.push(at)
    inWord = isWord
  }
  // One capital (U+0130) has a longer lower case; such a text is compared as it is.
  return { text, lower: lower.length === text.length ? lower : text, wordStarts, span }
}

// Underscores around words are no part of them, as in Markdown; those between them, or before an at sign, are.
const EMPHASIS = /(?<![\p{L}\p{N}_])_+(?=[\p{L}\p{N}])|(?<=[\p{L}\p{N}])_+(?![\p{L}\p{N}_@])/gu

function plainCharacter(code: number, character: string): string {
  if (code < 0x80 || !FOLDED.test(character)) return character
  if (WITHOUT_WIDTH.test(character)) return ''
  if (code >= 0xff01 && code <= 0xff5e) return String.fromCharCode(code - 0xfee0)
  if (DASH.test(character)) return '-'
  if (SPACE.test(character)) return ' '
  return DIGIT.test(character) ? String(digitOf(code)) : character
}

// Cf: what formats, such as zero-width spaces and joiners, marks of direction, the soft hyphen, the byte order mark.
const WITHOUT_WIDTH =
  /^(?:\p{Cf}|\u034f|[\u115f\u1160\u3164]|[\u17b4\u17b5]|[\u180b-\u180f]|[\ufe00-\ufe0f])$/u
const FOLDED = /[\p{Cf}\p{Pd}\p{Zs}\p{Nd}\p{Mn}\u115f\u1160\u2212\u3164\uff01-\uff5e]/u
const DASH = /^[\p{Pd}\u2212]$/u
const SPACE = /^\p{Zs}$/u
const DIGIT = /^\p{Nd}$/u

/** Every script's decimal digits stand in runs of ten; the mathematical ones in five such runs from U+1D7CE. */
function digitOf(code: number): number {
  if (code >= 0x1d7ce && code <= 0x1d7ff) return (code - 0x1d7ce) % 10
  let zero = code
  while (code - zero < 9 && DIGIT.test(String.fromCodePoint(zero - 1))) zero--
  return code - zero
}
