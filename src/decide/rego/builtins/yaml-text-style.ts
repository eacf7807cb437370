/** In which styles a text may be written, by go-yaml's rules. */
export type YamlStyles = {
  /** Whether it has line breaks. */
  readonly multiline: boolean
  /** Without quotes, in a block. */
  readonly plain: boolean
  /** In single quotes. */
  readonly single: boolean
  /** As a literal. */
  readonly block: boolean
}

/** Line breaks of YAML 1.1. */
export function isYamlBreak(code: number): boolean {
  return code === 0x0a || code === 0x0d || code === 0x85 || code === 0x2028 || code === 0x2029
}

export function stylesOf(text: string): YamlStyles {
  const first = text.charCodeAt(0)
  const last = text.charCodeAt(text.length - 1)
  const multiline = BREAK.test(text)
  const special = SPECIAL.test(text)
  // Blanks before a line break would be lost; those after it, but in quotes.
  const before = / [\n\r\u0085\u2028\u2029]/.test(text)
  const after = /[\n\r\u0085\u2028\u2029] /.test(text)
  const inQuotes = !after && !before && !special && !text.includes('\t')
  const edged = first === SPACE || last === SPACE
  return {
    multiline,
    plain: inQuotes && !multiline && !edged && !INDICATORS.test(text),
    single: inQuotes,
    block: text !== '' && last !== SPACE && !before && !special,
  }
}

const SPACE = 0x20
const BREAK = /[\n\r\u0085\u2028\u2029]/

/** What go-yaml does not print as it is: control characters, and all beyond the basic plane. */
const SPECIAL = /[^\t\n\u0020-\u007e\u00a0-\ud7ff\ue000-\ufefe\uff00-\ufffd]/

/** What would be read as anything but text in a block: at the start, and anywhere. */
const INDICATORS = /^(?:[#,[\]{}&*!|>'"%@`]|[-?:](?:[ \t]|$)|---|\.\.\.)|:(?:[ \t]|$)| #/

/** What a literal's first line says of it: that it begins with white space, and how it ends. */
export function literalHints(text: string, indent: number): string {
  const first = text.charCodeAt(0)
  const hint = first === SPACE || isYamlBreak(first) ? String(indent) : ''
  if (!isYamlBreak(text.charCodeAt(text.length - 1))) return `${hint}-`
  const kept = text.length === 1 || isYamlBreak(text.charCodeAt(text.length - 2))
  return kept ? `${hint}+` : hint
}

/** The text in double quotes. */
export function escapeDouble(text: string): string {
  // go-yaml takes all for a byte order mark where one begins the text.
  const pattern = text.startsWith('\ufeff') ? /./gsu : ESCAPED
  return `"${text.replaceAll(pattern, escapeCharacter)}"`
}

const ESCAPED = /[^\u0020-\u007e\u00a0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd]|["\\]/gu

const ESCAPES: ReadonlyMap<string, string> = new Map([
  ['\0', '0'],
  ['\x07', 'a'],
  ['\b', 'b'],
  ['\t', 't'],
  ['\n', 'n'],
  ['\v', 'v'],
  ['\f', 'f'],
  ['\r', 'r'],
  ['\x1b', 'e'],
  ['"', '"'],
  ['\\', '\\'],
  ['\u0085', 'N'],
  ['\u00a0', '_'],
  ['\u2028', 'L'],
  ['\u2029', 'P'],
])

function escapeCharacter(character: string): string {
  const short = ESCAPES.get(character)
  if (short !== undefined) return `\\${short}`
  const code = character.codePointAt(0) ?? 0
  const [letter, width] = code <= 0xff ? ['x', 2] : code <= 0xffff ? ['u', 4] : ['U', 8]
  return `\\${letter}${code.toString(16).toUpperCase().padStart(Number(width), '0')}`
}
