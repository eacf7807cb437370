import { isLuhn } from './personal-card.ts'

// Numbers that hold a date of birth. The day must be one of the calendar; no clock is read, so a day to come passes.

/** NHS number of England, Wales and the Isle of Man: ten digits, the last modulo 11. NHS Data Dictionary. */
export function isNhsNumber(digits: string): boolean {
  const check = 11 - (weighted(digits, [10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11)
  return check !== 10 && check % 11 === digitAt(digits, 9) && new Set(digits).size > 1
}

/** PESEL: the month also tells the century; weights 1 3 7 9. Regulation of the Polish Minister of Interior, 2012. */
export function isPolishNumber(digits: string): boolean {
  const month = numberOf(digits, 2, 4)
  const century = [1900, 2000, 2100, 2200, 1800][Math.floor(month / 20)]
  if (century === undefined) return false
  const day = {
    year: century + numberOf(digits, 0, 2),
    month: month % 20,
    day: numberOf(digits, 4, 6),
  }
  const sum = weighted(digits, [1, 3, 7, 9, 1, 3, 7, 9, 1, 3])
  return isCalendarDay(day) && (10 - (sum % 10)) % 10 === digitAt(digits, 10)
}

/** Personnummer: six or eight digits of the date, three of the place, one by Luhn; day + 60 for coordination numbers. */
export function isSwedishNumber(digits: string): boolean {
  const ten = digits.slice(-10)
  const day = numberOf(ten, 4, 6)
  // Without a century a leap day is one of some century.
  const year = digits.length === 12 ? numberOf(digits, 0, 4) : 2000 + numberOf(ten, 0, 2)
  const born = { year, month: numberOf(ten, 2, 4), day: day > 60 ? day - 60 : day }
  return isCalendarDay(born) && isLuhn(ten)
}

/** Henkilötunnus: a date, a sign of the century, three digits, a sign modulo 31. Finnish Digital and Population Data Services Agency. */
export function isFinnishNumber(compact: string): boolean {
  const date = compact.slice(0, 6)
  const rest = compact.slice(6)
  // The sign of the century is a letter, or a dash or plus that the compact form has lost.
  const letter = rest.length === 5 ? rest.charAt(0) : ''
  const number = rest.slice(letter.length, letter.length + 3)
  if (letter !== '' && !'ABCDEFYXWVU'.includes(letter)) return false
  const year = ('ABCDEF'.includes(letter) && letter !== '' ? 2000 : 1900) + numberOf(date, 4, 6)
  const born = { year, month: numberOf(date, 2, 4), day: numberOf(date, 0, 2) }
  const sign = '0123456789ABCDEFHJKLMNPRSTUVWXY'.charAt(Number(date + number) % 31)
  return isCalendarDay(born) && Number(number) >= 2 && compact.endsWith(sign)
}

/** Fødselsnummer: a date (day + 40 for D-numbers), three digits, two check digits modulo 11. Norwegian Tax Administration. */
export function isNorwegianNumber(digits: string): boolean {
  const day = numberOf(digits, 0, 2)
  const born = {
    year: 2000 + numberOf(digits, 4, 6),
    month: numberOf(digits, 2, 4),
    day: day > 40 ? day - 40 : day,
  }
  const first = (11 - (weighted(digits, [3, 7, 6, 1, 8, 9, 4, 5, 2]) % 11)) % 11
  const second = (11 - (weighted(digits, [5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11)) % 11
  return isCalendarDay(born) && first === digitAt(digits, 9) && second === digitAt(digits, 10)
}

/** Rijksregisternummer: a date, three digits, two modulo 97, with a 2 before the number from 2000 on. */
export function isBelgianNumber(digits: string): boolean {
  const check = numberOf(digits, 9, 11)
  const front = digits.slice(0, 9)
  const century = [1900, 2000].find(
    (one) => 97 - (Number(one === 1900 ? front : `2${front}`) % 97) === check,
  )
  if (century === undefined) return false
  const month = numberOf(digits, 2, 4)
  const born = { year: century + numberOf(digits, 0, 2), month, day: numberOf(digits, 4, 6) }
  return isCalendarDay(born)
}

/** CURP: initials, a date, sex, state, consonants, one sign of the century, one check digit modulo 10. RENAPO. */
export function isMexicanNumber(compact: string): boolean {
  const digits = compact.slice(4, 10)
  const century = /[A-Z]/.test(compact.charAt(16)) ? 2000 : 1900
  const born = {
    year: century + numberOf(digits, 0, 2),
    month: numberOf(digits, 2, 4),
    day: numberOf(digits, 4, 6),
  }
  if (!'HMX'.includes(compact.charAt(10)) || !isCalendarDay(born)) return false
  let sum = 0
  for (let i = 0; i < 17; i++) {
    sum += CURP_ALPHABET.indexOf(compact.charAt(i)) * (18 - i)
  }
  return (10 - (sum % 10)) % 10 === digitAt(compact, 17)
}

const CURP_ALPHABET = '0123456789ABCDEFGHIJKLMNÑOPQRSTUVWXYZ'

/** Resident identity number: region, date, three digits, one sign by ISO 7064 MOD 11-2. GB 11643-1999. */
export function isChineseNumber(compact: string): boolean {
  const born = {
    year: numberOf(compact, 6, 10),
    month: numberOf(compact, 10, 12),
    day: numberOf(compact, 12, 14),
  }
  if (born.year < 1800 || !isCalendarDay(born)) return false
  const sum = weighted(compact, [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2])
  return '10X98765432'.charAt(sum % 11) === compact.charAt(17)
}

/** South African identity number: a date, four digits, citizenship 0 to 2, one digit, Luhn. Department of Home Affairs. */
export function isSouthAfricanNumber(digits: string): boolean {
  const born = {
    year: 2000 + numberOf(digits, 0, 2),
    month: numberOf(digits, 2, 4),
    day: numberOf(digits, 4, 6),
  }
  return isCalendarDay(born) && digitAt(digits, 10) <= 2 && isLuhn(digits)
}

/** Whether, as in every German tax number, one of the first ten digits stands two or three times and no other does. */
export function repeatsOneDigit(digits: string): boolean {
  const counts = new Map<string, number>()
  for (const digit of digits.slice(0, 10)) counts.set(digit, (counts.get(digit) ?? 0) + 1)
  const repeated = [...counts.values()].filter((count) => count > 1)
  return repeated.length === 1 && (repeated[0] as number) <= 3
}

export type CalendarDay = { readonly year: number; readonly month: number; readonly day: number }

/** Whether the Gregorian calendar has this day. */
export function isCalendarDay({ year, month, day }: CalendarDay): boolean {
  if (month < 1 || month > 12 || day < 1) return false
  const isLeap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0
  const days = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1]
  return days !== undefined && day <= days
}

function weighted(digits: string, weights: readonly number[]): number {
  return weights.reduce((sum, weight, i) => sum + weight * digitAt(digits, i), 0)
}

function digitAt(digits: string, index: number): number {
  return digits.charCodeAt(index) - 48
}

function numberOf(digits: string, start: number, end: number): number {
  return Number(digits.slice(start, end))
}
