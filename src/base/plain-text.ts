/**
 * Text from outside as one line of plain text: control, direction and invisible characters are spelled out as
 * `\u{…}`, so that nothing reads as what it is not, and what is longer is cut with a word on its length.
 *
 * @param lengthMax - in UTF-16 code units, before the word
 */
export function plainLine(text: string, lengthMax: number): string {
  const head = text.slice(0, lengthMax).replace(HALF_PAIR, '').replace(DECEPTIVE, spell)
  const left = text.length - lengthMax
  return left > 0 ? `${head}… (${left} more characters)` : head
}

/** What a cut through a surrogate pair leaves behind. */
const HALF_PAIR = /[\uD800-\uDBFF]$/

/**
 * Controls, line and paragraph separators, direction marks, private characters, and those that nobody sees: variation
 * selectors too, which hide text behind a letter and change how wide a terminal draws it.
 */
export const DECEPTIVE = /[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu

/** A character as JSON escapes it: one escape, or two for what lies beyond the first plane. */
export function jsonEscape(character: string): string {
  return character
    .split('')
    .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .join('')
}

function spell(character: string): string {
  return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`
}
