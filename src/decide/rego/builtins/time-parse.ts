import type { Civil } from './time-calendar.ts'
import { daysIn, isLeap, MONTHS, WEEKDAYS, wallSecondsOf } from './time-calendar.ts'
import type { LayoutPiece } from './time-layout.ts'

/** A point in time: whole seconds since 1970 and what is left, in nanoseconds. */
export type Instant = { readonly seconds: number; readonly nanoseconds: number }

/**
 * Reads a time by a layout, as Go's time.Parse does on a machine in UTC: the abbreviation of a zone must look like one but
 * counts as UTC, years have four digits, what the layout lacks is the least that is possible.
 *
 * @returns undefined where Go gives an error
 */
export function parseTime(pieces: readonly LayoutPiece[], text: string): Instant | undefined {
  const state: State = { ...NOTHING, rest: text }
  for (const [at, piece] of pieces.entries()) {
    const read =
      'literal' in piece
        ? skip(state, piece.literal)
        : 'fraction' in piece
          ? readFraction(state, piece)
          : readField(state, piece.field, nextField(pieces, at + 1))
    if (!read) return undefined
  }
  return state.rest === '' ? instantOf(state) : undefined
}

/**
 * The commonest form of RFC 3339 alone, `2026-11-21T10:15:00Z`, read at once; undefined for every other one, right or
 * wrong.
 */
export function parsePlainUtc(text: string): Instant | undefined {
  if (text.length !== PLAIN_UTC.length) return undefined
  for (let at = 0; at < PLAIN_UTC.length; at++) {
    const wanted = PLAIN_UTC.charCodeAt(at)
    const found = text.charCodeAt(at)
    if (wanted === ZERO ? found < ZERO || found > NINE : found !== wanted) return undefined
  }
  const year = digits(text, 0, 4)
  const month = digits(text, 5, 7)
  const day = digits(text, 8, 10)
  const hour = digits(text, 11, 13)
  const minute = digits(text, 14, 16)
  const second = digits(text, 17, 19)
  if (month < 1 || month > 12 || day < 1 || day > daysIn(year, month)) return undefined
  if (hour > 23 || minute > 59 || second > 59) return undefined
  return { seconds: wallSecondsOf({ year, month, day, hour, minute, second }), nanoseconds: 0 }
}

const PLAIN_UTC = '0000-00-00T00:00:00Z'
const ZERO = 0x30
const NINE = 0x39

function digits(text: string, from: number, to: number): number {
  let value = 0
  for (let at = from; at < to; at++) value = value * 10 + text.charCodeAt(at) - ZERO
  return value
}

/** The next field or fraction; literal text never follows literal text. */
function nextField(pieces: readonly LayoutPiece[], from: number): LayoutPiece | undefined {
  const piece = pieces[from]
  return piece !== undefined && 'literal' in piece ? pieces[from + 1] : piece
}

type State = {
  rest: string
  year: number
  month: number | undefined
  day: number | undefined
  yearDay: number | undefined
  hour: number
  minute: number
  second: number
  nanoseconds: number
  /** Whether the text says that the hour is one before noon, and that it is one after; the layout may have both. */
  am: boolean
  pm: boolean
  /** Whether the text says `Z` or `UTC`; an offset beside it does not count. */
  utc: boolean
  /** Seconds east of UTC. */
  offset: number
}

const NOTHING: State = {
  rest: '',
  year: 0,
  month: undefined,
  day: undefined,
  yearDay: undefined,
  hour: 0,
  minute: 0,
  second: 0,
  nanoseconds: 0,
  am: false,
  pm: false,
  utc: false,
  offset: 0,
}

/** A run of spaces in a layout stands for any run of them, but none where text follows. */
function skip(state: State, literal: string): boolean {
  for (const part of literal.match(/ +|[^ ]+/g) ?? []) {
    if (part.startsWith(' ')) {
      if (state.rest !== '' && !state.rest.startsWith(' ')) return false
      state.rest = state.rest.replace(/^ +/, '')
    } else {
      if (!state.rest.startsWith(part)) return false
      state.rest = state.rest.slice(part.length)
    }
  }
  return true
}

function readField(state: State, field: string, after: LayoutPiece | undefined): boolean {
  const reader = READERS.get(field)
  return reader === undefined ? readOffset(state, field) : reader(state, after)
}

const READERS: ReadonlyMap<string, (state: State, after: LayoutPiece | undefined) => boolean> =
  new Map([
    ['2006', (state) => readYear(state, /^[0-9].{3}/s)],
    ['06', (state) => readYear(state, /^.{2}/s)],
    ['January', (state) => readMonth(state, MONTHS)],
    ['Jan', (state) => readMonth(state, SHORT_MONTHS)],
    ['1', (state) => setMonth(state, take(state, ONE_OR_TWO))],
    ['01', (state) => setMonth(state, take(state, TWO))],
    ['Monday', (state) => readName(state, WEEKDAYS) !== undefined],
    ['Mon', (state) => readName(state, SHORT_WEEKDAYS) !== undefined],
    ['2', (state) => setDay(state, take(state, ONE_OR_TWO))],
    ['_2', (state) => setDay(state, take(state, SPACED_DAY))],
    ['02', (state) => setDay(state, take(state, TWO))],
    ['__2', (state) => setYearDay(state, take(state, SPACED_YEAR_DAY))],
    ['002', (state) => setYearDay(state, take(state, /^([0-9]{3})/))],
    ['15', (state) => setHour(state, take(state, ONE_OR_TWO), 23)],
    ['3', (state) => setHour(state, take(state, ONE_OR_TWO), 12)],
    ['03', (state) => setHour(state, take(state, TWO), 12)],
    ['4', (state) => setMinute(state, take(state, ONE_OR_TWO))],
    ['04', (state) => setMinute(state, take(state, TWO))],
    ['5', (state, after) => setSecond(state, take(state, ONE_OR_TWO), after)],
    ['05', (state, after) => setSecond(state, take(state, TWO), after)],
    ['PM', (state) => readHalf(state, /^(AM|PM)/)],
    ['pm', (state) => readHalf(state, /^(am|pm)/)],
    ['MST', readZone],
  ] satisfies [string, (state: State, after: LayoutPiece | undefined) => boolean][])

const ONE_OR_TWO = /^([0-9]{1,2})/
const TWO = /^([0-9]{2})/
const SPACED_DAY = /^ ?([0-9]{1,2})/
const SPACED_YEAR_DAY = /^ {0,2}([0-9]{1,3})/
const SHORT_MONTHS = MONTHS.map((name) => name.slice(0, 3))
const SHORT_WEEKDAYS = WEEKDAYS.map((name) => name.slice(0, 3))

/** Takes what the pattern finds and gives its first group as a number. */
function take(state: State, pattern: RegExp): number | undefined {
  const found = pattern.exec(state.rest.slice(0, 8))
  if (found === null) return undefined
  state.rest = state.rest.slice(found[0].length)
  return Number(found[1])
}

/** A sign counts as one of the characters, and a sign alone is 0: so does Go read a number. */
function readYear(state: State, pattern: RegExp): boolean {
  const text = pattern.exec(state.rest.slice(0, 4))?.[0]
  if (text === undefined || !SIGNED.test(text)) return false
  state.rest = state.rest.slice(text.length)
  const year = signed(text)
  state.year = text.length === 4 ? year : year + (year >= 69 ? 1900 : 2000)
  return true
}

const SIGNED = /^[+-]?[0-9]*$/

function signed(text: string): number {
  return Number(text.replace(/^[+-]/, '')) * (text.startsWith('-') ? -1 : 1)
}

/** The place of the name that the text begins with, in any case of ASCII. */
function readName(state: State, names: readonly string[]): number | undefined {
  const start = state.rest.slice(0, 9).replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase())
  const at = names.findIndex((name) => start.startsWith(name.toLowerCase()))
  if (at < 0) return undefined
  state.rest = state.rest.slice(names[at]?.length)
  return at
}

function readMonth(state: State, names: readonly string[]): boolean {
  const at = readName(state, names)
  if (at !== undefined) state.month = at + 1
  return at !== undefined
}

function setMonth(state: State, month: number | undefined): boolean {
  state.month = month
  return month !== undefined && month >= 1 && month <= 12
}

function setDay(state: State, day: number | undefined): boolean {
  state.day = day
  return day !== undefined
}

function setYearDay(state: State, day: number | undefined): boolean {
  state.yearDay = day
  return day !== undefined
}

function setHour(state: State, hour: number | undefined, max: number): boolean {
  state.hour = hour ?? 0
  return hour !== undefined && hour <= max
}

function setMinute(state: State, minute: number | undefined): boolean {
  state.minute = minute ?? 0
  return minute !== undefined && minute < 60
}

/** A fraction may follow although the layout has none. */
function setSecond(
  state: State,
  second: number | undefined,
  after: LayoutPiece | undefined,
): boolean {
  if (second === undefined || second >= 60) return false
  state.second = second
  if (after !== undefined && 'fraction' in after) return true
  const fraction = /^[.,][0-9]+/.exec(state.rest)?.[0]
  return fraction === undefined || takeFraction(state, fraction)
}

function readFraction(
  state: State,
  piece: { readonly digits: number; readonly trimmed: boolean },
): boolean {
  if (!piece.trimmed) {
    const text = state.rest.slice(0, 1 + piece.digits)
    return text.length === 1 + piece.digits && /^[.,]/.test(text) && takeFraction(state, text)
  }
  const fraction = /^[.,][0-9]+/.exec(state.rest)?.[0]
  return fraction === undefined || takeFraction(state, fraction)
}

/** Whole nanoseconds; what is below is cut off. Here, too, Go takes a sign for a digit. */
function takeFraction(state: State, text: string): boolean {
  const digits = text.slice(1, 10)
  if (!SIGNED.test(digits)) return false
  const value = signed(digits)
  if (value < 0) return false
  state.rest = state.rest.slice(text.length)
  state.nanoseconds = value * 10 ** (9 - digits.length)
  return true
}

function readHalf(state: State, pattern: RegExp): boolean {
  const half = pattern.exec(state.rest)?.[0].toLowerCase()
  if (half === 'am') state.am = true
  else if (half === 'pm') state.pm = true
  else return false
  state.rest = state.rest.slice(2)
  return true
}

function readOffset(state: State, field: string): boolean {
  if (field.startsWith('Z') && state.rest.startsWith('Z')) {
    state.rest = state.rest.slice(1)
    state.utc = true
    return true
  }
  const found = OFFSETS.get(field.slice(1))?.exec(state.rest)
  if (found === null || found === undefined) return false
  const [hours, minutes, seconds] = [2, 3, 4].map((at) => Number(found[at] ?? 0))
  if (hours === undefined || minutes === undefined || seconds === undefined) return false
  // Go lets 24 hours, 60 minutes and 60 seconds pass.
  if (hours > 24 || minutes > 60 || seconds > 60) return false
  state.rest = state.rest.slice(found[0].length)
  const offset = (hours * 60 + minutes) * 60 + seconds
  const signed = found[1] === '-' ? -offset : offset
  state.offset = signed === -1 ? 0 : signed // To Go, -1 says that there is none.
  return true
}

/** By what follows the sign or the `Z` in a layout. */
const OFFSETS: ReadonlyMap<string, RegExp> = new Map([
  ['07', /^([+-])([0-9]{2})/],
  ['0700', /^([+-])([0-9]{2})([0-9]{2})/],
  ['07:00', /^([+-])([0-9]{2}):([0-9]{2})/],
  ['070000', /^([+-])([0-9]{2})([0-9]{2})([0-9]{2})/],
  ['07:00:00', /^([+-])([0-9]{2}):([0-9]{2}):([0-9]{2})/],
])

function readZone(state: State): boolean {
  const { rest } = state
  if (rest.startsWith('UTC')) state.utc = true
  const name = /^(?:UTC|ChST|MeST)/.exec(rest)?.[0] ?? zoneAbbreviation(rest)
  state.rest = rest.slice(name.length)
  return name !== ''
}

/** `GMT`, an offset in hours, both, or three to five capitals; but three, the last must be a T, apart from `WITA`. */
function zoneAbbreviation(text: string): string {
  const prefix = text.startsWith('GMT') ? 'GMT' : ''
  const hours = /^[+-]([0-9]+)/.exec(text.slice(prefix.length))
  const offset = hours !== null && Number(hours[1]) <= 23 ? hours[0] : ''
  if (prefix + offset !== '' || /^[+-]/.test(text)) return prefix + offset
  const capitals = /^[A-Z]{0,6}/.exec(text)?.[0] ?? ''
  return /^(?:[A-Z]{3}|[A-Z]{3,4}T|WITA)$/.test(capitals) ? capitals : ''
}

function instantOf(state: State): Instant | undefined {
  const date = dateOf(state)
  if (date === undefined || date.day < 1 || date.day > daysIn(state.year, date.month)) {
    return undefined
  }
  const { year, minute, second, nanoseconds } = state
  const hour = hourOf(state)
  const wallSeconds = wallSecondsOf({ year, ...date, hour, minute, second })
  return { seconds: wallSeconds - (state.utc ? 0 : state.offset), nanoseconds }
}

function hourOf({ hour, am, pm }: State): number {
  if (pm && hour < 12) return hour + 12
  return am && hour === 12 ? 0 : hour
}

/** Month and day, which a day of the year may give; what the text says twice must agree. */
function dateOf(state: State): Pick<Civil, 'month' | 'day'> | undefined {
  const { year, yearDay } = state
  if (yearDay === undefined) return { month: state.month ?? 1, day: state.day ?? 1 }
  if (yearDay < 1 || yearDay > (isLeap(year) ? 366 : 365)) return undefined
  let [month, day] = [1, yearDay]
  while (day > daysIn(year, month)) {
    day -= daysIn(year, month)
    month += 1
  }
  const agrees = (state.month ?? month) === month && (state.day ?? day) === day
  return agrees ? { month, day } : undefined
}
