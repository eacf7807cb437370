import type { Detector, Span } from './detector.ts'
import type { PlainText } from './personal-text.ts'
import { isWordAt, plainText } from './personal-text.ts'

/**
 * Street addresses with a number and a word for a street, as people write them in English (`221B Baker Street`), German,
 * Dutch, Nordic languages (`Hauptstraße 5`), French (`12 rue de la Paix`), Spanish, Portuguese and Italian (`Calle Mayor 5`),
 * and post office boxes. Streets without such a word go unnoticed.
 */
export const streetAddress: Detector = {
  kind: 'street_address',
  find: (original) => findForms(original, 'street_address', STREETS),
}

/**
 * Postcodes of countries whose form is their own: United Kingdom, Canada, Netherlands, Portugal, Poland (with a word for
 * it), and the United States behind a state.
 */
export const postcode: Detector = {
  kind: 'postcode',
  find: (original) => findForms(original, 'postcode', POSTCODES),
}

// Every repetition is bounded, and what two neighbours take is disjoint but for one space: none of them can blow up.
const NAME = "[\\p{Lu}][\\p{L}\\p{M}'’-]{0,30}"
const NAMES = `${NAME}(?: (?:(?:de|la|le|les|du|des|del|di|da|do|dos|der|den|van|von|y) ){0,2}${NAME}){0,3}`
const EDGE = '(?<![\\p{L}\\p{N}])'
const NUMBER = '\\d{1,5}[a-zA-Z]?'
const NUMBER_AFTER = `(?:,? (?:n[º°.]? ?)?${NUMBER}(?:[-/]\\d{1,4}[a-zA-Z]?)?)`
const UNIT = `(?:,? (?:Apt|Suite|Unit|Flat|Floor|Room|Ste|#)\\.? ?\\d{1,5}[a-zA-Z]?)?`

const SUFFIXES =
  'Street|St|Avenue|Ave|Road|Rd|Lane|Ln|Drive|Dr|Boulevard|Blvd|Court|Ct|Place|Pl|Terrace|Ter|Square|Sq|Parkway|Pkwy|Highway|Hwy|Way|Circle|Cir|Crescent|Cres|Close|Trail|Trl|Row|Mews|Gardens|Grove|Hill|Walk|Loop|Alley|Plaza|Quay|Wharf|Path|Ridge|Run|Common|Crossing'
const COMPOUNDS =
  'stra(?:ß|ss)e|str\\.|gasse|allee|ufer|damm|platz|straat|laan|gracht|plein|weg|gatan|vägen|gata|vegen|veien|gade|vej|katu|tie|utca|ulica'
const STREETS: readonly RegExp[] = [
  new RegExp(
    `${EDGE}${NUMBER} (?:[NSEW]\\.? )?${NAMES} (?:${SUFFIXES})(?![\\p{L}])\\.?${UNIT}`,
    'gu',
  ),
  new RegExp(`${EDGE}[\\p{Lu}][\\p{L}-]{0,30}(?:${COMPOUNDS})${NUMBER_AFTER}`, 'gu'),
  new RegExp(
    `${EDGE}${NAME} (?:Stra(?:ß|ss)e|Strasse|Gasse|Allee|Weg|Platz|utca|út|u\\.)${NUMBER_AFTER}`,
    'gu',
  ),
  new RegExp(
    `${EDGE}${NUMBER},? (?:bis |ter )?(?:rue|avenue|boulevard|place|allée|chemin|impasse|quai|cours|route) (?:(?:de|du|des|la|le|les) |d'|l'){0,3}${NAMES}`,
    'gu',
  ),
  new RegExp(
    `${EDGE}(?:Calle|C/|Avenida|Avda\\.|Paseo|Plaza|Carrer|Rua|Travessa|Praça|Via|Viale|Piazza|Corso|Rue|Avenue|ul\\.|Ulica) (?:(?:de|la|el|los|las|del|di|da|do|dos|delle|della) ){0,2}${NAMES}${NUMBER_AFTER}`,
    'gu',
  ),
  /\b(?:P\.? ?O\.? ?Box|Postfach|Postbus|Apartado|PSC) \d{1,6}/giu,
]

const US_STATES =
  'A[KLRZ]|C[AOT]|D[CE]|FL|GA|HI|I[ADLN]|K[SY]|LA|M[ADEINOST]|N[CDEHJMVY]|O[HKR]|PA|RI|S[CD]|T[NX]|UT|V[AT]|W[AIVY]'
const POSTCODES: readonly RegExp[] = [
  // British Standard BS 7666; the letters that no inward code has are left out.
  /(?:GIR 0AA|[A-PR-UWYZ][A-HK-Y]?\d[\dA-HJKPSTUW]? ?\d[ABD-HJLNP-UW-Z]{2})/gu,
  /[ABCEGHJ-NPRSTVXY]\d[ABCEGHJ-NPRSTV-Z] ?\d[ABCEGHJ-NPRSTV-Z]\d/gu,
  /[1-9]\d{3} (?!SA|SD|SS)[A-Z]{2}/gu,
  new RegExp(`(?<=(?:^|[ ,\\n])(?:${US_STATES}),? )\\d{5}(?:-\\d{4})?`, 'gu'),
  /(?<=(?:post ?code|postal code|zip ?code|zip|plz|postleitzahl|code postal|código postal|cap|cep)(?: is)?[:#]? ?)\d{2,5}[- ]?\d{2,4}/giu,
]

function findForms(original: string, kind: string, forms: readonly RegExp[]): Span[] {
  const plain = plainText(original)
  const found = forms.flatMap((form) => matchesOf(plain, form))
  found.sort((a, b) => a.start - b.start || b.end - a.end)
  const spans: Span[] = []
  let done = 0
  for (const { start, end } of found) {
    if (start < done) continue
    spans.push(plain.span(kind, start, end))
    done = end
  }
  return spans
}

function matchesOf(
  { text }: PlainText,
  form: RegExp,
): { readonly start: number; readonly end: number }[] {
  return [...text.matchAll(form)].flatMap((match) => {
    const start = match.index
    const end = start + match[0].length
    const touches = isWordAt(text, start - 1) || isWordAt(text, end) || text[start - 1] === '-'
    return touches ? [] : [{ start, end }]
  })
}
