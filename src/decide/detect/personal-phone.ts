import type { CountryCode } from 'libphonenumber-js/max'
import { getCountries, Metadata, parsePhoneNumberFromString } from 'libphonenumber-js/max'
import type { Detector, FindContext, Span } from './detector.ts'
import type { PlainText } from './personal-text.ts'
import { hasContext, isDigitAt, isWordAt, plainText } from './personal-text.ts'

/** Telephone numbers that begin with a plus sign or 00 and a country's code, and are valid there. */
export const internationalPhone: Detector = {
  kind: 'phone',
  find: (original) => findPhones(original, 'phone', (candidate) => isInternational(candidate)),
}

/**
 * For each country, `de_phone` for Germany: telephone numbers as people of that country write them, with or without its
 * code: with its leading zero, or parted as is usual there. Other digits count near a word such as `phone` only.
 */
export const NATIONAL_PHONES: readonly Detector[] = getCountries().map((country) => {
  const kind = `${country.toLowerCase()}_phone`
  const isLong = lengthTest(country)
  return {
    kind,
    find: (original, { memberName }: FindContext) =>
      findPhones(original, kind, (candidate, plain, start) => {
        if (candidate.startsWith('+') || candidate.startsWith('00')) {
          return isInternational(candidate, country)
        }
        if (!isLong(candidate)) return false
        const parsed = parsePhoneNumberFromString(candidate, {
          defaultCountry: country,
          extract: false,
        })
        if (parsed === undefined || !parsed.isValid() || parsed.country !== country) return false
        return (
          TRUNK.test(candidate) ||
          isGroupedAs(candidate, parsed.formatNational()) ||
          hasContext(plain, start, WORDS, memberName)
        )
      }),
  }
})

/** Whether a candidate has as many digits as numbers of the country, or up to two more that are dialled before them. */
function lengthTest(country: CountryCode): (candidate: string) => boolean {
  let bounds: { readonly min: number; readonly max: number } | null = null
  return (candidate) => {
    // There are some 245 countries, and rules name few of them.
    bounds ??= lengthsOf(country)
    const { length } = candidate.replaceAll(/\D/g, '')
    return length >= bounds.min && length <= bounds.max + 2
  }
}

function lengthsOf(country: CountryCode): { readonly min: number; readonly max: number } {
  const metadata = new Metadata()
  metadata.selectNumberingPlan(country)
  const lengths = metadata.numberingPlan?.possibleLengths() ?? []
  return { min: Math.min(...lengths), max: Math.max(...lengths) }
}

const TRUNK = /^\(?0/

/** Whether two texts have the same groups of digits, of which there are several, but for one digit dialled first. */
function isGroupedAs(candidate: string, usual: string): boolean {
  const [groups = [], wanted = []] = [candidate, usual].map((text) => text.match(/\d+/g) ?? [])
  const dialled = groups[0]?.length === 1 && groups.length > wanted.length
  const own = dialled ? groups.slice(1) : groups
  return own.length > 1 && own.join(' ') === wanted.join(' ')
}

const WORDS = [
  ...['phone', 'tel', 'call', 'mobile', 'mobil', 'cell', 'fax', 'sms', 'whatsapp', 'contact'],
  ...['handy', 'rufnummer', 'teléfono', 'telefono', 'móvil', 'celular', 'téléphone', 'portable'],
  ...['電話', '电话', '手机', 'телефон'],
]

type Judge = (candidate: string, plain: PlainText, start: number) => boolean

function findPhones(original: string, kind: string, isPhone: Judge): Span[] {
  const plain = plainText(original)
  const { text } = plain
  const spans: Span[] = []
  const judge = bounded(isPhone, text.length)
  for (let at = 0; at < text.length; ) {
    const end = isStart(text, at) ? candidateEnd(text, at) : at
    if (end === at) {
      at++
      continue
    }
    const found = longestPhone(plain, { start: at, end }, judge)
    if (found === null) {
      at = nextStart(text, at)
      continue
    }
    spans.push(plain.span(kind, at, found))
    at = found
  }
  return spans
}

/**
 * Bounds what a text can cost that is made of numbers: once so many were judged, every further candidate counts as a
 * number of a telephone.
 */
function bounded(isPhone: Judge, length: number): Judge {
  let left = JUDGED_MIN + length / CHARACTERS_PER_JUDGED
  return (candidate, plain, start) => {
    left -= 1
    return left < 0 || isPhone(candidate, plain, start)
  }
}

const JUDGED_MIN = 64
const CHARACTERS_PER_JUDGED = 8

function isStart(text: string, at: number): boolean {
  const character = text[at] as string
  if (!isDigitAt(text, at) && character !== '+' && character !== '(') return false
  const before = text[at - 1] ?? ' '
  if (isWordAt(text, at - 1) || before === '+' || before === '(') return false
  // A plus sign begins a number whatever is behind it, as in a row of values.
  if (character === '+') return true
  return !('.-/,:'.includes(before) && isDigitAt(text, at - 2))
}

/** The next place from which a number can begin: what one digit of a group began, the next would only shorten. */
function nextStart(text: string, at: number): number {
  let next = at + 1
  while (isDigitAt(text, next)) next++
  return next
}

/** The end of the digits, spaces, points, dashes, slashes and brackets from here; two separators in a row end them. */
function candidateEnd(text: string, start: number): number {
  let end = start
  let digits = 0
  let gap = 0
  for (let at = start; at < text.length && at - start < CANDIDATE_LENGTH_MAX; at++) {
    if (isDigitAt(text, at)) {
      digits++
      if (digits > DIGITS_MAX) break
      gap = 0
      end = at + 1
      continue
    }
    if (at > start && !' .-/()'.includes(text[at] as string)) break
    // Brackets stand around an area code: another one begins another number.
    if (text[at] === '(' && digits > BEFORE_BRACKET_MAX) break
    if (++gap > SEPARATORS_MAX) break
  }
  return end
}

/** The `(0) ` and ` - ` of real numbers have up to three. */
const SEPARATORS_MAX = 3
/** ITU-T E.164 takes 15 digits; `00` and a zero in brackets come on top. */
const DIGITS_MAX = 18
/** A country's code has three digits, and `00` may stand before it. */
const BEFORE_BRACKET_MAX = 5
const CANDIDATE_LENGTH_MAX = 40
const DIGITS_MIN = 6

/** The longest number that begins where the candidate does and ends where one of its groups of digits ends. */
function longestPhone(
  plain: PlainText,
  { start, end }: { readonly start: number; readonly end: number },
  isPhone: Judge,
): number | null {
  const { text } = plain
  for (let stop = end; stop > start; stop = lastGroup(text, start, stop)) {
    const candidate = text.slice(start, stop)
    if (candidate.replaceAll(/\D/g, '').length < DIGITS_MIN) return null
    if (!isFreeAfter(text, start, stop) || LOOKS_OTHERWISE.some((other) => other.test(candidate)))
      continue
    if (isPhone(candidate, plain, start)) return extensionEnd(text, stop)
  }
  return null
}

function lastGroup(text: string, start: number, end: number): number {
  let stop = end
  while (stop > start && isDigitAt(text, stop - 1)) stop--
  while (stop > start && !isDigitAt(text, stop - 1)) stop--
  return stop
}

/** ` ext. 42` and `x42` behind a number belong to it. */
function extensionEnd(text: string, end: number): number {
  const match = EXTENSION.exec(text.slice(end, end + 16))
  return end + (match?.[0].length ?? 0)
}

const EXTENSION = /^(?:,? ?(?:ext\.?|extension) ?| ?x ?|#)\d{1,6}(?![\p{L}\d])/iu

function isFreeAfter(text: string, start: number, end: number): boolean {
  if (extensionEnd(text, end) > end) return true
  if (isWordAt(text, end) || text[end] === '@') return false
  const joiners = text[start] === '+' ? '.-/' : '.-/,:'
  return !(joiners.includes(text[end] ?? ' ') && isDigitAt(text, end + 1))
}

/** Dates, times, IP addresses, amounts, ranges of years, card numbers in fours. */
const LOOKS_OTHERWISE: readonly RegExp[] = [
  /^\d{4}[-/.]\d{1,2}[-/.]\d{1,2}\b/,
  /^\d{1,2}[-/.]\d{1,2}[-/.]\d{4}\b/,
  /^\d{1,3}(?:\.\d{1,3}){3}$/,
  /^\d{1,3}(?:\.\d{3}){1,5}$/,
  /^(?:19|20)\d\d ?- ?(?:19|20)\d\d$/,
  /^\d{4}([ -])\d{4}\1\d{4}\b/,
  /^\d{3}-\d{2}-\d{4}$/,
]

function isInternational(candidate: string, country?: CountryCode): boolean {
  if (!candidate.startsWith('+') && !candidate.startsWith('00')) return false
  const parsed = parsePhoneNumberFromString(
    candidate.startsWith('00') ? `+${candidate.slice(2)}` : candidate,
    { extract: false },
  )
  if (parsed === undefined || !parsed.isValid()) return false
  return country === undefined || parsed.country === country
}
