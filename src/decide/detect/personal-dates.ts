import type { Detector, Span } from './detector.ts'
import { isCalendarDay } from './personal-check-digits.ts'
import type { PlainText } from './personal-text.ts'
import { isWordAt, memberWords, plainText } from './personal-text.ts'

/**
 * Days of birth: a day of the calendar shortly behind a word of birth, or in a member whose name says so. Years go from
 * 1850 to 2099: which days are still to come is a question of the clock, and none is read.
 */
export const dateOfBirth: Detector = {
  kind: 'date_of_birth',
  find(original, { memberName }) {
    const plain = plainText(original)
    const { text, lower } = plain
    const spans: Span[] = []
    if (memberName !== null && BIRTH_NAMES.test(memberWords(memberName))) {
      addDate(plain, { from: 0, to: text.length }, spans)
    }
    let done = spans.length > 0 ? text.length : 0
    for (const match of lower.matchAll(BIRTH_WORDS)) {
      const end = match.index + match[0].length
      if (match.index < done || isWordAt(text, match.index - 1)) continue
      const found = addDate(plain, { from: end, to: end + REACH }, spans)
      if (found !== null) done = found
    }
    return spans
  },
}

/** UTF-16 code units from a word of birth to the end of its date. */
const REACH = 64

/** What stands before a birthday in English, German, French, Spanish, Portuguese, Italian, Dutch, Nordic, Slavic languages, Chinese, Japanese. */
const BIRTH_WORDS = new RegExp(
  [
    ...['born', 'birth ?date', 'birthday', 'date of birth', 'd\\.?o\\.?b\\b', 'birth'],
    ...['geburt', 'geboren', 'geb\\.'],
    ...['n[ée]e?\\(?e?\\)? le', 'naissance'],
    ...['nacid[oa]', 'nacimiento', 'nascid[oa]', 'nascimento', 'nat[oa] il', 'nascita'],
    ...['geboorte', 'född', 'födelse', 'født', 'fødsel', 'syntynyt', 'syntymä'],
    ...['urodzon', 'urodzenia', 'narozen', 'рожд', 'родил'],
    ...['出生', '生年月日', '生日', '誕生日'],
  ].join('|'),
  'gu',
)

const BIRTH_NAMES =
  / (?:dob|birth|birthday|birthdate|date of birth|born|geburtsdatum|geburtstag|naissance|nacimiento|nascimento|nascita|geboortedatum) /u

/** RFC 3339 puts a T between the day and the time. */
const TIME = /^t\d\d:/

/** Adds the first date between two indexes, if there is one. @returns its end */
function addDate(
  plain: PlainText,
  { from, to }: { readonly from: number; readonly to: number },
  spans: Span[],
): number | null {
  const window = plain.lower.slice(from, to)
  let first: { readonly start: number; readonly end: number } | null = null
  for (const form of FORMS) {
    for (const match of window.matchAll(form.pattern)) {
      const start = from + match.index
      const end = start + match[0].length
      if (isWordAt(plain.text, start - 1)) continue
      if (isWordAt(plain.text, end) && !TIME.test(plain.lower.slice(end, end + 4))) continue
      if (!form.isDate(match.slice(1))) continue
      if (first === null || start < first.start) first = { start, end }
      break
    }
  }
  if (first === null) return null
  spans.push(plain.span('date_of_birth', first.start, first.end))
  return first.end
}

type Form = {
  readonly pattern: RegExp
  isDate(parts: readonly (string | undefined)[]): boolean
}

const MONTHS: readonly string[] = [
  'jan(?:uary|uar|vier|uari|eiro)?|ene(?:ro)?|gen(?:naio)?',
  'feb(?:ruary|ruar|rero|braio|ruari)?|f[ée]v(?:rier|ereiro)?',
  'mar(?:ch|s|zo|ço)?|märz|maart',
  'apr(?:il|ile)?|avr(?:il)?|abr(?:il)?',
  'may|mai|mayo|maggio|maio|mei',
  'june?|juni|juin|junio|giugno|junho',
  'july?|juli|juillet|julio|luglio|julho',
  'aug(?:ust|ustus)?|août|ago(?:sto)?',
  'sep(?:t|tember|tembre|tiembre)?|set(?:tembre|embro)?',
  'oct(?:ober|obre|ubre)?|okt(?:ober)?|ott(?:obre)?|out(?:ubro)?',
  'nov(?:ember|embre|iembre|embro)?',
  'dec(?:ember)?|dez(?:ember|embro)?|d[ée]c(?:embre)?|dic(?:embre|iembre)?',
]
const MONTH_TESTS = MONTHS.map((names) => new RegExp(`^(?:${names})$`, 'u'))
const ANY_MONTH = MONTHS.join('|')

const FORMS: readonly Form[] = [
  {
    pattern: /(\d{4})([-/.])(\d{1,2})\2(\d{1,2})/g,
    isDate: ([year, , month, day]) => isDay(year, month, day),
  },
  {
    pattern: /(\d{1,2})([-/.])(\d{1,2})\2(\d{4}|\d{2})/g,
    // Which of the first two is the month depends on the country.
    isDate: ([a, , b, year]) => isDay(year, a, b) || isDay(year, b, a),
  },
  {
    pattern: new RegExp(
      `(\\d{1,2})(?:st|nd|rd|th|\\.|er)? ?(?:of |de |di )?(${ANY_MONTH})\\.?,? ?(?:de |del )?(\\d{4})`,
      'gu',
    ),
    isDate: ([day, month, year]) => isDay(year, monthOf(month), day),
  },
  {
    pattern: new RegExp(`(${ANY_MONTH})\\.? (\\d{1,2})(?:st|nd|rd|th)?,? (\\d{4})`, 'gu'),
    isDate: ([month, day, year]) => isDay(year, monthOf(month), day),
  },
  {
    pattern: /(\d{4}) ?年 ?(\d{1,2}) ?月 ?(\d{1,2}) ?日/gu,
    isDate: ([year, month, day]) => isDay(year, month, day),
  },
  { pattern: /(\d{4})(\d{2})(\d{2})/g, isDate: ([year, month, day]) => isDay(year, month, day) },
]

function monthOf(name: string | undefined): string {
  return String(MONTH_TESTS.findIndex((test) => test.test(name ?? '')) + 1)
}

function isDay(year = '', month = '', day = ''): boolean {
  // Two digits are a year of some century; 2000 has a leap day.
  const full = year.length === 2 ? 2000 + Number(year) : Number(year)
  if (full < 1850 || full > 2099) return false
  return isCalendarDay({ year: full, month: Number(month), day: Number(day) })
}
