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
  const head = takeCells(text, columns - 1)
  return `${head}…${' '.repeat(columns - 1 - cellsOf(head))}`
}

/** A line as several lines that fit; those after the first are indented. */
export function wrapped(text: string, columns: number, indent: number): string[] {
  const lines: string[] = []
  const hanging = ' '.repeat(Math.min(indent, Math.max(0, columns - 2)))
  let rest = text
  while (cellsOf(rest) > columns) {
    const taken = takeCells(rest, Math.max(2, columns))
    // A space that is not part of the indentation is a better place to break than within a word.
    const space = taken.lastIndexOf(' ')
    const head = space > hanging.length + columns / 2 ? taken.slice(0, space) : taken
    lines.push(head)
    const tail = rest.slice(head.length)
    rest = hanging + (head === taken ? tail : tail.slice(1))
  }
  return [...lines, rest]
}

/** The end of a line that fits: where somebody types. */
export function lastCells(text: string, columns: number): string {
  if (cellsOf(text) <= columns) return text
  const characters = [...text]
  while (characters.length > 0 && cellsOf(characters.join('')) > columns - 1) characters.shift()
  return columns < 1 ? '' : `…${characters.join('')}`
}

function takeCells(text: string, columns: number): string {
  let cells = 0
  let end = 0
  for (const character of text) {
    cells += widthOf(character)
    if (cells > columns) break
    end += character.length
  }
  return text.slice(0, end)
}

function widthOf(character: string): number {
  const code = character.codePointAt(0) ?? 0
  if (code < 0x300) return 1
  if (MARK.test(character)) return 0
  return EMOJI.test(character) || WIDE.some(([from, to]) => code >= from && code <= to) ? 2 : 1
}

const MARK = /^[\p{Mn}\p{Me}]$/u
const EMOJI = /^\p{Emoji_Presentation}$/u

/** Blocks of wide and full-width characters, UAX 11 table of Unicode 16. */
const WIDE = [
  [0x1100, 0x115f],
  [0x2e80, 0x303e],
  [0x3041, 0x33ff],
  [0x3400, 0x4dbf],
  [0x4e00, 0x9fff],
  [0xa000, 0xa4cf],
  [0xa960, 0xa97f],
  [0xac00, 0xd7a3],
  [0xf900, 0xfaff],
  [0xfe30, 0xfe6f],
  [0xff00, 0xff60],
  [0xffe0, 0xffe6],
  [0x16fe0, 0x18aff],
  [0x1b000, 0x1b2ff],
  [0x1f200, 0x1f2ff],
  [0x20000, 0x3fffd],
] as const
