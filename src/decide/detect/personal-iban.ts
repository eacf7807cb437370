import type { Detector, Span } from './detector.ts'
import { isWordAt, plainText } from './personal-text.ts'

/**
 * International bank account numbers: the country's length and a remainder of 1 modulo 97 (ISO 13616-1, ISO 7064), in
 * one piece or with single spaces, dashes or points, in either case.
 */
export const iban: Detector = {
  kind: 'iban',
  find(original) {
    const plain = plainText(original)
    const { text } = plain
    const spans: Span[] = []
    let done = 0
    for (const at of plain.wordStarts) {
      const end = at < done ? null : ibanEnd(text, at)
      if (end === null) continue
      spans.push(plain.span('iban', at, end))
      done = end
    }
    return spans
  },
}

/** Where the number that begins at an index ends; null when there is none. */
function ibanEnd(text: string, start: number): number | null {
  const length = LENGTHS.get(text.slice(start, start + 2).toUpperCase())
  if (length === undefined) return null
  let compact = ''
  let at = start
  for (; compact.length < length; at++) {
    const character = text[at] ?? ''
    if (ALPHANUMERIC.test(character)) compact += character.toUpperCase()
    else if (!SEPARATORS.includes(character) || !ALPHANUMERIC.test(text[at - 1] ?? '')) return null
    if (character === '') return null
  }
  if (isWordAt(text, at)) return null
  return CHECK_DIGITS.test(compact) && isMod97(compact) ? at : null
}

const CHECK_DIGITS = /^[A-Z]{2}\d{2}/
const SEPARATORS = ' -.'
const ALPHANUMERIC = /^[A-Za-z0-9]$/

/** ISO 7064 MOD 97-10 over the number with its first four characters put last, letters as 10 to 35. */
function isMod97(compact: string): boolean {
  let remainder = 0
  for (const character of compact.slice(4) + compact.slice(0, 4)) {
    const value = Number.parseInt(character, 36)
    remainder = (remainder * (value > 9 ? 100 : 10) + value) % 97
  }
  return remainder === 1
}

/** Lengths by country, from the SWIFT IBAN registry. */
const LENGTHS: ReadonlyMap<string, number> = new Map(
  Object.entries({
    15: 'NO',
    16: 'BE',
    18: 'DK FI FK FO GL NL SD',
    19: 'MK SI',
    20: 'AT BA EE KZ LT LU MN XK',
    21: 'CH HR LI LV',
    22: 'BG BH CR DE GB GE IE ME RS VA',
    23: 'AE GI IL IQ OM SO TL',
    24: 'AD CZ ES MD PK RO SA SE SK TN VG',
    25: 'LY PT ST',
    26: 'IS TR',
    27: 'BI DJ FR GR IT MC MR SM',
    28: 'AL AZ BY CY DO GT HN HU LB NI PL SV',
    29: 'BR EG PS QA UA',
    30: 'JO KW MU YE',
    31: 'MT SC',
    32: 'LC',
    33: 'RU',
  }).flatMap(([length, countries]) =>
    countries.split(' ').map((country) => [country, Number(length)] as const),
  ),
)
