/**
 * How many columns of a terminal a line of text takes: two for wide characters, none for marks that stand on the one
 * before. Unicode Standard Annex 11; what is ambiguous there counts as narrow.
 */
export function cellsOf(text: string): number {
  let cells = 0
  for (const character of text) cells += widthOf(character)
  return cells
}

/** The beginning of a line that fits, with an ellipsis where something is cut off, padded to exactly `columns`. */
export function fitted(text: string, columns: number): string {
  const cells = cellsOf(text)
  if (cells <= columns) return text + ' '.repeat(columns - cells)
  if (columns <= 0) return ''
  const head = text.slice(0, endOfCells(text, 0, columns - 1))
  return `${head}…${' '.repeat(columns - 1 - cellsOf(head))}`
}

/** A line as several lines that fit; those after the first are indented. Takes time by the text's length alone. */
export function wrapped(text: string, columns: number, indent: number): string[] {
  const lines: string[] = []
  const hanging = ' '.repeat(Math.min(indent, Math.max(0, columns - 2)))
  for (let at = 0; ; ) {
    const margin = lines.length === 0 ? '' : hanging
    // A wide character fits, or this would not end.
    const end = endOfCells(text, at, Math.max(2, columns - margin.length))
    if (end === text.length) return [...lines, margin + text.slice(at)]
    const taken = text.slice(at, end)
    // A space is a better place to break than within a word.
    const space = taken.lastIndexOf(' ')
    const isLate = space > columns / 2
    lines.push(margin + (isLate ? taken.slice(0, space) : taken))
    at = isLate ? at + space + 1 : end
  }
}

/** The end of a line that fits: where somebody types. */
export function lastCells(text: string, columns: number): string {
  if (cellsOf(text) <= columns) return text
  const characters = [...text]
  while (characters.length > 0 && cellsOf(characters.join('')) > columns - 1) characters.shift()
  return columns < 1 ? '' : `…${characters.join('')}`
}

/** Where the characters from a place on that fit end. */
function endOfCells(text: string, from: number, columns: number): number {
  let cells = 0
  let end = from
  while (end < text.length) {
    const character = String.fromCodePoint(text.codePointAt(end) ?? 0)
    cells += widthOf(character)
    if (cells > columns) break
    end += character.length
  }
  return end
}

function widthOf(character: string): number {
  const code = character.codePointAt(0) ?? 0
  if (code < 0x300) return 1
  if (MARK.test(character)) return 0
  return EMOJI.test(character) || WIDE.some(([from, to]) => code >= from && code <= to) ? 2 : 1
}

const MARK = /^[\p{Mn}\p{Me}]$/u
const EMOJI = /^\p{Emoji_Presentation}$/u

/**
 * Blocks of wide and full-width characters, UAX 11 table of Unicode 17. Too wide is the safe side: what a terminal draws
 * wider than it is counted here ends beyond the margin, where nobody sees it.
 */
const WIDE = [
  [0x1100, 0x115f],
  [0x2329, 0x232a],
  [0x2630, 0x2637],
  [0x268a, 0x268f],
  [0x2e80, 0x303e],
  [0x3041, 0x33ff],
  [0x3400, 0x9fff],
  [0xa000, 0xa4cf],
  [0xa960, 0xa97f],
  [0xac00, 0xd7a3],
  [0xf900, 0xfaff],
  [0xfe10, 0xfe19],
  [0xfe30, 0xfe6f],
  [0xff00, 0xff60],
  [0xffe0, 0xffe6],
  [0x16fe0, 0x18dff],
  [0x1aff0, 0x1b2ff],
  [0x1d300, 0x1d376],
  [0x1f200, 0x1f2ff],
  [0x20000, 0x3fffd],
] as const
