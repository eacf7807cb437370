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

/** Controls, line and paragraph separators, direction marks, invisible and private characters. */
const DECEPTIVE = /[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Zl}\p{Zp}\u115F\u1160\u3164\uFFA0]/gu

function spell(character: string): string {
  return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`
}
