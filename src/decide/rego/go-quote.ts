import { isPrintable } from './go-printable.ts'

/** A string as Go's strconv.Quote writes it; `ascii` as strconv.QuoteToASCII. */
export function quote(text: string, options: { readonly ascii?: boolean } = {}): string {
  if (isPlain(text)) return `"${text}"`
  const ascii = options.ascii ?? false
  return `"${text.replace(NOT_PLAIN, (character) => escaped(character, '"', ascii))}"`
}

/** One code point as Go's strconv.QuoteRune writes it; an invalid one is U+FFFD. */
export function quoteRune(codePoint: number, options: { readonly ascii?: boolean } = {}): string {
  return `'${escaped(runeText(codePoint), "'", options.ascii ?? false)}'`
}

/** The text of a code point, U+FFFD where there is none (Go's utf8.AppendRune). */
export function runeText(codePoint: number): string {
  const surrogate = codePoint >= 0xd800 && codePoint < 0xe000
  if (codePoint < 0 || codePoint > 0x10ffff || surrogate) return '\ufffd'
  return String.fromCodePoint(codePoint)
}

/** Whether nothing in a string needs an escape: it is ASCII, printable, without quotes and backslashes. */
export function isPlain(text: string): boolean {
  return PLAIN.test(text)
}

/** Printable ASCII but the quote and the backslash. */
const PLAIN = /^[ !#-[\]-~]*$/
const NOT_PLAIN = /[^ !#-[\]-~]/gu

const NAMED = new Map([
  ['\u0007', '\\a'],
  ['\b', '\\b'],
  ['\f', '\\f'],
  ['\n', '\\n'],
  ['\r', '\\r'],
  ['\t', '\\t'],
  ['\v', '\\v'],
])

/** ASCII characters as they stand between delimiters, which are not among what is escaped here. */
const ASCII: readonly string[] = Array.from({ length: 0x80 }, (_, code) => {
  const character = String.fromCharCode(code)
  if (character === '\\') return '\\\\'
  return NAMED.get(character) ?? (isPrintable(code) ? character : `\\x${hex(code, 2)}`)
})

function escaped(character: string, delimiter: string, ascii: boolean): string {
  if (character === delimiter) return `\\${character}`
  const code = character.codePointAt(0) ?? 0
  if (code < 0x80) return ASCII[code] as string
  if (!ascii && isPrintable(code)) return character
  return code < 0x10000 ? `\\u${hex(code, 4)}` : `\\U${hex(code, 8)}`
}

function hex(code: number, digits: number): string {
  return code.toString(16).padStart(digits, '0')
}
