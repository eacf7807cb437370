import { PolicyError } from './errors.ts'
import { OPEN_HOURS_DAYS_MAX } from './limits.ts'
import { ZONE_SINCE, zoneOffset } from './zone-offset.ts'

/** A span of the day, on the days on which it begins. Times such as `09:00`; `24:00` ends a day. */
export type DayWindow = {
  /** `mon` to `sun`. */
  readonly days: readonly string[]
  readonly from: string
  /** Below `from`: a time of the next day. */
  readonly to: string
}

/** Times of day by the clocks of a zone. */
export type OpenHours = {
  /** Of the IANA database. */
  readonly zone: string
  readonly windows: readonly DayWindow[]
  /** Days such as `2026-12-25`, by the zone's calendar, that are closed from midnight to midnight. */
  readonly except: readonly string[]
}

/** What a zone's clocks show: days since 1970, seconds since midnight. */
export type Wall = { readonly day: number; readonly second: number }

/** A window ready to compare: seconds since midnight; `to` below `from` is a time of the next day. */
export type Window = {
  readonly days: ReadonlySet<string>
  readonly from: number
  readonly to: number
}

/**
 * The moment (Unix milliseconds) at which a span of open time is over that begins to run at another. A second that a
 * change of the clock repeats runs twice, one that it skips never.
 *
 * @returns null when it is not over within OPEN_HOURS_DAYS_MAX days, or lies before the zone's clocks are known
 * @throws {PolicyError} VALUE_INVALID for hours that are none
 */
export function addOpenTime(hours: OpenHours, from: number, openMs: number): number | null {
  const { zone, windows, closed } = readHours(hours)
  const end = from + OPEN_HOURS_DAYS_MAX * DAY * 1000
  let left = openMs
  let at = from
  while (at < end) {
    const offset = zoneOffset(zone, Math.floor(at / 1000))
    if (offset === null) return null
    const next = nextTurn(zone, windows, { at, offset })
    const open = isOpen(windows, wallAt(at, offset), closed)
    if (open && left <= next - at) return at + left
    if (open) left -= next - at
    at = next
  }
  return null
}

/** Whether a window holds a time. A window that goes over midnight belongs to the day on which it begins. */
export function isWithin(
  { days, from, to }: Window,
  { day, second }: Wall,
  closed: ReadonlySet<number>,
): boolean {
  const begins = (on: number): boolean => days.has(dayName(on)) && !closed.has(on)
  if (from < to) return from <= second && second < to && begins(day)
  return (second >= from && begins(day)) || (second < to && begins(day - 1))
}

/** @param wallSeconds - seconds since 1970 by the zone's clocks */
export function wallOf(wallSeconds: number): Wall {
  const day = Math.floor(wallSeconds / DAY)
  return { day, second: wallSeconds - day * DAY }
}

/** @param day - days since 1970 */
export function dayName(day: number): string {
  return DAY_NAMES[(((day + 4) % 7) + 7) % 7] ?? '' // The first of January 1970 was a Thursday.
}

export function isDayName(name: string): boolean {
  return DAY_NAMES.some((known) => known === name)
}

/** Seconds since midnight of a time such as `09:00`; null for what is none. `24:00` is the end of the day. */
export function secondsOfDay(text: string): number | null {
  if (text === '24:00') return DAY
  const [, hours, minutes] = /^([01]\d|2[0-3]):([0-5]\d)$/.exec(text) ?? []
  return hours === undefined ? null : Number(hours) * 3600 + Number(minutes) * 60
}

/** Days since 1970 of a date such as `2026-12-25`; null for what is none. */
export function dayOfDate(text: string): number | null {
  const time = DATE.test(text) ? Date.parse(text) : Number.NaN
  // Date.parse reads a 30th of February in some engines.
  if (Number.isNaN(time) || new Date(time).toISOString().slice(0, 10) !== text) return null
  return time / 1000 / DAY
}

/** Seconds of a day whose clock does not change. */
export const DAY = 86_400

/** From the first of January 1970 on, less four. */
const DAY_NAMES = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const
const DATE = /^\d{4}-\d{2}-\d{2}$/

function readHours({ zone, windows, except }: OpenHours): {
  readonly zone: string
  readonly windows: readonly Window[]
  readonly closed: ReadonlySet<number>
} {
  const closed = except.map(dayOfDate)
  const read = windows.map(({ days, from, to }) => ({
    days: new Set(days),
    from: secondsOfDay(from),
    to: secondsOfDay(to),
  }))
  if (zoneOffset(zone, ZONE_SINCE) === null) throw invalid('a zone of the IANA database')
  const fine = read.flatMap(({ days, from, to }) =>
    from === null || to === null || from === to || from === DAY ? [] : [{ days, from, to }],
  )
  if (fine.length !== windows.length) throw invalid('windows that are not empty')
  if (closed.includes(null)) throw invalid('days such as 2026-12-25')
  return { zone, windows: fine, closed: new Set(closed.flatMap((day) => day ?? [])) }
}

function isOpen(windows: readonly Window[], wall: Wall, closed: ReadonlySet<number>): boolean {
  return !closed.has(wall.day) && windows.some((window) => isWithin(window, wall, closed))
}

function wallAt(at: number, offset: number): Wall {
  return wallOf(Math.floor(at / 1000) + offset)
}

type Instant = { readonly at: number; readonly offset: number }

/** When it may open or close next: at the edge of a window, at midnight, or at a change of the zone's clocks. */
function nextTurn(zone: string, windows: readonly Window[], { at, offset }: Instant): number {
  const { second } = wallAt(at, offset)
  const edges = [...windows.flatMap(({ from, to }) => [from, to]), DAY]
  const next = Math.min(...edges.filter((edge) => edge > second))
  const whole = Math.floor(at / 1000)
  return 1000 * changeWithin(zone, { at: whole, offset }, whole + next - second)
}

/** The first second up to the last one at which the clocks show another offset; the last when they never do. */
function changeWithin(zone: string, { at, offset }: Instant, last: number): number {
  if (zoneOffset(zone, last) === offset) return last
  let [low, high] = [at, last]
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2)
    if (zoneOffset(zone, middle) === offset) low = middle
    else high = middle
  }
  return high
}

function invalid(expected: string): PolicyError {
  return new PolicyError('VALUE_INVALID', `expected ${expected}`)
}
