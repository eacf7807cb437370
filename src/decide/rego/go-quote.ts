/** A string as Go's strconv.Quote writes it; `ascii` as strconv.QuoteToASCII. */
export function quote(text: string, options: { readonly ascii?: boolean } = {}): string {
  let out = '"'
  for (const character of text) out += escaped(character, '"', options.ascii ?? false)
  return `${out}"`
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

/** Go's strconv.IsPrint: letters, marks, numbers, punctuation, symbols and the ASCII space. */
export function isPrintable(character: string): boolean {
  return /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u.test(character)
}

const NAMED = new Map([
  ['\u0007', '\\a'],
  ['\b', '\\b'],
  ['\f', '\\f'],
  ['\n', '\\n'],
  ['\r', '\\r'],
  ['\t', '\\t'],
  ['\v', '\\v'],
])

function escaped(character: string, delimiter: string, ascii: boolean): string {
  if (character === delimiter || character === '\\') return `\\${character}`
  const code = character.codePointAt(0) ?? 0
  if (code < 0x80 ? isPrintable(character) : !ascii && isPrintable(character)) return character
  const named = NAMED.get(character)
  if (named !== undefined) return named
  if (code < 0x20 || code === 0x7f) return `\\x${hex(code, 2)}`
  return code < 0x10000 ? `\\u${hex(code, 4)}` : `\\U${hex(code, 8)}`
}

function hex(code: number, digits: number): string {
  return code.toString(16).padStart(digits, '0')
}
